"""Households that fell into difficulty: work lost, a death, a disaster, refused before and worse now, on other departments' lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from .declared import Indicator, Tables, Threshold, born_after, living, low_income, span


def breadwinner_unemployed(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: who earned most of the household's income is registered as unemployed, and what is left does not reach the line. A running
    unemployment benefit counts as income (国务院令第649号, income of all members)."""
    after, until = span(t, p["days"])
    rows = t.matched("unemployment").filter(
        _.alive, _.status == "unemployed", _.registered_on > after, _.registered_on <= until, _.household_recipients == 0, _.household_alive >= 2
    )
    running = _.benefit_until.isnull() | (_.benefit_until >= until)
    benefit = ibis.ifelse(running, _.benefit.cast("float64"), 0.0).fill_null(0.0)
    rows = rows.mutate(left_month=_.income_month - _.own_income + benefit)
    lost = rows.filter(_.own_income > 0, _.own_income >= p["share"] * _.income_month)
    poor = lost.filter(_.left_month < p["multiple"] * _.standard * _.household_alive)
    return poor.mutate(fact=_.registered_on.cast("string"))


def breadwinner_died(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: a member of working age died within the year, and what the others earn does not reach the line. The lead is of the
    household's first living member."""
    after, until = span(t, p["days"])
    dead = t.matched("deaths").filter(_.died_on > after, _.died_on <= until, _.birth_date > born_after(t, 60), _.birth_date <= born_after(t, 18))
    dead = dead.select(dead_id=_.person_id, died_on=_.died_on, source=_.source)
    last = t.members.select("household_id", dead_id="person_id").distinct()
    homes = living(t).filter(_.household_recipients == 0).group_by("household_id").agg(
        person_id=_.person_id.min(), area=_.area.argmin(_.person_id), standard=_.standard.max(), household_alive=_.household_alive.max(), left_month=_.own_income.sum()
    )  # fmt: skip
    rows = homes.join(last.join(dead, "dead_id"), "household_id")
    poor = rows.filter(_.left_month < p["multiple"] * _.standard * _.household_alive)
    return poor.mutate(fact=_.dead_id.cast("string") + ":death")


def disaster_hit(t: Tables, p: Mapping[str, Any]) -> Table:
    """国发〔2014〕47号: fire and other sudden blows; a house badly damaged, or a loss above the floor. Recipients too: relief stands beside their award."""
    after, until = span(t, p["days"])
    rows = t.matched("disasters").filter(_.alive, _.happened_on > after, _.happened_on <= until).mutate(loss=_.loss.cast("float64"))
    hit = rows.filter(_.damage.isin(["serious", "collapsed"]) | (_.loss >= p["loss"]))
    return hit.mutate(fact=_.kind + _.happened_on.cast("string"))


def refused_worse(t: Tables, p: Mapping[str, Any]) -> Table:
    """An application was refused, and since then a department knows of an illness, a disability, lost work or a disaster in the household."""
    after, until = span(t, p["days"])
    events = []
    for dataset, day in (
        ("serious_illness", "diagnosed_on"),
        ("disability", "issued_on"),
        ("unemployment", "registered_on"),
        ("disasters", "happened_on"),
    ):
        rows = t.matched(dataset).filter(_.alive, _.household_recipients == 0, _.refused_on > after)
        rows = rows.filter(rows[day] > rows.refused_on, rows[day] <= until)
        events.append(
            rows.select(
                "person_id", "household_id", "area", "refused_on", "source", dataset=ibis.literal(dataset), happened_on=rows[day],
                fact=ibis.literal(dataset) + rows[day].cast("string"), event=ibis.literal(EVENTS[dataset]),
            )
        )  # fmt: skip
    return ibis.union(*events)


EVENTS = {"serious_illness": "确诊重特大疾病", "disability": "核发残疾人证", "unemployment": "登记失业", "disasters": "遭遇灾害"}


def monitoring_unhelped(t: Tables, p: Mapping[str, Any]) -> Table:
    """豫政办〔2022〕103号: watched against a return into poverty, the risk not removed, income below the line, and nobody of the household helped."""
    watched = t.matched("monitoring_list", _.alive).filter(_.removed_on.isnull() | (_.removed_on > t.day("days")))
    return low_income(watched, p["multiple"]).mutate(fact=_.identified_on.cast("string"))


def student_aid_unhelped(t: Tables, p: Mapping[str, Any]) -> Table:
    """A student whom the school counts among those in special difficulty, of a household of low income that nobody helps."""
    after, until = span(t, 365)
    aided = t.matched("student_aid", _.alive).filter(_.level == "special", _.month > after, _.month <= until)
    return low_income(aided, p["multiple"]).mutate(fact=_.month.year().cast("string"))


def old_alone_no_contact(t: Tables, p: Mapping[str, Any]) -> Table:
    """An old person who lives alone, without a phone and without a visit for long; tekun recipients have a named carer. Asked anew each year."""
    silent = living(t).filter(_.household_alive == 1, _.birth_date <= born_after(t, p["age"]), ~_.has_phone, ~_.on_tekun)
    since, _until = span(t, p["days"])
    silent = silent.filter(_.last_contact.isnull() | (_.last_contact <= since))
    return silent.mutate(fact=t.day("named"), source=ibis.null("int64"))


HOUSEHOLDS = (
    Indicator(
        "breadwinner_unemployed", "主要劳动力失业", ("unemployment", "deaths"), breadwinner_unemployed,
        "{registered_on} 登记失业，原为家庭主要收入来源（月 {own_income} 元），其余收入每月 {left_month} 元", "orange", "dibao",
        ("registered_on", "own_income", "income_month", "left_month", "standard", "household_alive"),
        {
            "multiple": Threshold("其余人均收入低于低保标准", 1.5, "multiple", 0.5, 5), "share": Threshold("占家庭收入不低于", 0.5, "share", 0, 1),
            "days": Threshold("登记失业不超过", 365, "days", 30, 1100, everywhere=True),
        },
    ),
    Indicator(
        "breadwinner_died", "劳动年龄家庭成员死亡", ("deaths",), breadwinner_died,
        "家庭成员于 {died_on} 死亡，其余成员每月收入 {left_month} 元", "orange", "dibao",
        ("died_on", "left_month", "standard", "household_alive"),
        {
            "multiple": Threshold("其余人均收入低于低保标准", 1.5, "multiple", 0.5, 5),
            "days": Threshold("死亡不超过", 365, "days", 30, 1100, everywhere=True),
        },
    ),
    Indicator(
        "disaster_hit", "家庭遭遇火灾等灾害", ("disasters", "deaths"), disaster_hit,
        "{happened_on} 受灾，直接经济损失 {loss} 元", "red", "temporary", ("kind", "happened_on", "damage", "loss"),
        {"loss": Threshold("直接经济损失不少于", 20_000, "yuan"), "days": Threshold("受灾不超过", 180, "days", 7, 730, everywhere=True)},
    ),
    Indicator(
        "refused_worse", "申请未通过后情况变差", ("serious_illness", "disability", "unemployment", "disasters", "deaths"), refused_worse,
        "{refused_on} 救助申请不予确认，{happened_on} {event}", "orange", "dibao", ("refused_on", "event", "happened_on"),
        {"days": Threshold("不予确认不超过", 730, "days", 30, 1830, everywhere=True)},
    ),
    Indicator(
        "monitoring_unhelped", "防返贫监测对象未获救助", ("monitoring_list", "deaths"), monitoring_unhelped,
        "{identified_on} 列为防止返贫监测对象，风险未消除，家庭月收入 {income_month} 元，家庭无人享受低保或特困", "orange", "dibao",
        ("kind", "risk", "identified_on", "income_month", "standard", "household_alive"),
        {"multiple": Threshold("家庭人均收入低于低保标准", 1.5, "multiple", 0.5, 5)},
    ),
    Indicator(
        "student_aid_unhelped", "特别困难学生家庭未获救助", ("student_aid", "deaths"), student_aid_unhelped,
        "学校认定为特别困难，家庭月收入 {income_month} 元，家庭无人享受低保或特困", "yellow", "dibao",
        ("school", "level", "month", "income_month", "standard", "household_alive"),
        {"multiple": Threshold("家庭人均收入低于低保标准", 1.5, "multiple", 0.5, 5)},
    ),
    Indicator(
        "old_alone_no_contact", "独居老人长期无联系", (), old_alone_no_contact,
        "独居老人，{birth_date} 出生，无联系电话，长期没有走访记录", "yellow", "care", ("birth_date", "last_contact"),
        {"age": Threshold("年龄不低于", 70, "years", 60, 100, everywhere=True), "days": Threshold("无走访记录超过", 90, "days", 7, 730, everywhere=True)},
    ),
)  # fmt: skip
