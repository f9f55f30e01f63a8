"""Reads of budgets for pages, sheets and prints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Max, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.assessment.services import settings_of
from doudi.batch.law.settings import base_table, system
from doudi.budget.models import COVERED, PROGRAMME_OF, Assumption, Figure, Item, Level, Scenario, Source
from doudi.budget.services import needs
from doudi.budget.services.population import VARIABLE
from doudi.budget.services.scenarios import INDICES
from doudi.core import places
from doudi.core.models import Division
from doudi.core.parameters import UNITS, shown_value
from doudi.core.templatetags import ui
from doudi.payments.models import Fund
from doudi.registry.models import Programme
from openfisca_henan.places import counties

COLOURS = {"draft": "", "checked": "orange", "submitted": "purple", "returned": "red", "accepted": "green"}
RANK = {"draft": 0, "returned": 1, "checked": 2, "submitted": 3, "accepted": 4}  # which of a county's scenarios speaks for it
NOUGHT = Decimal("0.00")
# The law's parameters behind an item, for its explanation; those that an assumption may change are amounts.
PARAMETERS: dict[str, tuple[str, ...]] = {
    Item.DIBAO: (
        "dibao.standard.urban", "dibao.standard.rural", "dibao.payment.mode.urban", "dibao.payment.mode.rural",
        *(f"dibao.payment.band.{place}.band_{number}" for place in ("urban", "rural") for number in range(1, 7)),
    ),
    Item.DIBAO_SINGLE: ("dibao.standard.urban", "dibao.standard.rural", "dibao.single_person.amount_share", "dibao.single_person.amount"),
    Item.TEKUN_LIVING: ("dibao.standard.urban", "dibao.standard.rural", "tekun.living_multiple", "tekun.living_amount.urban", "tekun.living_amount.rural"),
    Item.TEKUN_CARE: (
        *(f"tekun.care.{what}.{level}" for what in ("share", "amount") for level in ("unable", "partly_unable", "able")),
        "minimum_wage.class_1", "minimum_wage.class_2", "minimum_wage.class_3", "disability.nursing",
    ),
    Item.ORPHAN: ("children.institution", "children.dispersed.urban", "children.dispersed.rural"),
    Item.UNSUPPORTED_CHILD: ("children.dispersed.urban", "children.dispersed.rural"),
    Item.DISABILITY_LIVING: ("disability.living",),
    Item.DISABILITY_NURSING: ("disability.nursing",),
}  # fmt: skip
VARIABLES: dict[str, str] = {Item.DIBAO: "dibao_amount", Item.PRICE_SUBSIDY: "price_subsidy", **VARIABLE}
STANDARDS = (
    "dibao.standard", "dibao.payment.band", "dibao.standard.urban", "dibao.standard.rural", "tekun.living_multiple", "tekun.living_amount.urban",
    "tekun.living_amount.rural", "tekun.care.amount.unable", "tekun.care.amount.partly_unable", "tekun.care.amount.able", "children.institution",
    "children.dispersed.urban", "children.dispersed.rural", "disability.living", "disability.nursing",
)  # fmt: skip
WORDS = ("choice", "switch")  # units whose values are words
RESIDENCES = {"urban": gettext_lazy("城市"), "rural": gettext_lazy("农村")}


def plain(value: Decimal) -> str:
    """12.5000 -> 12.5, 5.0000 -> 5."""
    return f"{value.normalize():f}"


@dataclass(frozen=True)
class Paid:
    """What a level pays of a fund: yuan, its share of the need in per cent, on what basis."""

    level: str
    label: str
    amount: Decimal
    share: Decimal
    basis: str
    row: Source | None


def fund_names() -> dict[int, str]:
    return dict(Fund.objects.order_by("id").values_list("id", "name"))


def by_fund(row: Scenario) -> list[dict[str, Any]]:
    """Funds of a scenario with their items (people of the first and last month, yuan of each month and of the year), sources and gap. Three queries."""
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    rows = Figure.objects.filter(scenario=row).values_list("fund_id", "item", "month").annotate(amount=Sum("amount"), people=Sum("people"))
    for fund_id, item, month, amount, people in rows:
        entry = found[fund_id].setdefault(item, {"item": item, "label": str(Item(item).label), "months": {}, "people": {}, "total": NOUGHT})
        entry["months"][month.month], entry["people"][month.month] = amount, people
        entry["total"] += amount
    names, paid = fund_names(), sources_of(row, {fund: sum((e["total"] for e in items.values()), NOUGHT) for fund, items in found.items()})
    order = Item.values
    funds = []
    for fund_id in sorted(found):
        items = sorted(found[fund_id].values(), key=lambda e: order.index(e["item"]))
        for entry in items:
            entry["months"] = [entry["months"].get(number, NOUGHT) for number in range(1, 13)]
            entry["quarters"] = quarters(entry["months"])
            entry["first"], entry["last"] = entry["people"].get(1, 0), entry["people"].get(12, 0)
        total = sum((entry["total"] for entry in items), NOUGHT)
        levels = paid[fund_id]
        covered = sum((each.amount for each in levels), NOUGHT)
        months = [sum((entry["months"][number] for entry in items), NOUGHT) for number in range(12)]
        funds.append({
            "id": fund_id, "name": names[fund_id], "items": items, "total": total, "levels": levels, "covered": covered, "gap": total - covered,
            "months": months, "quarters": quarters(months),
        })  # fmt: skip
    return funds


def quarters(months: list[Decimal]) -> list[Decimal]:
    return [sum(months[at : at + 3], NOUGHT) for at in (0, 3, 6, 9)]


def sources_of(row: Scenario, totals: dict[int, Decimal]) -> dict[int, list[Paid]]:
    """fund -> what each level pays, shares turned into yuan (half up to the fen)."""
    rows = {(source.fund_id, source.level): source for source in Source.objects.filter(scenario=row)}
    made: dict[int, list[Paid]] = {}
    for fund_id, total in totals.items():
        made[fund_id] = []
        for level in Level:
            source = rows.get((fund_id, level.value))
            amount = NOUGHT if source is None else source.amount if source.amount is not None else needs.fen(total * (source.share or 0) / 100)
            share = source.share if source is not None and source.share is not None else amount * 100 / total if total else Decimal(0)
            made[fund_id].append(Paid(level.value, str(level.label), amount, share, source.basis if source else "", source))
    return made


def programme_name(code: str) -> str:
    return str(Programme(code).label) if code in Programme.values else code


def said(assumption: Assumption, *, funds: dict[int, str] | None = None, labels: dict[str, str] | None = None) -> str:
    """An assumption in words: what changes by how much, when."""
    a, value = assumption, plain(assumption.value)
    programmes = "、".join(programme_name(code) for code in a.programmes)
    period = ""
    if a.starts and a.ends and a.starts != a.ends:
        period = _("%(a)s 至 %(b)s") % {"a": f"{a.starts:%Y-%m}", "b": f"{a.ends:%Y-%m}"}
    elif a.starts:
        period = (
            f"{a.starts:%Y-%m}"
            if a.kind in (Assumption.Kind.ONE_OFF, Assumption.Kind.PRICE_INDEX) or a.ends
            else _("自 %(a)s 起") % {"a": f"{a.starts:%Y-%m}"}
        )
    name = (labels or {}).get(a.parameter, a.parameter)
    words = {
        (Assumption.Kind.STANDARD, "value"): _("%(name)s改为 %(value)s"),
        (Assumption.Kind.STANDARD, "percent"): _("%(name)s增减 %(value)s%%"),
        (Assumption.Kind.RECIPIENTS, "percent"): _("%(who)s：到年底增减 %(value)s%%，逐月均匀"),
        (Assumption.Kind.PRICE_MONTHS, "each"): _("%(who)s：每人每月 %(value)s 元"),
        (Assumption.Kind.PRICE_INDEX, "value"): _("%(name)s同比涨幅 %(value)s%%"),
        (Assumption.Kind.ONE_OFF, "each"): _("%(who)s：每人一次 %(value)s 元"),
        (Assumption.Kind.TEMPORARY, "last_year"): _("按近十二个月实际支出增减 %(value)s%%"),
        (Assumption.Kind.TEMPORARY, "per_capita"): _("每名困难群众每年 %(value)s 元"),
        (Assumption.Kind.TEMPORARY, "year"): _("全年 %(value)s 元"),
        (Assumption.Kind.INSTITUTION, "each"): _("机构供养人员每人每月 %(value)s 元"),
        (Assumption.Kind.INSTITUTION, "month"): _("每月 %(value)s 元"),
        (Assumption.Kind.FIXED, "month"): _("每月 %(value)s 元"),
    }[a.kind, a.way] % {"name": name, "value": value, "who": programmes}  # type: ignore[index]
    fund = _("；从%(fund)s列支") % {"fund": funds[a.fund_id]} if funds and a.fund_id else ""
    label = f"{a.label}：" if a.label else ""
    return f"{label}{words}{'，' + period if period else ''}{fund}"


def parameter_labels() -> dict[str, str]:
    """The law's parameters that an assumption may name -> their label, the groups first."""
    leaves = base_table().leaves
    groups = {"dibao.standard": _("城乡低保标准（一并）"), "dibao.payment.band": _("低保各档金额（一并）")}
    return {name: groups.get(name) or _(leaves[name].label) for name in (*STANDARDS, *INDICES)}


