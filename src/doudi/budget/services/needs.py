"""From the law's sums and the stated assumptions to the figures of a scenario (测算), exact to the fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from doudi.assessment.whatif import composed
from doudi.batch import law
from doudi.budget.models import COVERED, PROGRAMME_OF, Assumption, Figure, Item, Scenario
from doudi.budget.services.population import Key, Sums, months_of
from doudi.payments.models import OneOff
from doudi.payments.services import ledger
from doudi.registry.models import Programme
from openfisca_henan.places import Leaf

FEN = Decimal("0.01")
# Names that stand for several of the law's parameters, with how those begin.
GROUPS = {"dibao.standard": "dibao.standard.", "dibao.payment.band": "dibao.payment.band."}
Kind, Way = Assumption.Kind, Assumption.Way


def fen(amount: Decimal) -> Decimal:
    return amount.quantize(FEN, ROUND_HALF_UP)


def grown(people: int, percent: Decimal) -> int:
    """People after growth or decline, whole, half up."""
    return max(0, int((people * (100 + percent) / 100).quantize(Decimal(1), ROUND_HALF_UP)))


def area_of(leaf: Leaf, county: str) -> str:
    """The place that an assumption about a parameter is for: the county, or the level above where the parameter is set there."""
    if leaf.areas == "province":
        return county[:2]
    return county[:4] if leaf.areas == "prefecture" and not county.startswith("4190") else county


def parameters_of(name: str, county: str, settings: law.Settings) -> list[str]:
    """The law's parameters that an assumption's name stands for: itself, or those of a group that have a value at the county."""
    if name not in GROUPS:
        return [name]
    above = {county, county[:4], county[:2]}
    return sorted(
        {row.parameter for row in settings.table().rows if row.parameter.startswith(GROUPS[name]) and row.area in above and row.value is not None}
    )


def settings_with(*, county: str, over: law.Settings, assumptions: Sequence[Assumption]) -> law.Settings:
    """The settings in force with the scenario's standards and price indices laid over them, in the order of their dates. Raises ValidationError."""
    leaves = over.table().leaves
    settings = over
    for assumption in sorted(assumptions, key=lambda a: (a.starts or date.min, a.pk or 0)):
        if assumption.kind not in (Kind.STANDARD, Kind.PRICE_INDEX):
            continue
        starts = assumption.starts
        assert starts is not None
        for parameter in parameters_of(assumption.parameter, county, settings):
            leaf = leaves.get(parameter)
            if leaf is None:
                raise ValidationError({"parameter": _("没有参数“%(name)s”。") % {"name": parameter}})
            how: dict[str, Any] = {"value": float(assumption.value)}
            if assumption.way == Way.PERCENT:
                how = {"times": float((100 + assumption.value) / 100)}
            change = {"parameter": parameter, "from": starts.isoformat(), "area": area_of(leaf, county), **how}
            try:
                settings = law.read_reform(composed(name=f"测算假设：{assumption.reason}"[:100], changes=[change]), settings).settings
            except law.SettingsError as error:
                raise ValidationError({"value": [problem.removeprefix("第 1 项").removeprefix("第 1 行") for problem in error.problems]}) from None
    return settings


@dataclass
class Drawn:
    """Figures of a scenario and the people of each programme and month, each person once."""

    figures: list[Figure] = field(default_factory=list)
    covered: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        return sum((figure.amount for figure in self.figures), Decimal("0.00"))


def percents(assumptions: Sequence[Assumption], month: date) -> dict[str, Decimal]:
    """programme -> growth up to a month: the year's per cent come evenly, month by month."""
    return {
        programme: assumption.value * month.month / 12
        for assumption in assumptions if assumption.kind == Kind.RECIPIENTS for programme in assumption.programmes
    }  # fmt: skip


def draw(*, scenario: Scenario, sums: Sums, assumptions: Sequence[Assumption], today: date) -> Drawn:
    """The figures of a scenario: the law's, grown; then what assumptions state."""
    funds, made = ledger.funds_for(scenario.area, scenario.year), Drawn()
    months = months_of(scenario.year)
    stated = [a for a in assumptions if a.kind == Kind.PRICE_MONTHS]
    fixed_prices = {month for a in stated for month in months if _within(a, month)}
    for month in months:
        growth = percents(assumptions, month)
        made.covered[f"{month:%Y-%m}"] = {
            programme.value: grown(sums.covered.get((month, programme.value), 0), growth.get(programme.value, Decimal(0))) for programme in COVERED
        }
    for key in sorted(sums.found, key=lambda k: (k.month, k.item, k.programme, k.residence, k.in_institution)):
        if key.item == Item.PRICE_SUBSIDY and key.month in fixed_prices:
            continue
        figure = _by_law(scenario, key, sums.found[key], percents(assumptions, key.month).get(key.programme, Decimal(0)), funds)
        if figure.amount or figure.people:
            made.figures.append(figure)
    for assumption in assumptions:
        made.figures += _stated(scenario, assumption, made, months, funds, today)
    return made


