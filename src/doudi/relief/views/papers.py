"""Papers of temporary assistance: notices as PDF, one or those of a filtered list; the minutes of a case meeting."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties
from doudi.core import letters as pdf
from doudi.core.views.access import may
from doudi.relief import services
from doudi.relief.models import CaseMeeting, ReliefCase
from doudi.relief.views.cases import CaseFilter, found

TEMPLATE = "enrolment/typst/notice.typ"


def _answer(request: HttpRequest, ids: list[int], back: str) -> HttpResponse:
    now = timezone.now()
    try:
        with transaction.atomic():
            made = services.issue_notices(case_ids=ids, now=now)
            return pdf.answer(pdf.pdf(TEMPLATE, made), f"relief-{timezone.localdate(now):%Y%m%d}-{len(made)}.pdf")
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect(back)


@require_POST
@may("relief.notice")
def notice(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice of one decided case."""
    return _answer(request, [found(pk).pk], reverse("relief:case", args=[pk]))


@require_POST
@may("relief.notice")
def notices(request: HttpRequest) -> HttpResponse:
    """The notices of the list as it is filtered, the newest first, one file."""
    rows = CaseFilter(request.GET, queryset=ReliefCase.objects.filter(state__in=("granted", "refused")), request=request).qs
    ids = list(rows.order_by("-made_at", "-id").values_list("pk", flat=True)[: pdf.MOST])
    return _answer(request, ids, f"{reverse('relief:cases')}?{request.GET.urlencode()}")


@require_GET
@may("relief.view")
def sitting(request: HttpRequest, key: UUID) -> HttpResponse:
    """Minutes of a case meeting: who was there, each case with its resolution, and the cases that wait for one."""
    rows = list(CaseMeeting.objects.filter(sitting=key).select_related("case", "recorded_by").order_by("id"))
    if not rows:
        raise Http404
    for row in rows:
        audit.record_access(what="open", subject="relief", subject_id=row.case_id, area=row.area, field="meeting")
    waiting = ReliefCase.objects.filter(state=ReliefCase.State.MEETING, meetings__isnull=True).order_by("id")[:50] if duties.may("relief.meeting") else []
    return render(request, "relief/sitting.html", {"rows": rows, "first": rows[0], "waiting": waiting, "key": key})
