"""Rights and keys of sweeps: places below read what is asked of them; a list moves with its households and is frozen when the sweep is over."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

# Places below the one that leads a sweep read it.
BELOW = f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"
# The village where a household stays sees its entry as well as the one that manages the household.
STAY = RANGE.replace("area", "residence_area")
SEEN = f"({RANGE}) or ({STAY})"


def tie(table: str, column: str, parent: str) -> str:
    return (
        f"alter table {table} add constraint {table}_{column}_area foreign key ({column}, area) references {parent} (id, area)"
        " on update cascade deferrable initially deferred"
    )


FROZEN = """
create function doudi.sweep_is_frozen() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from discovery_sweep where id = new.sweep_id and state <> 'open') then
    raise exception 'sweep % is over', new.sweep_id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger sweep_entry_frozen before insert or update on discovery_sweepentry for each row execute function doudi.sweep_is_frozen();

create function doudi.sweep_answer_is_frozen() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare entry bigint := case when tg_op = 'DELETE' then old.entry_id else new.entry_id end;
begin
  if exists (select from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id where e.id = entry and s.state <> 'open') then
    raise exception 'the sweep of entry % is over', entry using errcode = 'check_violation';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;
create trigger sweep_answer_frozen before insert or delete on discovery_sweepanswer for each row execute function doudi.sweep_answer_is_frozen();

create function doudi.sweep_stays_over() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  raise exception 'sweep % is over', old.id using errcode = 'check_violation';
end $$;
create trigger sweep_frozen before update on discovery_sweep for each row when (old.state <> 'open') execute function doudi.sweep_stays_over();
"""

MOVES = """
create function doudi.sweep_entry_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update discovery_sweepentry e set area = new.area, residence_area = null, posting_id = null, given = false
  from discovery_sweep s where e.household_id = new.id and s.id = e.sweep_id and s.state = 'open'
    and exists (select from discovery_sweepplace p where p.sweep_id = s.id and starts_with(new.area, p.area));
  update discovery_sweepentry e set state = 'left', version = e.version + 1
  from discovery_sweep s where e.household_id = new.id and s.id = e.sweep_id and s.state = 'open' and e.state in ('listed', 'absent')
    and not exists (select from discovery_sweepplace p where p.sweep_id = s.id and starts_with(new.area, p.area));
  return null;
end $$;
create trigger sweep_entry_moves after update of area on registry_household for each row when (old.area is distinct from new.area)
  execute function doudi.sweep_entry_moves();
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0014_sweeps"), ("registry", "0003_moves")]
    operations = [
        Protect("discovery_sweep", update=["ends", "state", "version", "closed_by_id", "closed_at", "reason"], read=BELOW),
        Protect("discovery_sweepplace", read=BELOW),
        Protect("discovery_sweepquestion", read=BELOW),
        Protect(
            "discovery_sweepentry",
            update=[
                "residence_area",
                "posting_id",
                "given",
                "state",
                "version",
                "met",
                "attempts",
                "done_at",
                "received_at",
                "recorder_id",
                "visit_id",
                "lead_id",
                "result",
            ],
            read=SEEN,
            write=SEEN,
        ),
        Protect("discovery_sweepanswer", delete=True, read=SEEN, write=SEEN),
        Protect("discovery_sweepconflict", update=["replaced", "state", "resolver_id", "resolved_at"], read=SEEN, write=SEEN),
        Protect("discovery_sweepevent", read=SEEN, write=SEEN),
        migrations.RunSQL(
            [
                "alter table discovery_sweepentry add constraint discovery_sweepentry_id_area unique (id, area)",
                tie("discovery_sweepanswer", "entry_id", "discovery_sweepentry"),
                tie("discovery_sweepconflict", "entry_id", "discovery_sweepentry"),
                tie("discovery_sweepevent", "entry_id", "discovery_sweepentry"),
                FROZEN,
                MOVES,
            ],
            migrations.RunSQL.noop,
        ),
    ]
