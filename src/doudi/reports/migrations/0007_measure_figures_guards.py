"""Guards: figures of the eight measures are replaced as a whole; numbers of minors' cases are seen by the duties that see all cases of their area."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

SEES = f"{RANGE} and (left(key, 2) <> '5.' or current_setting('app.duty', true) in ('county_approver', 'supervisor', 'worker'))"
CHECKS = "alter table reports_measurefigure add constraint measure_figure_place check (length(area) in (2, 4, 6) and value >= 0)"


class Migration(migrations.Migration):
    dependencies = [("reports", "0006_measure_figures")]
    operations = [Protect("reports_measurefigure", read=SEES, delete=True), migrations.RunSQL(CHECKS, migrations.RunSQL.noop)]
