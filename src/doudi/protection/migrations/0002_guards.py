"""Guards of protection cases: narrower than area, held by the database (5.4)."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ME = "nullif(current_setting('app.account', true), '')::bigint"
DUTY = "current_setting('app.duty', true)"
SUPERVISES = f"{DUTY} in ('child_supervisor', 'county_approver', 'supervisor', 'worker')"
# The assigned; their supervisors; while it waits, the county's protection workers and whoever reported it.
SEES = (
    f"{RANGE} and ({SUPERVISES}"
    f" or exists (select from protection_caseassignment a where a.case_id = protection_protectioncase.id and a.account_id = {ME} and a.ends is null)"
    f" or (state = 'intake' and ({DUTY} = 'protection_worker' or opened_by_id = {ME})))"
)
OF_VISIBLE = f"{RANGE} and exists (select from protection_protectioncase c where c.id = case_id)"
# Not through the case: its own policy asks here.
ASSIGNMENTS = f"{RANGE} and ({SUPERVISES} or account_id = {ME} or {DUTY} = 'protection_worker')"

GUARDS = """
create sequence doudi.protection_number as bigint;
grant usage on sequence doudi.protection_number to doudi_app;
create function doudi.protection_case_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in (
      'intake>assessing', 'assessing>following', 'intake>closed', 'assessing>closed', 'following>closed', 'closed>assessing', 'following>assessing',
      'assessing>moved', 'following>moved') then
    raise exception 'a case does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if (old.number, old.uuid, old.source, old.source_id, old.reported, old.opened_by_id, old.opened_at)
     is distinct from (new.number, new.uuid, new.source, new.source_id, new.reported, new.opened_by_id, new.opened_at) then
    raise exception 'what was reported stays as it was taken down' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger protection_case_moves_on before update on protection_protectioncase for each row execute function doudi.protection_case_moves_on();
"""


class Migration(migrations.Migration):
    dependencies = [("protection", "0001_initial"), ("core", "0002_protect"), ("registry", "0002_guards")]
    operations = [
        Protect("protection_caseassignment", read=ASSIGNMENTS, update=["ends"]),
        Protect(
            "protection_protectioncase",
            read=SEES,
            update=[
                "person_id", "household_id", "token", "name", "sex", "birth_date", "category", "urgency", "level", "state", "contacted_at", "unattended_from",
                "responsible_id", "review_due", "closed_by_id", "closed_at", "close_reason", "reopened", "version",
            ],
        ),
        Protect("protection_casesection", read=OF_VISIBLE, write=OF_VISIBLE, update=["content", "version", "edited_by_id", "edited_at"]),
        Protect("protection_caseevent", read=OF_VISIBLE, write=OF_VISIBLE),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
