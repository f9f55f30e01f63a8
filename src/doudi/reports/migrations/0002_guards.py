"""Guards of monthly figures: seen within the scope, counted again as a whole, months by their first day."""

from django.db import migrations

from doudi.core.grants import Protect

CHECKS = "alter table reports_monthlyfigure add constraint monthly_figure_month check (month = date_trunc('month', month)::date)"


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_figures")]
    operations = [Protect("reports_monthlyfigure", delete=True), migrations.RunSQL(CHECKS, migrations.RunSQL.noop)]
