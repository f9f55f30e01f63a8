"""Acceptance (受理): what is owed is told once; refusal to accept, withdrawal, end, and the clock that stands still for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core.services import todos
from doudi.core.workdays import add_working_days
from doudi.enrolment.models import Application, Case, Decision, Document, Publicity
from doudi.enrolment.procedure import Paper, Step, checked
from doudi.enrolment.services.checking import ask_check
from doudi.enrolment.services.papers import unsigned
from doudi.enrolment.services.steps import (
    Outcome,
    State,
    again,
    close,
    done,
    go_on,
    note_event,
    open_step,
    save,
    start_clock,
    stop_clock,
    take,
    take_all,
    touched,
)
from doudi.registry.services.base import service


@dataclass(frozen=True)
class Item:
    """One line of the checklist. `document`: the one that counts, handed in with this application or known before (`known`)."""

    paper: str
    label: str
    required: bool
    document: Document | None
    known: bool

    @property
    def url(self) -> str:
        return f"/enrolment/documents/{self.document.pk}/" if self.document else ""


def checklist(application: Application, cases: Sequence[Case], *, on: date) -> list[Item]:
    """Documents of the application's programmes, each once, with what the household has handed in already and still holds."""
    required: dict[str, bool] = {}
    for case in cases:
        for entry in case.procedure["documents"]:
            required[entry["paper"]] = required.get(entry["paper"], False) or entry["required"]
    there = Document.objects.filter(household_id=application.household_id, removed_at__isnull=True)
    there = there.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=on)).select_related("person", "application")
    newest: dict[str, Document] = {}
    for document in there.order_by("id"):
        newest[document.paper] = document
    return [
        Item(paper.value, str(paper.label), required[paper], newest.get(paper), bool(paper in newest and newest[paper].application_id != application.pk))
        for paper in Paper
        if paper in required
    ]


def owed(application: Application, cases: Sequence[Case], *, on: date) -> list[str]:
    """What keeps the application from being accepted, in words: required documents and authorisations that are missing."""
    missing = [item.label for item in checklist(application, cases, on=on) if item.required and item.document is None]
    if any(checked(case.programme) for case in cases):
        missing += [_("%(name)s的核对授权书") % {"name": name} for _person, name in unsigned(application.household_id, on=on)]
    return missing


@service("enrolment.accept")
def accept(*, application_id: int, version: int, now: datetime, note: str = "") -> Application:
    """Accept (受理) all cases of the application that wait for it; the clock of the whole begins. Raises ValidationError naming what is missing."""
    today = timezone.localdate(now)
    application, cases = take_all(application_id, version, at=Step.ACCEPT)
    missing = owed(application, cases, on=today)
    if missing:
        raise ValidationError(_("尚缺：%(items)s；请登记材料，或一次性告知申请人补正。") % {"items": "、".join(missing)})
    counted = [item.document.pk for item in checklist(application, cases, on=today) if item.document]
    touched(application, accepted_papers=counted, supplements=[], supplements_due=None)
    for case in cases:
        done(case, what="受理", note=note, now=now)
        case.decide_by = add_working_days(today, case.procedure["total_days"])
        go_on(case, now=now)
    if any(case.step == Step.CHECK for case in cases):
        ask_check(application=application, now=now)
    application.refresh_from_db()
    return application


@service("enrolment.accept")
def ask_supplements(*, application_id: int, version: int, points: Sequence[str], now: datetime) -> Application:
    """Tell the applicant once what is missing (一次性告知补正). The clock stands still until it comes; a second telling is not allowed."""
    today = timezone.localdate(now)
    application, cases = take_all(application_id, version, at=Step.ACCEPT)
    told = [point.strip()[:100] for point in points if point.strip()]
    if not told:
        raise ValidationError({"points": _("请列明需要补正的材料。")})
    if application.supplements:
        raise ValidationError(_("已经一次性告知过补正内容，不能再次要求补正；请按已告知的内容办理。"))
    due = add_working_days(today, min(case.procedure["supplement_days"] for case in cases))
    touched(application, supplements=told, supplements_due=due)
    for case in cases:
        note_event(case, "一次性告知补正", note="；".join(told), now=now)
        stop_clock(case, state=State.SUPPLEMENTS, now=now)
        todos.move_due(subject="case", subject_id=case.pk, due=due)
    application.refresh_from_db()
    return application


@service("enrolment.accept")
def take_supplements(*, application_id: int, version: int, now: datetime, note: str = "") -> Application:
    """What was missing has come: the clock runs again. Acceptance stays a step of its own."""
    application, cases = take_all(application_id, version, at=Step.ACCEPT, states=(State.SUPPLEMENTS,))
    touched(application)
    for case in cases:
        note_event(case, "补正材料已收齐", note=note, now=now)
        start_clock(case, now=now)
    application.refresh_from_db()
    return application


def _reason(reason: str) -> str:
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明理由，不少于 4 个字。")})
    return reason.strip()


