"""The main job on the synthetic county, step by step through the same services that officers' pages call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from doudi.batch import synth
from doudi.core import clock
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty, make_staff

AREA = "410122"
PEOPLE = 20_000
SEED = 7
ON = date(2022, 11, 28)  # the day on which departments' files have come
MONTH = date(2022, 12, 1)
CHINA = ZoneInfo("Asia/Shanghai")
Tell = Callable[[str, int, int], None]
"""Called with the step in words, what is done of it and how much there is (0: not known)."""


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), CHINA)


@dataclass
class Demo:
    """One demo: where it stands, who acts, and what happened so far."""

    folder: Path
    seed: int = SEED
    people: int = PEOPLE
    area: str = AREA
    tell: Tell = lambda step, done, total: None
    staff: list[SignIn] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def synthetic(self) -> Path:
        return self.folder / f"county-{self.area}-{self.people}-{self.seed}"

    def acting(self, duty: Duty, page: str = "doudi demo") -> Any:
        return scopes.acting(by_duty(self.staff, duty).scope(page))


def run(demo: Demo) -> dict[str, Any]:
    """All steps; each is safe to run again and starts from what is there. Returns the figures that `doudi demo --json` prints."""
    for step in (county, registry, deliveries, comparison, assessment, decisions, payroll, results):
        step(demo)
    return demo.figures


def county(demo: Demo) -> None:
    """Accounts, and the synthetic county on disk."""
    clock.set_back(at(MONTH, 9))
    demo.tell("岗位与账号", 0, 0)
    demo.staff = make_staff(area=demo.area, on=ON)
    if not (demo.synthetic / "summary.json").exists():
        synth.generate(demo.area, demo.people, demo.seed, demo.synthetic, on=ON, progress=lambda done, total: demo.tell("生成模拟县", done, total))
    summary = json.loads((demo.synthetic / "summary.json").read_text())
    demo.figures |= {"people": summary["people"], "households": summary["households"]}


def registry(demo: Demo) -> None:
    """People, households, facts and running awards."""
    from doudi.enrolment.loading import load_awards
    from doudi.registry.loading import load_area

    with demo.acting(Duty.COUNTY_REVIEWER):
        load_area(demo.synthetic, on=ON, now=at(date(2022, 10, 8)), progress=demo.tell)
    demo.tell("导入在享待遇", 0, 0)
    proposer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(proposer.scope()):
        load_awards(demo.synthetic, proposed_by=proposer.account_id, approved_by=approver.account_id, now=at(date(2022, 10, 8)))


def deliveries(demo: Demo) -> None:
    """Departments' files, as they come in life."""
    from doudi.discovery import services

    manifest = json.loads((demo.synthetic / "deliveries" / "manifest.json").read_text())
    files = manifest["files"] if isinstance(manifest, dict) else manifest
    counts = {"files": 0, "accepted": 0, "rejected": 0}
    for number, entry in enumerate(files, 1):
        demo.tell("接收部门数据", number, len(files))
        path = demo.synthetic / "deliveries" / entry["file"]
        with demo.acting(Duty.DATA_CHECKER, "doudi deliver"):
            delivery, _new = services.deliver(
                path=path, dataset=entry["dataset"], area=demo.area, now=at(ON, 9, number), name=path.name, period=f"{ON:%Y-%m}"
            )
        counts["files"] += 1
        counts["accepted"] += delivery.accepted
        counts["rejected"] += delivery.rejected
    demo.figures["deliveries"] = counts


def comparison(demo: Demo) -> None:
    """Leads, measured against the truth table."""
    from doudi.discovery import services
    from doudi.discovery.models import Lead

    with demo.acting(Duty.DATA_CHECKER, "doudi compare"):
        services.compare(area=demo.area, on=ON, now=at(ON, 15), progress=lambda done, total, step: demo.tell(step, done, total))
    with demo.acting(Duty.COUNTY_REVIEWER):
        from doudi.registry.loading import stage_ids

        stage_ids(demo.synthetic)
        with connection.cursor() as cursor:
            cursor.execute(
                "select s.person_no, l.indicator from discovery_lead l join pg_temp.synthetic_person s using (person_id) where l.run_id is not null"
            )
            found = cursor.fetchall()
        by_indicator = dict(Lead.objects.filter(run__isnull=False).values_list("indicator").annotate(_count()).order_by("indicator"))
    scored = synth.score(demo.synthetic / "truth.parquet", [row[0] for row in found], [row[1] for row in found])
    demo.figures["leads"] = {
        "total": sum(by_indicator.values()),
        "by_reason": by_indicator,
        "recall": round(scored.recall, 4),
        "precision": round(scored.precision, 4),
    }


def _count() -> Any:
    from django.db.models import Count

    return Count("id")


def money(value: Any) -> str:
    return f"{Decimal(value or 0):.2f}"


def next_working_day(day: date, days: int) -> date:
    from doudi.core.workdays import add_working_days

    return add_working_days(day, days)


def assessment(demo: Demo) -> None:
    """The law over all households, for the month of payment."""


def decisions(demo: Demo) -> None:
    """Townships verify leads and propose; the county approves."""


def payroll(demo: Demo) -> None:
    """The month's payroll: prepared, checked, approved, released by different people."""


def results(demo: Demo) -> None:
    """The bank's results come back; the ledger balances."""


__all__ = ["Demo", "run", "timedelta"]
