"""Every number of the board and of the workbench that has a link opens a list of as many rows, within the reader's scope: on a county in which work of all
rooms lies about, old and new, done and undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from doudi.community.services import derive
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Lead
from doudi.discovery.services import make_due, raise_lead, record_visit
from doudi.discovery.services.visits import Result
from doudi.institutions.tests.world import Home
from doudi.needs.tests.world import Place
from doudi.payments.tests.world import NOVEMBER, NOW, award
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE, household, id_number
from doudi.reports import services

pytestmark = pytest.mark.django_db
COUNTY, TOWN = VILLAGE[:6], VILLAGE[:9]
TODAY = date(2022, 12, 5)
FIGURE = re.compile(r'<a href="([^"]+)"(?: class="late")?><small>([^<]*)</small><strong>([^<]*?)(?: <i>([^<]*)</i>)?</strong>')
CELL = re.compile(r'data-l="([^"]*)"><a href="([^"]+)">([^<]+)</a>')
ELSEWHERE = {"待打印明白卡"}
"""What opens the page where the work is done, which divides the number by village."""


@pytest.fixture
def lying_about(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        given = [award(area=area, programme=programme, starts=NOVEMBER) for area, programme in ((VILLAGE, "dibao"), (OTHER_VILLAGE, "dibao"), (VILLAGE, "tekun"))]
    place, home = Place(), Home()
    for name, area in (("王长顺", VILLAGE), ("赵大娘", OTHER_VILLAGE)):
        household(place.town, name=name, area=area, id_number=id_number(date(1940, 3, 1)))
    with scopes.acting(scopes.Scope(area=COUNTY, duty=WORKER, page="test", acts=frozenset({"community.derive"}))):
        derive(area=COUNTY, on=TODAY, now=NOW)
    for back in (70, 1):
        with scopes.acting(scopes.Scope(area=COUNTY, duty=WORKER, page="test", acts=frozenset({"visits.due"}))):
            make_due(area=COUNTY, on=TODAY - timedelta(days=back), now=NOW - timedelta(days=back))
    for days in (40, 2):
        then = NOW - timedelta(days=days)
        with scopes.acting(place.visitor):
            record_visit(uuid=uuid4(), household_id=given[0].household.pk, done_at=then, now=then, result=Result("self", "steady"))
        place.reported(place.taken(place.raised(now=then), now=then), now=then)
        place.raised(now=then, what="没有米了", urgency="red")
        with scopes.acting(place.town):
            lead = raise_lead(channel="team", source=f"team:{days}", area=VILLAGE, reason="生活困难", urgency="red", now=then)
            if days == 2:
                Lead.objects.filter(pk=lead.pk).update(contacted_at=NOW, state="contacted")
    home.reported(on=TODAY - timedelta(days=1), now=NOW - timedelta(days=1))
    with scopes.acting(scopes.Scope(area=COUNTY, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
        services.count_month(area=COUNTY, month=TODAY.replace(day=1), now=NOW)
    yield


def behind(client: Client, url: str) -> Decimal | None:
    """How many a page lists, or what its rows add up to; the number as it is divided by place; None for a page that is neither."""
    context: Any = client.get(url.replace("&amp;", "&"), follow=True).context
    if "now" in context and "differs" in context:
        assert not context["differs"]
        return Decimal(context["now"].replace(",", ""))
    if "page" in context and hasattr(context["page"], "count"):
        return Decimal(context["page"].count)
    return Decimal(str(context["whole"]).replace(",", "")) if "whole" in context else None


def numbers(client: Client, page: str) -> list[tuple[str, str, str]]:
    """(words, address, value) of a page's figures and of its table of places."""
    text = client.get(reverse(page)).content.decode()
    found = [(words, url, value) for url, words, value, _unit in FIGURE.findall(text)]
    places = text.split('id="places"')[1].split("</table>")[0] if 'id="places"' in text else ""
    return found + CELL.findall(places)


@pytest.mark.usefixtures("lying_about")
def test_every_number_with_a_link_opens_a_list_of_as_many() -> None:
    for duty, area, least in ((Duty.SUPERVISOR, "41", 8), (Duty.COUNTY_REVIEWER, COUNTY, 12), (Duty.TOWNSHIP_OFFICER, TOWN, 8)):
        client, told = client_of(officer(duty, area)), []
        for page in ("reports:board", "dashboard"):
            for words, url, value in numbers(client, page):
                if "%" in value or value in ("—", "0") or words in ELSEWHERE or (listed := behind(client, url)) is None:
                    continue
                assert listed == Decimal(value.replace(",", "")), (duty, page, words, url)
                told.append((words, value))
        assert len({words for words, _value in told}) >= least, told
    client = client_of(officer(Duty.TOWNSHIP_OFFICER, TOWN))
    text = client.get(reverse("reports:statistics")).content.decode()
    found = re.findall(r'<li><div>([^<]*)</div><span><a href="([^"]+)">([\d,.]+) ', text)
    assert len(found) > 30
    for words, url, value in found:
        if value.strip("0.,"):
            assert behind(client, url) == Decimal(value.replace(",", "")), (words, url)


@pytest.mark.usefixtures("lying_about")
def test_payrolls_are_a_county_s_alone_and_a_month_that_has_gone_leads_to_its_own_numbers() -> None:
    county, town = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY)), client_of(officer(Duty.TOWNSHIP_OFFICER, TOWN))
    assert "应发放</div>" in county.get(reverse("reports:statistics")).content.decode()
    for name in ("reports:statistics", "reports:trends"):
        page = town.get(reverse(name)).content.decode()
        assert "应发放</div>" not in page and "— 元" not in page and "10日前到账" not in page, name
    assert town.get(reverse("reports:number"), {"key": "regular.yuan"}).context["whole"] == "—", "which is not nought"
    with scopes.acting(scopes.Scope(area=COUNTY, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
        services.count_month(area=COUNTY, month=date(2022, 10, 1), now=NOW - timedelta(days=50))
        services.count_month(area=COUNTY, month=date(2022, 9, 1), now=NOW)  # counted later than it ran: nobody knows what waited
    client = client_of(officer(Duty.SUPERVISOR, "4101"))
    assert "key=now.leads.open&amp;area=4101&amp;month=2022-10" in client.get(reverse("reports:board"), {"month": "2022-10"}).content.decode()
    text = client.get(reverse("reports:board"), {"month": "2022-09"}).content.decode()
    assert "key=now.leads.open" not in text
    late = re.findall(r'data-l="超期线索 条">([^<]*)<', text)
    assert late in ([], ["—"]) and not re.search(r'data-l="超期线索 条"><a', text)


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "1999-12", "x"])
def test_a_month_of_no_calendar_is_no_error(month: str) -> None:
    client = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY))
    for name in ("reports:board", "reports:number", "reports:statistics", "reports:workbook", "reports:trends", "reports:behind"):
        answer = client.get(reverse(name), {"key": "dibao.rural.people", "month": month, "level": "12"})
        assert answer.status_code in (200, 302), name
