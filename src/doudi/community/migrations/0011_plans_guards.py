"""Guards of service plans and of counselling: what was approved and frozen stays; what was said to a counsellor two people read."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ME = "nullif(current_setting('app.account', true), '')::bigint"
DUTY = "current_setting('app.duty', true)"
# Whoever books: they see that there is a session, not what was said.
BOOKS = f"{DUTY} in ('station_worker', 'township_officer', 'child_supervisor', 'worker')"
SESSIONS = f"{RANGE} and ({BOOKS} or counsellor_id = {ME} or supervisor_id = {ME} or asked_by_id = {ME})"
NOTES = f"{RANGE} and exists (select from community_counsellingsession s where s.id = session_id and {ME} in (s.counsellor_id, s.supervisor_id))"

KEYS = [
    *[
        f"alter table community_{table} add constraint community_{table}_area foreign key ({column}, area) references community_{parent} (id, area)"
        " on update cascade deferrable initially deferred"
        for table, column, parent in (
            ("planitem", "plan_id", "planversion"), ("activation", "plan_id", "planversion"), ("activationstep", "activation_id", "activation"),
            ("activationperson", "activation_id", "activation"), ("activationcheck", "entry_id", "activationperson"),
            ("counsellingnote", "session_id", "counsellingsession"),
        )
    ],
    "alter table community_counsellingsession add constraint community_counsellingsession_person_area foreign key (person_id, area)"
    " references registry_person (id, area) on update cascade deferrable initially deferred",
]  # fmt: skip

GUARDS = """
create function doudi.plan_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if (old.state || '>' || new.state) not in ('draft>draft', 'draft>submitted', 'submitted>draft', 'submitted>approved', 'approved>replaced') then
    raise exception 'a plan does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger plan_stays before update on community_planversion for each row execute function doudi.plan_stays();

create function doudi.plan_items_of_drafts() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare row record;
begin
  row := case when tg_op = 'DELETE' then old else new end;
  if not exists (select from community_planversion p where p.id = row.plan_id and p.state = 'draft') then
    raise exception 'only a draft is changed' using errcode = 'check_violation';
  end if;
  return row;
end $$;
create trigger plan_items_of_drafts before insert or delete on community_planitem for each row execute function doudi.plan_items_of_drafts();

-- Numbers for readers who do not see the sessions; within the reader's own range.
create function doudi.counselling_figures(p_since timestamptz) returns table (waiting bigint, booked bigint, held bigint, follow_up bigint)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select count(*) filter (where state = 'asked'), count(*) filter (where state = 'booked'), count(*) filter (where state = 'held' and closed_at >= p_since),
    count(*) filter (where state = 'held' and follow_up is not null and not exists (select from community_counsellingsession n where n.follows_id = s.id))
  from community_counsellingsession s where area >= current_setting('app.lo', true) and area < current_setting('app.hi', true)
$$;
revoke execute on function doudi.counselling_figures(timestamptz) from public;
grant execute on function doudi.counselling_figures(timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("community", "0010_plans"), ("registry", "0003_moves")]
    operations = [
        Protect("community_planversion", update=["state", "submitted_by_id", "submitted_at", "decided_by_id", "decided_at", "note", "version"]),
        Protect("community_planitem", delete=True),
        Protect("community_activation", update=["state", "ends", "visit_plans", "people", "ended_by_id", "ended_at", "end_reason", "review", "reviewed_by_id", "reviewed_at", "version"]),
        Protect("community_activationstep", update=["done_by_id", "done_at", "note"]),
        Protect("community_activationperson", update=["due", "last_on", "last_outcome"]),
        Protect("community_activationcheck"),
        Protect(
            "community_counsellingsession", read=SESSIONS,
            update=["state", "counsellor_id", "supervisor_id", "way", "starts", "ends", "follow_up", "closed_at", "reason", "version"],
        ),
        Protect("community_counsellingnote", read=NOTES, write=NOTES),
        migrations.RunSQL([*KEYS, GUARDS], migrations.RunSQL.noop),
    ]  # fmt: skip
