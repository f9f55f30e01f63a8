"""Temporary assistance of the demo's county: a reserve, grants, relief first whose explanation is late, a person from elsewhere, a case meeting, a vagrant."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

FIRST = date(2022, 11, 7)
CASES = (  # (name, cause, day, yuan, place of registration)
    ("袁素芳", "fire", date(2022, 11, 9), "1800.00", ""),
    ("田大勇", "traffic", date(2022, 11, 22), "1200.00", ""),
    ("段春生", "illness", date(2022, 12, 1), "1500.00", ""),
    ("周远航", "stranded", date(2022, 12, 6), "300.00", "江苏省南京市"),
    ("常秀英", "disaster", date(2022, 12, 8), "900.00", ""),
)
LATE = {"袁素芳"}  # its explanation never came


def _key(seed: int, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-relief-{seed}-" + "-".join(map(str, parts)))


def number(seed: int, place: int, *, prefix: str = "410122") -> str:
    """An example number of nobody: the sequence 99x of a day long ago."""
    body = f"{prefix}1961{1 + place % 12:02d}{1 + (seed + place) % 28:02d}9{place % 100:02d}"
    return body + check_character(body)


def receipt() -> bytes:
    """A picture that stands for a signed receipt."""
    from PIL import Image, ImageDraw

    picture, out = Image.new("RGB", (480, 300), "white"), io.BytesIO()
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 20, 460, 280), outline="black", width=2)
    pen.line((60, 220, 120, 180, 150, 230, 220, 190, 260, 225), fill="navy", width=4)
    picture.save(out, "JPEG", quality=70)
    return out.getvalue()


def relief(demo: Any) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.demo.job import at
    from doudi.payments.services import ledger, reserves
    from doudi.relief import queries, services
    from doudi.relief.models import ReliefCase

    demo.tell("临时救助", 0, len(CASES))
    officer, finance = by_duty(demo.staff, Duty.TOWNSHIP_OFFICER), by_duty(demo.staff, Duty.FINANCE_OFFICER)
    with scopes.acting(finance.scope()):
        ledger.receive_appropriation(
            fund="assistance", area=demo.area, year=2022, amount=Decimal("200000.00"), document="豫财社〔2022〕112号", level="province",
            issuer="province", on=FIRST, now=at(FIRST),
        )
        for place, other in enumerate(each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value):
            reserves.fund_reserve(
                township=other.area, year=2022, amount=Decimal("20000.00" if place < 2 else "8000.00"), document=f"牟财拨〔2022〕{31 + place}号", on=FIRST,
                now=at(FIRST, 10),
            )  # fmt: skip
        begun = ReliefCase.objects.exists()
    for place, (name, cause, day, amount, registered) in enumerate(() if begun else CASES):
        with scopes.acting(officer.scope()):
            done = services.help_first(
                key=_key(demo.seed, name), area=officer.area, kind="emergency", cause=cause, event_on=day, place="", facts=FACTS[cause],
                people=[services.Someone(name, number(demo.seed, place, prefix="320102" if registered else "410122"))], registered_place=registered,
                means="cash", amount=Decimal(amount), receipts=[("收据.jpg", receipt())], now=at(day, 15),
            )  # fmt: skip
            if name not in LATE and day < date(2022, 12, 5):
                services.explain(
                    case_id=done.case.pk, version=done.case.version, text="村两委和包村干部现场核实，损失属实，已无力维持基本生活，先行救助。",
                    now=at(day + timedelta(days=3), 16),
                )  # fmt: skip
        demo.tell("临时救助", place + 1, len(CASES))
    if not begun:
        _meeting(demo, officer, at)
        _waiting(demo, officer, at)
        _settled(finance, officer.area, at)
        _vagrant(demo, at)
    _reminders(demo, at)
    with demo.acting(Duty.COUNTY_REVIEWER):
        found = queries.figures(area=demo.area, on=date(2022, 12, 9))
    demo.figures["relief"] = {name: f"{value:.2f}" if isinstance(value, Decimal) else value for name, value in found.items()}


FACTS = {
    "fire": "厨房起火烧毁两间瓦房，粮食衣被全无",
    "traffic": "送货途中被撞骨折，肇事方逃逸，无钱继续住院",
    "illness": "突发脑出血住院，押金不足",
    "stranded": "来郑务工钱物被盗，滞留客运站，没有饭钱和路费",
    "disaster": "大雪压塌棚舍，过冬物资受损",
}


def _meeting(demo: Any, officer: Any, at: Any) -> None:
    """The same family has a second misfortune within the year: the case meeting decides, the approver carries it out."""
    from doudi.relief import services
    from doudi.relief.models import ReliefCase

    who = services.Someone(CASES[0][0], number(demo.seed, 0))
    day = date(2022, 12, 2)
    with scopes.acting(officer.scope()):
        case, _new = services.open_case(
            key=_key(demo.seed, "second"), area=officer.area, kind="emergency", cause="fire", event_on=day, people=[who], relief_first=True,
            facts="安置的临时住房电线短路再次起火，老人烧伤", now=at(day, 9),
        )  # fmt: skip
        services.grant_by_township(case_id=case.pk, version=case.version, helps=[services.Help("cash", Decimal("1500.00"), "reserve")], now=at(day, 10))
        version = ReliefCase.objects.get(pk=case.pk).version
    people = [
        services.Participant("李建国", "中牟县民政局", "副局长"), services.Participant("刘洋", "中牟县财政局", "社保股股长"),
        services.Participant("李晓梅", "乡镇民政所", "所长"), services.Participant("陈志远", "村民委员会", "主任"),
    ]  # fmt: skip
    with demo.acting(Duty.COUNTY_REVIEWER):
        services.record_meeting(
            case_id=case.pk, version=version, held_on=date(2022, 12, 5), place="县民政局三楼会议室", participants=people,
            facts="一年内同一户两次火灾，老人烧伤住院，家中已无财产。", opinions="参会人员一致认为属特殊困难，同意救助，由乡镇落实住房安全。",
            reason="一年内同一事由只救助一次，本户两次火灾情况特殊，按一事一议办理。", resolution="grant",
            helps=[services.Help("cash", Decimal("4500.00"), "reserve"), services.Help("referral", what="临时安置住房电路改造", referred_to="县住建局")],
            now=at(date(2022, 12, 5), 17),
        )  # fmt: skip
        version = ReliefCase.objects.get(pk=case.pk).version
    with demo.acting(Duty.COUNTY_APPROVER):
        services.approve_meeting(case_id=case.pk, version=version, note="同意会议决议", now=at(date(2022, 12, 6), 9))


def _waiting(demo: Any, officer: Any, at: Any) -> None:
    """One above the township's ceiling waits for the county, one for the township."""
    from doudi.relief import services

    day = date(2022, 12, 7)
    with scopes.acting(officer.scope()):
        case, _new = services.open_case(
            key=_key(demo.seed, "county"), area=officer.area, kind="expenditure", cause="medical", event_on=date(2022, 11, 25), facts="长子白血病化疗，自付 18 万元",
            people=[services.Someone("程广林", number(demo.seed, 21)), services.Someone("程小宝", number(demo.seed, 22))], now=at(day, 9),
        )  # fmt: skip
        amount = case.township_ceiling + Decimal("1000.00")
        services.propose_to_county(
            case_id=case.pk, version=case.version, helps=[services.Help("cash", amount, "payroll")], checked="12月6日包村干部入户，医院发票已核对", now=at(day, 11)
        )
        services.open_case(
            key=_key(demo.seed, "open"), area=officer.area, kind="expenditure", cause="education", event_on=date(2022, 11, 30), now=at(day, 14),
            facts="双胞胎同时上大学，丈夫工伤停工", people=[services.Someone("申玉兰", number(demo.seed, 23))],
        )  # fmt: skip


