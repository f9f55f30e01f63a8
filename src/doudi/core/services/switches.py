"""Measures within an emergency (应急措施): one officer proposes to switch one on or off, another of the same place confirms."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.emergencies import switches
from doudi.core.models import Duty, Emergency, EmergencySwitch
from doudi.core.services.emergencies import SUBJECT
from doudi.core.services.messages import send_to_staff
from doudi.core.services.todos import finish_todos, raise_todo

State, What = Emergency.State, EmergencySwitch.What
BACK = timedelta(days=31)


def propose_switch(*, emergency_id: int, measure: str, what: str, starts: date, document: str, note: str = "", now: datetime) -> EmergencySwitch:
    """Propose to switch a measure on or off from a day; it counts once another officer of the place has confirmed it.

    Raises Emergency.DoesNotExist where one's own place did not declare the emergency, ValidationError by field.
    """
    acting = duties.require("emergencies.declare")
    row = Emergency.objects.get(pk=emergency_id, area=acting.area)
    today = timezone.localdate(now)
    if measure not in switches:
        raise ValidationError({"measure": _("请选择措施。")})
    if row.state != State.CONFIRMED or (row.ends is not None and row.ends <= today):
        raise ValidationError(_("这项应急状态未确认或已经结束；措施只在应急状态期间启用。"))
    if not document.strip():
        raise ValidationError({"document": _("请填写文号；没有文号的，写明文件名称和日期。")})
    if not max(row.starts, today - BACK) <= starts or (row.ends is not None and starts >= row.ends):
        raise ValidationError({"starts": _("日期应在应急状态的起止之内，且不早于 %(days)s 天前。") % {"days": BACK.days}})
    on = EmergencySwitch.objects.filter(emergency=row, measure=measure, what=What.ON, state=State.CONFIRMED, ends=None).first()
    if what == What.ON and on is not None:
        raise ValidationError(_("该措施已经启用。"))
    if what == What.OFF and (on is None or starts <= on.starts):
        raise ValidationError({"starts": _("该措施没有启用，或停用日期不晚于启用日期。")})
    try:
        with transaction.atomic():
            made = EmergencySwitch.objects.create(
                area=row.area, emergency=row, measure=measure, what=what, starts=starts, document=document.strip()[:200], note=note.strip()[:400],
                proposed_by_id=acting.account_id, proposed_at=now,
            )  # fmt: skip
            scopes.check_constraints()
    except IntegrityError:
        raise ValidationError(_("该措施已有一项变更待确认；请先确认、退回或撤回它。")) from None
    duty = Duty.SUPERVISOR if acting.duty == Duty.SUPERVISOR else Duty.COUNTY_APPROVER
    raise_todo(
        kind="emergency.switch", area=row.area, duty=duty, title=f"确认{What(what).label}：{switches.stored(measure)}", url=f"/emergencies/{row.pk}/",
        subject=f"{SUBJECT}_switch", subject_id=made.pk, due=today, now=now,
    )  # fmt: skip
    return made


def decide_switch(*, switch_id: int, state: str, note: str = "", now: datetime) -> EmergencySwitch:
    """Confirm, send back (with the reason) or withdraw a proposal. Nobody confirms their own (PermissionDenied); the second of two is told."""
    act = "emergencies.declare" if state == State.WITHDRAWN else "emergencies.confirm"
    acting = duties.require(act)
    row = EmergencySwitch.objects.select_for_update(of=("self",)).select_related("emergency").get(pk=switch_id, area=acting.area)
    if row.state != State.PROPOSED or state == State.PROPOSED:
        raise ValidationError(_("这一条已经由他人办理；请刷新页面。"))
    if state == State.WITHDRAWN and row.proposed_by_id != acting.account_id:
        raise ValidationError(_("只有提出人可以撤回；其他人请退回。"))
    if state != State.WITHDRAWN:
        duties.require_apart(act, done={"emergencies.declare": row.proposed_by_id})
    if state != State.CONFIRMED and not note.strip():
        raise ValidationError({"note": _("请写明原因。")})
    today = timezone.localdate(now)
    if state == State.CONFIRMED and not row.emergency.holds_on(max(today, row.starts)):
        raise ValidationError(_("应急状态已经结束；请退回。"))
    row.state, row.decided_by_id, row.decided_at, row.decision_note = state, acting.account_id, now, note.strip()[:400]
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
    if state == State.CONFIRMED and row.what == What.OFF:
        EmergencySwitch.objects.filter(
            emergency=row.emergency, measure=row.measure, what=What.ON, state=State.CONFIRMED, ends=None, starts__lt=row.starts
        ).update(ends=row.starts)
    scopes.check_constraints()
    finish_todos(subject=f"{SUBJECT}_switch", subject_id=row.pk, now=now)
    if state == State.CONFIRMED:
        areas = list(row.emergency.places.order_by("area").values_list("area", flat=True))
        values: dict[str, object] = {
            "measure": switches.stored(row.measure), "what": str(What(row.what).label), "title": row.emergency.title, "starts": row.starts,
        }  # fmt: skip
        send_to_staff(template="emergency.switched", areas=areas, key=f"switch{row.pk}", values=values, url=f"/emergencies/{row.emergency_id}/", now=now)
    return row
