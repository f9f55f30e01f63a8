"""Institutions of the demo county in an emergency of two townships: a week of reports, one house silent, one low on oxygen, one closed to visits for long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.demo.staff import SignIn

SINCE, DECLARED, FIRST = date(2022, 9, 1), date(2022, 12, 2), date(2022, 12, 3)
FAMILY, GIVEN = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗", ("守田", "桂英", "福来", "秀兰", "德顺", "玉珍", "长河", "凤莲", "根生", "素芬", "有才", "翠花")


@dataclass(frozen=True)
class House:
    """One house of the demo: what it is, who lives there, its stock (left, daily use), and what differs from day to day."""

    name: str
    kind: str
    town: int
    beds: dict[str, int]
    people: dict[str, int]
    staff: int
    phone: str
    director: str
    supplies: dict[str, tuple[str, str]]
    public: bool = True
    linked: int = 0
    quiet: int = 0
    days: dict[int, dict[str, Any]] = field(default_factory=dict)


HOUSES = (
    House(
        "中牟县中心敬老院", "tekun_home", 1, {"self": 20, "half": 12, "full": 16}, {"self": 18, "half": 11, "full": 15}, 9, "0371-62160008", "钱建设",
        {"oxygen": ("10", "2"), "n95": ("420", "40"), "fever_medicine": ("60", "6"), "grain": ("900", "45"), "coal": ("2600", "130")}, linked=30, quiet=1,
        days={2: {"symptoms_residents": 1}, 3: {"symptoms_residents": 2, "tested": 40}, 4: {"symptoms_residents": 2, "tested": 44}, 5: {"symptoms_residents": 1, "tested": 44}},
    ),
    House(
        "夕阳红养老院", "care_home", 1, {"self": 16, "full": 14}, {"self": 9, "full": 6}, 6, "0371-62160016", "孟祥云",
        {"n95": ("200", "30"), "fever_medicine": ("30", "3"), "vegetables": ("80", "15")}, public=False, quiet=3,
    ),
    House(
        "中牟县社会福利院", "welfare_home", 1, {"self": 8, "half": 6, "child": 12}, {"self": 3, "half": 2, "child": 7}, 11, "0371-62160023", "冯丽华",
        {"n95": ("300", "20"), "infant_formula": ("24", "1.5"), "diapers": ("600", "40"), "disinfectant": ("60", "4")},
        days={6: {"symptoms_staff": 1, "isolated_staff": 1}},
    ),
    House(
        "中牟县救助管理站", "aid_station", 2, {"shelter": 15}, {}, 7, "0371-62160031", "谢国庆", {"mask": ("500", "30"), "grain": ("120", "6")},
        days={6: {"incidents": "夜间护送一名受助人员就医，已办理住院。", "to_hospital": 1}},
    ),
    House(
        "春晖养老中心", "care_home", 2, {"self": 12, "half": 8, "full": 10}, {"self": 8, "half": 5, "full": 4}, 5, "0371-62160047", "邓春晖",
        {"n95": ("260", "20"), "oxygen": ("12", "1"), "chronic_medicine": ("80", "4")}, public=False, days={5: {"symptoms_residents": 1}},
    ),
)  # fmt: skip


def institutions(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.institutions.models import Institution

    demo.tell("民政服务机构", 0, len(HOUSES))
    towns = [each.area for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    with demo.acting(Duty.COUNTY_REVIEWER):
        begun = Institution.objects.filter(code=_code(0)).exists()
    if not begun:
        _declared(demo, [towns[min(number, len(towns) - 1)] for number in (1, 2)])
        for number, house in enumerate(HOUSES):
            _moved_in(demo, number, house, towns[min(house.town, len(towns) - 1)])
            demo.tell("民政服务机构", number + 1, len(HOUSES))
        _visits(demo)
        _week(demo)
    with demo.acting(Duty.COUNTY_REVIEWER):
        from doudi.demo.job import TODAY
        from doudi.institutions import queries

        _lines, total = queries.by_kind(TODAY)
        demo.figures["institutions"] = total


def _code(number: int) -> str:
    return f"12410122MB{number:03d}"


def _key(demo: Demo, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-institutions-{demo.seed}-" + "-".join(map(str, parts)))


def _clerk(demo: Demo, number: int) -> SignIn:
    """The first house has the clerk of the demo's sign-ins, the second one of its own; the county reports for the others."""
    clerks = [each for each in demo.staff if each.duty == Duty.INSTITUTION_CLERK.value]
    return clerks[number] if number < len(clerks) else by_duty(demo.staff, Duty.COUNTY_REVIEWER)


