"""Guards of complaints: the officer complained about sees nothing of it; states go one way; what was closed stays."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

NOT_ABOUT_ME = "(about_account_id is null or about_account_id::text <> coalesce(current_setting('app.account', true), ''))"
OF_VISIBLE = "exists (select from complaints_complaint c where c.id = complaint_id)"

GUARDS = """
create sequence doudi.complaint_number as bigint;
grant usage on sequence doudi.complaint_number to doudi_app;
create function doudi.complaint_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in (
      'new>assigned', 'assigned>in_progress', 'in_progress>on_hold', 'on_hold>in_progress', 'in_progress>for_approval', 'for_approval>in_progress',
      'for_approval>closed', 'closed>reopened', 'reopened>assigned', 'reopened>in_progress', 'in_progress>assigned', 'on_hold>assigned',
      'new>for_approval', 'assigned>for_approval', 'on_hold>for_approval', 'reopened>for_approval') then
    raise exception 'a complaint does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if step in ('new>for_approval', 'assigned>for_approval', 'on_hold>for_approval', 'reopened>for_approval') and new.mass_id is null then
    raise exception 'only a mass close takes complaints that nobody handles' using errcode = 'check_violation';
  end if;
  if (old.number, old.uuid, old.kind, old.channel, old.content, old.opened_by_id, old.opened_at, old.household_id, old.decision_id, old.about_account_id)
     is distinct from (new.number, new.uuid, new.kind, new.channel, new.content, new.opened_by_id, new.opened_at, new.household_id, new.decision_id, new.about_account_id) then
    raise exception 'what was complained about stays as it was taken down' using errcode = 'check_violation';
  end if;
  if old.state = 'closed' and new.state = 'closed' and (to_jsonb(old) - 'area' - 'area_then') is distinct from (to_jsonb(new) - 'area' - 'area_then') then
    raise exception 'a closed complaint stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger complaint_moves_on before update on complaints_complaint for each row execute function doudi.complaint_moves_on();
"""


class Migration(migrations.Migration):
    dependencies = [("complaints", "0001_initial"), ("core", "0002_protect"), ("registry", "0002_guards")]
    operations = [
        Protect(
            "complaints_complaint",
            read=f"{RANGE} and {NOT_ABOUT_ME}",
            update=[
                "state", "handler_id", "due", "hold_reason", "hold_until", "held_on", "escalated", "escalated_on", "finding", "action", "department",
                "answer", "mass_id", "proposed_by_id", "proposed_at", "closed_by_id", "closed_at", "reopened", "version",
            ],
        ),
        Protect("complaints_massclose", update=["state", "decided_by_id", "decided_at", "note"]),
        Protect("complaints_complainant", read=f"{RANGE} and {OF_VISIBLE}"),
        Protect("complaints_complaintevent", read=f"{RANGE} and {OF_VISIBLE}"),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
