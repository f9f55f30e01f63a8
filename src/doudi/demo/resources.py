"""Social forces' money and goods in the demo county: two contracts with records in every state, one period settled, one being checked; a register of
resources, some stale; donations in money and in kind on their way."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core.models import Duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo

PROVIDERS = (
    ("暖阳社会工作服务中心", "station", "林静", "13703710201", "51410122MJY123401"),
    ("牟州康养服务有限公司", "firm", "魏东", "13703710202", "91410122MA9F23402"),
)
# (holder, name, kind of need, what, quantity, unit, period, length of its place's code, address, contact, confirmed on)
RESOURCES = (
    ("shop", "惠民超市", "food", "米面油平价配送到户", "30", "户", "week", 9, "人民路 18 号", "赵店长", date(2022, 11, 20)),
    ("clinic", "镇卫生院", "medicine", "慢性病药品代取配送", "40", "人次", "week", 9, "卫生路 2 号", "胡医生", date(2022, 12, 1)),
    ("shop", "老张饭店", "food", "助餐：中午一荤两素送到家", "25", "份", "day", 12, "村口", "张师傅", date(2022, 10, 12)),
    ("firm", "城东家政公司", "repairs", "孤寡老人家庭免费维修水电", "8", "次", "month", 6, "商都大街 66 号", "孙经理", date(2022, 5, 8)),
    ("department", "县残联辅具中心", "care", "轮椅、助行器借用", "60", "件", "once", 6, "青年路 9 号", "周主任", date(2022, 11, 2)),
    ("department", "县工会爱心驿站", "supplies", "棉衣棉被、取暖器", "120", "件", "once", 6, "府前街 3 号", "吕干事", date(2022, 11, 28)),
    ("clinic", "仁和堂药店", "medicine", "常用药九折并免费送药", None, "", "month", 9, "东风路 21 号", "韩药师", date(2022, 4, 18)),
    ("other", "出租车爱心车队", "accompaniment", "免费接送就医", "15", "趟", "week", 6, "客运站", "马队长", date(2022, 11, 15)),
)
DONATIONS = (
    ("money", "JK-2022-0031", "50000.00", "children", "河南宏远建设有限公司", True, "", ""), ("money", "JK-2022-0032", "3000.00", "medical", "李先生", False, "", ""),
    ("money", "JK-2022-0033", "200.50", "living", "", False, "", ""), ("goods", "JW-2022-0012", "200", "winter", "中牟县青年志愿者协会", True, "棉被", "床"),
    ("goods", "JW-2022-0013", "500", "elderly", "雁鸣湖粮油店", True, "大米", "公斤"),
)  # fmt: skip


def _key(demo: Demo, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-resources-{demo.seed}-" + "-".join(map(str, parts)))


def resources(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.resources.models import Donation, PurchasedService, Resource

    demo.tell("购买服务、社会资源和捐赠", 0, 0)
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        begun = Donation.objects.exists()
    if not begun:
        _purchases(demo)
        _register(demo)
        _donations(demo)
    with demo.acting(Duty.COUNTY_REVIEWER):
        demo.figures["purchased_services"] = PurchasedService.objects.count()
        demo.figures["resources"] = Resource.objects.count()


def _organisations(demo: Demo) -> list[Any]:
    from doudi.demo.job import at
    from doudi.volunteering import codes
    from doudi.volunteering.models import Organisation
    from doudi.volunteering.services import organisations

    made, now = [], at(date(2022, 9, 5))
    for number, (name, kind, contact, phone, first) in enumerate(PROVIDERS):
        with demo.acting(Duty.VOLUNTEER_COORDINATOR):
            row = organisations.register_organisation(
                key=_key(demo, "provider", number), area=demo.area, name=name, kind=kind, code=first + codes.credit_check(first), contact_name=contact, contact_phone=phone,
                address="商都大街 101 号", abilities=["comfort", "assessment"], now=now,
            )  # fmt: skip
            organisations.add_credential(
                organisation_id=row.pk,
                kind="registration",
                number=f"MZ{number + 1:06d}",
                issuer="中牟县民政局",
                starts=date(2020, 1, 1),
                expires=date(2025, 12, 31),
                now=now,
            )
        with demo.acting(Duty.COUNTY_REVIEWER):
            fresh = Organisation.objects.get(pk=row.pk)
            made.append(organisations.check_organisation(organisation_id=row.pk, version=fresh.version, agree=True, now=now))
    return made


def _purchases(demo: Demo) -> None:
    from doudi.demo.job import at
    from doudi.payments.services import ledger
    from doudi.resources.models import PurchasedService, QualityCheck
    from doudi.resources.services import contracts, recording, settling
    from doudi.resources.services.contracts import Line
    from doudi.resources.services.recording import Given

    with demo.acting(Duty.FINANCE_OFFICER):
        ledger.receive_appropriation(
            fund="services", area=demo.area, year=2022, amount=Decimal("60000.00"), document="牟财预〔2022〕76号", level="county", issuer="county", on=date(2022, 9, 20),
            now=at(date(2022, 9, 20)),
        )  # fmt: skip
    station, firm = _organisations(demo)
    plans = (
        ("MZGM-2022-07", "困难群众心理疏导和慰问服务", station, (
            Line("counselling", "心理疏导", "次", Decimal("150.00"), Decimal(120)), Line("comfort", "慰问陪伴", "小时", Decimal("38.50"), Decimal(300)),
            Line("assessment", "入户评估", "户", Decimal("80.00"), Decimal(100)),
        )),
        ("MZGM-2022-09", "特殊老人助餐服务", firm, (Line("meals", "午餐配送", "份", Decimal("12.80"), Decimal(1500)),)),
    )  # fmt: skip
    made = []
    for number, (code, title, organisation, lines) in enumerate(plans):
        with demo.acting(Duty.VOLUNTEER_COORDINATOR):
            row = contracts.propose_contract(
                key=_key(demo, "contract", number), number=code, title=title, organisation_id=organisation.pk, fund="services", starts=date(2022, 10, 1),
                until=date(2023, 9, 30), document=f"牟民购〔2022〕{number + 5}号", lines=lines, now=at(date(2022, 9, 26)),
            )  # fmt: skip
        if number == 0:
            with demo.acting(Duty.COUNTY_APPROVER):
                made.append(contracts.decide_contract(contract_id=row.pk, version=row.version, agreed=True, now=at(date(2022, 9, 28))))
    contract = made[0]
    people = _people(demo)
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        lines_ = list(contract.lines.order_by("position"))
        given = [
            Given(
                uuid=_key(demo, "record", at_), line_id=lines_[at_ % 3].pk, day=date(2022, 10, 10) + timedelta(days=at_ * 58 // max(1, len(people))),
                quantity=Decimal("1.5") if at_ % 3 == 1 else Decimal(1), worker=("林静", "周蕾", "吴昊")[at_ % 3], area=person.area, recipient=person.name,
                person_id=person.pk, phone=person.phone, note="上门陪伴，了解近况，情绪平稳",
            )
            for at_, person in enumerate(people)
        ]  # fmt: skip
        recording.write(contract, given, now=at(date(2022, 12, 6)))
        party = recording.record_service(
            uuid=_key(demo, "party"), line_id=lines_[1].pk, day=date(2022, 12, 4), quantity=Decimal(2), worker="周蕾", area=people[0].area[:9], recipient="重阳敬老联欢",
            people=36, note="包饺子、量血压", now=at(date(2022, 12, 6)),
        )  # fmt: skip
    from doudi.resources.services import answering

    with demo.acting(Duty.COUNTY_REVIEWER):
        rows = list(PurchasedService.objects.filter(contract=contract).exclude(pk=party.pk).order_by("day", "id"))
    for place, given_ in enumerate(rows):
        if given_.day < date(2022, 12, 3):  # the last days still wait
            answering.answer(
                (given_.pk, given_.area), right=place % 17 != 11, satisfaction=5 - place % 3, words="那天没有人来", now=at(date(2022, 12, 7))
            )
    with demo.acting(Duty.COUNTY_REVIEWER):
        first = settling.open_acceptance(
            key=_key(demo, "october"), contract_id=contract.pk, starts=date(2022, 10, 1), until=date(2022, 10, 31), now=at(date(2022, 12, 7), 14)
        )
        for check in QualityCheck.objects.filter(acceptance=first).order_by("position"):
            settling.check(check_id=check.pk, result="right", now=at(date(2022, 12, 7), 15))
        sent = settling.submit(acceptance_id=first.pk, version=first.version, now=at(date(2022, 12, 7), 16))
    with demo.acting(Duty.FINANCE_OFFICER):
        settling.settle(acceptance_id=sent.pk, version=sent.version, on=date(2022, 12, 8), now=at(date(2022, 12, 8)))
    with demo.acting(Duty.COUNTY_REVIEWER):
        second = settling.open_acceptance(
            key=_key(demo, "november"), contract_id=contract.pk, starts=date(2022, 11, 1), until=date(2022, 11, 30), now=at(date(2022, 12, 8), 10)
        )
        checks = list(QualityCheck.objects.filter(acceptance=second).order_by("position"))
        settling.check(check_id=checks[0].pk, result="right", now=at(date(2022, 12, 8), 11))
        if len(checks) > 1:
            settling.check(check_id=checks[1].pk, result="unreached", note="两次电话无人接听", now=at(date(2022, 12, 8), 11))


def _people(demo: Demo) -> list[Any]:
    """Sixty people with a phone, of the first villages."""
    from doudi.registry.models import Person

    with demo.acting(Duty.COUNTY_REVIEWER):
        rows = Person.objects.filter(
            phone__isnull=False, died_on__isnull=True, area__gte=demo.area, area__lt=demo.area + ":", birth_date__lt=date(1962, 1, 1)
        )
        return list(rows.order_by("area", "id")[:60])


def _register(demo: Demo) -> None:
    from doudi.demo.job import at
    from doudi.demo.staff import by_duty
    from doudi.resources.services import register

    places = {6: demo.area, 9: by_duty(demo.staff, Duty.TOWNSHIP_OFFICER).area, 12: by_duty(demo.staff, Duty.VISITOR).area}
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        for number, (holder, name, kind, what, quantity, unit, period, length, address, contact, day) in enumerate(RESOURCES):
            place = places[length]
            register.register(
                key=_key(demo, "resource", number), area=place, to_area=place if length < 12 else place[:9], holder=holder, name=name, kind=kind, what=what,
                quantity=Decimal(quantity) if quantity else None, unit=unit, period=period, address=address, contact=contact, phone=f"1390371{number:04d}", now=at(day),
            )  # fmt: skip


def _donations(demo: Demo) -> None:
    from doudi.demo.job import at
    from doudi.demo.staff import by_duty
    from doudi.institutions.models import Institution
    from doudi.resources.services import donating

    made: dict[str, Any] = {}
    for kind, number, quantity, purpose, donor, named, item, unit in DONATIONS:
        with demo.acting(Duty.FINANCE_OFFICER if kind == "money" else Duty.VOLUNTEER_COORDINATOR):
            made[number] = donating.receive(
                key=_key(demo, number), kind=kind, number=number, quantity=Decimal(quantity), purpose=purpose, received_on=date(2022, 11, 16), donor=donor, anonymous=not donor,
                named=named, item=item, unit=unit, now=at(date(2022, 11, 16)),
            )  # fmt: skip
    village = by_duty(demo.staff, Duty.VISITOR).area
    parts: list[tuple[str, str, dict[str, Any], str]] = [
        ("JK-2022-0031", "12000.00", {"target": "community", "area": village[:9], "purpose": "困境儿童冬衣和学习用品"}, "delivered"),
        ("JK-2022-0031", "8000.00", {"target": "community", "area": village, "purpose": "留守儿童之家"}, "allocated"),
        ("JW-2022-0012", "80", {"target": "community", "area": village, "purpose": "分散供养特困人员过冬"}, "sent"),
    ]  # fmt: skip
    with demo.acting(Duty.COUNTY_REVIEWER):
        house = Institution.objects.filter(kind="tekun_home").order_by("pk").first()
    if house is not None:
        parts.append(("JW-2022-0013", "300", {"target": "institution", "institution_id": house.pk, "purpose": "敬老院食堂"}, "delivered"))
    for at_, (number, quantity, words, state) in enumerate(parts):
        with demo.acting(Duty.VOLUNTEER_COORDINATOR):
            row = donating.allocate(
                key=_key(demo, "allocation", at_), donation_id=made[number].pk, quantity=Decimal(quantity), now=at(date(2022, 11, 30)), **words
            )
        if state != "allocated":
            with demo.acting(Duty.FINANCE_OFFICER if row.kind == "money" else Duty.VOLUNTEER_COORDINATOR):
                row = donating.send(
                    allocation_id=row.pk,
                    version=row.version,
                    carrier="拨付凭证 2022-1187" if row.kind == "money" else "县志愿者车队",
                    on=date(2022, 12, 5),
                    now=at(date(2022, 12, 5)),
                )
        if state == "delivered":
            with demo.acting(Duty.TOWNSHIP_OFFICER if row.target == "community" else Duty.COUNTY_REVIEWER):
                donating.confirm_arrival(
                    allocation_id=row.pk,
                    version=row.version,
                    received=row.quantity,
                    taker="王会计" if row.kind == "money" else "钱建设",
                    proof="signature",
                    now=at(date(2022, 12, 7)),
                )
