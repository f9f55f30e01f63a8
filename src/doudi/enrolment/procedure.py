"""The way of a case (办理程序) as data: steps, who, working days, documents, publicity, by programme; counties set their own by settings.

Pure declarations. A case freezes what holds at its place on the day it starts (`frozen`); what is set later is for later cases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from doudi.core.models import Duty
from doudi.core.parameters import Procedure, declare
from doudi.enrolment.rules import START_RULES, Start, start_at, start_parameter
from doudi.registry.models import Programme


class Step(TextChoices):
    """Steps in the order in which they are taken. Which ones a programme has stands in `PROCEDURES`."""

    ACCEPT = "accept", _("受理")
    CHECK = "check", _("经济状况核对")
    VISIT = "visit", _("入户调查")
    COUNTY_VISIT = "county_visit", _("县级入户核查")
    APPRAISAL = "appraisal", _("民主评议")
    OPINION = "opinion", _("初审意见")
    OBJECTION = "objection", _("异议处理")
    FEDERATION = "federation", _("残联审核")
    PUBLICITY = "publicity", _("公示")
    APPROVAL = "approval", _("审核确认")
    NOTICE = "notice", _("告知申请人")


class When(TextChoices):
    """When a step is taken: always, or only where the case calls for it."""

    ALWAYS = "always", _("必经环节")
    RELATIVES = "relatives", _("有近亲属备案时")
    APPRAISAL = "appraisal", _("异议转民主评议时")
    OBJECTION = "objection", _("有异议时")
    GRANT = "grant", _("拟予确认时")


DUTIES: dict[str, str] = {
    Step.ACCEPT: Duty.TOWNSHIP_OFFICER,
    Step.CHECK: Duty.DATA_CHECKER,
    Step.VISIT: Duty.TOWNSHIP_OFFICER,
    Step.COUNTY_VISIT: Duty.COUNTY_REVIEWER,
    Step.APPRAISAL: Duty.TOWNSHIP_OFFICER,
    Step.OPINION: Duty.TOWNSHIP_OFFICER,
    Step.OBJECTION: Duty.TOWNSHIP_OFFICER,
    Step.FEDERATION: Duty.FEDERATION_REVIEWER,
    Step.PUBLICITY: Duty.TOWNSHIP_OFFICER,
    Step.APPROVAL: Duty.COUNTY_APPROVER,
    Step.NOTICE: Duty.TOWNSHIP_OFFICER,
}
WHEN: dict[str, str] = {
    Step.COUNTY_VISIT: When.RELATIVES,
    Step.APPRAISAL: When.APPRAISAL,
    Step.OBJECTION: When.OBJECTION,
    Step.PUBLICITY: When.GRANT,
}


class Paper(TextChoices):
    """Documents (申请材料) that an application brings."""

    FORM = "form", _("救助申请书（含承诺）")
    IDENTITY = "identity", _("身份证、户口簿")
    INCOME = "income", _("家庭收入情况声明")
    PROPERTY = "property", _("家庭财产情况声明")
    ILLNESS = "illness", _("疾病诊断或费用材料")
    DISABILITY = "disability", _("残疾人证")
    CARE = "care", _("自理能力评估材料")
    PARENTS = "parents", _("父母情况证明材料")
    GUARDIAN = "guardian", _("监护人身份材料")
    EXPENSES = "expenses", _("刚性支出票据")
    ACCOUNT = "account", _("“一卡通”账户")


@dataclass(frozen=True)
class Way:
    """One programme's way. `days`: working days by step; `publicity_days`: calendar days, 0 for none; `total_days`: working days from
    acceptance to decision; `valid_months`: how long a confirmation holds, 0 until it is changed; `delegated`: the township confirms."""

    days: Mapping[str, int]
    documents: Mapping[str, bool]
    publicity_days: int
    total_days: int
    source: str
    delegated: bool = False
    valid_months: int = 0
    verified: frozenset[str] = frozenset()


_FAMILY: dict[str, bool] = {Paper.FORM: True, Paper.IDENTITY: True, Paper.INCOME: True, Paper.PROPERTY: True, Paper.ACCOUNT: True}
_CHECKED: dict[str, int] = {Step.ACCEPT: 2, Step.CHECK: 5, Step.VISIT: 5, Step.OPINION: 3, Step.APPROVAL: 10, Step.NOTICE: 3}
_DISABLED: dict[str, int] = {Step.ACCEPT: 2, Step.OPINION: 3, Step.FEDERATION: 5, Step.APPROVAL: 5, Step.NOTICE: 3}
_CHILD: dict[str, int] = {Step.ACCEPT: 2, Step.VISIT: 15, Step.OPINION: 5, Step.APPROVAL: 15, Step.NOTICE: 3}
_DIBAO = frozenset({"publicity_days", "approval_days", "notice_days"})

PROCEDURES: dict[str, Way] = {
    Programme.DIBAO: Way(_CHECKED, _FAMILY | {Paper.ILLNESS: False}, 7, 30, "豫民〔2022〕4号", verified=_DIBAO),
    Programme.DIBAO_SINGLE: Way(_CHECKED, _FAMILY | {Paper.ILLNESS: False, Paper.DISABILITY: False}, 7, 30, "豫民〔2022〕4号", verified=_DIBAO),
    Programme.TEKUN: Way(
        _CHECKED, {Paper.FORM: True, Paper.IDENTITY: True, Paper.PROPERTY: True, Paper.CARE: True, Paper.ACCOUNT: False}, 7, 30, "民发〔2021〕43号",
        verified=frozenset({"publicity_days"}),
    ),
    Programme.MARGINAL: Way(
        _CHECKED | {Step.APPROVAL: 5}, dict.fromkeys((Paper.FORM, Paper.IDENTITY, Paper.INCOME, Paper.PROPERTY), True), 7, 30, "豫民〔2022〕4号",
        delegated=True, verified=frozenset({"publicity_days", "approval_days", "delegated"}),
    ),
    Programme.RIGID: Way(
        _CHECKED | {Step.APPROVAL: 5}, dict.fromkeys((Paper.FORM, Paper.IDENTITY, Paper.INCOME, Paper.PROPERTY, Paper.EXPENSES), True), 7, 30,
        "《刚性支出困难家庭认定办法》", delegated=True, valid_months=12, verified=frozenset({"valid_months"}),
    ),
    Programme.ORPHAN: Way(
        _CHILD, {Paper.FORM: True, Paper.IDENTITY: True, Paper.PARENTS: True, Paper.GUARDIAN: True, Paper.ACCOUNT: True}, 0, 35, "民发〔2010〕161号",
        verified=frozenset({"publicity_days"}),
    ),
    Programme.UNSUPPORTED_CHILD: Way(
        _CHILD, {Paper.FORM: True, Paper.IDENTITY: True, Paper.PARENTS: True, Paper.GUARDIAN: True, Paper.ACCOUNT: True}, 0, 35, "民发〔2019〕62号",
        verified=frozenset({"publicity_days"}),
    ),
    Programme.DISABILITY_LIVING: Way(
        _DISABLED, {Paper.FORM: True, Paper.IDENTITY: True, Paper.DISABILITY: True, Paper.ACCOUNT: True}, 0, 20, "豫政〔2016〕60号"
    ),
    Programme.DISABILITY_NURSING: Way(
        _DISABLED, {Paper.FORM: True, Paper.IDENTITY: True, Paper.DISABILITY: True, Paper.ACCOUNT: True}, 0, 20, "豫政〔2016〕60号"
    ),
}  # fmt: skip
# Steps that appear where a case calls for them have one period each, whatever the programme.
CALLED = {Step.COUNTY_VISIT: 5, Step.APPRAISAL: 5, Step.OBJECTION: 15}
# What may be posted, and nothing else: never numbers, phone, account, illness (豫民〔2022〕4号).
PUBLIC_FIELDS = ("applicant", "members", "amount", "hotline", "date")
CHILDREN = (Programme.ORPHAN, Programme.UNSUPPORTED_CHILD)


def checked(programme: str) -> bool:
    """Whether the programme's way compares data, so that authorisations are owed."""
    return Step.CHECK in PROCEDURES[programme].days