def _declared(demo: Demo, areas: list[str]) -> None:
    """The emergency of two townships that makes reports daily."""
    from doudi.core.models import EmergencyStep
    from doudi.core.services import emergencies
    from doudi.demo.job import at

    with demo.acting(Duty.COUNTY_REVIEWER):
        row = emergencies.declare_emergency(
            kind="epidemic", areas=areas, starts=FIRST, ends=date(2023, 1, 15), document="牟政文〔2022〕52号", title="乡镇疫情防控应急状态",
            note="两个乡镇发现聚集性疫情", now=at(DECLARED, 9),
        )  # fmt: skip
        step = EmergencyStep.objects.get(emergency=row, state="proposed")
    with demo.acting(Duty.COUNTY_APPROVER):
        emergencies.confirm_step(step_id=step.pk, now=at(DECLARED, 10))


def _people(demo: Demo, number: int, house: House) -> list[Any]:
    """Who lives there: of the first house tekun recipients of the registry first, then people who are not in it."""
    from doudi.demo.relieving import number as example
    from doudi.institutions.services import Newcomer
    from doudi.registry.models import BenefitStatus, Person

    held = BenefitStatus.objects.filter(programme="tekun", state="active", person__died_on__isnull=True).order_by("person_id").values_list("person_id", flat=True)
    known = list(Person.objects.filter(pk__in=list(held[: house.linked]), birth_date__lt=date(1962, 1, 1)))
    found: list[Any] = []
    for bed, count in house.people.items():
        for place in range(count):
            at = len(found)
            name = FAMILY[(number * 7 + at) % len(FAMILY)] + GIVEN[(number * 5 + at * 3) % len(GIVEN)]
            given: dict[str, Any] = {"key": _key(demo, number, at), "bed": bed, "room": f"{1 + at // 12}{1 + at % 12:02d}", "name": name}
            if at < len(known):
                given |= {"name": known[at].name, "token": known[at].token, "sex": known[at].sex, "birth_date": known[at].birth_date}
            elif bed == "child":
                given |= {"sex": "12"[place % 2], "birth_date": date(2012 + place % 6, 3, 5)}
            else:
                given |= {"id_number": example(demo.seed, 50 + number * 50 + at, prefix="410122" if at % 3 else "410223")}
            if bed != "child":
                given |= {"kin_name": name[0] + "建军", "kin_relation": "侄子", "kin_phone": f"1390000{number}{at:03d}", "health": "高血压，每日服药" if at % 4 == 0 else ""}
            found.append(Newcomer(**given))
    return found


