"""Hours: check-in and check-out at a shift, corrections that keep what was said before (8.1). Hours of confirmed needs: `board.register`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import get_setting
from doudi.volunteering.models import RecordCorrection, ServiceCertificate, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.procedures import EARLY_MINUTES, LATE_HOURS
from doudi.volunteering.services import session
from doudi.volunteering.services.activities import locked_shift
from doudi.volunteering.services.base import account_id, day, reason_of, refused, require_one

R = ServiceRecord.State
By = ServiceRecord.By
LONGEST = timedelta(hours=24)


def _by() -> str:
    return {duties.VOLUNTEER: By.SELF, duties.ORGANISATION: By.ORGANISATION}.get(scopes.current().duty, By.OFFICER)


def _busy() -> dict[str, ValidationError]:
    return {
        "record_one_at_a_time": ValidationError(_("这个时间已有另一次服务记录，时长不能重复计算；请先签退，或核对时间。")),
        "record_once_a_shift": ValidationError(_("这个班次已经签到过。")),
    }


def minutes_between(starts: datetime, ends: datetime) -> int:
    return int((ends - starts).total_seconds() // 60)


@transaction.atomic
def check_in(*, key: UUID, shift_id: int, volunteer_id: int, code: str = "", now: datetime) -> ServiceRecord:
    """Check in at a shift (签到): by oneself with the code that stands at the spot, or by the organisation or an officer. Twice is once.

    Time before the shift does not count: `starts` is the later of now and the shift's beginning.
    """
    require_one("volunteering.self", "volunteering.host", "volunteering.hours")
    shift = locked_shift(shift_id)
    by = _by()
    if by == By.SELF and code.strip().upper() != shift.code:
        raise ValidationError({"code": _("签到码不对；请看活动现场张贴或负责人出示的签到码。")})
    signup = SignUp.objects.select_for_update(of=("self",)).filter(shift=shift, volunteer=volunteer_id, state__in=SignUp.TAKING).select_related("volunteer").first()
    if signup is None:
        raise ValidationError(_("没有报上这个班次；请先报名，候补的要等有名额。"))
    before = ServiceRecord.objects.filter(shift=shift, volunteer=volunteer_id).exclude(state=R.VOID).first()
    if before is not None:
        return before
    if signup.volunteer.state != Volunteer.State.ACTIVE:
        raise ValidationError(_("证件核验通过、状态正常的志愿者才能签到。"))
    early = timedelta(minutes=int(get_setting(EARLY_MINUTES, shift.area, day(now))))
    if shift.cancelled_at is not None or now >= shift.ends:
        raise ValidationError(_("班次已取消或已结束，不能签到；时长请由工作人员登记。"))
    if now < shift.starts - early:
        raise ValidationError(_("还没有到签到时间，%(at)s 起可以签到。") % {"at": f"{timezone.localtime(shift.starts - early):%m-%d %H:%M}"})
    with refused(_busy()):
        row = ServiceRecord.objects.create(
            **_of_shift(shift), key=key, volunteer_id=volunteer_id, starts=max(now, shift.starts), state=R.OPEN, recorded=by, recorded_by_id=account_id(), made_at=now
        )
    signup.state = SignUp.State.ATTENDED
    signup.save(update_fields=["state"])
    return row


def _of_shift(shift: Shift) -> dict[str, object]:
    activity = shift.activity
    return {
        "area": shift.area, "shift": shift, "organisation_id": activity.organisation_id, "title": activity.title, "kind": activity.kind, "place": activity.place,
        "post": shift.post,
    }  # fmt: skip


@transaction.atomic
def check_out(*, shift_id: int, volunteer_id: int, code: str = "", now: datetime) -> ServiceRecord:
    """Check out (签退): what counts ends with the shift at the latest. Twice is once; before check-in it is refused."""
    require_one("volunteering.self", "volunteering.host", "volunteering.hours")
    shift = locked_shift(shift_id)
    by = _by()
    if by == By.SELF and code.strip().upper() != shift.code:
        raise ValidationError({"code": _("签到码不对；请看活动现场张贴或负责人出示的签到码。")})
    row = ServiceRecord.objects.select_for_update(of=("self",)).filter(shift=shift, volunteer=volunteer_id).exclude(state=R.VOID).first()
    if row is None:
        raise ValidationError(_("还没有签到，不能签退。"))
    if row.state == R.DONE:
        return row
    if now < row.starts:
        raise ValidationError(_("班次还没有开始，不能签退；不参加的请告诉负责人。"))
    late = timedelta(hours=int(get_setting(LATE_HOURS, shift.area, day(now))))
    if by == By.SELF and now > shift.ends + late:
        raise ValidationError(_("班次已结束较久，不能自己签退；时长请由工作人员核定。"))
    _finish(row, min(now, max(shift.ends, row.starts)), by)
    return row


def _finish(row: ServiceRecord, ends: datetime, by: str) -> None:
    row.ends, row.minutes, row.state, row.ended_by = ends, minutes_between(row.starts, ends), R.DONE, by
    row.version += 1
    row.save(update_fields=["ends", "minutes", "state", "ended_by", "version"])


def _times(starts: datetime, ends: datetime, now: datetime) -> None:
    if ends <= starts:
        raise ValidationError({"ends": _("结束时间应晚于开始时间；跨夜的填次日时间。")})
    if ends - starts > LONGEST:
        raise ValidationError({"ends": _("一次服务不能超过 24 小时。")})
    if ends > now:
        raise ValidationError({"ends": _("结束时间不能晚于现在。")})


@transaction.atomic
def record_shift(*, key: UUID, shift_id: int, volunteer_id: int, starts: datetime, ends: datetime, now: datetime) -> ServiceRecord:
    """Put down afterwards the time of somebody who came without checking in, by an officer. The same form (`key`) again gives back the first."""
    duties.require("volunteering.hours")
    before = ServiceRecord.objects.filter(key=key).first()
    if before is not None:
        return before
    shift = locked_shift(shift_id)
    signup = SignUp.objects.select_for_update(of=("self",)).filter(shift=shift, volunteer=volunteer_id, state__in=SignUp.TAKING).first()
    if signup is None:
        raise ValidationError(_("此人没有报上这个班次。"))
    _times(starts, ends, now)
    if starts < shift.starts - timedelta(hours=4) or ends > shift.ends + timedelta(hours=4):
        raise ValidationError({"starts": _("时间与班次相差太远（前后各不超过 4 小时）；请核对。")})
    with refused(_busy()):
        row = ServiceRecord.objects.create(
            **_of_shift(shift), key=key, volunteer_id=volunteer_id, starts=starts, ends=ends, minutes=minutes_between(starts, ends), state=R.DONE, recorded=By.OFFICER,
            ended_by=By.OFFICER, recorded_by_id=account_id(), made_at=now,
        )  # fmt: skip
    if signup.state != SignUp.State.ATTENDED:
        signup.state = SignUp.State.ATTENDED
        signup.save(update_fields=["state"])
    return row


def _points(evaluation: int | None) -> int | None:
    if evaluation is not None and not 1 <= evaluation <= 5:
        raise ValidationError({"evaluation": _("评价为 1 至 5 分。")})
    return evaluation


def locked_record(record_id: int, version: int | None = None) -> ServiceRecord:
    row = ServiceRecord.objects.select_for_update(of=("self",)).filter(pk=record_id).first()
    if row is None:
        raise ValidationError(_("没有这条服务记录，或不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这条服务记录刚被他人修改；请刷新页面。"), code="stale")
    if row.state == R.VOID:
        raise ValidationError(_("这条服务记录已作废。"))
    return row


def _keep(row: ServiceRecord, reason: str, now: datetime, *, void: bool) -> None:
    """What the record said so far stays readable; certificates that counted it no longer hold."""
    RecordCorrection.objects.create(
        record=row, area=row.area, at=now, account_id=account_id(), starts=row.starts, ends=row.ends, minutes=row.minutes, void=void, reason=reason_of(reason)
    )
    on = timezone.localdate(row.starts)
    with session.machine(row.area[:6]):
        ServiceCertificate.objects.filter(volunteer=row.volunteer_id, starts__lte=on, ends__gte=on, void_at__isnull=True, issued_at__gte=row.made_at).update(
            void_at=now, void_reason="所载服务时长已更正"
        )


@transaction.atomic
def correct(*, record_id: int, version: int, starts: datetime, ends: datetime, reason: str, now: datetime) -> ServiceRecord:
    """Correct the times of a record, with a reason; what it said before is kept. An open one is checked out by it."""
    duties.require("volunteering.hours")
    row = locked_record(record_id, version)
    _times(starts, ends, now)
    _keep(row, reason, now, void=False)
    row.starts, row.ends, row.minutes, row.state, row.ended_by = starts, ends, minutes_between(starts, ends), R.DONE, By.OFFICER
    row.version += 1
    with refused(_busy()):
        row.save(update_fields=["starts", "ends", "minutes", "state", "ended_by", "version"])
    return row


@transaction.atomic
def void_record(*, record_id: int, version: int, reason: str, now: datetime) -> ServiceRecord:
    """Take a record out, with a reason: it counts no more and stays readable."""
    duties.require("volunteering.hours")
    row = locked_record(record_id, version)
    _keep(row, reason, now, void=True)
    row.state, row.version = R.VOID, row.version + 1
    row.save(update_fields=["state", "version"])
    return row


@transaction.atomic
def evaluate(*, record_id: int, version: int, evaluation: int, remark: str = "", now: datetime) -> ServiceRecord:
    """How it went (服务评价), 1 to 5, by whoever ran it."""
    require_one("volunteering.hours", "volunteering.host")
    row = locked_record(record_id, version)
    row.evaluation, row.remark, row.version = _points(evaluation), remark.strip()[:300] or None, row.version + 1
    row.save(update_fields=["evaluation", "remark", "version"])
    return row


def close_open(*, area: str, on: date, now: datetime) -> int:
    """Who never checked out: the shift's end counts, marked as the system's, until somebody corrects it. The number closed."""
    duties.require("volunteering.clocks")
    late = timedelta(hours=int(get_setting(LATE_HOURS, area, on)))
    rows = ServiceRecord.objects.select_for_update(of=("self",)).filter(state=R.OPEN, shift__ends__lt=now - late, area__gte=area, area__lt=area + ":")
    count = 0
    for row in rows.select_related("shift").order_by("id").iterator(chunk_size=500):
        assert row.shift is not None
        _finish(row, max(row.shift.ends, row.starts), By.SYSTEM)
        count += 1
    return count


__all__ = ["check_in", "check_out", "close_open", "correct", "evaluate", "record_shift", "void_record"]
