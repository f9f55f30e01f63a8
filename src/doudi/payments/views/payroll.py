"""The page of one payroll and what is done on it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tasks import start_task
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments import layouts, queries, signing, watch_reads
from doudi.payments.forms import MonthForm, OneOffForm, ReasonForm, ResultsForm, ReviewForm
from doudi.payments.models import BankAnswer, BankFile, BankResult, BankReturn, Payroll
from doudi.payments.services import channels, corrections, drafts, files, ledger, payrolls, reviewing
from doudi.payments.services.supplements import may_supplement
from doudi.payments.views.lists import COLOURS, RETURN_COLOURS, tail_of

TABS = ("", "unusual", "funds", "results", "all")
MOST_RETURNS = 12
MOST_FILES = 40


def found(pk: int) -> Payroll:
    """The payroll, if it lies wholly in the scope; a township sees its own lines elsewhere, not the county's page."""
    payroll = Payroll.objects.select_related("prepared_by", "checked_by", "approved_by", "released_by").filter(pk=pk).first()
    if payroll is None or not scopes.current().covers(payroll.area):
        raise Http404
    return payroll


def _figures(
    payroll: Payroll, compared: dict[str, Any], before: Payroll | None, left_out: list[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """The row of figures at the head of the page."""
    answer = queries.answered(payroll)
    difference = _("较上月 %(change)s 元") % {"change": ui.change(compared["total"]["difference"])} if before else _("上月没有批次")
    kept = sum((row["amount"] for row in left_out), Decimal(0))
    people = queries.people_in(payroll)
    shown: list[dict[str, Any]] = [
        {
            "label": _("本批笔数"),
            "value": ui.count(payroll.lines),
            "unit": _("笔"),
            "note": _("%(n)s 人") % {"n": ui.count(people)} if people else "",  # back pay and repairs pay months, not more people
            "url": reverse("payments:lines", args=[payroll.pk]),
        },
        {"label": _("本批金额"), "value": ui.money(payroll.amount), "unit": _("元"), "note": difference},
    ]
    if payroll.state == Payroll.State.BOOKED:
        waiting = BankReturn.objects.filter(payroll=payroll, state__in=["open", "proposed"]).count()
        shown += [
            {
                "label": _("已到账"),
                "value": ui.count(answer["paid_lines"]),
                "unit": _("笔"),
                "note": ui.percent(answer["paid_lines"] / payroll.lines, 2),
            },
            {
                "label": _("退票"),
                "value": ui.count(answer["returned_lines"]),
                "unit": _("笔"),
                "note": _("%(amount)s 元，待处理 %(n)s 笔") % {"amount": ui.money(answer["returned_amount"]), "n": waiting},
                "url": f"{reverse('payments:returns')}?payroll={payroll.pk}",
            },
        ]
    shown.append(
        {
            "label": _("结转下期"),
            "value": ui.count(sum(row["lines"] for row in left_out)),
            "unit": _("笔"),
            "note": _("%(amount)s 元") % {"amount": ui.money(kept)},
        }
    )
    if payroll.state != Payroll.State.BOOKED:
        due = queries.due_day(payroll)
        left = timezone.make_aware(datetime.combine(due + timedelta(days=1), time())) - now
        late = left < timedelta(0)
        days, hours = abs(left).days, abs(left).seconds // 3600
        shown.append(
            {
                "label": _("已超过到账期限") if late else _("距到账期限"),
                "value": str(days),
                "unit": _("天 %(hours)s 小时") % {"hours": hours},
                "note": f"{due:%m-%d} 24:00",
            }
        )
    return shown


def _next_act(payroll: Payroll) -> dict[str, Any] | None:
    """The one button of the step that the acting duty may take now; it names its effect."""
    state, size = Payroll.State, {"n": ui.count(payroll.lines), "amount": ui.money(payroll.amount)}
    choices = {
        state.DRAFT: (
            "payments.prepare",
            "check",
            _("复核无误，提交审批"),
            _("%(n)s 笔、%(amount)s 元的明细将冻结并提交审批；之后改动任何一笔都须退回。") % size,
        ),
        state.CHECKED: ("payments.approve", "approve", _("审批 %(n)s 笔") % size, _("将批准发放 %(n)s 笔，共 %(amount)s 元。") % size),
        state.APPROVED: (
            "payments.release",
            "release",
            _("报送财政 %(n)s 笔") % size,
            _("将从资金中支出 %(amount)s 元，共 %(n)s 笔；报送后不能撤回。") % size,
        ),
    }
    if payroll.state == state.BOOKED and duties.may("payments.prepare"):
        county = scopes.Scope(area=payroll.area)
        if waiting := queries.waiting_corrections(county.low, county.high):
            confirm = _("将为已更正的 %(n)s 笔退票生成重新发放批次。") % {"n": waiting}
            return {"url": reverse("payments:follow_up"), "label": _("重新发放 %(n)s 笔") % {"n": waiting}, "confirm": confirm}
    if payroll.state not in choices:
        return None
    act, action, label, confirm = choices[state(payroll.state)]
    if not duties.may(act) or _why_not(payroll):
        return None
    return {"url": reverse(f"payments:{action}", args=[payroll.pk]), "label": label, "confirm": confirm}


def _why_not(payroll: Payroll) -> str:
    """Why the acting officer, whose duty this step is, cannot take it, or ""; told at the head of the page."""
    acting, state = scopes.current(), Payroll.State
    if payroll.state == state.DRAFT and duties.may("payments.prepare"):
        if payroll.apart and payroll.prepared_by_id == acting.account_id:
            return _("本批由您编制，须由另一名县级审核员复核。")
        if waits := reviewing.waiting(payroll.pk):
            return _("还有 %(n)s 笔异常明细待复核，复核后才能提交审批。") % {"n": ui.count(waits)}
    if payroll.state == state.CHECKED and duties.may("payments.approve") and not signing.may_sign(acting.duty, payroll.signer):
        return _("本批 %(amount)s 元，须由“%(duty)s”审批。") % {"amount": ui.money(payroll.amount), "duty": Duty(payroll.signer).label}
    return ""


def _signatures(payroll: Payroll) -> list[dict[str, Any]]:
    rows = [
        (_("编制"), payroll.prepared_by, payroll.prepared_at, _("县级审核员")),
        (_("复核"), payroll.checked_by, payroll.checked_at, _("县级审核员")),
        (_("审批"), payroll.approved_by, payroll.approved_at, Duty(payroll.signer or Duty.COUNTY_APPROVER).label),
        (_("报送财政"), payroll.released_by, payroll.released_at, _("财政经办人")),
    ]
    return [{"at": at, "title": f"{title}　{who}", "who": duty} for title, who, at, duty in rows if who is not None]


def _returns(payroll: Payroll) -> list[dict[str, Any]]:
    rows = list(BankReturn.objects.filter(payroll=payroll).order_by("-state", "id")[:MOST_RETURNS])
    places.preload(row.area[:9] for row in rows)
    return [{"row": row, "tail": tail_of(row.account), "township": places.name(row.area[:9]), "colour": RETURN_COLOURS[row.state]} for row in rows]


@require_GET
@may("payments.view")
def payroll(request: HttpRequest, pk: int) -> HttpResponse:
    """One payroll: steps and figures, and by tab the comparison, unusual lines, funds and signatures, the bank's answer."""
    row, now = found(pk), timezone.now()
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else ""
    before = queries.previous_of(row) if row.kind == Payroll.Kind.REGULAR else None
    compared, left_out = watch_reads.compared(row, before), queries.exclusions(row)
    here = reverse("payments:payroll", args=[pk])
    labels = (_("核对"), _("异常"), _("资金与签批"), _("银行结果"), _("全部"))
    context: dict[str, Any] = {
        "payroll": row,
        "before": before,
        "colour": COLOURS[row.state],
        "steps": queries.steps(row, today=timezone.localdate(now)),
        "due": queries.due_day(row),
        "figures": _figures(row, compared, before, left_out, now),
        "next": _next_act(row),
        "why_not": _why_not(row),
        "tab": tab,
        "tabs": [(label, f"{here}?tab={name}" if name else here, name == tab) for label, name in zip(labels, TABS, strict=True)],
        "may_send_back": (row.state == "checked" and duties.may("payments.approve")) or (row.state == "approved" and duties.may("payments.release")),
        "may_edit": row.state == "draft" and duties.may("payments.prepare"),
        "may_export": duties.may("payments.release"),
        "compared": compared,
        "left_out": left_out,
        "left_total": sum((one["amount"] for one in left_out), Decimal(0)),
        "left_lines": sum(one["lines"] for one in left_out),
    }
    if tab in ("", "all"):
        context |= {"whys": watch_reads.whys(row), "late_awards": watch_reads.after_freeze(row) if row.frozen_at else 0}
        context["may_supplement"] = row.kind == "regular" and row.state != "draft" and duties.may("payments.prepare") and may_supplement(row.area, row.month)
    if tab in ("unusual", "all"):
        context |= {"unusual": watch_reads.flagged(row), "flags": watch_reads.flags_in(row), "waits": reviewing.waiting(row.pk)}
        places.preload(one["area"] for one in context["unusual"])
    if tab in ("funds", "all"):
        context |= {"needs": ledger.needs_of(row), "signatures": _signatures(row), "gone": row.state in ("released", "booked")}
    if tab in ("results", "all"):
        context |= {
            "files": list(BankFile.objects.filter(payroll=row).order_by("-refused_at", "id")[:MOST_FILES]),
            "file_count": BankFile.objects.filter(payroll=row).count(),
            "chosen": channels.choices_on(row.area, channels.day_of(row)),
            "waiting": BankAnswer.objects.filter(payroll=row, state=BankAnswer.State.WAITING).count(),
            "results": list(BankResult.objects.filter(payroll=row).order_by("id")),
            "layouts": layouts.LAYOUTS.values(),
            "returns": _returns(row),
            "proofs": ledger.proofs_of(row),
            "results_form": ResultsForm(),
            "may_book": row.state == "released" and duties.may("payments.book"),
        }
    return render(request, "payments/payroll.html", context)


@require_POST
@may("payments.prepare")
def prepare(request: HttpRequest) -> HttpResponse:
    """Start preparing (or refreshing) the month's payroll in the background."""
    form = MonthForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("“发放月份”应为年月，如 2022-12。"))
        return redirect("payments:payrolls")
    month, area = form.cleaned_data["month"].replace(day=1), scopes.current().area

    def start() -> Any:
        drafts.county_of(area, "payments.prepare")
        title = _("生成 %(month)s 发放批次") % {"month": ui.month(month)}
        arguments = {"area": area, "month": month.isoformat()}
        return start_task(path="doudi.payments.tasks.prepare", title=title, arguments=arguments, url=reverse("payments:payrolls"), now=timezone.now())

    tell(request, start, lambda _task: _("已开始生成，完成后会出现在列表中。"))
    return redirect("payments:payrolls")


@require_POST
@may("payments.prepare")
def prepare_one_off(request: HttpRequest) -> HttpResponse:
    """Start preparing (or refreshing) the payroll of one-off grants that are due, in the background."""
    form = OneOffForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("“发放月份”应为年月，如 2022-12；“待遇”请从列表中选择。"))
        return redirect("payments:payrolls")
    month, area = form.cleaned_data["month"].replace(day=1), scopes.current().area

    def start() -> Any:
        drafts.county_of(area, "payments.prepare")
        arguments = {"area": area, "month": month.isoformat(), "programme": form.cleaned_data["programme"]}
        title = _("生成 %(month)s 一次性发放批次") % {"month": ui.month(month)}
        path, url = "doudi.payments.tasks.prepare_one_off", reverse("payments:payrolls")
        return start_task(path=path, title=title, arguments=arguments, url=url, now=timezone.now())

    tell(request, start, lambda _task: _("已开始生成，完成后会出现在列表中。"))
    return redirect("payments:payrolls")