@service("enrolment.accept")
def refuse_acceptance(*, case_id: int, version: int, reason: str, now: datetime) -> Case:
    """Do not accept (不予受理), with the reason; the applicant is told in writing, and the case ends when that is done."""
    said = _reason(reason)
    case = take(case_id, version, at=(Step.ACCEPT,), states=(State.OPEN, State.SUPPLEMENTS))
    case.state, case.paused_on = State.OPEN, None
    done(case, what="不予受理", note=said, now=now)
    tell_applicant(case, outcome=Outcome.NOT_ACCEPTED, now=now)
    return case


def tell_applicant(case: Case, *, outcome: str, now: datetime) -> None:
    """The case has its outcome; what is left is to tell the applicant in writing."""
    case.outcome = outcome
    open_step(case, Step.NOTICE, today=timezone.localdate(now), now=now)
    save(case)


def take_back_decision(case: Case, note: str, now: datetime) -> None:
    """A proposal that is not decided yet falls with what it was made for."""
    if case.decision_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update enrolment_decision set state = 'withdrawn', decided_at = %s, decision_note = %s, version = version + 1"
            " where id = %s and state = 'proposed'",
            [now, note[:400], case.decision_id],
        )
    todos.finish_todos(subject="decision", subject_id=case.decision_id, now=now)
    case.decision = None
    case.amount = None


@service("enrolment.accept")
def withdraw_application(*, case_id: int, version: int, reason: str, now: datetime) -> Case:
    """The applicant takes the application back, at any step before the decision."""
    return _end(case_id, version, reason, Outcome.WITHDRAWN, "申请人撤回申请", now)


@service("enrolment.accept")
def end_case(*, case_id: int, version: int, reason: str, now: datetime) -> Case:
    """End a case that cannot go on (终止办理): the person died, nothing was supplemented, nobody can be reached; with the reason."""
    return _end(case_id, version, reason, Outcome.ENDED, "终止办理", now)


def _end(case_id: int, version: int, reason: str, outcome: str, what: str, now: datetime) -> Case:
    said = _reason(reason)
    case = take(case_id, version, states=(State.OPEN, State.SUPPLEMENTS, State.PAUSED))
    if case.outcome:
        raise ValidationError(_("该件已作出决定，不能再撤回或终止；请办理停发或变更。"))
    note_event(case, what, note=said, now=now)
    take_back_decision(case, what, now)
    Publicity.objects.filter(case_id=case.pk, state=Publicity.State.RUNNING).update(state=Publicity.State.STOPPED, closed_at=now)
    close(case, outcome=outcome, now=now)
    return case


@service("enrolment.accept")
def pause(*, case_id: int, version: int, reason: str, now: datetime) -> Case:
    """Let the clock stand still (中止) for a reason that is not the officers' (a check elsewhere, a lawsuit, an isolation)."""
    said = _reason(reason)
    case = take(case_id, version)
    if case.step == Step.PUBLICITY or case.outcome:
        raise ValidationError(_("公示期间和作出决定后不能中止。"))
    note_event(case, "中止办理", note=said, now=now)
    stop_clock(case, state=State.PAUSED, now=now)
    return case


@service("enrolment.accept")
def resume_case(*, case_id: int, version: int, now: datetime, note: str = "") -> Case:
    """The clock runs again; limits move by the working days that it stood still."""
    case = take(case_id, version, states=(State.PAUSED,))
    note_event(case, "恢复办理", note=note, now=now)
    start_clock(case, now=now)
    return case


@service("enrolment.accept")
def deliver_notice(*, case_id: int, version: int, how: str, delivered_on: date, now: datetime) -> Case:
    """The notice (告知书) has reached the applicant: the case is closed."""
    today = timezone.localdate(now)
    case = take(case_id, version, at=(Step.NOTICE,))
    if how not in ("person", "post", "phone", "online"):
        raise ValidationError({"how": _("请选择送达方式。")})
    if delivered_on > today:
        raise ValidationError({"delivered_on": _("“送达日期”晚于今天；请核对。")})
    done(case, what="告知申请人", data={"how": how, "on": delivered_on.isoformat()}, now=now)
    close(case, outcome=case.outcome, now=now)
    return case


def decided(decision_ids: Sequence[int], *, state: str, now: datetime, note: str = "") -> None:
    """What the decision (approved or sent back) means for its case: the applicant is told, or the township gives its opinion anew."""
    for case in Case.objects.select_for_update().filter(decision__in=decision_ids, step=Step.APPROVAL, outcome="").order_by("id"):
        kind = case.decision.kind if case.decision else ""
        if state == Decision.State.APPROVED:
            done(case, what="审核确认" if kind == "grant" else "不予确认", note=note, now=now)
            tell_applicant(case, outcome=Outcome.GRANTED if kind == "grant" else Outcome.REFUSED, now=now)
        else:
            note_event(case, "审批退回", note=note, now=now)
            again(case, (Step.OPINION, Step.FEDERATION, Step.PUBLICITY), now=now)
            case.decision = None
            case.amount = None
            go_on(case, now=now)


__all__ = [
    "Item", "accept", "ask_supplements", "checklist", "decided", "deliver_notice", "end_case", "owed", "pause", "refuse_acceptance", "resume_case",
    "take_back_decision", "take_supplements", "tell_applicant", "withdraw_application",
]  # fmt: skip
