"""The dead of a household move along with it: their membership bears the household's area, and their person must bear the same."""

from django.db import migrations

MOVE = """
grant create on schema doudi to doudi_move;
set role doudi_move;
create or replace function doudi.move_household(p_request bigint, p_now timestamptz, p_months int) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare r registry_moverequest; v_last date;
begin
  select * into r from registry_moverequest where id = p_request and released_by is not null and refused_reason = '' and done_at is null for update;
  if not found then raise exception 'not asked for and released' using errcode = 'insufficient_privilege'; end if;
  update registry_household set area = r.to_area where id = r.household_id and area = r.from_area;
  if not found then raise exception 'the household is not there any more' using errcode = 'no_data_found'; end if;
  update registry_person p set area = r.to_area
   where p.area = r.from_area and p.id in (select m.person_id from registry_membership m
                                           where m.household_id = r.household_id and (m.ends is null or m.ends > p_now::date or p.died_on is not null));
  -- the old area goes on paying, a few months at most, until the new area's award starts
  v_last := (r.first_month + make_interval(months => p_months))::date;
  update enrolment_awardmember m set ends = least(coalesce(m.ends, 'infinity'), v_last) from enrolment_award a
   where a.id = m.award_id and a.household_id = r.household_id and a.area = r.from_area and not m.void and m.starts < v_last;
  update enrolment_award set ends = least(coalesce(ends, 'infinity'), v_last)
   where household_id = r.household_id and area = r.from_area and not void and starts < v_last;
  update registry_moverequest set done_at = p_now where id = p_request;
end $$;
reset role;
revoke create on schema doudi from doudi_move;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0022_spending")]
    operations = [migrations.RunSQL(MOVE, migrations.RunSQL.noop)]
