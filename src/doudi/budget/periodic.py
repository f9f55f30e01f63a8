"""What the budget does every day: who has not handed in next year's budget is reminded."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.budget.models import Scenario
from doudi.budget.procedures import DUE
from doudi.budget.services.course import YEAR_SUBJECT, year_matter
from doudi.core import periodic
from doudi.core.models import Duty
from doudi.core.services.todos import raise_todo
from doudi.core.settings_overlay import get_setting


def remind(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """From the first of November a county without a submission of next year has a to-do, due on the day that its settings name."""
    if on.month < 11:
        return {"raised": 0}
    year = on.year + 1
    if Scenario.objects.filter(area=area, year=year, state__in=[Scenario.State.SUBMITTED, Scenario.State.ACCEPTED]).exists():
        return {"raised": 0}
    raised = raise_todo(
        kind="budget.due", area=area, duty=Duty.COUNTY_REVIEWER, title=f"编制并上报{year}年度预算", url=f"/budget/?year={year}", subject=YEAR_SUBJECT,
        subject_id=year_matter(area, year), due=date(on.year, 11, int(get_setting(DUE, area, on))), now=now,
    )  # fmt: skip
    return {"raised": int(raised)}


periodic.daily("budget.due", _("催报下年预算"), remind, level=6, acts=["budget.view"], figures={"raised": _("新提醒")})
