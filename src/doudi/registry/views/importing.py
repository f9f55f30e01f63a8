"""Import: template, upload with preview, returned sheet, import."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit
from doudi.core.forms import errors_into
from doudi.core.middleware import takes
from doudi.core.sheets import too_large
from doudi.core.tasks import start_task
from doudi.core.views.access import may
from doudi.registry import sheets
from doudi.registry.forms import ImportForm
from doudi.registry.services import importing
from doudi.registry.views.edit import either, posted

AT_ONCE = 500  # rows; more run in the background
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _file(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@may("registry.import")
def template(request: HttpRequest) -> HttpResponse:
    return _file(sheets.template(), "家庭和人员导入模板.xlsx")


@takes(20)
@either
@may("registry.import")
def upload(request: HttpRequest) -> HttpResponse:
    form = ImportForm(posted(request), request.FILES if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > sheets.LAYOUT.largest:
                raise ValidationError({"file": too_large(sheets.LAYOUT.largest)})
            identifier = importing.keep(content=file.read(), ending=Path(file.name).suffix.lower()[:8])
        except ValidationError as error:
            errors_into(form, error)
        else:
            return redirect("registry:import_preview", identifier)
    return render(request, "registry/import.html", {"form": form, "columns": sheets.LAYOUT.noted()}, status=422 if form.errors else 200)


@require_GET
@may("registry.import")
def preview(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """What the import would do, and every bad row with field, reason and next step."""
    try:
        with importing.kept(identifier) as path:
            plan = importing.plan(path, on=timezone.localdate())
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("registry:import")
    if request.GET.get("returned"):
        audit.record_access(what="export", subject="import", reason="returned rows")
        return _file(sheets.returned(plan.errors), "退回的行.xlsx")
    said = [text for row in plan.errors for text in row.said()]
    figures = plan.figures()
    shown = [
        {"label": _("数据行"), "value": figures["rows"]}, {"label": _("新登记家庭"), "value": figures["households"]},
        {"label": _("新登记人员"), "value": figures["people"]}, {"label": _("已登记人员"), "value": figures["known"]},
        {"label": _("可更新电话或账号"), "value": figures["updates"]}, {"label": _("不合格的行"), "value": figures["wrong"]},
    ]  # fmt: skip
    context = {"identifier": identifier, "figures": figures, "shown": shown, "said": said[:100], "more": max(0, len(said) - 100)}
    return render(request, "registry/import_preview.html", context)


@require_POST
@may("registry.import")
def run(request: HttpRequest, identifier: UUID) -> HttpResponse:
    update = request.POST.get("update") == "1"
    try:
        with importing.kept(identifier) as path:
            rows = len(sheets.read(path))
            if rows <= AT_ONCE:
                figures = importing.import_file(path=path, update=update, on=timezone.localdate(), now=timezone.now())
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("registry:import_preview", identifier)
    if rows > AT_ONCE:
        task = start_task(
            path="doudi.registry.tasks.run_import", title=_("导入家庭和人员（%(n)d 行）") % {"n": rows}, now=timezone.now(),
            arguments={"identifier": str(identifier), "update": update}, url="/households/",
        )  # fmt: skip
        return redirect("task", task.id)
    transaction.on_commit(lambda: importing.forget(identifier))
    words = _("已登记 %(households)d 户、%(people)d 人，更新 %(updates)d 人。") % figures
    messages.success(request, words)
    return redirect("registry:households")
