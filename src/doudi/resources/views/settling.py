"""The page of an acceptance: its sample, what was found, submission, settlement."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.views.access import may
from doudi.needs.views.queue import number
from doudi.resources import queries
from doudi.resources.forms import SubmitForm
from doudi.resources.models import Acceptance, PurchasedService, QualityCheck
from doudi.resources.services import settling

RESULT_COLOURS = {"": "orange", "right": "green", "wrong": "red", "unreached": "gray"}


@may("purchases.contracts")
def acceptance(request: HttpRequest, acceptance_id: int) -> HttpResponse:
    row = get_object_or_404(
        Acceptance.objects.select_related("contract", "contract__fund", "made_by", "submitted_by", "settled_by"), pk=acceptance_id
    )
    post, problem = request.POST, ""
    rest, proposed, wrong, checked = settling.suggested(row) if row.state == "open" else (row.gross, row.deduction, row.wrong, row.checked)
    submit = SubmitForm(post if post.get("act") == "submit" else None, initial={"deduction": proposed})
    if request.method == "POST":
        try:
            if _step(request, row, submit):
                return redirect("resources:acceptance", acceptance_id=row.pk)
        except ValidationError as error:
            if post.get("act") == "submit":
                errors_into(submit, error)
            else:
                problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
    checks = list(QualityCheck.objects.filter(acceptance=row).select_related("service", "service__line", "checked_by").order_by("position"))
    page = page_of(
        PurchasedService.objects.filter(acceptance=row).select_related("line").order_by("day", "id"), number(request.GET.get("page")) or 1, 50
    )
    places.preload([*(each.area for each in checks), *(each.area for each in page.rows)])
    account = scopes.current().account_id
    context = {
        "row": row, "colour": queries.ACCEPTANCE_COLOURS[row.state], "page": page, "services": [(each, queries.SERVICE_COLOURS[each.state]) for each in page.rows],
        "checks": [
            (each, RESULT_COLOURS[each.result], row.state == "open" and duties.may("purchases.check") and each.service.entered_by_id != account) for each in checks
        ],
        "left": sum(1 for each in checks if not each.result), "results": QualityCheck.Result.choices, "problem": problem, "submit": None, "rest": rest,
        "spendings": row.spendings.select_related("fund").order_by("fund_year"),
        "figures": [
            {"label": _("服务记录"), "value": f"{row.records:,}"}, {"label": _("抽查"), "value": f"{len(checks):,}", "note": f"{row.share}%"},
            {"label": _("不属实"), "value": f"{wrong} / {checked}"}, {"label": _("认可金额"), "value": f"{rest:,.2f}", "unit": _("元")},
            {"label": _("扣减"), "value": f"{proposed:,.2f}", "unit": _("元")}, {"label": _("应付"), "value": f"{rest - proposed:,.2f}", "unit": _("元")},
        ],
        "may_cancel": row.state == "open" and duties.may("purchases.accept"),
        "may_settle": row.state == "submitted" and duties.may("purchases.settle") and account not in (row.made_by_id, row.submitted_by_id),
    }  # fmt: skip
    if row.state == "open" and duties.may("purchases.accept"):
        context["submit"] = submit
    return render(request, "resources/acceptance.html", context, status=422 if problem or submit.errors else 200)


def _step(request: HttpRequest, row: Acceptance, submit: SubmitForm) -> bool:
    post: Any = request.POST
    now, step, version = timezone.now(), post.get("act", ""), number(post.get("version")) or -1
    if step == "check":
        check = get_object_or_404(QualityCheck, pk=number(post.get("check")) or 0, acceptance=row)
        settling.check(check_id=check.pk, result=post.get("result", ""), note=post.get("note", ""), now=now)
    elif step == "submit":
        if not submit.is_valid():
            return False
        settling.submit(acceptance_id=row.pk, version=version, now=now, **submit.cleaned_data)
        messages.success(request, _("已提交结算。"))
    elif step == "cancel":
        settling.cancel(acceptance_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    elif step == "send_back":
        settling.send_back(acceptance_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    elif step == "settle":
        settling.settle(acceptance_id=row.pk, version=version, on=timezone.localdate(), now=now)
        messages.success(request, _("已结算，资金台账已记账。"))
    return True
