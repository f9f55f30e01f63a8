"""Times without care and without a guardian (无人照料、监护缺失): begun, ended, never forgotten (5.2).

`begin` and `end` are for other services in their own transaction (the case locked); `begin_gap` and `end_gap` for officers.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.protection.models import CaseGap, ProtectionCase
from doudi.protection.services.base import locked, moved

ALONE, GUARDIAN = CaseGap.Kind.ALONE, CaseGap.Kind.GUARDIAN


def begin(row: ProtectionCase, kind: str, *, since: datetime) -> bool:
    """Begin a gap; False where one is open. The caller saves `unattended_from` with the case."""
    if row.gaps.filter(kind=kind, ends__isnull=True).exists():
        return False
    CaseGap.objects.create(case=row, area=row.area, kind=kind, starts=since, made_by_id=scopes.current().account_id or None)
    if kind == ALONE:
        row.unattended_from = since
    return True


def end(row: ProtectionCase, kind: str, *, at: datetime, how: str) -> bool:
    """End the open gap; False where none is open. `how`: who cares, or who is the guardian, from then on. The caller saves `unattended_from`."""
    if kind == ALONE:
        row.unattended_from = None
    gap = row.gaps.filter(kind=kind, ends__isnull=True).first()
    if gap is None:
        return False
    gap.ends, gap.how, gap.ended_by_id = max(at, gap.starts), how.strip()[:200], scopes.current().account_id or None
    gap.save(update_fields=["ends", "how", "ended_by"])
    return True


def _kind(kind: str) -> CaseGap.Kind:
    if kind not in CaseGap.Kind.values:
        raise ValidationError({"kind": _("请重新选择。")})
    return CaseGap.Kind(kind)


def _moment(at: datetime, now: datetime, since: datetime | None = None) -> datetime:
    if at > now:
        raise ValidationError({"at": _("时间不能晚于现在。")})
    if since and at < since.replace(second=0, microsecond=0):  # forms write whole minutes
        raise ValidationError({"at": _("不能早于开始的时间。")})
    return at


@transaction.atomic
def begin_gap(*, case_id: int, version: int, kind: str, at: datetime, reason: str, now: datetime) -> ProtectionCase:
    """Somebody found the minor without care or without an able guardian, since `at`."""
    duties.require("protection.handle")
    what = _kind(kind)
    row = locked(case_id, version, *ProtectionCase.OPEN)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    if not begin(row, what, since=_moment(at, now)):
        raise ValidationError(_("已登记过“%(what)s”，尚未结束。") % {"what": what.label})
    moved(row, f"gap_{what}", reason, now, "unattended_from")
    return row


@transaction.atomic
def end_gap(*, case_id: int, version: int, kind: str, at: datetime, how: str, now: datetime) -> ProtectionCase:
    """The minor is looked after again, or has an able guardian again, from `at`; `how` says who."""
    duties.require("protection.handle")
    what = _kind(kind)
    row = locked(case_id, version, *ProtectionCase.OPEN)
    gap = row.gaps.filter(kind=what, ends__isnull=True).first()
    if gap is None:
        raise ValidationError(_("没有尚未结束的“%(what)s”；请刷新页面。") % {"what": what.label})
    if len(how.strip()) < 2:
        raise ValidationError({"how": _("请写明由谁照料或监护。")})
    end(row, what, at=_moment(at, now, gap.starts), how=how)
    moved(row, f"gap_{what}_end", how, now, "unattended_from")
    return row
