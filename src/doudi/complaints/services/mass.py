"""Closing many for one reason (批量办结), by two officers; and what is late goes up a level (督办)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.complaints.models import Action, Complaint, Finding, MassClose
from doudi.complaints.services.base import S, all_moved, barred_from, days, finish_all, todo_all
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.workdays import add_working_days, is_working_day

MOST = 500
SUBJECT = "complaint_mass"
State = MassClose.State
# at the complaint's own place, which every posting above covers: whoever closes it may finish the to-do
OVERDUE = """
select c.area, %s::text, 'complaints.overdue',
  '督办：' || case c.kind when 'objection' then '异议' when 'complaint' then '投诉' else '举报' end || ' ' || c.number || ' 超期未办结',
  '/complaints/' || c.id || '/', 'complaint', c.id, %s::date from complaints_complaint c where c.id = any(%s)
"""


@transaction.atomic
def propose_mass_close(*, complaint_ids: Sequence[int], finding: str, reason: str, answer: str, now: datetime) -> MassClose:
    """Propose to close these for the same reason and with the same answer. All must be open and none about the acting officer; else nothing happens."""
    acting = duties.require("complaints.assign")
    wanted = sorted(set(complaint_ids))
    if not 2 <= len(wanted) <= MOST:
        raise ValidationError(_("批量办结一次 2 至 %(most)s 件；单件请在页面中办理。") % {"most": MOST})
    if finding not in Finding.values or len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请选择结论，并写明这些异议投诉共同的原因。")})
    if len(answer.strip()) < 10:
        raise ValidationError({"answer": _("请填写给反映人的答复，至少 10 个字。")})
    rows = list(Complaint.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("id"))
    if len(rows) != len(wanted):
        raise ValidationError(_("所选的有 %(n)s 件不在您的办理范围内；请刷新列表后重新选择。") % {"n": len(wanted) - len(rows)})
    closed = [row.number for row in rows if row.state in (S.CLOSED, S.FOR_APPROVAL)]
    if closed:
        raise ValidationError(_("%(numbers)s已办结或待审批；请去掉后重新提交。") % {"numbers": "、".join(closed[:5])})
    own = barred_from(wanted, acting.account_id)
    if own:
        number = next(row.number for row in rows if row.pk in own)
        raise PermissionDenied(_("%(number)s涉及您本人办理的事项，不能由您批量办结。") % {"number": number})
    batch = MassClose.objects.create(
        area=acting.area, reason=reason.strip()[:400], finding=finding, answer=answer.strip()[:4000], count=len(rows), made_by_id=acting.account_id, made_at=now
    )
    finish_all(wanted, now)
    all_moved(
        rows, "提出批量办结", dict.fromkeys(wanted, reason.strip()), now, state=S.FOR_APPROVAL, mass=batch, finding=finding, action=Action.NONE,
        answer=answer.strip()[:4000], proposed_by_id=acting.account_id, proposed_at=now, hold_reason="", hold_until=None, held_on=None,
    )  # fmt: skip
    duty = Duty.SUPERVISOR if acting.duty == Duty.SUPERVISOR else Duty.COUNTY_APPROVER
    raise_todo(
        kind="complaints.mass", area=acting.area, duty=duty, title=f"审批批量办结异议投诉 {len(rows)} 件", url=f"/complaints/mass/{batch.pk}/", subject=SUBJECT,
        subject_id=batch.pk, now=now,
    )  # fmt: skip
    return batch


def _locked(mass_id: int) -> MassClose:
    acting = duties.require("complaints.approve")
    batch = MassClose.objects.select_for_update(of=("self",)).filter(pk=mass_id).first()
    if batch is None:
        raise ValidationError(_("没有这一批，或它不在您的管辖范围内。"))
    if batch.state != State.PROPOSED:
        raise ValidationError(_("这一批已经是“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": batch.get_state_display()})
    duties.require_apart("complaints.approve", done={"complaints.handle": batch.made_by_id})
    batch.decided_by_id = acting.account_id
    return batch


@transaction.atomic
def approve_mass_close(*, mass_id: int, note: str = "", now: datetime) -> int:
    """Close the batch; the number closed. What the approver handled or decided stays for another approver, one by one."""
    batch = _locked(mass_id)
    acting = scopes.current()
    rows = list(Complaint.objects.select_for_update(of=("self",)).filter(mass=batch, state=S.FOR_APPROVAL).order_by("id"))
    own = barred_from([row.pk for row in rows], acting.account_id) | {row.pk for row in rows if acting.account_id in (row.handler_id, row.proposed_by_id)}
    todo_all(own, "complaints.approve", Duty.COUNTY_APPROVER, "审批", " 的办理意见", now)
    done = [row for row in rows if row.pk not in own]
    finish_all([row.pk for row in done], now)
    notes = dict.fromkeys((row.pk for row in done), batch.reason)
    all_moved(done, "批量办结", notes, now, state=S.CLOSED, closed_by_id=acting.account_id, closed_at=now)
    batch.state, batch.decided_at, batch.note = State.APPROVED, now, note.strip()[:200]
    batch.save(update_fields=["state", "decided_by", "decided_at", "note"])
    finish_todos(subject=SUBJECT, subject_id=batch.pk, now=now)
    scopes.check_constraints()
    return len(done)


@transaction.atomic
def send_back_mass_close(*, mass_id: int, note: str, now: datetime) -> None:
    """Send the batch back with the reason: each goes on being handled."""
    batch = _locked(mass_id)
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明退回的原因。")})
    rows = list(Complaint.objects.select_for_update(of=("self",)).filter(mass=batch, state=S.FOR_APPROVAL).order_by("id"))
    finish_all([row.pk for row in rows], now)
    all_moved(
        rows, "退回", dict.fromkeys((row.pk for row in rows), note.strip()), now, state=S.IN_PROGRESS, finding="", action="", department="", proposed_by=None,
        proposed_at=None, mass=None,
    )  # fmt: skip
    todo_all([row.pk for row in rows if row.handler_id is None], "complaints.assign", Duty.COUNTY_REVIEWER, "分派", "", now)
    todo_all([row.pk for row in rows if row.handler_id], "complaints.handle", Duty.COUNTY_REVIEWER, "", " 的办理意见被退回", now)
    batch.state, batch.decided_at, batch.note = State.SENT_BACK, now, note.strip()[:200]
    batch.save(update_fields=["state", "decided_by", "decided_at", "note"])
    finish_todos(subject=SUBJECT, subject_id=batch.pk, now=now)
    scopes.check_constraints()


@transaction.atomic
def escalate(*, area: str, on: date, now: datetime) -> int:
    """What is overdue goes up: to the county, then (after the place's patience) to the city. Not on days that are not worked. Safe to repeat."""
    duties.require("complaints.escalate")
    if not is_working_day(on):
        return 0
    patience: dict[str, date] = {}
    late = Complaint.objects.select_for_update(of=("self",)).filter(
        area__gte=area, area__lt=area + ":", state__in=[S.NEW, S.ASSIGNED, S.IN_PROGRESS, S.FOR_APPROVAL, S.REOPENED], due__lt=on, escalated__lt=2
    )
    due = []
    for row in late.order_by("id")[:5000]:
        county = row.area[:6]
        if county not in patience:
            patience[county] = add_working_days(on, -days("escalate_days", county, on))
        if row.escalated_on is None or row.escalated_on <= patience[county]:
            due.append(row)
    for level, (what, duty) in enumerate((("县级督办", Duty.COUNTY_REVIEWER), ("市级督办", Duty.SUPERVISOR))):
        some = [row for row in due if row.escalated == level]
        raise_todos(OVERDUE, [duty, on, [row.pk for row in some]], now=now)
        all_moved(some, what, {row.pk: f"期限 {row.due}" for row in some}, now, escalated=level + 1, escalated_on=on)
    return len(due)
