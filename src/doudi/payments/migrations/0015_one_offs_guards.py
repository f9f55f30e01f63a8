"""Guards of one-off payments to groups (一次性补助): decided and listed by two officers each, once a person by a decision in the whole province."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect
from doudi.payments.migrations._one_offs import ONE_OFFS

SETTLED = ["state", "decided_by_id", "decided_at", "decision_note", "version"]
# places below see what was decided above them; a township sees the county's list, and only its own people of it
BELOW = f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_one_offs")]
    operations = [
        Protect("payments_oneoffdecision", read=BELOW, update=SETTLED),
        Protect("payments_oneofflist", read=BELOW, update=[*SETTLED, "summary", "people", "amount"]),
        Protect("payments_oneoffclaim", update=["entitlement_id"], delete=True),
        Protect("payments_oneoffleftout", delete=True),
        migrations.RunSQL(ONE_OFFS, migrations.RunSQL.noop),
    ]
