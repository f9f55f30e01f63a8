"""Late deliveries (逾期未报) and whom to ask (measures 1.1)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from doudi.batch.datasets import CONTRACTS
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.discovery.delivery_queries import expected
from doudi.discovery.models import DeliveryPlan
from doudi.discovery.services.telling import tell_raised

KIND, SUBJECT = "delivery_late", "delivery_plan"

PLANS = """
insert into discovery_deliveryplan (area, dataset, contact, version)
select area, dataset, '', 1 from unnest(%s::text[], %s::text[]) late (area, dataset) on conflict (area, dataset) do nothing
"""
RAISE = """
insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
select late.area, %s, %s, late.title, '/deliveries/departments/?area=' || late.area, %s, p.id, late.due, %s
from unnest(%s::text[], %s::text[], %s::text[], %s::date[]) late (area, dataset, title, due)
join discovery_deliveryplan p on p.area = late.area and p.dataset = late.dataset
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""
# Of the places within the range: those of a dataset, or those that are late no more.
FINISH = """
update core_todo t set done_at = %(now)s, done_by_id = %(account)s from discovery_deliveryplan p
where t.kind = %(kind)s and t.subject = %(subject)s and t.subject_id = p.id and t.done_at is null and p.area >= %(low)s and p.area < %(high)s
"""


def raise_late(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """A to-do for the data checker of each place for each dataset that is late; those late no more are finished. Safe to repeat."""
    scope = duties.require("discovery.deliver")
    late = [row for row in expected(area, on) if row.late]
    areas, datasets = [row.area for row in late], [row.contract.code for row in late]
    titles = [f"{row.contract.department_zh}：{row.contract.name_zh}逾期未报，应于 {row.due} 前报送" for row in late]
    with connection.cursor() as cursor:
        cursor.execute(PLANS, [areas, datasets])
        cursor.execute(RAISE, [Duty.DATA_CHECKER, KIND, SUBJECT, now, areas, datasets, titles, [row.due for row in late]])
        raised = cursor.rowcount
        tell_raised(KIND, now=now)
        cursor.execute(
            FINISH + " and (p.area, p.dataset) not in (select * from unnest(%(areas)s::text[], %(datasets)s::text[]))",
            _finish(area, now, scope) | {"areas": areas, "datasets": datasets},
        )
        finished = cursor.rowcount
    scopes.check_constraints()
    return {"late": len(late), "raised": raised, "finished": finished}


def _finish(area: str, now: datetime, scope: scopes.Scope) -> dict[str, Any]:
    return {"now": now, "account": scope.account_id or None, "kind": KIND, "subject": SUBJECT, "low": area, "high": area + ":"}


def finish_late(*, area: str, dataset: str, now: datetime) -> int:
    """The delivery has come: its to-do is finished, and those of the places below, for which it counts too."""
    with connection.cursor() as cursor:
        cursor.execute(FINISH + " and p.dataset = %(dataset)s", _finish(area, now, scopes.current()) | {"dataset": dataset})
        return cursor.rowcount


def set_contact(*, area: str, department: str, contact: str, version: int, now: datetime) -> int:
    """Whom to ask at a department, for all its datasets at a place. `version`: sum of the versions of its rows that were changed before, as the page showed it."""
    scope = duties.require("discovery.deliver")
    datasets = [code for code, contract in CONTRACTS.items() if contract.department_zh == department]
    if not datasets:
        raise ValidationError(_("没有这个部门；请从列表中选择。"))
    if not scope.covers(area) or not Division.objects.filter(pk=area).exists():
        raise ValidationError(_("所选地区不在您的辖区内。"))
    text = contact.strip()
    if len(text) > 80:
        raise ValidationError({"contact": _("联系人和电话不超过 80 字。")})
    with connection.cursor() as cursor:
        cursor.execute(PLANS, [[area] * len(datasets), datasets])
    plans = list(DeliveryPlan.objects.select_for_update().filter(area=area, dataset__in=datasets).order_by("id"))
    if sum(plan.version for plan in plans if plan.changed_at) != version:
        raise ValidationError(_("另一名工作人员刚刚改动了联系人；请刷新页面后重试。"))
    for plan in plans:  # a department has a handful of datasets
        plan.contact, plan.changed_by_id, plan.changed_at, plan.version = text, scope.account_id or None, now, plan.version + 1
    DeliveryPlan.objects.bulk_update(plans, ["contact", "changed_by", "changed_at", "version"])
    scopes.check_constraints()
    return len(plans)
