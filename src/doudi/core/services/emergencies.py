"""Emergencies (应急状态): declared, extended or lifted by one officer, confirmed or sent back by another of the same place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Emergency, EmergencyPlace, EmergencyStep
from doudi.core.services.messages import send_to_staff
from doudi.core.services.todos import finish_todos, raise_todo

SUBJECT = "emergency"
State = Emergency.State
What = EmergencyStep.What
# A typing error in a year must not switch a county for a decade.
BACK, AHEAD, LONGEST = timedelta(days=60), timedelta(days=60), timedelta(days=366)
MOST_PLACES = 200


def _document(text: str) -> str:
    if not text.strip():
        raise ValidationError({"document": _("请填写文号；没有文号的，写明文件名称和日期。")})
    return text.strip()[:200]


def _places(own: str, areas: Sequence[str]) -> list[str]:
    """The places without those that lie in another of them. Raises ValidationError for one that is not the officer's own or not there."""
    wanted = sorted(set(areas))
    if not wanted:
        raise ValidationError({"areas": _("请选择至少一个地区。")})
    if len(wanted) > MOST_PLACES:
        raise ValidationError({"areas": _("一次最多选择 %(most)s 个地区；请改选上一级。") % {"most": MOST_PLACES}})
    known = set(Division.objects.filter(code__in=wanted, ends__isnull=True).values_list("code", flat=True))
    for code in wanted:
        if code not in known or not code.startswith(own):
            raise ValidationError({"areas": _("“%(code)s”不在您的管辖范围内，或没有这个区划；请在列表中重新选择。") % {"code": code}})
    return [code for code in wanted if not any(code != other and code.startswith(other) for other in wanted)]


def _dates(starts: date, ends: date | None, today: date) -> None:
    if not today - BACK <= starts <= today + AHEAD:
        raise ValidationError({"starts": _("起始日期应在今天前后 %(days)s 天之内；请核对。") % {"days": BACK.days}})
    if ends is not None and ends <= starts:
        raise ValidationError({"until": _("结束日期早于起始日期；请核对。")})
    if ends is not None and ends - starts > LONGEST:
        raise ValidationError({"until": _("一次最长一年；到期前可以延长。")})


def declare_emergency(
    *, kind: str, areas: Sequence[str], starts: date, ends: date | None, document: str, title: str = "", note: str = "", now: datetime
) -> Emergency:
    """Propose an emergency for places of one's own county, city or province; it counts once another officer has confirmed it.

    `ends` is the first day on which it no longer holds, None: until further notice. Raises ValidationError by field (`until` for the end).
    """
    acting = duties.require("emergencies.declare")
    if len(acting.area) > 6:
        raise ValidationError(_("应急状态由县级以上宣布；乡镇请向县级报告。"))
    if kind not in Emergency.Kind.values:
        raise ValidationError({"kind": _("请选择突发事件类别。")})
    document = _document(document)
    wanted = _places(acting.area, areas)
    _dates(starts, ends, timezone.localdate(now))
    if there := _clash(kind, wanted, starts, ends):
        raise ValidationError({"areas": there})
    with transaction.atomic():
        row = Emergency.objects.create(
            area=acting.area, kind=kind, title=(title.strip() or str(Emergency.Kind(kind).label))[:80], document=document, starts=starts, ends=ends
        )
        EmergencyPlace.objects.bulk_create([EmergencyPlace(emergency=row, area=code, kind=kind, starts=starts, ends=ends) for code in wanted])
        _propose(row, What.DECLARE, ends=ends, document=document, note=note, now=now)
        scopes.check_constraints()
    return row


def _clash(kind: str, areas: Sequence[str], starts: date, ends: date | None) -> str:
    """Where one of the kind holds in that time already, in words; empty where none does."""
    rows = EmergencyPlace.objects.filter(active=True, kind=kind, area__in=areas).exclude(ends__lte=starts)
    found = (rows.filter(starts__lt=ends) if ends else rows).first()
    if found is None:
        return ""
    return _("%(place)s在这段时间内已宣布同类应急状态；请延长原有的一项，或去掉该地区。") % {"place": places.name(found.area)}


def _propose(row: Emergency, what: str, *, ends: date | None, document: str, note: str, now: datetime) -> EmergencyStep:
    acting = scopes.current()
    step = EmergencyStep.objects.create(
        area=row.area,
        emergency=row,
        what=what,
        ends=ends,
        document=document,
        note=note.strip()[:400],
        proposed_by_id=acting.account_id,
        proposed_at=now,
    )
    titles = {What.DECLARE: "确认应急状态", What.EXTEND: "确认延长应急状态", What.LIFT: "确认解除应急状态"}
    duty = Duty.SUPERVISOR if acting.duty == Duty.SUPERVISOR else Duty.COUNTY_APPROVER
    raise_todo(
        kind="emergency.confirm", area=row.area, duty=duty, title=titles[What(what)], url=f"/emergencies/{row.pk}/", subject=SUBJECT,
        subject_id=row.pk, due=timezone.localdate(now), now=now,
    )  # fmt: skip
    return step


def _own(emergency_id: int) -> Emergency:
    """An emergency that one's own place declared; Emergency.DoesNotExist for any other."""
    return Emergency.objects.get(pk=emergency_id, area=scopes.current().area)


