"""Review meetings, counselling, resources linked (5.4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.services.todos import finish_todos
from doudi.protection.models import CaseResource, CaseReview, Counselling, ProtectionCase
from doudi.protection.services.base import SUBJECT, locked, note_event, tell, writer

R = CaseReview.State
WORKED_ON = ("assessing", "following")


def _once(model: type[models.Model], row: ProtectionCase, uuid: UUID) -> Any:
    """What the same form made before in this case, or None."""
    known = model._default_manager.filter(uuid=uuid).first()
    if known is not None and known.case_id != row.pk:  # type: ignore[attr-defined]
        raise ValidationError(_("这份内容已登记在另一件个案；请刷新页面后重新填写。"))
    return known


def _least(field: str, text: str, length: int) -> str:
    if len(text.strip()) < length:
        raise ValidationError({field: _("请填写，至少 %(n)d 个字。") % {"n": length}})
    return text.strip()[:4000]


@transaction.atomic
def plan_review(*, case_id: int, uuid: UUID, at: datetime, place: str, members: str, agenda: str, now: datetime) -> CaseReview:
    """Call a review meeting: those who work on the case get a to-do."""
    acting = writer("reviews")
    row = locked(case_id, None, *WORKED_ON)
    known = _once(CaseReview, row, uuid)
    if known is not None:
        return known  # type: ignore[no-any-return]
    if not now - timedelta(days=31) <= at <= now + timedelta(days=366):
        raise ValidationError({"at": _("会商时间应在最近一个月之后、一年之内。")})
    made = CaseReview.objects.create(
        case=row, area=row.area, uuid=uuid, at=at, place=place.strip()[:100], members=_least("members", members, 2), agenda=agenda.strip()[:2000] or None,
        made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    note_event(row, "review", f"{timezone.localtime(at):%Y-%m-%d %H:%M}", now)
    tell(row, "protection_review", f"未成年人个案 {row.number}：{timezone.localtime(at):%m-%d %H:%M} 会商", now, due=at)
    scopes.check_constraints()
    return made


def _review(row: ProtectionCase, review_id: int, version: int) -> CaseReview:
    review = CaseReview.objects.select_for_update().filter(case=row, pk=review_id).first()
    if review is None or review.version != version or review.state != R.PLANNED:
        raise ValidationError(_("这次会商刚由他人办理；请刷新页面。"))
    return review


def _finish(row: ProtectionCase, now: datetime) -> None:
    if not row.reviews.filter(state=R.PLANNED).exists():
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="protection_review")


@transaction.atomic
def hold_review(
    *, case_id: int, review_id: int, version: int, members: str, minutes: str, resolution: str, resolved: str, now: datetime
) -> CaseReview:
    """Take down what a meeting said and resolved; afterwards it stays as it is."""
    acting = writer("reviews")
    row = locked(case_id, None, *WORKED_ON)
    review = _review(row, review_id, version)
    if review.at > now + timedelta(hours=12):
        raise ValidationError(_("会商还没有到召开的时间。"))
    if resolution not in CaseReview.Resolution.values:
        raise ValidationError({"resolution": _("请选择会商结论。")})
    review.members, review.minutes, review.resolved = _least("members", members, 2), _least("minutes", minutes, 4), resolved.strip()[:4000] or None
    review.state, review.resolution, review.held_by_id, review.version = R.HELD, resolution, acting.account_id, review.version + 1
    review.save(update_fields=["members", "minutes", "resolved", "state", "resolution", "held_by", "version"])
    note_event(row, "review_held", str(CaseReview.Resolution(resolution).label), now)
    _finish(row, now)
    scopes.check_constraints()
    return review


@transaction.atomic
def cancel_review(*, case_id: int, review_id: int, version: int, reason: str, now: datetime) -> CaseReview:
    writer("reviews")
    row = locked(case_id, None, *WORKED_ON)
    review = _review(row, review_id, version)
    review.state, review.agenda, review.version = R.CANCELLED, _least("reason", reason, 2), review.version + 1
    review.save(update_fields=["state", "agenda", "version"])
    note_event(row, "review_cancelled", reason, now)
    _finish(row, now)
    return review


@transaction.atomic
def record_counselling(
    *, case_id: int, uuid: UUID, on: date, minutes: int, counsellor: str, how: str, mood: str, topic: str, advice: str, next_on: date | None, now: datetime
) -> Counselling:
    """Record a session of counselling; a risk of harm brings the next assessment to today."""
    acting = writer("counselling")
    row = locked(case_id, None, *WORKED_ON)
    known = _once(Counselling, row, uuid)
    if known is not None:
        return known  # type: ignore[no-any-return]
    today = timezone.localdate(now)
    if not timezone.localdate(row.opened_at) <= on <= today:
        raise ValidationError({"on": _("日期应在立案之后、今天之前。")})
    if not 1 <= minutes <= 480:
        raise ValidationError({"minutes": _("时长应在 1 至 480 分钟之间。")})
    if next_on is not None and next_on < on:
        raise ValidationError({"next_on": _("下次日期不能早于这次。")})
    for field, value, allowed in (("how", how, Counselling.How.values), ("mood", mood, Counselling.Mood.values)):
        if value not in allowed:
            raise ValidationError({field: _("请重新选择。")})
    made = Counselling.objects.create(
        case=row, area=row.area, uuid=uuid, on=on, minutes=minutes, counsellor=_least("counsellor", counsellor, 2)[:60], how=how, mood=mood,
        topic=_least("topic", topic, 2), advice=advice.strip()[:4000] or None, next_on=next_on, made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    if mood == Counselling.Mood.AT_RISK:
        row.review_due = today
        row.version += 1
        row.save(update_fields=["review_due", "version"])
        tell(row, "protection_assess", f"未成年人个案 {row.number} 待评估", now, due=now)
    note_event(row, "counselled", str(made.get_how_display()), now)
    scopes.check_constraints()
    return made


@transaction.atomic
def link_resource(*, case_id: int, uuid: UUID, kind: str, provider: str, what: str, contact: str, starts: date, now: datetime) -> CaseResource:
    acting = writer("resources")
    row = locked(case_id, None, *WORKED_ON)
    known = _once(CaseResource, row, uuid)
    if known is not None:
        return known  # type: ignore[no-any-return]
    if kind not in CaseResource.Kind.values:
        raise ValidationError({"kind": _("请重新选择。")})
    made = CaseResource.objects.create(
        case=row, area=row.area, uuid=uuid, kind=kind, provider=_least("provider", provider, 2)[:100], what=_least("what", what, 2),
        contact=contact.strip()[:500] or None, starts=starts, made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    note_event(row, "resource", f"{made.get_kind_display()}：{provider}", now)
    scopes.check_constraints()
    return made


@transaction.atomic
def end_resource(*, case_id: int, resource_id: int, version: int, ends: date, result: str, now: datetime) -> CaseResource:
    """A resource is not needed or not there any more; what came of it stays."""
    writer("resources")
    row = locked(case_id, None, *WORKED_ON)
    found = CaseResource.objects.select_for_update().filter(case=row, pk=resource_id).first()
    if found is None or found.version != version or found.ends is not None:
        raise ValidationError(_("这项资源刚由他人办理；请刷新页面。"))
    if ends < found.starts or ends > timezone.localdate(now):
        raise ValidationError({"ends": _("结束日期应在开始之后、今天之前。")})
    found.ends, found.result, found.version = ends, _least("result", result, 2), found.version + 1
    found.save(update_fields=["ends", "result", "version"])
    note_event(row, "resource_ended", f"{found.provider}", now)
    scopes.check_constraints()
    return found
