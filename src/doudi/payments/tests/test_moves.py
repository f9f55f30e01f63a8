"""A move with an award running: the old area pays until the new one's award begins; no month is unpaid, none paid twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import fact
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.numbers import Kind
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment import services as enrolment
from doudi.enrolment.models import Award, Review
from doudi.payments.models import PayrollExclusion, PayrollLine
from doudi.payments.services import payrolls
from doudi.payments.tests.world import card
from doudi.registry import services as registry
from doudi.registry.models import BenefitStatus, Household, MoveRequest, Person
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE, id_number

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 11, 25, 2, tzinfo=UTC)
DECEMBER, JANUARY, FEBRUARY, MARCH, APRIL = date(2022, 12, 1), date(2023, 1, 1), date(2023, 2, 1), date(2023, 3, 1), date(2023, 4, 1)


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T10:00:00+08:00")


class Place:
    """The officers of a village's township and county."""

    def __init__(self, village: str) -> None:
        self.village, self.county = village, village[:6]
        self.town = officer(Duty.TOWNSHIP_OFFICER, village[:9], name="乡镇甲")
        self.second = officer(Duty.TOWNSHIP_OFFICER, village[:9], name="乡镇乙")
        self.reviewer = officer(Duty.COUNTY_REVIEWER, village[:6], name="县审核")
        self.approver = officer(Duty.COUNTY_APPROVER, village[:6], name="县审批")

    def grant(self, household: Household, *, now: datetime, month: date) -> Award:
        with scopes.acting(self.town):
            row = assessing.assess(household=Household.objects.get(pk=household.pk), month=month, trigger="officer", now=now)
            made = enrolment.propose(assessment=row, programme="dibao", now=now)
        with scopes.acting(self.approver):
            award = enrolment.approve(decision_id=made.pk, version=1, now=now)
            assert award is not None
            return award

    def pay(self, month: date, *, now: datetime | None = None) -> list[PayrollLine]:
        with scopes.acting(self.reviewer):
            payrolls.prepare_payroll(area=self.county, month=month, now=now or day(f"{month:%Y-%m}-03"), arrears_from=DECEMBER)
            return list(PayrollLine.objects.filter(month_paid=month).order_by("month_entitled"))


@pytest.fixture
def old() -> Place:
    return Place(VILLAGE)


@pytest.fixture
def new() -> Place:
    return Place(ELSEWHERE)


@pytest.fixture
def home(old: Place) -> tuple[Household, str]:
    number = id_number()
    with scopes.acting(old.town):
        household = registry.register_household(
            area=VILLAGE, residence="rural", address="东街3号", head={"name": "王建国", "id_number": number},
            members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}], on=date(2022, 11, 1), now=NOW,
        )  # fmt: skip
        head = Person.objects.get(name="王建国")
        Person.objects.filter(pk=head.pk).update(account=numbers.token_of(Kind.ACCOUNT, card(77)), bank="C10302")
        fact(head, "wage_income", 1200)
    old.grant(household, now=NOW, month=DECEMBER)
    return household, number


def ask(new: Place, number: str, *, now: datetime, first: date = JANUARY, to: str | None = None) -> MoveRequest:
    with scopes.acting(new.town):
        return registry.ask_move(id_number=number, to_area=to or new.village, reason="婚嫁迁入居住", first_month=first, on=now.date(), now=now)


def move(old: Place, new: Place, number: str, *, now: datetime, **options: Any) -> MoveRequest:
    asked = ask(new, number, now=now, **options)
    with scopes.acting(old.second):
        registry.release_move(request_id=asked.pk, on=now.date(), now=now)
        return registry.carry_out_move(request_id=asked.pk, now=now)


