"""The demo's budget of 2023: a scenario that went up to the city, and an alternative with higher standards. Shares and documents are examples."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

if TYPE_CHECKING:
    from doudi.budget.models import Scenario
    from doudi.demo.job import Demo

YEAR, BASE = 2023, date(2022, 12, 1)
EXAMPLE = "示例：县财政分担办法"
SHARES = (
    ("assistance", "central", 62), ("assistance", "province", 18), ("assistance", "city", 5), ("assistance", "county", 12),
    ("disability", "province", 50), ("disability", "county", 50),
)  # fmt: skip
COVERED = ["dibao", "dibao_single", "tekun"]
BASIC: tuple[dict[str, Any], ...] = (
    {
        "kind": "one_off", "way": "each", "value": Decimal(200), "programmes": COVERED, "starts": date(2023, 1, 1), "fund_id": 1, "label": "春节一次性补助",
        "reason": "示例：参照上年春节慰问安排",
    },
    {
        "kind": "price_months", "way": "each", "value": Decimal(20), "programmes": COVERED, "starts": date(2023, 1, 1), "ends": date(2023, 3, 1),
        "reason": "示例：阶段性扩围到 2023 年 3 月，按每月 20 元预留",
    },
)  # fmt: skip
ALTERNATIVE: tuple[dict[str, Any], ...] = (
    {
        "kind": "standard",
        "way": "percent",
        "value": Decimal(5),
        "parameter": "dibao.standard",
        "starts": date(2023, 7, 1),
        "reason": "示例：参照近三年提标时间和幅度",
    },
    {
        "kind": "standard",
        "way": "percent",
        "value": Decimal(5),
        "parameter": "dibao.payment.band",
        "starts": date(2023, 7, 1),
        "reason": "示例：各档随标准同幅提高",
    },
    {
        "kind": "recipients",
        "way": "percent",
        "value": Decimal(3),
        "programmes": ["dibao", "dibao_single"],
        "reason": "示例：主动发现后低保对象近一年净增 3%",
    },
)


def budgets(demo: Demo) -> None:
    """Made, checked and submitted by different people; what is there already is left as it is."""
    from doudi.budget.models import Scenario
    from doudi.budget.services import course, scenarios
    from doudi.demo.job import at

    demo.tell("下年预算", 0, 3)
    reviewer, finance, approver = (
        by_duty(demo.staff, duty).scope("doudi demo") for duty in (Duty.COUNTY_REVIEWER, Duty.FINANCE_OFFICER, Duty.COUNTY_APPROVER)
    )
    _shares(reviewer, approver, at(date(2022, 12, 5)))
    basic = _made(reviewer, "基本方案", "按现行标准和在享对象", now=at(date(2022, 12, 6)), more=BASIC)
    demo.tell("下年预算", 1, 3)
    with scopes.acting(finance):
        row = Scenario.objects.get(pk=basic.pk)
        if row.state == Scenario.State.DRAFT:
            course.check_scenario(scenario_id=row.pk, version=row.version, note="与上年执行数核对一致", now=at(date(2022, 12, 7)))
    with scopes.acting(approver):
        row = Scenario.objects.get(pk=basic.pk)
        if row.state == Scenario.State.CHECKED:
            course.submit_scenario(scenario_id=row.pk, version=row.version, note="同意上报", now=at(date(2022, 12, 8)))
    demo.tell("下年预算", 2, 3)
    with scopes.acting(reviewer):
        if not Scenario.objects.filter(area=demo.area, year=YEAR, name="提标方案").exists():
            copied = scenarios.copy_scenario(scenario_id=basic.pk, name="提标方案", now=at(date(2022, 12, 8), 11))
            for each in ALTERNATIVE:
                scenarios.add_assumption(scenario_id=copied.pk, now=at(date(2022, 12, 8), 11), **each)
            scenarios.calculate(scenario_id=copied.pk, now=at(date(2022, 12, 8), 12))
        demo.figures["budget"] = {each.name: f"{each.amount:.2f}" for each in Scenario.objects.filter(area=demo.area, year=YEAR).order_by("id")}
    demo.tell("下年预算", 3, 3)


def _made(reviewer: scopes.Scope, name: str, note: str, *, now: datetime, more: tuple[dict[str, Any], ...]) -> Scenario:
    from doudi.budget.models import Scenario
    from doudi.budget.services import scenarios

    with scopes.acting(reviewer):
        known = Scenario.objects.filter(area=reviewer.area, year=YEAR, name=name).first()
        if known is not None:
            return known
        row = scenarios.create_scenario(year=YEAR, name=name, basis="awards", base_month=BASE, note=note, now=now)
        for each in more:
            scenarios.add_assumption(scenario_id=row.pk, now=now, **each)
        return scenarios.calculate(scenario_id=row.pk, now=now)


def _shares(reviewer: scopes.Scope, approver: scopes.Scope, now: datetime) -> None:
    """What each level pays: settings of the county, proposed by one officer and confirmed by another."""
    from doudi.budget.procedures import share_of
    from doudi.core.models import Setting
    from doudi.core.services.settings import confirm_setting, propose_setting

    for fund, level, share in SHARES:
        with scopes.acting(reviewer):
            name = share_of(fund, level)
            if Setting.objects.filter(parameter=name, area=reviewer.area).exists():
                continue
            row = propose_setting(parameter=name, area=reviewer.area, starts=date(2023, 1, 1), value=str(share), document=EXAMPLE, now=now)
        with scopes.acting(approver):
            confirm_setting(setting_id=row.pk, now=now)