def _parameters() -> Iterable[Procedure]:
    def one(name: str, label: Any, unit: str, default: int, way: Way, key: str, *, least: int = 0, most: int = 120) -> Procedure:
        return Procedure(f"procedure.case.{name}", label, unit, Decimal(default), way.source, key in way.verified, least, most)

    for programme, way in PROCEDURES.items():
        label = Programme(programme).label
        for step, days in way.days.items():
            yield one(f"{programme}.{step}_days", format_lazy("{}：{}", label, Step(step).label), "working days", days, way, f"{step}_days", least=1)
        if programme not in CHILDREN:  # 豫民: children are never posted
            yield one(f"{programme}.publicity_days", format_lazy("{}：{}", label, Step.PUBLICITY.label), "days", way.publicity_days, way, "publicity_days", most=60)
        yield one(f"{programme}.total_days", format_lazy("{}：{}", label, _("自受理至作出决定")), "working days", way.total_days, way, "total_days", least=1)
        yield one(f"{programme}.delegated", format_lazy("{}：{}", label, _("审核确认权限下放乡镇")), "switch", int(way.delegated), way, "delegated", most=1)
        rule = START_RULES[programme]
        yield Procedure(
            start_parameter(programme), format_lazy("{}：{}", label, _("自提出申请的当月起发放")), "switch",
            Decimal(int(rule.start == Start.MONTH_OF_APPLICATION)), rule.reference, rule.verified, 0, 1,
        )  # fmt: skip
        if way.valid_months:
            yield one(f"{programme}.valid_months", format_lazy("{}：{}", label, _("认定有效期")), "months", way.valid_months, way, "valid_months", least=1, most=36)
        for paper, required in way.documents.items():
            yield one(f"{programme}.document.{paper}", format_lazy("{}：{}", label, Paper(paper).label), "switch", int(required), way, "documents", most=1)
    for step, days in CALLED.items():
        verified = step == Step.OBJECTION  # 民发〔2021〕43号: 15 working days
        yield Procedure(f"procedure.case.{step}_days", Step(step).label, "working days", Decimal(days), "民发〔2021〕43号" if verified else "系统默认", verified, 1, 120)
    yield Procedure("procedure.case.supplement_days", _("补正材料期限"), "working days", Decimal(10), "系统默认", False, 1, 120)
    yield Procedure("procedure.case.authorisation_months", _("核对授权有效期"), "months", Decimal(12), "系统默认", False, 1, 60)


