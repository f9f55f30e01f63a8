"""Guards of 0003's table, and a benefit status that adds up: the shares of an award's members sum to its amount to the fen,
and a member whose share changed stands once."""

from django.db import migrations

from doudi.core.grants import Protect

STATUS = """
create or replace function doudi.refresh_benefit_status(p_awards bigint[]) returns void language plpgsql security definer
set search_path = doudi, pg_temp as $$
begin
  delete from registry_benefitstatus where award_id = any(p_awards);
  insert into registry_benefitstatus (person_id, area, household_id, award_id, programme, starts, ends, amount, band, state)
  select s.person_id, p.area, s.household_id, s.award_id, s.programme, s.starts, s.ends,
         coalesce(s.share, round(s.amount / s.members, 2)
           + case when s.place = 1 then s.amount - s.members * round(s.amount / s.members, 2) else 0 end),
         s.band, case when s.suspended then 'suspended' else 'active' end
  from (
    select l.*, count(*) over (partition by l.award_id) members, row_number() over (partition by l.award_id order by l.person_id) place
    from (
      select distinct on (a.id, m.person_id) a.id award_id, a.household_id, a.programme, a.suspended, x.amount, m.person_id, m.share, m.band, m.ends,
             min(m.starts) over (partition by a.id, m.person_id) starts
      from enrolment_award a
      join enrolment_awardmember m on m.award_id = a.id and not m.void
      left join lateral (select y.amount from enrolment_awardamount y where y.award_id = a.id order by y.from_month desc limit 1) x on true
      where a.id = any(p_awards) and not a.void
      order by a.id, m.person_id, m.starts desc
    ) l
  ) s
  join registry_person p on p.id = s.person_id;
end $$;
revoke execute on function doudi.refresh_benefit_status(bigint[]) from public;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0003_person_and_events"), ("enrolment", "0002_guards")]
    operations = [
        Protect("enrolment_awardevent"),
        migrations.RunSQL(STATUS, migrations.RunSQL.noop),
    ]
