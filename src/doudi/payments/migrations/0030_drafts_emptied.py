"""A draft is emptied by plans made when it is: the server may have seen its month last when it was empty, and would then go through the month once for each
line. Months of lines whose award has other members now are found without an index, so never line by line."""

from django.db import migrations

DELETED = """
create or replace function doudi.line_deleted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp set enable_nestloop = on as $$
declare own record; gone bigint;
begin
  perform 1 from payments_payroll where id in (select distinct payroll_id from old_lines) order by id for share;
  select coalesce(bool_or(p.state <> 'draft'), false) as signed, sum(k.members) as paid, min(k.first) as first, max(k.last) as last, sum(k.lines) as lines into own
    from (select payroll_id, count(*) as lines, sum(members) filter (where kind = 'regular') as members, min(month_entitled) filter (where kind = 'regular') as first,
            max(month_entitled) filter (where kind = 'regular') as last from old_lines group by 1) k
    join payments_payroll p on p.id = k.payroll_id;
  if own.signed then
    raise exception 'a line that left the draft stays' using errcode = 'check_violation';
  end if;
  if own.paid is null then return null; end if;
  -- few lines by key, many at once
  if own.lines > 5000 then perform set_config('enable_nestloop', 'off', true); end if;
  execute 'delete from payments_paidmonth p using old_lines o join enrolment_awardmember m on m.award_id = o.entitlement_id
   where o.kind = ''regular'' and p.person_id = m.person_id and p.grp = m.grp and p.month = o.month_entitled and p.line_id = o.id
     and p.month >= $1 and p.month <= $2' using own.first, own.last;
  get diagnostics gone = row_count;
  if gone <> own.paid then
    perform set_config('enable_nestloop', 'off', true);
    execute 'delete from payments_paidmonth p using old_lines o where o.kind = ''regular'' and p.line_id = o.id and p.month = o.month_entitled
      and p.month >= $1 and p.month <= $2' using own.first, own.last;
  end if;
  return null;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0029_months_left_open")]
    operations = [migrations.RunSQL(DELETED, migrations.RunSQL.noop)]
