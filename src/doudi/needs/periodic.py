"""What needs do in every round of the worker and every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.needs import services

ACTS = frozenset({"needs.clocks"})


def clocks(*, now: datetime) -> dict[str, int]:
    """Urgent needs have hours, so their clocks run in every round: two queries by index where nothing is late."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="worker needs", acts=ACTS)):
        return services.run_clocks(now=now)


def expire(*, area: str, on: date, now: datetime) -> dict[str, int]:
    return services.expire(area=area, on=on, now=now)


periodic.every_round("needs.clocks", clocks)
periodic.daily("needs.expire", _("需求过期与提醒"), expire, acts=ACTS, figures={"expired": _("已过期"), "reminded": _("已提醒")})
