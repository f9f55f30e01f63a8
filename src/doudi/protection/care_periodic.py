"""What care and referrals do by themselves: each morning ends, reviews, birthdays and referrals that nobody took; gaps as the hours pass."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.protection import services
from doudi.protection.services.base import across_places

ACTS = frozenset({"protection.clocks"})


def morning(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Of one county; returns how many of each are new."""
    found = services.watch_care(area=area, on=on, now=now)
    with across_places():
        return {"care": sum(found.values()), **services.watch_referrals(area=area, on=on, now=now)}


def gaps(*, now: datetime) -> None:
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="protection.gaps", acts=ACTS)):
        services.escalate_gaps(now=now)


periodic.daily(
    "protection.care", _("照料、监护和转介期限"), morning, level=6, acts=ACTS,
    figures={"care": _("照料和监护待办"), "expired": _("转介逾期"), "reminded": _("转介提醒")},
)  # fmt: skip
periodic.every_round("protection.gaps", gaps)
