"""One award: what it pays to whom since when and why, and what officers propose and decide about it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.assessment.facts import month_after
from doudi.assessment.services import law_settings
from doudi.core import audit, duties
from doudi.core import letters as pdf
from doudi.core import scope as scopes
from doudi.core.views.access import may
from doudi.enrolment import award_queries, queries, services
from doudi.enrolment.award_forms import AwardChangeForm, LiftForm, PayeeDecisionForm, PayeeForm
from doudi.enrolment.forms import ReasonForm, StopForm
from doudi.enrolment.models import Award, Certificate, Decision, PayeeChange
from doudi.enrolment.services.letters import CERTIFIED
from doudi.enrolment.views import award_colour, award_state
from doudi.registry.models import Household, Programme


def _award(pk: int) -> Award:
    found = Award.objects.select_related("decision", "decision__decided_by", "decision__proposed_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@may("enrolment.view")
def award(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _award(pk))


def _by_band(row: Award) -> bool:
    """Whether dibao is paid by bands where the household is, from next month, or was so in this award."""
    if row.programme != Programme.DIBAO:
        return False
    month = month_after(timezone.localdate())
    table = law_settings(month).table()
    name = f"dibao.payment.mode.{row.household.residence}"
    rows = (table.row_of(name, row.area[:length], month.isoformat()) for length in (6, 4, 2))
    nearest = next((index for index in rows if index >= 0), -1)
    return (nearest >= 0 and table.rows[nearest].value == "bands") or row.members.filter(band__isnull=False).exists()


def _page(request: HttpRequest, row: Award, *, form: forms.Form | None = None, what: str = "", status: int = 200) -> HttpResponse:
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="award")
    today = timezone.localdate()
    here = Household.objects.filter(pk=row.household_id, area=row.area).exists()
    running = not row.void and (row.ends is None or row.ends > today)
    head = queries.with_head(Award.objects.filter(pk=row.pk)).values_list("head", flat=True)[0] or row.payee_name
    desc = [
        (_("户主"), head), (_("项目"), row.get_programme_display()), (_("领款人"), row.payee_name),
        (_("起始月"), f"{row.starts:%Y-%m}"), (_("停发月份"), f"{row.ends:%Y-%m}" if row.ends else ""), (_("决定"), row.decision.number),
        (_("依据"), row.decision.content.get("document") or _("测算结果"), True),
    ]  # fmt: skip
    if row.gradual_exit_start:
        desc.insert(-1, (_("渐退期起始月"), f"{row.gradual_exit_start:%Y-%m}"))
    propose = running and here and duties.may("enrolment.propose")
    first = {"from_month": month_after(today)}
    waiting = PayeeChange.objects.filter(award=row, state="proposed").select_related("proposed_by").first()
    decides = waiting is not None and duties.may("enrolment.payee") and waiting.proposed_by_id != scopes.current().account_id
    cooling = services.payees.in_force(row.pk)
    cooling = cooling if cooling is not None and cooling.waits(today) else None
    lifts = cooling is not None and duties.may("enrolment.payee_lift") and scopes.current().account_id not in (cooling.proposed_by_id, cooling.decided_by_id)
    ways: list[tuple[str, str, forms.Form, str, str]] = []
    if propose and row.ends is None and row.starts <= today:
        change = form if what == "change" else AwardChangeForm(award=row, by_band=_by_band(row), initial=first, auto_id="change_%s")
        ways.append(("change", str(_("提出变更")), change, str(_("金额、享受人和档次只能由新的决定改变；提出后由另一名工作人员审批。")), ""))  # type: ignore[arg-type]
    if propose and waiting is None:
        payee = form if what == "payee" else PayeeForm(award=row, on=today, auto_id="payee_%s")
        ways.append(("payee", str(_("变更领款人或账户")), payee, str(_("由县级另一名工作人员确认；账户有变的，冷静期满后的批次起执行。")), ""))  # type: ignore[arg-type]
    if propose and row.ends is None:
        stop = form if what == "stop" else StopForm(initial=first, auto_id="stop_%s")
        ways.append(("stop", str(_("提出停发")), stop, str(_("写明停发原因；暂停退出期间只有例外情形可以停发。")), "dan"))  # type: ignore[arg-type]
    if running and duties.may("enrolment.approve"):
        key = "resume" if row.suspended else "suspend"
        pause = form if what in ("suspend", "resume") else ReasonForm(auto_id="pause_%s")
        ways.append((key, str(_("恢复发放") if row.suspended else _("暂停发放")), pause, "", "dan"))  # type: ignore[arg-type]
    context = {
        "row": row, "here": here, "head": head, "desc": desc, "state": award_state(row), "colour": award_colour(row),
        "amounts": row.amounts.select_related("decision").order_by("-from_month"),
        "members": award_queries.members(row),
        "timeline": award_queries.timeline(row), "chart": award_queries.chart(row, today=today),
        "ways": ways, "open_way": what, "waiting": waiting, "open_decisions": Decision.objects.filter(award_id=row.pk, state="proposed", household=row.household_id),
        "payee_form": (form if what == "payee-decide" else PayeeDecisionForm(initial={"version": waiting.version})) if decides and waiting else None,
        "cooling": cooling, "lift_form": (form if what == "payee-lift" else LiftForm(initial={"version": cooling.version})) if lifts and cooling else None,
        "certify": running and here and row.ends is None and row.programme in CERTIFIED and pdf.available() and duties.may("enrolment.letters"),
        "certificates": Certificate.objects.filter(award=row).order_by("-id"),
    }  # fmt: skip
    return render(request, "enrolment/award.html", context, status=status)


def _form(request: HttpRequest, row: Award, what: str) -> forms.Form:
    if what == "change":
        return AwardChangeForm(request.POST, award=row, by_band=_by_band(row), auto_id="change_%s")
    if what == "payee":
        return PayeeForm(request.POST, request.FILES, award=row, on=timezone.localdate(), auto_id="payee_%s")
    if what == "payee-decide":
        return PayeeDecisionForm(request.POST)
    if what == "payee-lift":
        return LiftForm(request.POST)
    return StopForm(request.POST, auto_id="stop_%s") if what == "stop" else ReasonForm(request.POST, auto_id="pause_%s")


@require_POST
@may("enrolment.view")
def award_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Propose a change, another payee or a stop (township); confirm a payee, suspend or resume (county)."""
    row = _award(pk)
    if what not in ("change", "payee", "payee-decide", "payee-lift", "stop", "suspend", "resume"):
        raise Http404
    form = _form(request, row, what)
    if form.is_valid():
        try:
            made = _do(request, row, what, form)
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                for name, found in error.message_dict.items():
                    form.add_error(name if name in form.fields else None, found)
            else:
                form.add_error(None, error)
        else:
            return redirect("enrolment:decision", pk=made.pk) if made else redirect("enrolment:award", pk=pk)
    return _page(request, _award(pk), form=form, what=what, status=422)


