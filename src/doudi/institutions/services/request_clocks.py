"""The clocks of requests: what is late is told to the county, then to the city, then to the province, by itself (6.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.core.settings_overlay import get_setting
from doudi.institutions.coordination import ESCALATE_HOURS
from doudi.institutions.models import Request
from doudi.institutions.services.fulfilling import tell_named_later
from doudi.institutions.services.moving import tell_ends
from doudi.institutions.services.request_base import note_event, todo
from doudi.institutions.services.requests import late, up

LOCK = "hashtextextended('institutions.requests', 0)"
MOST = 500  # in one round; the next takes the rest


@transaction.atomic
def escalate(*, now: datetime) -> int:
    """Late requests go up a level: first the county is told, and each interval later the level above answers for it too. Safe to repeat."""
    duties.require("requests.escalate")
    rows = Request.objects.select_for_update(of=("self",), skip_locked=True).select_related("institution").filter(late(now))
    waits = Q(escalated_at__isnull=True) | Q(escalated_at__lte=now - timedelta(hours=1))
    patience: dict[str, timedelta] = {}
    n = 0
    for row in rows.filter(waits).exclude(held_by=places.PROVINCE).order_by(F("escalated_at").asc(nulls_first=True), "pk")[:MOST]:
        if row.escalated_at is None:
            row.escalated_at = now
            todo(row, "request.late", Duty.COUNTY_REVIEWER, f"协调事项 {row.number} 超期：{row.institution.name}，{row.what}"[:200], now, area=row.area[:6], due=row.due)
        else:
            county = row.area[:6]
            if county not in patience:
                patience[county] = timedelta(hours=int(get_setting(ESCALATE_HOURS, county, timezone.localdate(now))))
            if row.escalated_at > now - patience[county]:
                continue
            up(row, now)
        # not a new version: who is working on it must not be told that somebody else changed it
        row.save(update_fields=["held_by", "escalated_at"])
        note_event(row, "late", f"期限 {timezone.localtime(row.due):%Y-%m-%d %H:%M}", now)
        n += 1
    scopes.check_constraints()
    return n


def scan(*, now: datetime) -> int:
    """One round of the worker, under the province's scope; of two workers one does it."""
    acting = scopes.Scope(area=places.PROVINCE, duty=WORKER, page="worker", acts=frozenset({"requests.escalate"}))
    with scopes.acting(acting), connection.cursor() as cursor:
        cursor.execute(f"select pg_try_advisory_xact_lock({LOCK})")
        return escalate(now=now) + tell_ends(now=now) + tell_named_later(now=now) if cursor.fetchone()[0] else 0
