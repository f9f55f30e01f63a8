"""The demo's hotline (measures 1.4): three desks, calls of two weeks, some missed, some called back, some asked how satisfied."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.demo.staff import by_duty
from doudi.discovery.models import Call
from doudi.discovery.services import advance_lead, hotline
from doudi.registry.models import Household

if TYPE_CHECKING:
    from doudi.demo.job import Demo

SPACE = UUID("0a5d9b1c-7d0e-4c3b-9a60-2f1f6c8e7d11")
# day of December (0: 30 November), hour, minutes of waiting in seconds, outcome, role, needs, urgency, what was told
CALLS = (
    (0, 9, 6, "lead", "neighbour", ("illness", "elderly"), "red", "老人独居，降压药只够两天，腿疼下不了床，儿子在外地隔离回不来"),
    (0, 15, 11, "consult", "self", (), "", "问外地务工人员在这里能不能申请临时救助"),
    (1, 8, 8, "lead", "cadre", ("disaster",), "red", "昨晚厨房起火，一家三口暂住村委会，被褥衣物烧毁"),
    (1, 10, 25, "lead", "self", ("living",), "yellow", "丈夫上月被裁员，房贷断供，两个孩子上学"),
    (2, 14, 9, "lead", "neighbour", ("child",), "red", "孩子父母都去方舱了，九岁女孩一个人在家，邻居送饭"),
    (5, 9, 5, "consult", "self", (), "", "问残疾人两项补贴十二月是不是涨了"),
    (5, 11, 40, "lead", "passer", ("stranded",), "orange", "车站附近有位老人带着被褥露宿三天，外地口音"),
    (6, 8, 7, "lead", "self", ("disability", "supplies"), "orange", "重度残疾人在家，护理垫和尿不湿买不到"),
    (6, 16, 12, "complaint", "self", (), "", "反映申请交上去一个多月没有答复"),
    (7, 9, 4, "lead", "cadre", ("elderly",), "orange", "独居老人摔伤出院，回家没人照料"),
    (8, 10, 18, "lead", "neighbour", ("illness",), "yellow", "邻居家孩子做了心脏手术，借了不少钱"),
    (8, 15, 6, "consult", "cadre", (), "", "问监测户医疗费怎么申请救助"),
    (9, 8, 9, "lead", "self", ("living", "illness"), "orange", "化疗半年花了八万多，家里没有别的收入"),
)


def at(number: int, hour: int, minute: int = 0) -> datetime:
    from doudi.demo.job import CHINA

    return datetime(2022, 11 if number == 0 else 12, number or 30, hour, minute, tzinfo=CHINA)


def calls(demo: Demo) -> None:
    """Desks and calls; calls that are there already stay as they are."""
    for duty, area, name, number in (
        (Duty.SUPERVISOR, demo.area[:2], "河南省社会救助服务热线", "0371-65500000"),
        (Duty.SUPERVISOR, demo.area[:4], "郑州市社会救助服务热线", "0371-67170000"),
        (Duty.COUNTY_REVIEWER, demo.area, "中牟县社会救助服务热线", "0371-62160000"),
    ):
        staff = next(each for each in demo.staff if each.duty == duty.value and each.area == area)
        with scopes.acting(staff.scope()):
            hotline.set_desk(name=name, number=number, hours="每天 8:00—20:00", is_open=True, now=at(0, 8))
    operator = by_duty(demo.staff, Duty.HOTLINE_OPERATOR)
    with scopes.acting(operator.scope("来电登记")):
        if Call.objects.exists():
            return
        homes = list(Household.objects.order_by("number").values_list("area", flat=True)[:: max(1, Household.objects.count() // len(CALLS))])
        ages = (79, None, 41, 38, 9, None, 66, 52, None, 83, 12, None, 47)
        for order, (day, hour, wait, outcome, role, needs, urgency, words) in enumerate(CALLS):
            demo.tell("热线来电", order + 1, len(CALLS))
            rang = at(day, hour, order)
            phone = f"1380371{order % 9:04d}"
            row = hotline.call_event(desk_area=demo.area, external=f"D{order}", event="ringing", phone=phone, at=rang, now=rang)
            answered = rang + timedelta(seconds=wait)
            hotline.call_event(desk_area=demo.area, external=f"D{order}", event="answered", phone=phone, at=answered, now=answered)
            intake = hotline.Intake(
                caller_name="王秀芝" if role == "neighbour" else "李建设" if role == "cadre" else "", caller_role=role, subject_age=ages[order],
                area=homes[order % len(homes)] if outcome == "lead" else "", needs=needs, urgency=urgency, detail=words,
            )  # fmt: skip
            done = answered + timedelta(minutes=4)
            call = hotline.register_call(
                uuid=uuid5(SPACE, str(order)), intake=intake, outcome=outcome, rang_at=rang, now=done, call_id=row.pk,
                call_back_at=at(9, 16) if order == 8 else None,
            )  # fmt: skip
            demo.figures["calls"] = order + 1
            if call.lead_id and day < 7:
                _settle(demo, call, done)
        for order, hour in enumerate((9, 14)):
            hotline.call_event(
                desk_area=demo.area, external=f"M{order}", event="missed", phone=f"139037100{order:02d}", at=at(8, hour, 20), now=at(8, hour, 21)
            )
        for call in Call.objects.filter(lead__closed_at__isnull=False).order_by("id")[:2]:
            hotline.record_satisfaction(call_id=call.pk, score=5, note="当天就有人上门", now=at(9, 8))


def _settle(demo: Demo, call: Call, now: datetime) -> None:
    """The township contacts, verifies and closes what came in the first days."""
    town = next((each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value and call.area.startswith(each.area)), None)
    if town is None or not Division.objects.filter(code=call.area).exists():
        return
    with scopes.acting(town.scope("救助线索")):
        lead_id = call.lead_id
        assert lead_id is not None
        advance_lead(lead_id=lead_id, version=None, after="contacted", note="电话联系，已到村里", now=now + timedelta(hours=5))
        if call.urgency == "red":
            advance_lead(lead_id=lead_id, version=None, after="verified", note="入户核实，情况属实", now=now + timedelta(hours=22))
            advance_lead(lead_id=lead_id, version=None, after="helped", note="已送药送餐，安排专人照看", now=now + timedelta(hours=26))
