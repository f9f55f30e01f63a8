"""Deciding a case: the township at once within its ceiling, the county above it, a case meeting beyond the rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.core import duties, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.discovery.services import leads_helped
from doudi.payments.models import Grant, OneOff
from doudi.payments.services import grants
from doudi.registry.models import Person
from doudi.relief import rules
from doudi.relief.models import CaseMeeting, ReliefCase, ReliefHelp
from doudi.relief.services.base import hand_on, locked, step, today_of
from doudi.relief.services.cases import Help, add_helps, move_to_meeting, total
from doudi.relief.services.looking import asked, said

State, Level = ReliefCase.State, ReliefCase.Level


def _claimed(case: ReliefCase, *, beyond: bool, now: datetime) -> bool:
    """Claim the emergency for every person of the case in the whole province. False where it was helped before: the case goes to a meeting,
    with what the recorded look-up answers."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.claim_relief(%s, %s, %s)", [case.pk, beyond, now])
        clash = cursor.fetchone()[0]
    if not clash:
        return True
    found = []
    for token in case.members.values_list("token", flat=True):
        try:
            found += asked(token=token, reason=f"临时救助重复救助核对 {case.number}", on=today_of(now))
        except ValidationError:  # too many look-ups within the hour: the meeting asks
            break
    case.clash, case.clash_note = clash, said(found)
    move_to_meeting(case, reason=str(ReliefCase.Clash(clash).label), now=now)
    return False


def _give(case: ReliefCase, *, act: str, level: str, amount: Decimal, note: str, now: datetime) -> None:
    """The case is granted: its helps become grants, its lead is answered."""
    on = today_of(now)
    first = case.members.order_by("pk").first()
    assert first is not None
    payee = grants.Payee(first.name, None, first.token if case.has_number else None)
    if first.person_id and (person := Person.objects.filter(pk=first.person_id).first()):
        payee = grants.Payee(person.name, person.pk, person.token, person.account, person.bank)
    helps = list(case.helps.order_by("part"))
    for one in helps:
        if one.kind == ReliefHelp.Kind.REFERRAL:
            continue
        one.grant = grants.make_grant(
            act=act, area=case.area, programme=OneOff.TEMPORARY, cause=case.pk, part=one.part, month=on, amount=one.amount or Decimal(0), way=one.way,
            household_id=case.household_id, payee=payee, beneficiary_name=first.name, beneficiary=first.token, now=now,
        )  # fmt: skip
        one.save(update_fields=["grant"])
    before = case.state
    case.state, case.level, case.amount, case.note = State.GRANTED, level, amount, note.strip()[:400]
    case.decided_by_id, case.decided_at, case.version = scopes.current().account_id, now, case.version + 1
    if case.relief_first:
        case.explanation_due = workdays.add_working_days(on, int(get_setting(rules.EXPLAIN_DAYS, case.area, on)))
    case.save(
        update_fields=["state", "level", "amount", "note", "decided_by", "decided_at", "version", "explanation_due", "relief_first", "checked"]
    )
    step(case, before=before, what="granted", note=note, now=now)
    finish_todos(subject="relief", subject_id=case.pk, now=now)
    if case.relief_first:
        raise_todo(
            kind="relief.explain", area=case.area, duty=Duty.TOWNSHIP_OFFICER, title=f"先行救助待补充说明：{case.name}", url=f"/relief/{case.pk}/",
            subject="relief", subject_id=case.pk, due=case.explanation_due, now=now,
        )  # fmt: skip
    if any(one.way == Grant.Way.RESERVE for one in helps):
        raise_todo(
            kind="relief.pay", area=case.area, duty=Duty.TOWNSHIP_OFFICER, title=f"临时救助待发放：{case.name}", url=f"/relief/{case.pk}/",
            subject="relief", subject_id=case.pk, now=now,
        )  # fmt: skip
    if any(one.grant and one.grant.way == Grant.Way.PAYROLL and one.grant.account is None for one in helps):
        raise_todo(
            kind="relief.account", area=case.area, duty=Duty.TOWNSHIP_OFFICER, title=f"临时救助待补充收款账户：{case.name}", url=f"/relief/{case.pk}/",
            subject="relief", subject_id=case.pk, now=now,
        )  # fmt: skip
    if case.lead_id or case.household_id:
        leads_helped(grants=[(case.household_id or 0, OneOff.TEMPORARY, None, case.lead_id)], now=now)


