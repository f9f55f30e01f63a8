"""The task group (专项工作组): set up, its members, the duty roster, what it met about, what it decided (6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.core import duties, emergencies
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.institutions.models import GroupAction, GroupEvent, GroupMeeting, GroupMember, GroupShift, TaskGroup
from doudi.institutions.models.group import Department
from doudi.institutions.services.base import needed, one_of, phone_needed, refused, today_of

ACTION = "group_action"
ROSTER_DAYS = 60
SLOTS = {"day": "白班", "night": "夜班"}  # in records, which stay Chinese


@dataclass(frozen=True)
class Seat:
    """Who is to sit in a group. `account_id` None: only a contact."""

    department: str
    unit: str
    name: str
    phone: str
    role: str = GroupMember.Role.MEMBER
    post: str = ""
    account_id: int | None = None


@dataclass(frozen=True)
class Decided:
    """What somebody is to do, until when. `key`: of the form."""

    key: UUID
    member_id: int
    what: str
    due: date


def _event(group: TaskGroup, what: str, note: str, now: datetime) -> None:
    GroupEvent.objects.create(group=group, area=group.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:400])


def running(group_id: int, act: str = "group.manage", version: int | None = None) -> TaskGroup:
    """A running group of the acting officer's own area, locked. One further up is read, not changed."""
    acting = duties.require(act)
    row = TaskGroup.objects.select_for_update(of=("self",)).filter(pk=group_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这个专项工作组，或它不由您管理。"))
    if row.ended_at is not None:
        raise ValidationError(_("这个专项工作组已结束，不能再办理。"), code="stale")
    if version is not None and row.version != version:
        raise ValidationError(_("专项工作组的资料刚被他人修改；您的操作没有保存，请刷新页面后再改。"), code="stale")
    return row


def posting_of(account_id: int | None, area: str, on: date) -> Posting | None:
    """Today's posting with which an account acts for a group of `area`: there or above, one that may work on requests."""
    if account_id is None:
        return None
    rows = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account_id=account_id, account__is_active=True, starts__lte=on, duty__in=duties.MAY["group.act"])
    return next((row for row in rows.order_by("-area", "pk") if area.startswith(row.area)), None)