def declare_parameters() -> None:
    """Add the procedures' parameters, at start-up."""
    declare(*_parameters())


Get = Callable[[str], Decimal]


def frozen(programme: str, *, on: date, get: Get) -> dict[str, Any]:
    """The way as it holds on a day (`get`: value of a parameter at the place): JSON that a case keeps, with its own hash."""
    way = PROCEDURES[programme]
    name = f"procedure.case.{programme}"
    publicity = 0 if programme in CHILDREN else int(get(f"{name}.publicity_days"))
    delegated = bool(get(f"{name}.delegated"))
    steps = []
    for step in Step:
        if step in CALLED:
            # an objection needs something posted; relatives are visited where somebody is visited
            if (Step.VISIT not in way.days) if step == Step.COUNTY_VISIT else not publicity:
                continue
            days = int(get(f"procedure.case.{step}_days"))
        elif step == Step.PUBLICITY:
            if not publicity:
                continue
            days = publicity
        elif step in way.days:
            days = int(get(f"{name}.{step}_days"))
        else:
            continue
        duty = str(Duty.TOWNSHIP_OFFICER.value) if step == Step.APPROVAL and delegated else DUTIES[step]
        steps.append({"step": step.value, "days": days, "duty": str(duty), "when": str(WHEN.get(step, When.ALWAYS))})
    made = {
        "programme": str(programme), "on": on.isoformat(), "steps": steps, "publicity_days": publicity, "delegated": delegated,
        "total_days": int(get(f"{name}.total_days")), "valid_months": int(get(f"{name}.valid_months")) if way.valid_months else 0,
        "documents": [{"paper": str(paper), "required": bool(get(f"{name}.document.{paper}"))} for paper in way.documents],
        "supplement_days": int(get("procedure.case.supplement_days")), "start": start_at(programme, get), "source": way.source,
    }  # fmt: skip
    return made | {"hash": hashlib.sha256(json.dumps(made, sort_keys=True, ensure_ascii=False).encode()).hexdigest()}


def entry(way: Mapping[str, Any], step: str) -> dict[str, Any]:
    """A step of a frozen way. Raises KeyError where it has none of that name."""
    for each in way["steps"]:
        if each["step"] == step:
            return dict(each)
    raise KeyError(step)


def next_step(way: Mapping[str, Any], *, done: Iterable[str], called: Iterable[str]) -> str:
    """The first step of a frozen way that is neither done nor needless (`called`: values of `When` that hold); `` at the end."""
    over, holds = set(done), {str(When.ALWAYS), *called}
    return next((each["step"] for each in way["steps"] if each["step"] not in over and each["when"] in holds), "")