def reference_of(item: str) -> str:
    """The law's references of an item."""
    if item == Item.TEMPORARY:
        return "国发〔2014〕47号"
    found = system().get_variable(VARIABLES[item]).reference if item in VARIABLES else None
    return "；".join(found) if found else ""


def formula(figure: Figure) -> str:
    """How one figure was made, in words with its numbers."""
    a = figure.assumption
    if a is None:
        words = _("%(people)s 人，按当月标准依法测算 %(amount)s 元") % {"people": f"{figure.base_people:,}", "amount": ui.money(figure.base_amount)}
        if figure.percent:
            values = {
                "percent": plain(round(figure.percent, 2)),
                "people": f"{figure.people:,}",
                "base": f"{figure.base_people:,}",
                "amount": ui.money(figure.base_amount),
            }
            if figure.people == figure.base_people:
                return words + _("；对象增减 %(percent)s%% 后仍为 %(people)s 人") % values
            words += _("；对象增减 %(percent)s%% 后 %(people)s 人：%(amount)s × %(people)s ÷ %(base)s") % values
        return words
    if a.way in ("each", "per_capita"):
        words = _("%(people)s 人 × %(value)s 元") % {"people": f"{figure.people:,}", "value": plain(a.value)}
        return words + (" ÷ 12" if a.way == "per_capita" else "")
    if a.way == "last_year":
        return _("上年同月实际支出 %(base)s 元，增减 %(percent)s%%") % {"base": ui.money(figure.base_amount), "percent": plain(a.value)}
    return (
        _("全年 %(value)s 元，按月均分，尾差在 12 月") % {"value": ui.money(a.value)}
        if a.way == "year"
        else _("每月 %(value)s 元") % {"value": ui.money(a.value)}
    )


