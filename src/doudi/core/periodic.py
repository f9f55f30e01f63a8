"""Work that nobody asks for (定时任务): daily jobs, once per day and place, and rounds of the worker.

A room registers its own in `<room>/periodic.py`, which core imports at start-up:

    daily("discovery.escalate", _("督办超期线索"), escalate)                  # escalate(*, area, on, now) -> {"figure": number}
    every_round("discovery.inbox", scan)                                      # scan(*, now), each few seconds, outside any scope

A job runs in one transaction under a scope of its area in which it may do `acts`; that it ran is written in the same transaction, under an
advisory lock: two workers, or one killed in between, do it once. One that fails is tried again later, three times a day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise

from doudi.core import faults, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import DailyRun, Posting

logger = logging.getLogger(__name__)

ATTEMPTS = 3
AGAIN_AFTER = timedelta(minutes=10)
# From this hour on: departments' night runs are over, officers find the to-dos in the morning.
FROM_HOUR = 1
LOCK = "hashtextextended('daily ' || %s || ' ' || %s, 0)"


@dataclass(frozen=True)
class Job:
    """`level`: length of the codes of its areas: 2, once for the whole province; 6, for each county with staff."""

    name: str
    label: str | Promise
    function: Callable[..., Mapping[str, Any] | None]
    level: int = 2
    acts: frozenset[str] = frozenset()
    figures: Mapping[str, str | Promise] = field(default_factory=dict)

    def told(self, result: Mapping[str, Any]) -> str:
        """Figures of a run in words."""
        return "；".join(f"{self.figures.get(key, key)} {value}" for key, value in result.items())

    def scope(self, area: str) -> scopes.Scope:
        return scopes.Scope(area=area, duty=WORKER, page=f"daily {self.name}"[:200], acts=self.acts)


_jobs: dict[str, Job] = {}
_rounds: dict[str, Callable[..., Any]] = {}
_quick: dict[str, Callable[..., Any]] = {}


def daily(
    name: str,
    label: str | Promise,
    function: Callable[..., Mapping[str, Any] | None],
    *,
    level: int = 2,
    acts: Iterable[str] = (),
    figures: Mapping[str, str | Promise] | None = None,
) -> None:
    """Register a daily job; `figures` names those that it returns. Raises ValueError for a level that is none."""
    if level not in (2, 6):
        raise ValueError(level)
    _jobs[name] = Job(name, label, function, level, frozenset(acts), figures or {})


def every_round(name: str, function: Callable[..., Any], *, quick: bool = False) -> None:
    """Register work of every round of the worker; `quick`: of the rounds that come each few seconds, whatever the others take.

    It opens its own scopes and bears being called by two workers at once.
    """
    (_quick if quick else _rounds)[name] = function


def jobs() -> dict[str, Job]:
    return dict(_jobs)


def areas_of(job: Job) -> list[str]:
    """Where a job runs today."""
    if job.level == 2:
        return [places.PROVINCE]
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker")), connection.cursor() as cursor:
        cursor.execute(f"select distinct left(area, 6) from {Posting._meta.db_table} where length(area) >= 6 order by 1")
        return [row[0] for row in cursor.fetchall()]


def run_daily(*, job: Job, area: str, on: date, now: datetime, again: bool = False) -> dict[str, Any] | None:
    """One job for one area and day: its figures, or None where it was done, is being done, or failed too often or just now.

    `again` runs it whatever was before. An error is written down and raised.
    """
    try:
        with scopes.acting(job.scope(area)):
            with connection.cursor() as cursor:
                cursor.execute(f"select pg_try_advisory_xact_lock({LOCK})", [job.name, area])
                if not cursor.fetchone()[0]:
                    return None
            before = DailyRun.objects.filter(name=job.name, area=area, on=on).first()
            if before and not again and (before.done_at or before.attempts >= ATTEMPTS or abs(now - before.tried_at) < AGAIN_AFTER):
                return None
            result = dict(job.function(area=area, on=on, now=now) or {})
            _write(job, area, on, now, done_at=now, result=result, error="")
            scopes.check_constraints()
    except Exception as error:
        with scopes.acting(job.scope(area)):
            _write(job, area, on, now, done_at=None, result={}, error=type(error).__name__)
        raise
    return result


def _write(job: Job, area: str, on: date, now: datetime, **outcome: Any) -> None:
    row, fresh = DailyRun.objects.get_or_create(name=job.name, area=area, on=on, defaults={"attempts": 1, "tried_at": now, **outcome})
    if not fresh and (row.done_at is None or outcome["done_at"] is not None):
        DailyRun.objects.filter(pk=row.pk).update(attempts=row.attempts + 1, tried_at=now, **outcome)


def run_due(now: datetime) -> int:
    """All jobs that are due today and not done; the number done now. What fails is logged and does not stop the others."""
    local = timezone.localtime(now)
    if local.hour < FROM_HOUR:
        return 0
    on, done = local.date(), 0
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker")):
        over = set(DailyRun.objects.filter(on=on, done_at__isnull=False).values_list("name", "area"))
    for job in _jobs.values():
        for area in areas_of(job):
            if (job.name, area) in over:
                continue
            try:
                done += run_daily(job=job, area=area, on=on, now=now) is not None
            except Exception as error:
                faults.log(logger, f"daily job {job.name} of {area}", error)
    return done


def run_rounds(now: datetime) -> None:
    """One round: what rooms registered, then the daily jobs."""
    _run(_rounds, now)
    run_due(now)


def run_quick(now: datetime) -> None:
    """One round of what must not wait: messages."""
    _run(_quick, now)


def _run(rounds: Mapping[str, Callable[..., Any]], now: datetime) -> None:
    for name, function in rounds.items():
        try:
            function(now=now)
        except Exception as error:
            faults.log(logger, f"round {name}", error)
