"""Community care in the demo's county: groups of the whole county, a village whose people have contacts, one of them away, and printed help cards."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from doudi.core import letters, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

SINCE, DAY = date(2022, 12, 1), date(2022, 12, 5)
BASE = "http://127.0.0.1:8000/"
# (level of its place, kind, name, phone, hours, address)
SERVICES = (
    (6, "counsel", "中牟县心理援助热线", "0371-62160012", "每天 8:00—22:00", ""), (6, "clinic", "中牟县人民医院", "0371-62160120", "全天", "县城青年路"),
    (9, "clinic", "镇卫生院", "0371-62110120", "全天", "镇政府路 18 号"), (9, "station", "镇社会工作服务站", "0371-62116666", "工作日", ""),
    (9, "pharmacy", "惠民大药房", "0371-62119999", "7:30—21:00", "镇十字街北"), (12, "doctor", "村卫生室", "0371-62110001", "8:00—18:00", "村委会东侧"),
    (12, "meals", "村助餐点", "0371-62110008", "11:00—13:00", "村党群服务中心"),
)  # fmt: skip
CONTACTS = (("李桂英", "volunteer", "13900010001"), ("王海涛", "grid", "13900010002"), ("孙玉兰", "neighbour", "13900010003"))


def _at(day: date, hour: int = 10) -> datetime:
    from doudi.demo.job import at

    return at(day, hour)


def care(demo: Any) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.community import services
    from doudi.community.models import CareContact, CarePerson, HelpCard

    demo.tell("社区关爱", 0, 3)
    worker = scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"community.derive"}))
    with scopes.acting(worker):
        begun = CareContact.objects.exists()
        services.derive(area=demo.area, on=SINCE, now=_at(SINCE, 2))
    if not begun:
        _begin(demo)
    with scopes.acting(worker):
        people = CarePerson.objects.filter(ends__isnull=True)
        demo.figures["community"] = {
            "people": people.count(), "with_contact": people.filter(contact__isnull=False).count(), "cards": HelpCard.objects.filter(void_at__isnull=True).count(),
        }  # fmt: skip
    demo.tell("社区关爱", 3, 3)


def _begin(demo: Any) -> None:
    """Two people added by hand, the directory, a group of the township's own; contacts and cards of the village with most people in care."""
    from django.db.models import Count

    from doudi.community import services
    from doudi.community.models import CarePerson
    from doudi.registry.models import Person

    visitor, town = by_duty(demo.staff, Duty.VISITOR), by_duty(demo.staff, Duty.TOWNSHIP_OFFICER)
    with scopes.acting(visitor.scope()):
        for person in Person.objects.filter(died_on=None, memberships__ends=None, care=None).order_by("birth_date", "id")[:2]:
            services.add_by_hand(person_id=person.pk, group="old_alone", reason="子女都在外地，平时一个人吃住", on=SINCE, now=_at(SINCE, 8))
    with scopes.acting(town.scope()):
        own = services.add_contact(area=visitor.area, name=visitor.name, kind="cadre", phone="13900010009", username=visitor.username, now=_at(SINCE, 9))
        services.assign_village(area=visitor.area, contact_ids=[own.pk], now=_at(SINCE, 9))
        most = CarePerson.objects.values_list("area").annotate(n=Count("id")).order_by("-n", "area").first()
    village = most[0] if most else visitor.area
    for level, kind, name, phone, hours, address in SERVICES:
        place = village[:level]
        with scopes.acting((town if level > 6 else by_duty(demo.staff, Duty.COUNTY_REVIEWER)).scope()):
            local = name.replace("镇", places.name(place), 1) if level == 9 and name.startswith("镇") else name
            services.add_service(area=place, kind=kind, name=local, phone=phone, hours=hours, address=address, starts=SINCE, on=SINCE, now=_at(SINCE))
    with scopes.acting(town.scope()):
        services.define_group(
            area=town.area, name="大病困难家庭", fact="serious_illness", starts=SINCE, document="乡镇〔2022〕16号", on=SINCE, now=_at(SINCE, 11)
        )
        contacts = [services.add_contact(area=village, name=name, kind=kind, phone=phone, now=_at(SINCE, 14)) for name, kind, phone in CONTACTS]
        demo.tell("社区关爱", 1, 3)
        services.assign_village(area=village, contact_ids=[each.pk for each in contacts], now=_at(SINCE, 15))
        services.set_absence(
            contact_id=contacts[1].pk, substitute_id=contacts[0].pk, starts=DAY, ends=DAY + timedelta(days=10), reason="外出办事", now=_at(SINCE, 16)
        )
        if letters.available():
            run = services.order_cards(
                uuid=uuid5(NAMESPACE_URL, f"doudi-demo-cards-{demo.seed}"), area=village, which="all", layout="sheet", language="zh-hans", base=BASE,
                now=_at(DAY),
            )  # fmt: skip
            services.print_run(run_id=run.pk, base=BASE, now=_at(DAY))
        else:
            services.issue_missing(area=village, on=DAY, now=_at(DAY))
        demo.tell("社区关爱", 2, 3)
        # one person was given another contact since: the card says the old one
        one = CarePerson.objects.filter(area=village, ends__isnull=True, contact=contacts[2]).order_by("id").first()
        if one is not None:
            services.assign_contact(care_id=one.pk, version=one.version, contact_id=contacts[0].pk, reason="本人要求", now=_at(DAY, 16))
