"""Whether the funds pay for new lines was asked of every line; now of each fund, programme, county and year once."""

from django.db import migrations

FORWARD = """
do $$ declare f text; begin
  f := pg_get_functiondef('doudi.line_money_allowed'::regproc);
  if f not like '%from (select distinct fund_id, programme, left(area, 6) as area, fund_year from new_lines where kind <> ''reissue'') n%' then
    raise exception 'line_money_allowed is not as expected';
  end if;
  execute replace(f, 'from new_lines where kind <> ''reissue'') n', 'from new_lines where kind <> ''reissue'' offset 0) n');
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0024_months_paid")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
