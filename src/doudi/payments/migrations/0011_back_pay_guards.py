"""Guards of back pay (integrity.md, "Payroll lines"): a month of an entitlement is made good once by a document, to the fen that was approved."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect
from doudi.payments.migrations._back_pay import BACK_PAY


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_back_pay")]
    operations = [
        Protect(
            "payments_backpay",
            # a township sees the county's calculation, and only its own months of it
            read=f"({RANGE}) or starts_with(current_setting('app.lo', true), area)",
            update=["state", "awards", "months", "amount", "summary", "decided_by_id", "decided_at", "decision_note", "version"],
        ),
        Protect("payments_backpayitem", delete=True),
        migrations.RunSQL(BACK_PAY, migrations.RunSQL.noop),
    ]
