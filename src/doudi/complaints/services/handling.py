"""Working on a complaint: assigned, begun, on hold, proposed for closing, approved (which applies the change) or sent back, reopened."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from doudi.complaints.models import Action, Complaint, Finding
from doudi.complaints.services.base import HANDLING_DUTIES, S, all_moved, days, due_of, finish, kind_word, locked, moved, refuse_barred, todo
from doudi.core import duties
from doudi.core.models import Duty, Posting
from doudi.core.services.todos import ends_by_hand, raise_todo
from doudi.core.workdays import add_working_days, is_working_day
from doudi.discovery.models import Channel
from doudi.discovery.models.referrals import Department
from doudi.discovery.services import raise_lead
from doudi.enrolment.models import Award
from doudi.enrolment.services import suspend

ends_by_hand("complaints.payment", "complaints.refer")


def _reason(text: str, field: str = "note") -> str:
    if len(text.strip()) < 2:
        raise ValidationError({field: _("请写明情况或理由。")})
    return text.strip()


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`."""
    return sum(is_working_day(start + timedelta(days=each)) for each in range(1, (end - start).days + 1))


@transaction.atomic
def assign(*, complaint_id: int, version: int, account_id: int, now: datetime, note: str = "") -> Complaint:
    """Give it to an officer whose posting covers the place; never to the one complained about, nor to who made the decision."""
    duties.require("complaints.assign")
    row = locked(complaint_id, version, S.NEW, S.REOPENED, S.ASSIGNED, S.IN_PROGRESS, S.ON_HOLD)
    on = timezone.localdate(now)
    postings = Posting.objects.filter(account_id=account_id, duty__in=HANDLING_DUTIES, starts__lte=on)
    posting = next((each for each in postings.order_by("area") if each.holds_on(on) and row.area.startswith(each.area)), None)
    if posting is None:
        raise ValidationError({"account": _("该人员没有在此地办理异议投诉的岗位；请另选承办人。")})
    try:
        refuse_barred(row, account_id)
    except PermissionDenied as error:
        raise ValidationError({"account": str(error)}) from None
    if row.state == S.ASSIGNED and row.handler_id == account_id:
        return row
    if row.state == S.ON_HOLD:
        _stop_hold(row, on)
    row.handler_id, row.state = account_id, S.ASSIGNED
    finish(row, now)
    todo(row, "complaints.handle", posting.duty, f"办理{kind_word(row)} {row.number}", now, area=posting.area if len(posting.area) > 6 else row.area)
    moved(row, "分派", note, now, "handler", "state", "due", "hold_reason", "hold_until", "held_on")
    return row


def _mine(row: Complaint) -> None:
    acting = duties.require("complaints.handle")
    refuse_barred(row, acting.account_id)
    if row.handler_id != acting.account_id:
        raise PermissionDenied(_("这件异议投诉由其他人员承办；请先由县级改派。"))


@transaction.atomic
def begin(*, complaint_id: int, version: int, now: datetime) -> Complaint:
    """The handler takes it on (签收)."""
    row = locked(complaint_id, version, S.ASSIGNED)
    _mine(row)
    row.state = S.IN_PROGRESS
    moved(row, "签收办理", "", now, "state")
    return row


@transaction.atomic
def hold(*, complaint_id: int, version: int, reason: str, until: date, now: datetime) -> Complaint:
    """Stop the clock with a reason, until a day; it runs again from there by itself."""
    row = locked(complaint_id, version, S.IN_PROGRESS)
    _mine(row)
    on, why = timezone.localdate(now), _reason(reason, "reason")
    most = days("hold_days", row.area, on)
    if not on < until <= on + timedelta(days=most):
        raise ValidationError({"until": _("暂停至的日期应在明天至 %(most)s 天之内。") % {"most": most}})
    row.state, row.hold_reason, row.hold_until, row.held_on = S.ON_HOLD, why[:200], until, on
    moved(row, "暂停计时", f"{why}（至 {until}）", now, "state", "hold_reason", "hold_until", "held_on")
    return row


def _stop_hold(row: Complaint, on: date) -> None:
    """The due day moves by the working days that the clock stood."""
    if row.held_on is not None:
        row.due = add_working_days(row.due, working_days_between(row.held_on, min(on, row.hold_until or on)))
    row.hold_reason, row.hold_until, row.held_on = "", None, None


