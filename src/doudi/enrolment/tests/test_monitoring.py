"""Dynamic monitoring (2.1), gradual exit (2.5), suspension of exits (2.6), periodic reviews, raised standards."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import MONTH, NOW, case, fact
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.services import emergencies, switches
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.enrolment import services
from doudi.enrolment.models import Award, AwardEvent, Decision, Review
from doudi.enrolment.services.monitoring import release_held
from doudi.registry.models import BenefitStatus, Person

pytestmark = pytest.mark.django_db
JANUARY, LATER = date(2023, 1, 1), NOW + timedelta(days=40)


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="李明")


@pytest.fixture
def reviewer() -> scopes.Scope:
    return officer(Duty.COUNTY_REVIEWER, COUNTY, name="赵敏")


@pytest.fixture
def approver() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY, name="王芳")


@pytest.fixture
def family(township, approver):
    """A household on dibao since December, by the law's own calculation."""
    with scopes.acting(township):
        made = case({"wage_income": 2400}, {"name": "李四"})
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        decision = services.propose(assessment=row, programme="dibao", now=NOW)
    with scopes.acting(approver):
        services.approve(decision_id=decision.pk, version=1, now=NOW)
    return made


def run(scope: scopes.Scope, *, month: date = JANUARY, now: datetime = LATER, **more):
    with scopes.acting(scope):
        return services.monitor(area=COUNTY, month=month, now=now, **more)


def reviews(scope: scopes.Scope, **wanted) -> list[Review]:
    with scopes.acting(scope):
        return list(Review.objects.filter(**wanted).order_by("id"))


def earn(scope: scopes.Scope, person: Person, yuan: int, now: datetime = LATER) -> None:
    with scopes.acting(scope):
        fact(person, "wage_income", yuan, now=now)


def test_2_1_what_has_not_changed_raises_nothing_and_the_award_stands(reviewer, family) -> None:
    done = run(reviewer)
    assert done.awards == 1 and done.figures["found"] == 0 and reviews(reviewer) == []