@require_POST
@may("payments.prepare")
def check(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    tell(
        request,
        lambda: payrolls.check_payroll(payroll_id=pk, now=timezone.now()),
        lambda row: _("已复核 %(n)s 笔，提交审批。") % {"n": ui.count(row.lines)},
    )
    return redirect("payments:payroll", pk)


@require_POST
@may("payments.approve")
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    tell(
        request, lambda: payrolls.approve_payroll(payroll_id=pk, now=timezone.now()), lambda row: _("已审批 %(n)s 笔。") % {"n": ui.count(row.lines)}
    )
    return redirect("payments:payroll", pk)


@require_POST
@may("payments.release")
def release(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    now = timezone.now()
    tell(
        request,
        lambda: payrolls.release_payroll(payroll_id=pk, on=timezone.localdate(now), now=now),
        lambda row: _("已报送 %(n)s 笔，资金转入在途。") % {"n": ui.count(row.lines)},
    )
    return redirect("payments:payroll", pk)


@require_POST
@may("payments.view")
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    tell(request, lambda: payrolls.send_back(payroll_id=pk, reason=reason, now=timezone.now()), lambda _row: _("已退回县级审核员。"))
    return redirect("payments:payroll", pk)


@require_POST
@may("payments.prepare")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    done = tell(request, lambda: payrolls.delete_draft(payroll_id=pk, now=timezone.now()) or True, lambda _done: _("草稿已删除，明细可重新生成。"))
    return redirect("payments:payrolls") if done else redirect("payments:payroll", pk)


@require_POST
@may("payments.prepare")
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """What the reviewer found about one unusual line."""
    found(pk)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("请选择复核结果并填写复核情况。"))
    else:
        given = form.cleaned_data
        tell(
            request,
            lambda: payrolls.review_line(
                payroll_id=pk, entitlement_id=given["entitlement"], held=given["verdict"] == "held", note=given["note"], now=timezone.now()
            ),
            lambda row: _("已记录；重新生成后本批不含这一明细。") if row.verdict == "held" else _("已记录。"),
        )
    return redirect(f"{reverse('payments:payroll', args=[pk])}?tab=unusual")


@require_POST
@may("payments.prepare")
def follow_up(request: HttpRequest) -> HttpResponse:
    """Prepare the payroll of corrected returns."""
    now = timezone.now()
    done = tell(
        request,
        lambda: corrections.prepare_follow_up(area=scopes.current().area, month=timezone.localdate(now), now=now),
        lambda made: _("已生成重新发放批次 %(number)s，共 %(n)s 笔。") % {"number": made.payroll.number, "n": made.lines},
    )
    return redirect("payments:payroll", done.payroll.pk) if done else redirect("payments:returns")


@require_POST
@may("payments.release")
def export(request: HttpRequest, pk: int, layout: str) -> HttpResponse:
    """Make the bank file (once); it is downloaded from the table of files."""
    found(pk)
    tell(
        request,
        lambda: files.export_whole(payroll_id=pk, layout=layout, now=timezone.now()),
        lambda made: _("已生成 %(name)s。") % {"name": "、".join(one.file.name for one in made[:3])} if made[0].made else _("文件此前已生成，内容不变。"),
    )
    return redirect(f"{reverse('payments:payroll', args=[pk])}?tab=results")


@require_GET
@may("payments.release")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The recorded bank file; the access record is written first."""
    try:
        file, blocks = files.download(file_id=pk)
    except ValidationError:
        raise Http404 from None
    response = StreamingHttpResponse(blocks, content_type="application/octet-stream")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return response
