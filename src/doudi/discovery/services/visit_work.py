"""What the township does about visits (measures 1.7, 7.3): gives them to somebody, asks for one, cancels one, decides between two records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.core.services import todos
from doudi.discovery.models.visits import VISITORS, Visit, VisitConflict
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.sweep_answers import follow_visit_conflict
from doudi.discovery.services.telling import tell_asked
from doudi.discovery.services.visit_todos import tell_visits
from doudi.discovery.services.visits import RECORDED, RESULT, Result, follow_up, result_of, write
from doudi.registry.models import Household

C = VisitConflict.State


def assign_visits(*, visit_ids: Sequence[int], posting_id: int | None, now: datetime) -> int:
    """Give open visits to the holder of a posting of their place, or to whoever visits the village (None); the number that changed hands.

    What is not open or not visible is left out. Raises ValidationError for a posting that visits nowhere there, Posting.DoesNotExist.
    """
    scope = duties.require("visits.manage")
    rows = Visit.objects.filter(pk__in=visit_ids, state__in=Visit.OPEN)
    if posting_id is not None:
        posting = Posting.objects.get(pk=posting_id)
        if posting.duty not in VISITORS or not posting.holds_on(timezone.localdate(now)) or not scope.covers(posting.area):
            raise ValidationError({"posting": _("该工作人员目前没有可以走访的在任岗位；请重新选择。")})
        rows = rows.filter(area__gte=posting.area, area__lt=posting.area + ":")
    villages = set(rows.values_list("area", flat=True))
    changed = rows.update(posting_id=posting_id)
    if villages:
        tell_visits(place=villages.pop() if len(villages) == 1 else scope.area, now=now)
    scopes.check_constraints()
    return changed


def ask_visit(*, household_id: int, due: date, reason: str, now: datetime) -> Visit:
    """Have a household visited by a day, whatever the plans say; a visit that is open already moves up to it.

    Raises ValidationError by field, Household.DoesNotExist.
    """
    duties.require("visits.manage")
    today = timezone.localdate(now)
    if not today <= due <= today + timedelta(days=366):
        raise ValidationError({"due": _("“走访期限”应在今天以后、一年以内。")})
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明为什么要走访，至少 2 个字。")})
    household = Household.objects.get(pk=household_id)
    visit = Visit.objects.select_for_update().filter(household=household, state__in=Visit.OPEN).first()
    if visit is None:
        visit = Visit(area=household.area, household=household, origin=Visit.Origin.ASKED, due=due, reason=reason.strip()[:200], made_at=now)
        visit.posting = _visitor_of(household, today)
        visit.save()
    else:
        visit.due, visit.reason = min(visit.due, due), reason.strip()[:200]
        visit.save(update_fields=["due", "reason"])
    tell_visits(place=visit.area, now=now)
    tell_asked(visit_id=visit.pk, now=now)
    scopes.check_constraints()
    return visit


def _visitor_of(household: Household, on: date) -> Posting | None:
    held = [each for each in Posting.objects.filter(area=household.area, duty=Duty.VISITOR).order_by("starts", "id") if each.holds_on(on)]
    return held[household.pk % len(held)] if held else None


def cancel_visit(*, visit_id: int, version: int, reason: str, now: datetime) -> Visit:
    """Do without an open visit (in hospital, away until spring); the next one counts from today.

    Raises StaleLead where it was recorded meanwhile, ValidationError, Visit.DoesNotExist.
    """
    scope = duties.require("visits.manage")
    visit = Visit.objects.select_for_update().get(pk=visit_id)
    if visit.version != version or visit.state not in Visit.OPEN:
        raise StaleLead(_("这次走访刚刚已登记或取消，本次操作未保存；请刷新后查看。"))
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明为什么取消，至少 2 个字。")})
    visit.state, visit.closed_at, visit.reason, visit.version = Visit.State.CANCELLED, now, reason.strip()[:200], version + 1
    visit.recorder_id, visit.escalated, visit.escalated_on = scope.account_id or None, 0, None
    visit.save(update_fields=["state", "closed_at", "reason", "version", "recorder", "escalated", "escalated_on"])
    tell_visits(place=visit.area, now=now)
    scopes.check_constraints()
    return visit


@transaction.atomic
def resolve_conflict(*, conflict_id: int, choice: str, note: str, now: datetime, picked: Mapping[str, str] | None = None) -> VisitConflict:
    """Decide between the record that stands and the one that came second; both stay readable whatever is decided.

    `choice`: first, second, both (two visits were made), merged: then `picked` says per field of `Result` "first" or "second".
    Raises ValidationError, VisitConflict.DoesNotExist.
    """
    scope = duties.require("visits.manage")
    conflict = VisitConflict.objects.select_for_update().get(pk=conflict_id)
    if conflict.state != C.OPEN:
        raise StaleLead(_("这处冲突刚刚已由其他工作人员处理；请刷新后查看结果。"))
    if choice not in (C.FIRST, C.SECOND, C.BOTH, C.MERGED):
        raise ValidationError({"choice": _("请选择保留哪一份记录。")})
    visit = Visit.objects.select_for_update().get(pk=conflict.visit_id)
    second = Result.from_json(str(conflict.content))
    first = result_of(visit) if visit.uuid else None
    if choice == C.MERGED:
        if first is None:
            raise ValidationError({"choice": _("原走访没有记录，不能逐项合并；请采用后到的记录。")})
        names = {field.name for field in fields(Result)}
        taken = [name for name, side in (picked or {}).items() if side == "second" and name in names]
        second = replace(first, **{name: getattr(second, name) for name in taken})
        if second.in_person and not second.living:
            raise ValidationError({"choice": _("合并后的记录缺少生活状况；请一并选择见到了谁和生活状况。")})
    if choice == C.BOTH:
        visit = Visit(
            area=visit.area, household_id=visit.household_id, origin=Visit.Origin.OWN, due=timezone.localdate(conflict.done_at), made_at=now,
            groups=visit.groups,
        )  # fmt: skip
    if choice != C.FIRST:
        _take(visit, conflict, second, whole=choice != C.MERGED, now=now)
    VisitConflict.objects.filter(pk=conflict.pk).update(
        state=choice, replaced=first.as_json() if first and choice in (C.SECOND, C.MERGED) else None, resolver_id=scope.account_id or None,
        resolved_at=now, note=note.strip()[:200],
    )  # fmt: skip
    todos.finish_todos(subject="visit_conflict", subject_id=conflict.pk, now=now)
    conflict.refresh_from_db()
    follow_visit_conflict(conflict, now=now)
    scopes.check_constraints()
    return conflict


def _take(visit: Visit, conflict: VisitConflict, result: Result, *, whole: bool, now: datetime) -> None:
    """Write a result into the visit; `whole`: the second record itself, with its day and who made it."""
    if whole:
        visit.done_at, visit.received_at, visit.recorder, visit.paper = conflict.done_at, conflict.received_at, conflict.recorder, conflict.paper
    before = visit.state
    write(visit, result)
    visit.closed_at, visit.found = visit.closed_at or now, visit.found or conflict.found
    if visit.uuid is None:
        visit.uuid = conflict.uuid
    if visit.pk is None:
        visit.save()
    else:
        visit.version += 1
        visit.save(update_fields=RECORDED if whole else [*RESULT, "closed_at", "found", "version"])
    if before != visit.state or whole:
        follow_up(visit, result, now=now)