def explained(row: Scenario, fund_id: int, item: str) -> dict[str, Any]:
    """One item of a fund, opened: each month's figures with how they were made, the law's rows used, the assumptions behind."""
    figures = list(
        Figure.objects.filter(scenario=row, fund_id=fund_id, item=item)
        .select_related("assumption")
        .order_by("month", "programme", "residence", "in_institution")
    )
    lines = []
    for figure in figures:
        who = [
            programme_name(figure.programme) if figure.programme else "", str(RESIDENCES.get(figure.residence, "")), _("机构供养") if figure.in_institution else "",
            figure.assumption.label if figure.assumption else "",
        ]  # fmt: skip
        each = figure.amount / figure.people if figure.people else None
        lines.append({"figure": figure, "who": "　".join(part for part in who if part) or "—", "each": each, "formula": formula(figure)})
    priced: dict[str, tuple[str, ...]] = {Item.PRICE_SUBSIDY: ("price_months", "price_index")}
    kinds = priced.get(item, (item,))
    programmes = {PROGRAMME_OF[item]} if item in PROGRAMME_OF else set()
    behind = [
        a for a in row.assumptions.order_by("id")
        if a.kind in kinds or (a.kind == "recipients" and (set(a.programmes) & programmes or item in (Item.PRICE_SUBSIDY, Item.ONE_OFF)))
        or (a.kind == "standard" and any(parameter.startswith(a.parameter) for parameter in PARAMETERS.get(item, ())))
    ]  # fmt: skip
    return {
        "lines": lines,
        "assumptions": behind,
        "used": used_rows(row, item),
        "reference": reference_of(item),
        "total": sum((f.amount for f in figures), NOUGHT),
    }


