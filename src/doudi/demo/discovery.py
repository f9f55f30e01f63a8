"""The discovery team of the demo's county and what it found in November, through the services that its members and officers call."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn

NAMES = ("徐国华", "李秀兰", "张建军", "王桂英", "刘志强", "陈玉梅", "杨春生", "赵红霞", "黄大勇", "周海燕", "吴长河", "孙小芳")
FOUND = ("陈大山", "李二妮", "王长贵", "张小宝", "赵玉珍", "刘满仓", "周桂兰", "郭铁柱", "马秀英", "朱来福", "", "何老汉")
TOLD = {
    "elderly": "老人独居，腿脚不便，近几天没有人照应。",
    "illness": "刚出院，医药费欠了亲戚不少，还要继续吃药。",
    "living": "家里主要劳力没了活干，快没有米面了。",
    "child": "父母都在外地回不来，孩子由邻居临时照看。",
    "supplies": "长期服药，药快吃完了，自己出不去。",
    "stranded": "外地来务工的，工地停了，没有地方住。",
    "disability": "重度残疾，照护人也病倒了。",
}
# urgency -> hours from the signal to contact, verification and help, of which each report takes a random share
HOURS = {"red": (26, 90, 190), "orange": (80, 190, 420), "yellow": (150, 330, 640)}


def team(officer: SignIn, *, number: int, on: date, now: datetime) -> list[int]:
    """Three members in villages of a township; ids of those enrolled now or before."""
    from doudi.discovery.models import TeamMember
    from doudi.discovery.services import enrol_member, record_training

    villages = [code for code, _name in places.children(officer.area)][:3]
    kinds = ("grid", "committee", "volunteer")
    with scopes.acting(officer.scope()):
        if not TeamMember.objects.exists():
            for at, village in enumerate(villages):
                enrol_member(
                    area=village, name=NAMES[(number * 3 + at) % len(NAMES)], kind=kinds[at % 3], phone=f"138{number:04}{at:04}",
                    organisation=f"{places.name(village)}", starts=on, now=now, username="grid" if number == 0 and at == 0 else "",
                )  # fmt: skip
        ids = list(TeamMember.objects.order_by("id").values_list("id", flat=True))
        record_training(member_ids=ids[:2], on=on, title="主动发现业务培训", hours=2, now=now)  # type: ignore[arg-type]
    return ids


def reports(officer: SignIn, *, number: int, members: list[int], seed: int, until: datetime) -> None:
    """Reports of a township's members over four weeks, and how far its officers went with each by `until`."""
    from doudi.discovery.models import TeamMember
    from doudi.discovery.services import report_by_team

    chance = random.Random(seed * 1000 + number)
    with scopes.acting(officer.scope()):
        areas = dict(TeamMember.objects.filter(pk__in=members).values_list("id", "area"))
        for at in range(6):
            urgency = ("red", "orange", "yellow")[at % 3]
            need = chance.choice(list(TOLD))
            day = until - timedelta(days=chance.randint(0, 26), hours=chance.randint(0, 7))
            member = members[at % len(members)]
            lead = report_by_team(
                key=uuid5(NAMESPACE_URL, f"doudi-demo-{seed}-{number}-{at}"), area=areas[member], need=need, urgency=urgency,
                name=chance.choice(FOUND), detail=TOLD[need], member_id=member, now=day,
            )  # fmt: skip
            _way(lead, urgency=urgency, chance=chance, until=until)


def _way(lead: Any, *, urgency: str, chance: random.Random, until: datetime) -> None:
    from doudi.discovery.services import advance_lead

    ends = ("helped", "已给予临时救助") if chance.random() < 0.7 else ("not_in_need", "核实后家庭收入超过标准，已说明政策")
    steps = (("contacted", "已电话联系"), ("verified", "两名工作人员入户核实"), ends)
    start, state = lead.signal_at, lead.state
    moments = [start + timedelta(hours=hours * chance.uniform(0.15, 1.1)) for hours in HOURS[urgency]]
    done = ("contacted", "verified", "helped", "not_in_need", "referred").index(state) + 1 if state not in ("new", "assigned", "unreachable") else 0
    for index, ((after, note), moment) in enumerate(zip(steps, sorted(moments), strict=True)):
        if index >= done and moment < until and not lead.merged_into_id:
            advance_lead(lead_id=lead.pk, version=None, after=after, note=note, now=moment)


def visits(visitor: SignIn, *, now: datetime) -> None:
    """The village visitor's first leads: one reached, one not."""
    from doudi.discovery.models import Lead
    from doudi.discovery.services import advance_lead

    with scopes.acting(visitor.scope()):
        waiting = list(Lead.objects.filter(posting=visitor.posting_id, merged_into=None).order_by("id")[:2])
        for lead, (after, note) in zip(waiting, (("contacted", "已上门见到本人"), ("unreachable", "两次上门无人应门")), strict=False):
            if lead.state == Lead.State.ASSIGNED:
                advance_lead(lead_id=lead.pk, version=None, after=after, note=note, now=now)


def find(staff: list[SignIn], *, seed: int, start: date, until: datetime) -> dict[str, int]:
    """November's finding: the team, its reports, what became of them; counts for the demo's figures. Safe to run again."""
    from doudi.discovery.models import Lead, TeamMember

    began = datetime.combine(start, until.timetz())
    officers = [each for each in staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    for number, officer in enumerate(officers):
        members = team(officer, number=number, on=start, now=began)
        reports(officer, number=number, members=members, seed=seed, until=until)
    with scopes.acting(scopes.Scope(area=officers[0].area[:6], page="doudi demo")):
        return {
            "members": TeamMember.objects.count(),
            "reports": Lead.objects.filter(channel="team").count(),
            "helped": Lead.objects.filter(channel="team", state="helped").count(),
        }


def escalated(*, area: str) -> int:
    """The number of leads that went up a level so far."""
    from doudi.discovery.models import Lead

    with scopes.acting(scopes.Scope(area=area, page="doudi demo")):
        return Lead.objects.filter(escalated__gt=0).count()
