"""Early-warning indicators (预警指标): declared, each with its expression in Ibis, its thresholds and the words of its reason.

An expression gives one row per situation: `person_id`, `household_id`, `area`, `fact` (what tells this situation from another of the same
person, so that it raises one lead ever), the evidence's columns, and `source` (the delivery and row that tell it, see `compare.ROWS`).
`compare` makes leads of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

import ibis
from ibis import _
from ibis.expr.types import Table

Urgency = Literal["red", "orange", "yellow"]


class Tables(Protocol):
    """What an expression may use. `people`: see `compare.PEOPLE`, with `alive`, `recipient`, `household_recipients` and `household_alive` added;
    `parents`: child_id, parent_id; `matched(dataset)`: rows of registered people in a dataset with the columns of `people`, doubled deliveries
    counted once; an indicator calls it for the first of its datasets (each read by one indicator is never copied)."""

    on: date
    year: date

    @property
    def people(self) -> Table: ...

    @property
    def parents(self) -> Table: ...

    def matched(self, dataset: str) -> Table: ...

    def medical_year(self) -> Table: ...


ByPlace = Mapping[str, float]
"""Values by division code; the longest code that begins a person's area counts ("" stands for everywhere else)."""

Rule = Callable[[Tables, Mapping[str, Any]], Table]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure that places may set for themselves. `unit` as in the settings (`yuan`, `share`, `multiple`, `months`, `years`, `days`, `grade`, `number`).
    `everywhere`: one value for a whole run, because the expression needs it as a number (a span of months)."""

    label_zh: str
    default: float
    unit: str
    least: float = 0
    most: float = 1_000_000
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Indicator:
    """`reason` is a template over the row's columns; `parameters` have defaults that a place overrides; `evidence` names columns for the officer;
    `programme` is what the lead points to, `review` where a payment may be wrong."""

    code: str
    title_zh: str
    datasets: tuple[str, ...]
    rule: Rule
    reason: str
    urgency: Urgency
    programme: str
    evidence: tuple[str, ...] = ()
    parameters: Mapping[str, Threshold] = field(default_factory=dict)

    @property
    def helps(self) -> bool:
        """Finds people to help; else something to check about a payment."""
        return self.programme != "review"


def thresholds(indicator: Indicator, given: Mapping[str, float | ByPlace]) -> dict[str, Any]:
    """The indicator's values for its expression: a number where one holds everywhere, else an expression over the row's `area`.
    Raises KeyError for a threshold that the indicator does not have."""
    if unknown := set(given) - set(indicator.parameters):
        raise KeyError(f"{indicator.code} has no parameters {sorted(unknown)}")
    return {name: _resolved(threshold, given.get(name)) for name, threshold in indicator.parameters.items()}


def _resolved(threshold: Threshold, given: float | ByPlace | None) -> Any:
    if given is None:
        return threshold.default
    if not isinstance(given, Mapping):
        return given
    rest = given.get("", threshold.default)
    places = sorted((code for code in given if code), key=lambda code: (-len(code), code))
    if threshold.everywhere or all(given[code] == rest for code in places):
        return rest
    return ibis.cases(*((_.area.startswith(code), float(given[code])) for code in places), else_=float(rest))


def in_force(rows: Table, on: ByPlace) -> Table:
    """The rows of places where the indicator is switched on (1) and not off (0)."""
    rest = on.get("", 1)
    places = sorted((code for code in on if code), key=lambda code: (-len(code), code))
    if all(on[code] == rest for code in places):
        return rows if rest else rows.filter(ibis.literal(False))
    return rows.filter(ibis.cases(*((rows.area.startswith(code), bool(on[code])) for code in places), else_=bool(rest)))


def _living(t: Tables) -> Table:
    return t.people.filter(_.alive)


def _certified(t: Tables) -> Table:
    """Living holders of a certificate in force."""
    return t.matched("disability").filter(_.alive, _.valid_until.isnull() | (_.valid_until >= ibis.literal(t.on)))


def disability_no_nursing_subsidy(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政〔2016〕60号: nursing subsidy for grades 1 and 2; tekun recipients get none."""
    severe = _certified(t).filter(_.grade.cast("int8") <= p["grade"], ~_.on_nursing_subsidy, ~_.on_tekun)
    return severe.mutate(fact=ibis.literal("grade") + severe.grade)