def used_rows(row: Scenario, item: str) -> list[dict[str, Any]]:
    """The law's rows that hold at the county in the year for an item: label, value, since when, document; oldest first."""
    if row.settings is None or row.area not in counties():
        return []
    table = settings_of(row.settings).table()
    at, found = counties().index(row.area), {}
    for parameter in PARAMETERS.get(item, ()):
        if parameter not in table.leaves:
            continue
        for month in range(1, 13):
            index = int(table.at(parameter, f"{row.year}-{month:02d}-01").row[at])
            if index >= 0 and index not in found:
                used = table.rows[index]
                found[index] = {
                    "label": table.leaves[parameter].label, "value": shown_value(used.value, used.unit), "unit": "" if used.unit in WORDS else UNITS.get(used.unit, ""),
                    "start": used.start,
                    "area": used.area, "reference": ui.source_words(used.reference), "unverified": used.unverified, "from": date(row.year, month, 1),
                }  # fmt: skip
    return list(found.values())


def compared(rows: list[Scenario]) -> list[dict[str, Any]]:
    """Items of all funds with one column a scenario: yuan of the year, and the difference from the first. Two queries."""
    names = fund_names()
    sums: dict[tuple[int, str], dict[int, Decimal]] = defaultdict(dict)
    for fund_id, item, scenario_id, amount in (
        Figure.objects.filter(scenario__in=rows).values_list("fund_id", "item", "scenario_id").annotate(amount=Sum("amount"))
    ):
        sums[fund_id, item][scenario_id] = amount
    lines = []
    for fund_id in sorted({fund for fund, _item in sums}):
        keys = sorted((key for key in sums if key[0] == fund_id), key=lambda key: Item.values.index(key[1]))
        part = [_line(str(Item(item).label), [sums[fund, item].get(row.pk, NOUGHT) for row in rows]) for fund, item in keys]
        total = [sum((line["values"][at] for line in part), NOUGHT) for at in range(len(rows))]
        lines += [_line(names[fund_id], total, css="grp"), *part]
    if rows:
        lines.append(_line(_("合计"), [row.amount for row in rows], css="sum"))
    return lines


def _line(label: str, values: list[Decimal], css: str = "") -> dict[str, Any]:
    cells = [(value, value - values[0] if at else None) for at, value in enumerate(values)]
    return {"label": label, "values": values, "cells": cells, "css": css}


def counties_below(area: str) -> list[tuple[str, str]]:
    """(code, name) of the counties of a place, today's ones."""
    return list(
        Division.objects.filter(code__gte=area, code__lt=area + ":", level="county", ends__isnull=True, statistical_only=False)
        .order_by("code")
        .values_list("code", "name")
    )


