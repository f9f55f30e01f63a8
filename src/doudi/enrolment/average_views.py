"""平均补助水平: each county's average dibao payment beside the province's floor."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.core import places
from doudi.core.views.access import may
from doudi.enrolment.averages import averages, floors
from doudi.enrolment.forms import MonthForm


@require_GET
@may("enrolment.view")
def average(request: HttpRequest) -> HttpResponse:
    """Counties of the scope, urban and rural, for a month; below the floor in red."""
    today = timezone.localdate().replace(day=1)
    form = MonthForm(request.GET or None, initial={"month": today})
    month: date = form.cleaned_data["month"] if form.is_bound and form.is_valid() else today
    return render(request, "enrolment/averages.html", {"form": form, "month": month, **table(month)})


def table(month: date) -> dict[str, Any]:
    """Rows and floors of a month for a template."""
    rows = averages(month)
    places.preload(row.area for row in rows)
    return {
        "rows": [{"row": row, "residence": _("城市") if row.residence == "urban" else _("农村")} for row in rows],
        "floors": [(_("城市") if name == "urban" else _("农村"), floor) for name, floor in floors(month).items()],
        "below": sum(row.below for row in rows),
    }


def panel(request: HttpRequest) -> dict[str, Any] | None:
    """A county's own figures on its dashboard; the levels above open the page."""
    scope = request.scope  # type: ignore[attr-defined]
    if len(scope.area) < 6:
        return None
    month = timezone.localdate().replace(day=1)
    found = table(month)
    return found | {"month": month} if found["rows"] else None
