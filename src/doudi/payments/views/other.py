"""One returned line, and money received."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments.forms import CorrectionForm, ReasonForm
from doudi.payments.models import BankReturn
from doudi.payments.services import corrections
from doudi.payments.views.lists import RETURN_COLOURS, tail_of


def _returned(pk: int) -> BankReturn:
    row = BankReturn.objects.select_related("payroll", "corrected_by", "confirmed_by").filter(pk=pk).first()
    if row is None or not scopes.current().covers(row.area):
        raise Http404
    return row


def _page(request: HttpRequest, row: BankReturn, form: CorrectionForm | None = None) -> HttpResponse:
    State = BankReturn.State
    open_to_correct = row.state in (State.OPEN, State.PROPOSED) and duties.may("payments.correct")
    events = [{"at": row.corrected_at, "title": _("乡镇更正"), "who": str(row.corrected_by), "note": row.correction_note}] if row.corrected_at else []
    if row.confirmed_at:
        events.insert(0, {"at": row.confirmed_at, "title": _("县级确认"), "who": str(row.confirmed_by)})
    return render(
        request,
        "payments/return.html",
        {
            "row": row,
            "colour": RETURN_COLOURS[row.state],
            "tail": tail_of(row.account),
            "new_tail": tail_of(row.new_account),
            "form": (form or CorrectionForm(initial={"name": row.new_name or row.payee_name, "bank": row.new_bank})) if open_to_correct else None,
            "may_confirm": row.state == State.PROPOSED and duties.may("payments.prepare"),
            "reason_form": ReasonForm(),
            "events": events,
        },
        status=400 if form is not None else 200,
    )


@require_GET
@may("payments.returns")
def returned(request: HttpRequest, pk: int) -> HttpResponse:
    """One returned line with what can be done about it."""
    return _page(request, _returned(pk))


@require_POST
@may("payments.correct")
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _returned(pk), CorrectionForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    done = tell(
        request,
        lambda: corrections.correct_return(return_id=pk, now=timezone.now(), **form.cleaned_data),
        lambda _row: _("已更正，待县级审核员确认。"),
    )
    return redirect("payments:returns") if done else redirect("payments:return", pk)


@require_POST
@may("payments.prepare")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    _returned(pk)
    agreed = request.POST.get("agreed") == "1"
    tell(
        request,
        lambda: corrections.confirm_correction(return_id=pk, agreed=agreed, reason=request.POST.get("reason", ""), now=timezone.now()),
        lambda _row: _("已确认，可随重新发放批次支付。") if agreed else _("已退回乡镇。"),
    )
    return redirect("payments:returns")


@require_GET
@may("payments.fund")
def receive(request: HttpRequest) -> HttpResponse:
    """The form for money received (登记到账) of one's own county."""
    return redirect("payments:fund_new", scopes.current().area, "receipt")
