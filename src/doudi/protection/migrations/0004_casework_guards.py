"""Rights on what belongs to a case: seen with the case alone; counselling and reporters by fewer duties still (5.4)."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

DUTY = "current_setting('app.duty', true)"
OF_VISIBLE = f"{RANGE} and exists (select from protection_protectioncase c where c.id = case_id)"
SUPERVISING = "'county_approver', 'supervisor', 'worker'"
OF_MIND = f"{OF_VISIBLE} and {DUTY} in ('protection_worker', 'station_worker', {SUPERVISING})"
REPORTS = f"{RANGE} and {DUTY} in ('protection_worker', 'child_supervisor', {SUPERVISING}) and (case_id is null or exists (select from protection_protectioncase c where c.id = case_id))"

GUARDS = """
create sequence doudi.protection_receipt as bigint;
grant usage on sequence doudi.protection_receipt to doudi_app;
-- The village of a case that was opened for a county or township: everything of it goes along, within its own place alone.
create function doudi.protection_place(p_case bigint, p_area text) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare here text; part text;
begin
  select area into here from protection_protectioncase
  where id = p_case and area >= current_setting('app.lo', true) and area < current_setting('app.hi', true) for update;
  if here is null or length(p_area) <= length(here) or not starts_with(p_area, here) or p_area < current_setting('app.lo', true)
     or p_area >= current_setting('app.hi', true) or not exists (select from core_division where code = p_area and ends is null) then
    raise exception 'a case is placed within its own place alone' using errcode = 'check_violation';
  end if;
  update protection_protectioncase set area = p_area where id = p_case;
  for part in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'doudi' and c.relkind = 'r' and starts_with(c.relname::text, 'protection_')
      and (select count(*) from pg_attribute a where a.attrelid = c.oid and a.attname in ('case_id', 'area') and not a.attisdropped) = 2
    order by c.relname
  loop
    execute format('update %I set area = $1 where case_id = $2 and area = $3', part) using p_area, p_case, here;
  end loop;
  update core_todo set area = p_area where subject = 'protection_case' and subject_id = p_case and area = here and done_at is null;
end $$;
grant execute on function doudi.protection_place(bigint, text) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("protection", "0003_casework")]
    operations = [
        Protect("protection_casegap", read=OF_VISIBLE, write=OF_VISIBLE, update=["ends", "ended_by_id", "how"]),
        Protect("protection_sectionversion", read=OF_VISIBLE, write=OF_VISIBLE),
        Protect("protection_caseassessment", read=OF_VISIBLE, write=OF_VISIBLE),
        Protect("protection_plangoal", read=OF_VISIBLE, write=OF_VISIBLE, update=["due", "state", "closed_at", "note", "version"]),
        Protect(
            "protection_planservice",
            read=OF_VISIBLE,
            write=OF_VISIBLE,
            update=["responsible_id", "provider", "due", "state", "progress", "changed_at", "closed_at", "version"],
        ),
        Protect(
            "protection_casecontact",
            read=OF_VISIBLE,
            write=OF_VISIBLE,
            update=["uuid", "state", "due", "done_at", "recorder_id", "how", "met", "safe", "note", "visit_id"],
        ),
        Protect(
            "protection_casereview",
            read=OF_VISIBLE,
            write=OF_VISIBLE,
            update=["at", "place", "members", "agenda", "state", "minutes", "resolution", "resolved", "held_by_id", "version"],
        ),
        Protect("protection_counselling", read=OF_MIND, write=OF_MIND),
        Protect("protection_caseresource", read=OF_VISIBLE, write=OF_VISIBLE, update=["ends", "result", "version"]),
        Protect("protection_report", read=REPORTS, write=REPORTS, update=["state", "case_id", "settled_at", "settled_by", "note"]),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
