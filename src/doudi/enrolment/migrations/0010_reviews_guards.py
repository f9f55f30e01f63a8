"""Protection of reviews and monitoring runs; a gradual exit stands in the benefit status, where the law's inputs are read."""

from django.db import migrations

from doudi.core.grants import Protect

STATUS = """
create or replace function doudi.refresh_benefit_status(p_awards bigint[]) returns void language plpgsql security definer
set search_path = doudi, pg_temp as $$
begin
  delete from registry_benefitstatus where award_id = any(p_awards);
  insert into registry_benefitstatus (person_id, area, household_id, award_id, programme, starts, ends, amount, band, state, gradual_exit_start)
  select s.person_id, p.area, s.household_id, s.award_id, s.programme, s.starts, s.ends,
         coalesce(s.share, round(s.amount / s.members, 2)
           + case when s.place = 1 then s.amount - s.members * round(s.amount / s.members, 2) else 0 end),
         s.band, case when s.suspended then 'suspended' else 'active' end, s.gradual_exit_start
  from (
    select l.*, count(*) over (partition by l.award_id) members, row_number() over (partition by l.award_id order by l.person_id) place
    from (
      select distinct on (a.id, m.person_id) a.id award_id, a.household_id, a.programme, a.suspended, a.gradual_exit_start, x.amount, m.person_id, m.share, m.band, m.ends,
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
    dependencies = [("enrolment", "0009_reviews")]
    operations = [
        Protect("enrolment_monitoringrun", update=["households", "people", "awards", "figures", "finished_at"]),
        Protect(
            "enrolment_review",
            update=[
                "cause", "changed", "suggestion", "month", "current_amount", "law_amount", "assessment_id", "digest", "run_id", "state", "due", "version",
                "decision_id", "reason", "kept_until", "decided_by_id", "decided_at", "award_id",
            ],
        ),
        migrations.RunSQL(
            [
                "grant update (gradual_exit_start) on enrolment_award to doudi_app",
                "create trigger household_is_here after insert on enrolment_review referencing new table as new_rows"
                " for each statement execute function doudi.household_is_here()",
                STATUS,
            ],
            migrations.RunSQL.noop,
        ),
    ]
