"""What is done on a case: each a POST that says what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.core.forms import errors_into
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.relief import queries, services
from doudi.relief.forms import AccountForm, ExplainForm, HelpForm, LookUpForm, MeetingForm, ReceiptForm, WhyForm
from doudi.relief.models import ReliefCase
from doudi.relief.services.first import pay as pay_help
from doudi.relief.services.looking import said
from doudi.relief.views.cases import case_page, found
from doudi.relief.views.shared import invalid, photos


def _told(case: ReliefCase) -> str:
    if case.state == ReliefCase.State.MEETING:
        return _("全省救助记录显示同一急难已救助过，没有发放；本件已转一事一议，请看查询结果。")
    return _("已同意救助 %(amount)s 元。") % {"amount": ui.money(case.amount)}


def _helped(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The township grants, or proposes to the county: both from the same form."""
    case, form = found(pk), HelpForm(request.POST)
    if form.is_valid():
        given: dict[str, Any] = {
            "case_id": pk, "version": form.cleaned_data["version"], "helps": form.helps(), "checked": form.cleaned_data["checked"], "now": timezone.now(),
        }  # fmt: skip
        try:
            if act == "grant":
                done = services.grant_by_township(**given, note=form.cleaned_data["note"])
                (messages.warning if done.state == ReliefCase.State.MEETING else messages.success)(request, _told(done))
            else:
                services.propose_to_county(**given)
                messages.success(request, _("已报县级审批。"))
        except ValidationError as error:
            if getattr(error, "code", "") == "stale":
                messages.error(request, error.messages[0])
                return redirect("relief:case", pk)
            errors_into(form, error)
        except PermissionDenied as error:
            form.add_error(None, str(error))
        else:
            return redirect("relief:case", pk)
    return case_page(request, case, help=form, status=422)


@require_POST
@may("relief.grant")
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    return _helped(request, pk, "grant")


@require_POST
@may("relief.propose")
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    return _helped(request, pk, "propose")


def _why(request: HttpRequest, pk: int, service: Any, done: str) -> HttpResponse:
    found(pk)
    form = WhyForm(request.POST)
    if form.is_valid():
        tell(request, lambda: service(case_id=pk, **form.cleaned_data, now=timezone.now()), lambda _case: done)
    else:
        invalid(request, form)
    return redirect("relief:case", pk)


@require_POST
@may("relief.propose")
def to_meeting(request: HttpRequest, pk: int) -> HttpResponse:
    return _why(request, pk, services.to_meeting, _("已提交一事一议。"))


@require_POST
@may("relief.view")
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    return _why(request, pk, services.refuse, _("已作出不予救助决定。"))


@require_POST
@may("relief.approve")
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _why(request, pk, services.send_back, _("已退回乡镇。"))


@require_POST
@may("relief.apply")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    return _why(request, pk, services.withdraw, _("已撤回。"))


@require_POST
@may("relief.view")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    return _why(request, pk, services.revoke, _("已作废；同一急难可以重新救助。"))


@require_POST
@may("relief.approve")
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """The county's approver agrees to what was proposed or resolved."""
    case = found(pk)
    version, now = request.POST.get("version", ""), timezone.now()
    service = services.approve_meeting if case.state == ReliefCase.State.MEETING else services.approve_by_county
    tell(
        request,
        lambda: service(case_id=pk, version=int(version) if version.isdigit() else 0, note=request.POST.get("note", "")[:400], now=now),
        lambda done: _told(done) if done.state != "refused" else _("已按会议决议作出不予救助决定。"),
    )
    return redirect("relief:case", pk)


@require_POST
@may("relief.grant")
def explain(request: HttpRequest, pk: int) -> HttpResponse:
    case, form = found(pk), ExplainForm(request.POST)
    if form.is_valid():
        try:
            services.explain(case_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已补充说明。"))
            return redirect("relief:case", pk)
    return case_page(request, case, explain=form, status=422)


@require_POST
@may("relief.grant")
def take_account(request: HttpRequest, pk: int) -> HttpResponse:
    """The account of what a payroll pays."""
    case, form = found(pk), AccountForm(request.POST)
    if form.is_valid():
        try:
            services.take_account(case_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记收款账户，随下一批一次性发放。"))
            return redirect("relief:case", pk)
    return case_page(request, case, account=form, status=422)


@require_POST
@may("payments.reserve")
def pay(request: HttpRequest, pk: int, help_id: int) -> HttpResponse:
    """Hand over what was granted, out of the reserve."""
    case, form = found(pk), ReceiptForm(request.POST)
    if form.is_valid() and case.helps.filter(pk=help_id).exists():
        given = form.cleaned_data
        try:
            payout = pay_help(
                case=case, help_id=help_id, means=given["means"], goods=given["goods"], received_by=given["received_by"] or case.name,
                relation=given["relation"], receipts=photos(request), signature=given["signature"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已发放 %(amount)s 元，凭据编号 %(number)s。") % {"amount": ui.money(payout.amount), "number": payout.number})
            return redirect("relief:case", pk)
    return case_page(request, case, receipt=form, status=422)


@require_POST
@may("relief.apply")
def look_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the whole province about one number; recorded before it is answered."""
    case, form = found(pk), LookUpForm(request.POST)
    answer = None
    if form.is_valid():
        try:
            answer = said(services.look_up_relief(**form.cleaned_data, now=timezone.now())) or _("全省近一年没有临时救助记录。")
        except ValidationError as error:
            errors_into(form, error)
    return case_page(request, case, look=form, looked=answer, status=200 if answer else 422)


@may("relief.meeting")
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a case meeting."""
    case = found(pk)
    initial = {"version": case.version, "facts": case.facts, "way": "payroll", "sitting": request.GET.get("sitting", "")}
    form = MeetingForm(request.POST or None, initial=initial, sittings=queries.sittings(timezone.localdate()))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = services.record_meeting(
                case_id=pk, version=given["version"], held_on=given["held_on"], place=given["place"], participants=form.people(), facts=given["facts"],
                opinions=given["opinions"], resolution=given["resolution"], reason=given["reason"],
                helps=form.helps() if given["resolution"] == "grant" else [], sitting=given["sitting"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("会议记录已登记并冻结，待县级审批人审批。"))
            return redirect("relief:sitting", made.sitting)
    return render(request, "relief/meeting.html", {"form": form, "case": case}, status=422 if form.errors else 200)
