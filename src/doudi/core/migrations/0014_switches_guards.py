"""Rights and look-up of switched measures: seen like the emergency that they belong to; decided by who acts, once."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

PLACE = "exists (select from core_emergencyplace p where p.emergency_id = core_emergencyswitch.emergency_id)"
FUNCTIONS = """
create function doudi.emergency_switch_decide() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state = 'proposed' then
    if new.decided_by_id is distinct from nullif(current_setting('app.account', true), '')::bigint or new.ends is distinct from old.ends then
      raise exception 'a switch is decided by who acts' using errcode = '23514';
    end if;
  elsif new.state <> old.state or new.decided_by_id is distinct from old.decided_by_id or old.ends is not null or old.state <> 'confirmed' then
    raise exception 'a switch is decided once' using errcode = '23514';
  end if;
  return new;
end $$;
create trigger emergency_switch_decide before update on core_emergencyswitch for each row execute function doudi.emergency_switch_decide();
create function doudi.switched_areas(p_measure text, p_from date, p_to date) returns setof text
language sql stable set search_path = doudi, pg_temp as $$
  select p.area from core_emergencyplace p
  join core_emergencyswitch s on s.emergency_id = p.emergency_id and s.state = 'confirmed' and s.what = 'on' and s.measure = p_measure
  where p.active and greatest(p.starts, s.starts) <= p_to and least(coalesce(p.ends, 'infinity'), coalesce(s.ends, 'infinity')) > greatest(p.starts, s.starts, p_from)
$$;
grant execute on function doudi.switched_areas(text, date, date) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0013_switches")]
    operations = [
        Protect(
            "core_emergencyswitch",
            update=["state", "decided_by_id", "decided_at", "decision_note", "ends"],
            read=f"({RANGE}) or {PLACE}",
            write=RANGE,
        ),
        migrations.RunSQL(
            [
                "alter table core_emergencyswitch add constraint emergencyswitch_emergency_area foreign key (emergency_id, area)"
                " references core_emergency (id, area) on update cascade deferrable initially deferred",
                FUNCTIONS,
            ],
            migrations.RunSQL.noop,
        ),
    ]