@transaction.atomic
def resume(*, complaint_id: int, version: int, now: datetime) -> Complaint:
    """The clock runs again."""
    row = locked(complaint_id, version, S.ON_HOLD)
    _mine(row)
    _stop_hold(row, timezone.localdate(now))
    row.state = S.IN_PROGRESS
    moved(row, "恢复计时", f"期限改为 {row.due}", now, "state", "due", "hold_reason", "hold_until", "held_on")
    return row


@transaction.atomic
def end_holds(*, on: date, now: datetime) -> int:
    """Holds whose day has come; the daily job."""
    duties.require("complaints.escalate")
    rows = list(Complaint.objects.select_for_update(of=("self",)).filter(state=S.ON_HOLD, hold_until__lte=on).order_by("id")[:2000])
    by_due: dict[date, list[Complaint]] = {}
    for row in rows:
        _stop_hold(row, on)
        by_due.setdefault(row.due, []).append(row)
    for due, some in by_due.items():
        notes = dict.fromkeys((row.pk for row in some), f"期限改为 {due}")
        all_moved(some, "暂停期满，恢复计时", notes, now, state=S.IN_PROGRESS, due=due, hold_reason="", hold_until=None, held_on=None)
    return len(rows)


@transaction.atomic
def propose_close(
    *, complaint_id: int, version: int, finding: str, action: str, answer: str, department: str = "", note: str = "", now: datetime
) -> Complaint:
    """The handler's finding, what is to be done, and the answer to the complainant; another officer approves."""
    acting = duties.require("complaints.handle")
    row = locked(complaint_id, version, S.IN_PROGRESS)
    _mine(row)
    if finding not in Finding.values or action not in Action.values:
        raise ValidationError(_("请选择调查结论和处理意见。"))
    if len(answer.strip()) < 10:
        raise ValidationError({"answer": _("请填写给反映人的答复，至少 10 个字。")})
    if action == Action.SUSPEND and not Award.objects.filter(pk=row.award_id, void=False).exists():
        raise ValidationError({"action": _("没有关联在享待遇，不能暂停发放；请选择“重新核查待遇”。")})
    if action in (Action.REVIEW, Action.PAYMENT) and row.household_id is None:
        raise ValidationError({"action": _("没有关联家庭，不能这样处理；请选择转有关部门或只作答复。")})
    if finding in (Finding.UNFOUNDED, Finding.WITHDRAWN) and action == Action.SUSPEND:
        raise ValidationError({"action": _("反映不属实或已撤回的，不能暂停发放。")})
    if (action == Action.REFER) != bool(department) or (department and department not in Department.values):
        raise ValidationError({"department": _("转有关部门的请选择部门；其他处理意见不填。")})
    row.finding, row.action, row.department, row.answer = finding, action, department, answer.strip()[:4000]
    row.state, row.proposed_by_id, row.proposed_at = S.FOR_APPROVAL, acting.account_id, now
    finish(row, now)
    duty = Duty.SUPERVISOR if row.escalated >= 2 else Duty.COUNTY_APPROVER
    todo(row, "complaints.approve", duty, f"审批{kind_word(row)} {row.number} 的办理意见", now)
    moved(row, "提出办理意见", note, now, "finding", "action", "department", "answer", "state", "proposed_by", "proposed_at")
    return row


@transaction.atomic
def approve_close(*, complaint_id: int, version: int, note: str = "", now: datetime) -> Complaint:
    """Approve and close (办结): the change is applied in the same step, or nothing is closed. Never by who handled it."""
    acting = duties.require("complaints.approve")
    row = locked(complaint_id, version, S.FOR_APPROVAL)
    duties.require_apart("complaints.approve", done={"complaints.handle": row.proposed_by_id})
    duties.require_apart("complaints.approve", done={"complaints.handle": row.handler_id})
    refuse_barred(row, acting.account_id)
    said = apply(row, now)
    row.state, row.closed_by_id, row.closed_at = S.CLOSED, acting.account_id, now
    finish(row, now)
    moved(row, "审批办结", "；".join(each for each in (note.strip(), said) if each), now, "state", "closed_by", "closed_at")
    return row


