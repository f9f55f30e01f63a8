"""Organisations, volunteers, activities and hours of the demo county: each kind of organisation, forty volunteers, a Saturday served, one to come."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.batch.idnumber import check_character
from doudi.core.models import Duty
from doudi.demo.institutions import FAMILY

if TYPE_CHECKING:
    from datetime import datetime

    from doudi.demo.job import Demo
    from doudi.volunteering.models import Organisation, Volunteer

SINCE, SERVED, COMING = date(2022, 9, 5), date(2022, 12, 3), date(2022, 12, 10)
PEOPLE = 40
GIVEN = ("志远", "晓燕", "文博", "雨桐", "海涛", "丽娟", "子涵", "建华", "思琪", "永强", "美玲", "俊杰")
# name, kind, first 17 signs of the credit code, contact, abilities, on call, last day of its certificate
ORGANISATIONS = (
    ("中牟县慈善总会", "charity", "51410122MJ0001001", "段文海", ("supplies", "food", "fundraising", "storage"), False, date(2024, 6, 30)),
    ("中牟县暖心志愿服务队", "volunteers", "53410122MJ0002002", "常晓丽", ("food", "medicine", "accompaniment", "comfort", "order"), True, date(2023, 12, 31)),
    ("阳光社会工作服务站", "station", "52410122MJ0003003", "石磊", ("comfort", "children", "assessment", "training"), False, date(2022, 12, 28)),
    ("中牟县便民超市有限公司", "firm", "91410122MA0004004", "万顺", ("food", "supplies", "transport"), True, date(2025, 3, 1)),
    ("蓝盾应急救援队", "volunteers", "53410122MJ0005005", "雷鸣", ("rescue", "transport", "order"), True, date(2024, 1, 31)),
    ("爱心联盟（筹）", "volunteers", "53410122MJ0006006", "季晨", ("comfort",), False, None),
)
SKILLS = (
    ("driving", "lifting"), ("nursing",), ("counselling",), ("cooking",), ("repairs", "driving"), ("teaching", "computing"), ("dialect",), ("medical", "first_aid"),
)  # fmt: skip
SERVICES = (("food", "supplies"), ("medicine", "accompaniment"), ("comfort", "children"), ("food",), ("repairs",), ("teaching",), ("comfort",), ("care", "health"))
TIMES = (("6m", "6a", "7m", "7a"), ("1m", "3m", "5m"), ("6m",), ("1e", "2e", "3e", "4e", "5e"), ("7m", "7a", "7e"))


def _document(seed: int, serial: int, born: date) -> str:
    head = f"410122{born:%Y%m%d}{(serial * 7 + seed) % 1000:03d}"
    return head + check_character(head)


def _key(demo: Demo, name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi demo {demo.area} {demo.seed} volunteering {name}")


def volunteering(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.volunteering.models import Activity

    demo.tell("社会力量", 0, PEOPLE)
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        if Activity.objects.filter(key=_key(demo, "coming")).exists():
            return
    organisations = [_organisation(demo, number) for number in range(len(ORGANISATIONS))]
    people = [_volunteer(demo, number, organisations) for number in range(PEOPLE)]
    active = [each for each in people if each.state == "active" and each.birth_date < date(2004, 1, 1)]
    _served(demo, organisations[1], active)
    _drafted(demo, organisations)
    _coming(demo, organisations[3], active)
    demo.figures["volunteers"] = len(people)


def _organisation(demo: Demo, number: int) -> Organisation:
    from doudi.demo.job import at
    from doudi.volunteering import services
    from doudi.volunteering.codes import credit_check

    name, kind, code, contact, abilities, on_call, expires = ORGANISATIONS[number]
    now = at(SINCE, 9, number)
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        row = services.register_organisation(
            key=_key(demo, f"organisation {number}"), area=demo.area, name=name, kind=kind, code=code + credit_check(code), contact_name=contact,
            contact_phone=f"1380372{number:04d}", address=f"青年路 {16 + number} 号", abilities=abilities, on_call=on_call, now=now,
        )  # fmt: skip
        if expires is None or row.state != "pending":
            return row
        services.add_credential(
            organisation_id=row.pk, kind="registration", number=f"牟民社证字第{100 + number}号" if kind != "firm" else row.code,
            issuer="中牟县民政局" if kind != "firm" else "中牟县市场监督管理局", starts=date(2019, 6, 1), expires=expires, now=now,
        )  # fmt: skip
    with demo.acting(Duty.COUNTY_REVIEWER):
        row = services.check_organisation(organisation_id=row.pk, version=row.version, agree=True, now=now + timedelta(hours=2))
        if number == 4:
            row = services.set_organisation_state(
                organisation_id=row.pk, version=row.version, state="blacklisted", reason="以救援名义向群众收费，经查属实", now=at(date(2022, 11, 2), 15)
            )
    return row


def _volunteer(demo: Demo, number: int, organisations: list[Organisation]) -> Volunteer:
    from doudi.demo.job import at
    from doudi.volunteering import services
    from doudi.volunteering.services import Guardian, Profile

    towns = sorted({each.area for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value})
    minor, now = number in (11, 12), at(SINCE + timedelta(days=number % 20), 10, number)
    born = date(2006, 4, 1 + number) if minor else date(1962 + number, 1 + number % 12, 1 + number % 27)
    profile = Profile(
        skills=SKILLS[number % 8], services=SERVICES[number % 8], times=TIMES[number % 5], distance=(3, 5, 10, 20)[number % 4], ethnicity="01",
        political="03" if minor else "13" if number % 3 else "01",
        education="20" if number % 2 else "60", employment="student" if minor else ("employed", "flexible", "retired", "farming")[number % 4],
    )  # fmt: skip
    guardian = Guardian("张建军", "父亲", "13803730001") if minor else Guardian()
    name = FAMILY[number % len(FAMILY)] + GIVEN[number % len(GIVEN)]
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        row = services.register_volunteer(
            key=_key(demo, f"person {number}"), area=towns[number % len(towns)], name=name, document=_document(demo.seed, 90 + number, born), phone=f"1590371{number:04d}",
            profile=profile, organisation_id=organisations[(1, 0, 2)[number % 3]].pk if number % 4 else None, guardian=guardian, now=now,
        )  # fmt: skip
        if number >= PEOPLE - 4 or number == 12 or row.state != "pending":
            return row  # waits for its document to be seen; of the two minors one for the guardian too
        if minor:
            row = services.give_consent(volunteer_id=row.pk, version=row.version, guardian=guardian, now=now)
        row = services.verify_volunteer(volunteer_id=row.pk, version=row.version, now=now + timedelta(minutes=30))
        if number % 6 == 0:
            services.add_training(
                volunteer_id=row.pk, on=date(2022, 10, 15), title="志愿服务基础知识与个人防护", hours=Decimal(3), by="阳光社会工作服务站", now=at(date(2022, 10, 16))
            )
        if number == 9:
            row = services.set_volunteer_state(volunteer_id=row.pk, version=row.version, state="paused", reason="本人外出务工，年后返回", now=at(date(2022, 11, 1)))
    return row


def _session(row: Volunteer) -> Any:
    from doudi.volunteering.services import session

    return session.acting(session.Who("volunteer", row.pk, row.area, row.name))


def _served(demo: Demo, organisation: Organisation, people: list[Volunteer]) -> None:
    """A Saturday of deliveries: two shifts, one volunteer did not come, one forgot to check out; a certificate."""
    from doudi.core import scope as scopes
    from doudi.core.duties import WORKER
    from doudi.demo.job import at
    from doudi.volunteering import services
    from doudi.volunteering.services import NewShift

    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        activity = services.open_activity(
            key=_key(demo, "served"), area=demo.area, title="冬季送菜送药上门", kind="supplies", organisation_id=organisation.pk,
            words="为行动不便的居民送菜、送药到门口，请自带口罩，可骑电动车。", place="青年路便民服务中心门口", phone="0371-62160012",
            shifts=[NewShift("上午送菜", at(SERVED, 8, 30), at(SERVED, 11, 30), 8), NewShift("下午送药", at(SERVED, 14), at(SERVED, 17), 6)], now=at(date(2022, 11, 28)),
        )  # fmt: skip
        shifts = list(activity.shifts.order_by("starts"))
    for at_, shift in enumerate(shifts):
        for number, row in enumerate(people[at_ * 8 : at_ * 8 + 6]):
            with _session(row):
                services.sign_up(shift_id=shift.pk, volunteer_id=row.pk, now=at(date(2022, 11, 29), 18, number))
                if number == 5:
                    continue
                moment = shift.starts - timedelta(minutes=8 - number)
                services.check_in(key=_key(demo, f"in {shift.pk} {row.pk}"), shift_id=shift.pk, volunteer_id=row.pk, code=shift.code, now=moment)
                if number != 4:
                    services.check_out(shift_id=shift.pk, volunteer_id=row.pk, code=shift.code, now=shift.ends - timedelta(minutes=5 * number))
    machine = scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"volunteering.clocks"}))
    with scopes.acting(machine):
        services.close_open(area=demo.area, on=date(2022, 12, 5), now=at(date(2022, 12, 5), 1, 10))
        services.finish_over(area=demo.area, on=date(2022, 12, 5), now=at(date(2022, 12, 5), 1, 10))
        services.remind_credentials(area=demo.area, on=date(2022, 12, 5), now=at(date(2022, 12, 5), 1, 10))
    _looked_at(demo, people, at(date(2022, 12, 5), 10))


def _looked_at(demo: Demo, people: list[Volunteer], now: datetime) -> None:
    """The coordinator corrects what was forgotten, and a volunteer takes a certificate."""
    from doudi.volunteering import services
    from doudi.volunteering.models import ServiceRecord

    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        row = ServiceRecord.objects.filter(ended_by="system").order_by("id").first()
        if row is not None and row.ends is not None:
            services.correct(
                record_id=row.pk, version=row.version, starts=row.starts, ends=row.ends - timedelta(minutes=30), reason="忘记签退，领队证实提前半小时离开", now=now
            )
    with _session(people[0]):
        services.issue(volunteer_id=people[0].pk, starts=date(2022, 1, 1), ends=date(2022, 12, 5), now=now)


# organisation, title, kind, words, place, post, day and hours, places, reason for giving it back (none: published; None: waits)
DRAFTS: tuple[tuple[int, str, str, str, str, str, date, int, int, int, str | None], ...] = (
    (1, "元旦前入户送暖", "supplies", "给独居老人送棉被和米面，帮忙检查取暖设备，两人一组。", "青年路便民服务中心门口", "送货", date(2022, 12, 24), 9, 12, 12, ""),
    (
        1, "夜间巡街送餐", "food", "晚上给露宿人员送热饭，未成年志愿者也可参加。", "火车站广场", "送餐", date(2022, 12, 17), 21, 23, 6,
        "夜间活动不安排未成年人；请写明领队和返程安排后重新提交。",
    ),
    (1, "陪诊培训后实习", "accompaniment", "陪老人到县医院取药、复诊，由社工带队。", "县人民医院门诊楼大厅", "陪诊", date(2022, 12, 19), 8, 11, 4, None),
    (0, "冬衣募集分拣", "supplies", "把募集的冬衣按尺码分拣、消毒、装箱，送到各乡镇。", "慈善总会仓库（青年路 16 号）", "分拣装箱", date(2022, 12, 18), 14, 17, 20, None),
)  # fmt: skip


def _drafted(demo: Demo, organisations: list[Organisation]) -> None:
    """What organisations wrote themselves: one published, one given back with the reason, two that wait for an officer."""
    from doudi.demo.job import at
    from doudi.volunteering import services
    from doudi.volunteering.services import NewShift, session

    for number, (which, title, kind, words, place, post, day, begins, over, places, reason) in enumerate(DRAFTS):
        row = organisations[which]
        with session.acting(session.Who("organisation", row.pk, row.area, row.name)):
            made = services.propose_activity(
                key=_key(demo, f"draft {number}"), organisation_id=row.pk, title=title, kind=kind, words=words, place=place, phone="0371-62160012", minors=number == 1,
                shifts=[NewShift(post, at(day, begins), at(day, over), places)], now=at(date(2022, 12, 6), 9, number),
            )  # fmt: skip
        if reason is not None and made.state == "proposed":
            with demo.acting(Duty.VOLUNTEER_COORDINATOR):
                services.decide_activity(activity_id=made.pk, version=made.version, agree=not reason, reason=reason, now=at(date(2022, 12, 6), 15, number))


def _coming(demo: Demo, organisation: Organisation, people: list[Volunteer]) -> None:
    """The next Saturday: one shift that is full with two who wait, one with places."""
    from doudi.demo.job import at
    from doudi.volunteering import services
    from doudi.volunteering.services import NewShift

    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        activity = services.open_activity(
            key=_key(demo, "coming"), area=demo.area, title="爱心餐分装配送", kind="food", organisation_id=organisation.pk, minors=True,
            words="在超市配餐间分装爱心餐，两人一组送到村（社区）助餐点。", place="便民超市青年路店后门", phone="0371-62160027",
            shifts=[NewShift("分装", at(COMING, 9), at(COMING, 11), 5), NewShift("配送", at(COMING, 10, 30), at(COMING, 12, 30), 10)], now=at(date(2022, 12, 6)),
        )  # fmt: skip
        shifts = list(activity.shifts.order_by("starts"))
    for number, row in enumerate(people[16:23] + people[24:28]):
        with _session(row):
            services.sign_up(shift_id=shifts[0 if number < 7 else 1].pk, volunteer_id=row.pk, now=at(date(2022, 12, 7), 12, number))
