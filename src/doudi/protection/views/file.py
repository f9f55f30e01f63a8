"""The file of a case: its sections, and the merge page where two saved one at once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import audit
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.views.access import may
from doudi.protection import services
from doudi.protection.forms import SectionForm
from doudi.protection.models import ProtectionCase
from doudi.protection.sections import SECTIONS, may_read, may_write
from doudi.protection.services.base import SUBJECT
from doudi.protection.services.filing import filed
from doudi.protection.views import tabs
from doudi.protection.views.cases import found_case

MINE, THEIRS, BOTH = "mine", "theirs", "both"


def sections(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    """All sections as the duty may read them."""
    open_ = row.state in ProtectionCase.OPEN
    return {
        "sections": [
            (each, [(field.label, _said(field.choices, each.values.get(field.name, "")), field.long) for field in each.section.fields], each.editable and open_)
            for each in filed(row)
        ]
    }  # fmt: skip


def _said(choices: Any, value: str) -> Any:
    return dict(choices).get(value, value) if choices else value


tabs.add(tabs.Tab("file", gettext_lazy("档案"), "", sections, "protection/_file.html"))


@may("protection.view")
def section(request: HttpRequest, case_id: int, code: str) -> HttpResponse:
    """Write one section. Where somebody saved it in between, the merge page shows both."""
    row, duty = found_case(case_id), scopes.current().duty
    declared = SECTIONS.get(code)
    if declared is None or not declared.fields or not may_read(code, duty):
        raise Http404
    if not may_write(code, duty):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    if request.method != "POST":
        audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area, field=code)
        found = next(each for each in filed(row) if each.section.code == code)
        initial = {**found.values, "version": found.version, "before": json.dumps(found.values, ensure_ascii=False)}
        return _form(request, row, code, SectionForm(section=declared, initial=initial))
    merging = "merging" in request.POST
    form = SectionForm(_merged(request.POST, [field.name for field in declared.fields]) if merging else request.POST, section=declared)
    if not form.is_valid():
        return _form(request, row, code, form)
    given = form.cleaned_data
    try:
        services.save_section(case_id=row.pk, section=code, version=given["version"], values=form.values(), before=given["before"], now=timezone.now())
    except services.Merge as merge:
        return _merge(request, row, merge)
    except ValidationError as error:
        errors_into(form, error)
        return _form(request, row, code, form)
    messages.success(request, _("已保存。"))
    return redirect(reverse("protection:case", args=[row.pk]) + "?tab=file")


def _merged(post: Any, names: list[str]) -> dict[str, Any]:
    """What the merge page sends, as the section's own form: of each field the choice, or what was written new."""
    data = {"version": post.get("version", ""), "before": post.get("before", "")}
    for name in names:
        mine, theirs = post.get(f"mine_{name}", ""), post.get(f"theirs_{name}", "")
        data[name] = {THEIRS: theirs, BOTH: f"{theirs}\n{mine}".strip()}.get(post.get(f"pick_{name}", MINE), mine)
    return data


def _form(request: HttpRequest, row: ProtectionCase, code: str, form: SectionForm) -> HttpResponse:
    context = {"row": row, "form": form, "label": SECTIONS[code].label, "name": row.name or _("姓名不详")}
    return render(request, "protection/section.html", context, status=422 if form.errors else 200)


def _merge(request: HttpRequest, row: ProtectionCase, merge: services.Merge) -> HttpResponse:
    """Both versions side by side, field by field; nothing is saved until one is chosen. Fields that one of the two changed alone are settled already."""
    audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area, field=merge.theirs.section.code)
    rows = []
    for field in merge.theirs.section.fields:
        before, mine, theirs = (values.get(field.name, "") for values in (merge.before, merge.mine, merge.theirs.values))
        clash = mine != before and theirs not in (before, mine)
        settled = mine if mine != before else theirs
        rows.append({
            "name": field.name, "label": field.label, "clash": clash, "mine": mine if clash else settled, "theirs": theirs, "both": not field.choices,
            "before_said": _said(field.choices, before), "mine_said": _said(field.choices, mine if clash else settled), "theirs_said": _said(field.choices, theirs),
        })  # fmt: skip
    context = {
        "row": row, "theirs": merge.theirs, "rows": rows, "label": merge.theirs.section.label, "name": row.name or _("姓名不详"),
        "before": json.dumps(merge.theirs.values, ensure_ascii=False),
    }  # fmt: skip
    return render(request, "protection/merge.html", context, status=409)
