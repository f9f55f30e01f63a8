"""Objections and complaints of the demo county: closed, on hold, overdue, waiting for approval, several with the same cause."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.models.staff import Account, Posting
from doudi.demo.staff import SINCE, by_duty

if TYPE_CHECKING:
    from doudi.complaints.models import Complaint
    from doudi.demo.job import Demo
    from doudi.demo.staff import SignIn

# kind, category, channel, what is said, who (empty: anonymous), day
SAID = (
    ("objection", "amount", "household", "上月低保金比以前少了，没有人说明原因，请核对人口和收入。", "李长河", date(2022, 11, 14)),
    ("report", "wrong_receipt", "letter", "该户儿子在县城买了新房和轿车，仍在领取低保，请核实。", "", date(2022, 11, 16)),
    ("complaint", "payment", "phone", "十一月的钱到月底还没有到卡上，银行说没有收到。", "周玉兰", date(2022, 11, 28)),
    ("complaint", "payment", "phone", "十一月低保金没有到账，老人等着买药。", "孙福生", date(2022, 11, 28)),
    ("complaint", "payment", "household", "村里几户都说上个月的钱没有到卡。", "马秀英", date(2022, 11, 29)),
    ("objection", "decision", "household", "申请时说收入超过标准，但打工的活已经停了，请重新核算。", "郭大山", date(2022, 12, 1)),
    ("complaint", "other", "letter", "希望把高龄老人的探访登记得再勤一些。", "", date(2022, 12, 7)),
)


def complaints(demo: Demo) -> None:
    """What people said in November and December, and what the county did with it."""
    from doudi.complaints import services
    from doudi.complaints.models import Complaint
    from doudi.enrolment.models import Award

    demo.tell("异议与投诉", 0, 0)
    town, reviewer, approver = (by_duty(demo.staff, duty) for duty in (Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER))
    second = _second(reviewer)
    with scopes.acting(town.scope()):
        awards = list(Award.objects.filter(void=False, ends=None, programme="dibao").order_by("pk")[: len(SAID)])
        made = []
        for at, (kind, category, channel, content, name, day) in enumerate(SAID):
            links = services.Links(household=awards[at].household_id, award=awards[at].pk) if at < len(awards) else services.Links()
            made.append(services.open_complaint(
                uuid=uuid5(NAMESPACE_URL, f"doudi demo complaint {demo.area} {demo.seed} {at}"), kind=kind, category=category, channel=channel,
                content=content, identity=services.Identity(name), links=links, now=_at(day, 10),
            ))  # fmt: skip
    if made[0].state == "new":
        _handled(made, reviewer, second, approver)
    with scopes.acting(reviewer.scope()):
        demo.figures["complaints"] = {state: Complaint.objects.filter(state=state).count() for state in ("new", "on_hold", "for_approval", "closed")}


def _handled(made: list[Complaint], reviewer: SignIn, second: SignIn, approver: SignIn) -> None:
    """One closed with its answer, one on hold, three closed together and waiting for approval; the others wait to be assigned."""
    from doudi.complaints import services

    for row in made[:2]:
        with scopes.acting(reviewer.scope()):
            services.assign(complaint_id=row.pk, version=1, account_id=second.account_id, now=_at(date(2022, 11, 17), 9))
        with scopes.acting(second.scope()):
            services.begin(complaint_id=row.pk, version=2, now=_at(date(2022, 11, 17), 14))
    with scopes.acting(second.scope()):
        services.propose_close(
            complaint_id=made[0].pk, version=3, finding="partly", action="none", note="查询台账：上月起一名成员就业，按规定重新计算",
            answer="经核实，您家一名成员自十月起就业，家庭收入按规定重新计算，低保金相应调整；计算说明已当面交给您。", now=_at(date(2022, 11, 22), 10),
        )  # fmt: skip
        services.hold(complaint_id=made[1].pk, version=3, reason="已函请不动产、车辆登记部门核查，等待结果", until=date(2022, 12, 20), now=_at(date(2022, 11, 21), 9))
    with scopes.acting(approver.scope()):
        services.approve_close(complaint_id=made[0].pk, version=4, note="同意", now=_at(date(2022, 11, 23), 9))
    with scopes.acting(reviewer.scope()):
        services.propose_mass_close(
            complaint_ids=[row.pk for row in made[2:5]], finding="upheld", reason="银行系统升级，十一月发放延迟两日，现已全部到账",
            answer="经核实，因银行系统升级，十一月的发放延迟了两日，现已全部到账，给您带来不便，敬请谅解。", now=_at(date(2022, 12, 2), 15),
        )  # fmt: skip


def _second(reviewer: SignIn) -> SignIn:
    """A second reviewer of the county, who handles what the first assigns."""
    from doudi.demo.staff import SignIn

    with scopes.acting(scopes.Scope(area="41", duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        first = Account.objects.get(pk=reviewer.account_id)
        account, _ = Account.objects.get_or_create(username="reviewer2", defaults={"name": "韩雪", "password": first.password})
        posting, _ = Posting.objects.get_or_create(account=account, duty=Duty.COUNTY_REVIEWER, area=reviewer.area, defaults={"starts": SINCE})
    return SignIn(Duty.COUNTY_REVIEWER.value, reviewer.label, "reviewer2", account.name, reviewer.area, account.pk, posting.pk)


def _at(day: date, hour: int) -> datetime:
    from doudi.demo.job import at

    return at(day, hour)
