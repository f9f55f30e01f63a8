"""Proposals and decisions: what the law gives, two officers, frozen content, no overlap anywhere (2.2, 2.3, 4.5)."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, ProgrammingError, connection, transaction

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import MONTH, NOW, Case, case, fact, person
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.enrolment import services
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Decision, Entitlement
from doudi.registry.models import BenefitStatus, Membership, Person, Programme

pytestmark = pytest.mark.django_db
FAR = "410724100201"


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="赵乡镇")


@pytest.fixture
def county() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY, name="钱审批")


def assess(c: Case, month: date = MONTH, now: datetime = NOW):
    return assessing.assess(household=c.household, month=month, trigger="officer", now=now)


def propose(c: Case, programme: str = Programme.DIBAO, month: date = MONTH, now: datetime = NOW, **options) -> Decision:
    return services.propose(assessment=assess(c, month, now), programme=programme, now=now, **options)


def granted(c: Case, township, county, programme: str = Programme.DIBAO, now: datetime = NOW, **options) -> Award:
    with scopes.acting(township):
        d = propose(c, programme, now=now, **options)
    with scopes.acting(county):
        award = services.approve(decision_id=d.pk, version=d.version, now=now)
    assert award is not None
    return award


def test_2_2_the_laws_amount_becomes_an_award_from_the_month_after_the_decision(township, county) -> None:
    with scopes.acting(township):
        c = case({"wage_income": 1200}, {"birth": date(2012, 5, 1)})
        d = propose(c)
        assert d.amount == Decimal(str(d.assessment.results["household"]["dibao_amount"])).quantize(Decimal("0.01"))
        assert not d.differs and len(d.content["members"]) == 2 and d.number.startswith(TOWNSHIP + "202211")
        assert Todo.objects.get(subject="decision", done_at__isnull=True).duty == Duty.COUNTY_APPROVER
    with scopes.acting(county):
        award = services.approve(decision_id=d.pk, version=1, now=NOW)
        d.refresh_from_db()
        assert award.starts == date(2022, 12, 1) and award.amounts.get().amount == d.amount and award.payee_name == c.people[0].name
        assert award.account == c.people[0].account and award.members.count() == 2
        assert d.state == "approved" and d.decided_by_id == county.account_id and d.version == 2
        assert not Todo.objects.filter(done_at__isnull=True).exists()
        statuses = BenefitStatus.objects.filter(award_id=award.pk)
        assert sum(s.amount for s in statuses) == d.amount and {s.state for s in statuses} == {"active"}


def test_2_1_the_award_is_a_fact_of_the_next_assessment(township, county) -> None:
    with scopes.acting(township):
        c = case({"wage_income": "1200.01"}, {}, {})
    award = granted(c, township, county)
    with scopes.acting(township):
        next_month = assess(c, date(2023, 1, 1), datetime(2023, 1, 5, tzinfo=UTC)).facts
        assert next_month["household"]["was_on_dibao"] is True and next_month["household"]["previous_dibao_members"] == 3
        assert Decimal(str(next_month["household"]["previous_dibao_amount"])) == award.amounts.get().amount  # to the fen: 3 shares add up
        assert next_month["persons"]["receives_dibao"] == [True] * 3
        assert "was_on_dibao" not in assess(c, date(2022, 12, 1)).facts["household"]


def test_4_5_subsidies_begin_with_the_month_of_application_at_that_months_amount(county) -> None:
    there = officer(Duty.TOWNSHIP_OFFICER, FAR[:9])
    with scopes.acting(there):
        c = case({"disability": (1, "visual"), "wage_income": 60000}, area=FAR)
    award = granted(c, there, officer(Duty.COUNTY_APPROVER, "410724"), Programme.DISABILITY_NURSING)
    with scopes.acting(there):
        assert award.starts == date(2022, 11, 1)
        rows = list(award.amounts.order_by("from_month").values_list("from_month", "amount"))
    assert rows == [(date(2022, 11, 1), Decimal(60)), (date(2022, 12, 1), Decimal(75))]


def test_a_decision_in_a_later_month_begins_later(township, county) -> None:
    with scopes.acting(township):
        d = propose(case({}))
    with scopes.acting(county):
        award = services.approve(decision_id=d.pk, version=1, now=datetime(2023, 1, 31, 15, 59, tzinfo=UTC))  # 23:59 in China
        assert award.starts == date(2023, 2, 1) and award.amounts.get().from_month == date(2023, 2, 1)
    with scopes.acting(township):
        other = propose(case({}))
    with scopes.acting(county):
        award = services.approve(decision_id=other.pk, version=1, now=datetime(2023, 1, 31, 16, 0, tzinfo=UTC))  # midnight: February
        assert award.starts == date(2023, 3, 1)


def test_2_2_another_amount_needs_a_reason_and_is_marked(township) -> None:
    with scopes.acting(township):
        c = case({})
        with pytest.raises(ValidationError, match="理由"):
            propose(c, amount=Decimal("100.00"))
        d = propose(c, amount=Decimal("100.00"), reason="民主评议意见")
        assert d.differs and d.amount == 100 and d.content["law_amount"] != "100.00"
        rich = case({"wage_income": 900000})
        with pytest.raises(ValidationError, match="不符合"):
            propose(rich)
        with pytest.raises(ValidationError, match="理由"):
            propose(rich, amount=Decimal("10"))


def test_2_2_the_proposer_cannot_approve_whatever_the_posting(township) -> None:
    from doudi.core.models import Posting

    with scopes.acting(scopes.Scope(area="41")):
        posting = Posting.objects.create(account_id=township.account_id, duty=Duty.COUNTY_APPROVER, area=COUNTY, starts=date(2022, 1, 1))
    both = scopes.Scope(area=COUNTY, account_id=township.account_id, posting_id=posting.pk, duty=Duty.COUNTY_APPROVER)
    with scopes.acting(township):
        d = propose(case({}))
        with pytest.raises(PermissionDenied):
            services.approve(decision_id=d.pk, version=1, now=NOW)
    with scopes.acting(both):
        with pytest.raises(PermissionDenied):
            services.approve(decision_id=d.pk, version=1, now=NOW)
        assert "另一名工作人员" in services.approve_many(decisions=[(d.pk, 1)], now=NOW).errors[d.pk]
        with pytest.raises(ValidationError, match="另一名"):
            services.send_back(decision_id=d.pk, version=1, note="x", now=NOW)
        for nobody_else in (township.account_id, None):
            with pytest.raises(IntegrityError), transaction.atomic():  # and past the services
                Decision.objects.filter(pk=d.pk).update(state="approved", decided_by_id=nobody_else, decided_at=NOW)
        assert not Award.objects.exists()


def test_2_2_delegated_confirmation_an_approver_posted_at_the_township(township) -> None:
    with scopes.acting(township):
        c = case({})
    assert granted(c, township, officer(Duty.COUNTY_APPROVER, TOWNSHIP)).area == c.household.area


def test_submitting_twice_makes_one(township, county) -> None:
    with scopes.acting(township):
        c = case({})
        d = propose(c)
        with pytest.raises(ValidationError, match=d.number):
            propose(c)
    with scopes.acting(county):
        services.approve(decision_id=d.pk, version=1, now=NOW)
        with pytest.raises(ValidationError, match="已由钱审批于 2022-11-25 10:00 办理"):
            services.approve(decision_id=d.pk, version=1, now=NOW)
        assert Award.objects.count() == 1 == Entitlement.objects.count()
    with scopes.acting(township), pytest.raises(ValidationError, match="同类待遇"):
        propose(c)


def test_a_page_that_is_out_of_date_decides_nothing(township, county) -> None:
    with scopes.acting(township):
        d = propose(case({}))
    with scopes.acting(county):
        with pytest.raises(ValidationError, match="刷新"):
            services.approve(decision_id=d.pk, version=7, now=NOW)
        services.send_back(decision_id=d.pk, version=1, note="缺收入证明", now=NOW)
    with scopes.acting(township):
        assert Todo.objects.get(kind="enrolment.sent_back", done_at__isnull=True).duty == Duty.TOWNSHIP_OFFICER
        again = propose(Case(d.household, []))
        services.withdraw(decision_id=again.pk, version=1, now=NOW)
        with pytest.raises(ValidationError):
            services.withdraw(decision_id=again.pk, version=2, now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        third = propose(Case(d.household, []))
    with scopes.acting(township), pytest.raises(PermissionDenied):
        services.withdraw(decision_id=third.pk, version=1, now=NOW)


def test_what_was_proposed_or_approved_cannot_be_changed_by_sql(township, county) -> None:
    with scopes.acting(township):
        d = propose(case({}))
    with scopes.acting(county):
        attacks = [
            "update enrolment_decision set content = jsonb_set(content, '{amounts,0,amount}', '\"99999\"')",
            "update enrolment_decision set amount = 99999",
            "update enrolment_decision set content_hash = 'x'",
            "delete from enrolment_decision",
        ]
        services.approve(decision_id=d.pk, version=1, now=NOW)
        attacks += ["update enrolment_awardamount set amount = 99999", "update enrolment_awardmember set person_id = 1", "delete from enrolment_award"]
        for attack in attacks:
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(attack)
        with pytest.raises(IntegrityError), transaction.atomic():
            Decision.objects.filter(pk=d.pk).update(state="proposed")
        with pytest.raises(IntegrityError, match="award_amount_number"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id)"
                " select area, award_id, from_month + interval '1 month', 'NaN', decision_id from enrolment_awardamount"
            )


def test_content_that_no_longer_fits_its_hash_is_not_approved(township, county) -> None:
    with scopes.acting(township):
        good = propose(case({}))
        forged = Decision(
            number="X1", area=good.area, household_id=case({}).household.pk, programme="dibao", kind="grant", content=good.content | {"differs": True},
            content_hash=good.content_hash, amount=1, starts=MONTH, proposed_by_id=township.account_id, proposed_at=NOW,
        )  # fmt: skip
        forged.save()
    with scopes.acting(county), pytest.raises(ValidationError, match="摘要不符"):
        services.approve(decision_id=forged.pk, version=1, now=NOW)


def _move(owner, person_id: int, household_id: int, area: str) -> None:
    """As a move does: the person and its membership change area, the award keeps the one that decided it."""
    owner.execute("alter table registry_person disable trigger user")
    owner.execute("delete from registry_membership where person_id = %s", [person_id])
    owner.execute("update registry_person set area = %s where id = %s", [area, person_id])
    owner.execute("insert into registry_membership (area, household_id, person_id, relationship, starts) values (%s, %s, %s, '02', '2022-11-02')", [area, household_id, person_id])
    owner.execute("alter table registry_person enable trigger user")


@pytest.mark.django_db(transaction=True)
def test_2_2_who_has_an_award_in_another_area_gets_no_second_one(township, county, owner_connection) -> None:
    there = officer(Duty.TOWNSHIP_OFFICER, FAR[:9])
    with scopes.acting(there):
        c = case({}, area=FAR)
    granted(c, there, officer(Duty.COUNTY_APPROVER, "410724"))
    with scopes.acting(township):
        mine, fine = case({}), case({})
    _move(owner_connection, c.people[0].pk, mine.household.pk, mine.household.area)
    with scopes.acting(township):
        bad, good = propose(mine), propose(fine)
    with scopes.acting(county):
        with pytest.raises(ValidationError, match="其他地区") as told:
            services.approve(decision_id=bad.pk, version=1, now=NOW)
        assert "410724" not in str(told.value) and "获嘉" not in str(told.value)
        out = services.approve_many(decisions=[(bad.pk, 1), (good.pk, 1)], now=NOW)
        assert out.done == [good.pk] and list(out.errors) == [bad.pk]
        assert Award.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_one_wins_and_the_other_is_told(township) -> None:
    with scopes.acting(township):
        d = propose(case({}))
    officers = [officer(Duty.COUNTY_APPROVER, COUNTY, name=name) for name in ("甲审批", "乙审批")]
    barrier, told, made = threading.Barrier(2), [], []

    def decide(scope: scopes.Scope) -> None:
        try:
            barrier.wait(10)
            with scopes.acting(scope):
                made.append(services.approve(decision_id=d.pk, version=1, now=NOW))
        except ValidationError as error:
            told.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=[scope]) for scope in officers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1 and len(told) == 1 and "审批于" in told[0]
    with scopes.acting(officers[0]):
        assert Award.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_proposals_at_once_have_two_numbers_and_one_per_household(township) -> None:
    other = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    with scopes.acting(township):
        same, different = assess(case({})), assess(case({}))
    barrier, errors = threading.Barrier(3), []

    def go(scope: scopes.Scope, assessment) -> None:
        try:
            barrier.wait(10)
            with scopes.acting(scope):
                services.propose(assessment=assessment, programme="dibao", now=NOW)
        except ValidationError as error:
            errors.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=args) for args in ((township, same), (other, same), (other, different))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with scopes.acting(township):
        numbers = sorted(Decision.objects.values_list("number", flat=True))
    assert len(errors) == 1 and len(numbers) == 2 == len(set(numbers))


def test_a_member_who_died_or_left_in_between_stops_the_approval(township, county) -> None:
    with scopes.acting(township):
        c, left = case({"name": "李四"}, {}), case({}, {"name": "王五"})
        died, moved = propose(c), propose(left)
        Person.objects.filter(pk=c.people[0].pk).update(died_on=date(2022, 11, 20))
        Membership.objects.filter(person=left.people[1]).update(ends=date(2022, 11, 24))
    with scopes.acting(county):
        out = services.approve_many(decisions=[(died.pk, 1), (moved.pk, 1)], now=NOW)
        assert "李四已于 2022-11-20 死亡" in out.errors[died.pk] and "王五已不是该家庭的成员" in out.errors[moved.pk] and not out.done


def test_a_batch_with_bad_rows_goes_on_with_the_rest(township, county) -> None:
    with scopes.acting(township):
        cases = [case({}) for _ in range(5)]
        decisions = [propose(c) for c in cases]
        Person.objects.filter(pk=cases[2].people[0].pk).update(died_on=date(2022, 11, 20))
    with scopes.acting(county):
        services.send_back(decision_id=decisions[0].pk, version=1, note="x", now=NOW)
        out = services.approve_many(decisions=[(d.pk, 1) for d in decisions] + [(10**9, 1)], now=NOW)
        assert sorted(out.done) == sorted(decisions[i].pk for i in (1, 3, 4)) and set(out.errors) == {decisions[0].pk, decisions[2].pk, 10**9}
        assert Award.objects.count() == 3 == AwardMember.objects.count() == AwardAmount.objects.count()


def test_the_number_of_queries_of_a_batch_does_not_depend_on_its_size(township, county) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (2, 12):
        with scopes.acting(township):
            decisions = [propose(case({})) for _ in range(size)]
        with scopes.acting(county), CaptureQueriesContext(connection) as seen:
            assert len(services.approve_many(decisions=[(d.pk, 1) for d in decisions], now=NOW).done) == size
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 24


def test_wrong_area_sees_and_decides_nothing(township, county) -> None:
    with scopes.acting(township):
        d = propose(case({}))
        assessment = d.assessment
    with scopes.acting(officer(Duty.COUNTY_APPROVER, "410724")):
        assert not Decision.objects.exists()
        for action in (services.approve, services.send_back):
            options = {"note": "x"} if action is services.send_back else {}
            with pytest.raises(ValidationError, match="管辖"):
                action(decision_id=d.pk, version=1, now=NOW, **options)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, FAR[:9])):
        with pytest.raises(ValidationError, match="管辖"):
            services.propose(assessment=assessment, programme="dibao", now=NOW)
        with pytest.raises(ValidationError):
            services.stop_award(award_id=1, from_month=MONTH, reason="x", now=NOW)


def test_2_3_a_county_that_pays_by_bands_takes_them_from_the_decision(township, county) -> None:
    village, when, month = "410323100201", datetime(2022, 12, 5, tzinfo=UTC), date(2023, 1, 1)  # Luoyang pays by bands
    there = officer(Duty.TOWNSHIP_OFFICER, village[:9])
    with scopes.acting(there):
        c = case({}, {"birth": date(2012, 1, 1)}, area=village)
        a = assess(c, month, when)
        bands = {c.people[0].pk: 1, c.people[1].pk: 2}
        d = services.propose(assessment=a, programme="dibao", now=when, bands=bands)
        shares = {m["person_id"]: Decimal(m["share"]) for m in d.content["members"]}
        assert list(shares.values()) == [Decimal(420), Decimal(220)] and d.amount == 640 and not d.differs
        with pytest.raises(ValidationError, match="档"):
            services.propose(assessment=a, programme="dibao", now=when, bands={c.people[0].pk: 1})


def test_2_1_a_change_is_a_dated_row_and_a_member_who_left_ends(township, county) -> None:
    with scopes.acting(township):
        c = case({"wage_income": 1200}, {}, {})
    award = granted(c, township, county)
    later = datetime(2023, 2, 10, tzinfo=UTC)
    with scopes.acting(township):
        Membership.objects.filter(person=c.people[2]).update(ends=date(2023, 2, 1))
        newborn = person(c.household, name="新生儿", birth=date(2023, 1, 20))
        fact(c.people[0], "wage_income", 2400, starts=date(2023, 2, 1), now=later)
        d = services.change_award(award_id=award.pk, assessment=assess(c, date(2023, 3, 1), later), now=later)
    with scopes.acting(county):
        services.approve(decision_id=d.pk, version=1, now=later)
        rows = list(award.amounts.order_by("from_month").values_list("from_month", flat=True))
        ends = dict(award.members.values_list("person_id", "ends"))
    assert rows == [date(2022, 12, 1), date(2023, 3, 1)]
    assert ends == {c.people[0].pk: None, c.people[1].pk: None, c.people[2].pk: date(2023, 3, 1), newborn.pk: None}


def test_a_stop_ends_with_the_month_and_from_the_first_month_it_never_was(township, county) -> None:
    with scopes.acting(township):
        kept, void = case({}), case({})
    first, second = granted(kept, township, county), granted(void, township, county)
    with scopes.acting(township):
        with pytest.raises(ValidationError, match="理由"):
            services.stop_award(award_id=first.pk, from_month=date(2023, 2, 1), reason=" ", now=NOW)
        stops = [
            services.stop_award(award_id=first.pk, from_month=date(2023, 2, 1), reason="收入提高", now=NOW),
            services.stop_award(award_id=second.pk, from_month=date(2022, 12, 1), reason="放弃", now=NOW),
        ]
    with scopes.acting(county):
        assert len(services.approve_many(decisions=[(d.pk, 1) for d in stops], now=NOW).done) == 2
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.ends == date(2023, 2, 1) == first.members.get().ends and not first.void
        assert second.void and second.members.get().void
        assert not BenefitStatus.objects.filter(award_id=second.pk).exists()
    with scopes.acting(township):
        assert propose(void, now=NOW).pk  # the group is free again


def test_a_refusal_leaves_a_status_and_a_suspension_its_reason(township, county) -> None:
    with scopes.acting(township):
        rich, poor = case({"wage_income": 900000}), case({})
        d = services.refuse(assessment=assess(rich), programme="dibao", reason="收入高于标准", now=NOW)
    award = granted(poor, township, county)
    with scopes.acting(county):
        assert services.approve(decision_id=d.pk, version=1, now=NOW) is None
        assert BenefitStatus.objects.get(person=rich.people[0]).state == "refused"
        services.suspend(award_id=award.pk, reason="年审未到", now=NOW)
        assert BenefitStatus.objects.get(award_id=award.pk).state == "suspended"
        with pytest.raises(ValidationError):
            services.suspend(award_id=award.pk, reason="年审未到", now=NOW)
        services.resume(award_id=award.pk, reason="已补审", now=NOW)
        assert [e.reason for e in award.events.order_by("id")] == ["年审未到", "已补审"]
    with scopes.acting(township), pytest.raises(PermissionDenied):
        services.suspend(award_id=award.pk, reason="x", now=NOW)


def test_2_3_a_run_becomes_proposals_once_with_their_leads(township, county) -> None:
    with scopes.acting(township):
        disabled = case({"disability": (1, "visual"), "wage_income": 90000})
        poor = case({}, {"disability": (2, "mental")})
        has = case({})
        case({"wage_income": 900000})
    granted(has, township, county)
    with scopes.acting(township):
        run = assessing.assess_all(area=TOWNSHIP, month=MONTH, now=NOW)
        made = services.propose_from_run(run=run, programmes=list(Programme.values), now=NOW, leads={disabled.household.pk: 77})
        found = {(d.household_id, d.programme): d for d in Decision.objects.filter(pk__in=made.ids)}
        wanted = {(disabled.household.pk, "disability_nursing"), (poor.household.pk, "dibao"), (poor.household.pk, "disability_nursing"), (poor.household.pk, "disability_living")}
        assert set(found) == wanted and made.held == 1
        assert found[(disabled.household.pk, "disability_nursing")].lead_id == 77 and found[(poor.household.pk, "dibao")].lead_id is None
        again = services.propose_from_run(run=run, programmes=list(Programme.values), now=NOW)
        assert not again.ids and again.open == 4
        assert Todo.objects.filter(kind="enrolment.approve", done_at__isnull=True).count() == 4
    with scopes.acting(county):
        assert len(services.approve_many(decisions=[(d.pk, 1) for d in found.values()], now=NOW).done) == 4
