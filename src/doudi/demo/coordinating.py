"""Coordination in the demo county: a task group with roster, minutes and actions; requests in each state, one late; one transfer done, one under way."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.demo.staff import SignIn

SEATS = (
    ("government", "中牟县人民政府", "刘建国", "leader", "副县长", ""), ("civil_affairs", "中牟县民政局", "赵敏", "deputy", "局长", "reviewer"),
    ("health", "中牟县卫生健康委", "孙玲", "liaison", "医政科科长", "health"), ("disease_control", "中牟县疾控中心", "魏强", "member", "主任", "cdc"),
    ("emergency", "中牟县应急管理局", "曹磊", "member", "救灾科科长", ""), ("finance", "中牟县财政局", "薛梅", "member", "社保科科长", ""),
    ("police", "中牟县公安局", "丁勇", "member", "治安大队", ""), ("transport", "中牟县交通运输局", "郭鹏", "member", "运输科", ""),
    ("market", "中牟县市场监管局", "贺芳", "member", "副局长", ""),
)  # fmt: skip


def coordination(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.institutions.models import Institution, Request, TaskGroup

    demo.tell("专项工作组与协调事项", 0, 0)
    with demo.acting(Duty.COUNTY_REVIEWER):
        begun = TaskGroup.objects.filter(key=_key(demo, "group")).exists()
        houses = {row.name: row for row in Institution.objects.filter(code__startswith="12410122MB")}
    if not begun and houses:
        members = _group(demo)
        _requests(demo, houses, members)
        _transfers(demo, houses)
    with demo.acting(Duty.COUNTY_REVIEWER):
        demo.figures["requests"] = Request.objects.count()


def _key(demo: Demo, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-coordination-{demo.seed}-" + "-".join(map(str, parts)))


def _user(demo: Demo, name: str) -> SignIn:
    return next(each for each in demo.staff if each.username == name)


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    from doudi.demo.job import at

    return at(date(2022, 12, day), hour, minute)


def _group(demo: Demo) -> dict[str, Any]:
    """The group with its members, a roster that has gaps, one meeting and what it decided; members by unit."""
    from doudi.core.emergencies import touching
    from doudi.institutions.services import group
    from doudi.institutions.services.group import Decided, Seat

    morning = _at(3, 8)
    with demo.acting(Duty.COUNTY_REVIEWER):
        declared = touching(demo.area, date(2022, 12, 3))
        row = group.set_up(
            key=_key(demo, "group"), area=demo.area, title="中牟县民政服务机构联防联控专项工作组", document="牟政办〔2022〕61号", led_by="副县长 刘建国", phone="0371-62190110",
            rhythm="每天 16:00，县政府 203 会议室", starts=date(2022, 12, 3), emergency_id=declared[-1].pk if declared else None,
            now=morning,
        )  # fmt: skip
        seats = [
            Seat(department, unit, name, f"1390371{place:04d}", role, post, _user(demo, user).account_id if user else None)
            for place, (department, unit, name, role, post, user) in enumerate(SEATS, 1)
        ]
        members = {member.department: member for member in group.seat(group_id=row.pk, seats=seats, now=morning)}
        turn = [members[each].pk for each in ("civil_affairs", "health", "disease_control", "emergency", "police")]
        group.set_roster(group_id=row.pk, starts=date(2022, 12, 3), slot="day", member_ids=turn, days=12, now=morning)
        group.set_roster(group_id=row.pk, starts=date(2022, 12, 3), slot="night", member_ids=turn[2:], days=10, now=morning)
        decided = [
            Decided(_key(demo, "action", 1), members["health"].pk, "县医院为敬老院开通绿色通道，储备氧气三十瓶", date(2022, 12, 8)),
            Decided(_key(demo, "action", 2), members["transport"].pk, "备好两台客车、一台救护车，随时转运", date(2022, 12, 6)),
            Decided(_key(demo, "action", 3), members["finance"].pk, "拨付机构防疫物资经费", date(2022, 12, 14)),
        ]
        made = group.minute(
            group_id=row.pk, key=_key(demo, "meeting"), held_at=_at(5, 16), place="县政府 203 会议室", chaired_by="刘建国", subject="养老机构物资和转运保障",
            present="民政、卫健、疾控、应急、财政、公安、交通、市场监管", decided=decided, now=_at(5, 18),
            minutes="一、各机构每日十点前上报。\n二、氧气、药品由卫健委统一调配，当天送到。\n三、人员密集的机构先行分流。",
        )  # fmt: skip
        first = made.actions.order_by("pk")[0]
    with scopes.acting(_user(demo, "health").scope()):
        group.end_action(action_id=first.pk, version=1, done=True, result="绿色通道已开通，氧气三十瓶到位", now=_at(7, 11))
    return members


def _raise(demo: Demo, houses: dict[str, Any], name: str, number: int, now: datetime, **words: Any) -> Any:
    from doudi.institutions.services import requests

    with demo.acting(Duty.COUNTY_REVIEWER):
        given = {"urgency": "orange", "item": ""} | words
        return requests.raise_request(key=_key(demo, "request", number), institution_id=houses[name].pk, quantity=Decimal(given.pop("quantity")), now=now, **given)


def _given(demo: Demo, row: Any, member: Any, now: datetime, *, taken_by: str = "") -> Any:
    from doudi.institutions.services import requests

    with demo.acting(Duty.COUNTY_REVIEWER):
        row = requests.assign(request_id=row.pk, version=row.version, member_ids=[member.pk], now=now)
    if taken_by:
        with scopes.acting(_user(demo, taken_by).scope()):
            offer = row.offers.get(state="offered")
            row = requests.accept(request_id=row.pk, offer_id=offer.pk, version=row.version, now=now + timedelta(minutes=20))
    return row


def _requests(demo: Demo, houses: dict[str, Any], members: dict[str, Any]) -> None:
    from doudi.institutions.models import Request
    from doudi.institutions.services import fulfilling, request_clocks, requests

    health, cdc = members["health"], members["disease_control"]
    clerk, fresh = by_duty(demo.staff, Duty.INSTITUTION_CLERK), Request.objects
    row = _raise(demo, houses, "中牟县中心敬老院", 1, _at(6, 10), kind="supplies", item="n95", what="N95 口罩", quantity="600")
    row = _given(demo, row, health, _at(6, 10, 30), taken_by="health")
    for part, quantity in enumerate(("400", "200")):
        with scopes.acting(_user(demo, "health").scope()):
            version = fresh.get(pk=row.pk).version
            sent = fulfilling.send(
                request_id=row.pk, version=version, key=_key(demo, "part", part), quantity=Decimal(quantity), carrier="豫A6K123 郭师傅", now=_at(6, 14 + part * 3)
            )
        with scopes.acting(clerk.scope()):
            fulfilling.receive(request_id=row.pk, version=fresh.get(pk=row.pk).version, delivery_id=sent.pk, received=Decimal(quantity), now=_at(6, 15 + part * 3))
    row = _raise(demo, houses, "中牟县社会福利院", 2, _at(8, 9), kind="testing", what="工作人员和儿童核酸检测，每日一次", quantity="24", urgency="yellow")
    _given(demo, row, cdc, _at(8, 9, 30), taken_by="cdc")
    row = _raise(demo, houses, "春晖养老中心", 3, _at(8, 16), kind="supplies", item="oxygen", what="氧气瓶", quantity="20")
    row = _given(demo, row, health, _at(8, 16, 20), taken_by="health")
    with scopes.acting(_user(demo, "health").scope()):
        fulfilling.send(request_id=row.pk, version=row.version, key=_key(demo, "part", 9), quantity=Decimal(8), carrier="县医院供应科", now=_at(9, 8))
    row = _raise(demo, houses, "春晖养老中心", 4, _at(9, 8, 10), kind="medical", what="护理员三人轮换", quantity="3", urgency="orange")
    _given(demo, row, health, _at(9, 8, 20))
    _raise(demo, houses, "夕阳红养老院", 5, _at(9, 8, 30), kind="supplies", item="fever_medicine", what="退热药品", quantity="60", urgency="yellow")
    _raise(demo, houses, "中牟县中心敬老院", 6, _at(8, 18), kind="isolation", what="单间隔离场所", quantity="6", urgency="red")
    row = _raise(demo, houses, "夕阳红养老院", 7, _at(7, 9), kind="supplies", item="vegetables", what="新鲜蔬菜", quantity="300", urgency="yellow")
    with demo.acting(Duty.COUNTY_REVIEWER):
        requests.decline(request_id=row.pk, version=row.version, reason="镇商超可以正常配送，已提供联系电话", now=_at(7, 11))
    with scopes.acting(scopes.Scope(area="41", duty="worker", page="doudi demo", acts=frozenset({"requests.escalate"}))):
        request_clocks.escalate(now=_at(9, 8, 50))


def _transfers(demo: Demo, houses: dict[str, Any]) -> None:
    from doudi.institutions.models import Resident, Transfer, TransferPerson
    from doudi.institutions.services import moving, transfers
    from doudi.institutions.services.transfers import Vehicle

    source = houses["春晖养老中心"]
    plans = (("夕阳红养老院", "full", _at(7, 9), True), ("中牟县社会福利院", "half", _at(9, 8), False))
    with demo.acting(Duty.COUNTY_REVIEWER):
        for number, (target, bed, now, done) in enumerate(plans):
            people = list(Resident.objects.filter(institution=source, ends__isnull=True, bed=bed).order_by("pk").values_list("pk", flat=True)[:3])
            row = transfers.plan(
                key=_key(demo, "transfer", number), from_id=source.pk, to_id=houses[target].pk, resident_ids=people, reason="封闭管理超过两周，分流失能老人",
                leaves_at=now + timedelta(minutes=30), now=now,
            )  # fmt: skip
            transfers.agree(transfer_id=row.pk, version=row.version, now=now)
            car = Vehicle("accessible", f"豫A9Q{number}21", 6, "马师傅", "13903710099")
            vehicle = transfers.add_vehicle(transfer_id=row.pk, vehicle=car, now=now)
            listed = list(TransferPerson.objects.filter(transfer=row).order_by("pk").values_list("pk", flat=True))
            going = listed if done else listed[:2]
            moving.told(transfer_id=row.pk, people=going, whom="", how="电话", now=now)
            moving.depart(transfer_id=row.pk, people=going, vehicle_id=vehicle.pk, now=now + timedelta(minutes=30))
            if done:
                moving.arrive(transfer_id=row.pk, people=listed, now=now + timedelta(hours=1))
        demo.figures["transfers"] = Transfer.objects.count()


__all__ = ["coordination"]
