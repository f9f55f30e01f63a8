"""Guards: sums of counties are replaced where they differ; what was sent to the national platform stays."""

from django.db import migrations

from doudi.core.grants import Protect

CHECKS = """
alter table reports_countyfigure add constraint county_figure_place check (length(area) = 6 and month = date_trunc('month', month)::date);
alter table reports_nationalexport add constraint national_export_counts check (
  month = date_trunc('month', month)::date and households >= 0 and people >= 0 and faults >= 0 and left_out >= 0 and sha256 ~ '^[0-9a-f]{64}$');
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_board_national")]
    operations = [
        Protect("reports_countyfigure", update=["value"], delete=True),
        Protect("reports_nationalexport"),
        Protect("reports_nationalfault"),
        migrations.RunSQL(CHECKS, migrations.RunSQL.noop),
    ]