def disability_no_living_subsidy(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政〔2016〕60号: living subsidy for disabled people who receive dibao themselves."""
    return _certified(t).filter(_.on_dibao, ~_.on_living_subsidy, ~_.on_tekun).mutate(fact=ibis.literal("dibao"))


def medical_costs(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: own payment of twelve months far above what the household earns. One lead per person and year of the last settlement."""
    costs = t.medical_year().join(_living(t), "person_id")
    heavy = costs.filter(_.household_recipients == 0, _.own_cost >= p["floor"], _.own_cost > p["share"] * 12 * _.income_month)
    return heavy.mutate(fact=_.last_on.year().cast("string"), income_year=12 * _.income_month)


def serious_illness_low_income(t: Tables, p: Mapping[str, Any]) -> Table:
    """A seriously ill member of a household below the line of marginal families (1.5 times the standard) that nobody helps."""
    ill = t.medical_year().filter(_.serious).join(_living(t), "person_id").filter(_.household_recipients == 0)
    low = ill.filter(_.income_month < p["multiple"] * _.standard * _.household_alive)
    return low.mutate(fact=_.last_on.year().cast("string"))


def recipient_death(t: Tables, p: Mapping[str, Any]) -> Table:
    """Whoever died is paid for the month of death and no longer (integrity.md, Death)."""
    return t.matched("deaths").filter(_.recipient | _.on_living_subsidy | _.on_nursing_subsidy).mutate(fact=ibis.literal("death"))


def _recent(t: Tables, dataset: str) -> Table:
    """Rows of living recipients."""
    return t.matched(dataset).filter(_.alive, _.recipient)


def recipient_vehicle(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: no motor vehicle but motorcycles and vehicles for disabled people; farm machines are judged at the visit."""
    new = _recent(t, "vehicles").filter(
        _.kind.isin(["small", "large"]), _.registered_on > ibis.literal(t.year), _.registered_on <= ibis.literal(t.on)
    )
    return new.mutate(fact=_.plate)


def recipient_company(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: subscribed capital below 200,000 yuan; a company founded within the year is looked at whatever its capital."""
    new = (_.registered_on > ibis.literal(t.year)) & (_.registered_on <= ibis.literal(t.on))
    rows = _recent(t, "companies").mutate(capital=_.capital.cast("float64").fill_null(0.0))
    return rows.filter((_.capital >= p["capital"]) | new).mutate(fact=_.credit_code)


def recipient_house(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: no house that is not a dwelling, and one dwelling; the only home newly registered is no reason."""
    rows = _recent(t, "housing")
    rows = rows.mutate(dwellings=(_.usage == "dwelling").cast("int32").sum().over(ibis.window(group_by=rows.person_id)))
    new = rows.filter(_.registered_on > ibis.literal(t.year), _.registered_on <= ibis.literal(t.on))
    return new.filter((_.usage != "dwelling") | (_.dwellings >= 2)).mutate(fact=_.certificate)


def recipient_wages(t: Tables, p: Mapping[str, Any]) -> Table:
    """Wages of the last months in the social insurance data well above the standard, of a recipient for whom the registry knows no wage."""
    months = int(p["months"])
    start = date(t.on.year - (t.on.month <= months), (t.on.month - months - 1) % 12 + 1, 1)
    rows = t.matched("wages").filter(_.alive, _.recipient, ~_.known_wage, _.month >= ibis.literal(start), _.month <= ibis.literal(t.on))
    mean = rows.group_by("person_id", "household_id", "area", "standard").agg(
        wage=_.wage.cast("float64").sum() / _.month.nunique(),
        last_month=_.month.max(),
        employer=_.employer.argmax(_.source),
        source=_.source.max(),
    )
    return mean.filter(_.wage > p["multiple"] * _.standard).mutate(fact=_.last_month.year().cast("string"))


def orphaned_minor(t: Tables, p: Mapping[str, Any]) -> Table:
    """国办发〔2010〕54号: under 18, both parents dead. The registry's own dates of death count as well as the police's."""
    dead = t.people.filter(~_.alive).select(parent_id=_.person_id)
    pairs = t.parents.left_join(dead, "parent_id")
    both = pairs.group_by("child_id").agg(known=_.parent_id.nunique(), dead=_.parent_id_right.nunique())
    both = both.filter(_.known >= 2, _.dead == _.known).select(person_id=_.child_id)
    born_after = date(t.on.year - 18, t.on.month, 28 if (t.on.month, t.on.day) == (2, 29) else t.on.day)
    minors = _living(t).filter(_.birth_date > ibis.literal(born_after), ~_.on_orphan_allowance)
    deaths = t.matched("deaths").select(parent_id=_.person_id, died_on=_.died_on, source=_.source)
    of_parents = t.parents.join(deaths, "parent_id").group_by("child_id")
    latest = of_parents.agg(died_on=_.died_on.max(), source=_.source.argmax(_.died_on))
    found = minors.join(both, "person_id").left_join(latest, _.person_id == latest.child_id)
    return found.mutate(fact=ibis.literal("orphan"))


INDICATORS: dict[str, Indicator] = {
    each.code: each
    for each in (
        Indicator(
            "disability_no_nursing_subsidy", "重度残疾人未享受护理补贴", ("disability", "deaths"), disability_no_nursing_subsidy,
            "残疾等级{grade}级，未享受重度残疾人护理补贴", "orange", "disability_nursing", ("grade", "kind", "issued_on"), {"grade": Threshold("等级不低于", 2, "grade", 1, 4)},
        ),
        Indicator(
            "disability_no_living_subsidy", "低保残疾人未享受生活补贴", ("disability", "deaths"), disability_no_living_subsidy,
            "本人为低保对象，持有残疾人证（{grade}级），未享受困难残疾人生活补贴", "yellow", "disability_living", ("grade", "kind", "issued_on"),
        ),
        Indicator(
            "medical_costs", "医疗费用负担过重", ("medical", "deaths"), medical_costs,
            "近 12 个月个人负担医疗费用 {own_cost} 元，家庭年收入 {income_year} 元", "orange", "dibao",
            ("own_cost", "total_cost", "visits", "last_on", "income_year"),
            {"floor": Threshold("年个人负担不少于", 5_000, "yuan"), "share": Threshold("占家庭年收入", 0.5, "share", 0, 10)},
        ),
        Indicator(
            "serious_illness_low_income", "低收入家庭重病患者", ("medical", "deaths"), serious_illness_low_income,
            "近 12 个月有大病结算，家庭月收入 {income_month} 元，未享受低保", "red", "dibao",
            ("own_cost", "visits", "last_on", "income_month", "standard", "household_alive"),
            {"multiple": Threshold("家庭人均收入低于低保标准", 1.5, "multiple", 0.5, 5)},
        ),
        Indicator(
            "recipient_death", "在享人员死亡", ("deaths",), recipient_death,
            "公安数据显示已于 {died_on} 死亡，仍在享受待遇", "red", "review", ("died_on",),
        ),
        Indicator(
            "recipient_vehicle", "在享人员新登记机动车", ("vehicles", "deaths"), recipient_vehicle,
            "{registered_on} 新登记机动车 {plate}", "yellow", "review", ("plate", "kind", "registered_on"),
        ),
        Indicator(
            "recipient_company", "在享人员有企业登记", ("companies", "deaths"), recipient_company,
            "在“{company}”登记任职或出资，认缴出资 {capital} 元，成立日期 {registered_on}", "yellow", "review",
            ("company", "credit_code", "role", "capital", "registered_on"), {"capital": Threshold("认缴出资不少于", 200_000, "yuan", 0, 100_000_000)},
        ),
        Indicator(
            "recipient_house", "在享人员新登记房产", ("housing", "deaths"), recipient_house,
            "{registered_on} 新登记房产，面积 {floor_area} 平方米", "yellow", "review",
            ("certificate", "usage", "floor_area", "registered_on", "dwellings"),
        ),
        Indicator(
            "recipient_wages", "在享人员有未申报工资", ("wages", "deaths"), recipient_wages,
            "近期月均工资 {wage} 元，高于当地低保标准 {standard} 元的规定倍数，台账无工资收入", "orange", "review",
            ("wage", "employer", "last_month", "standard"), 
            {"multiple": Threshold("月均工资高于低保标准", 1.5, "multiple", 0.5, 10), "months": Threshold("回看月数", 3, "months", 1, 12, everywhere=True)},
        ),
        Indicator(
            "orphaned_minor", "父母双亡未成年人", ("deaths",), orphaned_minor,
            "未满 18 周岁，父母均已死亡，未享受孤儿基本生活费", "red", "orphan", ("birth_date", "died_on"),
        ),
    )
}  # fmt: skip
