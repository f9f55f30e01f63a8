"""Guards of applications and cases: open work moves with its household, a decision waits for its case, what differs from the law has a second signature."""

from django.db import migrations

from doudi.core.grants import Protect

KEYS = [
    "alter table enrolment_application add constraint enrolment_application_household_area foreign key (moves_with, area)"
    " references registry_household (id, area) on update cascade deferrable initially deferred",
    *(
        f"alter table enrolment_{table} add constraint enrolment_{table}_household_area foreign key (household_id, area)"
        " references registry_household (id, area) on update cascade deferrable initially deferred"
        for table in ("document", "authorisation", "relative")
    ),
    *(
        f"alter table enrolment_{table} add constraint enrolment_{table}_application_area foreign key (application_id, area)"
        " references enrolment_application (id, area) on update cascade deferrable initially deferred"
        for table in ("case", "datacheck", "householdvisit")
    ),
    *(
        f"alter table enrolment_{table} add constraint enrolment_{table}_case_area foreign key (case_id, area)"
        " references enrolment_case (id, area) on update cascade deferrable initially deferred"
        for table in ("casestep", "caseevent", "publicity", "objection")
    ),
]

WAITS = """
create function doudi.decision_waits() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if exists (select from enrolment_case c where c.decision_id = new.id and (c.step <> 'approval' or c.state <> 'open')) then
    raise exception 'the case is not at its approval' using errcode = 'check_violation', constraint = 'decision_waits';
  end if;
  if new.differs and new.kind <> 'stop' and new.signed_by_id is null then
    raise exception 'a second signature is missing' using errcode = 'check_violation', constraint = 'decision_signed';
  end if;
  return new;
end $$;
create trigger decision_waits before update on enrolment_decision for each row
  when (new.state = 'approved' and old.state = 'proposed') execute function doudi.decision_waits();
"""

# A case keeps the way it began with; its applicant, household, programme and person never change.
KEEPS = """
create function doudi.case_keeps() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.outcome <> '' and new.outcome is distinct from old.outcome then
    raise exception 'a case that has its outcome keeps it' using errcode = 'check_violation', constraint = 'case_outcome_kept';
  end if;
  return new;
end $$;
create trigger case_keeps before update on enrolment_case for each row execute function doudi.case_keeps();
"""

# Where a household moves, what the old side only proposed is taken back; the new side gives its own opinion. Papers and to-dos go along.
MOVES = """
create function doudi.decisions_end_at_move() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update enrolment_decision set state = 'withdrawn', decided_at = now(), decision_note = '家庭已转出，由转入地重新提出', version = version + 1
   where household_id = new.id and area = old.area and state = 'proposed';
  return null;
end $$;
create trigger decisions_end_at_move after update of area on registry_household for each row
  when (old.area is distinct from new.area) execute function doudi.decisions_end_at_move();

create function doudi.case_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update core_todo set area = new.area where subject = 'case' and subject_id = new.id and done_at is null;
  insert into enrolment_caseevent (area, case_id, at, what) values (new.area, new.id, now(), '家庭转入本地，继续办理');
  if new.outcome = '' and exists (select from enrolment_casestep s where s.case_id = new.id and s.step = 'opinion' and s.state = 'done') then
    update enrolment_casestep set state = 'void' where case_id = new.id and step in ('opinion', 'federation', 'publicity', 'objection', 'approval') and state <> 'void';
    update enrolment_publicity set state = 'stopped', closed_at = now() where case_id = new.id and state = 'running';
    update core_todo set done_at = now() where subject = 'case' and subject_id = new.id and done_at is null;
    update enrolment_case set step = 'opinion', duty = 'township_officer', decision_id = null, amount = null, version = version + 1 where id = new.id;
    insert into enrolment_casestep (area, case_id, step, state, duty, opened_on, due, paused_days, data)
      values (new.area, new.id, 'opinion', 'open', 'township_officer', current_date, coalesce(new.due, current_date), 0, '{}');
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
      values (new.area, 'township_officer', 'case.opinion', '转入家庭的救助申请：重新提出初审意见', '/enrolment/cases/' || new.id || '/', 'case', new.id, new.due, now());
  end if;
  return null;
end $$;
create trigger case_moves after update of area on enrolment_case for each row
  when (old.area is distinct from new.area) execute function doudi.case_moves();

create function doudi.files_move() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update core_attachment set area = new.area where subject = tg_argv[0] and subject_id = new.id;
  return null;
end $$;
create trigger files_move after update of area on enrolment_document for each row
  when (old.area is distinct from new.area) execute function doudi.files_move('document');
create trigger files_move after update of area on enrolment_authorisation for each row
  when (old.area is distinct from new.area) execute function doudi.files_move('authorisation');
create trigger files_move after update of area on enrolment_householdvisit for each row
  when (old.area is distinct from new.area) execute function doudi.files_move('household_visit');
create trigger files_move after update of area on enrolment_publicity for each row
  when (old.area is distinct from new.area) execute function doudi.files_move('publicity');
"""

HERE = """
create trigger household_is_here after insert on enrolment_application referencing new table as new_rows
  for each statement execute function doudi.household_is_here();
create trigger household_is_here after insert on enrolment_case referencing new table as new_rows
  for each statement execute function doudi.household_is_here();
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0007_applications"), ("registry", "0003_moves"), ("core", "0010_messages_protect")]
    operations = [
        Protect("enrolment_application", update=["moves_with", "supplements", "supplements_due", "accepted_papers", "wish", "version"]),
        Protect(
            "enrolment_case",
            update=["step", "state", "outcome", "duty", "due", "decide_by", "paused_on", "decision_id", "amount", "closed_at", "version"],
        ),
        Protect("enrolment_casestep", update=["state", "due", "paused_days", "done_at", "done_by_id", "data"]),
        Protect("enrolment_caseevent"),
        Protect("enrolment_document", update=["valid_until", "removed_at"]),
        Protect("enrolment_authorisation", update=["ended_on"]),
        Protect("enrolment_relative", update=["ended_at"]),
        Protect(
            "enrolment_datacheck",
            update=["state", "task_id", "report", "digest", "ready_at", "result", "note", "concluded_by_id", "concluded_at"],
        ),
        Protect("enrolment_householdvisit"),
        Protect("enrolment_publicity", update=["state", "closed_at"]),
        Protect("enrolment_objection", update=["state", "answer", "settled_by_id", "settled_at"]),
        Protect(
            "enrolment_decision",
            update=["state", "decided_by_id", "decided_at", "decision_note", "signed_by_id", "signed_at", "version"],
        ),
        migrations.RunSQL(["grant usage on sequence enrolment_application_id_seq to doudi_app", *KEYS, WAITS, KEEPS, MOVES, HERE], migrations.RunSQL.noop),
    ]
