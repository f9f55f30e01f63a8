"""What is approved names who approved it: without a name the second officer could be nobody. PostgreSQL holds NaN for a number above all others, so that
`amount > 0` lets it pass: no entitlement is of such an amount. Who was to become a member only after an award's
end never is: left there, it would keep the person from any other award afterwards."""

from django.conf import settings
from django.db import migrations, models

NUMBERS = """
alter table enrolment_awardamount add constraint award_amount_number check (amount < 'NaN');
alter table enrolment_awardmember add constraint award_member_number check (share < 'NaN');
alter table enrolment_decision add constraint decision_number check (amount < 'NaN');
"""
NUMBERS_OFF = """
alter table enrolment_awardamount drop constraint award_amount_number;
alter table enrolment_awardmember drop constraint award_member_number;
alter table enrolment_decision drop constraint decision_number;
"""
# A change decided for a later month than the stop that came after it.
NEVER = """
create function doudi.award_ends_before() returns trigger language plpgsql security definer set search_path = doudi, pg_temp set enable_nestloop = on as $$
begin
  if exists (select from new_rows n join old_rows o on o.id = n.id where n.ends < coalesce(o.ends, 'infinity')) then
    delete from enrolment_awardmember m using new_rows n where m.award_id = n.id and m.starts >= n.ends;
  end if;
  return null;
end $$;
create trigger award_ends_before after update on enrolment_award referencing old table as old_rows new table as new_rows
  for each statement execute function doudi.award_ends_before();
do $$
declare v_awards bigint[];
begin
  select array_agg(distinct a.id) into v_awards from enrolment_award a join enrolment_awardmember m on m.award_id = a.id where m.starts >= a.ends and not a.void;
  delete from enrolment_awardmember m using enrolment_award a where a.id = any(v_awards) and m.award_id = a.id and m.starts >= a.ends;
  if v_awards is not null then perform doudi.refresh_benefit_status(v_awards); end if;
end $$;
"""
NEVER_OFF = "drop trigger award_ends_before on enrolment_award; drop function doudi.award_ends_before()"


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0025_members_end_with_award"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "approved"), _negated=True) | models.Q(("decided_by__isnull", False)), name="decision_approved_by_somebody"
            ),
        ),
        migrations.RunSQL(NUMBERS, NUMBERS_OFF),
        migrations.RunSQL(NEVER, NEVER_OFF),
    ]
