"""Activities: opened with shifts, signed up for, full and then queued for, cancelled (8.3)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.messages import send_message
from doudi.core.services.todos import ends_by_hand, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.volunteering import codes
from doudi.volunteering.models import Activity, Organisation, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.procedures import NO_SHOWS
from doudi.volunteering.services import session
from doudi.volunteering.services.base import (
    account_id,
    chosen,
    is_minor,
    needed,
    note_event,
    number_of,
    one_of,
    place_of,
    reason_of,
    refused,
    require_one,
    save,
)

ends_by_hand("volunteer.absent")

LIVE = (Activity.State.OPEN, Activity.State.CLOSED)
LONGEST = timedelta(hours=16)
ACTIVITY = "volunteering_activity"  # subject of to-dos
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
MOST = 40
U = SignUp.State


@dataclass(frozen=True)
class NewShift:
    post: str
    starts: datetime
    ends: datetime
    capacity: int


def check_shifts(shifts: Sequence[NewShift], now: datetime) -> None:
    if not 1 <= len(shifts) <= MOST:
        raise ValidationError({"shifts": _("请填写 1 至 %(most)d 个班次。") % {"most": MOST}})
    for each in shifts:
        if not each.post.strip():
            raise ValidationError({"post": _("请填写岗位。")})
        if each.ends <= each.starts or each.ends - each.starts > LONGEST:
            raise ValidationError({"ends": _("班次的结束时间应晚于开始时间，且不超过 16 小时；跨夜的班次填次日时间。")})
        if each.ends <= now:
            raise ValidationError({"starts": _("班次的时间已过去。")})
        if not 1 <= each.capacity <= 500:
            raise ValidationError({"capacity": _("名额应在 1 至 500 之间。")})


def make_shift(activity: Activity, each: NewShift) -> Shift:
    with refused({"shift_once": ValidationError({"starts": _("这项活动在这个时间已有同名岗位。")})}):
        return Shift.objects.create(
            activity=activity, area=activity.area, post=each.post.strip()[:40], starts=each.starts, ends=each.ends, capacity=each.capacity,
            code="".join(secrets.choice(SIGNS) for _sign in range(8)),
        )  # fmt: skip


def locked_activity(activity_id: int, *acts: str, version: int | None = None) -> Activity:
    require_one(*acts)
    row = Activity.objects.select_for_update(of=("self",)).filter(pk=activity_id).first()
    if row is None:
        raise ValidationError(_("没有这项活动，或不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这项活动刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


@transaction.atomic
def open_activity(
    *, key: UUID, area: str, title: str, kind: str, words: str, place: str, phone: str, shifts: Sequence[NewShift], organisation_id: int | None = None,
    skills: Sequence[str] = (), minors: bool = False, now: datetime,
) -> Activity:
    """Publish an activity with its shifts; everybody of the county reads it. The same form (`key`) again gives back the first."""  # fmt: skip
    duties.require("volunteering.activities")
    before = Activity.objects.filter(key=key).first()
    if before is not None:
        return before
    needed(title=title, words=words, place=place, phone=phone)
    place_of(area, least=6)
    one_of("kind", kind, list(codes.SERVICES))
    organisation = None
    if organisation_id is not None:
        organisation = Organisation.objects.filter(pk=organisation_id, state=Organisation.State.ACTIVE).first()
        if organisation is None:
            raise ValidationError({"organisation": _("请重新选择组织方；停用和列入黑名单的组织不能组织活动。")})
    check_shifts(shifts, now)
    row = Activity.objects.create(
        key=key, area=area, number=number_of("HD", area), title=title.strip()[:60], kind=kind, organisation=organisation, words=words.strip()[:600],
        place=place.strip()[:80], phone=phone.strip()[:20], skills=chosen("skills", skills, codes.SKILLS), minors=minors, made_by_id=account_id(), made_at=now,
    )  # fmt: skip
    for each in shifts:
        make_shift(row, each)
    note_event(row, "opened", f"{len(shifts)} 个班次", now)
    scopes.check_constraints()
    return row


@transaction.atomic
def add_shift(*, activity_id: int, shift: NewShift, now: datetime) -> Shift:
    row = locked_activity(activity_id, "volunteering.activities")
    if row.state not in LIVE:
        raise ValidationError(_("这项活动现为“%(state)s”，不能增加班次。") % {"state": row.get_state_display()})
    check_shifts([shift], now)
    made = make_shift(row, shift)
    note_event(row, "shift_added", made.post, now)
    return made


@transaction.atomic
def set_open(*, activity_id: int, version: int, is_open: bool, now: datetime) -> Activity:
    """Stop sign-ups (enough have come forward), or take them again."""
    row = locked_activity(activity_id, "volunteering.activities", version=version)
    wanted, before = (Activity.State.OPEN, Activity.State.CLOSED) if is_open else (Activity.State.CLOSED, Activity.State.OPEN)
    if row.state != before:
        raise ValidationError(_("这项活动现为“%(state)s”，不能这样办理。") % {"state": row.get_state_display()})
    row.state = wanted
    save(row, "state")
    note_event(row, wanted, "", now)
    return row


@transaction.atomic
def cancel_activity(*, activity_id: int, version: int, reason: str, now: datetime) -> Activity:
    """Call an activity off, with a reason; whoever signed up is told. Hours already served stay."""
    row = locked_activity(activity_id, "volunteering.activities", version=version)
    if row.state not in LIVE:
        raise ValidationError(_("这项活动现为“%(state)s”，不能取消。") % {"state": row.get_state_display()})
    end_activity(row, reason_of(reason), now)
    return row


def end_activity(row: Activity, reason: str, now: datetime) -> None:
    row.state, row.state_reason = Activity.State.CANCELLED, reason[:200]
    save(row, "state", "state_reason")
    note_event(row, "cancelled", reason, now)
    for shift in Shift.objects.select_for_update(of=("self",)).filter(activity=row, cancelled_at__isnull=True, ends__gt=now):
        _cancel(shift, reason, now)


@transaction.atomic
def cancel_shift(*, shift_id: int, reason: str, now: datetime) -> Shift:
    """Call one shift off; whoever signed up is told."""
    duties.require("volunteering.activities")
    shift = locked_shift(shift_id)
    if shift.cancelled_at is not None or shift.ends <= now:
        raise ValidationError(_("这个班次已取消或已结束。"))
    _cancel(shift, reason_of(reason), now)
    note_event(shift.activity, "shift_cancelled", f"{shift.post} {when(shift)}：{reason}", now)
    return shift


def _cancel(shift: Shift, reason: str, now: datetime) -> None:
    shift.cancelled_at = now
    shift.save(update_fields=["cancelled_at"])
    for each in SignUp.objects.filter(shift=shift, state__in=SignUp.LIVE).select_related("volunteer"):
        SignUp.objects.filter(pk=each.pk).update(state=U.CANCELLED, reason=reason[:200], ended_at=now)
        _tell(each, shift, "volunteer.cancelled", now)


def when(shift: Shift) -> str:
    starts, ends = timezone.localtime(shift.starts), timezone.localtime(shift.ends)
    return f"{starts:%Y-%m-%d %H:%M}—{ends:%H:%M}" if starts.date() == ends.date() else f"{starts:%Y-%m-%d %H:%M}—{ends:%m-%d %H:%M}"


def _tell(row: SignUp, shift: Shift, template: str, now: datetime) -> None:
    send_message(
        template=template, area=shift.area, key=str(row.pk), values={"when": when(shift)}, phone=row.volunteer.phone, until=max(shift.ends, now + timedelta(hours=1)), now=now  # type: ignore[arg-type]
    )  # fmt: skip


def locked_shift(shift_id: int) -> Shift:
    row = Shift.objects.select_for_update(of=("self",)).select_related("activity__organisation").filter(pk=shift_id).first()
    if row is None:
        raise ValidationError(_("没有这个班次，或不在您的管辖范围内。"))
    return row


@transaction.atomic
def sign_up(*, shift_id: int, volunteer_id: int, now: datetime) -> SignUp:
    """Take a place in a shift; where it is full, a place in its queue. Who has signed up already gets that back.

    Raises ValidationError where the volunteer may not (not verified, paused, blacklisted, a minor where minors may not come) or is busy at that time.
    """
    require_one("volunteering.self", "volunteering.activities")
    volunteer = Volunteer.objects.select_for_update(of=("self",)).filter(pk=volunteer_id).first()
    shift = locked_shift(shift_id)
    if volunteer is None or volunteer.state != Volunteer.State.ACTIVE:
        raise ValidationError(_("证件核验通过、状态正常的志愿者才能报名。"))
    known = SignUp.objects.filter(shift=shift, volunteer=volunteer).exclude(state__in=(U.WITHDRAWN, U.CANCELLED)).first()
    if known is not None:
        return known
    activity = shift.activity
    if activity.state != Activity.State.OPEN or shift.cancelled_at is not None or shift.starts <= now:
        raise ValidationError(_("这个班次已停止报名、已取消或已开始；请看看其他活动。"))
    if activity.organisation is not None and activity.organisation.state != Organisation.State.ACTIVE:
        raise ValidationError(_("这个班次已停止报名、已取消或已开始；请看看其他活动。"))
    minor = is_minor(volunteer.birth_date, timezone.localdate(shift.starts))
    if minor and not activity.minors:
        raise ValidationError(_("这项活动只接受年满 18 周岁的志愿者。"))
    if taken_at_once(shift).filter(volunteer=volunteer).exists():
        raise ValidationError(_("您在这个时间已报名其他班次；请先退出那个班次。"))
    with refused({"signup_of_minor": ValidationError(_("这项活动只接受年满 18 周岁的志愿者。")), "shift_not_overfull": full()}):
        return SignUp.objects.create(
            shift=shift, area=shift.area, volunteer=volunteer, state=U.SIGNED if shift.left > 0 else U.WAITING, made_by_id=account_id(), made_at=now
        )


def full() -> ValidationError:
    return ValidationError(_("最后一个名额刚被他人报走；可以候补，或看看其他班次。"))


@transaction.atomic
def withdraw(*, signup_id: int, reason: str = "", now: datetime) -> SignUp:
    """Give a place back before the shift begins; the first in the queue gets it and is told."""
    acting = require_one("volunteering.self", "volunteering.activities")
    row = SignUp.objects.filter(pk=signup_id).first()
    if row is None:
        raise ValidationError(_("没有这次报名，或不在您的管辖范围内。"))
    shift = locked_shift(row.shift_id)
    row = SignUp.objects.select_for_update(of=("self",)).get(pk=signup_id)
    if row.state not in SignUp.LIVE:
        raise ValidationError(_("这次报名现为“%(state)s”，不能退出。") % {"state": row.get_state_display()})
    if acting.duty == duties.VOLUNTEER and shift.starts <= now:
        raise ValidationError(_("班次已开始，不能自己退出；请联系活动组织方。"))
    if ServiceRecord.objects.filter(shift=shift, volunteer=row.volunteer_id).exclude(state=ServiceRecord.State.VOID).exists():
        raise ValidationError(_("已签到，不能退出。"))
    row.state, row.reason, row.ended_at = U.WITHDRAWN, reason.strip()[:200], now
    row.save(update_fields=["state", "reason", "ended_at"])
    next_in_line(shift, now)
    return row


def next_in_line(shift: Shift, now: datetime) -> None:
    """Free places go to those who wait, in their order, as long as the shift has not begun. Who has taken a shift at the same time waits on, who may not
    come any more is passed over. The shift is locked by the caller."""
    if shift.cancelled_at is not None or shift.starts <= now:
        return
    with session.machine(shift.area[:6]):
        shift.refresh_from_db(fields=["taken"])
        line = SignUp.objects.filter(shift=shift, state=U.WAITING)
        line.exclude(volunteer__state=Volunteer.State.ACTIVE).update(state=U.WITHDRAWN, ended_at=now)
        free = line.exclude(Exists(taken_at_once(shift).filter(volunteer=OuterRef("volunteer"))))
        for each in free.select_related("volunteer").order_by("id")[: max(shift.left, 0)]:
            SignUp.objects.filter(pk=each.pk).update(state=U.SIGNED)
            _tell(each, shift, "volunteer.place", now)


def taken_at_once(shift: Shift) -> QuerySet[SignUp]:
    """Places taken in shifts at the time of this one."""
    return SignUp.objects.filter(state=U.SIGNED, shift__starts__lt=shift.ends, shift__ends__gt=shift.starts)


def leave_all(volunteer: Volunteer, reason: str, now: datetime) -> int:
    """Give back every place of somebody who may no longer come; the number."""
    count = 0
    with session.machine(volunteer.area[:6]):
        for row in SignUp.objects.filter(volunteer=volunteer, state__in=SignUp.LIVE, shift__starts__gt=now).order_by("shift_id"):
            shift = locked_shift(row.shift_id)
            SignUp.objects.filter(pk=row.pk).update(state=U.WITHDRAWN, reason=reason[:200], ended_at=now)
            next_in_line(shift, now)
            count += 1
    return count


@transaction.atomic
def mark_no_show(*, signup_id: int, now: datetime) -> SignUp:
    """Somebody signed up and did not come (爽约、未到); the place was held for them."""
    require_one("volunteering.hours", "volunteering.host")
    row = SignUp.objects.select_for_update(of=("self",)).select_related("shift").filter(pk=signup_id).first()
    if row is None or row.state != U.SIGNED:
        raise ValidationError(_("这次报名不是“已报名”，不能登记为未到；请刷新页面。"))
    if row.shift.starts > now:
        raise ValidationError(_("班次还没有开始，不能登记为未到。"))
    if ServiceRecord.objects.filter(shift=row.shift, volunteer=row.volunteer_id).exclude(state=ServiceRecord.State.VOID).exists():
        raise ValidationError(_("已签到，不能登记为未到。"))
    row.state, row.ended_at = U.NO_SHOW, now
    row.save(update_fields=["state", "ended_at"])
    return row


def finish_over(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """The day after: who signed up and never checked in did not come, queues end, activities whose shifts are all over are done; set-based."""
    duties.require("volunteering.clocks")
    over = Q(area__gte=area, area__lt=area + ":", shift__ends__lt=now - timedelta(days=1))
    came = ServiceRecord.objects.exclude(state=ServiceRecord.State.VOID).filter(shift__isnull=False)
    waiting = SignUp.objects.filter(over, state=U.WAITING).update(state=U.WITHDRAWN, ended_at=now)
    absent = 0
    # one statement a shift: the trigger counts under its lock
    for shift_id in SignUp.objects.filter(over, state=U.SIGNED).order_by("shift_id").values_list("shift_id", flat=True).distinct():
        there = came.filter(shift=shift_id).values("volunteer")
        absent += SignUp.objects.filter(shift=shift_id, state=U.SIGNED).exclude(volunteer__in=there).update(state=U.NO_SHOW, ended_at=now)
    _tell_absent(area, on, now)
    ended = (
        Activity.objects.filter(area__gte=area, area__lt=area + ":", state__in=LIVE)
        .exclude(pk__in=Shift.objects.filter(cancelled_at__isnull=True, ends__gte=now - timedelta(days=1)).values("activity"))
        .update(state=Activity.State.DONE)
    )
    drafts = Activity.objects.filter(area__gte=area, area__lt=area + ":", state=Activity.State.PROPOSED)
    past = list(drafts.exclude(pk__in=Shift.objects.filter(ends__gte=now).values("activity")).values_list("pk", flat=True))
    Activity.objects.filter(pk__in=past).update(state=Activity.State.CANCELLED, state_reason="活动时间已过，未审核")
    Todo.objects.filter(subject=ACTIVITY, subject_id__in=past, done_at__isnull=True).update(done_at=now)
    return {"waiting": waiting, "absent": absent, "ended": ended}


def _tell_absent(area: str, on: date, now: datetime) -> None:
    """A to-do for who has now not come as often within a year as the place allows: the coordinator speaks with them."""
    raise_todos(
        "select v.area, %s, 'volunteer.absent', '志愿者 ' || v.number || '：一年内报名后未到 ' || count(*) || ' 次', '/volunteering/volunteers/' || v.id || '/',"
        " 'volunteer', v.id, null::date from volunteering_signup u join volunteering_volunteer v on v.id = u.volunteer_id"
        " where u.state = 'no_show' and u.ended_at > %s and v.state = 'active' and u.area >= %s and u.area < %s and v.area >= %s and v.area < %s"
        " group by v.id, v.area, v.number having count(*) >= %s and max(u.ended_at) = %s",
        [Duty.VOLUNTEER_COORDINATOR, now - timedelta(days=365), area, area + ":", area, area + ":", int(get_setting(NO_SHOWS, area, on)), now], now=now,
    )  # fmt: skip


__all__ = [
    "NewShift", "add_shift", "cancel_activity", "cancel_shift", "finish_over", "leave_all", "mark_no_show", "open_activity", "set_open", "sign_up", "when",
    "withdraw",
]  # fmt: skip
