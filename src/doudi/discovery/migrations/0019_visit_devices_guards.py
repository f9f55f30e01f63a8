"""Rights on visitors' phones: an account sees its own wherever it acts; whether a phone must be wiped is said to anybody who knows its identifier."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

OWN = "account_id = nullif(current_setting('app.account', true), '')::bigint"
# Answers nothing but the reason for wiping, so that a stolen phone hears it without a sign-in. The identifier is 122 random bits.
END = """
create function doudi.visit_device_end(p_device uuid, p_on date, p_stale timestamptz) returns text
language sql stable security definer set search_path = doudi, pg_temp as $$
  select case
      when d.state <> 'active' then d.state
      when p.ends <= p_on or not a.is_active then 'ended'
      when d.synced_at < p_stale then 'stale'
    end
  from discovery_visitdevice d join core_posting p on p.id = d.posting_id join core_account a on a.id = d.account_id
  where d.id = p_device
$$;
revoke execute on function doudi.visit_device_end(uuid, date, timestamptz) from public;
grant execute on function doudi.visit_device_end(uuid, date, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0018_visit_devices")]
    operations = [
        Protect(
            "discovery_visitdevice",
            update=["label", "share", "state", "seen_at", "synced_at", "waiting", "calls", "calls_from", "closed_at", "closed_by_id", "reason"],
            read=f"({RANGE}) or {OWN}",
        ),
        migrations.RunSQL(END, migrations.RunSQL.noop),
    ]
