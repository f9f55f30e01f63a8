"""Pages for everybody: what was donated and where it went; a recipient's word on a service. They name nobody who did not agree."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.public import allowed
from doudi.resources import queries
from doudi.resources.forms import CodeForm, PublicAnswerForm
from doudi.resources.services import answering


@require_GET
def donations(request: HttpRequest) -> HttpResponse:
    """Published totals of one county (捐赠公示); without one the counties that have any."""
    area = request.GET.get("area", "")
    known = len(area) == 6 and area.isascii() and area.isdigit() and area.startswith(places.PROVINCE)
    with scopes.acting(scopes.Scope(area=area if known else places.PROVINCE, page="donations")):
        counties = [] if known else queries.counties_published()
        if len(counties) == 1:
            area, known = counties[0], True
        found = queries.published(area) if known else None
        places.preload([*counties, area])
    context = {
        "found": found,
        "county": places.name(area) if found else "",
        "counties": [(code, "".join(places.path(code, above=2))) for code in counties],
    }
    return render(request, "resources/public_donations.html", context)


def _private(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """For who types the code."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("resources:public_service", code=form.cleaned_data["code"].strip().upper()[:12])
    return _private(render(request, "resources/public_enter.html", {"form": form}))


@never_cache
@require_http_methods(["GET", "POST"])
def service(request: HttpRequest, code: str) -> HttpResponse:
    """One record behind its code: say whether it is so. Every wrong code is answered alike, and counted."""
    now = timezone.now()
    found = answering.find(code)
    if found is None:
        over = not allowed(request, page="service", most=answering.WRONG_AN_HOUR, now=now)
        return _private(
            render(request, "resources/public_enter.html", {"form": CodeForm(), "wrong": True, "many": over}, status=429 if over else 404)
        )
    row = answering.shown(found)
    form = PublicAnswerForm(request.POST if request.method == "POST" else None)
    done = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            if not form.trapped:
                right = given["right"] == "yes"
                answering.answer(
                    found, right=right, satisfaction=int(given["satisfaction"]) if given["satisfaction"] else None, words=given["words"], now=now
                )
            done = given["right"]
        except ValidationError as error:
            errors_into(form, error)
    elif request.method == "POST":
        form.fresh()
    status = 422 if form.errors else 200
    return _private(
        render(request, "resources/public_service.html", {"row": row, "form": form, "done": done, "open": row.state == "recorded"}, status=status)
    )
