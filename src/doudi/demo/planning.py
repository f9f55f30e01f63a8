"""Service emergency plans of the demo's county (7.2): some in force, one waiting for its approval, one put to work since yesterday, one that is over."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty

WRITTEN, STARTED, UNTIL = date(2022, 11, 10), date(2022, 12, 8), date(2022, 12, 14)
MOST = 5  # villages with a plan
REASON, DOCUMENT = "寒潮和强降雪，部分道路不通", "牟民〔2022〕61号"


def _at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    from doudi.demo.job import at

    return at(day, hour, minute)


def plans(demo: Any) -> None:
    """All of it; what is there already is left as it is."""
    from django.db.models import Count

    from doudi.community.models import Activation, CarePerson, PlanVersion

    demo.tell("服务应急响应预案", 0, 2)
    town, station, visitor = (by_duty(demo.staff, duty) for duty in (Duty.TOWNSHIP_OFFICER, Duty.STATION_WORKER, Duty.VISITOR))
    with scopes.acting(town.scope()):
        begun = PlanVersion.objects.exists()
        most = CarePerson.objects.filter(ends__isnull=True).values_list("area").annotate(n=Count("pk")).order_by("-n", "area")
        others = [area for area, _count in most if area != visitor.area]  # where there is somebody to look after
    if not begun:
        for number, village in enumerate([visitor.area, *others][:MOST]):
            _written(village, visitor if village == visitor.area else station, town, approved=number < MOST - 1)
        demo.tell("服务应急响应预案", 1, 2)
        if others[1:2]:
            _over(others[1], town)
        _active(visitor, town)
    with scopes.acting(town.scope()):
        demo.figures["plans"] = {
            "in_force": PlanVersion.objects.filter(state="approved").count(), "active": Activation.objects.filter(state="active").count(),
        }  # fmt: skip
    demo.tell("服务应急响应预案", 2, 2)


def _written(village: str, writer: SignIn, town: SignIn, *, approved: bool) -> None:
    from doudi.community.services import plans
    from doudi.community.services.plans import Line

    lines = (
        Line("grid", "东片", person="王海涛", phone="13900010002", detail="东街、学校一带"),
        Line("grid", "西片", person=writer.name, phone="13900010009", detail="西街、大队部一带", username=writer.username),
        Line("contact", "村委会", person="张庆山", phone="13900010011"), Line("contact", "村卫生室", person="刘村医", phone="13900010012"),
        Line("resource", "村小学教室", kind="shelter", quantity=40, detail="有炉子，可烧水"), Line("resource", "农用三轮车", kind="vehicle", quantity=2, detail="村东停车棚"),
        Line("resource", "棉被", kind="goods", quantity=30, detail="村委会库房"), Line("resource", "党员突击队", kind="team", quantity=12),
        Line("supplier", "惠民大药房", kind="pharmacy", phone="0371-62119999", detail="可送到村口"), Line("supplier", "便民超市", kind="shop", phone="0371-62118888"),
        Line("supplier", "村助餐点", kind="meals", phone="0371-62110008", detail="每日午饭 60 份"),
    )  # fmt: skip
    with scopes.acting(writer.scope()):
        row = plans.draft_plan(area=village, now=_at(WRITTEN))
        for line in lines:
            plans.add_line(plan_id=row.pk, version=row.version, line=line, now=_at(WRITTEN, 11))
        row = plans.submit_plan(plan_id=row.pk, version=row.version, now=_at(WRITTEN, 15))
    if approved:
        with scopes.acting(town.scope()):
            plans.approve_plan(plan_id=row.pk, version=row.version, now=_at(date(2022, 11, 11), 9))


def _over(village: str, town: SignIn) -> None:
    """Put to work for two days, ended early, reviewed."""
    from doudi.community.services import activating

    with scopes.acting(town.scope()):
        (row,) = activating.activate(areas=[village], reason="村西桥面结冰，出行受阻", document="镇政府电话通知", until=date(2022, 12, 7), now=_at(date(2022, 12, 5), 8))
        row = activating.deactivate(activation_id=row.pk, version=row.version, reason="桥面已清理", now=_at(date(2022, 12, 6), 16))
        activating.review(
            activation_id=row.pk, version=row.version, now=_at(date(2022, 12, 7), 10),
            text="名单当天核对完毕，药店送药及时。缺一辆能走雪路的车，预案中补上邻村的四驱车。",
        )  # fmt: skip


def _active(visitor: SignIn, town: SignIn) -> None:
    """Put to work since yesterday: half of the steps ticked, most of yesterday's list done, some of today's."""
    from doudi.community.models import ActivationPerson
    from doudi.community.services import activating

    with scopes.acting(town.scope()):
        (row,) = activating.activate(areas=[visitor.area], reason=REASON, document=DOCUMENT, until=UNTIL, now=_at(STARTED, 8))
    with scopes.acting(visitor.scope()):
        for number, step in enumerate(row.steps.order_by("position")[:3]):
            activating.tick_step(step_id=step.pk, now=_at(STARTED, 9, 20 * number))
        for day, share in ((STARTED, 4), (date(2022, 12, 9), 2)):
            due = ActivationPerson.objects.filter(activation=row, due__lte=day).order_by("priority", "id")
            for number, entry in enumerate(list(due)):
                if number % 5 >= share:
                    continue
                outcome = ("well", "well", "unreachable", "need")[number % 4]
                note = {"unreachable": "敲门无人应，邻居说去了集上", "need": "说屋里冷，煤不多了"}.get(outcome, "")
                activating.record_check(entry_id=entry.pk, outcome=outcome, note=note, now=_at(day, 8 if day.day == 9 else 11, number % 60))
