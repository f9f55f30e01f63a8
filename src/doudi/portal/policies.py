"""Policies in plain words (政策明白话): what there is, for whom, how much here and since when, what to bring, how long it takes.

Amounts are the law's parameters under the confirmed settings of the visitor's county, each with its day and document; time limits and documents are
those of the county's procedures. Nothing here is typed in twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from django.db.models import Count, Max
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from doudi.batch.law import Settings, list_parameters
from doudi.core import places
from doudi.core.models import Setting
from doudi.core.parameters import shown_value
from doudi.core.settings_overlay import overlay, settings_at
from doudi.core.templatetags.ui import declared, source_words, unit
from doudi.enrolment import procedure
from doudi.enrolment.procedure import Paper, Step
from doudi.registry.models import Programme
from openfisca_henan.places import county_index


@dataclass(frozen=True)
class Policy:
    """One policy. `parameters`: the law's figures that are shown; `programme`: whose procedure counts, empty for relief."""

    code: str
    label: str | Promise
    short: str | Promise
    who: tuple[str | Promise, ...]
    how: str | Promise
    parameters: tuple[str, ...]
    programme: str = ""
    source: str = ""


@dataclass(frozen=True)
class Figure:
    """An amount as it holds in a place: `since` its first day, `source` its document, `own` set by the place itself."""

    label: str
    value: str
    unit: str
    since: str
    source: str
    own: bool


@dataclass(frozen=True)
class Told:
    """A policy as one county has it."""

    policy: Policy
    figures: list[Figure]
    papers: list[tuple[str, bool]] = field(default_factory=list)
    days: list[tuple[str, int]] = field(default_factory=list)
    total_days: int = 0
    publicity_days: int = 0
    source: str = ""


POLICIES: tuple[Policy, ...] = (
    Policy(
        "dibao", gettext_lazy("最低生活保障（低保）"), gettext_lazy("家庭人均收入低于当地标准的，按差额发给"),
        (
            gettext_lazy("共同生活的家庭成员人均月收入低于当地低保标准，家庭财产符合规定。"),
            gettext_lazy("低保边缘家庭里的重病患者、重度残疾人等，可以一个人单独申请。"),
            gettext_lazy("外出务工的，工资先扣掉务工成本再算收入；收入超过标准后还有渐退期，不会马上停。"),
        ),
        gettext_lazy("按家庭收入低于标准的部分补差，或分档发放，不是人人领到标准数。每月发到“一卡通”。"),
        ("dibao.standard.urban", "dibao.standard.rural", "dibao.work_cost_rate", "dibao.gradual_exit_months"), Programme.DIBAO,
    ),
    Policy(
        "tekun", gettext_lazy("特困人员救助供养"), gettext_lazy("无劳动能力、无生活来源、无人赡养的，由政府供养"),
        (
            gettext_lazy("无劳动能力：60 周岁以上的老年人、不满 16 周岁的未成年人、符合规定的残疾人。"),
            gettext_lazy("无生活来源：本人收入低于当地低保标准，财产符合规定。"),
            gettext_lazy("没有法定赡养、抚养、扶养义务人，或义务人没有履行能力。"),
        ),
        gettext_lazy("发给基本生活费，并按自理能力发给照料护理费；可以在家供养，也可以住进供养机构。"),
        ("tekun.living_multiple", "tekun.living_amount.urban", "tekun.living_amount.rural", "tekun.care.amount.able", "tekun.care.amount.partly_unable",
         "tekun.care.amount.unable"), Programme.TEKUN,
    ),
    Policy(
        "marginal", gettext_lazy("低保边缘家庭"), gettext_lazy("收入比低保标准略高的家庭，认定后可享受专项救助"),
        (gettext_lazy("家庭人均月收入高于当地低保标准、低于标准的规定倍数，家庭财产符合规定。"),),
        gettext_lazy("认定后可申请医疗、教育、住房等专项救助，其中的重病、重残人员可单独申请低保；物价上涨时可得临时补贴。"),
        ("marginal.income_multiple", "marginal.financial_assets", "marginal.vehicles", "marginal.dwellings"), Programme.MARGINAL,
    ),
    Policy(
        "rigid", gettext_lazy("刚性支出困难家庭"), gettext_lazy("看病、上学等必要支出太大，生活困难的家庭"),
        (gettext_lazy("家庭收入不算低，但医疗、教育、康复等必须由自己负担的支出占收入的比例超过规定。"),),
        gettext_lazy("认定后在有效期内可申请相应的专项救助和临时救助。"), ("rigid_expenditure.share",), Programme.RIGID,
    ),
    Policy(
        "relief", gettext_lazy("临时救助"), gettext_lazy("突然遇到火灾、重病、失业等，一时过不下去"),
        (
            gettext_lazy("急难型：突发意外、火灾、隔离等，生活一时陷入困境，可先行救助、后补手续。"),
            gettext_lazy("支出型：必要支出突然增加，超出家庭承受能力。"),
            gettext_lazy("不分户籍：在急难发生地就可以申请。"),
        ),
        gettext_lazy("一次性发给现金或实物；上限是当地城市低保月标准的倍数乘以人数。"),
        ("temporary.multiple.emergency", "temporary.multiple.expenditure", "temporary.times_per_year", "temporary.flat_cap"), "", "国发〔2014〕47号",
    ),
    Policy(
        "orphan", gettext_lazy("孤儿基本生活费"), gettext_lazy("失去父母、查找不到生父母的未成年人"),
        (gettext_lazy("父母双亡或查找不到生父母的不满 18 周岁的未成年人；年满 18 周岁仍在校就读的继续。"),),
        gettext_lazy("每月发给基本生活费，由实际抚养人养育的与机构养育的标准不同。"),
        ("children.dispersed.urban", "children.dispersed.rural", "children.institution"), Programme.ORPHAN,
    ),
    Policy(
        "unsupported_child", gettext_lazy("事实无人抚养儿童基本生活补贴"), gettext_lazy("父母还在，但都不能履行抚养责任的孩子"),
        (gettext_lazy("父母均有重残、重病、服刑、失联等情形之一，或一方死亡、失踪另一方有上述情形。"),),
        gettext_lazy("参照当地孤儿基本生活费标准按月发给。"), ("children.dispersed.urban", "children.dispersed.rural"), Programme.UNSUPPORTED_CHILD,
    ),
    Policy(
        "disability", gettext_lazy("残疾人两项补贴"), gettext_lazy("困难残疾人生活补贴和重度残疾人护理补贴"),
        (
            gettext_lazy("生活补贴：低保家庭中的残疾人；有的地方扩大到低保边缘家庭。"),
            gettext_lazy("护理补贴：残疾等级为一级、二级且需要长期照护的残疾人，不看家庭收入。"),
        ),
        gettext_lazy("按月发到“一卡通”；两项都符合的，可以同时领取。"), ("disability.living", "disability.nursing"), Programme.DISABILITY_NURSING,
    ),
    Policy(
        "prices", gettext_lazy("价格临时补贴"), gettext_lazy("物价涨得多的月份，自动发给，不用申请"),
        (gettext_lazy("低保对象、特困人员、孤儿、事实无人抚养儿童、低保边缘家庭成员等。"),),
        gettext_lazy("居民消费价格同比涨幅达到启动条件的月份，补贴随待遇一并发给。"), ("price_linkage.trigger.cpi", "price_linkage.trigger.food"), "", "发改价格〔2022〕1387号",
    ),
)  # fmt: skip
BY_CODE = {policy.code: policy for policy in POLICIES}
SHORT = ("dibao.standard.urban", "dibao.standard.rural", "disability.living", "disability.nursing", "children.dispersed.urban")


