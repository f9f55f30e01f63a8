"""Needs raised (登记需求) from whatever way they come, cancelled, and looked for again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.services.todos import finish_todos
from doudi.needs import answerers, kinds, sources
from doudi.needs.models import Need, NeedAnswer, NeedPrivate
from doudi.needs.services.base import SUBJECT, A, S, ask_for_answers, days, deadline, end_of, locked, moved, note_event, phone_token
from doudi.needs.sources import About
from doudi.registry.models import Household, Membership, Person

LATEST = timedelta(days=366)
GRAVER: list[str] = [Need.Urgency.RED, Need.Urgency.ORANGE, Need.Urgency.YELLOW]


def _concerned(about: About, acting: scopes.Scope) -> dict[str, Any]:
    """Place and keys of whom the need is of. Raises ValidationError by field; what is out of scope is told like what is not there."""
    if about.person is not None:
        person = Person.objects.filter(pk=about.person, died_on__isnull=True).first()
        if person is None:
            raise ValidationError({"person": _("没有这个人员，或不在您的管辖范围内。")})
        household = Membership.objects.filter(person=person, ends__isnull=True).values_list("household_id", flat=True).first()
        if about.household not in (None, household):
            raise ValidationError({"person": _("这个人员不属于所选的家庭。")})
        return {"about": Need.About.PERSON, "person": person, "household_id": household, "area": person.area}
    if about.household is not None:
        row = Household.objects.filter(pk=about.household).first()
        if row is None:
            raise ValidationError({"household": _("没有这个家庭，或不在您的管辖范围内。")})
        return {"about": Need.About.HOUSEHOLD, "household": row, "area": row.area}
    area = about.area or acting.area
    if not acting.covers(area) or len(area) < 6 or not Division.objects.filter(code=area).exists():
        raise ValidationError({"area": _("请选择您管辖范围内的县、乡镇或村。")})
    kind = Need.About.INSTITUTION if about.institution is not None else Need.About.PLACE
    return {"about": kind, "institution_id": about.institution, "area": area}


@transaction.atomic
def raise_need(
    *, uuid: UUID, about: About, kind: str, what: str, urgency: str, source: str, now: datetime, source_id: int | None = None, by: date | None = None,
    fixed: bool = False, wanted: int = 1, skills: Iterable[str] = (), name: str = "", phone: str = "", address: str = "",
) -> Need:
    """Raise a need; the same form (`uuid`) again gives back the first. The one way in for every room, the portal and the API.

    `by`: the day by which it is wanted; `fixed`: after that day nobody needs it any more (a hospital appointment). `name`, `phone`, `address`:
    whom to ask for and where, where the registry does not say. `source_id` must be visible to who raises it. Raises ValidationError by field.
    """  # fmt: skip
    acting = duties.require("needs.raise")
    known = Need.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    on, what = timezone.localdate(now), what.strip()
    asked = sorted(set(skills))
    problems: dict[str, str] = {}
    for field, right in (
        ("kind", kind in kinds.KINDS), ("urgency", urgency in Need.Urgency.values), ("source", source in Need.Source.values),
        ("skills", all(each in kinds.SKILLS for each in asked)),
    ):  # fmt: skip
        if not right:
            problems[field] = _("请重新选择。")
    if not 4 <= len(what) <= 2000:
        problems["what"] = _("请写明需要什么，4 至 2000 个字。")
    if any(ord(sign) < 32 and sign not in "\r\n\t" for sign in what + name + address):
        problems["what"] = _("内容含有不能显示的字符；请删除后重新填写。")
    if not 1 <= wanted <= 999:
        problems["wanted"] = _("数量应为 1 至 999。")
    if by is not None and not on <= by <= on + LATEST:
        problems["by"] = _("“最晚日期”应在今天之后一年以内。")
    if fixed and by is None:
        problems["by"] = _("过期不再需要的，请填写日期。")
    if source_id is not None and sources.about(source, source_id) is None:
        problems["source"] = _("没有这条来源记录，或它不在您的管辖范围内。")
    if problems:
        raise ValidationError(problems)
    token = phone_token(phone)
    found = _concerned(about, acting)
    area = str(found["area"])
    due = deadline("meet", urgency, area, now)
    if by is not None:
        due = min(due, end_of(by)) if not fixed else end_of(by)
    expires = by + timedelta(days=1) if fixed and by else timezone.localdate(due) + timedelta(days=days("expire_days", area, on))
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.need_number')")
        serial = cursor.fetchone()[0]
    try:
        with transaction.atomic():
            row = Need.objects.create(
                number=f"XQ{on:%Y%m%d}{serial:05d}", uuid=uuid, kind=kind, urgency=urgency, source=source, source_id=source_id, wanted=wanted, skills=asked,
                by=by, fixed=fixed, raised_by_id=acting.account_id or None, raised_at=now, answer_due=min(deadline("answer", urgency, area, now), due), due=due,
                expires_on=expires, **found,
            )  # fmt: skip
    except IntegrityError:  # the same form a moment ago
        again = Need.objects.filter(uuid=uuid).first()
        if again is None:
            raise ValidationError(_("这张表单的编号已被使用；请重新打开登记页面。")) from None
        return again
    NeedPrivate.objects.create(need=row, area=area, what=what, name=name.strip()[:60], phone=token, address=address.strip()[:200] or None)
    note_event(row, "登记", "", now)
    ask_for_answers(row, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def raise_once(
    *, uuid: UUID, about: About, kind: str, what: str, urgency: str, source: str, now: datetime, source_id: int | None = None
) -> Need:
    """Raise a need unless one of its kind is open for the household or person; then that one's record says that it was told again, and it is given back.

    Told again as more urgent, it is: its limits are the nearer ones from now.
    """
    if Need.objects.filter(uuid=uuid).exists():
        return Need.objects.get(uuid=uuid)
    rows = Need.objects.select_for_update(of=("self",)).filter(clock__isnull=False, kind=kind)
    rows = rows.filter(person=about.person) if about.person is not None else rows.filter(household=about.household)
    known = rows.order_by("clock", "id").first() if about.person is not None or about.household is not None else None
    if known is None:
        return raise_need(uuid=uuid, about=about, kind=kind, what=what, urgency=urgency, source=source, source_id=source_id, now=now)
    if GRAVER.index(urgency) >= GRAVER.index(known.urgency):
        note_event(known, "再次反映", what, now)
        return known
    known.urgency = urgency
    known.due = min(known.due, deadline("meet", urgency, known.area, now))
    known.answer_due = min(known.answer_due, known.due, deadline("answer", urgency, known.area, now))
    moved(known, "再次反映，更加紧急", what, now, "urgency", "due", "answer_due")
    if known.state == S.OPEN:
        ask_for_answers(known, now)
    return known


@transaction.atomic
def cancel_need(*, need_id: int, version: int, reason: str, now: datetime) -> Need:
    """Cancel a need with a reason: nobody needs it any more. Whoever was answering it is released and told."""
    acting = duties.require("needs.manage")
    row = locked(need_id, version, *Need.LIVE)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明取消的原因。")})
    if row.met:
        raise ValidationError(_("已有部分得到满足，不能取消；请对其余部分登记新的需求，或等待办结。"))
    _release(row, f"需求取消：{reason.strip()}", now)
    row.state, row.closed_at, row.closed_by_id, row.close_reason = S.CANCELLED, now, acting.account_id or None, reason.strip()[:200]
    moved(row, "取消", reason, now, "state", "closed_at", "closed_by", "close_reason")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


def _release(row: Need, reason: str, now: datetime) -> None:
    live = NeedAnswer.objects.filter(need=row, state__in=(A.OFFERED, *NeedAnswer.HOLDING))
    for answer in live.select_for_update().order_by("id"):
        answer.state, answer.ended_at, answer.reason, answer.version = A.WITHDRAWN, now, reason[:200], answer.version + 1
        answer.save(update_fields=["state", "ended_at", "reason", "version"])
        answerers.changed(row, answer, now)


@transaction.atomic
def renew_need(*, need_id: int, version: int, by: date | None, now: datetime) -> Need:
    """Look again for somebody to answer a need that has expired, with new limits from now."""
    duties.require("needs.manage")
    row = locked(need_id, version, S.EXPIRED)
    on = timezone.localdate(now)
    if (by is not None and not on <= by <= on + LATEST) or (row.fixed and by is None):
        raise ValidationError({"by": _("“最晚日期”应在今天之后一年以内。")})
    due = deadline("meet", row.urgency, row.area, now)
    row.by = by
    row.due = end_of(by) if by and row.fixed else min(due, end_of(by)) if by else due
    row.answer_due = min(deadline("answer", row.urgency, row.area, now), row.due)
    row.expires_on = by + timedelta(days=1) if row.fixed and by else timezone.localdate(row.due) + timedelta(days=days("expire_days", row.area, on))
    row.state, row.closed_at, row.closed_by, row.escalated, row.escalated_at, row.reminded_on = S.OPEN, None, None, 0, None, None
    moved(
        row, "重新公布", "", now, "by", "due", "answer_due", "expires_on", "state", "closed_at", "closed_by", "escalated", "escalated_at", "reminded_on",
    )  # fmt: skip
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="need.expired")
    ask_for_answers(row, now)
    return row