def _fund(funds: dict[str, int], programme: str) -> int:
    try:
        return funds[programme]
    except KeyError:
        raise ValidationError(_("没有资金可用于“%(programme)s”；请先明确资金用途。") % {"programme": programme}) from None


def _by_law(scenario: Scenario, key: Key, found: list[int], percent: Decimal, funds: dict[str, int]) -> Figure:
    base_people, base_amount = found[0], Decimal(found[1]) / 100
    people = grown(base_people, percent)
    amount = fen(base_amount * people / base_people) if base_people else base_amount
    programme = OneOff.PRICE_SUBSIDY if key.item == Item.PRICE_SUBSIDY else PROGRAMME_OF[key.item]
    return Figure(
        area=scenario.area, scenario=scenario, month=key.month, fund_id=_fund(funds, programme), item=key.item,
        programme=key.programme if key.item == Item.PRICE_SUBSIDY else "", residence=key.residence, in_institution=key.in_institution,
        base_people=base_people, base_amount=base_amount, percent=percent, people=people, amount=amount,
    )  # fmt: skip


def _within(assumption: Assumption, month: date) -> bool:
    starts, ends = assumption.starts, assumption.ends
    return (starts is None or month >= starts) and (ends is None or month <= ends)


def _stated(scenario: Scenario, a: Assumption, made: Drawn, months: list[date], funds: dict[str, int], today: date) -> list[Figure]:
    """Figures of one assumption that the law does not make."""
    found: list[Figure] = []

    def put(
        item: str, month: date, amount: Decimal, *, people: int = 0, fund: int | None = None, programme: str = "", base: Decimal = Decimal(0)
    ) -> None:
        paid_by = fund or a.fund_id
        if amount > 0 and paid_by is not None:
            found.append(Figure(
                area=scenario.area, scenario=scenario, month=month, fund_id=paid_by, item=item, programme=programme, people=people,
                base_people=people, base_amount=base, percent=a.value if a.way == Way.LAST_YEAR else Decimal(0), amount=amount, assumption=a,
            ))  # fmt: skip

    inside = [month for month in months if _within(a, month)]
    if a.kind in (Kind.PRICE_MONTHS, Kind.ONE_OFF):
        item = Item.PRICE_SUBSIDY if a.kind == Kind.PRICE_MONTHS else Item.ONE_OFF
        fund = _fund(funds, OneOff.PRICE_SUBSIDY) if a.kind == Kind.PRICE_MONTHS else a.fund_id
        for month in inside:
            for programme in a.programmes:
                people = made.covered[f"{month:%Y-%m}"].get(programme, 0)
                put(item, month, fen(people * a.value), people=people, fund=fund, programme=programme)
    elif a.kind == Kind.TEMPORARY:
        fund = _fund(funds, OneOff.TEMPORARY)
        spent = last_spending(area=scenario.area, today=today) if a.way == Way.LAST_YEAR else {}
        parts = spread(fen(a.value), months) if a.way == Way.YEAR else {}
        for month in months:
            if a.way == Way.LAST_YEAR:
                base = spent.get(month.month, Decimal(0))
                put(Item.TEMPORARY, month, fen(base * (100 + a.value) / 100), fund=fund, base=base)
            elif a.way == Way.PER_CAPITA:
                people = sum(made.covered[f"{month:%Y-%m}"].values())
                put(Item.TEMPORARY, month, fen(people * a.value / 12), people=people, fund=fund)
            else:
                put(Item.TEMPORARY, month, parts[month], fund=fund)
    elif a.kind == Kind.INSTITUTION and a.way == Way.EACH:
        for month in inside:
            people = sum(
                f.people for f in made.figures
                if f.month == month and f.in_institution and f.item in (Item.TEKUN_LIVING, Item.ORPHAN, Item.UNSUPPORTED_CHILD)
            )  # fmt: skip
            put(Item.INSTITUTION, month, fen(people * a.value), people=people)
    elif a.kind in (Kind.INSTITUTION, Kind.FIXED):
        for month in inside:
            put(Item.INSTITUTION if a.kind == Kind.INSTITUTION else Item.FIXED, month, fen(a.value))
    return found


def spread(amount: Decimal, months: Sequence[date]) -> dict[date, Decimal]:
    """An amount over months, even to the fen; what does not divide stands in the last one."""
    each = (amount / len(months)).quantize(FEN, "ROUND_DOWN")
    parts = dict.fromkeys(months, each)
    parts[months[-1]] += amount - each * len(months)
    return parts


def last_spending(*, area: str, today: date) -> dict[int, Decimal]:
    """Temporary assistance granted in the last twelve whole months, by month of the year (1 to 12); yuan."""
    until = today.replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "select extract(month from month)::int, sum(amount) from payments_grant where area >= %s and area < %s and programme = %s and not void"
            " and month >= %s and month < %s group by 1",
            [area, area + ":", OneOff.TEMPORARY, until.replace(year=until.year - 1), until],
        )
        return {int(number): Decimal(amount) for number, amount in cursor.fetchall()}


RECIPIENT_PROGRAMMES = [*dict.fromkeys(PROGRAMME_OF.values()), Programme.MARGINAL]
