"""The course of a budget (预算上报): checked by finance, submitted by the county, accepted or returned by the level above."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.budget.models import Event, Scenario
from doudi.budget.services.scenarios import locked, record
from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo

SUBJECT = "budget"
YEAR_SUBJECT = "budget_year"
State = Scenario.State


def content_hash(row: Scenario) -> str:
    """SHA-256 over everything that a submission says: basis, law, settings, assumptions, figures, sources."""
    figures = row.figures.order_by("month", "item", "programme", "residence", "in_institution", "assumption_id").values_list(
        "month",
        "fund_id",
        "item",
        "programme",
        "residence",
        "in_institution",
        "base_people",
        "base_amount",
        "percent",
        "people",
        "amount",
        "assumption_id",
    )
    assumptions = row.assumptions.order_by("id").values_list(
        "id", "kind", "way", "parameter", "programmes", "fund_id", "starts", "ends", "value", "label", "reason"
    )
    sources = row.sources.order_by("fund_id", "level").values_list("fund_id", "level", "share", "amount", "basis")
    content = [
        [
            row.year,
            row.name,
            row.basis,
            row.base_month,
            row.note,
            row.law_version,
            row.settings_id,
            row.households,
            row.left_out,
            row.covered,
            row.amount,
        ],
        *([list(each) for each in rows] for rows in (assumptions, figures, sources)),
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def year_matter(area: str, year: int) -> int:
    """The number under which the to-do of a county's year stands (subject `budget_year`)."""
    return int(area) * 10_000 + year


def _todo(row: Scenario, *, kind: str, area: str, duty: str, title: str, now: datetime) -> None:
    raise_todo(kind=kind, area=area, duty=duty, title=title, url=f"/budget/{row.pk}/", subject=SUBJECT, subject_id=row.pk, now=now)


def ask_check(*, scenario_id: int, now: datetime) -> Scenario:
    """Hand a calculated draft to the county's finance (送财政复核): a to-do, nothing else changes. Twice is once."""
    duties.require("budget.prepare")
    row = locked(scenario_id)
    _own(row)
    _calculated(row)
    _todo(row, kind="budget.check", area=row.area, duty=Duty.FINANCE_OFFICER, title=f"复核{row.year}年度预算：{row.name}", now=now)
    return row


def _own(row: Scenario) -> None:
    if row.area != scopes.current().area:
        raise ValidationError(_("只能办理本县的预算。"))


def _calculated(row: Scenario) -> None:
    if not row.open:
        raise ValidationError(_("方案“%(name)s”%(state)s，不能重复办理。") % {"name": row.name, "state": row.get_state_display()})
    if row.calculated_at is None:
        raise ValidationError(_("假设有变动，尚未重新测算；请先测算。"))
    if not row.amount:
        raise ValidationError(_("测算结果为 0 元：本县没有登记的在享对象，也没有其他支出假设；请先核对登记情况和假设。"))