def _do(request: HttpRequest, row: Award, what: str, form: forms.Form) -> Decision | None:
    now, data = timezone.now(), dict(form.cleaned_data)
    made: Decision | None = None
    if what == "change":
        assert isinstance(form, AwardChangeForm)
        duties.require("enrolment.propose")
        assessment = services.law_says(household=row.household, now=now)
        made = services.change_award(
            award_id=row.pk, assessment=assessment, from_month=data["from_month"], amount=data["amount"], bands=form.bands(), reason=data["reason"], now=now
        )
        messages.success(request, _("已提出变更 %(number)s，等待审批。") % {"number": made.number})
    elif what == "stop":
        made = services.stop_award(award_id=row.pk, now=now, **data)
        messages.success(request, _("已提出停发 %(number)s，等待审批。") % {"number": made.number})
    elif what == "payee":
        data["evidence"] = [(file.name, file.read()) for file in data["evidence"] or []]
        services.propose_payee(award_id=row.pk, now=now, **data)
        messages.success(request, _("已提出领款人变更，等待县级确认。"))
    elif what == "payee-decide":
        waiting = PayeeChange.objects.filter(award=row).order_by("-id").first()
        if waiting is None:
            raise Http404
        agreed = request.POST.get("agreed") == "yes"
        services.decide_payee(change_id=waiting.pk, agreed=agreed, now=now, **data)
        messages.success(request, _("已确认领款人变更。") if agreed else _("已退回领款人变更。"))
    elif what == "payee-lift":
        cooling = services.payees.in_force(row.pk)
        if cooling is None:
            raise Http404
        services.lift_cooling(change_id=cooling.pk, now=now, **data)
        messages.success(request, _("已解除冷静期，下一批起付到新账户。"))
    elif what == "suspend":
        services.suspend(award_id=row.pk, now=now, **data)
        messages.success(request, _("已暂停发放。"))
    else:
        services.resume(award_id=row.pk, now=now, **data)
        messages.success(request, _("已恢复发放。"))
    return made
