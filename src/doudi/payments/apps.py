from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

AHEAD = "select doudi.add_payment_months(current_date, (current_date + interval '24 months')::date)"


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
        post_migrate.connect(months_ahead, sender=self, dispatch_uid="payments.months_ahead")
        import_module("doudi.payments.safekeeping")