def _change(*, emergency_id: int, what: str, ends: date | None, document: str, note: str, now: datetime) -> EmergencyStep:
    row = _own(emergency_id)
    today = timezone.localdate(now)
    if row.state != State.CONFIRMED or (row.ends is not None and row.ends <= today):
        raise ValidationError(_("这项应急状态未确认或已经结束，不能再变更；需要的，请重新宣布。"))
    if EmergencyStep.objects.filter(emergency=row, state=State.PROPOSED).exists():
        raise ValidationError(_("已有一项变更待确认；请先确认、退回或撤回它。"))
    document = _document(document)
    if what == What.EXTEND:
        if row.ends is None:
            raise ValidationError(_("这项应急状态没有定结束日期，不必延长。"))
        if ends is not None and ends <= row.ends:
            raise ValidationError({"until": _("延长后的结束日期应晚于原定日期；要提前结束，请用“提前解除”。")})
        if ends is not None and ends > today + LONGEST:
            raise ValidationError({"until": _("一次最长延长一年；到期前可以再次延长。")})
    elif ends is None or ends < today or (row.ends is not None and ends >= row.ends):
        raise ValidationError({"ends": _("解除日期应不早于今天，且早于原定结束日期。")})
    try:
        with transaction.atomic():
            step = _propose(row, what, ends=ends, document=document, note=note, now=now)
            scopes.check_constraints()
    except IntegrityError:
        raise ValidationError(_("这项应急状态刚被他人变更；请刷新页面后重试。")) from None
    return step


def extend_emergency(*, emergency_id: int, ends: date | None, document: str, note: str = "", now: datetime) -> EmergencyStep:
    """Propose a later end (None: until further notice). Emergency.DoesNotExist where one's own place did not declare it."""
    duties.require("emergencies.declare")
    return _change(emergency_id=emergency_id, what=What.EXTEND, ends=ends, document=document, note=note, now=now)


def lift_emergency(*, emergency_id: int, ends: date, document: str, note: str = "", now: datetime) -> EmergencyStep:
    """Propose that it ends early: `ends` is the first day without it, today at the earliest; before its first day, it never was."""
    duties.require("emergencies.declare")
    return _change(emergency_id=emergency_id, what=What.LIFT, ends=ends, document=document, note=note, now=now)


def _decide(*, step_id: int, act: str, state: str, note: str, now: datetime) -> EmergencyStep:
    acting = duties.require(act)
    step = EmergencyStep.objects.select_for_update(of=("self",)).select_related("emergency").get(pk=step_id, area=acting.area)
    row, today = step.emergency, timezone.localdate(now)
    if step.state != State.PROPOSED:
        raise ValidationError(_("这一条已经由他人办理；请刷新页面。"))
    if state == State.WITHDRAWN:
        if step.proposed_by_id != acting.account_id:
            raise ValidationError(_("只有提出人可以撤回；其他人请退回。"))
    else:
        duties.require_apart(act, done={"emergencies.declare": step.proposed_by_id})
    if state == State.CONFIRMED:
        if step.what == What.LIFT and step.ends is not None and step.ends < today:
            raise ValidationError(_("解除日期已过；请退回，由提出人重新填写日期。"))
        if step.what != What.DECLARE and row.ends is not None and row.ends <= today:
            raise ValidationError(_("这项应急状态已经到期；请退回，需要的重新宣布。"))
    step.state, step.decided_by_id, step.decided_at, step.decision_note = state, acting.account_id, now, note.strip()[:400]
    try:
        with transaction.atomic():
            step.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
            scopes.check_constraints()
    except IntegrityError as error:
        if "emergency_no_overlap" not in str(error):
            raise
        codes = list(row.places.values_list("area", flat=True))
        raise ValidationError(_clash(row.kind, codes, row.starts, step.ends)) from None
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    row.refresh_from_db()
    if state == State.CONFIRMED:
        _tell(step, now)
    return step


def _tell(step: EmergencyStep, now: datetime) -> None:
    """Tell the staff of the places what was confirmed."""
    row = step.emergency
    areas = list(row.places.order_by("area").values_list("area", flat=True))
    names = "、".join(places.name(code) for code in areas[:3]) + (f"等 {len(areas)} 地" if len(areas) > 3 else "")
    last = step.ends - timedelta(days=1) if step.ends else "—"
    values: dict[str, object] = {"place": names, "title": row.title}
    if step.what == What.LIFT:
        template = "emergency.lifted"
        values["ends"] = step.ends
    elif step.what == What.EXTEND:
        template = "emergency.extended"
        values["last"] = last
    else:
        template = "emergency.declared"
        values |= {"starts": row.starts, "last": last}
    send_to_staff(template=template, areas=areas, key=f"step{step.pk}", values=values, url=f"/emergencies/{row.pk}/", now=now)


def confirm_step(*, step_id: int, now: datetime) -> EmergencyStep:
    """Confirm a proposal of one's own place; never one's own (PermissionDenied). From now on it counts.

    EmergencyStep.DoesNotExist for another place's; ValidationError where the days have passed or an emergency of the kind holds there already.
    """
    return _decide(step_id=step_id, act="emergencies.confirm", state=State.CONFIRMED, note="", now=now)


def refuse_step(*, step_id: int, note: str, now: datetime) -> EmergencyStep:
    """Send a proposal back with the reason."""
    if not note.strip():
        raise ValidationError({"note": _("请写明退回的原因。")})
    return _decide(step_id=step_id, act="emergencies.confirm", state=State.REFUSED, note=note, now=now)


def withdraw_step(*, step_id: int, note: str, now: datetime) -> EmergencyStep:
    """Take back one's own proposal."""
    if not note.strip():
        raise ValidationError({"note": _("请写明撤回的原因。")})
    return _decide(step_id=step_id, act="emergencies.declare", state=State.WITHDRAWN, note=note, now=now)
