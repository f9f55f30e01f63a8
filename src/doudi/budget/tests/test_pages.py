"""Pages of the budget: what each duty sees and does there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from python_calamine import CalamineWorkbook

from doudi.budget.models import Figure, Level, Scenario
from doudi.budget.services import scenarios
from doudi.budget.tests.world import NOW, World
from doudi.core import scope as scopes
from doudi.core.models import Duty, TaskProgress
from doudi.core.tests.officers import COUNTY, client_of, officer
from doudi.payments.models import Fund

pytestmark = pytest.mark.django_db
TODAY = datetime(2022, 11, 25, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(TODAY, tick=False):
        yield


def test_4_4_a_budget_goes_from_a_new_scenario_to_the_citys_page(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    world = World()
    world.people()
    reviewer, finance, approver, city = (client_of(each) for each in (world.reviewer, world.finance, world.approver, world.city))
    assert "还没有这一年度的预算方案" in reviewer.get(reverse("budget:index")).content.decode()
    given = {"year": "2023", "name": "基本方案", "base_month": "2022-11", "basis": "awards", "note": ""}
    assert reviewer.post(reverse("budget:new"), given).status_code == 302
    with scopes.acting(world.reviewer):
        row = Scenario.objects.get()
    page, act = reverse("budget:scenario", args=[row.pk]), reverse("budget:act", args=[row.pk])
    assert "临时救助" in reviewer.get(page).content.decode()  # the assumption that a new scenario begins with
    form = {"way": "percent", "value": "5", "parameter": "dibao.standard", "starts": "2023-07", "reason": ""}
    assert "来源" in reviewer.post(reverse("budget:assume", args=[row.pk, "standard"]), form).content.decode()
    assert reviewer.post(reverse("budget:assume", args=[row.pk, "standard"]), form | {"reason": "省厅通知"}).status_code == 302
    assert reviewer.post(act, {"act": "calculate"}).status_code == 302
    with scopes.acting(world.reviewer):
        assert TaskProgress.objects.filter(task_path="doudi.budget.tasks.calculate", arguments={"scenario": row.pk}).exists()
    world.calculated(row)
    with scopes.acting(world.reviewer):
        fund = Fund.objects.get(code="assistance")
    source = reverse("budget:source", args=[row.pk, fund.pk, Level.CENTRAL])
    assert "依据" in reviewer.post(source, {"share": "60"}).content.decode()
    assert reviewer.post(source, {"share": "60", "basis": "豫财社〔2022〕1号"}).status_code == 302
    with django_assert_max_num_queries(40):
        said = reviewer.get(page).content.decode()
    assert "最低生活保障" in said and "省厅通知" in said and "60.00%" in said and "送财政复核" in said
    with django_assert_max_num_queries(30):
        opened = reviewer.get(reverse("budget:item", args=[row.pk, fund.pk, "dibao"])).content.decode()
    assert "2 人，按当月标准依法测算 1,500.00 元" in opened and "57号" in opened and "750" in opened and "787.50" in opened and "省厅通知" in opened
    reviewer.post(act, {"act": "ask"})
    with scopes.acting(world.finance):
        version = str(Scenario.objects.get().version)
    assert reviewer.post(act, {"act": "check", "version": version}).status_code == 302  # told that it is not theirs
    assert "复核无误" not in reviewer.get(page).content.decode() and "复核无误" in finance.get(page).content.decode()
    finance.post(act, {"act": "check", "version": version})
    finance.post(act, {"act": "check", "version": version})
    with scopes.acting(world.finance):
        checked = Scenario.objects.get()
    assert checked.state == "checked"
    approver.post(act, {"act": "submit", "version": str(checked.version)})
    with django_assert_max_num_queries(30):
        said = city.get(reverse("budget:counties")).content.decode()
    assert "已上报" in said and "未编制" in said and f"{checked.amount:,.2f}" in said
    assert "接受" in city.get(page).content.decode()
    city.post(act, {"act": "return", "version": str(checked.version + 1), "note": "临时救助偏低，请补充说明"})
    assert "临时救助偏低" in reviewer.get(page).content.decode()
    printed = reviewer.get(reverse("budget:print", args=[row.pk])).content.decode()
    assert "预算申报表" in printed and "中央" in printed and "省厅通知" in printed
    made = reviewer.get(reverse("budget:pdf", args=[row.pk]))
    assert made.status_code == 302 or made.content.startswith(b"%PDF")
    book = CalamineWorkbook.from_filelike(BytesIO(reviewer.get(reverse("budget:xlsx", args=[row.pk])).content))
    *_items, whole = sheet = book.get_sheet_by_index(0).to_python()
    funds = [line[4:] for line in sheet if line[1] == "小计"]
    assert whole[0] == "合计" and [round(sum(month), 2) for month in zip(*funds, strict=True)] == whole[4:] and whole[-1] == float(checked.amount)
    assert city.get(reverse("budget:counties_xlsx")).content[:2] == b"PK"


def test_4_4_scenarios_stand_side_by_side_with_their_differences(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    world = World()
    world.people()
    first = world.calculated(world.scenario())
    with scopes.acting(world.reviewer):
        second = scenarios.copy_scenario(scenario_id=first.pk, name="提标方案", now=NOW)
    world.assume(second, "standard", "percent", "10", parameter="dibao.standard", starts=first.base_month.replace(year=2023, month=1))
    second = world.calculated(second)
    with django_assert_max_num_queries(40):
        said = client_of(world.reviewer).get(reverse("budget:compare") + "?year=2023").content.decode()
    assert second.amount > first.amount and "基本方案" in said and "提标方案" in said and f"+{second.amount - first.amount:,.2f}" in said
    with scopes.acting(world.reviewer):
        assert Figure.objects.filter(scenario=second, item="dibao", month="2023-01-01").get().amount == Decimal("1650.00")


def test_4_4_other_counties_and_duties_do_not_reach_a_budget() -> None:
    world = World()
    row = world.scenario()
    page = reverse("budget:scenario", args=[row.pk])
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410181")).get(page).status_code == 404
    assert client_of(officer(Duty.SUPERVISOR, "4103")).get(page).status_code == 404
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, COUNTY + "101")).get(page).status_code == 403
    assert client_of(world.finance).get(reverse("budget:new")).status_code == 403
    assert client_of(world.city).get(reverse("budget:index")).status_code == 302
    stranger = client_of(officer(Duty.COUNTY_REVIEWER, "410181"))
    assert stranger.post(reverse("budget:act", args=[row.pk]), {"act": "calculate"}).status_code == 404
    assert stranger.get(reverse("budget:compare") + "?area=410122").status_code == 200
    assert client_of(world.reviewer).post(reverse("budget:act", args=[row.pk]), {"act": "burn"}).status_code == 404
    for bad in ("?year=abc", "?year=99999999999", "?year=-1", "?area=9999"):
        assert client_of(world.city).get(reverse("budget:counties") + bad).status_code == 200
