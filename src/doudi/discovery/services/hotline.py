"""The hotline's business (measures 1.4): calls come in by hand or from a call centre, are answered, registered, called back, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.services.todos import ends_by_hand, finish_todos, raise_todo
from doudi.core.workdays import add_working_days
from doudi.discovery.models import Call, CallBack, Channel, HotlineDesk, Knowledge, Lead, LeadEvent, Need
from doudi.discovery.services.raising import Subject, phone_or_none, raise_lead
from doudi.discovery.services.telling import tell_urged

ends_by_hand("complaint")

S, O = Call.State, Call.Outcome
REPEAT = timedelta(days=30)
OWED = timedelta(hours=2)  # a missed call is called back within this time of the desk's day
LONGEST = timedelta(hours=12)
OLDEST = timedelta(days=31)  # of what a call centre reports late
EVENTS = ("ringing", "answered", "ended", "missed")
WRITTEN = [
    "caller_name", "caller_role", "subject_name", "subject_age", "needs", "urgency", "detail", "person", "outcome", "state", "operator",
    "answered_at", "ended_at", "caller_phone", "repeat_of",
]  # fmt: skip
CENTRE = UUID("6a3f6a52-29cf-4b5c-9b1e-1f0a7c1d0e55")  # name space of calls that a call centre names


@dataclass(frozen=True)
class Intake:
    """What the operator wrote down. `phone` of the caller; the person concerned by `person_id` where known, else by name."""

    phone: str = ""
    caller_name: str = ""
    caller_role: str = ""
    subject_name: str = ""
    subject_age: int | None = None
    person_id: int | None = None
    area: str = ""
    address: str = ""
    needs: Sequence[str] = ()
    urgency: str = ""
    detail: str = ""


def desk_of(area: str) -> HotlineDesk | None:
    """The desk that answers for a place: its own, else the nearest above."""
    codes = [area[:length] for length in (6, 4, 2) if len(area) >= length]
    found = {desk.area: desk for desk in HotlineDesk.objects.filter(area__in=codes, is_open=True)}
    return next((found[code] for code in codes if code in found), None)


def set_desk(*, name: str, number: str, hours: str, is_open: bool, now: datetime) -> HotlineDesk:
    """Set up or change the desk of one's own place. Raises ValidationError by field."""
    scope = duties.require("hotline.manage")
    if len(scope.area) not in (2, 4, 6):
        raise ValidationError(_("热线受理台设在省、市、县三级。"))
    plain = number.replace("-", "").replace(" ", "")
    if not (plain.isdigit() and 3 <= len(plain) <= 12):
        raise ValidationError({"number": _("热线号码应为 3 至 12 位数字，可带区号，如 0371-62162345。")})
    if not name.strip():
        raise ValidationError({"name": _("请填写受理台名称。")})
    desk, _made = HotlineDesk.objects.update_or_create(
        area=scope.area, defaults={"name": name.strip()[:60], "number": number.strip(), "hours": hours.strip()[:60], "is_open": is_open}
    )
    scopes.check_constraints()
    return desk


def _phone(text: str) -> str:
    return phone_or_none(text, _("“来电号码”：%(problem)s；不显示号码的可不填。"))


