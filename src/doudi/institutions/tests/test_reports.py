"""6.1: daily reports: once, corrected, impossible figures, who owes one and who is told, risks, visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Message, Todo
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.institutions import periodic, procedures, services
from doudi.institutions.figures import MOST
from doudi.institutions.models import DailyReport, Institution, ReportDue, ReportSupply, StockMovement, SupplyStock, VisitState
from doudi.institutions.services import Doubtful
from doudi.institutions.services.dues import weekly_due
from doudi.institutions.tests.world import GOOD, NOW, TODAY, Home, epidemic, left, setting

pytestmark = pytest.mark.django_db
MACHINE = scopes.Scope(area="41", duty=WORKER, acts=frozenset({"institutions.remind"}))


def at(hour: int, minute: int = 0, day: date = TODAY) -> datetime:
    """A time of the day in China."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def opened(now: datetime = NOW, on: date = TODAY) -> int:
    with scopes.acting(MACHINE):
        return services.open_dues(on=on, now=now)


def watched(now: datetime, on: date = TODAY) -> dict[str, int]:
    with scopes.acting(MACHINE):
        return services.watch(on=on, now=now)


def test_6_1_a_report_twice_is_one_and_a_correction_keeps_what_was_before() -> None:
    home = Home()
    first = home.reported(symptoms_residents=1, supplies={"oxygen": left("6", "3")})
    assert home.reported(symptoms_residents=1, supplies={"oxygen": left("6.00", "3")}).pk == first.pk
    with pytest.raises(ValidationError, match="更正原因"):
        home.reported(symptoms_residents=2, supplies={"oxygen": left("6", "3")})
    second = home.reported(symptoms_residents=2, supplies={"oxygen": left("6", "3")}, reason="漏报一人", seen=1)
    with scopes.acting(home.clerk):
        assert list(DailyReport.objects.order_by("revision").values_list("revision", "symptoms_residents", "superseded_at")) == [(1, 1, NOW), (2, 2, None)]
        assert ReportSupply.objects.filter(report=first).count() == ReportSupply.objects.filter(report=second).count() == 1
        for attack in ("superseded_at = null", "residents = 1"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"update institutions_dailyreport set {attack} where revision = 1")


