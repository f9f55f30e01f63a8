"""`months_paid_already` went through the lines of all months that there are, the whole province's; now through those of the months asked."""

from django.db import migrations

FORWARD = """
create or replace function doudi.months_paid_already(p_months date[]) returns table (award_id bigint, month date)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct m.award_id, p.month
  from enrolment_awardmember m join payments_paidmonth p on p.person_id = m.person_id and p.grp = m.grp
  where m.area >= current_setting('app.lo', true) and m.area < current_setting('app.hi', true) and not m.void
    and p.month = any(p_months) and m.starts <= p.month and (m.ends is null or m.ends > p.month)
    and not exists (select from payments_payrollline l where l.entitlement_id = m.award_id and l.month_entitled = p.month and l.kind = 'regular'
                    and l.month_entitled = any(p_months))
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0023_dead_move_along")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
