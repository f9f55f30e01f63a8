"""Papers: certificates for officers, the sheet of a shift, Excel for the national system."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import letters
from doudi.core.views.access import may
from doudi.institutions.views.shared import do
from doudi.volunteering import export as files
from doudi.volunteering import paper, services
from doudi.volunteering.forms import PeriodForm
from doudi.volunteering.models import ServiceCertificate, Shift
from doudi.volunteering.views.volunteers import found


def base(request: HttpRequest) -> str:
    return request.build_absolute_uri("/")


@require_POST
@may("volunteering.hours")
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue a certificate over a period, then show it."""
    found(pk)
    form = PeriodForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("请填写起止日期。"))
        return redirect("volunteering:volunteer", pk=pk)
    try:
        row = services.issue(volunteer_id=pk, **form.cleaned_data, now=timezone.now())
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
        return redirect("volunteering:volunteer", pk=pk)
    messages.success(request, _("已开具证明 %(number)s。") % {"number": row.number})
    return redirect("volunteering:volunteer", pk=pk)


@require_GET
@may("volunteering.people")
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """The certificate as PDF."""
    row = get_object_or_404(ServiceCertificate, pk=pk)
    return pdf(request, row)


def pdf(request: HttpRequest, row: ServiceCertificate) -> HttpResponse:
    try:
        content = paper.certificate(row, base(request))
    except ValidationError as error:
        return HttpResponse("；".join(error.messages), status=503, content_type="text/plain; charset=utf-8")
    return letters.answer(content, f"{json.loads(row.content)['number']}.pdf")


@require_POST
@may("volunteering.hours")
def void(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(ServiceCertificate, pk=pk)
    reason = request.POST.get("reason", "")
    return do(
        request, lambda: services.void_certificate(certificate_id=pk, reason=reason, now=timezone.now()), _("已作废。"), "volunteering:volunteer", row.volunteer_id
    )


@require_GET
@may("volunteering.activities")
def sheet(request: HttpRequest, pk: int, shift_id: int) -> HttpResponse:
    """The sheet that hangs at the spot."""
    shift = get_object_or_404(Shift.objects.select_related("activity"), pk=shift_id, activity=pk)
    try:
        return letters.answer(paper.shift_sheet(shift, base(request)), f"shift-{shift.pk}.pdf")
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("volunteering:activity", pk=pk)


@require_GET
@may("volunteering.export")
def export(request: HttpRequest, what: str) -> HttpResponseBase:
    if what not in ("volunteers", "records"):
        raise Http404
    response = FileResponse(files.workbook(what), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f'attachment; filename="{what}-{timezone.localdate():%Y%m%d}.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response
