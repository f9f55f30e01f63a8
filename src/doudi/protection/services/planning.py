"""The plan (帮扶方案): goals, the services that serve them, who does what by when, how far it is (5.4)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Posting
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.protection.models import PlanGoal, PlanService, ProtectionCase
from doudi.protection.sections import may_read, may_write
from doudi.protection.services.base import WORKING, locked, note_event, url_of, writer

G, P = PlanGoal.State, PlanService.State
SERVICE = "protection_service"


def workers(row: ProtectionCase) -> list[tuple[int, str]]:
    """(account, name) of those who work on the case."""
    return [(each.account_id, each.account.name) for each in row.assignments.filter(ends__isnull=True).select_related("account").order_by("role", "starts")]


def _coming(field: str, due: date, now: datetime) -> None:
    if due < timezone.localdate(now):
        raise ValidationError({field: _("日期不能早于今天。")})


def _unused(model: type[PlanGoal] | type[PlanService], uuid: UUID) -> None:
    if model.objects.filter(uuid=uuid).exists():
        raise ValidationError(_("这份内容已登记在另一件个案；请刷新页面后重新填写。"))


@transaction.atomic
def add_goal(*, case_id: int, uuid: UUID, goal: str, due: date, now: datetime) -> PlanGoal:
    """Set a goal; the same form again gives back the first."""
    acting = writer("plan")
    row = locked(case_id, None, "assessing", "following")
    known = PlanGoal.objects.filter(case=row, uuid=uuid).first()
    if known is not None:
        return known
    _unused(PlanGoal, uuid)
    if len(goal.strip()) < 4:
        raise ValidationError({"goal": _("请写明目标，至少 4 个字。")})
    _coming("due", due, now)
    made = PlanGoal.objects.create(case=row, area=row.area, uuid=uuid, goal=goal.strip()[:1000], due=due, made_by_id=acting.account_id or None, made_at=now)
    note_event(row, "goal", goal, now)
    scopes.check_constraints()
    return made


@transaction.atomic
def close_goal(*, case_id: int, goal_id: int, version: int, state: str, note: str, now: datetime) -> PlanGoal:
    """A goal is reached or dropped; it keeps no open service."""
    writer("plan")
    row = locked(case_id, None, "assessing", "following")
    goal = PlanGoal.objects.select_for_update().filter(case=row, pk=goal_id).first()
    if goal is None or goal.version != version or goal.state != G.OPEN:
        raise ValidationError(_("这个目标刚由他人办理；请刷新页面。"))
    if state not in (G.REACHED, G.DROPPED):
        raise ValidationError({"state": _("请重新选择。")})
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况。")})
    if goal.services.filter(state__in=PlanService.OPEN).exists():
        raise ValidationError(_("这个目标下还有未结束的服务；请先办结或取消。"))
    goal.state, goal.closed_at, goal.note, goal.version = state, now, note.strip()[:1000], goal.version + 1
    goal.save(update_fields=["state", "closed_at", "note", "version"])
    note_event(row, "goal_closed", f"{G(state).label}：{note}", now)
    scopes.check_constraints()
    return goal


@transaction.atomic
def add_service(
    *, case_id: int, goal_id: int, uuid: UUID, kind: str, what: str, due: date, account_id: int | None, provider: str, now: datetime
) -> PlanService:
    """Arrange a service for a goal: by one who works on the case, or by somebody else who is named."""
    writer("plan")
    row = locked(case_id, None, "assessing", "following")
    known = PlanService.objects.filter(case=row, uuid=uuid).first()
    if known is not None:
        return known
    _unused(PlanService, uuid)
    goal = PlanGoal.objects.filter(case=row, pk=goal_id, state=G.OPEN).first()
    if goal is None:
        raise ValidationError({"goal": _("没有这个目标，或已结束；请刷新页面。")})
    if kind not in PlanService.Kind.values:
        raise ValidationError({"kind": _("请重新选择。")})
    if len(what.strip()) < 2:
        raise ValidationError({"what": _("请写明服务内容。")})
    if account_id is not None and account_id not in dict(workers(row)):
        raise ValidationError({"account": _("请选择办理这件个案的人员。")})
    if account_id is None and not provider.strip():
        raise ValidationError({"account": _("请选择责任人，或填写提供服务的单位。")})
    _coming("due", due, now)
    made = PlanService.objects.create(
        case=row, area=row.area, goal=goal, uuid=uuid, kind=kind, what=what.strip()[:1000], due=due, responsible_id=account_id, provider=provider.strip()[:100], changed_at=now
    )
    note_event(row, "service", what, now)
    scopes.check_constraints()
    return made


@transaction.atomic
def service_progress(*, case_id: int, service_id: int, version: int, state: str, progress: str, now: datetime) -> PlanService:
    """How far a service is. Whoever it is given to may say so as well as those who write the plan."""
    acting = duties.require("protection.handle")
    row = locked(case_id, None, "assessing", "following")
    service = PlanService.objects.select_for_update().filter(case=row, pk=service_id).first()
    if service is None or service.version != version or service.state not in PlanService.OPEN:
        raise ValidationError(_("这项服务刚由他人办理；请刷新页面。"))
    own = service.responsible_id == acting.account_id and may_read("plan", acting.duty)
    if not own and not may_write("plan", acting.duty):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    if state not in P.values:
        raise ValidationError({"state": _("请重新选择。")})
    if len(progress.strip()) < 2:
        raise ValidationError({"progress": _("请写明进展。")})
    service.state, service.progress, service.changed_at, service.version = state, progress.strip()[:2000], now, service.version + 1
    service.closed_at = None if state in PlanService.OPEN else now
    service.save(update_fields=["state", "progress", "changed_at", "version", "closed_at"])
    note_event(row, "service_progress", f"{P(state).label}：{progress}", now)
    if service.closed_at:
        finish_todos(subject=SERVICE, subject_id=service.pk, now=now)
    scopes.check_constraints()
    return service


def remind_services(*, area: str, on: date, now: datetime) -> int:
    """To-dos of services that are due: for whoever has them, else for whoever answers for the case; the number raised."""
    late = PlanService.objects.filter(state__in=PlanService.OPEN, due__lte=on, area__gte=area, area__lt=area + ":", case__state__in=("assessing", "following"))
    raised = 0
    for service in late.select_related("case").order_by("due", "pk")[:5000]:
        posting = posting_of(service.responsible_id or service.case.responsible_id, service.area, on)
        if posting is not None:
            raised += raise_todo(
                kind=SERVICE, area=service.area, duty=posting[1], posting_id=posting[0], title=f"未成年人个案 {service.case.number}：服务到期，请报告进展",
                url=f"{url_of(service.case)}?tab=plan", subject=SERVICE, subject_id=service.pk, due=service.due, now=now,
            )  # fmt: skip
    return raised


def posting_of(account_id: int | None, area: str, on: date) -> tuple[int, str] | None:
    """(posting, duty) under which an account works on cases of a place."""
    rows = Posting.objects.filter(account_id=account_id or 0, duty__in=WORKING, starts__lte=on).order_by("pk")
    return next(((each.pk, each.duty) for each in rows if each.holds_on(on) and area.startswith(each.area)), None)
