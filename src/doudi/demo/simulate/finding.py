"""Leads month by month: what the team reports, and what townships do with open leads, nearly always within their limits."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from doudi.core import scope as scopes
from doudi.demo import discovery as finding
from doudi.demo.simulate.life import Figures, Life, at, fate, key, name

REPORTS, AT_ONCE = 4, 60
LATE = 0.12
"""Share of leads that wait a round longer than they should."""
NOTES = {"contacted": "已电话联系", "verified": "两名工作人员入户核实，情况属实", "helped": "已给予救助", "not_in_need": "核实后家庭收入超过标准，已说明政策"}


def reports(life: Life, on: date) -> Figures:
    """The team reports people in difficulty over the month."""
    from doudi.discovery.models import TeamMember
    from doudi.discovery.services import report_by_team

    officer = life.chance.choice(life.officers())
    with scopes.acting(officer.scope("doudi simulate")):
        members = list(TeamMember.objects.filter(ends=None).order_by("id").values_list("id", "area"))
        for place, urgency in zip(range(REPORTS if members else 0), ("red", "orange", "yellow", "yellow"), strict=False):
            member, area = life.chance.choice(members)
            need = life.chance.choice(sorted(finding.TOLD))
            report_by_team(
                key=key(life, place), area=area, need=need, urgency=urgency, name=name(life), detail=finding.TOLD[need], member_id=member,
                now=at(on - timedelta(days=life.chance.randint(0, 3)), 8 + place),
            )  # fmt: skip
    return {"reports": REPORTS if members else 0}


def leads(life: Life, on: date) -> Figures:
    """A round of the townships: what was signalled since the last is contacted, visited, and helped or found not in need, each in its time."""
    from doudi.discovery.models import Lead
    from doudi.discovery.services import advance_leads

    done = 0
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            rows = list(Lead.objects.filter(state__in=Lead.OPEN, merged_into=None, signal_at__lt=at(on)).order_by("signal_at", "id")[:AT_ONCE])
            steps: dict[tuple[str, datetime], list[int]] = {}
            for row in rows:
                for after, now in _course(life, row, on):
                    steps.setdefault((after, now), []).append(row.pk)
            for (after, now), ids in sorted(steps.items(), key=lambda each: (each[0][1], each[0][0])):
                moved = advance_leads(lead_ids=ids, after=after, note=NOTES[after], now=now).done
                done += len(moved) if after in ("helped", "not_in_need") else 0
    return {"leads_closed": done}


def _course(life: Life, row: Any, on: date) -> list[tuple[str, datetime]]:
    """The steps of a lead that are taken by a day, each with its time. Chance follows from the lead alone, so that a later round goes on with it."""
    chance = fate(life, "lead", row.area, row.indicator, row.urgency, row.signal_at)
    late, hours = chance.random() < LATE, finding.HOURS[row.urgency]
    first, second, third = (max(2, int(limit * chance.uniform(0.1, 0.45))) for limit in hours)
    wait = timedelta(days=9 if late else 0)
    signal = timezone.localtime(row.signal_at)
    done = "helped" if chance.random() < 0.6 else "not_in_need"
    times = (signal + wait + timedelta(hours=first), signal + wait + timedelta(hours=first + second), signal + wait + timedelta(hours=first + second + third))
    course: list[tuple[str, datetime]] = []
    last = signal
    for (after, before), time in zip((("contacted", row.UNCONTACTED), ("verified", ("contacted",)), (done, ("verified",))), times, strict=True):
        last = max(last + timedelta(minutes=30), time.replace(minute=0, second=0, microsecond=0))
        if row.state in before or course:
            if last > at(on, 18):
                break
            course.append((after, last))
    return course