def test_the_old_area_pays_people_whom_it_no_longer_sees(old, new, home) -> None:
    assert len(old.pay(DECEMBER)) == 1
    move(old, new, home[1], now=day("2022-12-06"))
    with scopes.acting(old.reviewer):
        assert not Person.objects.exists()
    (line,) = old.pay(JANUARY)
    assert line.month_entitled == JANUARY and line.beneficiary_name == "王建国" and line.beneficiary and line.payee and line.account
    with scopes.acting(old.reviewer):
        assert not PayrollExclusion.objects.filter(month_entitled=JANUARY).exists()


def test_the_new_award_begins_where_the_old_one_ends_no_month_twice_or_unpaid(old, new, home) -> None:
    household, number = home
    paid = [line.month_entitled for line in old.pay(DECEMBER)]
    move(old, new, number, now=day("2022-12-06"))
    paid += [line.month_entitled for line in old.pay(JANUARY)]
    award = new.grant(household, now=day("2023-01-10"), month=FEBRUARY)
    assert award.starts == FEBRUARY
    for month in (FEBRUARY, MARCH):
        assert not old.pay(month)
        paid += [line.month_entitled for line in new.pay(month)]
    assert paid == [DECEMBER, JANUARY, FEBRUARY, MARCH]
    with scopes.acting(old.reviewer):
        assert Award.objects.get().ends == FEBRUARY
    with scopes.acting(new.reviewer):
        live = BenefitStatus.objects.filter(ends=None)
        assert {s.award_id for s in live} == {award.pk} and live.count() == 2


def test_a_month_that_the_old_area_has_in_a_payroll_already_is_its_own(old, new, home) -> None:
    household, number = home
    old.pay(DECEMBER)
    move(old, new, number, now=day("2022-12-06"))
    old.pay(JANUARY)
    (line,) = old.pay(FEBRUARY, now=day("2023-01-20"))
    assert line.month_entitled == FEBRUARY
    award = new.grant(household, now=day("2023-01-25"), month=FEBRUARY)
    assert award.starts == MARCH
    with scopes.acting(new.reviewer):
        assert award.amounts.get().from_month == MARCH
    assert not new.pay(FEBRUARY) and len(new.pay(MARCH)) == 1 and not old.pay(MARCH)
    assert len(old.pay(FEBRUARY)) == 1, "a draft made again keeps its line"


def test_without_a_new_award_the_old_one_is_paid_as_long_as_the_setting_says(old, new, home) -> None:
    old.pay(DECEMBER)
    move(old, new, home[1], now=day("2022-12-06"))
    months = [line.month_entitled for month in (JANUARY, FEBRUARY, MARCH, APRIL) for line in old.pay(month)]
    assert months == [JANUARY, FEBRUARY, MARCH]


def test_the_receiving_township_is_told_which_awards_run_out_and_its_county_when_it_is_late(old, new, home) -> None:
    household, number = home
    move(old, new, number, now=day("2022-12-06"))
    with scopes.acting(new.town):
        todo = Todo.objects.get(kind="move.award")
        assert "2023-03" in todo.title and todo.area == ELSEWHERE[:9] and todo.due == date(2023, 3, 12)
    with scopes.acting(new.reviewer):
        late = [enrolment.remind_moved_awards(area=new.county, on=date(2023, 3, at), now=day(f"2023-03-{at}"))["late"] for at in (12, 13, 14)]
        assert late == [0, 1, 0]
    new.grant(household, now=day("2023-03-15"), month=MARCH)
    with scopes.acting(new.reviewer):
        assert not Todo.objects.filter(kind__startswith="move.award", done_at=None).exists()


def test_a_new_award_that_comes_too_late_pays_the_months_since_the_old_one_ended(old, new, home) -> None:
    household, number = home
    old.pay(DECEMBER)
    move(old, new, number, now=day("2022-12-06"))
    paid = [line.month_entitled for month in (JANUARY, FEBRUARY, MARCH, APRIL) for line in old.pay(month)]
    award = new.grant(household, now=day("2023-05-10"), month=date(2023, 6, 1))
    assert award.starts == APRIL
    with scopes.acting(new.reviewer):
        assert [(each.from_month, each.amount) for each in award.amounts.all()] == [(APRIL, award.decision.amount)]
    paid += [line.month_entitled for line in new.pay(date(2023, 6, 1))]
    assert paid == [date(2023, at, 1) for at in range(1, 7)]


