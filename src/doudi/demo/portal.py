"""The demo's public door (1.3): a few reports of neighbours, one told twice, and online applications: one registered, one answered, one not accepted, two that wait."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from PIL import Image, ImageDraw

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty
from doudi.enrolment.models import Case
from doudi.enrolment.services import accepting
from doudi.portal.facts import HouseholdFacts, MemberFacts
from doudi.portal.models import OnlineApplication, PublicReport
from doudi.portal.services import applications, reports
from doudi.portal.services.applications import Named, Sent
from doudi.portal.services.reports import Told
from doudi.registry.models import Household

if TYPE_CHECKING:
    from doudi.demo.job import Demo

SPACE = UUID("7b1f0c52-3a7d-4f0b-8a2e-53c3e1c6d0a4")
REPORTS = (
    (5, Told("elderly", "now", "独居老人三天没有出门，敲门没人应，窗户开着", name="郑老汉", address="村西头水塔旁", reporter="热心邻居", reporter_phone="13900030001")),
    (5, Told("elderly", "now", "独居老人三天没有出门，敲门没人应，窗户开着。", name="郑老汉", address="村西头水塔旁")),
    (6, Told("supplies", "soon", "一家人居家隔离，家里米面快没了，孩子要喝奶粉", address="二组最后一排")),
    (6, Told("stranded", "soon", "桥洞下住着两个人，带着铺盖，夜里很冷", address="国道立交桥下")),
)  # fmt: skip


def _number(division: str, born: str, order: int) -> str:
    first = f"{division}{born}{order:03d}"
    return first + check_character(first)


def _photo() -> bytes:
    picture = Image.new("RGB", (480, 320), (196, 205, 214))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((120, 130, 360, 320), fill=(168, 140, 118))
    draw.polygon([(100, 130), (240, 40), (380, 130)], fill=(140, 82, 66))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=80)
    return made.getvalue()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    from doudi.demo.job import CHINA

    return datetime(2022, 12, day, hour, minute, tzinfo=CHINA)


def portal(demo: Demo) -> None:
    """Reports and applications; those that are there already stay as they are."""
    officer = by_duty(demo.staff, Duty.TOWNSHIP_OFFICER)
    with scopes.acting(officer.scope("网上申请")):
        village = Household.objects.order_by("area").values_list("area", flat=True).first() or f"{officer.area}001"
    for number, (day, told) in enumerate(REPORTS):
        area = village if number < 3 else officer.area
        photos = [_photo()] if number == 0 else []
        reports.receive_report(uuid=uuid5(SPACE, f"report {number}"), area=area, told=told, photos=photos, now=at(day, 9 + number))
    for number, sent in enumerate(_applications(demo.area)):
        applications.send_application(uuid=uuid5(SPACE, f"application {number}"), area=officer.area, sent=sent, now=at(6, 10 + number))
    with scopes.acting(officer.scope("网上申请")):
        waiting = list(OnlineApplication.objects.filter(state="sent").order_by("id"))
        if len(waiting) == 5:
            applications.register_application(
                application_id=waiting[0].pk, version=1, village=village, programmes=[("dibao", None)], identity_seen=True, now=at(7, 9)
            )
            _refused(waiting[4].pk, village)
            applications.decline_application(
                application_id=waiting[1].pk, version=1, reason="户籍地和居住地都不在本乡镇，请向居住地乡镇申请，或拨打 12345 由热线转办。", now=at(7, 10)
            )
        demo.figures["public_reports"] = PublicReport.objects.count()


def _refused(application_id: int, village: str) -> None:
    """Registered and not accepted: who follows it reads why, and what can be done against it."""
    made = applications.register_application(application_id=application_id, version=1, village=village, programmes=[("dibao", None)], identity_seen=True, now=at(7, 11))
    case = Case.objects.filter(application=made).get()
    accepting.refuse_acceptance(
        case_id=case.pk, version=case.version, reason="申请人在居住地已随子女家庭享受低保，同一时间不能在两地享受；子女家庭情况变化的，可在居住地申请变更。", now=at(8, 10)
    )


def _applications(county: str) -> list[Sent]:
    facts = HouseholdFacts(county, "rural", (MemberFacts("1956-08-01", transfers=123), MemberFacts("1958-02-01", serious_illness=True)), rigid=16000, savings=3000)
    return [
        Sent(
            Named("田有福", _number(county, "19560812", 931)), "13900030011", "rural", "五组 18 号", [Named("郭秀兰", _number(county, "19580206", 942), "10")], ["dibao"],
            "老伴透析，开销大", facts, {"identity": [_photo()]},
        ),
        Sent(Named("丁小满", _number("410102", "19900520", 927)), "13900030012", "urban", "租住集镇北街", note="刚从外地过来，还没找到活"),
        Sent(Named("贺长庚", _number(county, "19480110", 915)), "13900030013", "rural", "三组 4 号", programmes=["tekun"], note="一个人过，腿不好"),
        Sent(Named("欧阳㛃", _number(county, "19851009", 968)), "13900030014", "rural", "一组 27 号", programmes=["disability_nursing"]),
        Sent(Named("周来顺", _number(county, "19550317", 957)), "13900030015", "rural", "二组 9 号", programmes=["dibao"], note="儿子在外地，想在老家办低保"),
    ]  # fmt: skip
