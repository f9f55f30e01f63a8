"""Departments of the demo's county: who is late, whom to ask, and one whose system delivers by itself."""

from __future__ import annotations

from datetime import date, datetime

from doudi.core import scope as scopes

# These came in October and not since: on the day of the pages they are late, or due in a few days. dataset -> day and month of the data
EARLIER = {"companies": (date(2022, 10, 14), "2022-10"), "vehicles": (date(2022, 10, 28), "2022-10")}
CONTACTS = {"残疾人联合会": "周工 0371-62160011", "公安局": "李警官 0371-62160022", "市场监督管理局": "马工 0371-62160033"}


def contacts(*, scope: scopes.Scope, now: datetime) -> None:
    """Whom to ask, of the departments that have no contact yet."""
    from doudi.batch.datasets import CONTRACTS
    from doudi.discovery.models import DeliveryPlan
    from doudi.discovery.services import set_contact

    departments = {contract.department_zh for contract in CONTRACTS.values()}
    with scopes.acting(scope):
        if not DeliveryPlan.objects.filter(changed_at__isnull=False).exists():
            for department in sorted(departments & CONTACTS.keys()):
                set_contact(area=scope.area, department=department, contact=CONTACTS[department], version=0, now=now)


def client(*, scope: scopes.Scope, now: datetime) -> None:
    """One API client; its token is for nobody: the administrator issues a new one on its page."""
    from doudi.api.models import ApiClient
    from doudi.api.services import create_client

    with scopes.acting(scope):
        if not ApiClient.objects.exists():
            create_client(
                organisation="中牟县残疾人联合会", contact=CONTACTS["残疾人联合会"], area=scope.area, rights=["deliveries:write"], datasets=["disability"],
                expires=date(2023, 12, 1), per_minute=60, now=now,
            )  # fmt: skip


def day(*, on: date, now: datetime) -> None:
    """The daily jobs, as the worker runs them; each once."""
    from doudi.core import periodic

    for job in periodic.jobs().values():
        for area in periodic.areas_of(job):
            periodic.run_daily(job=job, area=area, on=on, now=now)