def by_county(*, area: str, year: int) -> dict[str, Any]:
    """For the level above: every county with what it has submitted, by fund, totals by city; what is missing stands first. A bounded number of queries."""
    names = fund_names()
    found: dict[str, Scenario] = {}
    for row in Scenario.objects.filter(area__gte=area, area__lt=area + ":", year=year).order_by("id"):
        if row.area not in found or RANK[row.state] >= RANK[found[row.area].state]:
            found[row.area] = row
    sent = {row.pk: row for row in found.values() if row.state in ("submitted", "accepted")}
    sums: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for scenario_id, fund_id, amount in Figure.objects.filter(scenario__in=sent).values_list("scenario_id", "fund_id").annotate(amount=Sum("amount")):
        sums[scenario_id][fund_id] = amount
    funds = sorted({fund for each in sums.values() for fund in each})
    rows: list[dict[str, Any]] = []
    cities: dict[str, list[Decimal]] = defaultdict(lambda: [NOUGHT] * (len(funds) + 1))
    totals = [NOUGHT] * (len(funds) + 1)
    heads = [*(names[fund] for fund in funds), _("合计（元）")]
    counted = {"counties": 0, "sent": 0, "accepted": 0}
    for code, name in counties_below(area):
        best = found.get(code)
        amounts = [sums[best.pk].get(fund, NOUGHT) for fund in funds] if best and best.pk in sent else []
        if best and best.pk in sent:
            amounts.append(sum(amounts, NOUGHT))
            totals = [a + b for a, b in zip(totals, amounts, strict=True)]
            cities[code[:4]] = [a + b for a, b in zip(cities[code[:4]], amounts, strict=True)]
        counted["counties"] += 1
        counted["sent"] += bool(amounts)
        counted["accepted"] += bool(best and best.state == "accepted")
        blank: list[Decimal | None] = [None] * (len(funds) + 1)
        rows.append({
            "code": code, "name": name, "scenario": best, "sent": bool(amounts), "amounts": amounts, "cells": list(zip(heads, amounts or blank, strict=True)),
            "colour": COLOURS[best.state] if best else "gray",
        })  # fmt: skip
    rows.sort(key=lambda each: (each["sent"], each["code"]))
    places.preload(code for code in cities)
    by_city = (
        [{"name": places.name(code), "cells": list(zip(heads, amounts, strict=True))} for code, amounts in sorted(cities.items())]
        if len(area) == 2
        else []
    )
    return {
        "rows": rows,
        "funds": [names[fund] for fund in funds],
        "totals": totals,
        "total_cells": list(zip(heads, totals, strict=True)),
        "cities": by_city,
        "counted": counted,
    }


def newest_year(area: str) -> int | None:
    return Scenario.objects.filter(area__gte=area, area__lt=area + ":").aggregate(year=Max("year"))["year"]


def people_once(row: Scenario) -> list[tuple[str, int, int]]:
    """(programme, people in January, in December), each person once."""
    first, last = row.covered.get(f"{row.year}-01", {}), row.covered.get(f"{row.year}-12", {})
    return [
        (str(programme.label), first.get(programme.value, 0), last.get(programme.value, 0))
        for programme in COVERED
        if first.get(programme.value) or last.get(programme.value)
    ]


def beside_awards(row: Scenario) -> list[dict[str, Any]]:
    """What awards pay in the base month beside January by the law, programme by programme: where they differ, reviews are due or standards change."""
    awards = row.covered.get("awards")
    if awards is None:
        return []
    found: dict[str, list[Any]] = {}
    for item, people, amount in (
        Figure.objects.filter(scenario=row, month=date(row.year, 1, 1), item__in=PROGRAMME_OF)
        .values_list("item")
        .annotate(people=Sum("base_people"), amount=Sum("base_amount"))
    ):
        entry = found.setdefault(PROGRAMME_OF[item], [0, NOUGHT])
        entry[0], entry[1] = max(entry[0], people), entry[1] + amount
    rows = []
    for programme in dict.fromkeys(PROGRAMME_OF.values()):
        held, paid = awards.get(programme, [0, "0.00"])
        people, amount = found.get(programme, [0, NOUGHT])
        if held or people:
            rows.append({
                "label": programme_name(programme), "held": held, "paid": Decimal(paid), "people": people, "amount": amount, "difference": amount - Decimal(paid),
            })  # fmt: skip
    return rows
