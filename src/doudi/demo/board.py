"""The needs board in the demo's county (8.3): a need met by a volunteer with hours and feedback, one who did not come, a call, and what waits today."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty

if TYPE_CHECKING:
    from datetime import datetime

    from doudi.demo.job import Demo
    from doudi.volunteering.models import Volunteer

DAY, TODAY = date(2022, 12, 6), date(2022, 12, 9)
COMING = 14  # of those called


def _key(demo: Demo, name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi demo {demo.area} {demo.seed} board {name}")


def board(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.volunteering.models import Notice, Volunteer

    demo.tell("供需对接", 0, 3)
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        if not Notice.objects.exists():
            people = list(Volunteer.objects.filter(state="active").order_by("id"))
            if people:
                _told(demo, people)
                demo.tell("供需对接", 1, 3)
                _called(demo)
                demo.tell("供需对接", 2, 3)
                _today(demo)
        demo.figures["board"] = {"published": Notice.objects.filter(shown=True).count()}
    demo.tell("供需对接", 3, 3)


def _raised(demo: Demo, name: str, area: str, now: datetime, **words: Any) -> Any:
    """A need of the first household of a township, by its officer."""
    from doudi.needs import services
    from doudi.registry.models import Household

    officer = next(each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value and each.area == area[:9])
    with scopes.acting(officer.scope()):
        home = Household.objects.filter(memberships__ends__isnull=True).order_by("id").first()
        about = services.About(household=home.pk) if home else services.About(area=officer.area)
        given = {"kind": "food", "urgency": "orange", "source": "officer", "what": "独自一人，烫伤了手，十天做不了饭"} | words
        return services.raise_need(uuid=_key(demo, name), about=about, now=now, **given), officer


def _told(demo: Demo, people: list[Volunteer]) -> None:
    """Met by the first who suits, confirmed by the recipient with five points; another one did not come to the second."""
    from doudi.demo.job import at
    from doudi.needs.models import NeedAnswer
    from doudi.volunteering.services import board as services
    from doudi.volunteering.services.board.base import as_machine
    from doudi.volunteering.services.session import Who

    for name, came in (("served", True), ("missed", False)):
        row = next((each for each in people if "food" in each.services and each.distance >= 5 and (each.pk % 2 == 0) == came), people[0])
        need, officer = _raised(demo, name, row.area, at(DAY, 9))
        with demo.acting(Duty.VOLUNTEER_COORDINATOR):
            services.publish(need_id=need.pk, offering=False, now=at(DAY, 10))
            number = need.notice.number
        who = Who("volunteer", row.pk, row.area, row.name)
        with as_machine(row.area, page="doudi demo"):
            answer = services.take(who=who, uuid=_key(demo, f"take {name}"), number=number, now=at(DAY, 11))
            if came:
                services.open_contact(who=who, answer_id=answer.pk)
                services.check_in(who=who, answer_id=answer.pk, now=at(DAY, 16))
                services.check_out(who=who, answer_id=answer.pk, note="做了晚饭和第二天的早饭，约好每天下午四点来", now=at(DAY, 18, 30))
                services.say(who=who, answer_id=answer.pk, rating=5, words="老人家里灯泡坏了，已告诉村里", now=at(DAY, 19))
        answer = NeedAnswer.objects.get(pk=answer.pk)
        if not came:
            with demo.acting(Duty.VOLUNTEER_COORDINATOR):
                services.no_show(answer_id=answer.pk, version=answer.version, reason="约好下午五点，没有来，电话没人接", now=at(DAY, 19))
            continue
        with scopes.acting(officer.scope()):
            services.confirm_done(
                answer_id=answer.pk, version=answer.version, confirmed="recipient", rating=5, words="饭菜可口，人也热心", now=at(date(2022, 12, 7), 9)
            )


def _called(demo: Demo) -> None:
    """Snow is coming: volunteers of the county are called to clear it, some say yes."""
    from doudi.demo.job import at
    from doudi.volunteering.models import CallReply
    from doudi.volunteering.services import board as services
    from doudi.volunteering.services.board.base import as_machine

    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        call = services.call_volunteers(
            key=_key(demo, "call"), area=demo.area, title="扫雪除冰、查看独居老人", words="清扫老旧小区和村道，逐户敲门问候；请穿防滑鞋，工具现场领取", place="县体育馆东门",
            wanted=20, until=at(date(2022, 12, 10), 18), now=at(TODAY, 8),
        )  # fmt: skip
        told = list(CallReply.objects.filter(call=call).order_by("id").values_list("volunteer_id", flat=True)[: COMING + 3])
    with as_machine(demo.area, page="doudi demo"):
        for number, volunteer in enumerate(told):
            services.reply_to_call(call_id=call.pk, volunteer_id=volunteer, coming=number < COMING, now=at(TODAY, 8) + timedelta(minutes=3 * number))
    with demo.acting(Duty.VOLUNTEER_COORDINATOR):
        services.keep_attendance(
            call_id=call.pk, kind="environment", phone="0371-62160055", starts=at(date(2022, 12, 10), 8), ends=at(date(2022, 12, 10), 12), now=at(TODAY, 9)
        )


def _today(demo: Demo) -> None:
    """What the machine does in the morning: publishes by rule what nobody took, and asks the first ones."""
    from doudi.demo.job import at
    from doudi.volunteering.services import board as services
    from doudi.volunteering.services.board.base import ASKING

    with scopes.acting(scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=ASKING)):
        services.publish_by_rule(now=at(TODAY, 9), most=40)
        services.run_offers(now=at(TODAY, 9, 1), most=40)
