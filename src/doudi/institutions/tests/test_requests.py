"""6.3: requests of institutions: raised, taken by one department, fulfilled in parts that add up, booked into stock once; clocks that know holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services import settings as settings_services
from doudi.core.services.todos import open_todos
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.institutions import services
from doudi.institutions.models import Request, RequestDelivery, RequestEvent, RequestOffer, StockMovement, SupplyStock
from doudi.institutions.services import fulfilling, group, request_clocks, requests
from doudi.institutions.services.group import Seat
from doudi.institutions.services.request_base import clock
from doudi.institutions.tests.coordination_world import Office
from doudi.institutions.tests.world import COUNTY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return Office()


def fresh(row: Request) -> Request:
    with scopes.acting(scopes.Scope(area="41")):
        return Request.objects.get(pk=row.pk)


def sent(office: Office, row: Request, quantity: str, **words: Any) -> RequestDelivery:
    with scopes.acting(office.health):
        return fulfilling.send(request_id=row.pk, version=fresh(row).version, key=words.pop("key", None) or uuid4(), quantity=Decimal(quantity), now=NOW, **words)


def received(office: Office, row: Request, part: RequestDelivery, quantity: str, by: scopes.Scope | None = None, **words: Any) -> RequestDelivery:
    with scopes.acting(by or office.clerk):
        return fulfilling.receive(request_id=row.pk, version=fresh(row).version, delivery_id=part.pk, received=Decimal(quantity), now=NOW, **words)


def test_6_3_every_clerk_named_for_a_house_sees_a_delivery_and_the_first_confirms_it_for_all(office: Office) -> None:
    second = officer(Duty.INSTITUTION_CLERK)
    with scopes.acting(office.reviewer):
        services.appoint_clerk(institution_id=office.house.pk, account_id=second.account_id, now=NOW)
    row = office.working()
    part = sent(office, row, "12")

    def waiting(who: scopes.Scope) -> int:
        with scopes.acting(who):
            found = open_todos(duty=Duty.INSTITUTION_CLERK, posting_id=who.posting_id, on=timezone.localdate(NOW))
            return found.filter(kind__startswith=f"request.receive.{part.pk}#").count()

    assert [waiting(who) for who in (office.clerk, second, office.stranger)] == [1, 1, 0]
    third = officer(Duty.INSTITUTION_CLERK)
    with scopes.acting(office.reviewer):
        services.appoint_clerk(institution_id=office.house.pk, account_id=third.account_id, now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert fulfilling.tell_named_later(now=NOW) == 1 and fulfilling.tell_named_later(now=NOW) == 0
    assert waiting(third) == 1, "named after it was sent"
    received(office, row, part, "12", by=second)
    assert [waiting(who) for who in (office.clerk, second, third)] == [0, 0, 0]
    with pytest.raises(ValidationError, match="已确认过"):
        received(office, row, part, "12")


def test_6_3_what_was_sent_is_received_though_it_has_gone_from_the_list_meanwhile(office: Office) -> None:
    row = office.working()
    part = sent(office, row, str(row.quantity))
    item = row.item
    assert item is not None
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        services.list_item(code=item.code, name=item.name, unit=item.unit, order=item.order, ended_on=NOW.date())
    received(office, row, part, str(row.quantity))
    assert fresh(row).state == "done"
    with scopes.acting(office.clerk):
        assert SupplyStock.objects.get(item=item).balance == row.quantity
        with pytest.raises(ValidationError, match="物资目录中没有"):
            services.move_stock(institution_id=office.house.pk, item=item.code, kind="received", quantity=Decimal(1), key=uuid4(), on=NOW.date(), now=NOW)


def test_6_3_a_request_is_not_done_while_a_part_is_on_its_way(office: Office) -> None:
    row = office.working()
    whole = sent(office, row, str(row.quantity))
    more, lost = sent(office, row, "2", note="厂家按整箱发货"), sent(office, row, "1", note="厂家按整箱发货")
    received(office, row, whole, str(row.quantity), note="另有整箱在途")
    assert fresh(row).state == "working"
    received(office, row, more, "2")
    assert fresh(row).state == "working"
    with scopes.acting(office.health):
        fulfilling.not_delivered(request_id=row.pk, version=fresh(row).version, delivery_id=lost.pk, reason="车坏在路上", now=NOW)
    assert fresh(row).state == "done"
    with scopes.acting(office.clerk):
        assert sum(StockMovement.objects.filter(source="request_delivery").values_list("quantity", flat=True)) == row.quantity + 2


def test_6_3_a_home_low_on_oxygen_is_supplied_in_two_parts_and_its_stock_rises_by_what_came(office: Office) -> None:
    row = office.working()
    first = sent(office, row, "12", carrier="豫A12345")
    with scopes.acting(office.reviewer):
        told = Todo.objects.get(kind__startswith=f"request.receive.{first.pk}#").posting
        assert told and told.account_id == office.clerk.account_id, "not told to clerks of other houses"
    received(office, row, first, "12")
    second = sent(office, row, "8")
    with pytest.raises(ValidationError, match="写明原因"):
        received(office, row, second, "7")
    received(office, row, second, "7", note="一瓶漏气退回")
    assert fresh(row).state == "working"  # nineteen of twenty
    third = sent(office, row, "1")
    received(office, row, third, "1")
    done = fresh(row)
    assert (done.state, done.close_reason) == ("done", "已全部收到")
    with scopes.acting(office.clerk):
        assert SupplyStock.objects.get(item__code="oxygen").balance == 20
        assert list(StockMovement.objects.order_by("pk").values_list("quantity", "source", "source_id")) == [
            (Decimal(12), "request_delivery", first.pk), (Decimal(7), "request_delivery", second.pk), (Decimal(1), "request_delivery", third.pk),
        ]  # fmt: skip
        assert list(RequestEvent.objects.order_by("pk").values_list("what", flat=True)) == [
            "raised", "assigned", "accepted", "sent", "received", "sent", "received", "sent", "received", "done",
        ]  # fmt: skip
        assert not Todo.objects.filter(subject="institution_request", done_at=None).exists()


def test_6_3_a_part_is_booked_once_and_never_by_who_sent_it(office: Office) -> None:
    row, key = office.working(), uuid4()
    part = sent(office, row, "5", key=key)
    assert sent(office, row, "5", key=key).pk == part.pk  # the same form again
    received(office, row, part, "5")
    with pytest.raises(ValidationError, match="已确认过"):
        received(office, row, part, "5")
    with scopes.acting(office.clerk):
        assert StockMovement.objects.count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            RequestDelivery.objects.filter(pk=part.pk).update(received=Decimal(6))
    with scopes.acting(office.reviewer):
        own = fulfilling.send(request_id=row.pk, version=fresh(row).version, key=uuid4(), quantity=Decimal(1), now=NOW)
    with pytest.raises(PermissionDenied, match="另一名工作人员"):
        received(office, row, own, "1", by=office.reviewer)
    received(office, row, own, "1", by=office.second)
    with scopes.acting(office.second), pytest.raises(IntegrityError), transaction.atomic():
        RequestDelivery.objects.create(  # what came is in the books, or it did not come
            request=row, area=row.area, key=uuid4(), quantity=1, state="received", received=1, received_at=NOW, sent_at=NOW
        )


def test_6_3_parts_never_exceed_what_is_wanted_without_a_note(office: Office) -> None:
    row = office.working()
    sent(office, row, "15")
    with pytest.raises(ValidationError, match="超过了需要的数量"):
        sent(office, row, "6")
    over = sent(office, row, "6", note="厂家按整箱发货")
    with scopes.acting(office.clerk):
        with pytest.raises(ValidationError, match="不能改得更少"):
            requests.amend(
                request_id=row.pk, version=fresh(row).version, quantity=Decimal(20), urgency="red", what="氧气瓶", wanted_by=None, reason="试", now=NOW
            )  # fmt: skip
        fulfilling.not_delivered(request_id=row.pk, version=fresh(row).version, delivery_id=over.pk, reason="车坏在路上", now=NOW)
        requests.amend(request_id=row.pk, version=fresh(row).version, quantity=Decimal(30), urgency="red", what="氧气瓶", wanted_by=None, reason="又增两人吸氧", now=NOW)
    sent(office, row, "15")
    with scopes.acting(office.health), pytest.raises(ValidationError, match="两端没有确认"):
        fulfilling.finish(request_id=row.pk, version=fresh(row).version, reason="够了", now=NOW)


def test_6_3_one_open_request_for_a_supply_of_a_house_and_a_form_sent_twice_is_one(office: Office) -> None:
    key = uuid4()
    row = office.raised(key=key)
    assert office.raised(key=key).pk == row.pk
    with pytest.raises(ValidationError, match=row.number):
        office.raised(by=office.reviewer)
    with scopes.acting(office.clerk):
        requests.withdraw(request_id=row.pk, version=1, reason="已自行采购", now=NOW)
    assert office.raised().pk != row.pk
    assert office.raised(kind="isolation", item="", what="单间", quantity=Decimal(6)).unit == "个床位"


def test_6_3_malformed_needs_are_refused_by_field(office: Office) -> None:
    wrong = (
        ("item", {"item": "gold"}), ("kind", {"kind": "money"}), ("urgency", {"urgency": "soon"}), ("quantity", {"quantity": Decimal(0)}), ("what", {"what": "  "}),
        ("quantity", {"quantity": Decimal("NaN")}), ("quantity", {"quantity": Decimal(-1)}), ("quantity", {"quantity": Decimal("1e12")}),
        ("wanted_by", {"wanted_by": NOW}), ("quantity", {"kind": "testing", "item": "", "quantity": Decimal("1.5")}), ("institution", {"institution_id": office.other.pk}),
    )  # fmt: skip
    for field, words in wrong:
        with pytest.raises(ValidationError) as caught:
            office.raised(**words)
        assert field in caught.value.message_dict, words
    with pytest.raises(ValidationError, match="每日报告"):
        office.raised(report_id=987654)


def test_6_3_of_several_departments_asked_one_takes_it_and_when_all_return_it_waits_again(office: Office) -> None:
    row = office.assigned(None, office.by_health, office.by_control, office.by_transport)
    with scopes.acting(office.health):
        mine, others = row.offers.get(member=office.by_health), row.offers.get(member=office.by_control)
        with pytest.raises(ValidationError, match="成员本人签收"):
            requests.accept(request_id=row.pk, offer_id=others.pk, version=row.version, now=NOW)
        with pytest.raises(ValidationError, match="必填"):
            requests.return_offer(request_id=row.pk, offer_id=mine.pk, version=row.version, reason=" ", now=NOW)
        row = requests.return_offer(request_id=row.pk, offer_id=mine.pk, version=row.version, reason="库存为零", now=NOW)
    with scopes.acting(office.reviewer):  # for the contact without an account, not for those who have one
        with pytest.raises(ValidationError, match="成员本人签收"):
            requests.accept(request_id=row.pk, offer_id=others.pk, version=row.version, now=NOW)
        by_transport = row.offers.get(member=office.by_transport)
        row = requests.return_offer(request_id=row.pk, offer_id=by_transport.pk, version=row.version, reason="没有氧气", now=NOW)
        assert row.state == "assigned"
    with scopes.acting(office.control):
        row = requests.return_offer(request_id=row.pk, offer_id=others.pk, version=row.version, reason="不归疾控", now=NOW)
    assert row.state == "raised"
    row = office.working(row)
    assert (row.state, row.unit_name) == ("working", "县卫生健康委")
    with scopes.acting(office.control), pytest.raises(ValidationError, match="由“县卫生健康委”办理"):
        fulfilling.send(request_id=row.pk, version=row.version, key=uuid4(), quantity=Decimal(1), now=NOW)
    with scopes.acting(office.reviewer), pytest.raises(ValidationError, match="改派的原因"):
        requests.assign(request_id=row.pk, version=row.version, member_ids=[office.by_control.pk], now=NOW)
    with scopes.acting(office.health):
        row = requests.give_back(request_id=row.pk, version=row.version, reason="车辆被征用", now=NOW)
    assert (row.state, row.unit_name) == ("raised", "")


def test_6_3_what_is_declined_says_why_and_stays_so(office: Office) -> None:
    row = office.raised()
    with scopes.acting(office.clerk), pytest.raises(PermissionDenied):
        requests.decline(request_id=row.pk, version=1, reason="不", now=NOW)
    with scopes.acting(office.reviewer):
        requests.decline(request_id=row.pk, version=1, reason="镇卫生院可就近供氧", now=NOW)
        with pytest.raises(ValidationError, match="现为“不予办理”"):
            requests.assign(request_id=row.pk, version=2, member_ids=[office.by_health.pk], now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            Request.objects.filter(pk=row.pk).update(state="working", closed_at=None)  # opened again it waits to be given out


def test_6_3_clocks_run_by_the_hour_when_urgent_and_by_working_days_else(office: Office) -> None:
    eve = datetime(2023, 1, 20, 9, 0, tzinfo=UTC)  # Friday 17:00 before the Spring Festival holiday of 21 to 27 January 2023; 28 and 29 are worked
    with scopes.acting(office.reviewer):
        red, orange, yellow = (clock(urgency=each, area=COUNTY, now=eve) for each in ("red", "orange", "yellow"))
    assert red == (eve + timedelta(hours=1), eve + timedelta(hours=12))
    assert orange == (eve + timedelta(hours=4), eve + timedelta(hours=48))
    assert [each.date() for each in yellow] == [date(2023, 1, 28), date(2023, 2, 1)] and yellow[0].hour == 18
    night = datetime(2022, 12, 5, 16, 30, tzinfo=UTC)  # half past midnight of the 6th in China
    with scopes.acting(office.reviewer):
        assert clock(urgency="yellow", area=COUNTY, now=night)[0].date() == date(2022, 12, 7)
    sooner = office.raised(wanted_by=NOW + timedelta(minutes=30))
    assert sooner.due == NOW + timedelta(minutes=30) and sooner.accept_due <= sooner.due


def test_6_3_a_county_sets_its_own_hours_from_a_day_on(office: Office) -> None:
    with scopes.acting(office.reviewer):
        made = settings_services.propose_setting(
            parameter="procedure.request.finish_hours.red", area=COUNTY, value="6", starts=date(2022, 12, 7), document="牟民〔2022〕3号", now=NOW
        )
    with scopes.acting(office.approver):
        settings_services.confirm_setting(setting_id=made.pk, now=NOW)
    tomorrow = NOW + timedelta(days=1)
    with scopes.acting(office.reviewer):
        assert clock(urgency="red", area=COUNTY, now=NOW)[1] == NOW + timedelta(hours=12)
        assert clock(urgency="red", area=COUNTY, now=tomorrow)[1] == tomorrow + timedelta(hours=6)


def test_6_3_late_ones_go_up_county_city_province_by_themselves_and_only_once_each(office: Office) -> None:
    row, acts = office.working(), frozenset({"requests.escalate"})

    def round_at(hours: float) -> tuple[int, str]:
        with scopes.acting(scopes.Scope(area="41", duty="worker", acts=acts)):
            return request_clocks.escalate(now=NOW + timedelta(hours=hours)), Request.objects.get(pk=row.pk).held_by

    assert round_at(12) == (0, COUNTY)
    assert round_at(12.1) == (1, COUNTY) and round_at(13) == (0, COUNTY)
    assert round_at(18.2) == (1, "4101") and round_at(20) == (0, "4101")
    assert round_at(24.3) == (1, "41") and round_at(99) == (0, "41")
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        found = Todo.objects.filter(subject="institution_request", subject_id=row.pk, done_at=None)
        assert set(found.values_list("kind", "duty")) >= {("request.late", "county_reviewer"), ("request.up4", "supervisor"), ("request.up2", "supervisor")}
    part = sent(office, row, "20")  # who works on it goes on: the clock does not get in the way
    received(office, row, part, "20")
    assert fresh(row).state == "done" and round_at(200) == (0, "41")


def test_6_3_the_county_asks_the_city_whose_group_takes_over(office: Office) -> None:
    above = office.set_up(by=office.city, title="郑州市专项工作组")
    with scopes.acting(office.city):
        member = group.seat(group_id=above.pk, seats=[Seat("industry", "市工信局", "唐宁", "13800005555")], now=NOW)[0]
    row = office.raised()
    with scopes.acting(office.reviewer):
        row = requests.pass_up(request_id=row.pk, version=1, reason="县里没有氧气", now=NOW)
        assert row.held_by == "4101"
        with pytest.raises(ValidationError, match="已由上级协调"):
            requests.pass_up(request_id=row.pk, version=2, reason="再报", now=NOW)
        with pytest.raises(ValidationError, match="现任成员"):  # the city's members are seen, not commanded
            requests.assign(request_id=row.pk, version=2, member_ids=[member.pk], now=NOW)
    with scopes.acting(office.city):
        row = requests.assign(request_id=row.pk, version=2, member_ids=[member.pk], now=NOW)
        row = requests.accept(request_id=row.pk, offer_id=row.offers.get(state="offered").pk, version=row.version, now=NOW)
    with scopes.acting(office.reviewer):
        assert Request.objects.get(pk=row.pk).unit_name == "市工信局"


def test_6_3_nobody_reaches_a_request_of_another_place_or_house(office: Office) -> None:
    row = office.assigned()
    elsewhere, offer = officer(Duty.COUNTY_REVIEWER, "410181"), RequestOffer.objects
    for scope in (office.stranger, elsewhere, officer(Duty.GROUP_MEMBER, "410181"), officer(Duty.INSTITUTION_CLERK)):
        with scopes.acting(scope):
            assert not Request.objects.filter(pk=row.pk).exists() and not offer.filter(request_id=row.pk).exists()
            assert not RequestEvent.objects.filter(request_id=row.pk).exists()
    with scopes.acting(elsewhere), pytest.raises(ValidationError, match="不在您的范围内"):
        requests.decline(request_id=row.pk, version=row.version, reason="不办", now=NOW)
    with scopes.acting(office.reviewer):
        mine = office.raised(by=office.reviewer, kind="testing", item="", what="全员检测", quantity=Decimal(90))
        with pytest.raises(ValidationError):  # an offer of one request under the number of another
            requests.accept(request_id=mine.pk, offer_id=offer.get(request=row).pk, version=1, now=NOW)
    part = sent(office, office.working(mine), "40")
    with scopes.acting(office.clerk), pytest.raises(ValidationError, match="不属于这件"):
        fulfilling.receive(request_id=row.pk, version=row.version, delivery_id=part.pk, received=Decimal(40), now=NOW)


def test_6_3_two_at_once_the_second_is_told(committed_db: None) -> None:
    office = Office()
    row = office.assigned(None, office.by_health, office.by_control)
    with scopes.acting(office.reviewer):
        offers = {each.member_id: each.pk for each in row.offers.all()}
    pairs = ((office.health, office.by_health), (office.control, office.by_control))
    made, said = together(*(as_(who, requests.accept, request_id=row.pk, offer_id=offers[member.pk], version=row.version, now=NOW) for who, member in pairs))
    assert len(made) == 1 and "刚由他人办理，现为“办理中”" in said[0]
    with scopes.acting(office.reviewer):
        assert sorted(RequestOffer.objects.values_list("state", flat=True)) == ["accepted", "lapsed"]
    worker = office.health if made[0].unit_name == "县卫生健康委" else office.control
    version = made[0].version
    sends = [as_(who, fulfilling.send, request_id=row.pk, version=version, key=uuid4(), quantity=Decimal(20), now=NOW) for who in (worker, office.reviewer)]
    parts, said = together(*sends)
    assert len(parts) == 1 and "刷新页面" in said[0]
    now_at = fresh(row).version
    both = [as_(who, fulfilling.receive, request_id=row.pk, version=now_at, delivery_id=parts[0].pk, received=Decimal(20), now=NOW) for who in (office.clerk, office.second)]
    came, said = together(*both)
    assert len(came) == 1 and "刷新页面" in said[0]
    with scopes.acting(office.reviewer):
        assert StockMovement.objects.count() == 1 and SupplyStock.objects.get().balance == 20 and Request.objects.get().state == "done"
    words = {"institution_id": office.house.pk, "kind": "supplies", "item": "n95", "what": "口罩", "quantity": Decimal(9), "urgency": "red", "now": NOW}
    made, said = together(*[as_(office.clerk, requests.raise_request, key=UUID(int=7), **words)] * 2)
    assert not said and made[0].pk == made[1].pk
