"""The report page (报告困难群众): first where, then what. The answer is a receipt number, whatever is known of the person."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from doudi.core.forms import errors_into
from doudi.core.views.access import may
from doudi.portal import places
from doudi.portal.forms import ReportForm
from doudi.portal.places import Place
from doudi.portal.procedures import REPORT_LIMIT
from doudi.portal.services import files, reports
from doudi.portal.views.base import too_many, within


def chosen(request: HttpRequest, *, title: str, ask: str, ask_town: str, unsure: bool) -> Place | HttpResponse:
    """The place that the address names, down to the township, or the page that asks for it. `unsure`: a county alone will do."""
    place = places.place(request.GET.get("place", "")[:12])
    if place is not None and (len(place.code) >= 9 or (unsure and request.GET.get("unsure") == "1")):
        return place
    context: dict[str, Any] = {"title": title, "ask": ask_town if place else ask, "place": place, "unsure": unsure}
    return render(request, "portal/where.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    place = chosen(request, title=_("报告困难群众"), ask=_("他（她）在哪个县（市、区）"), ask_town=_("他（她）在哪个乡镇（街道）"), unsure=True)
    if isinstance(place, HttpResponse):
        return place
    form = ReportForm(request.POST or None, request.FILES or None, place=place)
    if request.method != "POST":
        return render(request, "portal/report.html", {"form": form, "place": place})
    valid, now = form.is_valid(), timezone.now()
    if not within(request, page="portal.report", setting=REPORT_LIMIT, area=place.county, valid=valid):
        return too_many(request)
    if valid and form.uuid is not None:
        if form.trapped:
            return _receipt(request, f"BG{timezone.localdate(now):%Y%m%d}W{secrets.randbelow(900000) + 100000}")
        try:
            photos = files.read(form.cleaned_data["photos"], most=files.PHOTOS, field="photos")
            return _receipt(request, reports.receive_report(uuid=form.uuid, area=form.cleaned_data["area"], told=form.told(), photos=photos, now=now))
        except ValidationError as error:
            errors_into(form, error)
    return render(request, "portal/report.html", {"form": form.fresh(), "place": place}, status=422)


def _receipt(request: HttpRequest, number: str) -> HttpResponse:
    return render(request, "portal/reported.html", {"receipt": number})


@require_POST
@may("discovery.handle")
def reporter(request: HttpRequest, report_id: int) -> HttpResponse:
    """Who reported, for who handles the lead; recorded."""
    try:
        said = reports.reveal_reporter(report_id=report_id)
    except (PermissionDenied, ValidationError) as error:
        return HttpResponse(str(error), status=404)
    return HttpResponse(format_html('<span class="rv">{}</span>', said or _("没有留下")))