def fingerprint() -> tuple[Any, ...]:
    """What changes when a setting is confirmed or ended: two processes read the same settings without telling each other."""
    found = Setting.objects.filter(state=Setting.State.CONFIRMED).aggregate(n=Count("pk"), last=Max("pk"), at=Max("decided_at"))
    return found["n"], found["last"], found["at"]


@lru_cache(maxsize=8)
def _settings(day: date, _mark: tuple[Any, ...]) -> Settings:
    return overlay(day)


def law_settings(day: date) -> Settings:
    """The confirmed settings that have begun by a day; one small query where nothing changed since they were last read."""
    return _settings(day, fingerprint())


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[str, str]]:
    return {info.name: (info.label, info.unit) for info in list_parameters()}


def _figure(settings: Settings, name: str, county: str, day: date) -> Figure | None:
    table, text = settings.table(), day.isoformat()
    if county:
        dense, at = table.at(name, text), int(county_index(np.array([county]))[0])
        index = int(dense.row[at]) if at >= 0 else -1
    else:
        index = table.row_of(name, places.PROVINCE, text)
    if index < 0:
        return None
    row = table.rows[index]
    label, kind = _units()[name]
    kind = row.unit or kind
    value, words = (f"{row.number * 100:.4g}%", "") if kind == "share" else (shown_value(row.value, kind), unit(kind))
    return Figure(declared(label), value, words, row.start, source_words(row.reference), row.setting)


@lru_cache(maxsize=2048)
def _figures(names: tuple[str, ...], county: str, day: date, mark: tuple[Any, ...], _language: str) -> tuple[Figure, ...]:
    settings = _settings(day, mark)
    found = (_figure(settings, name, county, day) for name in names)
    return tuple(figure for figure in found if figure is not None)


def figures(names: tuple[str, ...], county: str, day: date) -> list[Figure]:
    """Amounts of a county, the province's own where none is named; those that a place does not have are left out."""
    return list(_figures(names, county, day, fingerprint(), get_language() or ""))


def told(policy: Policy, county: str, day: date) -> Told:
    """A policy as a county has it today."""
    shown = figures(policy.parameters, county, day)
    if not policy.programme:
        return Told(policy, shown, source=policy.source)
    place = county or places.PROVINCE
    way = procedure.frozen(policy.programme, on=day, get=settings_at("procedure.case.", place, day))
    days = [(str(Step(each["step"]).label), each["days"]) for each in way["steps"] if each["when"] in ("always", "grant") and each["step"] != Step.PUBLICITY]
    papers = [(str(Paper(each["paper"]).label), each["required"]) for each in way["documents"]]
    return Told(policy, shown, papers, days, way["total_days"], way["publicity_days"], way["source"])


def questions() -> list[tuple[str, str]]:
    """Common questions with their answers."""
    return [
        (_("户口不在本地，遇到急难能申请吗"), _("能。临时救助在急难发生地申请，不分户籍；低保等按户籍地或居住证的规定办理，乡镇会告诉您在哪里办。")),
        (_("打工收入超过标准，低保会马上停吗"), _("不会。务工收入先扣掉务工成本；扣后仍超过标准的，有渐退期，期内继续发给。")),
        (_("父母被隔离、住院，孩子由谁照顾"), _("请马上报告。民政部门安排临时照料，直到父母能回来照顾；请点“报告孩子受侵害、没人照料”。")),
        (_("对结果有异议怎么办"), _("公示期内可向乡镇提出；决定后也可拨打监督电话或服务热线，会有人核查并答复您。")),
        (_("要开证明吗"), _("收入、存款、房产、车辆由系统核对，您签字授权即可，不用开证明。身份证、户口簿和残疾人证等请带上。")),
    ]
