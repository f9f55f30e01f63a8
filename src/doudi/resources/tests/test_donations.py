"""Donations and the register of resources (over all eight, 4.1): received, allocated, delivered; never twice; money in its own fund."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together
from doudi.needs import answerers
from doudi.needs import services as needs
from doudi.needs.services import About
from doudi.payments.models import FundMovement, LedgerEntry
from doudi.payments.services import funds
from doudi.payments.tests.test_guards import refused, run
from doudi.registry.tests.helpers import ELSEWHERE, VILLAGE
from doudi.resources import queries
from doudi.resources.models import Donation, DonationAllocation, Resource
from doudi.resources.services import donating, register
from doudi.resources.tests.world import COUNTY, NOW, ON, TOWN, World, fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def test_donated_goods_are_allocated_sent_and_confirmed_by_another_officer(world: World) -> None:
    row = world.goods("100")
    one = world.sent(world.allocated(row, "60"))
    with scopes.acting(world.coordinator):
        assert (fresh(row).allocated, fresh(row).delivered) == (60, 0)
        with pytest.raises(PermissionDenied):
            donating.confirm_arrival(allocation_id=one.pk, version=one.version, received=Decimal(60), taker="杨建国", proof="signature", now=NOW)
    with scopes.acting(world.visitor):
        assert not Donation.objects.exists(), "the village does not see the donor"
        with pytest.raises(ValidationError, match="原因"):
            donating.confirm_arrival(allocation_id=one.pk, version=one.version, received=Decimal(58), taker="杨建国", proof="signature", now=NOW)
        with pytest.raises(ValidationError):
            donating.confirm_arrival(allocation_id=one.pk, version=one.version, received=Decimal(61), taker="杨建国", proof="signature", now=NOW)
        came = donating.confirm_arrival(
            allocation_id=one.pk, version=one.version, received=Decimal(58), taker="杨建国", proof="signature", reason="两床破损", now=NOW
        )
        with pytest.raises(ValidationError):
            donating.confirm_arrival(
                allocation_id=one.pk, version=came.version, received=Decimal(58), taker="杨建国", proof="signature", reason="两床破损", now=NOW
            )
    with scopes.acting(world.coordinator):
        assert (fresh(row).allocated, fresh(row).delivered) == (60, 58)


def test_never_more_is_allocated_than_was_received(world: World) -> None:
    row, key = world.goods("10"), uuid4()
    first = world.allocated(row, "7", key=key)
    assert world.allocated(row, "7", key=key).pk == first.pk
    with pytest.raises(ValidationError, match=r"还可分配 3\.00 床"):
        world.allocated(row, "4")
    with scopes.acting(world.coordinator):
        with refused("donation_not_over_allocated"):
            run(
                "insert into resources_donationallocation (area, key, donation_id, target, kind, item, unit, quantity, purpose, state, allocated_by_id,"
                " allocated_at, carrier, taker, proof, reason, version) select area, gen_random_uuid(), donation_id, target, kind, item, unit, 4, purpose,"
                " 'allocated', allocated_by_id, now(), '', '', '', '', 1"
                " from resources_donationallocation where id = %s",
                [first.pk],
            )
        with refused("permission denied"):
            run("update resources_donation set allocated = 0 where id = %s", [row.pk])
        donating.withdraw(allocation_id=first.pk, version=first.version, reason="改发他村", now=NOW)
    assert world.allocated(row, "10").quantity == 10


def test_donations_go_where_they_were_given_and_expired_goods_nowhere(world: World) -> None:
    with pytest.raises(ValidationError):
        world.allocated(world.goods(), "1", area=ELSEWHERE)
    with pytest.raises(ValidationError, match="保质期"):
        world.allocated(world.goods(use_by=ON - timedelta(days=1)), "1")
    with pytest.raises(ValidationError):
        world.allocated(world.goods(), "1", target="need", need_id=0)


@pytest.mark.parametrize(
    "words",
    [
        {"donor": ""}, {"anonymous": True}, {"quantity": Decimal(0)}, {"quantity": Decimal("1.001")}, {"item": ""}, {"received_on": date(2022, 11, 26)},
        {"purpose": "x"}, {"number": " "}, {"phone": "12"},
    ],
)  # fmt: skip
def test_malformed_donations_are_refused(world: World, words: dict[str, object]) -> None:
    given = {"quantity": Decimal(5)} | words
    with pytest.raises(ValidationError):
        world.goods(**given)  # type: ignore[arg-type]
    with scopes.acting(world.coordinator):
        assert not Donation.objects.exists()


def test_4_1_donated_money_stands_in_its_own_fund_and_reconciles_to_the_fen(world: World) -> None:
    world.funded("9999.99", fund="assistance")
    row = world.money("1000.10")
    world.money("0.05", purpose="medical", anonymous=True, donor="", named=False)
    one = world.allocated(row, "333.33")
    with scopes.acting(world.coordinator), pytest.raises(PermissionDenied):
        donating.send(allocation_id=one.pk, version=one.version, carrier="凭证", on=ON, now=NOW)
    gone = world.sent(one)
    with pytest.raises(ValidationError):
        world.sent(one)
    with scopes.acting(world.town):
        with pytest.raises(ValidationError, match="全额"):
            donating.confirm_arrival(
                allocation_id=gone.pk, version=gone.version, received=Decimal(1), taker="王建国", proof="signature", reason="少了", now=NOW
            )
        donating.confirm_arrival(allocation_id=gone.pk, version=gone.version, received=Decimal("333.33"), taker="王建国", proof="signature", now=NOW)
    with scopes.acting(world.finance):
        money = queries.money_of(COUNTY)["donations"]
        assert (
            money["holds"]
            and money["paid"] == Decimal("333.33")
            and money["available"] == Decimal("666.82")
            and money["received"] == Decimal("1000.15")
        )
        assert not LedgerEntry.objects.filter(fund__code="assistance", account="paid").exists()
    two = world.allocated(row, "1.00")
    with scopes.acting(world.finance), refused("by a booking"):
        run(
            "update resources_donationallocation set state = 'sent', sent_by_id = nullif(current_setting('app.account', true), '')::bigint where id = %s",
            [two.pk],
        )


def test_4_1_a_reversed_receipt_ends_its_donation_unless_it_is_allocated(world: World) -> None:
    row, other = world.money("50.00"), world.money("60.00")
    world.allocated(other, "60.00")
    for donation in (row, other):
        with scopes.acting(world.finance):
            back = funds.propose_reversal(movement_id=donation.movement_id or 0, document=f"冲{donation.pk}", reason="金额录错", on=ON, now=NOW)
        with scopes.acting(world.approver):
            if donation is row:
                funds.confirm(movement_id=back.pk, on=ON, now=NOW)
            else:
                with pytest.raises(ValidationError):
                    funds.confirm(movement_id=back.pk, on=ON, now=NOW)
    with scopes.acting(world.finance):
        assert fresh(row).state == "void" and fresh(other).state == "received"
        assert FundMovement.objects.get(pk=row.movement_id).reversed and not FundMovement.objects.get(pk=other.movement_id).reversed
        with pytest.raises(PermissionDenied):
            donating.void(donation_id=other.pk, version=1, reason="不行", now=NOW)


def test_a_need_gets_a_donation_and_the_clerk_sees_the_own_house_alone(world: World) -> None:
    with scopes.acting(world.visitor):
        need = needs.raise_need(
            uuid=uuid4(), about=About(household=world.homes[0].pk), kind="supplies", what="过冬没有棉被", urgency="orange", source="officer", now=NOW
        )
    made = world.allocated(world.goods(), "2", target="need", need_id=need.pk, area="")
    assert made.area == VILLAGE and made.need_id == need.pk
    with scopes.acting(officer(Duty.INSTITUTION_CLERK)):
        assert not DonationAllocation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_allocate_the_last_at_the_same_moment(committed_db: None) -> None:
    world = World()
    row = world.goods("5")
    common = {"donation_id": row.pk, "target": "community", "area": VILLAGE, "quantity": Decimal(4), "purpose": "过冬", "now": NOW}
    second = officer(Duty.VOLUNTEER_COORDINATOR)
    made, told = together(as_(world.coordinator, donating.allocate, key=uuid4(), **common), as_(second, donating.allocate, key=uuid4(), **common))
    assert len(made) == 1 and len(told) == 1 and "还可分配 1.00" in told[0]


def test_published_totals_name_only_who_agreed(world: World, client: Client) -> None:
    world.money("1000.10", donor="宏远公司")
    world.money("20.00", donor="李四海", named=False)
    world.money("5.00", donor="", anonymous=True, named=False)
    row = world.goods("100", donor="张三丰", phone="13811112222")
    world.allocated(row, "40")
    page = client.get(f"/donations/?area={COUNTY}").content.decode()
    assert "1,025.10" in page and "宏远公司" in page and "棉被" in page
    for hidden in ("李四海", "张三丰", "13811112222", world.people[0].name, "东街"):
        assert hidden not in page
    assert client.get("/donations/").status_code == 200 and client.get("/donations/?area=999999").status_code == 200


def test_resources_are_found_from_a_need_nearest_first_and_stale_ones_say_so(world: World) -> None:
    world.resource(name="县城超市", area=COUNTY, by=world.coordinator)
    near, town = world.resource(name="村卫生室小卖部", area=VILLAGE, to_area=VILLAGE), world.resource(name="惠民超市")
    world.resource(name="别的镇超市", area=f"{COUNTY}002", to_area=f"{COUNTY}002", by=world.coordinator)
    world.resource(name="药房", kind="medicine", holder="clinic")
    with scopes.acting(world.reviewer):
        Resource.objects.filter(pk=town.pk).update(confirm_by=date(2022, 1, 1))
    with scopes.acting(world.visitor):
        need = needs.raise_need(
            uuid=uuid4(), about=About(household=world.homes[0].pk), kind="food", what="家里断粮两天", urgency="red", source="officer", now=NOW
        )
        found = [each.name for each in queries.for_need("food", VILLAGE, ON)]
        assert found == ["村卫生室小卖部", "惠民超市", "县城超市"]
        said = {each.name: each.note for each in answerers.suggest(need)}
        assert "超期未核实" in said["惠民超市"] and "本村" in said["村卫生室小卖部"]
        with pytest.raises(PermissionDenied):
            register.confirm(resource_id=near.pk, version=near.version, now=NOW)


def test_a_resource_of_an_organisation_that_is_blacklisted_is_offered_no_more(world: World) -> None:
    row = world.resource(holder="organisation", name="", organisation_id=world.organisation.pk, by=world.coordinator, area=COUNTY)
    assert row.name == "暖阳社会工作服务中心"
    with scopes.acting(world.reviewer):
        assert queries.for_need("food", VILLAGE, ON)
        type(world.organisation).objects.filter(pk=world.organisation.pk).update(state="blacklisted", state_reason="敛财")
        assert not queries.for_need("food", VILLAGE, ON)


def test_the_register_is_kept_up_to_date(world: World) -> None:
    row, key = world.resource(), uuid4()
    assert world.resource(name="二店", key=key).pk == world.resource(name="二店", key=key).pk
    with pytest.raises(ValidationError, match="已登记过"):
        world.resource()
    over = world.resource(name="三店", until=ON)
    with scopes.acting(scopes.Scope(area=COUNTY, duty="worker", page="test", acts=frozenset({"resources.remind"}))):
        later = ON + timedelta(days=170)
        assert register.remind(area=COUNTY, on=later, now=NOW + timedelta(days=170)) == {"ended": 1, "told": 2}
        assert register.remind(area=COUNTY, on=later, now=NOW + timedelta(days=170)) == {"ended": 0, "told": 0}
    with scopes.acting(world.town):
        assert fresh(over).state == "ended" and Todo.objects.filter(kind="resources.confirm", duty="township_officer", done_at=None).count() == 2
        done = register.confirm(resource_id=row.pk, version=row.version, now=NOW + timedelta(days=170))
        assert done.confirm_by == later + timedelta(days=180) and Todo.objects.filter(kind="resources.confirm", done_at=None).count() == 1
        with pytest.raises(ValidationError):
            register.confirm(resource_id=row.pk, version=row.version, now=NOW)
        with pytest.raises(ValidationError):
            register.take_out(resource_id=row.pk, version=done.version, ended=True, reason="", now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, f"{COUNTY}002")), pytest.raises(ValidationError, match="所在地登记"):
        register.confirm(resource_id=row.pk, version=done.version, now=NOW)


def test_a_contact_is_shown_whole_only_with_its_record(world: World) -> None:
    row = world.resource()
    browser = client_of(world.visitor)
    page = browser.get(f"/resources/{row.pk}/").content.decode()
    assert "13600002222" not in page and "136****2222" in page
    assert "13600002222" in browser.post(f"/resources/{row.pk}/phone/").content.decode()
    with scopes.acting(world.reviewer):
        assert AccessRecord.objects.filter(what="reveal", subject="resource", subject_id=row.pk).count() == 1
    assert client_of(officer(Duty.VISITOR, ELSEWHERE)).get(f"/resources/{row.pk}/").status_code == 404
    assert TOWN
