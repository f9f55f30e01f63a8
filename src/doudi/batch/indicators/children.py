"""Children: orphans, parents who cannot care, children left alone, school left early (国办发〔2010〕54号, 民发〔2019〕62号)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from .declared import Indicator, Tables, Threshold, born_after, living


def orphaned_minor(t: Tables, p: Mapping[str, Any]) -> Table:
    """国办发〔2010〕54号: under 18, both parents dead. The registry's own dates of death count as well as the police's."""
    dead = t.people.filter(~_.alive).select(parent_id=_.person_id)
    pairs = t.parents.left_join(dead, "parent_id")
    both = pairs.group_by("child_id").agg(known=_.parent_id.nunique(), dead=_.parent_id_right.nunique())
    both = both.filter(_.known >= 2, _.dead == _.known).select(person_id=_.child_id)
    minors = living(t).filter(_.birth_date > born_after(t, 18), ~_.on_orphan_allowance)
    deaths = t.matched("deaths").select(parent_id=_.person_id, died_on=_.died_on, source=_.source)
    of_parents = t.parents.join(deaths, "parent_id").group_by("child_id")
    latest = of_parents.agg(died_on=_.died_on.max(), source=_.source.argmax(_.died_on))
    found = minors.join(both, "person_id").left_join(latest, _.person_id == latest.child_id)
    return found.mutate(fact=ibis.literal("orphan"))


def unsupported_child(t: Tables, p: Mapping[str, Any]) -> Table:
    """民发〔2019〕62号: under 18, each parent dead, missing, in prison, in compulsory treatment, otherwise detained, severely disabled or seriously ill;
    not both dead (those are orphans)."""
    on = t.day("days")
    dead = t.people.filter(~_.alive).select(parent_id=_.person_id, rank=ibis.literal(3), source=ibis.null("int64"))
    held = t.matched("detention").filter(_.from_on <= on, _.until_on.isnull() | (_.until_on > on))
    held = held.select(parent_id=_.person_id, rank=ibis.literal(2), source=_.source)
    severe = t.matched("disability").filter(_.grade.isin(["1", "2"]), _.valid_until.isnull() | (_.valid_until >= on)).select(parent_id=_.person_id)
    ill = t.matched("serious_illness").filter(_.diagnosed_on <= on).select(parent_id=_.person_id)
    unable = ibis.union(severe, ill).mutate(rank=ibis.literal(1), source=ibis.null("int64"))
    reasons = ibis.union(dead, held, unable).group_by("parent_id").agg(rank=_.rank.max(), source=_.source.max())
    pairs = t.parents.left_join(reasons, "parent_id")
    by_child = pairs.group_by("child_id").agg(
        known=_.parent_id.nunique(), without=_.parent_id_right.nunique(), source=_.source.max(),
        dead=(_.rank == 3).fill_null(False).cast("int64").sum(), held=(_.rank == 2).fill_null(False).cast("int64").sum(),
        unable=(_.rank == 1).fill_null(False).cast("int64").sum(),
    )  # fmt: skip
    by_child = by_child.filter(_.known >= 2, _.without == _.known, _.dead < _.known)
    minors = living(t).filter(_.birth_date > born_after(t, 18), ~_.on_child_allowance, ~_.on_orphan_allowance)
    return minors.join(by_child, _.person_id == by_child.child_id).mutate(fact=ibis.literal("unsupported"))


def child_left_alone(t: Tables, p: Mapping[str, Any]) -> Table:
    """国发〔2016〕13号: under 16, both parents work or live away (the registry's fact or a residence permit elsewhere), and no other grown-up is at
    home. Asked anew each year."""
    on = t.day("days")
    permits = t.matched("residence_permits").filter(_.registered_on <= on, _.valid_until.isnull() | (_.valid_until >= on))
    permits = permits.filter(_.residence.left(6) != _.area.left(6)).group_by("person_id").agg(source=_.source.max())
    people = living(t).left_join(permits, "person_id").drop("person_id_right").mutate(away=_.works_away | _.source.notnull())
    adult = (people.birth_date <= born_after(t, 18)) & ~people.away
    home = people.group_by("household_id").agg(at_home=adult.cast("int64").sum())
    away = people.filter(_.away).select(parent_id=_.person_id, source=_.source)
    pairs = t.parents.left_join(away, "parent_id").group_by("child_id")
    gone = pairs.agg(known=_.parent_id.nunique(), absent=_.parent_id_right.nunique(), source=_.source.max())
    gone = gone.filter(_.known >= 2, _.absent == _.known)
    young = living(t).filter(_.birth_date > born_after(t, p["age"]))
    found = young.join(gone, _.person_id == gone.child_id).join(home.filter(_.at_home == 0), "household_id")
    return found.mutate(fact=t.day("named"))


def school_dropout(t: Tables, p: Mapping[str, Any]) -> Table:
    """义务教育法第十三条: nobody leaves compulsory school early; who does is visited, whatever the household earns."""
    left = t.matched("education", _.alive).filter(_.status == "dropped_out", _.stage.isin(["primary", "junior"]))
    return left.filter(_.birth_date > born_after(t, 18)).mutate(fact=_.stage)


CHILDREN = (
    Indicator(
        "orphaned_minor", "父母双亡未成年人", ("deaths",), orphaned_minor,
        "未满 18 周岁，父母均已死亡，未享受孤儿基本生活费", "red", "orphan", ("birth_date", "died_on"),
    ),
    Indicator(
        "unsupported_child", "父母均不能履行抚养职责的未成年人", ("detention", "deaths", "disability", "serious_illness"), unsupported_child,
        "父母均不能履行抚养职责（死亡 {dead} 人，服刑、戒毒、失联等 {held} 人，重残或重病 {unable} 人），未享受事实无人抚养儿童基本生活补贴",
        "red", "unsupported_child", ("birth_date", "dead", "held", "unable"),
    ),
    Indicator(
        "child_left_alone", "父母外出、家中无成年人的儿童", ("residence_permits", "deaths"), child_left_alone,
        "{birth_date} 出生，父母均外出，家中没有其他成年人", "orange", "care", ("birth_date",),
        {"age": Threshold("年龄不满", 16, "years", 6, 18, everywhere=True)},
    ),
    Indicator(
        "school_dropout", "义务教育阶段辍学", ("education", "deaths"), school_dropout,
        "学籍状态为辍学，就读学校：{school}", "yellow", "care", ("school", "stage", "grade", "status"),
    ),
)  # fmt: skip