def test_months_that_nobody_pays_after_a_move_go_to_city_and_province_once_each(old, new, home) -> None:
    move(old, new, home[1], now=day("2022-12-06"))
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        def unpaid(text: str) -> int:
            return enrolment.remind_moved_awards(area="41", on=date.fromisoformat(text), now=day(text))["unpaid"]

        assert [unpaid(text) for text in ("2023-03-31", "2023-04-01", "2023-04-02", "2023-05-01", "2023-05-02", "2023-06-01")] == [0, 1, 0, 0, 1, 0]
        assert set(Todo.objects.filter(kind__startswith="move.award_").values_list("kind", "area")) == {
            ("move.award_late", new.county), ("move.award_unpaid", "4101"), ("move.award_province", "41"),
        }  # fmt: skip


def test_an_award_that_was_stopped_or_refused_since_is_not_made_good(old, new, home) -> None:
    household, number = home
    old.pay(DECEMBER)
    with scopes.acting(old.town):
        made = enrolment.stop_award(award_id=Award.objects.get().pk, from_month=JANUARY, reason="自愿退出", ground="voluntary", now=day("2022-12-02"))
    with scopes.acting(old.approver):
        enrolment.approve(decision_id=made.pk, version=1, now=day("2022-12-03"))
    move(old, new, number, now=day("2022-12-06"))
    assert new.grant(household, now=day("2023-05-10"), month=date(2023, 6, 1)).starts == date(2023, 6, 1)


def test_refused_where_it_moved_to_nobody_waits_any_more(old, new, home) -> None:
    household, number = home
    move(old, new, number, now=day("2022-12-06"))
    with scopes.acting(new.town):
        row = assessing.assess(household=Household.objects.get(pk=household.pk), month=JANUARY, trigger="officer", now=day("2022-12-20"))
        made = enrolment.refuse(assessment=row, programme="dibao", reason="在转入地有两套住房", now=day("2022-12-20"))
    with scopes.acting(new.reviewer):
        enrolment.sign(decision_id=made.pk, version=1, now=day("2022-12-21"))
    with scopes.acting(new.approver):
        enrolment.approve(decision_id=made.pk, version=2, now=day("2022-12-22"))
        assert not Todo.objects.filter(kind="move.award", done_at=None).exists()


def test_open_reviews_end_with_the_move_and_monitoring_goes_on(old, new, home) -> None:
    _household, number = home
    with scopes.acting(old.town):
        fact(Person.objects.get(name="王建国"), "wage_income", 30000, now=day("2022-12-02"))
    with scopes.acting(old.reviewer):
        enrolment.monitor(area=old.county, month=DECEMBER, now=day("2022-12-03"))
        assert Review.objects.filter(state="open").count() == 1
    move(old, new, number, now=day("2022-12-06"))
    with scopes.acting(old.reviewer):
        assert not Review.objects.filter(state__in=Review.LIVE).exists() and not Todo.objects.filter(kind__startswith="review.", done_at=None).exists()
        done = enrolment.monitor(area=old.county, month=JANUARY, now=day("2023-01-02"))
        assert done.awards == 0 and not Review.objects.filter(state__in=Review.LIVE).exists()
    with scopes.acting(new.reviewer):
        assert enrolment.monitor(area=new.county, month=JANUARY, now=day("2023-01-02")).households == 1


def test_a_death_after_the_move_stops_the_dead_ones_part_where_it_is_paid(old, new, home) -> None:
    old.pay(DECEMBER)
    move(old, new, home[1], now=day("2022-12-06"))
    whole = old.pay(JANUARY)[0].amount
    with scopes.acting(new.town):
        wife = Person.objects.get(name="李秀英")
        registry.record_death(person_id=wife.pk, version=wife.version, died_on=date(2023, 1, 15), on=date(2023, 1, 20), now=day("2023-01-20"))
    (line,) = old.pay(FEBRUARY)
    assert line.amount == whole / 2 and line.members == 1


