"""Pages between the county and its bank: layouts and which are chosen, files by choice, answers that wait to be booked."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.middleware import takes
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments import answers, layout_io, layouts
from doudi.payments.forms import LayoutChoiceForm, ResultsForm
from doudi.payments.models import BankAnswer, BankFile, LayoutChoice, paid_label
from doudi.payments.services import channels, envelopes, exchange, files, results
from doudi.payments.views.payroll import found

MOST_CHOICES = 60
COLOURS = {"proposed": "orange", "confirmed": "green", "refused": "red", "withdrawn": "gray"}


def _of_file(pk: int) -> str:
    return f"{reverse('payments:payroll', args=[pk])}?tab=results"


@require_http_methods(["GET", "POST"])
@may("payments.layouts")
def overview(request: HttpRequest) -> HttpResponse:
    """Layouts with a sample each, what the county has chosen, and the form that proposes a choice."""
    area, now = scopes.current().area[:6], timezone.now()
    on = timezone.localdate(now)
    may_propose = len(area) == 6 and duties.may("payments.layouts_propose")
    form = LayoutChoiceForm(request.POST or None)
    if request.method == "POST":
        if not may_propose:
            raise Http404
        if form.is_valid():
            try:
                exchange.propose_choice(area=area, on=on, now=now, **form.cleaned_data)
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已提出，待本县另一名工作人员确认。"))
                return redirect("payments:layouts")
    county = scopes.Scope(area=area)
    rows = LayoutChoice.objects.filter(area__gte=county.low, area__lt=county.high).select_related("fund", "proposed_by", "decided_by")
    current = {row.pk for row in channels.choices_on(area, on)}
    shown = [
        {
            "row": row,
            "label": layouts.LAYOUTS[row.layout].label,
            "whom": "　".join(filter(None, [row.fund.name if row.fund else "", paid_label(row.programme) if row.programme else "", row.bank])),
            "colour": COLOURS[row.state],
            "current": row.pk in current,
            "own": row.proposed_by_id == scopes.current().account_id,
        }
        for row in rows.order_by("-starts", "-pk")[:MOST_CHOICES]
    ]
    month = on.replace(day=1)
    kinds: list[dict[str, Any]] = [
        {
            "layout": layout,
            "sample": layout_io.sample(layout, unit=area if len(area) == 6 else "410122", month=month),
            "answers": [answers.FORMS[code] for code in layout.answers],
        }
        for layout in layouts.LAYOUTS.values()
    ]
    keys = envelopes.keys_of(area) if len(area) == 6 else []
    return render(
        request,
        "payments/layouts.html",
        {
            "kinds": kinds,
            "choices": shown,
            "form": form if may_propose else None,
            "may_confirm": duties.may("payments.layouts_confirm"),
            "key": keys[0] if keys else None,
            "county": area,
        },
        status=400 if form.errors else 200,
    )


@require_POST
@may("payments.layouts")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm, send back or withdraw a choice."""
    decision = request.POST.get("decision", "")
    if decision not in ("confirmed", "refused", "withdrawn"):
        raise Http404
    said = {"confirmed": _("已确认，自启用日期起生效。"), "refused": _("已退回。"), "withdrawn": _("已撤回。")}
    tell(
        request,
        lambda: exchange.decide_choice(choice_id=pk, decision=decision, note=request.POST.get("note", ""), now=timezone.now()),
        lambda _row: said[decision],
    )
    return redirect("payments:layouts")


@require_http_methods(["GET", "POST"])
@may("payments.layouts")
def county_key(request: HttpRequest) -> HttpResponse:
    """POST makes the county's key pair; GET gives its certificate for the bank."""
    area = scopes.current().area[:6]
    if request.method == "POST":
        tell(request, lambda: envelopes.make_key(area=area, now=timezone.now()), lambda _row: _("密钥已生成；请下载证书交给银行。"))
        return redirect("payments:layouts")
    rows = envelopes.keys_of(area)
    if not rows:
        raise Http404
    response = HttpResponse(rows[0].certificate, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="{area}.pem"'
    return response


@require_POST
@may("payments.release")
def export_chosen(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the files that the county chose."""
    found(pk)

    def said(made: list[files.Exported]) -> str:
        new = sum(one.made for one in made)
        return _("已生成 %(n)s 份文件。") % {"n": ui.count(new)} if new else _("文件此前已生成，内容不变。")

    tell(request, lambda: files.export_chosen(payroll_id=pk, now=timezone.now()), said)
    return redirect(_of_file(pk))


@require_GET
@may("payments.release")
def signature(request: HttpRequest, pk: int) -> HttpResponse:
    """The county's signature over a recorded file."""
    row = BankFile.objects.filter(pk=pk).first()
    if row is None or not row.signature or not scopes.current().covers(row.area):
        raise Http404
    response = HttpResponse(bytes(row.signature), content_type="application/octet-stream")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(row.name)}.sig"
    return response


@takes(1024)
@require_http_methods(["GET", "POST"])
@may("payments.book")
def received(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers that have come, held against the payroll before anything is booked; POST takes further files in."""
    row = found(pk)
    form = ResultsForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if not form.is_valid():
            messages.error(request, _("请选择银行发放结果文件。"))
        else:
            data = [(each.name, each.read()) for each in form.cleaned_data["answers"]]

            def said(taken: exchange.Received) -> str:
                parts = [_("读入 %(n)s 份文件，请核对后记账。") % {"n": taken.new}] if taken.new else []
                parts += [_("%(n)s 份此前已读入，没有重复。") % {"n": taken.known}] if taken.known else []
                parts += [
                    _("银行整批拒绝 %(number)s（%(reason)s），没有发放；请重新生成文件。") % {"number": f.number, "reason": f.refused_reason}
                    for f in taken.refused
                ]
                return "".join(parts) or _("没有新的内容。")

            done = tell(request, lambda: exchange.receive(payroll_id=pk, data=data, now=timezone.now()), said)
            if done and not done.new:
                return redirect(_of_file(pk))
        return redirect("payments:answers", pk)
    shown = exchange.preview(payroll_id=pk)
    context = {"payroll": row, "shown": shown, "form": ResultsForm(), "forms": {code: form.label for code, form in answers.FORMS.items()}}
    if not shown.rows and row.state == "booked":
        return redirect(_of_file(pk))
    for each in shown.rows:
        each.label = answers.FORMS[each.kind].label  # type: ignore[attr-defined]
    return render(request, "payments/answers.html", context)


@require_POST
@may("payments.book")
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """Book what has come."""
    found(pk)
    now = timezone.now()

    def said(booked: results.Booked) -> str:
        if not booked.changed:
            return _("这些文件此前已读入（批次 %(number)s），没有重复记账。") % {"number": booked.payroll.number}
        return _("批次 %(number)s：到账 %(paid)s 笔，退票 %(returned)s 笔，已记账。") % {
            "number": booked.payroll.number,
            "paid": ui.count(booked.paid),
            "returned": ui.count(booked.returned),
        }

    done = tell(request, lambda: exchange.book_received(payroll_id=pk, on=timezone.localdate(now), now=now), said)
    return redirect(_of_file(pk)) if done else redirect("payments:answers", pk)


@require_POST
@may("payments.book")
def set_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a file that came aside."""
    row = BankAnswer.objects.filter(pk=pk).first()
    if row is None or not scopes.current().covers(row.area):
        raise Http404
    tell(
        request,
        lambda: exchange.set_aside(answer_id=pk, reason=request.POST.get("reason", ""), now=timezone.now()),
        lambda _row: _("已作废，不再计入本批结果。"),
    )
    return redirect("payments:answers", row.payroll_id)