def _moved_in(demo: Demo, number: int, house: House, area: str) -> None:
    from doudi.demo.job import at
    from doudi.institutions import services

    clerk, morning = _clerk(demo, number), at(SINCE, 9)
    with demo.acting(Duty.COUNTY_REVIEWER):
        row = services.register_institution(
            code=_code(number), name=house.name, kind=house.kind, area=area, address=f"{house.name[-3:]}路 {8 + number} 号", phone=house.phone, public=house.public,
            account=f"4100162201050{number:04d}", bank="105", beds=house.beds, now=morning,
        )  # fmt: skip
        if clerk.duty == Duty.INSTITUTION_CLERK.value:
            services.appoint_clerk(institution_id=row.pk, account_id=clerk.account_id, now=morning)
    with scopes.acting(clerk.scope()):
        phones = (("director", house.director, f"1380371{number}001"), ("reporter", clerk.name, f"1380371{number}002"), ("hospital", "县人民医院老年科", "037162180120"))
        for role, name, phone in phones:
            services.set_contact(institution_id=row.pk, role=role, name=name, phone=phone, now=morning)
        services.set_room(institution_id=row.pk, name="西侧隔离观察室", beds=2, now=morning)
        for place in range(house.staff):
            role = ("director", "medic")[place] if place < 2 else "support" if place % 4 == 3 else "carer"
            name = house.director if place == 0 else FAMILY[(number * 3 + place) % len(FAMILY)] + GIVEN[(place * 5 + number) % len(GIVEN)]
            services.add_staff(institution_id=row.pk, name=name, role=role, starts=SINCE, now=morning)
        newcomers = _people(demo, number, house)
        if newcomers:
            services.admit_many(institution_id=row.pk, newcomers=newcomers, starts=SINCE, now=morning)


def _visits(demo: Demo) -> None:
    """Closed since November in one house, by appointment in the others."""
    from doudi.demo.job import at
    from doudi.institutions import services
    from doudi.institutions.models import Institution

    with demo.acting(Duty.COUNTY_APPROVER):
        ids = dict(Institution.objects.filter(code__in=[_code(number) for number in range(len(HOUSES))]).values_list("name", "pk"))
        closed, others = ids.pop("春晖养老中心"), list(ids.values())
        services.set_visits(
            institution_ids=[closed], state="closed", starts=date(2022, 11, 18), document="牟疫防办〔2022〕31号", reason="周边有疫情", now=at(date(2022, 11, 17), 16)
        )
        services.set_visits(
            institution_ids=others, state="appointment", starts=date(2022, 11, 18), document="牟疫防办〔2022〕31号", reason="控制人员流动", now=at(date(2022, 11, 17), 17)
        )
        services.set_visits(
            institution_ids=[ids["中牟县中心敬老院"]], state="closed", starts=FIRST, document="牟政文〔2022〕52号", reason="所在乡镇应急状态", now=at(DECLARED, 11)
        )


def _week(demo: Demo) -> None:
    """Each day of the emergency: who owes a report, what came, who was reminded."""
    from doudi.demo.job import TODAY, at
    from doudi.institutions import services
    from doudi.institutions.models import Institution

    machine = scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"institutions.remind"}))
    with demo.acting(Duty.COUNTY_REVIEWER):
        rows = {row.code: row for row in Institution.objects.filter(code__startswith="12410122MB")}
    for back in range((TODAY - FIRST).days, -1, -1):
        day = TODAY - timedelta(days=back)
        with scopes.acting(machine):
            services.new_day(area=demo.area, on=day, now=at(day, 1))
        for number, house in enumerate(HOUSES):
            if back >= house.quiet:
                _reported(demo, number, house, rows[_code(number)].pk, day, at(day, 8 if day == TODAY else 9, 5 * number))
        if day < TODAY:
            with scopes.acting(machine):
                services.watch(on=day, now=at(day, 12, 30))


def _reported(demo: Demo, number: int, house: House, pk: int, day: date, now: datetime) -> None:
    from doudi.institutions import services
    from doudi.institutions.services import Left

    past = (day - FIRST).days
    found = dict(house.days.get(past, {}))
    incidents = found.pop("incidents", "")
    living = sum(house.people.values()) or 1  # somebody stays at the aid station
    figures = {"residents": living, "staff": house.staff, "staff_on_site": max(1, house.staff - 1 - past % 2), "tested": living} | found
    supplies = {}
    for code, (start, use) in house.supplies.items():
        left = Decimal(start) - Decimal(use) * min(past, 3 if code == "oxygen" else 6)
        supplies[code] = Left(max(left, Decimal(use)), Decimal(use))
    with scopes.acting(_clerk(demo, number).scope()):
        services.report_day(institution_id=pk, on=day, figures=figures, supplies=supplies, incidents=incidents, now=now)


__all__ = ["institutions"]
