"""Purchased services (8.2): contracts, records, confirmation, acceptance, settlement against the fund; each guard broken on purpose."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.payments.models import LedgerEntry
from doudi.payments.services import ledger
from doudi.payments.tests.test_guards import refused, run
from doudi.registry.tests.helpers import ELSEWHERE
from doudi.resources import queries
from doudi.resources.models import Acceptance, PurchasedService, QualityCheck, ServiceContract, Spending
from doudi.resources.services import contracts, recording, settling
from doudi.resources.services.contracts import Line
from doudi.resources.tests.world import COUNTY, LINES, NOW, ON, World, fresh, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def paid(year: int = 2022) -> Decimal:
    with scopes.acting(scopes.Scope(area=COUNTY)):
        rows = LedgerEntry.objects.filter(area=COUNTY, fund__code="services", fund_year=year, account="paid")
        return sum((row.amount for row in rows), Decimal(0))


def test_8_2_a_contract_is_approved_by_another_officer_and_is_the_sum_of_its_lines(world: World) -> None:
    made = world.proposed()
    assert made.amount == Decimal("1205.00") + Decimal("666.60") and made.provider == "暖阳社会工作服务中心"
    with scopes.acting(world.coordinator), pytest.raises(PermissionDenied):
        contracts.decide_contract(contract_id=made.pk, version=made.version, agreed=True, now=NOW)
    with scopes.acting(world.approver):
        assert contracts.decide_contract(contract_id=made.pk, version=made.version, agreed=True, now=NOW).state == "active"
        with pytest.raises(ValidationError):
            contracts.decide_contract(contract_id=made.pk, version=made.version, agreed=False, note="晚了", now=NOW)
    with scopes.acting(world.coordinator), refused("sum of its lines"):
        run(
            "insert into resources_contractline (area, contract_id, position, kind, name, unit, unit_price, quantity) values (%s, %s, 9, 'other', '加项', '次', 1, 1)",
            [COUNTY, world.proposed().pk],
        )


def test_8_2_same_form_twice_is_one_contract_and_a_number_stands_once(world: World) -> None:
    key = uuid4()
    assert world.proposed(key=key, number="HT-1").pk == world.proposed(key=key, number="HT-1").pk
    with pytest.raises(ValidationError, match="已登记过"):
        world.proposed(number="HT-1")


@pytest.mark.parametrize(
    "words",
    [
        {"lines": ()}, {"lines": (Line("other", "", "次", Decimal(1), Decimal(1)),)}, {"lines": (Line("other", "甲", "次", Decimal("0.001"), Decimal(1)),)},
        {"lines": (LINES[0], LINES[0])}, {"until": date(2022, 9, 1)}, {"document": " "}, {"organisation_id": 0},
    ],
)  # fmt: skip
def test_8_2_malformed_contracts_are_refused(world: World, words: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        world.proposed(**words)


def test_4_1_the_assistance_fund_pays_no_services_whoever_tries(world: World) -> None:
    with pytest.raises(ValidationError, match="专款专用"):
        world.proposed(fund="assistance")
    made = world.proposed()
    with scopes.acting(world.coordinator), refused("not for purchased services"):
        run(
            "insert into resources_servicecontract (area, key, number, title, organisation_id, provider, fund_id, starts, until, amount, document, state, proposed_by_id,"
            " proposed_at, note, version) select area, gen_random_uuid(), 'X', title, organisation_id, provider, 1, starts, until, amount, document, 'proposed', proposed_by_id,"
            " proposed_at, '', 1 from resources_servicecontract where id = %s",
            [made.pk],
        )
    with scopes.acting(officer(Duty.SUPERVISOR, "41")), refused("kept apart"):
        run(
            "insert into payments_fundpurpose (fund_id, programme, area, from_year, allowed, document, state, proposed_by_id, note)"
            " values (1, 'services', '41', 2022, true, 'x', 'proposed', nullif(current_setting('app.account', true), '')::bigint, '')"
        )


def test_8_2_a_blacklisted_organisation_gets_no_contract(world: World) -> None:
    with scopes.acting(world.reviewer):
        type(world.organisation).objects.filter(pk=world.organisation.pk).update(state="blacklisted", state_reason="骗取服务费")
    with pytest.raises(ValidationError, match="黑名单"):
        world.proposed()


def test_8_2_records_stay_within_the_contracted_quantity_price_and_period(world: World) -> None:
    row = world.contract()
    made = world.recorded(row, quantity=Decimal("9.5"))
    assert made.amount == Decimal("1144.75") and made.recipient == "王建国" and made.area == world.people[0].area
    with pytest.raises(ValidationError, match=r"余量为 0\.50"):
        world.recorded(row, person=1)
    world.recorded(row, person=1, quantity=Decimal("0.5"))
    for words in ({"day": date(2022, 9, 30)}, {"day": date(2022, 11, 26)}, {"quantity": Decimal("0.001")}, {"worker": ""}):
        with pytest.raises(ValidationError):
            world.recorded(row, at=1, **words)
    with scopes.acting(world.coordinator), refused("as its contract says"):
        run(
            "insert into resources_purchasedservice (area, uuid, contract_id, line_id, day, quantity, unit_price, amount, worker, recipient, people, code, state, confirmed,"
            " reason, entered_by_id, entered_at, version) select area, gen_random_uuid(), contract_id, line_id, day, 1, 999, 999, worker, recipient, 1, 'ZZ', 'recorded', '', '',"
            " entered_by_id, entered_at, 1 from resources_purchasedservice where id = %s",
            [made.pk],
        )


def test_8_2_the_same_service_to_the_same_person_on_a_day_counts_once(world: World) -> None:
    row, uuid = world.contract(), uuid4()
    assert world.recorded(row, uuid=uuid).pk == world.recorded(row, uuid=uuid).pk
    with pytest.raises(ValidationError, match="当天"):
        world.recorded(row)
    void = world.recorded(row, day=date(2022, 11, 11))
    with scopes.acting(world.coordinator):
        recording.drop(service_id=void.pk, version=void.version, reason="录错人", now=NOW)
    assert world.recorded(row, day=date(2022, 11, 11)).state == "recorded"


def test_8_2_wrong_area_sees_and_records_nothing(world: World) -> None:
    row = world.contract()
    made = world.recorded(row)
    other = officer(Duty.VOLUNTEER_COORDINATOR, ELSEWHERE[:6])
    with scopes.acting(other):
        assert not PurchasedService.objects.exists() and not ServiceContract.objects.exists()
        with pytest.raises(ValidationError):
            recording.drop(service_id=made.pk, version=1, reason="不该能办", now=NOW)
    with scopes.acting(world.coordinator), pytest.raises(ValidationError):
        recording.record_service(
            uuid=uuid4(), line_id=world.line(row), day=ON, quantity=Decimal(1), worker="林静", area=ELSEWHERE, recipient="联欢会", people=20, now=NOW
        )


def test_8_2_who_records_does_not_confirm_and_a_stranger_needs_the_signature(world: World) -> None:
    made = world.recorded(world.contract(), by=world.station)
    with scopes.acting(world.station), pytest.raises(PermissionDenied):
        recording.confirm_service(service_id=made.pk, version=1, how="signature", picture=("s.jpg", picture()), now=NOW)
    with scopes.acting(world.visitor):
        with pytest.raises(PermissionDenied, match="帮扶责任人"):
            recording.confirm_service(service_id=made.pk, version=1, how="contact", now=NOW)
        with pytest.raises(ValidationError, match="签字"):
            recording.confirm_service(service_id=made.pk, version=1, how="signature", now=NOW)
        with pytest.raises(ValidationError):
            recording.confirm_service(service_id=made.pk, version=1, how="code", now=NOW)
        done = recording.confirm_service(service_id=made.pk, version=1, how="signature", picture=("s.jpg", picture()), satisfaction=5, now=NOW)
        assert (done.state, done.confirmed_by_id) == ("confirmed", world.visitor.account_id)
        with pytest.raises(ValidationError):
            recording.confirm_service(service_id=made.pk, version=done.version, how="signature", picture=("s.jpg", picture()), now=NOW)


def test_8_2_a_period_is_accepted_with_a_sample_and_settled_to_the_fen(world: World) -> None:
    world.funded("3000.00")
    row = world.contract()
    for at in range(3):
        world.confirmed(row, person=at)
        world.confirmed(row, at=1, person=at, quantity=Decimal("1.55"))
    world.recorded(row, day=date(2022, 11, 12))  # nobody has confirmed it
    world.confirmed(row, day=date(2022, 10, 12))  # another period
    taken = world.opened(row)
    assert taken.records == 6 and taken.gross == 3 * (Decimal("120.50") + Decimal("51.66"))
    with scopes.acting(world.reviewer):
        drawn = list(QualityCheck.objects.filter(acceptance=taken).order_by("position").values_list("service_id", flat=True))
        inside = list(PurchasedService.objects.filter(acceptance=taken).values_list("id", flat=True))
    assert len(drawn) == 3 and drawn == settling.drawn(taken.seed, inside)[:3]
    with scopes.acting(world.reviewer), pytest.raises(ValidationError, match="还有 3 条"):
        settling.submit(acceptance_id=taken.pk, version=taken.version, now=NOW)
    world.checked(taken)
    with scopes.acting(world.reviewer):
        sent = settling.submit(acceptance_id=taken.pk, version=taken.version, now=NOW)
    done = world.settled(sent)
    assert done.payable == Decimal("516.48") == paid()
    with scopes.acting(world.finance):
        assert ledger.trial_balance(area=COUNTY)[0]["sum"] == 0
        assert set(PurchasedService.objects.filter(acceptance=taken).values_list("state", flat=True)) == {"settled"}
        money = queries.money_of(COUNTY)["services"]
        assert money["holds"] and money["available"] == Decimal("2483.52")
        assert Spending.objects.get(acceptance=taken).amount == Decimal("516.48")


def test_8_2_settling_twice_pays_once(world: World) -> None:
    world.funded()
    row = world.contract()
    world.confirmed(row)
    sent = world.submitted(row)
    done = world.settled(sent)
    assert world.settled(sent).pk == done.pk and paid() == Decimal("120.50")
    with pytest.raises(ValidationError):
        world.settled(sent, by=world.finance2)
    assert paid() == Decimal("120.50")
    with pytest.raises(ValidationError, match="没有已确认、未验收"):
        world.opened(row)


def test_8_2_who_accepts_does_not_settle_and_who_records_does_not_accept(world: World) -> None:
    world.funded()
    row = world.contract()
    world.confirmed(row)
    sent = world.submitted(row)
    for who in (world.reviewer, world.coordinator, world.town):
        with pytest.raises(PermissionDenied):
            world.settled(sent, by=who)
    with scopes.acting(world.finance):
        back = settling.send_back(acceptance_id=sent.pk, version=sent.version, reason="单价核对", now=NOW)
    assert back.state == "open" and paid() == 0


def test_8_2_what_the_sample_finds_wrong_is_not_paid_and_too_much_of_it_is_deducted(world: World) -> None:
    world.funded()
    row = world.contract()
    for at in range(3):
        world.confirmed(row, person=at)
    sent = world.submitted(row, wrong=1)
    # of 361.50 one record is refused; a third of the sample was wrong: a third of the rest is deducted
    assert (sent.gross, sent.deduction, sent.payable) == (Decimal("241.00"), Decimal("80.33"), Decimal("160.67")) and "不属实 1 条" in sent.reason
    world.settled(sent)
    assert paid() == Decimal("160.67")
    with scopes.acting(world.reviewer):
        assert PurchasedService.objects.filter(acceptance=sent, state="refused").count() == 1
    assert world.recorded(row, day=date(2022, 11, 20), quantity=Decimal(8)).state == "recorded"  # what was refused is free again


def test_8_2_an_acceptance_that_was_sent_back_after_its_sample_is_settled_at_the_same_amount(world: World) -> None:
    world.funded()
    row = world.contract()
    for at in range(3):
        world.confirmed(row, person=at)
    sent = world.submitted(row, wrong=1)
    with scopes.acting(world.finance):
        back = settling.send_back(acceptance_id=sent.pk, version=sent.version, reason="附件不清", now=NOW)
    with scopes.acting(world.reviewer):
        with pytest.raises(ValidationError, match="不能再改"):
            settling.check(check_id=QualityCheck.objects.get(acceptance=back, result="wrong").pk, result="right", now=NOW)
        again = settling.submit(acceptance_id=back.pk, version=back.version, now=NOW)
    assert (again.gross, again.deduction, again.payable) == (sent.gross, sent.deduction, sent.payable) and sent.payable == Decimal("160.67")
    world.settled(again)
    assert paid() == Decimal("160.67")


def test_8_2_another_deduction_needs_its_reason(world: World) -> None:
    world.funded()
    row = world.contract()
    world.confirmed(row)
    taken = world.opened(row)
    world.checked(taken)
    with scopes.acting(world.reviewer):
        for wrong in (Decimal("10.00"), Decimal("-1"), Decimal("999999"), Decimal("0.001")):
            with pytest.raises(ValidationError):
                settling.submit(acceptance_id=taken.pk, version=taken.version, deduction=wrong, now=NOW)
        sent = settling.submit(acceptance_id=taken.pk, version=taken.version, deduction=Decimal("120.50"), reason="服务时长不足", now=NOW)
    assert world.settled(sent).payable == 0 and paid() == 0


def test_8_2_for_who_cannot_be_reached_the_next_is_drawn(world: World) -> None:
    row = world.contract()
    for day in range(1, 6):
        world.confirmed(row, day=date(2022, 11, day))
    taken = world.opened(row)
    with scopes.acting(world.reviewer):
        first = QualityCheck.objects.filter(acceptance=taken).order_by("position")[0]
        with pytest.raises(ValidationError):
            settling.check(check_id=first.pk, result="unreached", now=NOW)
        settling.check(check_id=first.pk, result="unreached", note="电话停机", now=NOW)
        settling.check(check_id=first.pk, result="unreached", note="电话停机", now=NOW)
        assert QualityCheck.objects.filter(acceptance=taken).count() == 4


def test_8_2_a_cancelled_acceptance_lets_its_records_go(world: World) -> None:
    row = world.contract()
    world.confirmed(row)
    taken = world.opened(row)
    with pytest.raises(ValidationError, match=r"正在验收|没有已确认"):
        world.opened(row)
    with scopes.acting(world.reviewer):
        settling.cancel(acceptance_id=taken.pk, version=taken.version, reason="期间选错", now=NOW)
    assert world.opened(row).records == 1


def test_8_2_a_fund_without_the_money_pays_nothing_and_an_older_year_is_not_touched(world: World) -> None:
    world.funded("5000.00", year=2021)
    row = world.contract()
    world.confirmed(row)
    sent = world.submitted(row)
    with pytest.raises(ValidationError, match=r"可用 0\.00 元"):
        world.settled(sent)
    with scopes.acting(world.finance):
        assert fresh(sent).state == "submitted" and paid() == 0 and not Spending.objects.exists()
    world.funded("120.50")
    assert world.settled(fresh_in(world, sent)).state == "settled"


def fresh_in(world: World, row: Acceptance) -> Acceptance:
    with scopes.acting(world.finance):
        return fresh(row)  # type: ignore[no-any-return]


def test_8_2_no_record_settles_twice_and_no_money_goes_without_a_settlement(world: World) -> None:
    world.funded()
    row = world.contract()
    made = world.confirmed(row)
    done = world.settled(world.submitted(row))
    with scopes.acting(world.finance):
        with refused("decided of a record stays|taken in once"):
            run("update resources_purchasedservice set acceptance_id = null where id = %s", [made.pk])
        with refused("does not go|stays"):
            run("update resources_purchasedservice set state = 'confirmed' where id = %s", [made.pk])
        with refused("stays"):
            run("update resources_acceptance set payable = payable + 1, gross = gross + 1 where id = %s", [done.pk])
        with refused("nothing says what this was spent for"):
            ledger.move(area=COUNTY, fund_id=3, year=2022, amount=Decimal(1), source="available", target="paid", what="白花", on=ON, now=NOW)
            scopes.check_constraints()
        with refused("does not carry|settled is what"):
            Spending.objects.create(
                area=COUNTY,
                acceptance=done,
                fund_id=3,
                fund_year=2022,
                amount=Decimal(1),
                transaction=99_999_999,
                made_by_id=world.finance.account_id,
                made_at=NOW,
            )
            scopes.check_constraints()


def test_8_2_a_record_cannot_be_settled_by_hand(world: World) -> None:
    row = world.contract()
    made = world.confirmed(row)
    taken = world.opened(row)
    with scopes.acting(world.reviewer):
        with refused("does not go"):
            run("update resources_purchasedservice set state = 'settled' where id = %s", [made.pk])
        with refused("settled is what the fund spends|not checked"):
            run(
                "update resources_acceptance set state = 'submitted', submitted_by_id = %s, submitted_at = now() where id = %s;"
                " update resources_acceptance set state = 'settled', settled_by_id = %s, settled_at = now() where id = %s",
                [world.reviewer.account_id, taken.pk, world.reviewer.account_id, taken.pk],
            )


@pytest.mark.django_db(transaction=True)
def test_8_2_two_at_once_the_last_unit_and_the_settlement(committed_db: None) -> None:
    world = World()
    world.funded()
    row = world.contract(lines=(Line("comfort", "陪伴", "次", Decimal("10.00"), Decimal(3)),))
    line = world.line(row)
    common = {"line_id": line, "day": date(2022, 11, 10), "quantity": Decimal(2), "worker": "林静", "now": NOW}
    made, told = together(
        as_(world.coordinator, recording.record_service, uuid=uuid4(), person_id=world.people[0].pk, **common),
        as_(world.station, recording.record_service, uuid=uuid4(), person_id=world.people[1].pk, **common),
    )
    assert len(made) == 1 and len(told) == 1 and ("余量" in told[0] or "超过合同约定" in told[0])
    with scopes.acting(world.town):
        recording.confirm_service(service_id=made[0].pk, version=1, how="signature", picture=("s.jpg", picture()), now=NOW)
    sent = world.submitted(row)
    common = {"acceptance_id": sent.pk, "version": sent.version, "on": ON, "now": NOW}
    made, told = together(as_(world.finance, settling.settle, **common), as_(world.finance2, settling.settle, **common))
    assert len(made) == 1 and len(told) == 1 and paid() == Decimal("20.00")
    with connection.cursor() as cursor:
        cursor.execute("select 1")
