"""Price linkage (clause 3.3): indices by two officers, start conditions to the tenth, who is covered, one subsidy a person and month."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.models import Duty, Message, Setting, Todo
from doudi.core.settings_overlay import overlay
from doudi.core.tests.officers import COUNTY, officer
from doudi.enrolment.models import AwardMember, Entitlement
from doudi.payments.tests import world
from doudi.payments.tests.world import award
from doudi.registry.models import Person
from doudi.relief.linkage import linkage_of
from doudi.relief.models import PriceClaim, PriceEntry, PriceLeftOut, PriceNotice, PriceProposal
from doudi.relief.services import price_entries, price_proposals
from doudi.relief.tests.price_world import CITY, INDEX, NOW, ON, PAID, City, indices

pytestmark = pytest.mark.django_db

@pytest.fixture
def city() -> City:
    return City()


def person(name: str) -> Person:
    with scopes.acting(scopes.Scope(area="41")):
        return world.person(name)


def given(**words: object) -> world.Given:
    with scopes.acting(scopes.Scope(area="41", account_id=officer(Duty.COUNTY_REVIEWER).account_id)):
        return award(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("index", "cpi", "food", "starts"),
    [
        (date(2022, 11, 1), "2.99", "5.99", False),
        (date(2022, 11, 1), "3.0", "0", True),
        (date(2022, 11, 1), "0", "6.0", True),
        (date(2022, 7, 1), "3.49", "5.99", False),  # before the window the condition is 3.5
        (date(2022, 7, 1), "3.5", "0", True),
        (date(2022, 8, 1), "3.0", "0", True),  # the window's first index month
        (date(2023, 2, 1), "3.0", "0", True),  # and its last
        (date(2023, 3, 1), "3.0", "0", False),
        (date(2023, 3, 1), "3.5", "0", True),
    ],
)
def test_3_3_starts_when_a_condition_is_reached_exactly(city: City, index: date, cpi: str, food: str, starts: bool) -> None:
    month = price_entries.month_after(index)
    city.confirmed(cpi, food, "2.0", month=index, on=month.replace(day=15))
    found = linkage_of(area=COUNTY, month=month, settings=overlay(month))
    assert (found.started, found.known) == (starts, True)
    assert ("未达到" not in found.reasons[0] or "未达到" not in found.reasons[1]) is starts
    with scopes.acting(city.second):
        assert PriceNotice.objects.filter(area=CITY, month=month, started=True).exists() is starts


def test_3_3_indices_need_two_officers_and_then_count(city: City) -> None:
    entry = city.entered("3.4", "6.2", "2.4")
    assert linkage_of(area=COUNTY, month=PAID, settings=overlay(PAID)).cpi.value is None
    with scopes.acting(city.first), pytest.raises(PermissionDenied):
        price_entries.confirm_indices(entry_id=entry.pk, now=NOW)
    with scopes.acting(city.second):
        assert Todo.objects.filter(kind="prices.confirm", subject_id=entry.pk, done_at=None).exists()
        price_entries.confirm_indices(entry_id=entry.pk, now=NOW)
        with pytest.raises(ValidationError, match="可能已由他人办理"):
            price_entries.confirm_indices(entry_id=entry.pk, now=NOW)
    found = linkage_of(area=COUNTY, month=PAID, settings=overlay(PAID))
    assert (found.cpi.value, found.food.value, found.rise, found.source, found.cpi.given) == (3.4, 6.2, 2.4, "scpi", False)
    with scopes.acting(scopes.Scope(area="41")):
        assert not Todo.objects.filter(kind="prices.confirm", subject_id=entry.pk, done_at=None).exists()
        assert Todo.objects.filter(kind="prices.propose", area=COUNTY, done_at=None).count() == 1
        sent = set(Message.objects.filter(template="prices.started").values_list("account_id", flat=True))
    assert {city.reviewer.account_id, city.approver.account_id} <= sent
    # the database holds the two officers, whatever the service
    with scopes.acting(city.second), pytest.raises(IntegrityError), transaction.atomic():
        PriceEntry.objects.create(
            area=CITY, month=date(2022, 10, 1), cpi=1, source="x", document="x", state="confirmed", entered_by_id=city.first.account_id,
            entered_at=NOW, decided_by_id=city.first.account_id, decided_at=NOW,
        )  # fmt: skip


def test_3_3_wrong_months_values_and_places_are_refused_in_words(city: City) -> None:
    with pytest.raises(ValidationError, match="2022-12的指数要到 2023-01才公布"):
        city.entered("3", month=date(2022, 12, 1))
    with pytest.raises(ValidationError, match="现已逾期"):
        city.entered("3", month=date(2022, 9, 1))
    city.entered("3", month=date(2022, 9, 1), reason="公报晚到")
    for cpi in ("102.1", "NaN", "2.123"):
        with pytest.raises(ValidationError):
            city.entered(cpi)
    with pytest.raises(ValidationError, match="至少填写一项"):
        city.entered()
    with scopes.acting(city.first), pytest.raises(ValidationError, match="以省、市为单位"):
        price_entries.enter_indices(area=COUNTY, month=INDEX, indices=indices("3"), source="x", document="x", on=ON, now=NOW)
    with scopes.acting(city.first), pytest.raises(ValidationError, match="管辖范围"):
        price_entries.enter_indices(area="4103", month=INDEX, indices=indices("3"), source="x", document="x", on=ON, now=NOW)
    with scopes.acting(city.reviewer), pytest.raises(PermissionDenied):
        price_entries.enter_indices(area=CITY, month=INDEX, indices=indices("3"), source="x", document="x", on=ON, now=NOW)
    assert city.entered("3.1", "1").pk == city.entered("3.1", "1").pk  # a double click
    with pytest.raises(ValidationError, match="已有一份待确认"):
        city.entered("3.2", "1")


def test_3_3_a_city_that_waits_for_the_scpi_and_one_that_falls_back() -> None:
    luoyang, zhengzhou = City("4103", "410311"), City()
    for each in (luoyang, zhengzhou):
        each.confirmed("3.2", "6.5")
    waits = linkage_of(area="410311", month=PAID, settings=overlay(PAID))
    assert (waits.started, waits.waits, waits.state[0]) == (True, True, "已启动，待低收入价格指数")
    with pytest.raises(ValidationError, match="本地规定等待该指数"):
        luoyang.proposed()
    falls = linkage_of(area=COUNTY, month=PAID, settings=overlay(PAID))
    assert (falls.rise, falls.source, falls.waits) == (3.2, "cpi", False)
    luoyang.confirmed("3.2", "6.5", "2.0", reason="低收入价格指数晚公布")
    assert linkage_of(area="410311", month=PAID, settings=overlay(PAID)).rise == 2.0


def test_3_3_each_covered_person_once_with_the_laws_amount(city: City) -> None:
    given(members=2)
    given(programme="tekun")
    given(programme="orphan", amount="1050.00")
    given(programme="marginal", members=3)
    given(programme="disability_nursing", amount="75.00")
    city.confirmed("3.0", "1.0", "2.5")
    made = city.proposed()
    standards = {each["group"]: each for each in made.proposal.basis["amounts"] if each["residence"] == "rural"}
    assert made.changed and made.proposal.people == 2 + 1 + 1 + 3
    with scopes.acting(city.reviewer):
        by_group = {}
        for claim in PriceClaim.objects.filter(proposal=made.proposal):
            by_group.setdefault(claim.group, set()).add(claim.amount)
            assert claim.amount == (claim.base * Decimal("0.025")).quantize(Decimal(1), "ROUND_HALF_UP") and claim.step == 1
    assert {group: len(amounts) for group, amounts in by_group.items()} == {"dibao": 1, "tekun": 1, "children": 1, "marginal": 1}
    assert by_group["dibao"] == {Decimal(standards["dibao"]["amount"])} == by_group["marginal"]
    assert made.proposal.amount == sum((Decimal(row["amount"]).quantize(Decimal("0.01")) for row in made.proposal.summary["groups"]), Decimal(0))
    assert made.proposal.deadline == date(2022, 12, 30)
    assert city.proposed().proposal.pk == made.proposal.pk and not city.proposed().changed


@pytest.mark.parametrize(("month", "covered"), [(date(2022, 8, 1), 0), (date(2022, 9, 1), 1), (date(2023, 3, 1), 1), (date(2023, 4, 1), 0)])
def test_3_3_marginal_families_are_covered_from_september_2022_to_march_2023(city: City, month: date, covered: int) -> None:
    given(starts=date(2022, 7, 1))
    given(programme="marginal", starts=date(2022, 7, 1))
    on = month.replace(day=15)
    city.confirmed("4.0", "1.0", "2.5", month=price_entries.month_before(month), on=on)
    with scopes.acting(city.reviewer):
        made = price_proposals.propose_subsidies(area=COUNTY, month=month, on=on, now=NOW).proposal
        assert PriceClaim.objects.filter(proposal=made, group="marginal").count() == covered and made.people == 1 + covered


def test_3_3_several_groups_are_one_subsidy_and_the_dead_and_suspended_are_left_out(city: City) -> None:
    both, dead, late = person("双份"), person("亡故"), person("本月亡故")
    given(people=[both])
    given(people=[both], programme="unsupported_child", amount="1050.00")
    given(people=[dead])
    given(people=[late])
    paused = given(people=[person("暂停")])
    with scopes.acting(scopes.Scope(area="41")), connection.cursor() as cursor:
        cursor.execute("update registry_person set died_on = '2022-11-30' where id = %s", [dead.pk])
        cursor.execute("update registry_person set died_on = '2022-12-01' where id = %s", [late.pk])
        cursor.execute("update enrolment_award set suspended = true where id = %s", [paused.award.pk])
    city.confirmed("3.0", "1.0", "2.5")
    made = city.proposed().proposal
    with scopes.acting(city.reviewer):
        claims = {claim.person_id: claim.group for claim in PriceClaim.objects.filter(proposal=made)}
        assert claims == {both.pk: "children", late.pk: "dibao"}  # the urban standard, the higher base
        assert list(PriceLeftOut.objects.filter(proposal=made).values_list("reason", flat=True)) == ["suspended"]


def test_3_3_a_person_with_awards_in_two_counties_is_paid_once(committed_db: None, owner_connection: Any) -> None:
    city, far = City(), City(CITY, "410181")
    mover = person("迁移户")
    given(people=[mover])
    city.confirmed("3.0", "1.0", "2.5")
    first = city.approved()
    # moved; the new county confirmed the family as marginal
    owner_connection.execute("update registry_person set area = '410181100201' where id = %s", [mover.pk])
    with scopes.acting(scopes.Scope(area="41", account_id=far.reviewer.account_id)):
        award(people=[mover], programme="marginal", area="410181100201")
        award(area="410181100201")
    second = far.proposed().proposal
    assert (first.people, second.people) == (1, 1)
    with scopes.acting(far.reviewer):
        out = PriceLeftOut.objects.get(proposal=second)
        assert (out.person_id, out.reason) == (mover.pk, "elsewhere")
        with pytest.raises(IntegrityError), transaction.atomic():  # and the database says so too
            claim = PriceClaim.objects.filter(proposal=second)[0]
            PriceClaim.objects.create(
                area=claim.area, proposal=second, county="410181", person_id=mover.pk, household_id=1, award_id=1, month=PAID, step=1, group="dibao",
                residence="rural", base=1, total=1, amount=1,
            )  # fmt: skip


def test_3_3_approval_makes_one_off_entitlements_and_freezes(city: City) -> None:
    given(members=3)
    city.confirmed("3.0", "1.0", "2.5")
    made = city.proposed().proposal
    with scopes.acting(city.reviewer), pytest.raises(PermissionDenied):
        price_proposals.approve_subsidies(proposal_id=made.pk, version=1, now=NOW)
    both = officer(Duty.COUNTY_APPROVER)
    with scopes.acting(scopes.Scope(area=COUNTY, account_id=city.reviewer.account_id, duty=both.duty)), pytest.raises(PermissionDenied):
        price_proposals.approve_subsidies(proposal_id=made.pk, version=1, now=NOW)  # the same person under another posting
    with scopes.acting(city.approver):
        before = Entitlement.objects.filter(kind="grant").count()
        price_proposals.approve_subsidies(proposal_id=made.pk, version=1, now=NOW)
        with pytest.raises(ValidationError, match="可能已由他人办理"):
            price_proposals.approve_subsidies(proposal_id=made.pk, version=1, now=NOW)
        assert Entitlement.objects.filter(kind="grant").count() == before + 3
        claims = list(PriceClaim.objects.filter(proposal=made).select_related("entitlement"))
        assert all(claim.entitlement and claim.entitlement.area == claim.area for claim in claims)
        with pytest.raises(IntegrityError), transaction.atomic():
            PriceClaim.objects.filter(pk=claims[0].pk)._raw_delete("default")
        with pytest.raises(ValidationError, match="现为“已审批”"):
            price_proposals.send_back_subsidies(proposal_id=made.pk, version=2, note="晚了", now=NOW)
    with pytest.raises(ValidationError, match="没有差额"):
        city.proposed()


def test_3_3_a_sent_back_proposal_gives_its_claims_back(city: City) -> None:
    given()
    city.confirmed("3.0", "1.0", "2.5")
    made = city.proposed().proposal
    with scopes.acting(city.approver):
        price_proposals.send_back_subsidies(proposal_id=made.pk, version=1, note="指数请核对", now=NOW)
        assert not PriceClaim.objects.exists()
    again = city.proposed().proposal
    assert again.pk != made.pk and again.serial == 1
    with scopes.acting(city.reviewer):
        price_proposals.withdraw_subsidies(proposal_id=again.pk, version=1, now=NOW)
        assert not PriceClaim.objects.exists()


def test_3_3_a_corrected_index_pays_the_difference_and_says_why(city: City) -> None:
    given(members=2)
    first_entry = city.confirmed("3.0", "1.0", "2.5")
    first = city.approved()
    with pytest.raises(ValidationError, match="更正请写明原因"):
        city.entered("3.0", "1.0", "3.5")
    second_entry = city.confirmed("3.0", "1.0", "3.5", reason="统计部门更正公报")
    with scopes.acting(city.second):
        first_entry.refresh_from_db()
        assert (first_entry.state, second_entry.corrects_id) == ("superseded", first_entry.pk)
        rows = Setting.objects.filter(parameter="prices.scpi", area=CITY, starts=INDEX).order_by("id")
        assert [(row.value, row.state) for row in rows] == [("2.5", "withdrawn"), ("3.5", "confirmed")]
    with scopes.acting(city.reviewer):
        assert Todo.objects.filter(kind="prices.corrected", done_at=None).count() == 1
    second = city.approved()
    with scopes.acting(city.reviewer):
        claims = PriceClaim.objects.order_by("person_id", "step")
        base = claims[0].base
        whole = (base * Decimal("0.035")).quantize(Decimal(1), "ROUND_HALF_UP")
        assert [claim.step for claim in claims] == [1, 2, 1, 2] and claims[1].amount == whole - claims[0].amount and claims[1].total == whole
    assert second.serial == 2 and second.amount + first.amount == 2 * whole
    assert "低收入价格指数由 2.5% 更正为 3.5%" in second.summary["difference"]


def test_3_3_a_standard_raised_later_asks_the_county_for_the_difference_once(city: City) -> None:
    given(members=2)
    city.confirmed("3.0", "1.0", "2.5")
    first = city.approved()
    later = NOW + timedelta(hours=1)

    def raised(parameter: str, value: str) -> int:
        with scopes.acting(scopes.Scope(area="41")):
            Setting.objects.create(
                area=COUNTY, parameter=parameter, starts=PAID, value=value, document="示例1号", state="confirmed", proposed_by_id=city.reviewer.account_id,
                proposed_at=later, decided_by_id=city.approver.account_id, decided_at=later,
            )  # fmt: skip
            return price_entries.daily(area="41", on=ON, now=later)["raised"]

    assert raised("disability.nursing", "500") == 0, "no standard of price linkage"
    assert raised("dibao.standard.rural", "2000") == 1
    with scopes.acting(city.reviewer):
        todo = Todo.objects.get(kind="prices.corrected", done_at=None)
        assert todo.area == COUNTY and "标准已提高" in todo.title
    with scopes.acting(scopes.Scope(area="41")):
        assert price_entries.daily(area="41", on=ON, now=later)["raised"] == 0, "asked once"
    second = city.approved()
    assert second.amount > 0 and second.serial == first.serial + 1
    with scopes.acting(city.reviewer):
        assert not Todo.objects.filter(kind="prices.corrected", done_at=None).exists()


def test_3_3_a_lower_index_takes_nothing_back_by_itself_and_lists_what_was_paid_too_much(city: City) -> None:
    given(members=2)
    city.confirmed("3.0", "1.0", "3.5")
    first = city.approved()
    city.confirmed("2.9", "1.0", "3.5", reason="统计部门更正公报")
    with scopes.acting(city.second):
        assert list(PriceNotice.objects.filter(area=CITY).order_by("id").values_list("started", flat=True)) == [True, False]
    second = city.approved()
    with scopes.acting(city.reviewer):
        out = PriceLeftOut.objects.filter(proposal=second)
        assert {each.reason for each in out} == {"overpaid"} and sum(each.amount for each in out) == first.amount
    assert (second.people, second.amount) == (0, 0) and "更正后未达到启动条件" in second.summary["difference"]


def test_3_3_approval_refuses_what_the_indices_no_longer_say(city: City) -> None:
    given()
    city.confirmed("3.0", "1.0", "2.5")
    made = city.proposed().proposal
    city.confirmed("3.0", "1.0", "2.6", reason="更正")
    with scopes.acting(city.approver), pytest.raises(ValidationError, match="已经变更"):
        price_proposals.approve_subsidies(proposal_id=made.pk, version=1, now=NOW)


def test_3_3_not_started_not_known_and_too_early_are_refused(city: City) -> None:
    given()
    with pytest.raises(ValidationError, match="指数尚未录入"):
        city.proposed()
    city.confirmed("2.9", "5.9", "2.5")
    with pytest.raises(ValidationError, match=r"没有启动物价联动.*2\.9%，未达到启动条件 3%"):
        city.proposed()
    with pytest.raises(ValidationError, match="还没有到"):
        city.proposed(date(2023, 1, 1))
    with scopes.acting(city.reviewer), pytest.raises(ValidationError, match="管辖范围"):
        price_proposals.propose_subsidies(area="410181", month=PAID, on=ON, now=NOW)


def test_3_3_after_the_deadline_a_reason_is_asked_for(city: City) -> None:
    given()
    city.confirmed("3.0", "1.0", "2.5")
    late = date(2023, 1, 3)
    with pytest.raises(ValidationError, match="发放期限 2022-12-30已过"):
        city.proposed(on=late)
    assert city.proposed(on=late, reason="公报晚到").proposal.reason == "公报晚到"


def test_3_3_the_province_starts_everywhere_by_a_dated_decision(city: City) -> None:
    given()
    city.confirmed("2.0", "1.0", "1.5")
    one, two = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    from doudi.core.services.settings import confirm_setting, propose_setting

    with scopes.acting(one):
        row = propose_setting(parameter="price_linkage.province_start", area="41", starts=PAID, value="1", document="豫政办明电〔2022〕9号", now=NOW)
    with scopes.acting(two):
        confirm_setting(setting_id=row.pk, now=NOW)
        done = price_entries.daily(area="41", on=ON, now=NOW)
    assert done["published"] >= 18 and done["owed"] >= 1
    found = linkage_of(area=COUNTY, month=PAID, settings=overlay(PAID))
    assert (found.started, found.by_province, found.rise) == (True, True, 1.5) and "省已决定全省启动" in found.reasons
    assert city.proposed().proposal.people == 1
    with scopes.acting(two):
        assert price_entries.daily(area="41", on=ON, now=NOW)["published"] == 0  # told once


def test_3_3_each_month_a_city_with_officers_is_asked_for_the_indices(city: City) -> None:
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert price_entries.daily(area="41", on=ON, now=NOW)["asked"] == 1
        todo = Todo.objects.get(kind="prices.enter", done_at=None)
        assert (todo.area, todo.due, todo.duty) == (CITY, date(2022, 12, 18), Duty.SUPERVISOR)
        assert price_entries.daily(area="41", on=ON, now=NOW)["asked"] == 0
    city.confirmed("2.0", "1.0", "1.5")
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert not Todo.objects.filter(kind="prices.enter", done_at=None).exists()
        assert price_entries.daily(area="41", on=ON, now=NOW)["asked"] == 0


def test_3_3_nobody_sees_another_countys_claims(city: City) -> None:
    given()
    city.confirmed("3.0", "1.0", "2.5")
    city.proposed()
    other = officer(Duty.COUNTY_REVIEWER, "410181")
    with scopes.acting(other):
        assert not PriceClaim.objects.exists() and not PriceProposal.objects.exists()
        assert PriceEntry.objects.count() == 1  # the city's indices are for all its counties
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410311")):
        assert not PriceEntry.objects.exists()


def test_3_3_two_counties_and_two_clicks_at_once_pay_each_person_once(committed_db: None, owner_connection: Any) -> None:
    near, far = City(), City(CITY, "410181")
    mover = person("并发迁移户")
    given(people=[mover])
    owner_connection.execute("update registry_person set area = '410181100201' where id = %s", [mover.pk])
    with scopes.acting(scopes.Scope(area="41", account_id=far.reviewer.account_id)):
        award(people=[mover], programme="marginal", area="410181100201")
        award(area="410181100201")
        award()
    near.confirmed("3.0", "1.0", "2.5")
    barrier, errors = Barrier(4), []

    def go(city: City) -> None:
        barrier.wait()
        try:
            city.proposed()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=go, args=(each,)) for each in (near, near, far, far)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with scopes.acting(scopes.Scope(area="41")):
        assert PriceProposal.objects.count() == 2
        assert PriceClaim.objects.filter(person_id=mover.pk).count() == 1 and PriceClaim.objects.count() == 3


def test_3_3_members_who_left_before_the_month_are_not_covered(city: City) -> None:
    home = given(members=2, starts=INDEX)
    with scopes.acting(scopes.Scope(area="41")):
        AwardMember.objects.filter(person=home.people[1]).update(ends=PAID)
    city.confirmed("3.0", "1.0", "2.5")
    assert city.proposed().proposal.people == 1


def test_3_3_an_approved_subsidy_goes_through_a_one_off_payroll_once(city: City) -> None:
    officers = world.Officers()
    officers.money("10000.00")
    given(members=2)
    given(account=False)
    city.confirmed("3.0", "1.0", "2.5")
    made = city.approved()
    with scopes.acting(city.reviewer):
        assert Todo.objects.filter(kind="prices.pay", done_at=None).count() == 1
        paid = price_proposals.prepare_payroll(proposal_id=made.pk, on=ON, now=NOW)
        assert price_proposals.prepare_payroll(proposal_id=made.pk, on=ON, now=NOW).payroll.pk == paid.payroll.pk  # the draft is refreshed
        assert not Todo.objects.filter(kind="prices.pay", done_at=None).exists()
        claims = set(PriceClaim.objects.values_list("entitlement_id", "amount"))
        lines = set(paid.payroll.payroll_lines.values_list("entitlement_id", "amount"))
    assert (paid.lines, paid.excluded) == (2, 1) and lines < claims  # who has no account waits
    released = officers.released(paid.payroll)
    assert released.state == "released" and released.amount == sum(amount for _entitlement, amount in lines)
    with scopes.acting(city.reviewer), pytest.raises(ValidationError, match=r"没有可发放的|没有到期"):
        price_proposals.prepare_payroll(proposal_id=made.pk, on=ON, now=NOW)