def test_6_1_who_reports_from_a_page_that_is_out_of_date_is_told() -> None:
    home = Home()
    home.reported()
    with pytest.raises(ValidationError, match="刚由他人上报"):
        home.reported(residents=40, reason="更正", seen=0)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"isolated_residents": 43}, "isolated_residents"), ({"staff_on_site": 10}, "staff_on_site"), ({"tested": 52}, "tested"),
        ({"symptoms_staff": 10}, "symptoms_staff"), ({"residents": -1}, "residents"), ({"deaths": MOST["deaths"] + 1}, "deaths"),
        ({"supplies": {"oxygen": left("-1", "0")}}, "supplies"), ({"supplies": {"gold": left("1", "0")}}, "supplies"), ({"supplies": {"oxygen": left("NaN", "1")}}, "supplies"),
        ({"on": TODAY + timedelta(days=1)}, "on"), ({"on": TODAY - timedelta(days=8)}, "on"),
    ],
)  # fmt: skip
def test_6_1_figures_that_cannot_be_are_named(words: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Home().reported(**words)
    assert field in raised.value.message_dict


def test_6_1_figures_that_seldom_are_want_confirming_and_missing_ones_are_named() -> None:
    home = Home()
    home.admitted(4)
    with pytest.raises(Doubtful) as raised:
        home.reported(confirmed=False, deaths=1, staff_on_site=0)
    assert len(raised.value.messages) == 3  # the roster, nobody on site, a death untold
    assert home.reported(confirmed=False, residents=4, staff=2, staff_on_site=2).revision == 1
    with scopes.acting(home.stranger), pytest.raises(ValidationError) as missing:
        services.report_day(institution_id=home.other.pk, on=TODAY, figures={"residents": 3, "beds": 9}, now=NOW)
    assert "beds" in missing.value.message_dict


def test_6_1_the_day_is_chinas() -> None:
    home = Home()
    before, after = datetime(2022, 12, 5, 15, 59, tzinfo=UTC), datetime(2022, 12, 5, 16, 1, tzinfo=UTC)
    with pytest.raises(ValidationError, match="只能上报今天"):
        home.reported(now=before)
    assert home.reported(now=after).on == TODAY


def test_6_1_another_houses_clerk_and_another_countys_officer_cannot_report_for_it() -> None:
    home = Home()
    home.reported()
    for scope in (home.stranger, officer(Duty.COUNTY_REVIEWER, "410724")):
        with pytest.raises(ValidationError, match="没有这家机构"):
            home.reported(by=scope, residents=1, reason="更正")
        with scopes.acting(scope):
            assert not DailyReport.objects.filter(institution_id=home.house.pk).exists()
    with pytest.raises(PermissionDenied):
        home.reported(by=officer(Duty.TOWNSHIP_OFFICER))


def test_6_1_stock_follows_what_was_counted_and_a_correction_leaves_what_came_in_since() -> None:
    home = Home()
    home.reported(supplies={"oxygen": left("6", "3"), "n95": left("100", "20")})
    with scopes.acting(home.clerk):
        services.move_stock(institution_id=home.house.pk, item="oxygen", kind="received", quantity=left("20", "0").quantity, key=uuid4(), on=TODAY, now=NOW)
    home.reported(supplies={"oxygen": left("6", "3"), "n95": left("90", "20")}, reason="口罩数错")
    home.reported(on=TODAY - timedelta(days=1), supplies={"n95": left("500", "20")})  # an older day's says nothing of today
    with scopes.acting(home.clerk):
        found = {stock.item.code: (stock.balance, stock.days) for stock in SupplyStock.objects.select_related("item")}
        assert found == {"oxygen": (26, 8), "n95": (90, 4)}
        assert StockMovement.objects.filter(kind="count").count() == 3


def test_6_1_yesterdays_values_are_there_without_what_happened_yesterday() -> None:
    home = Home()
    home.reported(on=TODAY - timedelta(days=1), symptoms_residents=2, positive_residents=1, deaths=1, tested=40)
    with scopes.acting(home.clerk):
        found = services.prefilled(home.house, TODAY)
    assert [found[name] for name in ("residents", "symptoms_residents", "tested", "positive_residents", "deaths")] == [42, 2, 40, 0, 0]


def test_6_1_the_weekly_day_moves_over_holidays_and_make_up_days_count() -> None:
    # National Day 2022: off from 1 to 7 October, Saturday 8 and Sunday 9 are worked
    found = [day for day in range(1, 32) if weekly_due(date(2022, 10, day), 1)]
    assert found == [8, 10, 17, 24, 31]
    assert [day for day in range(1, 32) if weekly_due(date(2022, 10, day), 7)] == [8, 9, 17, 24, 31]  # Sundays that are off go to Monday


def test_6_1_daily_in_an_emergency_weekly_else_by_the_countys_hour() -> None:
    home = Home()
    assert opened() == 0  # a Tuesday in ordinary times
    epidemic(home)
    setting(home, procedures.DUE_HOUR, 15)
    assert (opened(), opened()) == (2, 0)
    with scopes.acting(home.clerk):
        assert list(ReportDue.objects.values_list("due_at", "why")) == [(at(15), "emergency")]
    setting(home, procedures.EMERGENCY_DAYS, 2)  # begun on the 1st: the 7th is owed, the 8th is not
    assert [opened(at(1, day=TODAY + timedelta(days=days)), TODAY + timedelta(days=days)) for days in (1, 2)] == [2, 0]


def test_6_1_who_is_asked_late_has_two_hours_and_a_house_that_reported_owes_nothing() -> None:
    home = Home()
    epidemic(home)
    home.reported()
    assert opened(at(13)) == 2
    with scopes.acting(home.reviewer):
        assert dict(ReportDue.objects.values_list("institution_id", "reported_at")) == {home.house.pk: NOW, home.other.pk: None}
        assert set(ReportDue.objects.values_list("due_at", flat=True)) == {at(15)}
    assert opened(at(22, day=TODAY + timedelta(days=1)), TODAY + timedelta(days=1)) == 0


def test_6_1_no_report_is_told_to_the_clerk_then_the_county_then_the_city() -> None:
    home = Home()
    epidemic(home)
    for back in (2, 1):
        opened(at(1, day=TODAY - timedelta(days=back)), TODAY - timedelta(days=back))
        home.reported(house=home.other, by=home.stranger, on=TODAY - timedelta(days=back))
    opened(at(1))
    home.reported(house=home.other, by=home.stranger, now=at(9))
    nothing = {"reminded": 0, "county": 0, "city": 0}
    assert [watched(at(10, 29)), watched(at(10, 30)), watched(at(10, 31))] == [nothing, nothing | {"reminded": 1}, nothing]
    with scopes.acting(home.clerk):
        assert Todo.objects.get(kind="institutions.report").posting_id == home.clerk.posting_id
        assert Message.objects.filter(template="institution.remind", account_id=home.clerk.account_id).count() == 1
    assert (watched(at(12)), watched(at(12, 1))) == (nothing | {"county": 1, "city": 1}, nothing)
    with scopes.acting(home.city):
        assert dict(Todo.objects.filter(kind="institutions.unreported").values_list("duty", "title")) == {
            Duty.COUNTY_REVIEWER: "机构未上报：韩寺镇敬老院，连续 3 次", Duty.SUPERVISOR: "机构未上报：韩寺镇敬老院，连续 3 次",
        }  # fmt: skip
    home.reported(now=at(13))
    with scopes.acting(home.city):
        assert not Todo.objects.filter(kind__startswith="institutions.", done_at__isnull=True).exists()
        assert ReportDue.objects.get(institution_id=home.house.pk, on=TODAY).reported_at == at(13)
        with pytest.raises(DatabaseError), transaction.atomic():
            ReportDue.objects.filter(institution_id=home.house.pk, on=TODAY).update(reported_at=None)


def test_6_1_an_officer_reminds_once_a_minute_and_the_clerk_not_at_all() -> None:
    home = Home()
    epidemic(home)
    opened()
    with scopes.acting(home.reviewer):
        ids = list(ReportDue.objects.values_list("pk", flat=True))
        assert [services.remind(due_ids=ids, now=at(9, 30)) for _again in range(2)] == [2, 2]
        assert Message.objects.filter(template="institution.remind").count() == 2
    with scopes.acting(home.clerk), pytest.raises(PermissionDenied):
        services.remind(due_ids=ids, now=NOW)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410724")), pytest.raises(ValidationError, match="都已上报"):
        services.remind(due_ids=ids, now=NOW)


def test_6_1_a_day_of_many_houses_takes_as_many_queries_as_of_two(django_assert_max_num_queries: Callable[..., Any]) -> None:
    home = Home()
    for _number in range(6):
        home.registered()
    epidemic(home)
    with django_assert_max_num_queries(60):  # half of them open and close scopes
        opened(at(1))
        watched(at(12))
        with scopes.acting(MACHINE):
            services.refresh_risk(on=TODAY)
    periodic._last.clear()
    with django_assert_max_num_queries(30):
        periodic.watch(now=at(12, 5))
        periodic.watch(now=at(12, 6))  # within five minutes it does nothing


def test_6_1_why_a_house_is_at_risk_and_that_it_ends() -> None:
    home = Home()

    def risk(**words: Any) -> tuple[str, list[str]]:
        home.reported(**({"reason": "再报"} | words))
        with scopes.acting(home.clerk):
            row = Institution.objects.get(pk=home.house.pk)
            return row.risk, row.risk_reasons

    assert risk() == ("", [])
    assert risk(staff_on_site=4) == ("orange", ["staff"])
    assert risk(supplies={"oxygen": left("8", "3")}) == ("orange", ["supplies"])
    assert risk(positive_residents=1, symptoms_residents=2, incidents="一名老人核酸阳性", supplies={"oxygen": left("9", "3")}) == ("red", ["infected", "symptoms", "incident"])
    with scopes.acting(home.reviewer):
        assert "新增阳性入住人员 1" in Todo.objects.get(kind="institutions.incident", done_at__isnull=True).title
        services.deal_with_incident(institution_id=home.house.pk, note="已转送县医院", now=NOW)
        with pytest.raises(ValidationError, match="没有待处置"):
            services.deal_with_incident(institution_id=home.house.pk, note="已转送县医院", now=NOW)
    assert risk(supplies={"oxygen": left("9", "3")}) == ("", [])
    setting(home, procedures.SUPPLY_DAYS, 5)
    with scopes.acting(MACHINE):
        assert services.refresh_risk(on=TODAY) == 1


def test_6_1_visits_are_dated_by_the_county_with_a_document_and_one_at_a_time() -> None:
    home = Home()

    def visits(state: str, starts: date, by: scopes.Scope = home.reviewer, now: datetime = NOW, **words: Any) -> int:
        words = {"institution_ids": [home.house.pk, home.other.pk], "document": "县指〔2022〕9号", "reason": "疫情防控"} | words
        with scopes.acting(by):
            return services.set_visits(state=state, starts=starts, now=now, **words)

    assert [visits("closed", date(2022, 11, 20)), visits("closed", TODAY)] == [2, 0]
    with scopes.acting(home.clerk):
        assert Institution.objects.get().risk_reasons == ["closed_long"]
    assert visits("appointment", TODAY + timedelta(days=2)) == 2
    with pytest.raises(ValidationError, match="应晚于这一天"):
        visits("open", TODAY + timedelta(days=1))
    for words in ({"document": " "}, {"reason": ""}, {"institution_ids": [0]}):
        with pytest.raises(ValidationError):
            visits("open", TODAY + timedelta(days=5), **words)
    for scope in (home.clerk, officer(Duty.TOWNSHIP_OFFICER)):
        with pytest.raises(PermissionDenied):
            visits("open", TODAY + timedelta(days=5), by=scope)
    with scopes.acting(home.reviewer):
        assert list(VisitState.objects.filter(institution=home.house).order_by("starts").values_list("state", "starts", "ends")) == [
            ("closed", date(2022, 11, 20), TODAY + timedelta(days=2)), ("appointment", TODAY + timedelta(days=2), None),
        ]  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            VisitState.objects.create(institution_id=home.house.pk, area=home.house.area, state="open", starts=TODAY, document="x", reason="y", made_at=NOW)


def test_6_1_of_two_reports_at_once_the_same_is_one_and_another_is_told(committed_db: None) -> None:
    home = Home()

    def call(**words: Any) -> Callable[[], Any]:
        return as_(home.clerk, services.report_day, institution_id=home.house.pk, now=NOW, **({"on": TODAY, "figures": GOOD, "seen": 0} | words))

    made, told = together(call(), call())
    assert (sorted(fresh for _row, fresh in made), told) == ([False, True], [])
    yesterday = TODAY - timedelta(days=1)
    made, told = together(call(on=yesterday), call(on=yesterday, figures=GOOD | {"residents": 41}))
    assert (len(made), [("刚由他人上报" in text) for text in told]) == (1, [True])
