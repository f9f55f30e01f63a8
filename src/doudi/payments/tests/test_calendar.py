"""The payroll's calendar (4.3): days back from the 10th, to-dos and lateness, who is on time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from doudi.core import periodic, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty, Message, Setting, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.payments import calendar, watch_queries
from doudi.payments.calendar import Rules, days_of
from doudi.payments.models import Payroll
from doudi.payments.services.reminding import matter
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, Officers, award

pytestmark = pytest.mark.django_db
JOB = "payments.calendar"


def set_to(parameter: str, value: str, *, area: str = COUNTY, starts: date = date(2022, 1, 1)) -> None:
    """A confirmed value, as two officers of the settings page leave it."""
    first, second = officer(Duty.SUPERVISOR, area[:4]), officer(Duty.SUPERVISOR, area[:4])
    with scopes.acting(scopes.Scope(area="41")):
        Setting.objects.create(
            parameter=parameter, area=area, starts=starts, value=value, document="测试文号", state="confirmed", proposed_by_id=first.account_id,
            proposed_at=NOW, decided_by_id=second.account_id, decided_at=NOW,
        )  # fmt: skip


def daily(on: date) -> dict[str, int]:
    now = datetime(on.year, on.month, on.day, 0, 30, tzinfo=UTC)
    return periodic.run_daily(job=periodic.jobs()[JOB], area=COUNTY, on=on, now=now, again=True) or {}


def open_kinds(scope: scopes.Scope, **given: object) -> dict[str, date | None]:
    with scopes.acting(scope):
        return dict(Todo.objects.filter(duty=scope.duty, done_at__isnull=True, **given).values_list("kind", "due"))


@pytest.mark.parametrize(
    ("month", "due", "freeze"),
    [
        (MONTH, date(2022, 12, 9), date(2022, 11, 30)),  # the 10th is a Saturday: paid before it
        (date(2022, 11, 1), date(2022, 11, 10), date(2022, 11, 1)),
        (date(2022, 10, 1), date(2022, 10, 10), date(2022, 9, 26)),  # over the National Day holidays, with Saturday and Sunday worked
        (date(2024, 2, 1), date(2024, 2, 9), date(2024, 2, 1)),  # the 10th is New Year's Day; Sunday the 4th is worked
        (date(2024, 3, 1), date(2024, 3, 8), date(2024, 2, 28)),  # the freeze falls before a leap day
    ],
)
def test_4_3_the_days_count_back_from_the_10th(month: date, due: date, freeze: date) -> None:
    found = days_of(month, COUNTY)
    assert found.due == due and workdays.is_working_day(due)
    assert found.freeze == freeze and workdays.working_days_between(freeze, due) == 7
    assert [day for _name, day in found.steps] == sorted(day for _name, day in found.steps)
    assert found.frozen_at is not None and found.frozen_at.isoformat() == f"{date.fromordinal(freeze.toordinal() + 1)}T00:00:00+08:00"


def test_4_3_pay_day_and_step_days_are_dated_settings_of_the_county() -> None:
    set_to(calendar.PAY_DAY, "8", area="4101")
    set_to(calendar.PAY_DAY, "6", starts=date(2023, 2, 1))
    set_to("procedure.payroll.days.check", "2", starts=date(2022, 12, 2))
    rules = Rules(date.max)
    assert days_of(MONTH, COUNTY, rules).due == date(2022, 12, 8)  # the city's
    assert days_of(date(2023, 2, 1), COUNTY, rules).due == date(2023, 2, 6)  # the county's own, from February on
    assert days_of(MONTH, "410205", rules).due == date(2022, 12, 9)
    assert days_of(MONTH, COUNTY, rules).of("check") == workdays.add_working_days(date(2022, 12, 8), -5)  # begins after the first of the month
    january = days_of(date(2023, 1, 1), COUNTY, rules)
    assert january.of("check") == workdays.add_working_days(january.due, -2)


def test_4_3_no_freeze_where_the_county_set_none() -> None:
    set_to("procedure.payroll.days.freeze", "0")
    assert days_of(MONTH, COUNTY).frozen_at is None


def test_4_3_the_calendar_asks_warns_and_escalates(officers: Officers) -> None:
    city = officer(Duty.SUPERVISOR, COUNTY[:4])
    with scopes.acting(officers.reviewer):
        award()
    assert daily(date(2022, 11, 26)) == {"asked": 0, "warned": 0, "late": 0}  # a Saturday
    daily(date(2022, 11, 29))
    assert open_kinds(officers.approver, subject="payroll_month") == {"payroll.freeze": date(2022, 11, 30)}
    daily(date(2022, 12, 1))
    assert open_kinds(officers.approver, subject="payroll_month") == {}
    assert open_kinds(officers.reviewer, subject="payroll_month") == {"payroll.prepare": date(2022, 12, 1)}
    again = daily(date(2022, 12, 1))
    assert again == {"asked": 0, "warned": 0, "late": 0}  # told once
    assert daily(date(2022, 12, 2))["late"] == 1
    assert "payroll.late" in open_kinds(officers.approver) and "payroll.late" not in open_kinds(city)
    assert daily(date(2022, 12, 5))["late"] == 1
    assert open_kinds(city) == {"payroll.late": date(2022, 12, 9)}
    with scopes.acting(officers.reviewer):
        told = list(Message.objects.filter(account_id=officers.reviewer.account_id).order_by("id").values_list("template", flat=True))
    assert told == ["payroll.due", "payroll.late", "payroll.late"]
    officers.checked(officers.prepared().payroll)
    daily(date(2022, 12, 5))
    assert open_kinds(officers.reviewer, subject="payroll_month") == {} and open_kinds(city) == {}
    assert open_kinds(officers.approver) == {"payments.approve": date(2022, 12, 5)}


def test_4_3_a_month_that_was_never_paid_stays_late_in_the_next(officers: Officers) -> None:
    city = officer(Duty.SUPERVISOR, COUNTY[:4])
    with scopes.acting(officers.reviewer):
        award(starts=NOVEMBER)
    officers.prepared(NOVEMBER)
    assert daily(date(2022, 12, 1))["late"] == 1
    with scopes.acting(city):
        assert Todo.objects.get(kind="payroll.late", duty=Duty.SUPERVISOR).subject_id == matter(COUNTY, NOVEMBER)


def test_4_3_a_county_without_awards_is_not_asked() -> None:
    assert daily(date(2022, 12, 6)) == {"asked": 0, "warned": 0, "late": 0}


def test_4_3_progress_is_read_from_the_payroll(officers: Officers) -> None:
    payroll = officers.draft()
    today = date(2022, 12, 6)

    def now() -> calendar.Progress:
        with scopes.acting(officers.reviewer):
            return watch_queries.progress_of(area=COUNTY, month=MONTH, today=today)

    found = now()
    assert found.reached is not None and found.reached.step.name == "prepare" and found.next is not None and found.next.step.name == "check"
    assert found.standing(today) == "late" and found.next.late_days(today) == 2 and found.left(today) == 3
    officers.released(payroll)
    officers.exported(payroll, "one_card_csv")
    found = now()
    assert found.next is not None and found.next.step.name == "bank" and found.standing(today) == "waits" and found.share == 0
    officers.booked(payroll, officers.answer(payroll))
    found = now()
    assert found.standing(today) == "paid" and found.share == 1 and found.next is None


def test_4_3_money_that_came_after_the_pay_day_does_not_count(officers: Officers) -> None:
    set_to(calendar.PAY_DAY, "2")
    payroll = officers.released(officers.draft())
    officers.booked(payroll, officers.answer(payroll))
    with scopes.acting(officers.reviewer):
        found = watch_queries.progress_of(area=COUNTY, month=MONTH, today=date(2022, 12, 9))
    assert found.standing(date(2022, 12, 9)) == "paid_late" and found.share == 0 and found.paid == found.amount == Decimal("300.00")


def test_4_3_province_and_city_see_who_is_on_time(officers: Officers, django_assert_max_num_queries) -> None:
    payroll = officers.released(officers.draft())
    officers.booked(payroll, officers.answer(payroll))
    other = Officers("410205")
    with scopes.acting(other.reviewer):
        award(area="410205101201")
    other.prepared()
    province, city = client_of(officer(Duty.SUPERVISOR, "41")), client_of(officer(Duty.SUPERVISOR, "4101"))
    url = reverse("payments:calendar")
    with django_assert_max_num_queries(30):
        page = province.get(url, {"month": "2022-12"}).content.decode()
    assert "谁按期发放" in page and "按期到账" in page
    rows = {row["area"]: row for row in province.get(url, {"month": "2022-12"}).context["rows"]}
    assert rows["410205"]["late"] and not rows[COUNTY]["late"] and next(iter(rows)) == "410205"
    assert "410205" not in {row["area"] for row in city.get(url, {"month": "2022-12"}).context["rows"]}
    assert {row["area"] for row in province.get(url, {"month": "2022-12", "standing": "paid"}).context["rows"]} == {COUNTY}
    for wrong in ("2022-13", "x", ""):
        assert province.get(url, {"month": wrong, "page": "²"}).status_code == 200
    assert client_of(officers.finance).get(url).status_code == 302
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, COUNTY + "101")).get(url).status_code == 403


def test_4_3_a_county_sees_its_own_calendar_and_no_other(officers: Officers, django_assert_max_num_queries) -> None:
    payroll = officers.draft()
    client = client_of(officers.reviewer)
    url = reverse("payments:county_calendar", args=[COUNTY])
    with django_assert_max_num_queries(25):
        page = client.get(url, {"month": "2022-12"}).content.decode()
    assert "数据冻结" in page and "11-30 周三" in page and reverse("payments:payroll", args=[payroll.pk]) in page
    assert "2022年11月" in page and client.get(url, {"month": "2030-01"}).status_code == 200
    for area in ("410205", "4101", "41012x", "４１０１２２"):
        assert client.get(reverse("payments:county_calendar", args=[area])).status_code == 404


def test_4_3_a_second_regular_payroll_of_the_month_is_not_made(officers: Officers) -> None:
    officers.released(officers.draft())
    again = officers.prepared()
    with scopes.acting(officers.reviewer):
        assert not again.changed and Payroll.objects.filter(month=MONTH, kind="regular").count() == 1
