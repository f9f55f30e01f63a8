"""Monthly statistics: what is counted and when, that places add up, who sees which, and what is not published."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.urls import reverse
from python_calamine import CalamineWorkbook

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Setting
from doudi.core.tests.officers import COUNTY, VILLAGE, client_of, officer
from doudi.enrolment.models import AwardMember
from doudi.payments.calendar import PAY_DAY
from doudi.payments.models import LedgerEntry, OneOff
from doudi.payments.tests.test_grants import granted, prepared
from doudi.payments.tests.world import MONTH, NOVEMBER, NOW, Officers, award
from doudi.registry.models import Person, Programme
from doudi.reports import behind, board, queries, services, workbook
from doudi.reports.models import CountyFigure, MonthlyFigure
from doudi.reports.statistics import COUNT, KEYS, LINES, PAID, STANDARDS

pytestmark = pytest.mark.django_db
OTHER = "410122102201"


def counted(month: date = MONTH, area: str = COUNTY, now: datetime = NOW) -> dict[str, Decimal]:
    with scopes.acting(scopes.Scope(area=area, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
        services.count_month(area=area, month=month, now=now)
        return queries.sums(area, month)


def sheet_of(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()


@pytest.fixture
def some() -> None:
    """Rural dibao for two in one township and one in another, tekun for one."""
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(members=2, starts=NOVEMBER)
        award(area=OTHER, starts=NOVEMBER)
        award(programme="tekun", starts=NOVEMBER)


def test_every_key_of_a_line_is_counted_somewhere() -> None:
    made = ("leads.contact.", "leads.help.")  # put together in the statement
    assert all(f"'{key}'" in COUNT or key.split(".")[0] in {*Programme.values, *OneOff.values} for key in KEYS if not key.startswith(made))
    assert len({str(line.label) for line in LINES}) == len(LINES)


def test_whatever_a_payroll_can_pay_stands_in_the_table() -> None:
    told = {line.key.split(".")[0] for line in LINES if line.key.endswith(".yuan")}
    assert {*Programme.values, *OneOff.values} - told == {"marginal", "rigid", "dibao_single"}, "the first two pay nothing, the third is told with dibao"


@pytest.mark.usefixtures("some")
def test_recipients_are_counted_on_the_first_of_the_month_by_township() -> None:
    found = counted()
    assert (found["dibao.rural.people"], found["dibao.rural.households"], found["tekun.rural.people"]) == (3, 2, 1)
    assert "dibao.rural.people" not in counted(date(2022, 10, 1))
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        below = queries.sums_below(COUNTY, MONTH)
    assert {code: given["dibao.rural.people"] for code, given in below.items()} == {VILLAGE[:9]: 2, OTHER[:9]: 1}


@pytest.mark.usefixtures("some")
def test_who_died_or_left_before_the_month_is_not_counted() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        first, second = AwardMember.objects.filter(area=VILLAGE, award__programme="dibao").order_by("id")
        Person.objects.filter(pk=first.person_id).update(died_on=date(2022, 11, 30))
        AwardMember.objects.filter(pk=second.pk).update(ends=MONTH)
    assert counted()["dibao.rural.people"] == 1 and counted(NOVEMBER)["dibao.rural.people"] == 3


@pytest.mark.usefixtures("some")
def test_counting_twice_changes_nothing_and_what_is_no_more_disappears() -> None:
    first = counted()
    assert counted() == first
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        AwardMember.objects.filter(area=OTHER).update(ends=MONTH)
    assert counted()["dibao.rural.people"] == 2
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        assert not MonthlyFigure.objects.filter(area=OTHER[:9], month=MONTH, key="dibao.rural.people").exists()


def test_what_a_released_payroll_pays_is_expenditure_and_a_draft_is_not() -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(amount="312.50", by=officers.approver.account_id)
    payroll = officers.draft()  # with an award of 300.00 of its own
    assert "dibao.rural.yuan" not in counted()
    officers.released(payroll)
    found = counted()
    assert found["dibao.rural.yuan"] == Decimal("612.50")
    average = next(line for line in LINES if line.over == ("dibao.rural.yuan", "dibao.rural.people"))
    assert queries.value_of(average, found) == (Decimal("612.50") / found["dibao.rural.people"]).quantize(Decimal("0.01")) and queries.value_of(average, {}) is None


def test_4_3_a_months_expenditure_is_what_the_ledger_says_and_in_time_is_by_the_countys_pay_day() -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(amount="312.50", by=officers.approver.account_id)
        award(programme="tekun", amount="700.01", by=officers.approver.account_id)
        granted(award(by=officers.approver.account_id).people[0], amount="210.00", programme="subsidy")
    payroll = officers.released(officers.draft())
    officers.released(prepared(officers).payroll)
    with scopes.acting(officers.finance):
        line = payroll.payroll_lines.get(amount=Decimal("312.50")).pk
    officers.booked(payroll, officers.answer(payroll, line))
    found = counted()
    with scopes.acting(officers.finance):
        booked = LedgerEntry.objects.filter(payroll__month=MONTH, account__in=("in_payment", "paid")).aggregate(yuan=Sum("amount"))["yuan"]
    assert queries.spent(found) == booked == Decimal("1510.01") and found["subsidy.yuan"] == Decimal("210.00")
    assert (found["regular.yuan"], found["in_time.yuan"]) == (Decimal("1612.51"), Decimal("1300.01"))

    def due(day: int) -> dict[str, Decimal]:
        with scopes.acting(officers.approver):
            Setting.objects.create(
                area=COUNTY, parameter=PAY_DAY, starts=MONTH, value=str(day), document="试", state="confirmed", proposed_by_id=officers.reviewer.account_id,
                proposed_at=NOW, decided_by_id=officers.approver.account_id, decided_at=NOW,
            )  # fmt: skip
        return counted()

    assert "in_time.yuan" not in due(5), "the bank's answer of the 6th is late where the money was due on the 5th"
    with scopes.acting(officers.finance):
        kinds = {key: behind.value(kind, kind.rows(behind.Asked(key, COUNTY, MONTH))) for key in PAID if (kind := behind.kind_of(key))}
    assert kinds == {"regular.yuan": Decimal("1612.51"), "in_time.yuan": 0}
    page = client_of(officers.reviewer).get(reverse("reports:statistics"), {"month": "2022-12", "area": VILLAGE[:9]}).content.decode()
    assert "应发放</div>" not in page, "a township has no payroll: that is not nought"


def test_the_average_standard_is_the_mean_of_the_counties() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(starts=NOVEMBER)
    found, line = counted(), next(line for line in LINES if line.over == STANDARDS["rural"])
    assert queries.value_of(line, found) == found["dibao.rural.standard"] > 0
    two = {"dibao.rural.standard": Decimal("1300"), "dibao.rural.counties": Decimal(2)}
    assert queries.value_of(line, two) == 650 and queries.value_of(line, {}) is None


def test_the_month_before_is_counted_until_the_eleventh_and_stays_then() -> None:
    with scopes.acting(scopes.Scope(area=COUNTY, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
        MonthlyFigure.objects.create(area=VILLAGE[:9], month=NOVEMBER, key="leads.signals", value=7, counted_at=NOW)
        services.nightly(area=COUNTY, on=date(2022, 12, 12), now=datetime(2022, 12, 11, 18, tzinfo=UTC))
        assert queries.sums(VILLAGE[:9], NOVEMBER) == {"leads.signals": 7}
        services.nightly(area=COUNTY, on=date(2022, 12, 11), now=datetime(2022, 12, 10, 18, tzinfo=UTC))
        assert queries.sums(VILLAGE[:9], NOVEMBER) == {} == queries.sums(COUNTY, NOVEMBER)
    assert services.closed(NOVEMBER, date(2022, 12, 12)) and not services.closed(NOVEMBER, date(2022, 12, 11))
    assert services.month_before(date(2023, 1, 31)) == MONTH and services.month_after(MONTH) == date(2023, 1, 1)


def test_an_officer_does_not_count() -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)), pytest.raises(PermissionDenied):
        services.count_month(area=COUNTY, month=MONTH, now=NOW)


@pytest.mark.usefixtures("some")
def test_the_table_opens_its_lists_and_the_workbook_says_the_same(django_assert_max_num_queries: Any) -> None:
    counted()
    client = client_of(officer(Duty.COUNTY_REVIEWER))
    with django_assert_max_num_queries(25):
        page = client.get(reverse("reports:statistics"), {"month": "2022-12"}).content.decode()
    assert "农村低保对象" in page and "key=dibao.rural.people&amp;area=410122" in page
    sheet = sheet_of(client.get(reverse("reports:workbook"), {"month": "2022-12"}))
    at = sheet[3].index("农村低保对象（人）")
    assert [row[at] for row in sheet[4:7]] == [3, 2, 1] and [row[0] for row in sheet[4:7]] == [COUNTY, VILLAGE[:9], OTHER[:9]]
    assert sheet[0][0].endswith("民政统计月报表（2022年12月）") and sheet[4][1] == "合计" and "统计时间" in sheet[7][0] and sheet[2][3] == "最低生活保障"
    with django_assert_max_num_queries(25):
        assert "保障对象" in client.get(reverse("reports:trends"), {"month": "2022-12", "span": "36"}).content.decode()


@pytest.mark.usefixtures("some")
def test_the_workbook_is_divided_by_the_level_that_is_asked_for_within_the_reader_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    counted()
    supervisor, reviewer, township = (client_of(officer(duty, area)) for duty, area in (
        (Duty.SUPERVISOR, "41"), (Duty.COUNTY_REVIEWER, COUNTY), (Duty.TOWNSHIP_OFFICER, VILLAGE[:9])))  # fmt: skip

    def people(client: Any, level: int, **given: str) -> dict[str, Any]:
        rows = sheet_of(client.get(reverse("reports:workbook"), {"month": "2022-12", "level": level, **given}))
        at = rows[3].index("农村低保对象（人）")
        return {row[0]: row[at] for row in rows[4:-1]}

    assert people(supervisor, 4) == {"41": 3, "4101": 3} and people(supervisor, 6) == {"41": 3, COUNTY: 3}
    by_township = {VILLAGE[:9]: 2, OTHER[:9]: 1}
    assert people(supervisor, 9) == {"41": 3} | by_township and people(supervisor, 9, area="4101") == {"4101": 3} | by_township
    assert people(reviewer, 12) == {COUNTY: 3, VILLAGE: 2, OTHER: 1} and people(township, 12) == {VILLAGE[:9]: 2, VILLAGE: 2}
    for client, level in ((supervisor, "12"), (supervisor, "2"), (reviewer, "6"), (township, "9")):
        answer = client.get(reverse("reports:workbook"), {"month": "2022-12", "level": level}, follow=True)
        assert answer.redirect_chain and "不能按这一级导出" in answer.content.decode()
    assert reviewer.get(reverse("reports:workbook"), {"month": "2022-12", "level": "9", "area": "410105"}).status_code == 404
    monkeypatch.setattr(workbook, "MOST", 1)
    assert "一份表最多 1 个" in reviewer.get(reverse("reports:workbook"), {"month": "2022-12", "level": "9"}, follow=True).content.decode()


@pytest.mark.usefixtures("some")
def test_the_average_standard_of_a_month_is_the_one_in_force_then_and_without_one_there_is_no_column(monkeypatch: pytest.MonkeyPatch) -> None:
    old = date(2021, 9, 1)  # counted before standards were counted along
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        MonthlyFigure.objects.create(area=VILLAGE[:9], month=old, key="dibao.rural.people", value=20, counted_at=NOW)
        CountyFigure.objects.create(area=COUNTY, month=old, key="dibao.rural.people", value=20)
        then, now = (services.standards_of(month, [COUNTY])[COUNTY]["dibao.rural.standard"] for month in (old, MONTH))
    assert 0 < then < now, "the standard was raised since"
    supervisor, township = client_of(officer(Duty.SUPERVISOR, "41")), client_of(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9]))
    for client in (supervisor, township):
        page = client.get(reverse("reports:statistics"), {"month": "2021-09"}).content.decode()
        assert f"农村低保平均标准</div><span>{then:,.2f} 元" in page and "— 元" not in page.split("农村低保平均标准")[1][:60]
    rows = sheet_of(supervisor.get(reverse("reports:workbook"), {"month": "2021-09", "level": "6"}))
    assert [row[rows[3].index("农村低保平均标准（元）")] for row in rows[4:6]] == [float(then)] * 2
    monkeypatch.setattr(queries, "standards_of", lambda _month, counties: {county: {} for county in counties})
    page = supervisor.get(reverse("reports:statistics"), {"month": "2021-09"}).content.decode()
    assert "平均标准</div>" not in page and "没有登记低保标准，平均标准不列" in page
    rows = sheet_of(supervisor.get(reverse("reports:workbook"), {"month": "2021-09", "level": "6"}))
    assert not any("平均标准" in str(cell) for cell in rows[3]) and "平均标准不列" in rows[-1][0]


def test_a_share_of_what_was_in_time_says_its_clause_what_it_is_of_and_how_it_is_counted() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(starts=NOVEMBER)
    counted()
    client = client_of(officer(Duty.COUNTY_REVIEWER))
    for name, given in (("reports:trends", {}), ("reports:statistics", {}), ("reports:number", {"key": "in_time.yuan"}), ("reports:board", {})):
        page = client.get(reverse(name), {"month": "2022-12", **given}).content.decode()
        assert "<dt>4.3　10日前到账</dt>" in page and "银行在本县到账期限当天或以前确认到账的金额占比" in page, name
    assert {what for what, _words, _act in board.SHARES} == board.EXPLAINED.keys() and all(clause in measures.CLAUSES for clause, _how in board.EXPLAINED.values())


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("name", ["reports:statistics", "reports:trends", "reports:workbook"])
def test_another_county_and_another_duty_see_nothing(name: str) -> None:
    counted()
    client = client_of(officer(Duty.COUNTY_REVIEWER, "410105"))
    assert client.get(reverse(name), {"area": COUNTY, "month": "2022-12"}).status_code == 404
    assert client.get(reverse(name), {"area": "41010'"}).status_code == 404
    assert client_of(officer(Duty.VISITOR, VILLAGE)).get(reverse(name)).status_code == 403
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410105")):
        assert not MonthlyFigure.objects.exists()


@pytest.mark.parametrize(("given", "shown"), [
    ({"a": 50, "b": 9, "c": 30}, {"a": 50, "b": None, "c": None}), ({"a": 50, "b": 9, "c": 3}, {"a": 50, "b": None, "c": None}),
    ({"a": 50, "b": 0}, {"a": 50, "b": 0}), ({"a": 9}, {"a": None}), ({}, {}), ({"a": 50, "b": 1, "c": 1}, {"a": None, "b": None, "c": None}),
])  # fmt: skip
def test_small_numbers_are_not_published_and_none_can_be_told_from_the_sum(given: dict[str, int], shown: dict[str, int | None]) -> None:
    assert queries.published({code: Decimal(value) for code, value in given.items()}) == shown


def test_neither_the_place_above_nor_the_next_month_tells_a_small_number() -> None:
    def seen(parts: tuple[int, ...]) -> tuple[Any, ...]:
        """What anybody can read of a city of two or three counties: its own number among the cities', and theirs."""
        city = queries.published({"4101": Decimal(sum(parts)), "4102": Decimal(5000), "4103": Decimal(3), "4104": Decimal(4)})["4101"]
        return city, *queries.published({f"{at}": Decimal(value) for at, value in enumerate(parts)}).values()

    told: dict[tuple[Any, ...], set[int]] = {}
    near: set[tuple[Any, ...]] = set()  # away from the edge of what is tried, where possibilities are cut off
    for rest in [(b,) for b in range(60)] + [(b, c) for b in range(26) for c in range(26)]:
        for small in range(1, 10):
            read = (len(rest), *seen((small, *rest)))
            told.setdefault(read, set()).add(small)
            if max(rest) < (40 if len(rest) == 1 else 12):
                near.add(read)
    assert min(len(told[read]) for read in near) >= 3
    steps = {month["a"] - before["a"] for value in range(10, 90) for before, month in [(queries.published({"a": Decimal(value)}), queries.published({"a": Decimal(value + 1)}))]}
    assert steps == {0, 10}


@pytest.mark.usefixtures("some")
def test_the_public_page_shows_closed_months_without_small_numbers(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted(NOVEMBER)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_args: date(2022, 12, 11))
    assert "还没有可以公布的月份" in client.get(reverse("reports:public")).content.decode()
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_args: date(2022, 12, 12))
    page = client.get(reverse("reports:public"), {"area": "4101"}).content.decode()
    assert "少于 10" in page and client.get(reverse("reports:public"), {"area": COUNTY}).status_code == 404