def _number(day: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.call_number')")
        (following,) = cursor.fetchone()
    return f"RX{timezone.localdate(day):%Y%m%d}-{following:06d}"


def _last_call(phone: UUID | None, before: datetime) -> Call | None:
    if phone is None:
        return None
    return Call.objects.filter(caller_phone=phone, rang_at__lt=before, rang_at__gte=before - REPEAT).order_by("-rang_at").first()


def call_event(*, desk_area: str, external: str, event: str, phone: str, at: datetime, now: datetime) -> Call:
    """What a call centre reports of a call: ringing, answered, ended, missed. Repeated and late events change nothing that is further on.

    `external` is the call centre's own number of the call, `desk_area` the place of the desk that it rang at. Raises ValidationError by field
    for an unknown desk, event or number, and for a time to come.
    """
    scope = duties.require("hotline.events")
    if event not in EVENTS:
        raise ValidationError({"event": _("事件应为 ringing、answered、ended、missed 之一。")})
    if not external.strip() or len(external) > 60:
        raise ValidationError({"external": _("请给出呼叫中心的通话编号（60 字以内）。")})
    if at > now + timedelta(minutes=5):
        raise ValidationError({"at": _("通话时间晚于当前时间；请校对呼叫中心的时钟。")})
    if at < now - OLDEST:
        raise ValidationError({"at": _("通话时间早于 31 天前，不再接收；请核对时间。")})
    desk = HotlineDesk.objects.filter(area=desk_area).first()
    if desk is None or not scope.covers(desk_area):
        raise ValidationError({"desk": _("没有这个地区的热线受理台，或不在授权范围内。")})
    token = numbers.token_of(Kind.PHONE, plain) if (plain := _phone(phone)) else None
    last = _last_call(token, at)
    call, _made = Call.objects.get_or_create(
        uuid=uuid5(CENTRE, f"{desk.area}:{external}"),
        defaults={
            "number": _number(at), "desk": desk, "area": desk.area, "external": external, "state": S.RINGING, "rang_at": at,
            "caller_phone": token, "repeat_of": last,
        },
    )  # fmt: skip
    call = Call.objects.select_for_update().get(pk=call.pk)
    at = max(at, call.rang_at)
    if token and not call.caller_phone:
        call.caller_phone, call.repeat_of = token, last
    if event == "answered" and call.state in (S.RINGING, S.MISSED):
        # the end may have been told before: the call was answered, then ended
        call.state, call.answered_at = (S.DONE if call.ended_at else S.TALKING), min(at, call.ended_at or at)
        if call.ended_at:
            _not_owed(CallBack.objects.filter(call=call, kind=CallBack.Kind.MISSED, done_at__isnull=True), None, now)
    elif event == "ended" and call.state in (S.RINGING, S.TALKING):
        call.state, call.ended_at = (S.DONE if call.answered_at else S.MISSED), at
    elif event == "missed" and call.state == S.RINGING:
        call.state, call.ended_at = S.MISSED, at
    elif event == "ended" and call.ended_at is None:
        call.ended_at = at
    call.save(update_fields=["state", "answered_at", "ended_at", "caller_phone", "repeat_of"])
    if call.state == S.MISSED and call.caller_phone is not None:
        _owe(call, CallBack.Kind.MISSED, now + OWED, "", now)
    scopes.check_constraints()
    return call


def take_call(*, call_id: int, now: datetime) -> Call:
    """Answer a waiting call: one operator gets it, the other is told. Raises ValidationError."""
    scope = duties.require("hotline.take")
    call = Call.objects.select_for_update().filter(pk=call_id).first()
    if call is None:
        raise ValidationError(_("没有这通来电，或不属于您的受理台。"))
    if call.operator_id not in (None, scope.account_id) or call.state not in (S.RINGING, S.TALKING):
        raise ValidationError(_("这通来电已由其他坐席接听或已挂断；请接下一通。"))
    call.state, call.operator_id, call.answered_at = S.TALKING, scope.account_id, call.answered_at or max(now, call.rang_at)
    call.save(update_fields=["state", "operator", "answered_at"])
    return call


def _owe(call: Call, kind: str, due: datetime, note: str, now: datetime) -> CallBack:
    owed, made = CallBack.objects.get_or_create(
        call=call, kind=kind, done_at__isnull=True, defaults={"area": call.area, "due_at": due, "note": note.strip()[:200]}
    )
    if made:
        raise_todo(
            kind="callback", area=call.area, duty=Duty.HOTLINE_OPERATOR, title=f"回电 {call.number}", url=reverse("discovery:callbacks"),
            subject="callback", subject_id=owed.pk, due=timezone.localdate(due), now=now,
        )  # fmt: skip
    return owed


def _not_owed(owed: QuerySet[CallBack], account_id: int | None, now: datetime) -> None:
    """Nobody needs to call back any more: the caller was spoken to."""
    ids = list(owed.values_list("pk", flat=True))
    CallBack.objects.filter(pk__in=ids).update(done_at=now, reached=True, done_by_id=account_id)
    for pk in ids:
        finish_todos(subject="callback", subject_id=pk, now=now)


def _checked(intake: Intake, outcome: str) -> None:
    problems = {}
    if outcome not in (O.LEAD, O.ATTACHED, O.CONSULT, O.COMPLAINT, O.TRANSFERRED):
        problems["outcome"] = _("请选择办理方式。")
    if intake.caller_role and intake.caller_role not in Call.Role.values:
        problems["caller_role"] = _("请从列表中选择来电人身份。")
    if intake.subject_age is not None and not 0 <= intake.subject_age <= 130:
        problems["subject_age"] = _("年龄应在 0 至 130 之间。")
    if any(need not in Need.values for need in intake.needs):
        problems["needs"] = _("请从列表中选择需求。")
    if len(intake.detail.strip()) < (4 if outcome in (O.LEAD, O.COMPLAINT) else 2):
        problems["detail"] = _("请写明来电反映的情况，至少 4 个字。") if outcome in (O.LEAD, O.COMPLAINT) else _("请写明咨询了什么。")
    if outcome == O.LEAD:
        if not intake.area and not intake.person_id:
            problems["area"] = _("请选择所在村（社区）：输入村名或拼音首字母，再从列表中选。")
        if intake.urgency not in Lead.Urgency.values:
            problems["urgency"] = _("请选择紧急程度。")
        if not intake.needs:
            problems["needs"] = _("请选择需要什么，至少一项。")
    if problems:
        raise ValidationError(problems)


def register_call(
    *,
    uuid: UUID,
    intake: Intake,
    outcome: str,
    rang_at: datetime,
    now: datetime,
    call_id: int | None = None,
    lead_id: int | None = None,
    desk_id: int | None = None,
    call_back_at: datetime | None = None,
) -> Call:
    """Register a call and what is done about it; the same `uuid` again gives back the first registration.

    `outcome` lead: a lead goes to the place of the person concerned with the clock of its urgency. attached: the same matter as the open lead
    `lead_id`, which is urged on. consult: answered at once. complaint: to the county's reviewer. transferred: to desk `desk_id`.
    `call_id`: a waiting call that a call centre reported. Raises ValidationError by field; nothing is then written.
    """
    scope = duties.require("hotline.take")
    if known := Call.objects.filter(uuid=uuid).exclude(outcome="").first():
        return known
    desk = desk_of(scope.area)
    if desk is None:
        raise ValidationError(_("本地还没有设立热线受理台；请审核人员先在“热线受理台”中登记号码。"))
    _checked(intake, outcome)
    phone = _phone(intake.phone)
    began = min(max(rang_at, now - LONGEST), now)
    with transaction.atomic():
        token = numbers.token_of(Kind.PHONE, phone) if phone else None
        call = _open(uuid, call_id, desk, token, began, now)
        if call.outcome:
            return call
        call.caller_name, call.caller_role = intake.caller_name.strip()[:60], intake.caller_role
        call.subject_name, call.subject_age = intake.subject_name.strip()[:60], intake.subject_age
        call.needs, call.urgency, call.detail, call.person_id = list(intake.needs), intake.urgency, intake.detail.strip()[:2000], intake.person_id
        call.outcome, call.state, call.operator_id = outcome, S.DONE, scope.account_id
        call.answered_at, call.ended_at = call.answered_at or began, call.ended_at or now
        if token and not call.caller_phone:
            call.caller_phone, call.repeat_of = token, _last_call(token, call.rang_at)
        call.save(update_fields=WRITTEN)
        _act(call, intake, outcome, phone, lead_id, desk_id, now)
        call.save(update_fields=["area", "lead", "transferred_to"])
        if call.caller_phone is not None:
            missed = CallBack.objects.filter(call__caller_phone=call.caller_phone, kind=CallBack.Kind.MISSED, done_at__isnull=True)
            _not_owed(missed, scope.account_id, now)
        if call_back_at is not None:
            if call_back_at <= now:
                raise ValidationError({"call_back_at": _("约定回电时间应晚于现在。")})
            _owe(call, CallBack.Kind.PROMISED, call_back_at, intake.detail[:60], now)
        scopes.check_constraints()
    return call


def _open(uuid: UUID, call_id: int | None, desk: HotlineDesk, token: UUID | None, began: datetime, now: datetime) -> Call:
    """The call's row, locked: the waiting one, the one of the same form that came a moment before, or a new one."""
    if call_id is not None:
        waiting = Call.objects.select_for_update().filter(pk=call_id).first()
        if waiting is None:
            raise ValidationError(_("没有这通来电，或不属于您的受理台。"))
        if waiting.operator_id not in (None, scopes.current().account_id):
            raise ValidationError(_("这通来电已由其他坐席接听；您填写的内容仍在页面上，请核对后按新来电登记。"))
        return waiting
    values = {
        "number": _number(now), "desk": desk, "area": desk.area, "state": S.TALKING, "rang_at": began, "answered_at": began,
        "caller_phone": token, "repeat_of": _last_call(token, began),
    }  # fmt: skip
    Call.objects.get_or_create(uuid=uuid, defaults=values)
    return Call.objects.select_for_update().get(uuid=uuid)


def _act(call: Call, intake: Intake, outcome: str, phone: str, lead_id: int | None, desk_id: int | None, now: datetime) -> None:
    if outcome == O.LEAD:
        own = intake.caller_role == Call.Role.SELF
        subject = Subject(name=intake.subject_name or (intake.caller_name if own else ""), phone=phone if own else "", address=intake.address)
        call.lead = raise_lead(
            channel=Channel.HOTLINE, source=f"call:{call.uuid}", area=intake.area, person_id=intake.person_id, subject=subject,
            reason="、".join(str(Need(need).label) for need in intake.needs), need=intake.needs[0], detail=intake.detail, urgency=intake.urgency,
            note=f"热线 {call.number}", now=now,
        )  # fmt: skip
        call.area = call.lead.area
    elif outcome == O.ATTACHED:
        lead = Lead.objects.select_for_update().filter(pk=lead_id, state__in=Lead.OPEN).first() if lead_id else None
        if lead is None:
            raise ValidationError(_("要并入的线索已办结或不在您的辖区；请按新线索登记。"))
        call.lead, call.area = lead, lead.area
        LeadEvent.objects.create(
            lead=lead, area=lead.area, residence_area=lead.residence_area, at=now, account_id=scopes.current().account_id or None,
            before=lead.state, after=lead.state, what="urged", note=f"热线 {call.number} 再次来电催办",
        )  # fmt: skip
        raise_todo(
            kind="lead.urged", area=lead.area[:9], duty=Duty.TOWNSHIP_OFFICER, title=f"群众再次来电：{lead.number}",
            url=reverse("discovery:lead", args=[lead.pk]), subject="lead", subject_id=lead.pk, due=add_working_days(timezone.localdate(now), 1), now=now,
        )  # fmt: skip
        tell_urged(lead_id=lead.pk, call=call.number, now=now)
    elif outcome == O.COMPLAINT:
        call.area = intake.area or call.area
        raise_todo(
            kind="complaint", area=call.area, duty=Duty.COUNTY_REVIEWER, title=f"热线投诉 {call.number}", url=reverse("discovery:call", args=[call.pk]),
            subject="call", subject_id=call.pk, due=add_working_days(timezone.localdate(now), 5), now=now,
        )  # fmt: skip
    elif outcome == O.TRANSFERRED:
        other = HotlineDesk.objects.filter(pk=desk_id or 0, is_open=True).exclude(pk=call.desk_id).first()
        if other is None:
            raise ValidationError({"desk": _("请选择要转接的热线。")})
        call.transferred_to = other
    if outcome in (O.CONSULT, O.TRANSFERRED) and intake.area:
        if not scopes.current().covers(intake.area):
            raise ValidationError({"area": _("“所在地”不在您的管辖范围内；请在列表中重新选择，或不填。")})
        call.area = intake.area


def try_call_back(*, callback_id: int, reached: bool, note: str, now: datetime) -> CallBack:
    """Note an attempt to call back; reached, or the third attempt in vain, ends it. Raises ValidationError."""
    scope = duties.require("hotline.take")
    owed = CallBack.objects.select_for_update().select_related("call").filter(pk=callback_id).first()
    if owed is None:
        raise ValidationError(_("没有这条回电，或不属于您的受理台。"))
    if owed.done_at is not None:
        raise ValidationError(_("这条回电刚刚由其他坐席完成。"))
    owed.attempts, owed.tried_at = owed.attempts + 1, now
    owed.note = note.strip()[:200] or owed.note
    if reached or owed.attempts >= 3:
        owed.done_at, owed.reached, owed.done_by_id = now, reached, scope.account_id
    else:
        tomorrow = add_working_days(timezone.localdate(now), 1)
        owed.due_at = timezone.make_aware(datetime.combine(tomorrow, time(9)))
    owed.save(update_fields=["attempts", "tried_at", "note", "due_at", "done_at", "reached", "done_by"])
    if owed.done_at:
        finish_todos(subject="callback", subject_id=owed.pk, now=now)
    return owed


def record_satisfaction(*, call_id: int, score: int | None, note: str, now: datetime) -> Call:
    """How satisfied the caller is after the lead was closed: 1 to 5, or None where nobody answered (asked three times at most)."""
    duties.require("hotline.take")
    call = Call.objects.select_for_update(of=("self",)).select_related("lead").filter(pk=call_id).first()
    if call is None or call.lead is None:
        raise ValidationError(_("没有这通来电，或不属于您的受理台。"))
    if call.lead.closed_at is None:
        raise ValidationError(_("线索还没有办结；办结后再回访。"))
    if call.satisfaction is not None or call.asked >= 3:
        raise ValidationError(_("这通来电已经回访过。"))
    if score is not None and not 1 <= score <= 5:
        raise ValidationError({"score": _("满意度为 1 至 5 分。")})
    call.satisfaction, call.satisfaction_note, call.asked, call.asked_at = score, note.strip()[:200], call.asked + 1, now
    call.save(update_fields=["satisfaction", "satisfaction_note", "asked", "asked_at"])
    return call


def write_knowledge(*, title: str, keywords: str, body: str, now: datetime) -> Knowledge:
    """An answer of one's own place. Raises ValidationError by field."""
    scope = duties.require("hotline.manage")
    problems = {name: _("请填写。") for name, text in (("title", title), ("body", body)) if len(text.strip()) < 2}
    if problems:
        raise ValidationError(problems)
    row = Knowledge.objects.create(
        area=scope.area,
        title=title.strip()[:80],
        keywords=keywords.strip()[:200],
        body=body.strip()[:600],
        written_by_id=scope.account_id,
        written_at=now,
    )
    scopes.check_constraints()
    return row


def end_knowledge(*, knowledge_id: int, now: datetime) -> None:
    """Take an answer of one's own place back; it stays in the table."""
    scope = duties.require("hotline.manage")
    if not Knowledge.objects.filter(pk=knowledge_id, area=scope.area, ended_at__isnull=True).update(ended_at=now):
        raise ValidationError(_("没有这一条，或已由他人停用。"))
