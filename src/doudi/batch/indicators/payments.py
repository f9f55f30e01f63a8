"""Things to check about a payment: deaths, property, undeclared income, benefits in two places (豫民〔2021〕5号)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table, Value

from .declared import Indicator, Tables, Threshold, span


def recipient_death(t: Tables, p: Mapping[str, Any]) -> Table:
    """Whoever died is paid for the month of death and no longer (integrity.md, Death)."""
    return t.matched("deaths").filter(_.recipient | _.on_living_subsidy | _.on_nursing_subsidy).mutate(fact=ibis.literal("death"))


def _recent(t: Tables, dataset: str) -> Table:
    """Rows of living recipients."""
    return t.matched(dataset, _.alive & _.recipient)


def recipient_vehicle(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: no motor vehicle but motorcycles and vehicles for disabled people; farm machines are judged at the visit."""
    new = _recent(t, "vehicles").filter(
        _.kind.isin(["small", "large"]), _.registered_on > t.day("years", 1), _.registered_on <= t.day("days")
    )
    return new.mutate(fact=_.plate)


def recipient_company(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: subscribed capital below 200,000 yuan; a company founded within the year is looked at whatever its capital."""
    new = (_.registered_on > t.day("years", 1)) & (_.registered_on <= t.day("days"))
    rows = _recent(t, "companies").mutate(capital=_.capital.cast("float64").fill_null(0.0))
    return rows.filter((_.capital >= p["capital"]) | new).mutate(fact=_.credit_code)


def recipient_house(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫民〔2021〕5号: no house that is not a dwelling, and one dwelling; the only home newly registered is no reason."""
    rows = _recent(t, "housing")
    rows = rows.mutate(dwellings=(_.usage == "dwelling").cast("int32").sum().over(ibis.window(group_by=rows.person_id)))
    new = rows.filter(_.registered_on > t.day("years", 1), _.registered_on <= t.day("days"))
    return new.filter((_.usage != "dwelling") | (_.dwellings >= 2)).mutate(fact=_.certificate)


def recipient_wages(t: Tables, p: Mapping[str, Any]) -> Table:
    """Wages of the last months in the social insurance data well above the standard, of a recipient for whom the registry knows no wage."""
    rows = t.matched("wages", _.alive & _.recipient & ~_.known_wage).filter(_.month >= months_back(t, p["months"]), _.month <= t.day("days"))
    mean = rows.group_by("person_id").agg(
        wage=_.wage.cast("float64").sum() / _.month.nunique(),
        last_month=_.month.max(),
        employer=_.employer.argmax(_.source),
        source=_.source.max(),
    )
    return mean.join(t.people, "person_id").filter(_.wage > p["multiple"] * _.standard).mutate(fact=_.last_month.year().cast("string"))


def months_back(t: Tables, months: float) -> Value:
    """The first of the month so many months (up to 12) before the comparison's."""
    return t.day("months", int(months))


def recipient_housing_fund(t: Tables, p: Mapping[str, Any]) -> Table:
    """Housing-fund contributions on wages of which the registry knows nothing."""
    rows = t.matched("housing_fund", _.alive & _.recipient & ~_.known_wage).filter(_.month >= months_back(t, p["months"]), _.month <= t.day("days"))
    mean = rows.group_by("person_id").agg(
        base=_.base.cast("float64").sum() / _.month.nunique(),
        last_month=_.month.max(),
        employer=_.employer.argmax(_.source),
        source=_.source.max(),
    )
    return mean.join(t.people, "person_id").filter(_.base > p["multiple"] * _.standard).mutate(fact=_.last_month.year().cast("string"))


def recipient_taxed_income(t: Tables, p: Mapping[str, Any]) -> Table:
    """Taxed income of twelve months beyond what the registry knows of this person, above the standard."""
    rows = t.matched("tax", _.alive & _.recipient).filter(_.month >= months_back(t, 12), _.month <= t.day("days"))
    year = rows.group_by("person_id").agg(
        taxed=_.income.cast("float64").sum() / 12, last_month=_.month.max(), payer=_.payer.argmax(_.source), source=_.source.max()
    )
    unknown = year.join(t.people, "person_id").mutate(undeclared=_.taxed - _.own_income.fill_null(0.0)).filter(_.undeclared > p["multiple"] * _.standard)
    return unknown.mutate(fact=_.last_month.year().cast("string"))


def recipient_assets(t: Tables, p: Mapping[str, Any]) -> Table:
    """Balances of a household's members together above so many months of the standard a head (24 in Henan's rules: see the county's own limit)."""
    after, until = span(t, 365)
    rows = t.matched("bank_assets", _.alive & (_.household_recipients > 0)).filter(_.checked_on > after, _.checked_on <= until)
    home = rows.group_by("household_id").agg(
        person_id=_.person_id.min(), area=_.area.argmin(_.person_id), standard=_.standard.max(), household_alive=_.household_alive.max(),
        total=_.balance.cast("float64").sum(), checked_on=_.checked_on.max(), source=_.source.max(),
    )  # fmt: skip
    return home.filter(_.total > p["months"] * _.standard * _.household_alive).mutate(fact=_.checked_on.year().cast("string"))


def recipient_elsewhere(t: Tables, p: Mapping[str, Any]) -> Table:
    """The same kind of benefit in another county at the same time: nobody is paid twice."""
    on = t.day("days")
    rows = t.matched("assistance_elsewhere").filter(_.alive, _.starts <= on, _.ends.isnull() | (_.ends > on), _.division.left(6) != _.area.left(6))
    same = (
        (_.programme.isin(["dibao", "tekun"]) & _.recipient)
        | ((_.programme == "disability_living") & _.on_living_subsidy)
        | ((_.programme == "disability_nursing") & _.on_nursing_subsidy)
        | (_.programme.isin(["orphan", "unsupported_child"]) & (_.on_orphan_allowance | _.on_child_allowance))
    )
    return rows.filter(same).mutate(fact=_.programme + _.division)


def recipient_moved_away(t: Tables, p: Mapping[str, Any]) -> Table:
    """The registered residence went to another county within the year while the award runs on here."""
    after, until = span(t, 365)
    rows = _recent(t, "moves").filter(_.moved_on > after, _.moved_on <= until, _.from_division.left(6) == _.area.left(6))
    return rows.filter(_.to_division.left(6) != _.area.left(6)).mutate(fact=_.moved_on.cast("string"))


def recipient_detained(t: Tables, p: Mapping[str, Any]) -> Table:
    """Who serves a sentence is no member of the household for dibao (民发〔2021〕57号)."""
    on = t.day("days")
    held = _recent(t, "detention").filter(_.kind.isin(["prison", "custody", "treatment"]), _.from_on <= on, _.until_on.isnull() | (_.until_on > on))
    return held.mutate(fact=_.kind + _.from_on.cast("string"))


def recipient_married(t: Tables, p: Mapping[str, Any]) -> Table:
    """Alone on the roll and newly married: the spouse's income and duties belong to the case."""
    after, until = span(t, 365)
    rows = _recent(t, "marriages").filter(_.event == "married", _.registered_on > after, _.registered_on <= until)
    return rows.filter((_.household_alive == 1) | _.on_tekun).mutate(fact=_.registered_on.cast("string"))


PAYMENTS = (
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
        "recipient_housing_fund", "在享人员缴存住房公积金", ("housing_fund", "deaths"), recipient_housing_fund,
        "近期公积金月均缴存基数 {base} 元，台账无工资收入", "orange", "review", ("base", "employer", "last_month", "standard"),
        {"multiple": Threshold("缴存基数高于低保标准", 1.5, "multiple", 0.5, 10), "months": Threshold("回看月数", 3, "months", 1, 12, everywhere=True)},
    ),
    Indicator(
        "recipient_taxed_income", "在享人员有未申报应税收入", ("tax", "deaths"), recipient_taxed_income,
        "近 12 个月月均应税收入 {taxed} 元，比台账收入多 {undeclared} 元", "orange", "review",
        ("taxed", "undeclared", "payer", "last_month", "standard"), {"multiple": Threshold("多出部分高于低保标准", 1, "multiple", 0.2, 10)},
    ),
    Indicator(
        "recipient_assets", "在享家庭金融资产超过限额", ("bank_assets", "deaths"), recipient_assets,
        "{checked_on} 核对，家庭金融资产合计 {total} 元", "orange", "review", ("total", "checked_on", "standard", "household_alive"),
        {"months": Threshold("人均超过低保标准的月数", 24, "months", 6, 60)},
    ),
    Indicator(
        "recipient_elsewhere", "在两地重复享受待遇", ("assistance_elsewhere", "deaths"), recipient_elsewhere,
        "自 {starts} 起同时在外县（市、区）享受同类待遇，月金额 {amount} 元", "red", "review", ("programme", "division", "starts", "amount"),
    ),
    Indicator(
        "recipient_moved_away", "在享人员户籍迁出", ("moves", "deaths"), recipient_moved_away,
        "{moved_on} 户籍迁出本县（市、区），待遇仍在本地发放", "yellow", "review", ("moved_on", "from_division", "to_division"),
    ),
    Indicator(
        "recipient_detained", "在享人员服刑或被羁押", ("detention", "deaths"), recipient_detained,
        "{from_on} 起服刑、羁押或强制隔离戒毒，仍在享受待遇", "orange", "review", ("kind", "from_on", "until_on"),
    ),
    Indicator(
        "recipient_married", "单独享受待遇的人员新登记结婚", ("marriages", "deaths"), recipient_married,
        "{registered_on} 登记结婚，仍按一人享受待遇", "yellow", "review", ("registered_on",),
    ),
)  # fmt: skip
