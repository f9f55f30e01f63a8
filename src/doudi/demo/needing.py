"""Needs in the demo's county in every state (7.5), medicines brought with prescription and receipt, and counselling sessions (7.6)."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

DAY = date(2022, 12, 5)
# (cause of a session, urgent, asked on)
ASKED = (("loss", False, date(2022, 12, 1)), ("illness", False, date(2022, 12, 6)), ("isolation", True, date(2022, 12, 8)), ("family", False, DAY))
MOST = 120  # needs that visits raised and that are met by now


def _at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    from doudi.demo.job import at

    return at(day, hour, minute)


def _key(demo: Any, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-need-{demo.area}-{demo.seed}-" + "-".join(map(str, parts)))


def picture(*lines: str) -> bytes:
    """A picture that stands for a prescription or a receipt."""
    from PIL import Image, ImageDraw

    drawn, out = Image.new("RGB", (480, 320), "white"), io.BytesIO()
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((12, 12, 468, 308), outline="#335577", width=3)
    for number, line in enumerate(lines):
        pen.text((36, 40 + 36 * number), line, fill="#223344")
    drawn.save(out, "JPEG", quality=70)
    return out.getvalue()


def needs(demo: Any) -> None:
    """All of it; what is there already is left as it is."""
    from django.db.models import Count

    from doudi.needs.models import Need

    demo.tell("需求与心理疏导", 0, 3)
    with demo.acting(Duty.COUNTY_REVIEWER):
        begun = Need.objects.filter(uuid=_key(demo, "medicine-done")).exists()
    if not begun:
        _of_visits(demo)
        demo.tell("需求与心理疏导", 1, 3)
        Story(demo).tell()
        demo.tell("需求与心理疏导", 2, 3)
        _counselling(demo)
    with demo.acting(Duty.COUNTY_REVIEWER):
        demo.figures["needs"] = dict(Need.objects.values_list("state").annotate(n=Count("pk")).order_by("state"))
    demo.tell("需求与心理疏导", 3, 3)


def _of_visits(demo: Any) -> None:
    """What visits of November raised has been met, but for one of each township that is still open."""
    from doudi.needs import services
    from doudi.needs.models import Need
    from doudi.needs.services import Medicine

    officers = {each.area: each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value}
    reviewer = by_duty(demo.staff, Duty.COUNTY_REVIEWER)
    with scopes.acting(reviewer.scope()):
        rows = Need.objects.filter(source="visit", clock__isnull=False, raised_at__lt=_at(date(2022, 12, 6))).order_by("-pk")
        waiting = list(rows.values_list("pk", "area", "raised_at")[:MOST])
    left: set[str] = set()
    for pk, area, raised in waiting:
        officer = officers.get(area[:9])
        if officer is None or (area[:9] not in left and raised > _at(date(2022, 11, 27))):
            left.add(area[:9])
            continue
        now = raised + timedelta(hours=1)
        with scopes.acting(officer.scope()):
            need = Need.objects.get(pk=pk)
            answer = services.offer(uuid=_key(demo, "visit", pk), need_id=pk, kind="officer", now=now)
            if need.delivery:
                made = services.prepare(
                    answer_id=answer.pk, source="clinic", source_name="村卫生室", medicines=[Medicine("苯磺酸氨氯地平片", "1 盒", "每日一次")], prescription=False, now=now
                )
                made = services.bought(delivery_id=made.pk, version=made.version, received=Decimal("20.00"), paid=Decimal("18.50"), now=now)
                services.hand_over(
                    delivery_id=made.pk, version=made.version, proof="witness", taker="本人", witness="村医", returned=Decimal("1.50"), now=now + timedelta(hours=2)
                )
                continue
            answer = services.report_done(answer_id=answer.pk, version=answer.version, note="已由村里送到家中", now=now + timedelta(hours=3))
        with scopes.acting(reviewer.scope()):
            services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=now + timedelta(hours=5))


class Story:
    """Needs of the first visitor's village, each in another state."""

    def __init__(self, demo: Any) -> None:
        from doudi.registry.models import Household

        self.demo = demo
        self.visitor, self.children, self.town, self.station, self.coordinator = (
            by_duty(demo.staff, duty).scope()
            for duty in (Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.TOWNSHIP_OFFICER, Duty.STATION_WORKER, Duty.VOLUNTEER_COORDINATOR)
        )
        with scopes.acting(self.visitor):
            self.homes = list(Household.objects.filter(area=self.visitor.area, memberships__ends__isnull=True).distinct().order_by("id").values_list("pk", flat=True)[:12])

    def tell(self) -> None:
        if len(self.homes) < 3:
            return
        self.medicines()
        self.meals_and_company()
        self.closed()
        self.of_a_place()

    def raised(self, name: str, home: int, kind: str, what: str, urgency: str, now: datetime, *, acting: scopes.Scope | None = None, day: date | None = None, **words: Any) -> Any:
        """`day`: after it nobody needs it any more."""
        from doudi.needs import services

        with scopes.acting(acting or self.visitor):
            given: dict[str, Any] = {"about": services.About(household=self.homes[home % len(self.homes)]), "source": "phone", "by": day, "fixed": day is not None} | words
            return services.raise_need(uuid=_key(self.demo, name), kind=kind, what=what, urgency=urgency, now=now, **given)

    def answered(self, need: Any, by: scopes.Scope, now: datetime, kind: str = "officer", quantity: int = 1) -> Any:
        from doudi.needs import services

        with scopes.acting(by):
            return services.offer(uuid=_key(self.demo, "answer", need.pk, by.account_id), need_id=need.pk, kind=kind, quantity=quantity, now=now)

    def medicines(self) -> None:
        """One waits, one is bought and on its way, one was handed over with prescription and receipt."""
        from doudi.needs import services
        from doudi.needs.services import Medicine

        self.raised("medicine-open", 0, "medicine", "胰岛素只够用到明天，本人出不了门", "red", _at(date(2022, 12, 9), 8, 20))
        for name, home, day, handed in (("medicine-done", 1, DAY, True), ("medicine-bought", 2, date(2022, 12, 8), False)):
            now = _at(day, 9)
            need = self.raised(name, home, "medicine", "降压药和拜糖平快吃完了，要带社保卡去镇卫生院开", "orange", now)
            answer = self.answered(need, self.visitor, now + timedelta(minutes=40))
            with scopes.acting(self.visitor):
                made = services.prepare(
                    answer_id=answer.pk, source="hospital", source_name="镇卫生院", prescription=True, now=now + timedelta(hours=1),
                    medicines=[Medicine("硝苯地平缓释片", "2 盒", "每日一次，每次一片"), Medicine("阿卡波糖片", "1 盒", "随餐嚼服")],
                )  # fmt: skip
                services.add_picture(
                    delivery_id=made.pk, subject="delivery_prescription", name="处方.jpg", content=picture("Rx", "Nifedipine SR 10mg x 2", "Acarbose 50mg x 1"), now=now
                )
                made = services.bought(
                    delivery_id=made.pk, version=made.version, received=Decimal("100.00"), paid=Decimal("86.40"), now=now + timedelta(hours=3)
                )
                if handed:
                    services.hand_over(
                        delivery_id=made.pk, version=made.version, proof="photo", taker="本人", returned=Decimal("13.60"),
                        picture=("送达.jpg", picture("received", "2022-12-05 14:10")), now=now + timedelta(hours=5),
                    )  # fmt: skip

    def meals_and_company(self) -> None:
        """Reported and waiting to be confirmed; given to somebody who has not replied yet; declined by a shop."""
        from doudi.needs import services

        meal = self.raised("meal", 3, "food", "腿摔伤，一周内做不了饭", "orange", _at(date(2022, 12, 7), 9))
        answer = self.answered(meal, self.children, _at(date(2022, 12, 7), 11), kind="contact")
        with scopes.acting(self.children):
            services.report_done(answer_id=answer.pk, version=answer.version, note="已与助餐点说好，午饭送到家，连送七天", now=_at(date(2022, 12, 8), 13))
        trip = self.raised("trip", 4, "accompaniment", "12 月 13 日上午到县医院复查，一个人去不了", "yellow", _at(date(2022, 12, 8), 16), day=date(2022, 12, 13))
        with scopes.acting(self.town):
            services.assign(
                uuid=_key(self.demo, "assign", trip.pk), need_id=trip.pk, version=trip.version, kind="contact", account_id=self.visitor.account_id, now=_at(date(2022, 12, 8), 17)
            )
        roof = self.raised("roof", 5, "repairs", "西屋漏雪水，电线受潮", "yellow", _at(date(2022, 12, 7), 10))
        with scopes.acting(self.town):
            asked = services.assign(
                uuid=_key(self.demo, "assign", roof.pk), need_id=roof.pk, version=roof.version, kind="shop", name="镇水电维修部", phone="13900010021",
                now=_at(date(2022, 12, 7), 11),
            )  # fmt: skip
            services.decline(answer_id=asked.pk, version=asked.version, reason="师傅外出，下周才回来", now=_at(date(2022, 12, 8), 9))

    def closed(self) -> None:
        """Met by a volunteer, cancelled with a reason, not needed any more because its day is over."""
        from doudi.needs import services

        talk = self.raised("comfort", 3, "comfort", "老伴刚走，想有人常来说说话", "yellow", _at(DAY, 9))
        answer = self.answered(talk, self.coordinator, _at(DAY, 10), kind="volunteer")
        with scopes.acting(self.visitor):
            answer = services.accept(answer_id=answer.pk, version=answer.version, now=_at(DAY, 11))
        with scopes.acting(self.coordinator):
            answer = services.report_done(answer_id=answer.pk, version=answer.version, note="志愿者两人上门陪伴一下午，约好每周三去", now=_at(date(2022, 12, 7), 17))
        with scopes.acting(self.visitor):
            services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=_at(date(2022, 12, 8), 10))
        coal = self.raised("coal", 4, "supplies", "蜂窝煤快烧完了", "orange", _at(DAY, 15))
        with scopes.acting(self.town):
            services.cancel_need(need_id=coal.pk, version=coal.version, reason="儿子已送回 500 块，不再需要", now=_at(date(2022, 12, 6), 9))
        self.raised("past", 5, "accompaniment", "12 月 6 日到镇上办社保卡", "yellow", _at(DAY, 8), day=date(2022, 12, 6))
        with scopes.acting(scopes.Scope(area=self.demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"needs.clocks"}))):
            services.expire(area=self.demo.area, on=date(2022, 12, 7), now=_at(date(2022, 12, 7), 2))

    def of_a_place(self) -> None:
        """Many wanted at one place: half of them are taken."""
        from doudi.needs import services

        many = self.raised(
            "blankets", 0, "supplies", "安置点缺棉被，老人和孩子优先", "orange", _at(date(2022, 12, 8), 8), acting=self.town,
            about=services.About(area=self.town.area), source="officer", wanted=20, skills=["driving"],
        )  # fmt: skip
        answer = self.answered(many, self.coordinator, _at(date(2022, 12, 8), 9), kind="volunteer", quantity=12)
        with scopes.acting(self.town):
            services.accept(answer_id=answer.pk, version=answer.version, now=_at(date(2022, 12, 8), 10))


