"""Reads of price linkage for pages."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core.settings_overlay import overlay
from doudi.registry.models import Household
from doudi.relief.linkage import Linkage, linkage_of, month_before
from doudi.relief.models import PriceEntry, PriceGroupName, PriceLeftOut, PriceNotice, PriceProposal

STATE_COLOURS = {"proposed": "orange", "approved": "green", "sent_back": "red", "withdrawn": "gray"}
ENTRY_COLOURS = {"proposed": "orange", "confirmed": "green", "superseded": "gray", "refused": "red", "withdrawn": "gray"}
MONTHS = 12


def months_back(last: date, count: int = MONTHS) -> list[date]:
    found = [last.replace(day=1)]
    while len(found) < count:
        found.append(month_before(found[-1]))
    return found


def below(area: str) -> QuerySet[PriceProposal]:
    return PriceProposal.objects.filter(area__gte=area, area__lt=area + ":")


def month_rows(*, unit: str, county: str, last: date) -> list[dict[str, Any]]:
    """Months of payment, newest first: the law's answer for the city, what the county (or all below) proposed. A bounded number of queries."""
    months = months_back(last)
    settings = overlay(last)
    entries = {
        (row.month, row.state): row
        for row in PriceEntry.objects.filter(area=unit, month__gte=month_before(months[-1]), state__in=["proposed", "confirmed"])
    }
    paid: dict[date, dict[str, Any]] = defaultdict(lambda: {"people": 0, "amount": Decimal(0), "waiting": 0, "rows": []})
    for proposal in below(county).filter(month__gte=months[-1], state__in=["proposed", "approved"]).order_by("area", "serial"):
        found = paid[proposal.month]
        found["rows"].append(proposal)
        if proposal.state == "approved":
            found["people"] += proposal.people if proposal.serial == 1 else 0
            found["amount"] += proposal.amount
        else:
            found["waiting"] += 1
    rows = []
    for month in months:
        answer = linkage_of(area=unit if unit != "41" else "41", month=month, settings=settings)
        index_month = month_before(month)
        rows.append({
            "month": month, "answer": answer, "waiting": entries.get((index_month, "proposed")), "paid": paid[month],
            "late": answer.started and not paid[month]["rows"] and last > answer.deadline,
        })  # fmt: skip
    return rows


def entries_of(*, unit: str, month: date) -> list[PriceEntry]:
    """All entries of an index month, newest first: corrections keep what was before."""
    return list(PriceEntry.objects.filter(area=unit, month=month).select_related("entered_by", "decided_by").order_by("-id")[:20])


def notices_of(units: list[str]) -> list[PriceNotice]:
    return list(PriceNotice.objects.filter(area__in=units).order_by("-published_at", "-id")[:12])


def province_decisions(on: date) -> list[dict[str, Any]]:
    """Dated decisions of the province to start everywhere, newest first."""
    table = overlay(on).table()
    rows = [row for row in table.rows if row.parameter == "price_linkage.province_start" and row.value is not None]
    return [
        {"starts": row.start, "started": row.number == 1, "reference": row.reference} for row in sorted(rows, key=lambda row: row.start, reverse=True)
    ][:12]


def group_name(code: str) -> str:
    return str(PriceGroupName(code).label)


def residence_name(code: str) -> str:
    return str(Household.Residence(code).label)


def summary_of(proposal: PriceProposal) -> dict[str, Any]:
    """The frozen summary with names and exact amounts."""
    places.preload([row["area"] for row in proposal.summary.get("places", [])])
    return {
        "groups": [
            row | {
                "name": group_name(row["group"]), "residence": residence_name(row["residence"]), "amount": Decimal(str(row["amount"])),
                "each": Decimal(str(row["each"])), "base": Decimal(str(row["base"])),
            }
            for row in proposal.summary.get("groups", [])
        ],
        "places": [row | {"name": places.name(row["area"]), "amount": Decimal(str(row["amount"]))} for row in proposal.summary.get("places", [])],
        "left_out": [
            row | {"name": str(PriceLeftOut.Reason(row["reason"]).label), "amount": Decimal(str(row["amount"]))} for row in proposal.summary.get("left_out", [])
        ],
        "difference": proposal.summary.get("difference", []),
    }  # fmt: skip


def by_county(*, area: str, month: date) -> list[dict[str, Any]]:
    """For supervisors: people and amount of each county below in a month, and what waits."""
    found: dict[str, dict[str, Any]] = {}
    for row in below(area).filter(month=month, state__in=["proposed", "approved"]).order_by("area", "serial"):
        entry = found.setdefault(row.area, {"area": row.area, "people": 0, "amount": Decimal(0), "state": "", "colour": "", "proposal": row})
        entry["people"] += row.people if row.serial == 1 else 0
        entry["amount"] += row.amount
        entry["state"], entry["colour"], entry["proposal"] = row.get_state_display(), STATE_COLOURS[row.state], row
    places.preload(found)
    return [entry | {"name": places.name(code)} for code, entry in found.items()]


def totals(area: str) -> dict[str, Any]:
    rows = below(area).filter(state="approved").aggregate(people=Sum("people"), amount=Sum("amount"))
    return {"people": rows["people"] or 0, "amount": rows["amount"] or Decimal(0)}


def source_words(answer: Linkage) -> list[dict[str, Any]]:
    """The three indices with their source, for the month's page."""
    labels = {"cpi": _("居民消费价格指数（CPI）"), "food": _("其中：食品价格指数"), "scpi": _("低收入居民基本生活费用价格指数（SCPI）")}
    triggers = {"cpi": answer.cpi_trigger, "food": answer.food_trigger}
    found = []
    for name, label in labels.items():
        value = getattr(answer, name)
        trigger = triggers.get(name)
        reached = value.value is not None and trigger is not None and round(value.value, 6) >= round(trigger, 6)
        found.append({
            "label": label, "said": value.said, "reference": value.reference, "given": value.given, "trigger": f"{trigger:g}%" if trigger is not None else "",
            "reached": reached, "missing": value.value is None,
        })  # fmt: skip
    return found
