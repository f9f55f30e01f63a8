"""What institutions do every day, and every few minutes of a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.institutions.services import dues, group, request_clocks
from doudi.institutions.services.base import today_of

EVERY = timedelta(minutes=5)
_last: list[datetime] = []


def watch(*, now: datetime) -> None:
    """Open what an emergency of today asks for, remind, tell those above: at most every five minutes in one worker."""
    if _last and timedelta(0) <= now - _last[0] < EVERY:
        return
    _last[:] = [now]
    acting = scopes.Scope(area=places.PROVINCE, duty=WORKER, page="institutions watch", acts=frozenset({"institutions.remind"}))
    with scopes.acting(acting):
        dues.open_dues(on=today_of(now), now=now)
        dues.watch(on=today_of(now), now=now)
        scopes.check_constraints()


periodic.daily(
    "institutions.day",
    _("机构日报应报清单"),
    dues.new_day,
    level=6,
    acts=["institutions.remind"],
    figures={"owed": _("应报"), "changed": _("风险变化")},
)
periodic.every_round("institutions.watch", watch)
periodic.every_round("institutions.requests", request_clocks.scan)


def late_actions(*, area: str, on: date, now: datetime) -> dict[str, int]:
    return {"told": group.remind_actions(area=area, on=on, now=now)}


periodic.daily("institutions.actions", _("专项工作组超期议定事项"), late_actions, figures={"told": _("已提醒")})
