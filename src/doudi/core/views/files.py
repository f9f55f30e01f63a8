"""Attachments: upload, open, remove."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import attachable
from doudi.core.models import Attachment
from doudi.core.services import attachments
from doudi.core.views.access import with_posting


@require_POST
@with_posting
def add(request: HttpRequest, subject: str, subject_id: int) -> HttpResponse:
    """Take in the chosen files; a file that is refused does not keep the others out."""
    area = attachable.area_of(subject, subject_id, change=True)
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, _("没有选择文件；请先选择文件或拍照。"))
    for file in files[:20]:
        try:
            if file.size and file.size > attachments.LARGEST:
                raise ValidationError(_("文件超过 10 MB；请压缩或分次上传。"))
            attachments.attach(
                subject=subject, subject_id=subject_id, area=area, name=file.name or "", content=file.read(), now=timezone.now(),
                pictures_only=attachable.pictures_only(subject),
            )  # fmt: skip
        except ValidationError as error:
            messages.error(request, f"{file.name}：{'；'.join(error.messages)}")
    if getattr(request, "htmx", False):
        return render(request, "doudi/c/upload_answer.html", {"subject": subject, "subject_id": subject_id})
    return redirect(request.headers.get("Referer") or "/")


@require_GET
@with_posting
def show(request: HttpRequest, identifier: UUID) -> HttpResponse:
    try:
        row = Attachment.objects.get(id=identifier)
        attachable.area_of(row.subject, row.subject_id, change=False)
        row, content = attachments.open_attachment(identifier=identifier)
    except Attachment.DoesNotExist:
        raise Http404 from None
    response = HttpResponse(content, content_type=row.content_type)
    response["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(row.name)}"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@with_posting
def take_out(request: HttpRequest, identifier: UUID) -> HttpResponse:
    row = Attachment.objects.filter(id=identifier).first()
    if row is None:
        raise Http404
    attachable.area_of(row.subject, row.subject_id, change=True)
    try:
        attachments.remove(identifier=identifier, now=timezone.now())
    except ValidationError as error:
        raise PermissionDenied(error.messages[0]) from None
    if getattr(request, "htmx", False):
        return render(request, "doudi/c/upload_answer.html", {"subject": row.subject, "subject_id": row.subject_id})
    return redirect(request.headers.get("Referer") or "/")
