"""Pages to read (1.3): kept for a minute, in two languages, without script; publicity masked, in its days, and never of minors or of illness."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from doudi.core import doors
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.enrolment.models import Application, Case, Publicity
from doudi.portal import policies, queries
from doudi.portal.tests.world import COUNTY, NOW, ON, VILLAGE
from doudi.portal.views.base import forget
from doudi.registry.tests import helpers

pytestmark = pytest.mark.django_db
READ = ["/portal/", f"/portal/?county={COUNTY}", f"/portal/policies/?county={COUNTY}", f"/portal/policies/tekun/?county={COUNTY}", f"/portal/hotlines/?county={COUNTY}",
        f"/portal/publicity/?county={COUNTY}", f"/portal/publicity/{VILLAGE}/"]  # fmt: skip


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def post(programme: str, name: str, *, born: date = date(1960, 5, 4), starts: date = ON, days: int = 7, state: str = "running") -> None:
    """Something posted in the village for a household whose applicant was born then."""
    town = officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])
    home = helpers.household(town, area=VILLAGE, name=name, members=[], id_number=helpers.id_number(born))
    with scopes.acting(town):
        person = home.memberships.get().person
        application = Application.objects.create(
            area=VILLAGE, number=f"SQ{home.pk:015d}", household=home, applicant=person, channel="counter", applied_on=ON, made_at=NOW
        )
        case = Case.objects.create(
            area=VILLAGE, application=application, household=home, programme=programme, procedure={}, step="publicity", duty="township_officer", made_at=NOW,
        )  # fmt: skip
        Publicity.objects.create(
            area=VILLAGE, case=case, programme=programme, starts=starts, ends=starts + timedelta(days=days), state=state, posted_by_id=town.account_id, posted_at=NOW,
            shown={"applicant": name, "members": 2, "amount": "420.00", "hotline": "0371-62160000", "date": starts.isoformat()},
        )  # fmt: skip


def test_1_3_publicity_is_masked_and_gone_when_its_days_are_over(visitor: Client) -> None:
    post("dibao", "司马公示")
    url = f"/portal/publicity/{VILLAGE}/"
    page = visitor.get(url)
    html = page.content.decode()
    assert "司**示" in html and "司马公示" not in html and "420.00" in html and "2022-12-01" in html and "noarchive" in page["X-Robots-Tag"]
    assert VILLAGE in visitor.get(f"/portal/publicity/?county={COUNTY}").content.decode()
    assert VILLAGE in visitor.get(f"/portal/?county={COUNTY}").content.decode()
    for day, shown in (("2022-12-01 23:59+08:00", True), ("2022-12-02 00:00+08:00", False), ("2022-11-24 12:00+08:00", False)):
        with time_machine.travel(day, tick=False):  # what was kept the day before is not shown after midnight
            assert ("司**示" in visitor.get(url).content.decode()) is shown


def test_1_3_no_minors_no_childrens_programmes_and_nothing_of_illness(visitor: Client) -> None:
    post("dibao", "未成年人", born=date(2008, 1, 1))
    post("disability_nursing", "护理补贴")
    post("dibao_single", "单独申请")
    post("tekun", "停止公示", state="stopped")
    rows = queries.posted(VILLAGE, ON)
    assert [(row.applicant, row.programme) for row in rows] == [("单**请", "最低生活保障")], "who applies alone is told as dibao"


def test_1_3_who_turns_eighteen_on_the_day_is_no_minor() -> None:
    post("dibao", "刚满十八", born=date(2004, 11, 25))
    post("dibao", "还差一天", born=date(2004, 11, 26))
    assert [row.applicant for row in queries.posted(VILLAGE, ON)] == ["刚**八"]


@pytest.mark.parametrize("url", READ)
def test_1_3_pages_to_read_are_kept_and_make_few_queries(visitor: Client, url: str, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    visitor.get(url)
    forget()
    with django_assert_max_num_queries(24):
        page = visitor.get(url)
    assert page.status_code == 200 and "public" in page["Cache-Control"] and "max-age=60" in page["Cache-Control"]
    assert "Cookie" in page["Vary"] and "Accept-Language" in page["Vary"] and not page.cookies
    html = page.content.decode()
    assert "csrfmiddlewaretoken" not in html and "<script>" not in html and " style=" not in html and "onclick" not in html
    with django_assert_max_num_queries(0):
        assert visitor.get(url).content == page.content


def test_1_3_what_is_kept_differs_by_language_look_and_place_and_not_by_what_strangers_add(visitor: Client) -> None:
    home = visitor.get("/portal/").content
    english = visitor.get("/portal/", headers={"Accept-Language": "en"}).content.decode()
    assert "In difficulty? Tell us" in english and "有困难，告诉我们" in home.decode()
    visitor.get("/portal/?county=410122&x=<b>evil</b>")
    assert b"evil" not in visitor.get(f"/portal/?county={COUNTY}").content
    large = visitor.get("/look/public/?large=1&next=/portal/")
    assert large["Location"] == "/portal/" and 'class="site large"' in visitor.get("/portal/").content.decode()
    assert visitor.get("/look/public/?language=en&next=//evil.example/").headers["Location"] == "/"


@pytest.mark.parametrize("url", ["/portal/policies/none/", "/portal/publicity/410122/", "/portal/publicity/999999999999/", "/portal/publicity/41012210120'/"])
def test_1_3_addresses_that_there_are_not(visitor: Client, url: str) -> None:
    assert visitor.get(url).status_code == 404


@pytest.mark.parametrize("code", [policy.code for policy in policies.POLICIES])
def test_1_3_each_policy_names_its_source_and_the_countys_amounts(visitor: Client, code: str) -> None:
    told = policies.told(policies.BY_CODE[code], COUNTY, ON)
    html = visitor.get(f"/portal/policies/{code}/?county={COUNTY}").content.decode()
    assert told.source in html and (told.figures or code == "prices")
    for figure in told.figures:
        assert figure.value in html and figure.since in html


def test_1_3_every_door_leads_somewhere_without_sign_in(visitor: Client) -> None:
    large, others = doors.shown()
    assert len(large) == doors.LARGE and {door.code for door in (*large, *others)} >= {"report", "apply", "follow", "child"}
    for door in (*large, *others):
        assert visitor.get(door.url).status_code == 200, door.code


def test_1_3_officers_without_the_duty_do_not_see_what_came(visitor: Client) -> None:
    answers: list[Any] = [visitor.get(url) for url in ("/portal/applications/", "/portal/applications/1/")]
    assert [answer.status_code for answer in answers] == [302, 302]
