"""Rights and keys of API clients; the look-up by exact token, before any scope is known."""

from django.db import migrations

from doudi.core.grants import Protect

# Answers one client for the exact digest of its token, and nothing otherwise.
CLIENT_OF = """
create function doudi.api_client_of(p_digest bytea)
returns table (id bigint, area text, account_id bigint, organisation text, scopes text[], datasets text[], per_minute int, expires date, revoked boolean)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select c.id, c.area, c.account_id, c.organisation, array(select jsonb_array_elements_text(c.scopes)), array(select jsonb_array_elements_text(c.datasets)),
         c.per_minute, c.expires, c.revoked_at is not null
  from api_apiclient c where c.token_digest = p_digest
$$;
grant execute on function doudi.api_client_of(bytea) to doudi_app;
"""

# What is revoked stays so, and keeps its token: a lost token must not come back to life under another date.
REVOKED = """
create function doudi.api_client_revoked() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  raise exception 'a revoked client stays revoked' using errcode = 'check_violation';
end $$;
create trigger api_client_revoked before update of token_digest, expires, revoked_at, revoked_by_id on api_apiclient
  for each row when (old.revoked_at is not null) execute function doudi.api_client_revoked();
"""

# The application deletes nothing; old calls and answers go by this function alone, whatever day it is told.
FORGET = """
create function doudi.api_forget(p_now timestamptz) returns bigint
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare calls bigint; answers bigint;
begin
  delete from api_apicall where at < least(p_now, now()) - interval '180 days';
  get diagnostics calls = row_count;
  delete from api_apianswer where made_at < least(p_now, now()) - interval '7 days';
  get diagnostics answers = row_count;
  return calls + answers;
end $$;
grant execute on function doudi.api_forget(timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial")]
    operations = [
        Protect("api_apiclient", update=["token_digest", "token_hint", "expires", "revoked_by_id", "revoked_at", "version"]),
        Protect("api_apiclienthistoryevent"),
        Protect("api_apiusage", update=["minute", "calls", "total", "last_at"]),
        Protect("api_apicall"),
        Protect("api_apianswer", update=["status", "body"]),
        migrations.RunSQL(
            [
                "alter table api_apiclient add constraint api_client_digest_whole check (octet_length(token_digest) = 32)",
                "alter table api_apianswer add constraint api_apianswer_client_area foreign key (client_id, area)"
                " references api_apiclient (id, area) on update cascade deferrable initially deferred",
                CLIENT_OF,
                REVOKED,
                FORGET,
            ],
            migrations.RunSQL.noop,
        ),
    ]