def _counselling(demo: Any) -> None:
    """Sessions: urgent and waiting, booked, held with a follow-up owed, called off."""
    from doudi.community.services import counselling
    from doudi.registry.models import Person

    visitor, station, town = (by_duty(demo.staff, duty) for duty in (Duty.VISITOR, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER))
    with scopes.acting(visitor.scope()):
        people = list(
            Person.objects.filter(area=visitor.area, died_on__isnull=True, memberships__ends__isnull=True).order_by("birth_date", "id").values_list("pk", flat=True)[:4]
        )
    asked = []
    for number, (person, (cause, urgent, day)) in enumerate(zip(people, ASKED, strict=False)):
        with scopes.acting(visitor.scope()):
            asked.append(
                counselling.ask(
                    uuid=_key(demo, "session", number), person_id=person, kind="comfort" if number == 1 else "counselling", cause=cause, urgent=urgent, now=_at(day, 9)
                )
            )
    if len(asked) < 4:
        return

    def book(row: Any, starts: datetime, now: datetime) -> Any:
        return counselling.book(
            session_id=row.pk, version=row.version, counsellor=station.account_id, supervisor=town.account_id, way="home", starts=starts, minutes=60, now=now
        )

    with scopes.acting(station.scope()):
        held = book(asked[0], _at(date(2022, 12, 3), 15), _at(date(2022, 12, 1), 14))
        counselling.hold(
            session_id=held.pk, version=held.version, follow_up=date(2022, 12, 12), now=_at(date(2022, 12, 3), 17),
            note="老伴去世半个月，夜里常醒，饭量减半。愿意继续谈，约一周后回访；已请女儿每天打电话。",
        )  # fmt: skip
        book(asked[1], _at(date(2022, 12, 10), 10), _at(date(2022, 12, 7), 9))
        counselling.call_off(session_id=asked[3].pk, version=asked[3].version, missed=False, reason="本人已随女儿到郑州居住", now=_at(date(2022, 12, 6), 9))
