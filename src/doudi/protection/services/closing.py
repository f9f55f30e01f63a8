"""Closing a case (结案) with its reason, reopening it (重新立案)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.protection.models import CaseAssignment, CaseContact, PlanService, ProtectionCase, Referral
from doudi.protection.services.base import SUBJECT, locked, moved, todo
from doudi.protection.services.gaps import ALONE, GUARDIAN
from doudi.protection.services.planning import SERVICE
from doudi.protection.services.referring import REFERRAL

S = ProtectionCase.State


class CloseReason(models.TextChoices):
    RESTORED = "restored", gettext_lazy("监护恢复，风险解除")
    LONG_TERM = "long_term", gettext_lazy("已落实长期监护")
    ADULT = "adult", gettext_lazy("已满 18 周岁")
    UNFOUNDED = "unfounded", gettext_lazy("经核实不属实或不属于个案范围")
    DIED = "died", gettext_lazy("死亡")
    OTHER = "other", gettext_lazy("其他")


# These end a case whatever the last assessment said.
WITHOUT_ASSESSMENT = (CloseReason.ADULT, CloseReason.UNFOUNDED, CloseReason.DIED)
_blockers: list[Callable[[ProtectionCase], str | None]] = []


def add_blocker(blocker: Callable[[ProtectionCase], str | None]) -> None:
    """Register what may stand against closing: it gets the locked case and returns a sentence, or None."""
    if blocker not in _blockers:
        _blockers.append(blocker)


def against(row: ProtectionCase, reason: str, now: datetime) -> list[str]:
    """What stands against closing the case for `reason`, in sentences."""
    found = [said for blocker in _blockers if (said := blocker(row))]
    if reason in WITHOUT_ASSESSMENT:
        return found
    if row.gaps.filter(ends__isnull=True, kind=ALONE).exists():
        found.append(_("孩子仍无人照料。"))
    if row.gaps.filter(ends__isnull=True, kind=GUARDIAN).exists():
        found.append(_("监护缺失尚未结束。"))
    days = int(get_setting("procedure.protection.close_days", row.area, timezone.localdate(now)))
    last = row.assessments.order_by("-assessed_at", "-id").first()
    if last is None or last.level != ProtectionCase.Level.LOW or last.assessed_at < now - timedelta(days=days):
        found.append(_("最近 %(days)d 天内没有评为低风险的监护状况评估；请先评估。") % {"days": days})
    return found


@transaction.atomic
def close_case(*, case_id: int, version: int, reason: str, note: str, now: datetime) -> ProtectionCase:
    """Close a case that is not needed any more: helpers lose access, what is owed ends; whoever answered for it may read it and reopen it."""
    acting = duties.require("protection.close")
    row = locked(case_id, version, S.ASSESSING, S.FOLLOWING)
    if reason not in CloseReason.values:
        raise ValidationError({"reason": _("请选择结案原因。")})
    if len(note.strip()) < 4:
        raise ValidationError({"note": _("请写明结案时的情况，至少 4 个字。")})
    if problems := against(row, reason, now):
        raise ValidationError(problems)
    row.state, row.closed_by_id, row.closed_at, row.close_reason, row.review_due = S.CLOSED, acting.account_id, now, reason, None
    moved(row, "closed", f"{CloseReason(reason).label}：{note}", now, "state", "closed_by", "closed_at", "close_reason", "review_due")
    row.contacts.filter(state=CaseContact.State.DUE).update(state=CaseContact.State.CANCELLED)
    CaseAssignment.objects.filter(case_id=row.pk, ends__isnull=True, role=CaseAssignment.Role.HELPER).update(ends=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    _nothing_waits(row, now)
    scopes.check_constraints()
    return row


def _nothing_waits(row: ProtectionCase, now: datetime) -> None:
    """What was to be done for services of the plan, and about referrals that came back, ends with the case."""
    services = Q(subject=SERVICE, subject_id__in=PlanService.objects.filter(case=row).values("pk"))
    referrals = Q(subject=REFERRAL, subject_id__in=Referral.objects.filter(case=row).exclude(state__in=Referral.OPEN).values("pk"))
    Todo.objects.filter(services | referrals, done_at__isnull=True).update(done_at=now, done_by=scopes.current().account_id or None)


@transaction.atomic
def reopen_case(*, case_id: int, version: int, reason: str, now: datetime) -> ProtectionCase:
    """Open a closed case again: it is assessed anew. Refused where the minor has another open case."""
    duties.require("protection.close")
    row = locked(case_id, version, S.CLOSED)
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明重新立案的原因，至少 4 个字。")})
    row.state, row.closed_by_id, row.closed_at, row.close_reason = S.ASSESSING, None, None, ""
    row.reopened, row.review_due = row.reopened + 1, timezone.localdate(now)
    try:
        with transaction.atomic():
            moved(row, "reopened", reason, now, "state", "closed_by", "closed_at", "close_reason", "reopened", "review_due")
    except IntegrityError:
        raise ValidationError(_("这名未成年人已有未结的个案，不能重新立案；请在那件个案中办理。")) from None
    for duty in ("protection_worker", "child_supervisor"):
        todo(row, "protection_assess", duty, f"未成年人个案 {row.number} 重新立案，待评估", now, due=now)
    return row
