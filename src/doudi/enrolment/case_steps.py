"""What can be done with a case now, by whom: each action with its form and its service; pages and posts share this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.assessment import services as assessing
from doudi.assessment.facts import month_after
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.enrolment import case_forms as f
from doudi.enrolment import services
from doudi.enrolment.models import Application, Case, DataCheck, Publicity
from doudi.enrolment.procedure import Step
from doudi.enrolment.services.accepting import owed
from doudi.enrolment.services.opinions import companions
from doudi.enrolment.services.publicising import is_minor
from doudi.registry.models import Membership

State = Case.State


Call = Callable[[Case, dict[str, Any], datetime, forms.Form], Any]


@dataclass(frozen=True)
class Action:
    """One thing to do. `call(case, form, now)` is the service; `of_application`: its version is the application's."""

    what: str
    label: str | Promise
    act: str
    form: type[forms.Form]
    call: Call
    button: str | Promise
    steps: tuple[str, ...] = ()
    states: tuple[str, ...] = (State.OPEN,)
    of_application: bool = False
    style: str = "pri"
    main: bool = True
    confirm: str | Promise = ""


def _on_case(service: Callable[..., Any]) -> Call:
    return lambda case, data, now, _form: service(case_id=case.pk, now=now, **data)


def _on_application(service: Callable[..., Any]) -> Call:
    return lambda case, data, now, _form: service(application_id=case.application_id, now=now, **data)


def _opinion(case: Case, data: dict[str, Any], now: datetime, form: forms.Form) -> Any:
    assert isinstance(form, f.OpinionForm)
    plain = {name: data[name] for name in ("version", "agree", "amount", "payee_id", "reason")}
    return services.give_opinion(case_id=case.pk, now=now, bands=form.bands(), **plain)


OPENED = (State.OPEN, State.SUPPLEMENTS)
BEFORE_DECISION = tuple(step for step in Step.values if step != Step.NOTICE)
ANY_STATE = (State.OPEN, State.SUPPLEMENTS, State.PAUSED)
ACTIONS: tuple[Action, ...] = (
    Action("accept", _("受理"), "enrolment.accept", f.NoteForm, _on_application(services.accept), _("受理"), (Step.ACCEPT,), of_application=True),
    Action(
        "supplements",
        _("一次性告知补正"),
        "enrolment.accept",
        f.SupplementsForm,
        _on_application(services.ask_supplements),
        _("告知补正"),
        (Step.ACCEPT,),
        of_application=True,
        style="",
        main=False,
    ),
    Action(
        "supplemented",
        _("补正材料已收齐"),
        "enrolment.accept",
        f.NoteForm,
        _on_application(services.take_supplements),
        _("恢复计时"),
        (Step.ACCEPT,),
        (State.SUPPLEMENTS,),
        of_application=True,
    ),
    Action(
        "not-accepted",
        _("不予受理"),
        "enrolment.accept",
        f.ReasonForm,
        _on_case(services.refuse_acceptance),
        _("不予受理"),
        (Step.ACCEPT,),
        OPENED,
        style="dan",
        main=False,
        confirm=_("将不予受理，并书面告知申请人。"),
    ),
    Action(
        "check",
        _("出具核对结论"),
        "enrolment.check",
        f.CheckForm,
        _on_application(services.conclude_check),
        _("出具结论"),
        (Step.CHECK,),
        of_application=True,
    ),
    Action(
        "check-again",
        _("重新取数"),
        "enrolment.check",
        f.Versioned,
        _on_application(services.check_again),
        _("重新取数"),
        (Step.CHECK,),
        of_application=True,
        style="",
        main=False,
    ),
    Action(
        "visit",
        _("登记入户调查"),
        "enrolment.visit",
        f.VisitForm,
        _on_application(services.record_visit),
        _("保存入户调查"),
        (Step.VISIT,),
        of_application=True,
    ),
    Action(
        "county-visit",
        _("登记县级入户核查"),
        "enrolment.visit_county",
        f.VisitForm,
        _on_application(services.record_county_visit),
        _("保存入户核查"),
        (Step.COUNTY_VISIT,),
        of_application=True,
    ),
    Action(
        "appraisal", _("登记民主评议"), "enrolment.visit", f.AppraisalForm, _on_case(services.record_appraisal), _("保存评议结果"), (Step.APPRAISAL,)
    ),
    Action("opinion", _("提出初审意见"), "enrolment.propose", f.OpinionForm, _opinion, _("提交初审意见"), (Step.OPINION,)),
    Action(
        "federation",
        _("残联审核"),
        "enrolment.federation",
        f.FederationForm,
        _on_case(services.review_federation),
        _("提交审核意见"),
        (Step.FEDERATION,),
    ),
    Action("publish", _("登记公示"), "enrolment.publicise", f.PublishForm, _on_case(services.publish), _("开始公示"), (Step.PUBLICITY,)),
    Action(
        "no-publicity",
        _("不公示，继续办理"),
        "enrolment.publicise",
        f.Versioned,
        _on_case(services.skip_publicity),
        _("不公示，继续办理"),
        (Step.PUBLICITY,),
    ),
    Action(
        "publicity-over",
        _("结束公示"),
        "enrolment.publicise",
        f.Versioned,
        _on_case(services.close_publicity),
        _("公示期满，无异议"),
        (Step.PUBLICITY,),
    ),
    Action(
        "objection",
        _("登记异议"),
        "enrolment.publicise",
        f.ObjectionForm,
        _on_case(services.raise_objection),
        _("登记异议"),
        (Step.PUBLICITY,),
        style="",
        main=False,
        confirm=_("公示将停止，转入重新核对或民主评议。"),
    ),
    Action("settle", _("处理异议"), "enrolment.publicise", f.SettleForm, _on_case(services.settle_objection), _("保存处理结果"), (Step.OBJECTION,)),
    Action(
        "delivered", _("登记送达"), "enrolment.accept", f.DeliveredForm, _on_case(services.deliver_notice), _("已告知申请人，办结"), (Step.NOTICE,)
    ),
    Action("resume", _("恢复办理"), "enrolment.accept", f.NoteForm, _on_case(services.resume_case), _("恢复办理"), states=(State.PAUSED,)),
    Action(
        "pause",
        _("中止办理"),
        "enrolment.accept",
        f.ReasonForm,
        _on_case(services.pause),
        _("中止"),
        tuple(step for step in BEFORE_DECISION if step != Step.PUBLICITY),
        style="",
        main=False,
    ),
    Action(
        "withdraw",
        _("申请人撤回"),
        "enrolment.accept",
        f.ReasonForm,
        _on_case(services.withdraw_application),
        _("撤回申请"),
        BEFORE_DECISION,
        ANY_STATE,
        style="dan",
        main=False,
        confirm=_("申请将撤回，已提出的初审意见作废。"),
    ),
    Action(
        "end",
        _("终止办理"),
        "enrolment.accept",
        f.ReasonForm,
        _on_case(services.end_case),
        _("终止办理"),
        BEFORE_DECISION,
        ANY_STATE,
        style="dan",
        main=False,
        confirm=_("该件将终止，已提出的初审意见作废。"),
    ),
)
BY_NAME = {action.what: action for action in ACTIONS}


