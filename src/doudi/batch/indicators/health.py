"""Disability and illness: subsidies that nobody has asked for, costs that a household cannot bear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from .declared import Indicator, Tables, Threshold, low_income, span


def _certified(t: Tables) -> Table:
    """Living holders of a certificate in force."""
    return t.matched("disability").filter(_.alive, _.valid_until.isnull() | (_.valid_until >= t.day("days")))


def disability_no_nursing_subsidy(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政〔2016〕60号: nursing subsidy for grades 1 and 2; tekun recipients get none."""
    severe = _certified(t).filter(_.grade.cast("int8") <= p["grade"], ~_.on_nursing_subsidy, ~_.on_tekun)
    return severe.mutate(fact=ibis.literal("grade") + severe.grade)


def disability_no_living_subsidy(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政〔2016〕60号: living subsidy for disabled people who receive dibao themselves."""
    return _certified(t).filter(_.on_dibao, ~_.on_living_subsidy, ~_.on_tekun).mutate(fact=ibis.literal("dibao"))


def medical_costs(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: own payment of twelve months far above what the household earns. One lead per person and year of the last settlement."""
    heavy = t.medical_year().filter(_.own_cost >= p["floor"], _.own_cost > p["share"] * 12 * _.income_month)
    return heavy.mutate(fact=_.last_on.year().cast("string"), income_year=12 * _.income_month)


def serious_illness_low_income(t: Tables, p: Mapping[str, Any]) -> Table:
    """A seriously ill member of a household below the line of marginal families (1.5 times the standard) that nobody helps."""
    low = t.medical_year().filter(_.serious, _.income_month < p["multiple"] * _.standard * _.household_alive)
    return low.mutate(fact=_.last_on.year().cast("string"))


def serious_illness_listed(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: newly on the list of serious illnesses, in a household of low income that nobody helps, before any bill has come."""
    after, until = span(t, p["days"])
    listed = t.matched("serious_illness").filter(_.alive, _.diagnosed_on > after, _.diagnosed_on <= until)
    return low_income(listed, p["multiple"]).mutate(fact=_.disease)


HEALTH = (
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
        "serious_illness_listed", "低收入家庭新确诊重特大疾病", ("serious_illness", "deaths"), serious_illness_listed,
        "{diagnosed_on} 确诊{disease}，家庭月收入 {income_month} 元，家庭无人享受低保或特困", "orange", "dibao",
        ("disease", "diagnosed_on", "income_month", "standard", "household_alive"),
        {"multiple": Threshold("家庭人均收入低于低保标准", 1.5, "multiple", 0.5, 5), "days": Threshold("确诊不超过", 365, "days", 30, 1100, everywhere=True)},
    ),
)  # fmt: skip
