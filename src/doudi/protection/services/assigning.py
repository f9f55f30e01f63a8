"""Who answers for a case: taken, given to another, helpers added and released. Access follows (5.4)."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Duty, Posting
from doudi.core.services.todos import finish_todos
from doudi.protection.models import CaseAssignment, ProtectionCase
from doudi.protection.services.base import SUBJECT, WORKING, locked, moved
from doudi.protection.services.following import REMINDERS, begin_work, remind

RESPONSIBLE = (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR)
S = ProtectionCase.State


def _assign(row: ProtectionCase, account_id: int, role: str, now: datetime, reason: str) -> None:
    CaseAssignment.objects.create(
        case=row, area=row.area, account_id=account_id, role=role, starts=now, made_by_id=scopes.current().account_id or None, reason=reason.strip()[:200]
    )


def able(row: ProtectionCase, now: datetime, *, responsible: bool) -> list[tuple[int, str]]:
    """(account, name) of those who may be given the case: posted today at a place that the case lies in, with a duty that works on cases."""
    on = timezone.localdate(now)
    postings = Posting.objects.filter(duty__in=RESPONSIBLE if responsible else WORKING, starts__lte=on, account__is_active=True).select_related("account")
    held = [posting for posting in postings.order_by("account__name", "pk") if posting.holds_on(on) and row.area.startswith(posting.area)]
    return list(dict.fromkeys((posting.account_id, posting.account.name) for posting in held))


@transaction.atomic
def take(*, case_id: int, version: int, now: datetime) -> ProtectionCase:
    """Take a case that waits (接案): the officer answers for it from now on. Of two who take it at once one is told that it is taken."""
    acting = duties.require("protection.handle")
    row = locked(case_id, version, S.INTAKE)
    if acting.duty not in RESPONSIBLE:
        raise ValidationError(_("个案由未保工作人员或儿童督导员接案。"))
    _assign(row, acting.account_id, CaseAssignment.Role.RESPONSIBLE, now, "")
    row.state, row.responsible_id = S.ASSESSING, acting.account_id
    begin_work(row, now)
    moved(row, "taken", "", now, "state", "responsible", "review_due")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="protection_take")
    remind(row, now)
    return row


@transaction.atomic
def hand_on(*, case_id: int, version: int, account_id: int, reason: str, now: datetime) -> ProtectionCase:
    """Give the case to another officer who answers for it from now on; the one before loses access. A supervisor may give one that waits."""
    duties.require("protection.assign")
    row = locked(case_id, version, *ProtectionCase.OPEN)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明变更责任人的原因。")})
    if account_id == row.responsible_id:
        raise ValidationError({"account": _("责任人没有变化。")})
    if account_id not in dict(able(row, now, responsible=True)):
        raise ValidationError({"account": _("该账号在个案所在地没有未保工作人员或儿童督导员岗位；请重新选择。")})
    row.responsible_id = account_id
    if row.state == S.INTAKE:
        row.state = S.ASSESSING
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="protection_take")
        begin_work(row, now)
    # the case first: with the assignment the officer's own sight of it may end
    moved(row, "handed_on", reason, now, "state", "responsible", "review_due")
    for kind in REMINDERS:
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind=kind)
    remind(row, now)
    CaseAssignment.objects.filter(case_id=row.pk, ends__isnull=True).filter(Q(role=CaseAssignment.Role.RESPONSIBLE) | Q(account_id=account_id)).update(ends=now)
    _assign(row, account_id, CaseAssignment.Role.RESPONSIBLE, now, reason)
    scopes.check_constraints()
    return row


@transaction.atomic
def add_helper(*, case_id: int, version: int, account_id: int, reason: str, now: datetime) -> ProtectionCase:
    """Let another officer work on the case (协办), as far as their duty may see its sections."""
    duties.require("protection.assign")
    row = locked(case_id, version, S.ASSESSING, S.FOLLOWING)
    if account_id not in dict(able(row, now, responsible=False)):
        raise ValidationError({"account": _("该账号在个案所在地没有相关岗位；请重新选择。")})
    if row.assignments.filter(account_id=account_id, ends__isnull=True).exists():
        raise ValidationError({"account": _("该人员已在办理这件个案。")})
    _assign(row, account_id, CaseAssignment.Role.HELPER, now, reason)
    moved(row, "helper_added", Account.objects.get(pk=account_id).name, now)
    return row


@transaction.atomic
def release_helper(*, case_id: int, version: int, account_id: int, now: datetime) -> ProtectionCase:
    """End an officer's help; access ends with it."""
    duties.require("protection.assign")
    row = locked(case_id, version)
    if not row.assignments.filter(account_id=account_id, ends__isnull=True, role=CaseAssignment.Role.HELPER).update(ends=now):
        raise ValidationError({"account": _("该人员没有在协办这件个案。")})
    moved(row, "helper_released", Account.objects.get(pk=account_id).name, now)
    return row


@transaction.atomic
def place(*, case_id: int, version: int, area: str, now: datetime) -> ProtectionCase:
    """Say in which village the minor lives, of a case that was opened for a county or township: its child director can be given it from then on."""
    duties.require("protection.assign")
    row = locked(case_id, version, *ProtectionCase.OPEN)
    here = row.area
    if not scopes.current().covers(area) or not area.startswith(here) or len(area) <= len(here) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("请选择个案所在地以下的乡镇或村。")})
    moved(row, "placed", "".join(places.path(area, above=4)), now)
    with connection.cursor() as cursor:
        cursor.execute("select doudi.protection_place(%s, %s)", [row.pk, area])
    row.refresh_from_db()
    return row