def _settled(finance: Any, township: str, at: Any) -> None:
    """The county accepts November's payouts."""
    from doudi.payments.models import ReservePayout
    from doudi.payments.services import reserves

    with scopes.acting(finance.scope()):
        rows = ReservePayout.objects.filter(area=township, paid_on__lt=date(2022, 12, 1)).values_list("pk", flat=True)
        reserves.settle(township=township, payouts=list(rows), on=date(2022, 12, 2), now=at(date(2022, 12, 2), 10))


def _vagrant(demo: Any, at: Any) -> None:
    """Somebody at the aid station whose family is being looked for; another who went home."""
    from doudi.relief.services import vagrants

    station = "中牟县救助管理站"
    with demo.acting(Duty.INSTITUTION_CLERK):
        row, _new = vagrants.take_in(
            key=_key(demo.seed, "vagrant"), station=station, name="无名氏（男，约55岁）", named_by_station=True, sex="1", age=55, found_place="青年路桥下",
            brought_by="派出所民警", condition="衣着单薄，神志清楚，不愿说姓名", arrived_at=at(date(2022, 11, 27), 20), now=at(date(2022, 11, 27), 21),
        )  # fmt: skip
        for way, day, result in (("talk", date(2022, 11, 28), "自称周口口音，不肯说住址"), ("face", date(2022, 12, 1), "公安机关人像比对无结果")):
            vagrants.search(vagrant_id=row.pk, way=way, on=day, result=result, now=at(day, 16))
        home, _new = vagrants.take_in(
            key=_key(demo.seed, "home"), station=station, name="吕长河", sex="1", age=47, found_place="火车站广场", brought_by="群众", id_number=number(demo.seed, 41),
            arrived_at=at(date(2022, 12, 1), 8), now=at(date(2022, 12, 1), 9),
        )  # fmt: skip
        vagrants.search(
            vagrant_id=home.pk, way="family", on=date(2022, 12, 2), result="其弟确认身份，同意接回", found=True, origin="尉氏县十八里镇", now=at(date(2022, 12, 2), 10)
        )
        vagrants.leave(
            vagrant_id=home.pk, leaving="family", left_at=at(date(2022, 12, 3), 9), left_to="尉氏县十八里镇", receiver="吕长江", receiver_unit="弟弟",
            handed_over_by="吴桂芳", now=at(date(2022, 12, 3), 10),
        )  # fmt: skip


def _reminders(demo: Any, at: Any) -> None:
    """What the worker does each morning."""
    from doudi.core.duties import WORKER
    from doudi.relief.services import remind, vagrants

    day: datetime = at(date(2022, 12, 9), 2)
    with scopes.acting(scopes.Scope(area=demo.area, duty=WORKER, page="doudi demo", acts=frozenset({"relief.remind"}))):
        remind(area=demo.area, on=day.date(), now=day)
        vagrants.watch_stays(area=demo.area, on=day.date(), now=day)