def _beyond(amount: Decimal, ceiling: Decimal, next_step: str) -> ValidationError:
    words = _("合计 %(amount)s 元，超过上限 %(ceiling)s 元；%(next)s")
    return ValidationError({"amount": words % {"amount": f"{amount:,.2f}", "ceiling": f"{ceiling:,.2f}", "next": next_step}}, code="ceiling")


@transaction.atomic
def grant_by_township(
    *, case_id: int, version: int | None, helps: Sequence[Help], checked: str = "", note: str = "", relief_first: bool | None = None, now: datetime
) -> ReliefCase:
    """Grant (乡镇审批) at once within the township's ceiling: relief first, whose explanation follows, or after verification (`checked`).

    The same emergency is helped once: where the province helped it before, the case comes back in state `meeting` instead.
    """
    case = locked(case_id=case_id, act="relief.grant", version=version, states=(State.OPEN,))
    amount = total(helps)
    if amount > case.township_ceiling:
        raise _beyond(amount, case.township_ceiling, _("请报县级审批。"))
    if relief_first is not None:
        if relief_first and not rules.may_help_first(kind=case.kind, emergency=case.emergency_id is not None):
            raise ValidationError({"relief_first": _("支出型救助须先核实再救助；只有当地处于应急状态时可以先行救助。")})
        case.relief_first = relief_first
    if not case.relief_first and not checked.strip():
        raise ValidationError({"checked": _("不是先行救助的，请写明核实情况（谁、何时、怎样核实）。")})
    case.checked = checked.strip()[:2000] or None
    add_helps(case, helps)
    if not amount or _claimed(case, beyond=False, now=now):
        _give(case, act="relief.grant", level=Level.TOWNSHIP, amount=amount, note=note, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def propose_to_county(*, case_id: int, version: int, helps: Sequence[Help], checked: str, now: datetime) -> ReliefCase:
    """Propose (报县审批) what is above the township's ceiling, with what was verified; above the county's, a case meeting decides."""
    case = locked(case_id=case_id, act="relief.propose", version=version, states=(State.OPEN,))
    amount = total(helps)
    if amount > case.ceiling:
        raise _beyond(amount, case.ceiling, _("请提交一事一议。"))
    if not checked.strip():
        raise ValidationError({"checked": _("请写明核实情况（谁、何时、怎样核实）。")})
    add_helps(case, helps)
    on = today_of(now)
    before, case.state, case.checked = case.state, State.COUNTY, checked.strip()[:2000]
    case.relief_first = False
    case.proposed_by_id, case.proposed_at, case.version = scopes.current().account_id, now, case.version + 1
    case.save(update_fields=["state", "checked", "proposed_by", "proposed_at", "version", "relief_first"])
    step(case, before=before, what="proposed", note=f"{amount:,.2f} 元", now=now)
    due = workdays.add_working_days(on, int(get_setting(rules.DECIDE_DAYS, case.area, on)))
    hand_on(case, duty=Duty.COUNTY_APPROVER, kind="relief.approve", title=f"临时救助待县级审批：{case.name}", due=due, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def approve_by_county(*, case_id: int, version: int, note: str = "", now: datetime) -> ReliefCase:
    """Approve (县级审批) what was proposed, by another officer than the proposer."""
    case = locked(case_id=case_id, act="relief.approve", version=version, states=(State.COUNTY,))
    duties.require_apart("relief.approve", done={"relief.propose": case.proposed_by_id})
    amount = sum((one.amount or Decimal(0) for one in case.helps.all()), Decimal(0))
    if not amount or _claimed(case, beyond=False, now=now):
        _give(case, act="relief.approve", level=Level.COUNTY, amount=amount, note=note, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def send_back(*, case_id: int, version: int, reason: str, now: datetime) -> ReliefCase:
    """Send back (退回) to the township what was proposed to the county."""
    case = locked(case_id=case_id, act="relief.approve", version=version, states=(State.COUNTY,))
    if not reason.strip():
        raise ValidationError({"reason": _("请填写退回原因。")})
    before, case.state, case.note, case.version = case.state, State.OPEN, reason.strip()[:400], case.version + 1
    case.save(update_fields=["state", "note", "version"])
    step(case, before=before, what="sent_back", note=reason, now=now)
    on = today_of(now)
    due = workdays.add_working_days(on, int(get_setting(rules.DECIDE_DAYS, case.area, on)))
    hand_on(case, duty=Duty.TOWNSHIP_OFFICER, kind="relief.decide", title=f"临时救助被退回：{case.name}", due=due, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def refuse(*, case_id: int, version: int, reason: str, now: datetime) -> ReliefCase:
    """Refuse (不予救助) with the reason: the township what is open, the county's approver what was proposed to the county."""
    act, states = ("relief.approve", (State.COUNTY,)) if duties.may("relief.approve") else ("relief.grant", (State.OPEN,))
    case = locked(case_id=case_id, act=act, version=version, states=states)
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明不予救助的理由，告知申请人时使用。")})
    _refused(case, reason=reason, now=now)
    scopes.check_constraints()
    return case


def _refused(case: ReliefCase, *, reason: str, now: datetime) -> None:
    before, case.state, case.note = case.state, State.REFUSED, reason.strip()[:400]
    case.decided_by_id, case.decided_at, case.version = scopes.current().account_id, now, case.version + 1
    case.save(update_fields=["state", "note", "decided_by", "decided_at", "version"])
    step(case, before=before, what="refused", note=reason, now=now)
    finish_todos(subject="relief", subject_id=case.pk, now=now)


@transaction.atomic
def approve_meeting(*, case_id: int, version: int, note: str = "", now: datetime) -> ReliefCase:
    """Carry out what a recorded case meeting resolved (3.4), by the county's approver, who did not record it."""
    case = locked(case_id=case_id, act="relief.approve", version=version, states=(State.MEETING,))
    meeting = CaseMeeting.objects.filter(case=case).first()
    if meeting is None:
        raise ValidationError(_("还没有登记一事一议会议记录。"))
    duties.require_apart("relief.approve", done={"relief.meeting": meeting.recorded_by_id})
    if meeting.resolution == CaseMeeting.Resolution.REFUSE:
        _refused(case, reason=note or "一事一议：不予救助", now=now)
    elif _claimed(case, beyond=True, now=now):
        _give(case, act="relief.approve", level=Level.MEETING, amount=meeting.amount or Decimal(0), note=note, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def revoke(*, case_id: int, version: int, reason: str, now: datetime) -> ReliefCase:
    """Take back (作废) a grant of which nothing was paid: its grants are void, the emergency can be claimed again."""
    act = "relief.approve" if duties.may("relief.approve") else "relief.grant"
    case = locked(case_id=case_id, act=act, version=version, states=(State.GRANTED,))
    if act == "relief.grant" and case.level != Level.TOWNSHIP:
        raise ValidationError(_("县级审批的救助由县级作废。"))
    if not reason.strip():
        raise ValidationError({"reason": _("请填写作废原因。")})
    for one in case.helps.exclude(grant=None):
        grants.void_grant(act=act, entitlement_id=one.grant_id or 0, reason=reason, now=now)
    with connection.cursor() as cursor:
        cursor.execute("select doudi.release_relief(%s)", [case.pk])
    before, case.state, case.note, case.version = case.state, State.WITHDRAWN, reason.strip()[:400], case.version + 1
    case.save(update_fields=["state", "note", "version"])
    step(case, before=before, what="revoked", note=reason, now=now)
    finish_todos(subject="relief", subject_id=case.pk, now=now)
    scopes.check_constraints()
    return case
