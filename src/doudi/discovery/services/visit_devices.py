"""Phones that keep visits to work without network (走访手机; measures 1.7, 7.3): opened by their visitor, closed by whoever loses trust in them.

What lies on a phone is encrypted under a key that follows from a PIN of six digits and from the device's share, 32 random bytes kept here. A PIN alone
is few enough to try them all on a copy of the phone; with the share it is not. So a share leaves the house only to a signed-in session of the very
posting that the device belongs to, and closing a device destroys it.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Posting
from doudi.core.settings_overlay import get_setting
from doudi.discovery.models import VisitDevice

STALE = timedelta(days=7)
MOST_DEVICES = 3
CALLS_A_MINUTE = 120
S = VisitDevice.State


class DeviceClosed(ValidationError):
    """The device must wipe what it holds; `code` is a state of VisitDevice."""


class DeviceElsewhere(ValidationError):
    """The device belongs to another posting than the one that acts."""


def _elsewhere() -> DeviceElsewhere:
    return DeviceElsewhere(_("这台手机保存的是另一岗位的走访数据；请用原来的账号登录，或切换到原来的岗位后再同步。"))


def open_device(*, device: UUID, label: str, now: datetime) -> VisitDevice:
    """The device, made on its first call; whoever gets it back may hand out its share.

    Raises DeviceClosed, DeviceElsewhere, and ValidationError where the posting has its three phones already.
    """
    scope = duties.require("visits.mine")
    if VisitDevice.objects.filter(pk=device).exists():
        return use_device(device=device, now=now)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('visit devices ' || %s, 0))", [str(scope.posting_id)])
    if VisitDevice.objects.filter(posting=scope.posting_id, state=S.ACTIVE).count() >= MOST_DEVICES:
        raise ValidationError(_("本岗位已在 %(most)d 台手机上使用离线走访；请先由乡镇或系统管理员注销不用的手机。") % {"most": MOST_DEVICES})
    try:
        with transaction.atomic():
            made = VisitDevice.objects.create(
                id=device, area=scope.area, posting_id=scope.posting_id, account_id=scope.account_id, label="".join(filter(str.isprintable, label))[:60],
                share=secrets.token_hex(32), made_at=now, seen_at=now, synced_at=now, calls_from=now,
            )  # fmt: skip
    except IntegrityError:
        raise _elsewhere() from None  # somebody beyond the scope has this identifier
    scopes.check_constraints()
    return made


@transaction.atomic
def use_device(*, device: UUID, now: datetime, waiting: int | None = None, synced: bool = False) -> VisitDevice:
    """The acting posting's open device, locked; that it was seen is noted.

    `synced`: this call brings a list or a record; `waiting`: records that still wait on the device, as it says.
    Raises DeviceClosed, DeviceElsewhere.
    """
    scope = duties.require("visits.mine")
    found = VisitDevice.objects.select_for_update().filter(pk=device).first()
    if found is None or found.account_id != scope.account_id:
        raise _elsewhere()
    if reason := end_of(device=device, now=now):
        raise DeviceClosed(_("这台手机上的走访数据须清除。"), code=reason)
    if found.posting_id != scope.posting_id:
        raise _elsewhere()
    if now - found.calls_from >= timedelta(minutes=1) or now < found.calls_from:
        found.calls, found.calls_from = 0, now
    found.calls, found.seen_at = found.calls + 1, now
    if synced:
        found.synced_at = now
    if waiting is not None:
        found.waiting = min(max(waiting, 0), 10_000)
    found.save(update_fields=["calls", "calls_from", "seen_at", "synced_at", "waiting"])
    return found


def too_many(device: VisitDevice) -> bool:
    """Whether the device calls more often than any hand can. Asked after `use_device`, whose count must stay."""
    return device.calls > CALLS_A_MINUTE


def end_of(*, device: UUID, now: datetime) -> str:
    """Why a device must wipe what it holds (revoked, ended, stale, wiped), or an empty string; also without any sign-in."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.visit_device_end(%s, %s, %s)", [device, timezone.localdate(now), now - STALE])
        row = cursor.fetchone()
    return str(row[0] or "") if row else ""


def share_hours(*, area: str, on: date) -> int:
    """For how many hours a phone may keep its share to unlock without network; 0: never longer than its page is open."""
    return int(get_setting("procedure.visit.offline_hours", area, on))


def revoke_device(*, device: UUID, reason: str, now: datetime) -> VisitDevice:
    """Close a device (注销设备): it wipes itself at its next contact, and its share is destroyed now. A second time changes nothing.

    Raises VisitDevice.DoesNotExist outside the scope, ValidationError without a reason.
    """
    scope = duties.require("visits.devices")
    if not reason.strip():
        raise ValidationError({"reason": _("请填写注销的原因，如手机丢失、更换手机。")})
    with transaction.atomic():
        found = VisitDevice.objects.select_for_update().get(pk=device)
        if found.state == S.ACTIVE:
            _close(found, S.REVOKED, now=now, reason=reason.strip()[:200], by=scope.account_id)
    return found


def device_wiped(*, device: UUID, reason: str, now: datetime) -> None:
    """The device says that it has wiped itself (five wrong PINs, or by its visitor's own wish); unknown ones are left alone."""
    scope = duties.require("visits.mine")
    with transaction.atomic():
        found = VisitDevice.objects.select_for_update().filter(pk=device, account=scope.account_id, posting=scope.posting_id, state=S.ACTIVE).first()
        if found is not None:
            _close(found, S.WIPED, now=now, reason=WIPED.get(reason, ""), by=scope.account_id)


# What is stored stays Chinese.
WIPED = {"pin": "密码连续输错 5 次，手机已自动清除", "own": "走访员在手机上清除", "stale": "7 天未同步，手机已自动清除", "ended": "任职结束，手机已自动清除"}


def _close(found: VisitDevice, state: str, *, now: datetime, reason: str, by: int | None) -> None:
    found.state, found.share, found.closed_at, found.closed_by_id, found.reason = state, None, now, by, reason
    found.save(update_fields=["state", "share", "closed_at", "closed_by", "reason"])
    scopes.check_constraints()


def close_devices(*, area: str, on: date, now: datetime) -> int:
    """Destroy the shares of phones whose posting has ended or that have not synchronised for seven days; the number closed. Run daily."""
    duties.require("visits.due")
    rows = VisitDevice.objects.filter(state=S.ACTIVE, area__gte=area, area__lt=area + ":")
    closed = {"share": None, "closed_at": now}
    over = Posting.objects.filter(ends__lte=on, area__gte=area, area__lt=area + ":").values("pk")
    count = rows.filter(posting__in=over).update(state=S.ENDED, reason="任职结束", **closed)
    count += rows.filter(account__is_active=False).update(state=S.ENDED, reason="账号已停用", **closed)
    count += rows.filter(synced_at__lt=now - STALE).update(state=S.STALE, reason="7 天未同步", **closed)
    scopes.check_constraints()
    return count
