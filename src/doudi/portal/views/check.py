"""The self-check (救助自测): questions, then what the law says with the calculation. Nothing is stored; the answer is no decision."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from doudi.assessment.facts import month_after
from doudi.batch import law
from doudi.portal import facts, places
from doudi.portal.check_forms import CheckForm, StartForm
from doudi.portal.procedures import CHECK_LIMIT
from doudi.portal.views.base import too_many, within

BAR = 320  # width of the picture of the household's place


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Place, residence and number in the address (nothing personal); the rest is sent, answered and forgotten."""
    start = StartForm(request.GET if "place" in request.GET and "size" in request.GET else None)
    county = places.county_of(request.GET.get("place", "")[:6])
    if not start.is_bound or not start.is_valid() or not county:
        context = {"form": start, "county": county}
        return render(request, "portal/check_start.html", context, status=422 if start.is_bound and start.errors else 200)
    residence, size = start.cleaned_data["residence"], start.cleaned_data["size"]
    posted = request.method == "POST"
    form = CheckForm(request.POST if posted else None, size=size)
    context = {"form": form, "county": county, "place": places.said(county), "size": size, "residence": residence}
    if not posted or request.POST.get("edit") == "1":
        return render(request, "portal/check.html", context)
    valid = form.is_valid()
    if not within(request, page="portal.check", setting=CHECK_LIMIT, area=county, valid=valid):
        return too_many(request)
    if not valid:
        return render(request, "portal/check.html", context, status=422)
    told = form.told(county=county, residence=residence)
    try:
        answer = facts.answer(told, month=month_after(timezone.localdate()))
    except law.LawInputError as error:
        return render(request, "portal/check.html", context | {"problems": said(error, form.names)}, status=422)
    context |= {"answer": answer, "sealed": told.sealed(), "english": request.LANGUAGE_CODE == "en", "bar": bar(answer), "month": _month(month_after(timezone.localdate()))}
    return render(request, "portal/check_result.html", context)


def _month(month: date) -> str:
    return f"{month:%Y-%m}"


def said(error: law.LawInputError, names: list[str]) -> list[str]:
    """What the law cannot take, by member."""
    return [
        _("%(who)s：%(reason)s") % {"who": names[problem.row] if problem.table == "persons" else _("家庭"), "reason": f"“{problem.field}”{problem.reason}"}
        for problem in error.problems[:5]
    ]


def bar(answer: facts.Answer) -> dict[str, Any] | None:
    """Where the household stands between nought, the standard and the marginal line; None where the place has no standard."""
    if not answer.limit or answer.limit != answer.limit:
        return None
    marginal = max(answer.marginal, answer.limit)
    most = max(marginal * 1.25, answer.income * 1.1)

    def at(value: float) -> int:
        return 8 + round((BAR - 16) * min(value, most) / most)

    return {
        "limit": answer.limit, "marginal": marginal, "income": answer.income, "x_limit": at(answer.limit), "x_marginal": at(marginal), "x_income": at(answer.income),
        "w_low": at(answer.limit) - 8, "w_mid": at(marginal) - at(answer.limit), "w_high": BAR - 8 - at(marginal), "x_label": min(max(at(answer.income), 70), BAR - 70),
    }  # fmt: skip
