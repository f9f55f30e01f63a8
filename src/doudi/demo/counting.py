"""The demo's months are counted (月度统计), so that statistics and trends have something to show."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.reports import services

if TYPE_CHECKING:
    from doudi.demo.job import Demo

FIRST, LAST = date(2022, 10, 1), date(2022, 12, 1)


def statistics(demo: Demo) -> None:
    """October to December, as the nightly job counts them."""
    from doudi.demo.job import TODAY, at

    demo.tell("统计月报", 0, 0)
    month = FIRST
    while month <= LAST:
        with scopes.acting(scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"reports.count"}))):
            services.count_month(area=demo.area, month=month, now=at(TODAY))
        month = services.month_after(month)
