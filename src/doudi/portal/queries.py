"""What the public pages read of the house's work: publicity (公示) in its days, masked, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, QuerySet

from doudi.core import places as names
from doudi.core import scope as scopes
from doudi.enrolment.models import Publicity
from doudi.enrolment.services.publicising import masked
from doudi.portal.models import PublicReport
from doudi.portal.places import machine, said
from doudi.registry.models import Programme

MOST = 200
# What the internet is told, and under which name: no programme of children; none that says that somebody is ill or disabled. Somebody of a
# family who applies alone does so for illness or disability: told as dibao.
SHOWN: dict[str, str] = {
    Programme.DIBAO: Programme.DIBAO, Programme.DIBAO_SINGLE: Programme.DIBAO, Programme.TEKUN: Programme.TEKUN, Programme.MARGINAL: Programme.MARGINAL,
    Programme.RIGID: Programme.RIGID,
}  # fmt: skip
ADULT = 18


@dataclass(frozen=True)
class Posted:
    programme: str
    applicant: str
    members: int
    amount: Decimal | None
    starts: date
    until: date
    hotline: str


def _born_by(on: date) -> date:
    """Who was born later is a minor on the day."""
    try:
        return on.replace(year=on.year - ADULT)
    except ValueError:  # 29 February
        return date(on.year - ADULT, 2, 28)


def _running(area: str, on: date) -> QuerySet[Publicity]:
    """Posted on the day below a place; without what is not for the internet, and without minors, whoever posted them."""
    rows = Publicity.objects.filter(state=Publicity.State.RUNNING, starts__lte=on, ends__gt=on, area__gte=area, area__lt=area + ":", programme__in=SHOWN)
    born_by = _born_by(on)
    return rows.filter(case__application__applicant__birth_date__lte=born_by).exclude(case__person__birth_date__gt=born_by)


def posted(village: str, on: date) -> list[Posted]:
    """What is posted in a village on a day, newest first, names masked."""
    with scopes.acting(machine(village, "portal.read")):
        rows = list(_running(village, on).order_by("-starts", "-id").values_list("programme", "shown", "starts", "ends")[:MOST])
    return [_masked(*row) for row in rows]


def _masked(programme: str, shown: dict[str, Any], starts: date, ends: date) -> Posted:
    told = masked(shown)
    return Posted(
        programme=str(Programme(SHOWN[programme]).label), applicant=told["applicant"], members=int(told["members"]),
        amount=None if told["amount"] is None else Decimal(told["amount"]), starts=starts, until=ends - timedelta(days=1), hotline=str(told["hotline"]),
    )  # fmt: skip


def posted_villages(county: str, on: date) -> list[tuple[str, list[dict[str, Any]]]]:
    """Villages of a county with something posted, by township: code, name, how many, last day."""
    with scopes.acting(machine(county, "portal.read")):
        rows = list(_running(county, on).order_by().values("area").annotate(n=Count("pk"), ends=Max("ends")).order_by("area")[:MOST])
    names.preload(row["area"] for row in rows)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        said_of = {"code": row["area"], "name": names.name(row["area"]), "count": row["n"], "until": row["ends"] - timedelta(days=1)}
        found.setdefault(names.name(row["area"][:9]), []).append(said_of)
    return list(found.items())


def newest(county: str, on: date, most: int = 4) -> list[dict[str, Any]]:
    """The villages whose postings are the newest, for the first page."""
    with scopes.acting(machine(county, "portal.read")):
        rows = list(_running(county, on).order_by().values("area").annotate(n=Count("pk"), since=Max("starts"), ends=Max("ends")).order_by(F("since").desc(), "area")[:most])
    names.preload(row["area"] for row in rows)
    return [{"code": row["area"], "name": said(row["area"]), "count": row["n"], "since": row["since"], "until": row["ends"] - timedelta(days=1)} for row in rows]


def reports_of(lead_id: int) -> list[PublicReport]:
    """Public reports that stand for a lead, the newest first."""
    return list(PublicReport.objects.filter(lead_id=lead_id).order_by("-id")[:20])
