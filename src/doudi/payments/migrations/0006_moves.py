"""A move with an award running: the old area goes on paying people whom it no longer sees, and the new area's award begins where the old one ends."""

from django.db import migrations

PEOPLE = """
-- Who holds awards of the acting scope and is managed elsewhere since a move: what a payroll line says of them, nothing more.
create function doudi.moved_people() returns table (id bigint, name text, token uuid, died_on date)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct p.id, p.name::text, p.token, p.died_on
  from registry_moverequest r
  join enrolment_award a on a.household_id = r.household_id and a.area = r.from_area and not a.void
  join enrolment_awardmember m on m.award_id = a.id and not m.void
  join registry_person p on p.id = m.person_id or p.id = a.payee_id
  where r.done_at is not null and a.area >= current_setting('app.lo', true) and a.area < current_setting('app.hi', true)
    and not (p.area >= current_setting('app.lo', true) and p.area < current_setting('app.hi', true))
$$;
revoke execute on function doudi.moved_people() from public;
grant execute on function doudi.moved_people() to doudi_app;
"""

# Called by the new area's approval, for people whom it manages: the first month that its award can pay, and the old one ends there.
SUCCEED = """
drop function doudi.succeed_award(bigint, smallint, date);
create function doudi.succeed_awards(p_people bigint[], p_group smallint, p_start date) returns date
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_awards bigint[]; s date;
begin
  -- awards from before the last moves of these people, who are managed within the acting scope now
  select array_agg(distinct m.award_id) into v_awards
  from enrolment_awardmember m
  join enrolment_award a on a.id = m.award_id and not a.void
  join registry_person p on p.id = m.person_id and p.area <> m.area
    and p.area >= current_setting('app.lo', true) and p.area < current_setting('app.hi', true)
  where m.person_id = any(p_people) and m.grp = p_group and not m.void
    and exists (select from registry_moverequest r where r.household_id = a.household_id and r.from_area = a.area and r.done_at is not null);
  if v_awards is null then return p_start; end if;
  update core_todo set done_at = now(), done_by_id = nullif(current_setting('app.account', true), '')::bigint
   where kind like 'move.award%' and subject = 'award' and subject_id = any(v_awards) and done_at is null;
  select array_agg(id) into v_awards from enrolment_award where id = any(v_awards) and (ends is null or ends > p_start);
  if v_awards is null then return p_start; end if;
  perform 1 from enrolment_award where id = any(v_awards) order by id for update;
  select greatest(p_start, (max(k.month) + interval '1 month')::date) into s from payments_paidmonth k
   where k.grp = p_group and k.person_id = any(p_people || array(select person_id from enrolment_awardmember where award_id = any(v_awards)));
  s := coalesce(s, p_start);
  -- an award that has not begun by then never does; the others end there, with all who hold them
  update enrolment_award set void = true where id = any(v_awards) and starts >= s;
  delete from enrolment_awardmember m using enrolment_award a where a.id = m.award_id and a.id = any(v_awards) and not a.void and m.starts >= s;
  update enrolment_awardmember set ends = s where award_id = any(v_awards) and not void and starts < s and (ends is null or ends > s);
  update enrolment_award set ends = s where id = any(v_awards) and not void and (ends is null or ends > s);
  return s;
end $$;
revoke execute on function doudi.succeed_awards(bigint[], smallint, date) from public;
grant execute on function doudi.succeed_awards(bigint[], smallint, date) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_rigid"), ("registry", "0005_moves_due")]
    operations = [migrations.RunSQL([PEOPLE, SUCCEED], migrations.RunSQL.noop)]
