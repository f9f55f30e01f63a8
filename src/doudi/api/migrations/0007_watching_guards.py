"""Rights on what subscriptions by condition have told; it goes when its subscription has ended."""

from django.db import migrations

from doudi.core.grants import Protect

FORGET = """
create or replace function doudi.api_forget(p_now timestamptz) returns bigint
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare old timestamptz := least(p_now, now()) - interval '180 days'; total bigint := 0; gone bigint;
begin
  delete from api_apicall where at < old;
  get diagnostics gone = row_count; total := total + gone;
  delete from api_apianswer where made_at < least(p_now, now()) - interval '7 days';
  get diagnostics gone = row_count; total := total + gone;
  delete from api_spdcimessage where made_at < old;
  get diagnostics gone = row_count; total := total + gone;
  delete from api_spdcicallback where made_at < old and state <> 'queued';
  get diagnostics gone = row_count; total := total + gone;
  delete from api_spdcimatch m using api_spdcisubscription s where s.id = m.subscription_id and s.ended_at is not null;
  get diagnostics gone = row_count;
  return total + gone;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0006_watching")]
    operations = [
        Protect("api_spdcisubscription", update=["looked_at", "digest", "told_at", "told", "ended_at", "after", "members"]),
        Protect("api_spdcicallback", update=["state", "attempts", "next_at", "error", "sent_at", "message", "changes", "recorded_at"]),
        Protect("api_spdcimatch", update=["mark", "members"], delete=True),
        migrations.RunSQL([FORGET], migrations.RunSQL.noop),
    ]