def test_the_old_area_reads_what_it_decided_and_pays_for_who_has_moved(old, new, home) -> None:
    household, number = home
    move(old, new, number, now=day("2022-12-06"))
    reader = client_of(old.town)
    for path in ("/enrolment/awards/", "/enrolment/awards/?name=王建", "/enrolment/decisions/", "/enrolment/decisions/?name=王建"):
        assert "王建国" in reader.get(path).content.decode(), path
    assert "王建国" not in reader.get("/enrolment/awards/?name=李").content.decode().split('id="rows"')[1]
    with scopes.acting(old.town):
        award = Award.objects.get()
    page = reader.get(f"/enrolment/awards/{award.pk}/").content.decode()
    assert "王建国" in page and "李秀英" in page and "家庭已转出" in page
    assert reader.get(f"/households/{household.pk}/").status_code == 404
    assert f"/enrolment/awards/{award.pk}/" not in client_of(new.town).get("/enrolment/awards/").content.decode()


def test_what_the_old_area_would_change_it_is_told_to_leave(old, new, home) -> None:
    move(old, new, home[1], now=day("2022-12-06"))
    with scopes.acting(old.town):
        award = Award.objects.get()
        with pytest.raises(ValidationError, match="已转出"):
            enrolment.stop_award(award_id=award.pk, from_month=FEBRUARY, reason="迁出", now=day("2022-12-08"))


def test_a_move_between_villages_of_one_township_ends_nothing_early(old, home) -> None:
    household, number = home
    old.pay(DECEMBER)
    move(old, old, number, now=day("2022-12-06"), to=OTHER_VILLAGE)
    award = old.grant(household, now=day("2023-01-10"), month=FEBRUARY)
    assert award.starts == FEBRUARY and award.area == OTHER_VILLAGE
    lines = [line for month in (JANUARY, FEBRUARY, MARCH) for line in old.pay(month)]
    assert [line.month_entitled for line in lines] == [JANUARY, FEBRUARY, MARCH]
    assert [line.area for line in lines] == [VILLAGE, OTHER_VILLAGE, OTHER_VILLAGE]


def test_a_second_move_takes_over_from_whoever_pays(old, new, home) -> None:
    household, number = home
    old.pay(DECEMBER)
    move(old, new, number, now=day("2022-12-06"))
    back = Place(OTHER_VILLAGE)
    move(new, back, number, now=day("2022-12-20"))
    award = back.grant(household, now=day("2022-12-22"), month=JANUARY)
    assert award.starts == JANUARY
    assert [line.month_entitled for line in back.pay(JANUARY)] == [JANUARY]
    with scopes.acting(old.reviewer):
        assert set(Award.objects.values_list("starts", "ends")) == {(DECEMBER, JANUARY), (JANUARY, None)}


def test_nobody_ends_another_areas_award_without_a_move(old, new, home) -> None:
    with scopes.acting(old.reviewer):
        people = list(Person.objects.values_list("pk", flat=True))
    with scopes.acting(new.approver), connection.cursor() as cursor:
        cursor.execute("select doudi.succeed_awards(%s, 1::smallint, %s)", [people, JANUARY])
        assert cursor.fetchone()[0] == JANUARY
        cursor.execute("select * from doudi.moved_people()")
        assert cursor.fetchall() == []
    with scopes.acting(old.reviewer):
        assert Award.objects.get().ends is None
    move(old, new, home[1], now=day("2022-12-06"))
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410103")), connection.cursor() as cursor:
        cursor.execute("select doudi.succeed_awards(%s, 1::smallint, %s)", [people, JANUARY])
        cursor.execute("select * from doudi.moved_people()")
        assert cursor.fetchall() == []
    with scopes.acting(old.reviewer):
        assert Award.objects.get().ends == APRIL


