"""Pages of price linkage: what each duty sees and does there."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, client_of, officer
from doudi.payments.tests.world import award
from doudi.relief.models import PriceEntry, PriceProposal
from doudi.relief.tests.price_world import City

pytestmark = pytest.mark.django_db
TODAY = datetime(2022, 12, 12, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True)
def december() -> object:
    with time_machine.travel(TODAY, tick=False):
        yield


def test_3_3_a_month_goes_from_the_bulletin_to_entitlements_on_the_pages(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    city = City()
    with scopes.acting(scopes.Scope(area="41", account_id=city.reviewer.account_id)):
        for _ in range(3):
            award(members=2)
    first, second, reviewer, approver = (client_of(each) for each in (city.first, city.second, city.reviewer, city.approver))
    given = {"area": "4101", "month": "2022-11", "cpi": "102.6", "source": "调查队", "document": "公报"}
    assert "填涨幅" in first.post(reverse("relief:price_enter"), given).content.decode()
    given |= {"cpi": "3.1", "food": "5", "scpi": "2.4"}
    assert first.post(reverse("relief:price_enter"), given).status_code == 302
    with scopes.acting(city.first):
        entry = PriceEntry.objects.get()
    page = reverse("relief:price_entry", args=[entry.pk])
    assert "待本级另一名工作人员确认" in first.get(page).content.decode()
    assert first.post(page, {"act": "confirm"}).status_code == 403
    assert second.post(page, {"act": "confirm"}).status_code == 302
    with django_assert_max_num_queries(30):
        said = reviewer.get(reverse("relief:prices")).content.decode()
    assert "2022-12-30" in said and "3.1%" in said and "启动" in said
    with django_assert_max_num_queries(30):
        said = reviewer.get(reverse("relief:price_month", args=["2022-12"])).content.decode()
    assert "达到启动条件 3%" in said and "提出本月补贴" in said and "发改价格〔2021〕1553号" in said
    assert approver.post(reverse("relief:price_propose", args=["2022-12"])).status_code == 403
    assert reviewer.post(reverse("relief:price_propose", args=["2022-12"])).status_code == 302
    with scopes.acting(city.reviewer):
        made = PriceProposal.objects.get()
    page = reverse("relief:price_proposal", args=[made.pk])
    assert made.people == 6 and "6 人形成一次性待遇" not in reviewer.get(page).content.decode()
    assert "6 人形成一次性待遇" in approver.get(page).content.decode()
    assert approver.post(page, {"act": "approve", "version": "1"}).status_code == 302
    assert "可能已由他人办理" in approver.post(page, {"act": "approve", "version": "1"}).content.decode()
    assert reviewer.get(reverse("relief:price_claims", args=[made.pk])).content.decode().count("低保对象") >= 6
    assert b"".join(reviewer.get(reverse("relief:price_claims", args=[made.pk]) + "?export=xlsx"))[:2] == b"PK"
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410181")).get(page).status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get(reverse("relief:price_claims", args=[made.pk])).status_code == 403


@pytest.mark.parametrize("text", ["2022-13", "abc", "0001-01", "2022-1-1", "9999-12"])
def test_a_month_that_is_none_is_not_found(text: str) -> None:
    assert client_of(officer(Duty.COUNTY_REVIEWER)).get(f"/prices/{text}/").status_code == 404


def test_3_3_the_province_sees_every_city_and_a_visitor_nothing() -> None:
    client = client_of(officer(Duty.SUPERVISOR, "41"))
    said = client.get(reverse("relief:prices") + "?area=4103").content.decode()
    assert "洛阳市" in said and "指数待录入" in said
    assert client.get(reverse("relief:price_month", args=["2022-12"]) + "?area=4103").status_code == 200
    assert client_of(officer(Duty.VISITOR, COUNTY + "101201")).get(reverse("relief:prices")).status_code == 403
    assert "郑州" in client_of(officer(Duty.SUPERVISOR, "4101")).get(reverse("relief:prices") + "?area=4103").content.decode()


def test_3_3_the_command_tells_a_month() -> None:
    from typer.testing import CliRunner

    from doudi.relief.commands import app

    wrong = CliRunner().invoke(app, ["prices", "--month", "2022-13"])
    assert wrong.exit_code == 2 and "2022-13" in wrong.output
    City().confirmed("3.0", "1.0", "2.5")
    done = CliRunner().invoke(app, ["prices", "--area", "4101", "--month", "2022-12", "--json"])
    assert done.exit_code == 0 and '"started": true' in done.output and '"rise": 2.5' in done.output


def test_3_3_the_command_refuses_a_county() -> None:
    from typer.testing import CliRunner

    from doudi.relief.commands import app

    refused = CliRunner().invoke(app, ["prices", "--area", COUNTY])
    assert refused.exit_code == 2 and "以市为单位" in refused.output
