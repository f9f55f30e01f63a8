"""What the payroll of a county looks up is the county's own, in a province of five million awards too, and the plans of the big statements know how few
rows some answers have."""

from django.db import migrations

# An award is an entitlement of the same id: only what is none of these places' awards is looked up among all, by key.
ENTITLED = """
do $$ declare f text; was text; begin
  f := pg_get_functiondef('doudi.line_inserted'::regproc);
  was := substring(f from 'if exists \\(select from new_lines n left join enrolment_award a .*?then');
  if was is null or position('declare own record; got bigint;' in f) = 0 then raise exception 'line_inserted is not as expected'; end if;
  f := replace(f, 'declare own record; got bigint;', 'declare own record; got bigint; others bigint[];');
  execute replace(f, was, 'select array_agg(distinct n.entitlement_id) into others
    from new_lines n left join enrolment_award a on a.id = n.entitlement_id and a.area >= own.low and a.area <= own.high where a.id is null;
  if cardinality(others) > (select count(*) from enrolment_entitlement where id = any(others)) then');
end $$;
"""
# Hardly anybody has moved away or is paid elsewhere: the few rows are hashed, not the many that they meet, and found by key.
FEW = """
alter function doudi.moved_people() rows 50 set enable_nestloop = on;
alter function doudi.months_paid_already(date[]) rows 50;
alter function doudi.funds_for(text, integer) rows 20;
"""
# Lines that came back are looked for in their own months.
RETURNED = """
do $$ declare f text; begin
  f := pg_get_functiondef('doudi.return_inserted'::regproc);
  if f not like E'%$function$\nbegin\n%' or position('l.month_entitled = n.month_entitled and' in f) = 0 then raise exception 'return_inserted is not as expected'; end if;
  f := replace(f, E'$function$\nbegin\n', E'$function$\ndeclare oldest date; newest date;\nbegin\n'
    || E'  select min(month_entitled), max(month_entitled) into oldest, newest from new_rows;\n');
  execute replace(f, 'l.month_entitled = n.month_entitled and', 'l.month_entitled = n.month_entitled and l.month_entitled >= oldest and l.month_entitled <= newest and');
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0026_lines_looked_at_once")]
    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (ENTITLED, FEW, RETURNED)]
