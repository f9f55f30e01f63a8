"""Posts on a case: the actions of its step, its papers; and the sheets that are printed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core import letters as pdf
from doudi.core import scope as scopes
from doudi.core.services import attachments
from doudi.core.views.access import may
from doudi.enrolment import services
from doudi.enrolment.case_forms import AuthorisationForm, DocumentForm, RelativeForm
from doudi.enrolment.case_queries import members
from doudi.enrolment.case_steps import BY_NAME, form_of
from doudi.enrolment.case_views import add_errors, case_page, found_case
from doudi.enrolment.models import Case, Document, Publicity
from doudi.enrolment.procedure import Step
from doudi.enrolment.services.publicising import poster
from doudi.registry.models import Programme


@require_POST
@may("enrolment.cases")
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """One action of the case's step. What cannot be done is shown with the reason; sent twice, the second is told what happened."""
    row = found_case(pk)
    action = BY_NAME.get(what)
    if action is None:
        raise Http404
    if not duties.may(action.act):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    form = form_of(action, row, data=request.POST)
    if form.is_valid():
        try:
            action.call(row, form.cleaned_data, timezone.now(), form)
        except ValidationError as error:
            add_errors(form, error)
            row = found_case(pk)
            if not _still_shown(row, what):
                messages.error(request, "；".join(error.messages))
            return case_page(request, row, what=what, form=form, status=409)
        messages.success(request, _("“%(action)s”已保存。") % {"action": action.label})
        return redirect("enrolment:case", pk=pk)
    return case_page(request, row, what=what, form=form, status=422)


def _still_shown(row: Case, what: str) -> bool:
    from doudi.enrolment.case_steps import applies

    return applies(BY_NAME[what], row)


PAPERS: dict[str, Any] = {
    "document": (DocumentForm, services.add_document),
    "authorisation": (AuthorisationForm, services.record_authorisation),
    "relative": (RelativeForm, services.record_relative),
}


@require_POST
@may("enrolment.apply")
def paper(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Register a document, an authorisation or a relative on record, from the page of a case."""
    row = found_case(pk)
    if what not in PAPERS:
        raise Http404
    kind, service = PAPERS[what]
    today = timezone.localdate()
    form: forms.Form = kind(request.POST, request.FILES, members=[(m.person_id, m.person.name) for m in members(row, today)])
    if form.is_valid():
        given = dict(form.cleaned_data)
        if what == "document":
            given["application_id"] = row.application_id
        if given.get("scan"):
            given["scan"] = (given["scan"].name, given["scan"].read(attachments.LARGEST + 1))
        try:
            service(household_id=row.household_id, now=timezone.now(), **given)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("已登记。"))
            return redirect("enrolment:case", pk=pk)
    return case_page(request, row, what=what, form=form, status=422)


@require_GET
@may("enrolment.cases")
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """One document with its files."""
    row = Document.objects.filter(pk=pk).select_related("person", "recorded_by", "application").first()
    if row is None:
        raise Http404
    desc = [
        (_("谁的材料"), row.person.name if row.person else _("全家")),
        (_("出具日期"), row.issued_on.isoformat() if row.issued_on else ""),
        (_("有效期至"), row.valid_until.isoformat() if row.valid_until else ""),
        (_("登记"), f"{timezone.localtime(row.recorded_at):%Y-%m-%d} {row.recorded_by.name if row.recorded_by else ''}"),
        (_("随申请"), row.application.number if row.application else ""),
    ]
    return render(request, "enrolment/document.html", {"row": row, "desc": desc})


@require_GET
@may("enrolment.cases")
def notice(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice (告知书) as a sheet: what was decided, why, how to object; word for word what its PDF says."""
    row = found_case(pk)
    letter = services.notice_of(case=row)
    if letter is None:
        raise Http404
    return render(request, "enrolment/notice.html", {"row": row, "letter": letter, "pdf": pdf.available() and duties.may("enrolment.letters")})


@require_POST
@may("enrolment.letters")
def notice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice of a case as PDF."""
    row = found_case(pk)
    try:
        with transaction.atomic():
            letter = services.issue_notice(case_id=row.pk, now=timezone.now())
            return pdf.answer(pdf.pdf("enrolment/typst/notice.typ", [letter]), f"notice-{row.application.number}.pdf")
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("enrolment:case", pk=pk)


@require_GET
@may("enrolment.cases")
def supplements(request: HttpRequest, pk: int) -> HttpResponse:
    """The sheet that tells once what is missing (一次性告知书)."""
    row = found_case(pk)
    if not row.application.supplements:
        raise Http404
    return render(request, "enrolment/supplements.html", {"row": row, "application": row.application, "town": places.name(row.area[:9])})


@require_GET
@may("enrolment.publicise")
def posters(request: HttpRequest) -> HttpResponse:
    """What is posted now, as sheets for the notice boards: one for each village and programme."""
    rows = poster(scopes.current().area)[:2000]
    places.preload({row.area for row in rows})
    sheets: dict[tuple[str, str], list[Publicity]] = {}
    for row in rows:
        sheets.setdefault((row.area, row.programme), []).append(row)
    made = [
        {
            "village": village, "programme": Programme(programme).label, "rows": found, "from": min(r.starts for r in found),
            "until": max(r.ends for r in found) - timedelta(days=1), "hotline": found[0].shown["hotline"],
        }
        for (village, programme), found in sorted(sheets.items())
    ]  # fmt: skip
    return render(request, "enrolment/posters.html", {"sheets": made, "town": places.name(scopes.current().area)})


__all__ = ["Step", "act", "notice", "notice_pdf", "paper", "posters", "supplements"]
