"""Reads of reviews and monitoring runs for pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment import queries as assessments
from doudi.assessment.facts import EXIT_SUSPENSION
from doudi.batch.law.settings import system
from doudi.core.emergencies import switched_areas
from doudi.core.measures import Numbers
from doudi.core.models import Division
from doudi.core.prepared import prepared
from doudi.core.templatetags.ui import declared
from doudi.enrolment.models import Award, MonitoringRun, Review, SpotCheckItem

COLOURS = {"open": "orange", "held": "purple", "proposed": "", "changed": "green", "kept": "green", "settled": "gray"}


def by_cause(*, on: date) -> list[dict[str, Any]]:
    """Open, late, held and proposed reviews of the scope by cause, with the sum of what would change a month; one query."""
    rows = Review.objects.filter(state__in=Review.LIVE).values("cause").annotate(
        open=Count("id", filter=Q(state="open")), late=Count("id", filter=Q(state="open", due__lt=on)), held=Count("id", filter=Q(state="held")),
        proposed=Count("id", filter=Q(state="proposed")), paid=Sum("current_amount", filter=Q(state="open")), law=Sum("law_amount", filter=Q(state="open")),
    )  # fmt: skip
    found = {row["cause"]: row for row in rows}
    return [
        found[cause.value] | {"label": cause.label, "change": (found[cause.value]["law"] or 0) - (found[cause.value]["paid"] or 0)}
        for cause in Review.Cause if cause.value in found
    ]  # fmt: skip


def runs(limit: int = 12) -> list[MonitoringRun]:
    """The last runs of the scope, newest first."""
    return list(MonitoringRun.objects.filter(finished_at__isnull=False).order_by("-made_at")[:limit])


def changed_words(row: Review) -> str:
    """The inputs that changed, in words."""
    variables = system().variables
    return "、".join(str(declared(variables[name].label)) if name in variables else name for name in row.changed) or _("没有登记变化")


def found_wrong(row: Review) -> str:
    """What a spot check found wrong, where it opened this review."""
    return "；".join(text for text in SpotCheckItem.objects.filter(review=row).order_by("id").values_list("text", flat=True) if text)


def rows_of_household(household: Any) -> QuerySet[Review]:
    return Review.objects.filter(household_id=household.pk)


@prepared
def of_household(household_id: int) -> QuerySet[Review]:
    return Review.objects.filter(household_id=household_id).select_related("person", "decided_by").order_by("-id")[:8]


def law_says(row: Review) -> list[tuple[str, float | None]]:
    """What the law gives the household now, by programme."""
    return assessments.said(row.assessment.results) if row.assessment else []


def waiting() -> QuerySet[Review]:
    """2.1: reviews that wait."""
    return Review.objects.filter(state="open")


def open_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("件待核查")


def in_gradual_exit() -> QuerySet[Award]:
    """2.5: households in gradual exit."""
    return Award.objects.filter(void=False, gradual_exit_start__isnull=False, ends__gt=timezone.localdate())


def gradual_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("户渐退中")


def suspended_places() -> QuerySet[Division]:
    """2.6: places where exits are suspended today."""
    on = timezone.localdate()
    return Division.objects.filter(code__in=switched_areas(EXIT_SUSPENSION, on, on))


def suspended_figure() -> tuple[int, str]:
    return suspended_places().count(), _("地暂停退出")