def test_2_1_a_risen_income_becomes_a_review_with_its_cause_and_never_a_silent_change(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    assert (row.cause, row.suggestion, row.state) == ("income", "lower", "open")
    assert row.changed == ["wage_income"] and row.current_amount - row.law_amount == Decimal("200.00")
    with scopes.acting(township):
        assert Award.objects.get().amounts.count() == 1, "nothing changed by itself"
        todo = Todo.objects.get(kind="review.income")
        assert todo.area == TOWNSHIP and "收入变化" in todo.title
    again = run(reviewer)
    assert (again.figures["new"], again.figures["updated"]) == (0, 0) and len(reviews(reviewer)) == 1


def test_2_1_the_difference_gone_the_review_settles_by_itself_and_its_todo_ends(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    earn(township, family.people[0], 2400, LATER + timedelta(days=1))
    run(reviewer, now=LATER + timedelta(days=1))
    assert [row.state for row in reviews(reviewer)] == ["settled"]
    with scopes.acting(township):
        assert not Todo.objects.filter(kind__startswith="review.", done_at=None).exists()


def test_2_1_a_dead_member_a_new_member_and_a_disability_are_told_apart(reviewer, township, family) -> None:
    with scopes.acting(township):
        fact(family.people[1], "disability", 1, "physical", now=LATER)
    run(reviewer)
    assert {(row.programme, row.cause) for row in reviews(reviewer)} == {("disability_living", "programme"), ("disability_nursing", "programme")}
    with scopes.acting(township):
        Person.objects.filter(pk=family.people[1].pk).update(died_on=date(2022, 12, 20))
    run(reviewer, now=LATER + timedelta(days=1))
    live = reviews(reviewer, state="open")
    assert [(row.programme, row.cause) for row in live] == [("dibao", "death")]
    with scopes.acting(township), pytest.raises(ValidationError, match="死亡"):
        services.keep_review(review_id=live[0].pk, version=live[0].version, reason="等等", now=LATER)


def test_2_1_a_raised_standard_is_one_cause_and_goes_through_as_a_batch(reviewer, township, approver, family) -> None:
    supervisor = [officer(Duty.SUPERVISOR, COUNTY, name=name) for name in ("甲", "乙")]
    with scopes.acting(scopes.Scope(area="41")):
        for place in ("urban", "rural"):
            Setting.objects.create(
                area=COUNTY, parameter=f"dibao.standard.{place}", starts=JANUARY, value="900", document="牟民〔2023〕1号", state="confirmed",
                proposed_by_id=supervisor[0].account_id, proposed_at=NOW, decided_by_id=supervisor[1].account_id, decided_at=NOW,
            )  # fmt: skip
    run(reviewer)
    (row,) = reviews(reviewer)
    assert (row.cause, row.suggestion) == ("standard", "raise") and row.law_amount > row.current_amount
    with scopes.acting(reviewer):
        ids = services.propose_standard_raise(area=COUNTY, document="牟民〔2023〕1号", now=LATER)
        assert len(ids) == 1 and services.propose_standard_raise(area=COUNTY, document="牟民〔2023〕1号", now=LATER) == []
        with pytest.raises(PermissionDenied):
            services.approve(decision_id=ids[0], version=1, now=LATER)
    with scopes.acting(approver):
        award = services.approve(decision_id=ids[0], version=1, now=LATER)
        assert award.amounts.order_by("-from_month").first().amount == row.law_amount
        assert Decision.objects.get(pk=ids[0]).content["document"] == "牟民〔2023〕1号"
    assert reviews(reviewer)[0].state == "changed" and run(reviewer).figures["found"] == 0


def test_2_1_only_where_the_county_says_so_a_raised_standard_pays_by_itself(reviewer, township, family) -> None:
    first, second = (officer(Duty.SUPERVISOR, COUNTY, name=name) for name in ("甲", "乙"))

    def setting(parameter: str, value: str) -> None:
        with scopes.acting(scopes.Scope(area="41")):
            Setting.objects.create(
                area=COUNTY, parameter=parameter, starts=date(2022, 12, 1), value=value, document="牟民〔2023〕1号", state="confirmed",
                proposed_by_id=first.account_id, proposed_at=NOW, decided_by_id=second.account_id, decided_at=NOW,
            )  # fmt: skip

    for place in ("urban", "rural"):
        setting(f"dibao.standard.{place}", "900")
    run(reviewer)
    with scopes.acting(reviewer):
        assert services.raise_automatically(area=COUNTY, on=JANUARY, now=LATER) == 0, "not marked"
    setting("procedure.review.automatic_standard", "1")
    with scopes.acting(reviewer):
        assert services.raise_automatically(area=COUNTY, on=JANUARY, now=LATER) == 1
        decision = Decision.objects.get(kind="change")
    assert (decision.proposed_by_id, decision.decided_by_id) == (first.account_id, second.account_id) and decision.state == "approved"
    assert reviews(reviewer)[0].state == "changed"


def test_2_1_what_an_officer_kept_survives_every_run_until_something_else_changes(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    with scopes.acting(township):
        with pytest.raises(ValidationError, match="理由"):
            services.keep_review(review_id=row.pk, version=row.version, reason=" ", now=LATER)
        services.keep_review(review_id=row.pk, version=row.version, reason="临时工，收入不稳定", now=LATER)
        with pytest.raises(ValidationError, match="已由"):
            services.keep_review(review_id=row.pk, version=row.version, reason="再一次", now=LATER)
    for month in (JANUARY, date(2023, 2, 1)):
        run(reviewer, month=month, now=LATER + timedelta(days=20))
    assert [one.state for one in reviews(reviewer)] == ["kept"]
    earn(township, family.people[0], 6000, LATER + timedelta(days=21))
    run(reviewer, month=date(2023, 2, 1), now=LATER + timedelta(days=21))
    assert [one.state for one in reviews(reviewer)] == ["kept", "open"]


def test_2_1_a_waiver_holds_until_its_day_whatever_the_law_says(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    with scopes.acting(township):
        services.keep_review(review_id=row.pk, version=row.version, reason="重大变故", until=date(2023, 3, 31), now=LATER)
    earn(township, family.people[0], 6000, LATER + timedelta(days=2))
    run(reviewer, month=date(2023, 3, 1), now=LATER + timedelta(days=50))
    assert [one.state for one in reviews(reviewer)] == ["kept"]
    run(reviewer, month=date(2023, 4, 1), now=LATER + timedelta(days=85))
    assert [one.state for one in reviews(reviewer)] == ["kept", "open"]


def test_2_1_a_proposal_sent_back_opens_the_review_again(reviewer, township, approver, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    with scopes.acting(township):
        made = services.propose_from_review(review_id=row.pk, version=row.version, what="change", from_month=date(2023, 2, 1), now=LATER)
    assert run(reviewer).figures["new"] == 0, "what is proposed is not asked again"
    with scopes.acting(approver):
        services.send_back(decision_id=made.pk, version=1, note="请核实", now=LATER)
    assert [(one.state, one.decision_id) for one in reviews(reviewer)] == [("open", None)]


def test_2_5_income_through_work_offers_a_gradual_exit_that_ends_by_itself_with_notice(reviewer, township, approver, family) -> None:
    earn(township, family.people[0], 60_000)
    run(reviewer)
    (row,) = reviews(reviewer)
    assert (row.cause, row.suggestion) == ("income", "gradual")
    with scopes.acting(township):
        made = services.propose_from_review(review_id=row.pk, version=row.version, what="gradual", from_month=date(2023, 2, 1), now=LATER)
        paid = Award.objects.get().amounts.get().amount
    with scopes.acting(approver):
        award = services.approve(decision_id=made.pk, version=1, now=LATER)
        award.refresh_from_db()
        assert (award.gradual_exit_start, award.ends) == (date(2023, 2, 1), date(2023, 8, 1)), "six months from 2022-11-23 on"
        assert award.amounts.order_by("-from_month").first().amount == paid
        assert set(award.members.values_list("ends", flat=True)) == {date(2023, 8, 1)}
        assert BenefitStatus.objects.filter(award_id=award.pk).first().gradual_exit_start == date(2023, 2, 1)
    for month in range(2, 8):
        done = run(reviewer, month=date(2023, month, 1), now=datetime(2023, month, 5, 9, tzinfo=NOW.tzinfo))
        assert done.awards == 1 and done.figures["new"] == 0, f"month {month}"
    with scopes.acting(reviewer):
        july = datetime(2023, 7, 5, 9, tzinfo=NOW.tzinfo)
        assert services.notice_of_end(area=COUNTY, on=date(2023, 7, 5), days=30, now=july) == 1
        assert services.notice_of_end(area=COUNTY, on=date(2023, 7, 6), days=30, now=july) == 0
    assert run(reviewer, month=date(2023, 8, 1), now=datetime(2023, 8, 5, 9, tzinfo=NOW.tzinfo)).awards == 0


def test_2_5_no_gradual_exit_where_income_did_not_come_from_work(reviewer, township, family) -> None:
    with scopes.acting(township):
        fact(family.people[0], "transfer_income", 60_000, now=LATER)
    run(reviewer)
    (row,) = reviews(reviewer)
    assert row.suggestion == "stop"


def suspend_exits(reviewer, approver) -> int:
    with scopes.acting(reviewer):
        row = emergencies.declare_emergency(
            kind="epidemic", areas=[COUNTY], starts=date(2023, 1, 1), ends=date(2023, 3, 1), document="牟政文〔2022〕40号", now=LATER
        )
    with scopes.acting(approver):
        emergencies.confirm_step(step_id=row.steps.get().pk, now=LATER)
    with scopes.acting(reviewer):
        switch = switches.propose_switch(
            emergency_id=row.pk, measure="exit_suspension", what="on", starts=date(2023, 1, 1), document="牟民〔2023〕2号", now=LATER
        )
    with scopes.acting(approver):
        switches.decide_switch(switch_id=switch.pk, state="confirmed", now=LATER)
    return row.pk


def test_2_6_while_exits_are_suspended_reviews_are_held_and_come_back_as_a_list(reviewer, township, approver, family) -> None:
    suspend_exits(reviewer, approver)
    with scopes.acting(township):
        fact(family.people[0], "transfer_income", 60_000, now=LATER)
    run(reviewer)
    (row,) = reviews(reviewer)
    assert row.state == "held"
    with scopes.acting(township), pytest.raises(ValidationError, match="暂停退出"):
        services.propose_from_review(review_id=row.pk, version=row.version, what="stop", ground="income", reason="x", from_month=date(2023, 2, 1), now=LATER)
    with scopes.acting(reviewer):
        assert release_held(area=COUNTY, on=date(2023, 2, 28), now=LATER) == 0
        assert release_held(area=COUNTY, on=date(2023, 3, 1), now=LATER + timedelta(days=60)) == 1
    assert reviews(reviewer)[0].state == "open"
    with scopes.acting(township):
        assert Todo.objects.filter(kind="review.income", done_at=None).exists()


def test_2_6_only_the_exceptions_end_an_award_while_exits_are_suspended(reviewer, township, approver, family) -> None:
    suspend_exits(reviewer, approver)
    with scopes.acting(township):
        award = Award.objects.get()
        for ground in ("income", "property", "other", "age"):
            with pytest.raises(ValidationError, match="暂停退出"):
                services.stop_award(award_id=award.pk, from_month=date(2023, 2, 1), reason="x", ground=ground, now=LATER)
        made = services.stop_award(award_id=award.pk, from_month=date(2023, 2, 1), reason="本人申请", ground="voluntary", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=made.pk, version=1, now=LATER)
        assert Award.objects.get().ends == date(2023, 2, 1)


def test_2_6_a_stop_proposed_before_is_not_approved_during_the_suspension(reviewer, township, approver, family) -> None:
    with scopes.acting(township):
        made = services.stop_award(award_id=Award.objects.get().pk, from_month=date(2023, 2, 1), reason="收入", ground="income", now=LATER)
    suspend_exits(reviewer, approver)
    with scopes.acting(approver), pytest.raises(ValidationError, match="暂停退出"):
        services.approve(decision_id=made.pk, version=1, now=LATER)


def test_2_6_a_gradual_exit_runs_on_while_exits_are_suspended(reviewer, township, approver, family) -> None:
    earn(township, family.people[0], 60_000)
    run(reviewer)
    (row,) = reviews(reviewer)
    with scopes.acting(township):
        made = services.propose_from_review(review_id=row.pk, version=row.version, what="gradual", from_month=date(2023, 2, 1), now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=made.pk, version=1, now=LATER)
    july = datetime(2023, 7, 10, 9, tzinfo=NOW.tzinfo)
    with scopes.acting(reviewer):
        row = emergencies.declare_emergency(kind="flood", areas=[COUNTY], starts=date(2023, 7, 8), ends=date(2023, 9, 1), document="x", now=july)
    with scopes.acting(approver):
        emergencies.confirm_step(step_id=row.steps.get().pk, now=july)
    with scopes.acting(reviewer):
        switch = switches.propose_switch(emergency_id=row.pk, measure="exit_suspension", what="on", starts=date(2023, 7, 8), document="y", now=july)
    with scopes.acting(approver):
        switches.decide_switch(switch_id=switch.pk, state="confirmed", now=july)
    with scopes.acting(reviewer):
        assert services.extend_while_suspended(area=COUNTY, on=date(2023, 7, 10), now=july) == 1
        assert services.extend_while_suspended(area=COUNTY, on=date(2023, 7, 11), now=july) == 0, "once a month"
        award = Award.objects.get()
        assert award.ends == date(2023, 9, 1) and AwardEvent.objects.get().kind == "extended"


def test_2_1_periodic_reviews_come_by_class_with_notice_and_once(reviewer, township, approver, family) -> None:
    with scopes.acting(reviewer):
        assert services.raise_periodic(area=COUNTY, on=date(2023, 3, 1), now=LATER) == 0
        assert services.raise_periodic(area=COUNTY, on=date(2023, 4, 28), now=LATER) == 1, "half a year after the decision, 30 days before"
        assert services.raise_periodic(area=COUNTY, on=date(2023, 4, 29), now=LATER) == 0
    (row,) = reviews(reviewer, kind="periodic")
    assert row.due == date(2023, 5, 25)
    with scopes.acting(township):
        services.keep_review(review_id=row.pk, version=row.version, reason="情况没有明显变化", now=LATER + timedelta(days=150))
    with scopes.acting(reviewer):
        assert services.raise_periodic(area=COUNTY, on=date(2023, 7, 1), now=LATER) == 0


def test_2_1_an_old_person_is_reviewed_yearly_also_from_leap_day(reviewer, township, approver) -> None:
    with scopes.acting(township):
        made = case({"birth": date(1950, 1, 1)})
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        decision = services.propose(assessment=row, programme="dibao", now=NOW)
    with scopes.acting(approver):
        services.approve(decision_id=decision.pk, version=1, now=NOW)
    with scopes.acting(reviewer):
        assert services.raise_periodic(area=COUNTY, on=date(2023, 6, 1), now=LATER) == 0
        assert services.raise_periodic(area=COUNTY, on=date(2024, 2, 29), now=LATER) == 1


def test_2_1_only_what_was_recorded_since_is_looked_at(reviewer, township, approver, family) -> None:
    run(reviewer)
    earn(township, family.people[0], 4800, LATER + timedelta(days=1))
    done = run(reviewer, now=LATER + timedelta(days=1), since=LATER + timedelta(hours=1))
    assert done.households == 1 and done.figures["new"] == 1
    assert run(reviewer, now=LATER + timedelta(days=2), since=LATER + timedelta(days=1, hours=1)).households == 0


def test_2_1_nobody_sees_or_decides_another_townships_review(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(Review.DoesNotExist):
        services.keep_review(review_id=row.pk, version=row.version, reason="x", now=LATER)
    with scopes.acting(township), pytest.raises(PermissionDenied):
        services.monitor(area=TOWNSHIP, month=JANUARY, now=LATER)
    with scopes.acting(reviewer), pytest.raises(ValidationError, match="管辖"):
        services.monitor(area="410103", month=JANUARY, now=LATER)


def test_2_1_as_many_queries_for_many_households_as_for_one(reviewer, township, family, django_assert_max_num_queries) -> None:
    earn(township, family.people[0], 4800)
    with scopes.acting(reviewer), django_assert_max_num_queries(70):
        services.monitor(area=COUNTY, month=JANUARY, now=LATER)


def test_2_1_pages_of_monitoring(reviewer, township, family) -> None:
    earn(township, family.people[0], 4800)
    run(reviewer)
    (row,) = reviews(reviewer)
    mine, county = client_of(township), client_of(reviewer)
    listed = mine.get("/enrolment/reviews/?state=open&cause=income").content.decode()
    assert "收入变化" in listed and family.household.name in listed
    page = mine.get(f"/enrolment/reviews/{row.pk}/").content.decode()
    assert "工资" in page and "维持不变" in page
    assert "开始监测" in county.get("/enrolment/monitoring/").content.decode()
    answer = mine.post(f"/enrolment/reviews/{row.pk}/keep/", {"version": row.version, "reason": "收入不稳定"})
    assert answer.status_code == 302
    assert mine.post(f"/enrolment/reviews/{row.pk}/keep/", {"version": row.version, "reason": "再来"}).status_code == 422
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).get(f"/enrolment/reviews/{row.pk}/").status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/enrolment/reviews/").status_code == 403


def test_2_1_a_confirmed_marginal_family_that_no_longer_is_one_comes_up(reviewer, township, approver) -> None:
    with scopes.acting(township):
        made = case({"wage_income": 9_000})
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        assert row.results["household"]["marginal_family"]
        decision = services.propose(assessment=row, programme="marginal", now=NOW)
    with scopes.acting(approver):
        services.approve(decision_id=decision.pk, version=1, now=NOW)
    assert run(reviewer).figures["found"] == 0
    earn(township, made.people[0], 60_000)
    run(reviewer)
    assert [(one.programme, one.cause, one.suggestion) for one in reviews(reviewer)] == [("marginal", "income", "stop")]