def test_the_giving_side_has_a_todo_that_ends_with_the_request(old, new, home) -> None:
    asked = ask(new, home[1], now=day("2022-12-05"))
    with scopes.acting(old.town):
        todo = Todo.objects.get(kind="move.release")
        assert todo.duty == Duty.TOWNSHIP_OFFICER and todo.due == asked.due == date(2022, 12, 12) and "王" not in todo.title
    with scopes.acting(new.town):
        assert not Todo.objects.filter(kind="move.release").exists()
    with scopes.acting(old.second):
        registry.refuse_move(request_id=asked.pk, reason="户口未迁", on=date(2022, 12, 6), now=day("2022-12-06"))
        assert not Todo.objects.filter(subject="move", done_at=None).exists()


def test_who_asked_is_told_of_a_refusal_and_reads_why(old, new, home) -> None:
    asked = ask(new, home[1], now=day("2022-12-05"))
    with scopes.acting(old.second):
        registry.refuse_move(request_id=asked.pk, reason="户口未迁", on=date(2022, 12, 6), now=day("2022-12-06"))
        assert not Todo.objects.filter(kind="move.refused").exists()
        with pytest.raises(ValidationError):
            registry.read_refusal(request_id=asked.pk, now=day("2022-12-06"))
    with scopes.acting(new.town):
        todo = Todo.objects.get(kind="move.refused", done_at=None)
        assert (todo.area, todo.duty, todo.posting.account_id) == (ELSEWHERE[:9], Duty.TOWNSHIP_OFFICER, new.town.account_id)
    client = client_of(new.town)
    page = client.get(todo.url).content.decode()
    assert "户口未迁" in page and "已阅" in page
    client.post(f"{todo.url}read/")
    with scopes.acting(new.town):
        assert Todo.objects.get(kind="move.refused").done_at and "已阅" not in client.get(todo.url).content.decode()
        ask(new, home[1], now=day("2022-12-07"))


def test_what_the_giving_side_leaves_goes_to_its_county_and_then_above_both_ends(old, new, home) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        by = [officer(Duty.SUPERVISOR, "41", name=name).account_id for name in ("甲", "乙")]
        Setting.objects.create(
            area=old.county, parameter="procedure.move.release_days", starts=DECEMBER, value="3", document="文", state="confirmed", proposed_by_id=by[0],
            proposed_at=NOW, decided_by_id=by[1], decided_at=NOW,
        )  # fmt: skip
    city = officer(Duty.SUPERVISOR, "4101", name="市")
    asked = ask(new, home[1], now=day("2022-12-05"))
    assert asked.due == date(2022, 12, 8)
    province = officer(Duty.SUPERVISOR, "41", name="省")
    with scopes.acting(province):
        on = date(2022, 12, 8)
        assert registry.escalate_moves(area="41", on=on, now=day("2022-12-08")) == {"county": 0, "above": 0}
        assert registry.escalate_moves(area="41", on=on + timedelta(days=1), now=day("2022-12-09")) == {"county": 1, "above": 0}
        assert registry.escalate_moves(area="41", on=date(2022, 12, 20), now=day("2022-12-20")) == {"county": 0, "above": 1}
        assert registry.escalate_moves(area="41", on=date(2022, 12, 21), now=day("2022-12-21")) == {"county": 0, "above": 0}
        assert dict(Todo.objects.filter(subject="move").values_list("kind", "area")) == {
            "move.release": VILLAGE[:9], "move.county": old.county, "move.above": "4101",
        }  # fmt: skip
    with scopes.acting(city):
        with pytest.raises(ValidationError, match="2022-12-08"):
            registry.release_move(request_id=asked.pk, on=date(2022, 12, 7), now=day("2022-12-07"))
        registry.release_move(request_id=asked.pk, on=date(2022, 12, 8), now=day("2022-12-21"))
        registry.carry_out_move(request_id=asked.pk, now=day("2022-12-21"))
        assert not Todo.objects.filter(subject="move", done_at=None).exists()
        assert Household.objects.get().area == ELSEWHERE
