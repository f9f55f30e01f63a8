"""Applying online (网上申请): the form with what the self-check brought along; the answer is a number."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from doudi.assessment.facts import month_after
from doudi.batch import law
from doudi.core.forms import errors_into
from doudi.portal import facts as told
from doudi.portal import places
from doudi.portal.apply_forms import PAPER_FIELDS, ApplyForm
from doudi.portal.procedures import APPLY_LIMIT
from doudi.portal.services import applications, files
from doudi.portal.views.base import too_many, within


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    place = places.place(request.GET.get("place", "")[:12])
    if place is None:
        context = {"title": _("网上申请"), "ask": _("您在哪个县（市、区）"), "place": None}
        return render(request, "portal/where.html", context)
    facts = told.opened(request.POST.get("facts", "")[:8000]) if request.method == "POST" else None
    facts = facts if facts and facts.county == place.county else None
    if request.method != "POST" or request.POST.get("from_check") == "1":
        return render(request, "portal/apply.html", {"form": _prefilled(place, facts), "place": place, "facts": facts})
    form = ApplyForm(request.POST, request.FILES, place=place, facts=facts)
    valid, now = form.is_valid(), timezone.now()
    if not within(request, page="portal.apply", setting=APPLY_LIMIT, area=place.county, valid=valid):
        return too_many(request)
    if valid and form.uuid is not None:
        if form.trapped:
            return _number(request, f"WS{place.county}{secrets.randbelow(90000) + 10000:09d}")
        try:
            return _number(request, applications.send_application(uuid=form.uuid, area=form.cleaned_data["area"], sent=_sent(form, facts), now=now))
        except ValidationError as error:
            _refused(form, error)
    return render(request, "portal/apply.html", {"form": form.fresh(), "place": place, "facts": facts}, status=422)


def _prefilled(place: places.Place, facts: told.HouseholdFacts | None) -> ApplyForm:
    """An empty form; with facts of a self-check what it can know already."""
    form = ApplyForm(place=place, facts=facts)
    if facts is not None:
        form.initial.update(facts=facts.sealed(), residence=facts.residence)
        try:
            form.initial["programmes"] = told.answer(facts, month=month_after(timezone.localdate())).programmes
        except law.LawInputError:
            form.initial["programmes"] = []
    return form


def _sent(form: ApplyForm, facts: told.HouseholdFacts | None) -> applications.Sent:
    papers = {paper: files.read(form.cleaned_data[name], most=files.PAPERS, field=name) for paper, name in PAPER_FIELDS.items()}
    sent = form.sent(facts)
    return applications.Sent(**{**sent.__dict__, "papers": papers})


def _refused(form: ApplyForm, error: ValidationError) -> None:
    """Errors of the service at their fields, those of members at their rows."""
    if hasattr(error, "error_dict"):
        rows = {where: found for where, found in error.message_dict.items() if where[:1] == "m" and "-" in where}
        form.member_errors(rows)
        others = {where: found for where, found in error.message_dict.items() if where not in rows}
        error = ValidationError(others if others else _("家庭成员的内容有误，见下面标明的各项。"))
    errors_into(form, error)


def _number(request: HttpRequest, number: str) -> HttpResponse:
    return render(request, "portal/applied.html", {"number": number})