def apply(row: Complaint, now: datetime) -> str:
    """What closing changes, through the services of the rooms concerned; in Chinese, for the event."""
    if row.action in (Action.REVIEW, Action.SUSPEND):
        said = ""
        if row.action == Action.SUSPEND:
            award = Award.objects.filter(pk=row.award_id, void=False).first()
            if award is None:
                raise ValidationError(_("所关联的待遇已不存在，不能暂停发放；请退回重新提出办理意见。"))
            if not award.suspended:
                suspend(award_id=award.pk, reason=f"异议投诉 {row.number} 核查期间", now=now)
            said = "已暂停发放；"
        lead = raise_lead(
            channel=Channel.OFFICER, source=f"complaint:{row.pk}:{row.reopened}", area=row.area, household_id=row.household_id, programme="review",
            reason=f"异议投诉 {row.number}：重新核查待遇", urgency="orange", now=now,
        )  # fmt: skip
        return f"{said}已转重新核查 {lead.number}"
    if row.action == Action.PAYMENT:
        raise_todo(
            kind="complaints.payment", area=row.area[:6], duty=Duty.COUNTY_REVIEWER, title=f"异议投诉 {row.number} 属实：核对并更正发放",
            url=f"/households/{row.household_id}/?tab=money", subject="complaint_payment", subject_id=row.pk, now=now,
        )  # fmt: skip
        return "已交县级更正发放"
    if row.action == Action.REFER:
        with translation.override("zh-hans"):
            label = str(Department(row.department).label)
        raise_todo(
            kind="complaints.refer", area=row.area[:6], duty=Duty.COUNTY_REVIEWER, title=f"异议投诉 {row.number}：函转{label}",
            url=f"/complaints/{row.pk}/", subject="complaint_refer", subject_id=row.pk, now=now,
        )  # fmt: skip
        return f"转{label}"
    return ""


@transaction.atomic
def send_back(*, complaint_id: int, version: int, note: str, now: datetime) -> Complaint:
    """Send the proposed closing back to the handler with the reason."""
    duties.require("complaints.approve")
    row = locked(complaint_id, version, S.FOR_APPROVAL)
    duties.require_apart("complaints.approve", done={"complaints.handle": row.proposed_by_id})
    return _returned(row, _reason(note), now)


def _returned(row: Complaint, note: str, now: datetime) -> Complaint:
    row.state, row.finding, row.action, row.department, row.proposed_by_id, row.proposed_at, row.mass_id = S.IN_PROGRESS, "", "", "", None, None, None
    finish(row, now)
    if row.handler_id is None:
        todo(row, "complaints.assign", Duty.COUNTY_REVIEWER, f"分派{kind_word(row)} {row.number}", now)
    else:
        todo(row, "complaints.handle", Duty.COUNTY_REVIEWER, f"{kind_word(row)} {row.number} 的办理意见被退回", now)
    moved(row, "退回", note, now, "state", "finding", "action", "department", "proposed_by", "proposed_at", "mass")
    return row


@transaction.atomic
def reopen(*, complaint_id: int, version: int, reason: str, now: datetime) -> Complaint:
    """Open a closed one again with a reason; its clock starts anew. What was applied stays until it is changed by a decision."""
    duties.require("complaints.assign")
    row = locked(complaint_id, version, S.CLOSED)
    why, on = _reason(reason, "reason"), timezone.localdate(now)
    row.state, row.handler_id, row.finding, row.action, row.department = S.REOPENED, None, "", "", ""
    row.proposed_by_id = row.proposed_at = row.closed_by_id = row.closed_at = row.mass_id = None
    row.reopened, row.escalated, row.escalated_on, row.due = row.reopened + 1, 0, None, due_of(category=row.category, area=row.area, on=on)
    todo(row, "complaints.assign", Duty.COUNTY_REVIEWER, f"重新分派{kind_word(row)} {row.number}", now)
    moved(
        row, "重新办理", why, now, "state", "handler", "finding", "action", "department", "proposed_by", "proposed_at", "closed_by", "closed_at", "mass",
        "reopened", "escalated", "escalated_on", "due",
    )  # fmt: skip
    return row
