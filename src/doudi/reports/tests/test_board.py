"""The board: each number opens the list that it counts, levels add up, each duty sees its own, and pages ask a bounded number of queries."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import resolve, reverse

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.lists import ListPage
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, VILLAGE, client_of, officer
from doudi.discovery.models import Lead
from doudi.enrolment.models import AwardMember
from doudi.institutions.models import ReportDue
from doudi.institutions.tests.world import Home
from doudi.payments.tests.world import MONTH, NOVEMBER, NOW, award
from doudi.registry.models import Household
from doudi.reports import behind, board, queries, services, standing
from doudi.reports.models import CountyFigure, MonthlyFigure
from doudi.reports.statistics import KEYS

pytestmark = pytest.mark.django_db
OTHER = "410122102201"
SIGNAL = datetime(2022, 12, 1, 1, tzinfo=UTC)


def count(month: date = MONTH, area: str = COUNTY, now: datetime = NOW) -> dict[str, Decimal]:
    with scopes.acting(scopes.Scope(area=area, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
        services.count_month(area=area, month=month, now=now)
        return queries.sums(area, month)


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dibao in two townships, tekun; four leads: one waits since long, contacted after 0, 2 and 2 days, one of them helped after 3."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(members=2, starts=NOVEMBER)
        award(area=OTHER, starts=NOVEMBER)
        award(programme="tekun", starts=NOVEMBER)
        household = Household.objects.filter(area=VILLAGE).first()
        for number, days in enumerate((None, 0, 2, 2)):
            contacted = None if days is None else SIGNAL.replace(day=1 + days)
            Lead.objects.create(
                area=VILLAGE, number=f"T{number}", channel="visitor", household=household, subject_name="甲", reason="test", urgency="yellow",
                state="new" if days is None else "contacted", signal_at=SIGNAL, contact_due=date(2022, 12, 2), verify_due=date(2023, 1, 20), contacted_at=contacted,
                helped_at=SIGNAL.replace(day=4) if number == 3 else None, merge_key=f"t{number}", situation=f"t{number}",
            )  # fmt: skip


def test_every_figure_names_a_list_and_the_act_of_its_page() -> None:
    for figure in standing.FIGURES.values():
        page = resolve(reverse(figure.page)).func.view_class
        assert issubclass(page, ListPage) and figure.act in duties.MAY
        fields = page.filters.base_filters if page.filters else {}
        assert {name for name, _value in figure.given} <= set(fields), figure.key
        assert page.act == figure.act, figure.key


@pytest.mark.usefixtures("some")
def test_numbers_of_what_waits_equal_their_lists() -> None:
    reviewer = officer(Duty.COUNTY_REVIEWER)
    client = client_of(reviewer)
    shown = {}
    with scopes.acting(reviewer):
        for key in ("leads.open", "leads.late", "awards.active", "cases.open", "reviews.open", "returns.open", "needs.late", "care.bare", "houses.silent"):
            figure = standing.FIGURES[key]
            shown[key] = (standing.live(figure, COUNTY), standing.live(figure, VILLAGE[:9]), figure.url(COUNTY), figure.url(VILLAGE[:9]))
    assert shown["leads.open"][:2] == (4, 4) and shown["leads.late"][0] == 1 and shown["awards.active"][:2] == (3, 2)
    for key, (whole, part, url, narrowed) in shown.items():
        for number, address in ((whole, url), (part, narrowed)):
            text = re.sub(r"<[^>]+>", "", client.get(address).content.decode())
            said = re.search(r"共 ([\d,]+) 条", text)
            assert (int(said[1].replace(",", "")) if said else 0) == number, (key, address)


@pytest.mark.usefixtures("some")
def test_a_supervisors_link_into_a_county_lists_that_county_alone() -> None:
    supervisor = officer(Duty.SUPERVISOR, "41")
    with scopes.acting(supervisor):
        figure = standing.FIGURES["awards.active"]
        assert standing.live(figure, COUNTY) == 3 and standing.live(figure, "410105") == 0
        url = figure.url(VILLAGE[:9])
    page = client_of(supervisor).get(url).content.decode()
    assert "共 2 条" in re.sub(r"<[^>]+>", "", page) and f'value="{VILLAGE[:9]}" selected' in page


@pytest.mark.usefixtures("some")
def test_the_list_behind_a_counted_number_adds_up_to_it() -> None:
    found = count()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        for key, number in found.items():
            kind = behind.kind_of(key)
            if kind is not None:
                assert behind.value(kind, kind.rows(behind.Asked(key, COUNTY, MONTH))) == number, key
    assert (found["dibao.rural.people"], found["leads.contacted"], found["leads.contacted_in_time"], found["leads.contact.02"]) == (3, 3, 1, 2)
    client = client_of(officer(Duty.COUNTY_REVIEWER))
    for key, number in (("dibao.rural.people", 3), ("dibao.rural.households", 2), ("leads.signals", 4), ("leads.contact.02", 2)):
        page = client.get(reverse("reports:behind"), {"key": key, "area": COUNTY, "month": "2022-12"}).content.decode()
        assert f"共 {number} 条" in re.sub(r"<[^>]+>", "", page) and "统计以后登记有更正" not in page


def test_6_1_reports_whose_hour_has_not_come_are_not_owed_in_the_list_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    home = Home()
    with scopes.acting(home.reviewer):
        for day, hours, reported in ((2, -72, NOW), (3, -48, None), (5, 2, NOW)):
            at = NOW + timedelta(hours=hours)
            ReportDue.objects.create(area=home.house.area, institution=home.house, on=MONTH.replace(day=day), due_at=at, why="ordinary", reported_at=reported)
    found = count()
    assert (found["daily.owed"], found["daily.reported"]) == (2, 1)
    with scopes.acting(home.reviewer):
        for key in ("daily.owed", "daily.reported"):
            assert (kind := behind.kind_of(key)) and behind.value(kind, kind.rows(behind.Asked(key, COUNTY, MONTH))) == found[key]


def test_every_key_can_be_listed() -> None:
    assert all(behind.kind_of(key) for key in KEYS)
    assert all(board.label(key) for key in KEYS)


@pytest.mark.usefixtures("some")
def test_what_was_corrected_since_is_said() -> None:
    count()
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        Lead.objects.filter(number="T2").update(merged_into=Lead.objects.get(number="T1"))
    page = client_of(officer(Duty.COUNTY_REVIEWER)).get(reverse("reports:behind"), {"key": "leads.signals", "area": COUNTY, "month": "2022-12"})
    assert "统计时是 4 条" in page.content.decode()


@pytest.mark.usefixtures("some")
def test_counties_add_up_and_what_waits_is_counted_of_the_running_month_alone() -> None:
    found = count()
    assert found["now.leads.open"] == 4 and found["now.leads.late"] == 1 and found["now.awards.active"] == 3
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        assert queries.sums("41", MONTH) == found == queries.sums("4101", MONTH)
        assert queries.sums_below("4101", MONTH) == {COUNTY: found} and set(queries.sums_below("41", MONTH)) == {"4101"}
        assert queries.months("41") == [MONTH]
    later = datetime(2023, 1, 5, 18, tzinfo=UTC)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        Lead.objects.filter(number="T0").update(merged_into=Lead.objects.get(number="T1"))
    again = count(now=later)  # December counted again in January: its flows anew, what waited then stays as it was
    assert again["leads.signals"] == 3 and again["now.leads.open"] == 4
    assert "now.leads.open" not in count(NOVEMBER, now=later)


@pytest.mark.usefixtures("some")
def test_a_county_whose_figures_disappear_has_no_sum_left() -> None:
    count()
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        AwardMember.objects.filter(award__programme="tekun").update(ends=MONTH)
    count()
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        assert not CountyFigure.objects.filter(key="tekun.rural.people", month=MONTH).exists() and CountyFigure.objects.filter(month=MONTH).exists()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410105")):
        assert not CountyFigure.objects.exists() and not MonthlyFigure.objects.exists()
    with scopes.acting(scopes.Scope(area=VILLAGE[:9], duty=WORKER, page="test", acts=frozenset({"reports.count"}))), pytest.raises((ValueError, ValidationError)):
        services.count_month(area=VILLAGE[:9], month=MONTH, now=NOW)


def test_the_median_counts_people_not_places() -> None:
    assert board.median([{"leads.contact.01": Decimal(1)}, {"leads.contact.05": Decimal(9)}], "contact") == 5
    assert board.median([{"leads.contact.00": Decimal(1), "leads.contact.15": Decimal(1)}], "contact") == 0
    assert board.median([{}], "contact") is None and board.days_said(15) == "15 天以上"
    assert board.share({"cases.decided": Decimal(4)}, "cases", MONTH) == 0 and board.share({}, "cases", MONTH) is None


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(("duty", "area", "most"), [
    (Duty.SUPERVISOR, "41", 30), (Duty.SUPERVISOR, "4101", 30), (Duty.COUNTY_REVIEWER, COUNTY, 60), (Duty.TOWNSHIP_OFFICER, VILLAGE[:9], 50),
    (Duty.VISITOR, VILLAGE, 35), (Duty.AUDITOR, "41", 25), (Duty.HOTLINE_OPERATOR, COUNTY, 25), (Duty.FINANCE_OFFICER, COUNTY, 25),
])  # fmt: skip
def test_each_duty_sees_its_own_board_with_bounded_queries(duty: Duty, area: str, most: int, django_assert_max_num_queries: Any) -> None:
    count()
    client = client_of(officer(duty, area))
    with django_assert_max_num_queries(most):
        page = client.get(reverse("reports:board")).content.decode()
    wanted = {
        Duty.SUPERVISOR: "未办结线索", Duty.COUNTY_REVIEWER: "办理中的申请", Duty.TOWNSHIP_OFFICER: "从信号到救助", Duty.VISITOR: "逾期未走访",
        Duty.AUDITOR: "近7天被拒绝的查阅", Duty.HOTLINE_OPERATOR: "未接来电", Duty.FINANCE_OFFICER: "待更正的支付退票",
    }  # fmt: skip
    if duty in (Duty.SUPERVISOR, Duty.COUNTY_REVIEWER):  # heads and cells are the same number, and each cell is told by its head on a phone
        assert page.split('id="places"')[1].split("</thead>")[0].count("<th ") - 2 == page.split('id="places"')[1].split("</tr>")[1].count("data-l=") - 1
    assert wanted[duty] in page and (duty in (Duty.AUDITOR, Duty.SUPERVISOR) or "近7天被拒绝的查阅" not in page)


@pytest.mark.usefixtures("some")
def test_a_number_leads_down_from_the_province_to_the_list() -> None:
    count()
    client = client_of(officer(Duty.SUPERVISOR, "41"))
    address = board.number_url("now.leads.late", "41")
    for place in ("4101", COUNTY):
        page = client.get(address).content.decode().replace("&amp;", "&")
        links = [link for link in re.findall(r'href="([^"]+)"', page) if re.search(rf"area={place}(&|$)", link) and ("number" in link or "leads/" in link)]
        assert links, (address, place)
        address = links[0]
    assert "共 1 条" in re.sub(r"<[^>]+>", "", client.get(address).content.decode())


@pytest.mark.usefixtures("some")
def test_hostile_addresses_are_not_found() -> None:
    client = client_of(officer(Duty.COUNTY_REVIEWER))
    for given in ({"key": "x"}, {"key": "now.minors.open"}, {"key": "dibao.rural.people", "area": "41"}, {"key": "dibao.rural.people", "area": "4101٢2"}, {"key": "regular"}):
        assert client.get(reverse("reports:behind"), given).status_code == 404
    assert client.get(reverse("reports:number"), {"key": "now.minors.open"}).status_code == 404
    finance = client_of(officer(Duty.FINANCE_OFFICER))
    assert finance.get(reverse("reports:behind"), {"key": "dibao.rural.people", "month": "2022-12"}).status_code == 403
    assert client_of(officer(Duty.VISITOR, VILLAGE)).get(reverse("reports:number"), {"key": "dibao.rural.people"}).status_code == 404


@pytest.mark.parametrize(("today", "said"), [(date(2024, 2, 10), None), (date(2024, 2, 11), Decimal("0.25"))])
def test_what_is_to_come_by_the_10th_is_not_late_before(monkeypatch: pytest.MonkeyPatch, today: date, said: Decimal | None) -> None:
    monkeypatch.setattr(board.timezone, "localdate", lambda: today)
    given = {"regular.yuan": Decimal(400), "in_time.yuan": Decimal(100)}
    assert board.share(given, "payments", date(2024, 2, 1)) == said
    assert board.share(given, "payments", date(2024, 1, 1)) == Decimal("0.25"), "months before stay as they are"