@transaction.atomic
def set_up(
    *, key: UUID, area: str, title: str, document: str, led_by: str, phone: str, starts: date, now: datetime, rhythm: str = "", emergency_id: int | None = None
) -> TaskGroup:
    """Set up a group for a county, a city or the province; the same form (`key`) again gives back the first.

    One runs at a time for a place and an emergency (or for none). Raises ValidationError by field.
    """
    acting = duties.require("group.manage")
    before = TaskGroup.objects.filter(key=key).first()
    if before is not None:
        return before
    needed(title=title, document=document, led_by=led_by, phone=phone)
    if not acting.covers(area) or len(area) not in (2, 4, 6):
        raise ValidationError({"area": _("专项工作组设在县、市或省；请在您管辖的范围内选择。")})
    if starts > today_of(now) + timedelta(days=31):
        raise ValidationError({"starts": _("成立日期不能晚于一个月后。")})
    if emergency_id is not None and emergency_id not in {row.pk for row in emergencies.touching(area, today_of(now))}:
        raise ValidationError({"emergency": _("这一应急状态在此地没有生效；请重新选择。")})
    there = ValidationError({"emergency": _("此地为这一应急状态已有专项工作组；请在其中办理。")})
    with refused({"group_one_running": there}):
        row = TaskGroup.objects.create(
            key=key, area=area, title=title.strip()[:80], document=document.strip()[:200], led_by=led_by.strip()[:80], phone=phone.strip()[:20],
            rhythm=rhythm.strip()[:80], emergency_id=emergency_id, starts=starts, made_by_id=acting.account_id or None, made_at=now,
        )  # fmt: skip
    _event(row, "set_up", document, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def change(*, group_id: int, version: int, title: str, document: str, led_by: str, phone: str, rhythm: str, now: datetime) -> TaskGroup:
    """Change what is said of a group."""
    row = running(group_id, version=version)
    needed(title=title, document=document, led_by=led_by, phone=phone)
    row.title, row.document, row.led_by, row.phone, row.rhythm = title.strip()[:80], document.strip()[:200], led_by.strip()[:80], phone.strip()[:20], rhythm.strip()[:80]
    row.version += 1
    row.save(update_fields=["title", "document", "led_by", "phone", "rhythm", "version"])
    _event(row, "changed", row.document, now)
    return row


@transaction.atomic
def end(*, group_id: int, version: int, reason: str, now: datetime) -> TaskGroup:
    """End a group, with the reason. What it decided and is not done is said first: nothing is left lying."""
    row = running(group_id, version=version)
    needed(reason=reason)
    left = row.actions.filter(state=GroupAction.State.OPEN).count()
    if left:
        raise ValidationError({"reason": _("还有 %(n)s 件议定事项没有办结；请先办结或注明不再办理。") % {"n": left}})
    row.ended_at, row.ended_by_id, row.end_reason, row.version = now, scopes.current().account_id or None, reason.strip()[:200], row.version + 1
    row.save(update_fields=["ended_at", "ended_by", "end_reason", "version"])
    _event(row, "ended", reason, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def seat(*, group_id: int, seats: Sequence[Seat], now: datetime) -> list[GroupMember]:
    """Add members, several at once; who sits there already for that unit is left as they are. Raises ValidationError by field."""
    row, on = running(group_id), today_of(now)
    made = []
    for given in seats:
        needed(unit=given.unit, name=given.name, phone=given.phone)
        one_of("department", given.department, Department.values)
        one_of("role", given.role, GroupMember.Role.values)
        if given.account_id is not None and posting_of(given.account_id, row.area, on) is None:
            raise ValidationError({"account": _("该账号在专项工作组所在地没有可以办理协调事项的岗位；请先由系统管理员任职，或只登记为联系人。")})
        found = row.members.filter(unit=given.unit.strip(), name=given.name.strip(), ended_at__isnull=True).first()
        if found is None:
            taken = ValidationError({"account": _("该账号已代表另一名成员；请核对。")})
            with refused({"group_account_once": taken}):
                found = GroupMember.objects.create(
                    group=row, area=row.area, department=given.department, unit=given.unit.strip()[:60], name=given.name.strip()[:60], role=given.role,
                    post=given.post.strip()[:40], phone=phone_needed(given.phone), account_id=given.account_id, made_by_id=scopes.current().account_id or None, made_at=now,
                )  # fmt: skip
            _event(row, "member", str(found), now)
        made.append(found)
    scopes.check_constraints()
    return made


@transaction.atomic
def unseat(*, group_id: int, member_id: int, reason: str, now: datetime) -> GroupMember:
    """A member leaves. Shifts from today on are left open, so that the roster shows the gap; open actions go to somebody else first."""
    row = running(group_id)
    needed(reason=reason)
    member = row.members.filter(pk=member_id, ended_at__isnull=True).first()
    if member is None:
        raise ValidationError(_("该成员已不在专项工作组；请刷新页面。"), code="stale")
    if member.actions.filter(state=GroupAction.State.OPEN).exists():
        raise ValidationError({"reason": _("该成员还有没办结的议定事项；请先办结，或注明不再办理后另行交办。")})
    member.shifts.filter(on__gte=today_of(now)).delete()
    member.ended_at = now
    member.save(update_fields=["ended_at"])
    _event(row, "unseated", f"{member}：{reason}", now)
    return member


@transaction.atomic
def set_roster(*, group_id: int, starts: date, slot: str, member_ids: Sequence[int], days: int, now: datetime) -> int:
    """Put members on duty (值班) in turn from a day on, one a day; what stood there for that slot is replaced. Returns the days written."""
    row = running(group_id)
    one_of("slot", slot, GroupShift.Slot.values)
    if not 1 <= days <= ROSTER_DAYS:
        raise ValidationError({"days": _("一次排班 1 至 %(most)s 天。") % {"most": ROSTER_DAYS}})
    if starts < today_of(now):
        raise ValidationError({"starts": _("只能从今天起排班；已过去的值班不能改。")})
    known = set(row.members.filter(pk__in=member_ids, ended_at__isnull=True).values_list("pk", flat=True))
    turn = [member for member in dict.fromkeys(member_ids) if member in known]
    if not turn or len(turn) != len(set(member_ids)):
        raise ValidationError({"members": _("请选择现任成员，按轮值顺序。")})
    until = starts + timedelta(days=days - 1)
    row.shifts.filter(slot=slot, on__gte=starts, on__lte=until).delete()
    GroupShift.objects.bulk_create(
        [
            GroupShift(group=row, area=row.area, member_id=turn[each % len(turn)], on=starts + timedelta(days=each), slot=slot, made_by_id=scopes.current().account_id or None)
            for each in range(days)
        ]
    )
    _event(row, "roster", f"{starts} 至 {until}（{SLOTS[slot]}）", now)
    scopes.check_constraints()
    return days


def _decide(row: TaskGroup, meeting: GroupMeeting | None, decided: Sequence[Decided], now: datetime) -> list[GroupAction]:
    made = []
    members = {member.pk: member for member in row.members.filter(pk__in=[given.member_id for given in decided], ended_at__isnull=True)}
    before = {found.key: found for found in GroupAction.objects.filter(key__in=[given.key for given in decided])}
    for given in decided:
        if given.key in before:
            made.append(before[given.key])
            continue
        needed(what=given.what)
        member = members.get(given.member_id)
        if member is None:
            raise ValidationError({"member": _("请选择现任成员负责。")})
        if not today_of(now) <= given.due <= today_of(now) + timedelta(days=366):
            raise ValidationError({"due": _("办结期限应在今天至一年之内。")})
        action = GroupAction.objects.create(
            group=row, area=row.area, key=given.key, meeting=meeting, member=member, what=given.what.strip()[:200], due=given.due,
            made_by_id=scopes.current().account_id or None, made_at=now,
        )  # fmt: skip
        posting = posting_of(member.account_id, row.area, today_of(now))
        if posting is not None:
            raise_todo(
                kind="group.action", area=row.area, duty=posting.duty, title=f"专班议定事项：{action.what}", url=f"/institutions/group/{row.pk}/", subject=ACTION,
                subject_id=action.pk, due=action.due, posting_id=posting.pk, now=now,
            )  # fmt: skip
        made.append(action)
    return made


@transaction.atomic
def decide(*, group_id: int, decided: Decided, now: datetime) -> GroupAction:
    """Something that somebody of the group is to do (议定事项), with a day; whoever has an account gets a to-do."""
    row = running(group_id)
    action = _decide(row, None, [decided], now)[0]
    scopes.check_constraints()
    return action


@transaction.atomic
def minute(
    *, group_id: int, key: UUID, held_at: datetime, place: str, chaired_by: str, present: str, subject: str, minutes: str, decided: Sequence[Decided], now: datetime
) -> GroupMeeting:
    """The minutes of a meeting (调度会议纪要) with what was decided; the same form again gives back the first. Minutes stay as they are."""
    row = running(group_id)
    before = GroupMeeting.objects.filter(key=key, group=row).first()
    if before is not None:
        return before
    needed(place=place, chaired_by=chaired_by, present=present, subject=subject, minutes=minutes)
    if not now - timedelta(days=366) <= held_at <= now:
        raise ValidationError({"held_at": _("开会时间不能晚于现在，也不能早于一年前。")})
    meeting = GroupMeeting.objects.create(
        group=row, area=row.area, key=key, held_at=held_at, place=place.strip()[:80], chaired_by=chaired_by.strip()[:60], present=present.strip()[:400],
        subject=subject.strip()[:120], minutes=minutes.strip()[:8000], made_by_id=scopes.current().account_id or None, made_at=now,
    )  # fmt: skip
    _decide(row, meeting, decided, now)
    _event(row, "meeting", meeting.subject, now)
    scopes.check_constraints()
    return meeting


@transaction.atomic
def end_action(*, action_id: int, version: int, done: bool, result: str, now: datetime) -> GroupAction:
    """What came of an action: done by the member whose it is or by who runs the group; dropped by the latter alone, with the reason."""
    acting = duties.require("group.act")
    found = GroupAction.objects.select_for_update(of=("self",)).select_related("member", "group").filter(pk=action_id).first()
    if found is None or not acting.covers(found.area):
        raise ValidationError(_("没有这件议定事项，或它不在您的范围内。"))
    if found.version != version or found.state != GroupAction.State.OPEN:
        raise ValidationError(_("这件议定事项刚由他人办理；请刷新页面。"), code="stale")
    needed(result=result)
    if not duties.may("group.manage") and (not done or found.member.account_id != acting.account_id):
        raise ValidationError(_("议定事项由负责人本人或专项工作组管理人员办结。"))
    found.state, found.result, found.ended_by_id = GroupAction.State.DONE if done else GroupAction.State.DROPPED, result.strip()[:200], acting.account_id or None
    found.ended_at, found.version = now, found.version + 1
    found.save(update_fields=["state", "result", "ended_by", "ended_at", "version"])
    finish_todos(subject=ACTION, subject_id=found.pk, now=now)
    _event(found.group, "action_done" if done else "action_dropped", f"{found.what}：{result}", now)
    return found


def remind_actions(*, area: str, on: date, now: datetime) -> int:
    """Actions past their day: a to-do for whoever runs the group. The daily job; safe to repeat."""
    return raise_todos(
        "select a.area, case when length(a.area) = 6 then %s else %s end, 'group.late', left('专班议定事项超期：' || a.what, 200), '/institutions/group/' || a.group_id || '/',"
        " 'group_action', a.id, a.due from institutions_groupaction a where a.state = 'open' and a.due < %s and a.area >= %s and a.area < %s",
        [Duty.COUNTY_REVIEWER.value, Duty.SUPERVISOR.value, on, area, area + ":"], now=now,
    )  # fmt: skip