def applies(action: Action, case: Case) -> bool:
    """Whether the action is open for the case as it stands and for the acting duty."""
    if not duties.may(action.act) or case.state not in action.states or (action.steps and case.step not in action.steps):
        return False
    if action.what in ("publish", "no-publicity", "publicity-over", "objection"):
        running = Publicity.objects.filter(case_id=case.pk, state="running").first()
        minor = is_minor(case, timezone.localdate())
        if action.what == "publicity-over":
            return running is not None and running.ends <= timezone.localdate()
        return {"publish": running is None and not minor, "no-publicity": minor and running is None, "objection": running is not None}[action.what]
    if action.what in ("check", "check-again"):
        state = DataCheck.objects.filter(application_id=case.application_id).order_by("-id").values_list("state", flat=True).first()
        return state == DataCheck.State.READY or (action.what == "check-again" and state is not None)
    if action.what == "supplements":
        return not case.application.supplements
    return True


def form_of(action: Action, case: Case, *, data: Any = None, people: list[Membership] | None = None) -> forms.Form:
    """The action's form, with what it offers and proposes."""
    today = timezone.localdate()
    version = case.application.version if action.of_application else case.version
    initial: dict[str, Any] = {"version": version}
    options: dict[str, Any] = {}
    if action.form is f.VisitForm:
        options["companions"] = companions(case.area, on=today)
        initial["visited_on"] = today
    elif action.form is f.SupplementsForm:
        siblings = list(Case.objects.filter(application_id=case.application_id))
        initial["points"] = "\n".join(owed(case.application, siblings, on=today))
    elif action.form is f.OpinionForm:
        found = (
            people
            if people is not None
            else list(Membership.objects.filter(household_id=case.household_id, ends__isnull=True).select_related("person"))
        )
        options["members"] = [(m.person_id, m.person.name) for m in found]
        latest = assessing.latest(household_id=case.household_id, month=month_after(today))
        options["by_bands"] = bool(case.programme == "dibao" and latest and latest.results["household"].get("dibao_pays_by_bands"))
    elif action.form is f.PublishForm:
        last = (
            Publicity.objects.filter(area__gte=case.area[:9], area__lt=case.area[:9] + ":")
            .order_by("-id")
            .values_list("shown__hotline", flat=True)
            .first()
        )
        initial |= {"starts": today, "hotline": last or ""}
    elif action.form is f.AppraisalForm:
        initial["held_on"] = today
    elif action.form is f.DeliveredForm:
        initial["delivered_on"] = today
    return action.form(data, initial=initial, **options)


def panel_of(case: Case, *, what: str = "", form: forms.Form | None = None, people: list[Membership]) -> dict[str, Any]:
    """What the page offers: the step's own action whole, the others folded; and why nothing is offered, if so."""
    if not case.procedure:
        case.refresh_from_db(fields=["procedure"])
    shown = [
        (action, form if form is not None and action.what == what else form_of(action, case, people=people))
        for action in ACTIONS
        if applies(action, case)
    ]
    waits = ""
    if not any(action.main for action, _form in shown) and case.state == State.OPEN:
        mine = case.duty == scopes.current().duty
        waits = gettext("等待%(duty)s办理“%(step)s”。") % {"duty": case.get_duty_display(), "step": case.get_step_display()} if not mine else ""
    return {"main": [pair for pair in shown if pair[0].main], "more": [pair for pair in shown if not pair[0].main], "waits": waits}


__all__ = ["ACTIONS", "BY_NAME", "Action", "Application", "applies", "form_of", "panel_of"]
