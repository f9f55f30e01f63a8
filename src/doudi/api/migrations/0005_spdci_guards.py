"""Rights on the social registry interface. Partners and purposes of the places above are read too: a township notes consent for the province's partner."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ABOVE = f"({RANGE}) or (coalesce(current_setting('app.lo', true), '') <> '' and starts_with(current_setting('app.lo', true), area))"
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
  get diagnostics gone = row_count;
  return total + gone;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0004_spdci")]
    operations = [
        Protect("api_spdcipartner", update=["sender_id", "key_id", "public_key", "callback_url", "version"], read=ABOVE),
        Protect("api_spdcipurpose", update=["ended_at"], read=ABOVE),
        Protect("api_spdciconsent", update=["withdrawn_at", "withdrawn_by_id"]),
        Protect("api_spdcimessage", update=["outcomes"]),
        Protect("api_spdcisubscription", update=["looked_at", "digest", "told_at", "told", "ended_at"]),
        Protect("api_spdcicallback", update=["state", "attempts", "next_at", "error", "sent_at", "message"]),
        migrations.RunSQL(
            ["alter table api_spdcipartner add constraint spdci_public_key_whole check (octet_length(public_key) = 32)", FORGET], migrations.RunSQL.noop
        ),
    ]
