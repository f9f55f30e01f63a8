from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

AHEAD = "select doudi.add_payment_months(current_date, (current_date + interval '24 months')::date)"

# a county that a village has come to may be further than the one that it left
OPEN = """
select doudi.note_open_months(%(area)s, %(area)s || ':', null, max(month)) from payments_payroll
where starts_with(area, left(%(area)s, 6)) and kind = 'regular' and state in ('released', 'booked') having max(month) is not null
"""


def months_left_open(*, connection: Any, area: str, **_more: Any) -> None:
    """A recode rewrites awards without their triggers: what may be unpaid at the new place is looked for at once (models.OpenMonth)."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"area": area})


def months_ahead(*, using: str, **_more: Any) -> None:
    """`doudi migrate` makes the partitions of the months to come, as owner and while nobody works: CREATE ... PARTITION OF locks the whole table."""
    if using != "owner":
        return
    with connections[using].cursor() as cursor:
        cursor.execute("select to_regproc('doudi.add_payment_months') is not null")
        if cursor.fetchone()[0]:  # a migration back to before this room has no such function
            cursor.execute(AHEAD)


class PaymentsConfig(AppConfig):
    name = "doudi.payments"

    def ready(self) -> None:
        from doudi.core.divisions import recoded

        recoded.connect(months_left_open, dispatch_uid="payments.months_left_open")
        post_migrate.connect(months_ahead, sender=self, dispatch_uid="payments.months_ahead")
        import_module("doudi.payments.safekeeping")
