"""Visits by relatives and closed management (开放、预约探视、封闭管理): dated states with their document, set by the county."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.institutions.models import Institution, InstitutionEvent, VisitState
from doudi.institutions.services.base import needed, one_of, today_of
from doudi.institutions.services.risk import refresh_risk

AHEAD = 30


@transaction.atomic
def set_visits(*, institution_ids: Sequence[int], state: str, starts: date, document: str, reason: str, now: datetime) -> int:
    """Say from which day relatives may visit, by appointment, or not at all, for one or many houses of the county; the number that changed.

    Houses in that state already are left as they are. Raises ValidationError for a day that lies back before the running state began, or
    where another decision for later days stands.
    """
    acting = duties.require("institutions.visits")
    needed(document=document, reason=reason)
    one_of("state", state, VisitState.State.values)
    on = today_of(now)
    if not on - timedelta(days=AHEAD) <= starts <= on + timedelta(days=AHEAD):
        raise ValidationError({"starts": _("开始日期应在前后 %(days)s 天之内。") % {"days": AHEAD}})
    houses = list(Institution.objects.select_for_update(of=("self",)).filter(pk__in=institution_ids).exclude(state=Institution.State.CLOSED).order_by("pk"))
    if len(houses) != len(set(institution_ids)) or not houses:
        raise ValidationError(_("没有这家机构，或它不在您的管辖范围内。"))
    running = {row.institution_id: row for row in VisitState.objects.filter(Q(ends__isnull=True) | Q(ends__gt=starts), institution__in=houses)}
    for house in houses:
        row = running.get(house.pk)
        if row is not None and row.state != state and row.starts >= starts:
            raise ValidationError(
                {"starts": _("%(house)s 自 %(day)s 起已为“%(state)s”；开始日期应晚于这一天。") % {"house": house.name, "day": row.starts, "state": row.get_state_display()}}
            )
    chosen = [house for house in houses if house.pk not in running or running[house.pk].state != state]
    VisitState.objects.filter(pk__in=[running[house.pk].pk for house in chosen if house.pk in running]).update(ends=starts)
    by = acting.account_id or None
    VisitState.objects.bulk_create(
        VisitState(
            institution=house, area=house.area, state=state, starts=starts, document=document.strip()[:200], reason=reason.strip()[:200], made_by_id=by, made_at=now
        )
        for house in chosen
    )
    note = f"{VisitState.State(state).label} {starts}：{document.strip()}"[:400]
    InstitutionEvent.objects.bulk_create(InstitutionEvent(institution=house, area=house.area, at=now, account_id=by, what="visits", note=note) for house in chosen)
    refresh_risk(on=on, ids=[house.pk for house in chosen])
    scopes.check_constraints()
    return len(chosen)