@transaction.atomic
def check_scenario(*, scenario_id: int, version: int, now: datetime, note: str = "") -> Scenario:
    """Finance agrees with the figures (复核): the content is frozen under its hash. Another officer than who made it; one scenario of a year at a time."""
    duties.require("budget.check")
    row = locked(scenario_id, version)
    _own(row)
    _calculated(row)
    duties.require_apart("budget.check", done={"budget.prepare": row.made_by_id})
    other = Scenario.objects.filter(area=row.area, year=row.year, state__in=[State.CHECKED, State.SUBMITTED, State.ACCEPTED]).first()
    if other is not None:
        raise ValidationError(
            _("%(year)s年度已有方案“%(name)s”%(state)s；请先退回它。") % {"year": row.year, "name": other.name, "state": other.get_state_display()}
        )
    row.state, row.checked_by_id, row.checked_at, row.remark = State.CHECKED, scopes.current().account_id, now, ""
    row.submitted_by, row.submitted_at, row.decided_by, row.decided_at = None, None, None, None
    row.content_hash = content_hash(row)
    row.version += 1
    try:
        with transaction.atomic():
            row.save(update_fields=[
                "state", "checked_by", "checked_at", "submitted_by", "submitted_at", "decided_by", "decided_at", "remark", "content_hash", "version",
            ])  # fmt: skip
    except IntegrityError:  # another scenario of the year at the same moment
        raise ValidationError(_("这一年度的另一个方案刚刚复核；请刷新页面。")) from None
    record(row, Event.Kind.CHECKED, note=note, now=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    _todo(row, kind="budget.submit", area=row.area, duty=Duty.COUNTY_APPROVER, title=f"上报{row.year}年度预算：{row.name}", now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def send_back_scenario(*, scenario_id: int, version: int, note: str, now: datetime) -> Scenario:
    """Finance or the county's approver sends it back to whoever prepares (退回修改), with the reason; it can be changed again.

    What finance was asked to check and has not checked stays a draft, with the remark.
    """
    scopes.current()
    if not duties.may("budget.check"):
        duties.require("budget.submit")
    row = locked(scenario_id, version)
    _own(row)
    if not note.strip():
        raise ValidationError({"note": _("请写明退回的原因。")})
    if row.open and row.calculated_at and duties.may("budget.check"):
        return _returned(row, Event.Kind.SENT_BACK, note, now, state=row.state)
    if row.state != State.CHECKED:
        raise ValidationError(_("方案“%(name)s”%(state)s，不能退回修改。") % {"name": row.name, "state": row.get_state_display()})
    return _returned(row, Event.Kind.SENT_BACK, note, now)


def _returned(row: Scenario, kind: str, note: str, now: datetime, *, state: str = State.RETURNED) -> Scenario:
    row.state, row.remark = state, note.strip()[:400]
    row.version += 1
    row.save(update_fields=["state", "remark", "version", "decided_by", "decided_at"])
    record(row, kind, note=note, now=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    _todo(row, kind="budget.return", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"{row.year}年度预算退回修改：{row.name}", now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def submit_scenario(*, scenario_id: int, version: int, now: datetime, note: str = "") -> Scenario:
    """Submit to the level above (上报), as it was checked. A third officer. Raises ValidationError where the content differs from its hash."""
    duties.require("budget.submit")
    row = locked(scenario_id, version)
    _own(row)
    if row.state != State.CHECKED:
        raise ValidationError(_("方案“%(name)s”%(state)s；财政复核后才能上报。") % {"name": row.name, "state": row.get_state_display()})
    duties.require_apart("budget.submit", done={"budget.prepare": row.made_by_id, "budget.check": row.checked_by_id})
    if content_hash(row) != row.content_hash:
        raise ValidationError(_("方案内容与复核时不一致，不能上报；请退回重新测算、复核，并报告系统管理员。"))
    row.state, row.submitted_by_id, row.submitted_at = State.SUBMITTED, scopes.current().account_id, now
    row.version += 1
    row.save(update_fields=["state", "submitted_by", "submitted_at", "version"])
    record(row, Event.Kind.SUBMITTED, note=note, now=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    finish_todos(subject=YEAR_SUBJECT, subject_id=year_matter(row.area, row.year), now=now)
    _todo(row, kind="budget.decide", area=row.area, duty=Duty.SUPERVISOR, title=f"{places.name(row.area)}上报{row.year}年度预算", now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def decide_scenario(*, scenario_id: int, version: int, accepted: bool, now: datetime, note: str = "") -> Scenario:
    """The level above accepts a submission or returns it with a remark, after which the county may change and submit again."""
    acting = duties.require("budget.decide")
    row = locked(scenario_id, version)
    if len(acting.area) >= len(row.area):
        raise ValidationError(_("上报的预算由上一级办理。"))
    if row.state != State.SUBMITTED:
        raise ValidationError(_("这份预算%(state)s，已由他人办理；请刷新页面。") % {"state": row.get_state_display()})
    if not accepted and not note.strip():
        raise ValidationError({"note": _("请写明退回的原因。")})
    duties.require_apart("budget.decide", done={"budget.submit": row.submitted_by_id})
    row.decided_by_id, row.decided_at = acting.account_id, now
    if not accepted:
        return _returned(row, Event.Kind.RETURNED, note, now)
    row.state, row.remark = State.ACCEPTED, note.strip()[:400]
    row.version += 1
    row.save(update_fields=["state", "remark", "version", "decided_by", "decided_at"])
    record(row, Event.Kind.ACCEPTED, note=note, now=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row
