"""After a move no month stays unpaid: where the old area's time ran out before the new award was decided, the new one begins where the old one ended."""

from django.db import migrations

SUCCEED = """
create or replace function doudi.succeed_awards(p_people bigint[], p_group smallint, p_start date) returns date
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_awards bigint[]; v_gap date; s date;
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
  -- the months since an award that nobody ended: only the time after the move ran out; who was refused here since then begins anew
  select max(a.ends) into v_gap from enrolment_award a
  where a.id = any(v_awards) and a.ends < p_start and a.gradual_exit_start is null
    and exists (select from core_todo t where t.kind = 'move.award' and t.subject = 'award' and t.subject_id = a.id and t.done_at is null)
    and not exists (select from enrolment_decision d where d.award_id = a.id and d.kind = 'stop' and d.state = 'approved');
  if exists (select from enrolment_awardmember m where m.person_id = any(p_people) and m.grp = p_group and not m.void
             and not m.award_id = any(v_awards) and (m.ends is null or m.ends > v_gap)) then
    v_gap := null;
  end if;
  update core_todo set done_at = now(), done_by_id = nullif(current_setting('app.account', true), '')::bigint
   where kind like 'move.award%' and subject = 'award' and subject_id = any(v_awards) and done_at is null;
  select array_agg(id) into v_awards from enrolment_award where id = any(v_awards) and (ends is null or ends > p_start);
  if v_awards is null then return coalesce(v_gap, p_start); end if;
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
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_bank_files_guards"), ("enrolment", "0015_payees_guards")]
    operations = [migrations.RunSQL(SUCCEED, migrations.RunSQL.noop)]
