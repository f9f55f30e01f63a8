"""Rights, guards and look-ups of emergencies.

Whoever's area overlaps a place of an emergency sees it: the levels above by their range, those below by the beginning of their own code.
The application proposes and decides steps; only a confirmed step changes an emergency, by a trigger that belongs to the owner.
"""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

INSIDE = "active and starts_with(current_setting('app.lo', true), area)"
PLACE = "exists (select from core_emergencyplace p where p.emergency_id = {})"

FUNCTIONS = """
create function doudi.emergency_place_fill() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare e record;
begin
  select * into e from core_emergency where id = new.emergency_id for share;
  if e is null or e.state <> 'proposed' or not starts_with(new.area, e.area) then
    raise exception 'place does not belong to a proposed emergency of its area' using errcode = '23514';
  end if;
  new.kind = e.kind; new.starts = e.starts; new.ends = e.ends; new.active = false;
  return new;
end $$;
create trigger emergency_place_fill before insert on core_emergencyplace for each row execute function doudi.emergency_place_fill();

create function doudi.emergency_step_check() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare e record;
begin
  select * into e from core_emergency where id = new.emergency_id and area = new.area for update;
  if e is null
    or (new.what = 'declare') is distinct from (e.state = 'proposed')
    or new.what <> 'declare' and e.state <> 'confirmed'
    or new.what = 'declare' and new.ends is distinct from e.ends
    or new.what = 'extend' and (e.ends is null or new.ends <= e.ends)
    or new.what = 'lift' and (new.ends is null or new.ends >= e.ends) then
    raise exception 'step does not follow from the state of the emergency' using errcode = '23514';
  end if;
  return new;
end $$;
create trigger emergency_step_check before insert on core_emergencystep for each row execute function doudi.emergency_step_check();

create function doudi.emergency_step_decide() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare over boolean;
begin
  if old.state <> 'proposed' or new.state = 'proposed' then
    raise exception 'a step is decided once' using errcode = '23514';
  end if;
  if new.decided_by_id is distinct from nullif(current_setting('app.account', true), '')::bigint then
    raise exception 'a step is decided by who acts' using errcode = '23514';
  end if;
  perform from core_emergency where id = new.emergency_id for update;
  if new.state = 'confirmed' then
    -- lifted before its first day: it never was
    select new.what = 'lift' and new.ends <= e.starts into over from core_emergency e where e.id = new.emergency_id;
    if over then
      update core_emergency set state = 'withdrawn' where id = new.emergency_id;
      update core_emergencyplace set active = false where emergency_id = new.emergency_id;
    else
      update core_emergency set state = 'confirmed', ends = new.ends where id = new.emergency_id;
      update core_emergencyplace set active = true, ends = new.ends where emergency_id = new.emergency_id;
    end if;
  elsif new.what = 'declare' then
    update core_emergency set state = new.state where id = new.emergency_id;
  end if;
  return new;
end $$;
create trigger emergency_step_decide before update on core_emergencystep for each row execute function doudi.emergency_step_decide();

create function doudi.emergencies_on(p_on date) returns table (area text, emergency_id bigint, kind text)
language sql stable set search_path = doudi, pg_temp as $$
  select p.area, p.emergency_id, p.kind from core_emergencyplace p where p.active and p.starts <= p_on and (p.ends is null or p.ends > p_on)
$$;
create function doudi.emergency_divisions(p_on date) returns table (area text, kinds text[])
language sql stable set search_path = doudi, pg_temp as $$
  select d.code, array_agg(distinct p.kind::text order by p.kind::text) from core_emergencyplace p
  join core_division d on d.code >= p.area and d.code < p.area || ':'
  where p.active and p.starts <= p_on and (p.ends is null or p.ends > p_on) group by d.code
$$;
grant execute on function doudi.emergencies_on(date), doudi.emergency_divisions(date) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0007_emergencies")]
    operations = [
        Protect(
            "core_emergencyplace",
            insert=["emergency_id", "area", "area_then", "kind", "starts", "ends", "active"],
            read=f"({RANGE}) or ({INSIDE})",
            write=RANGE,
        ),
        Protect("core_emergency", read=f"({RANGE}) or {PLACE.format('core_emergency.id')}", write=f"({RANGE}) and state = 'proposed'"),
        Protect(
            "core_emergencystep",
            update=["state", "decided_by_id", "decided_at", "decision_note"],
            read=f"({RANGE}) or {PLACE.format('core_emergencystep.emergency_id')}",
            write=RANGE,
        ),
        migrations.RunSQL(
            [
                "alter table core_emergencystep add constraint emergencystep_emergency_area foreign key (emergency_id, area)"
                " references core_emergency (id, area) on update cascade deferrable initially deferred",
                "alter table core_emergencystep add constraint emergencystep_begins_open check (state <> 'proposed' or decided_by_id is null)",
                FUNCTIONS,
            ],
            migrations.RunSQL.noop,
        ),
    ]
