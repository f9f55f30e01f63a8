"""Emergencies and temporary assistance month by month: floods, storms, outbreaks at some townships, claims of those who were hit, ordinary hardship."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

from django.core.exceptions import ValidationError
from django.db import transaction

from doudi.batch import idnumber
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services import emergencies
from doudi.demo.relieving import number, receipt
from doudi.demo.simulate.life import Figures, Life, at, fate, key, name
from doudi.demo.staff import SignIn
from doudi.registry.models import Membership
from doudi.relief.models import ReliefCase

HEAD = "02"
RELIEFS, AT_ONCE = 2, 40
CAUSES = ("fire", "traffic", "illness", "accident")
LATE = 0.05
"""Share of explanations and approvals that come after their day."""
State = ReliefCase.State


@dataclass(frozen=True)
class Kind:
    """`months` in which it may come, how likely in each; on how many townships, for how many days; what people are hit by."""

    kind: str
    title: str
    months: tuple[int, ...]
    chance: float
    townships: tuple[int, int]
    days: int
    cause: str
    facts: str


LOCAL = (
    Kind("flood", "强降雨内涝", (7, 8), 0.5, (2, 4), 20, "disaster", "暴雨进水，房屋和粮食受损"),
    Kind("storm", "大风冰雹", (4, 5, 6), 0.25, (1, 3), 7, "disaster", "冰雹砸毁大棚和屋顶"),
    Kind("epidemic", "聚集性疫情", (1, 2, 11), 0.35, (1, 2), 21, "epidemic", "居家隔离，停工没有收入"),
)


def emergency(life: Life, on: date) -> Figures:
    """Each December a cold spell of the county until the end of February; two officers for every step."""
    if life.month.month != 12:
        return {}
    return _declared(life, on, "cold", "寒潮", [life.area], until=date(on.year + 1, 3, 1))


def _hits(life: Life, kind: Kind) -> list[str]:
    """The townships that it hits this month. The same for every step that asks."""
    chance = fate(life, kind.kind, life.month)
    if life.month.month not in kind.months or chance.random() >= kind.chance:
        return []
    towns = [each.area for each in life.officers()]
    return sorted(chance.sample(towns, min(len(towns), chance.randint(*kind.townships))))


def local(life: Life, on: date) -> Figures:
    """What hits some townships this month."""
    said = [_declared(life, on, kind.kind, kind.title, towns, until=on + timedelta(days=kind.days)) for kind in LOCAL if (towns := _hits(life, kind))]
    return {"emergency": "、".join(each["emergency"] for each in said)} if any(said) else {}


def _declared(life: Life, on: date, kind: str, title: str, places: list[str], *, until: date) -> Figures:
    from doudi.core.models import Emergency, EmergencyStep

    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        if Emergency.objects.filter(kind=kind, area=life.area, state="confirmed").exclude(ends__lte=on).exists():
            return {}
    with life.acting(Duty.COUNTY_REVIEWER):
        made = emergencies.declare_emergency(
            kind=kind, areas=places, starts=on, ends=until, document=f"示例：牟政文〔{on.year}〕{on.month}号-{kind}", title=title, now=at(on, 8)
        )
        step = EmergencyStep.objects.get(emergency=made, state="proposed")
    with life.acting(Duty.COUNTY_APPROVER):
        emergencies.confirm_step(step_id=step.pk, now=at(on, 9))
    return {"emergency": title}


def claims(life: Life, on: date) -> Figures:
    """Households of the townships that were hit claim: small losses are helped at once, larger ones go to the county."""
    figures = {"claims": 0, "relief": 0}
    for kind in LOCAL:
        for town in _hits(life, kind):
            officer = life.officer(town)
            for place, home in enumerate(_homes(life, officer, life.chance.randint(1, 3))):
                asked = {"kind": "emergency", "cause": kind.cause, "event_on": on - timedelta(days=2), "facts": kind.facts, "place": "本村"}
                if life.chance.random() < 0.7:
                    figures["relief"] += _first(life, officer, (town, place), on, home, asked)
                else:
                    figures["claims"] += _claimed(life, officer, (town, place), on, home, asked)
    return figures


def relief(life: Life, on: date) -> Figures:
    """Ordinary hardship: people who are nobody's neighbour helped first, households with papers over months verified before."""
    figures = {"relief": 0, "claims": 0}
    for place in range(RELIEFS):
        officer = life.chance.choice(life.officers())
        asked = {"kind": "emergency", "cause": life.chance.choice(CAUSES), "event_on": on - timedelta(days=1), "facts": "突发困难，已现场核实", "place": ""}
        figures["relief"] += _first(life, officer, ("stranger", place), on, None, asked)
    officer = life.chance.choice(life.officers())
    for place, home in enumerate(_homes(life, officer, 2)):
        cause = life.chance.choice(("medical", "education"))
        asked = {"kind": "expenditure", "cause": cause, "event_on": on - timedelta(days=20), "facts": "自付医疗费用较大" if cause == "medical" else "子女学费难以负担"}
        figures["claims"] += _claimed(life, officer, ("home", place), on, home, asked)
    return figures


def _homes(life: Life, officer: SignIn, count: int) -> list[tuple[int, int, str]]:
    """(household, head, village) of households whose head has an account."""
    with scopes.acting(officer.scope("doudi simulate")):
        rows = Membership.objects.filter(ends=None, relationship=HEAD, person__died_on=None, person__account__isnull=False).order_by("household_id")
        return life.some(list(rows.values_list("household_id", "person_id", "area")), count)


def _first(life: Life, officer: SignIn, parts: tuple[Any, ...], on: date, home: tuple[int, int, str] | None, asked: dict[str, Any]) -> int:
    """Helped out of the township's reserve at once, explained afterwards. 1 where something was paid."""
    from doudi.relief import services

    months = life.month.year * 12 + life.month.month
    stranger = services.Someone(name(life), number(months, _number("-".join(map(str, parts))) % 97))
    who = services.Someone(person_id=home[1]) if home else stranger
    amount = Decimal(life.chance.randint(3, 15) * 100)
    try:
        with transaction.atomic(), scopes.acting(officer.scope("doudi simulate")):
            found = services.help_first(
                key=key(life, *parts), area=home[2] if home else officer.area, people=[who], household_id=home[0] if home else None, registered_place="",
                means="cash", amount=amount, receipts=[("收据.jpg", receipt())], now=at(on, 15), **asked,
            )  # fmt: skip
    except ValidationError:
        return 0  # the reserve is spent, or somebody of it was just helped
    return int(found.payout is not None)


def _number(word: str) -> int:
    """A number of a word, the same in every run (unlike `hash`)."""
    return crc32(word.encode())


def _claimed(life: Life, officer: SignIn, parts: tuple[Any, ...], on: date, home: tuple[int, int, str], asked: dict[str, Any]) -> int:
    """Taken down by the township: what comes of it is seen in its round."""
    from doudi.relief import services

    try:
        with transaction.atomic(), scopes.acting(officer.scope("doudi simulate")):
            people = [services.Someone(person_id=home[1])]
            services.open_case(key=key(life, *parts), area=home[2], people=people, household_id=home[0], now=at(on, 10), **asked)
    except ValidationError:
        return 0
    return 1


def round_(life: Life, on: date) -> Figures:
    """What waits is decided: by the township within its ceiling, by the county above it, by a case meeting; explanations are added, payouts accepted."""
    figures = {"relief_granted": 0, "relief_refused": 0, "relief_left": 0, "relief_accounts": 0}
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            rows = list(ReliefCase.objects.filter(state__in=ReliefCase.OPEN_STATES, made_at__lt=at(on)).order_by("made_at", "id")[:AT_ONCE])
            owed = list(ReliefCase.objects.filter(state=State.GRANTED, relief_first=True, explained_at=None, decided_at__lt=at(on)).order_by("id")[:AT_ONCE])
        for row in rows:
            try:
                with transaction.atomic():
                    figures[_decided(life, officer, row, on)] += 1
            except ValidationError:
                figures["relief_left"] += 1  # an officer looks closer
        for row in owed:
            _explained(life, officer, row, on)
        figures["relief_accounts"] += _accounts(life, officer, on)
    return figures | _settled(life, on)


def _decided(life: Life, officer: SignIn, row: ReliefCase, on: date) -> str:
    from doudi.relief import services

    chance = fate(life, "relief", row.area, row.cause, row.made_at, row.name)
    now = _when(row, on, chance)
    if row.state == State.OPEN:
        with scopes.acting(officer.scope("doudi simulate")):
            if chance.random() < 0.15:
                services.refuse(case_id=row.pk, version=row.version, reason="经核实支出由医保和亲友承担，家庭基本生活未受影响", now=now)
                return "relief_refused"
            checked, large = "包村干部入户，票据已核对", chance.random() < 0.4 and row.ceiling > row.township_ceiling
            if not large:
                amount = min(row.township_ceiling, Decimal(chance.randint(4, 18) * 100))
                helps = [services.Help("cash", amount, "payroll")]
                row = services.grant_by_township(case_id=row.pk, version=row.version, helps=helps, checked=checked, now=now)
            else:
                amount = min(row.ceiling, row.township_ceiling + Decimal(chance.randint(5, 20) * 100))
                row = services.propose_to_county(case_id=row.pk, version=row.version, helps=[services.Help("cash", amount, "payroll")], checked=checked, now=now)
    if row.state == State.COUNTY:
        with life.acting(Duty.COUNTY_APPROVER):
            row = services.approve_by_county(case_id=row.pk, version=row.version, note="同意", now=now + timedelta(hours=2))
    if row.state == State.MEETING:
        row = _met(life, row, on)
    return "relief_granted" if row.state == State.GRANTED else "relief_refused"


def _when(row: ReliefCase, on: date, chance: Any) -> datetime:
    """When the township decides: an emergency nearly always within the day."""
    hours = 60 if row.kind == ReliefCase.Kind.EMERGENCY and chance.random() < LATE else 5
    return min(at(on, 15), row.made_at + timedelta(hours=hours)) if row.kind == ReliefCase.Kind.EMERGENCY else at(on, 15)


def _met(life: Life, row: ReliefCase, on: date) -> ReliefCase:
    """What no rule fits: the case meeting, and its resolution carried out."""
    from doudi.relief import services
    from doudi.relief.models import CaseMeeting

    people = [
        services.Participant("李建国", "中牟县民政局", "副局长"), services.Participant("刘洋", "中牟县财政局", "社保股股长"),
        services.Participant("王晓", "乡镇民政所", "所长"), services.Participant("陈志远", "村民委员会", "主任"),
    ]  # fmt: skip
    if not CaseMeeting.objects.filter(case=row).exists():
        with life.acting(Duty.COUNTY_REVIEWER):
            services.record_meeting(
                case_id=row.pk, version=row.version, held_on=on, place="县民政局会议室", participants=people, facts="一年内再次遇到急难，家庭无积蓄。",
                opinions="参会人员一致同意按一事一议救助。", reason="同一事由一年内救助过，情况特殊，按一事一议办理。", resolution="grant",
                helps=[services.Help("cash", Decimal("1000.00"), "payroll")], now=at(on, 11),
            )  # fmt: skip
    with life.acting(Duty.COUNTY_APPROVER):
        version = ReliefCase.objects.values_list("version", flat=True).get(pk=row.pk)
        return services.approve_meeting(case_id=row.pk, version=version, note="同意会议决议", now=at(on, 15))


def _explained(life: Life, officer: SignIn, row: ReliefCase, on: date) -> None:
    from doudi.relief import services

    late = fate(life, "explained", row.area, row.cause, row.made_at, row.name).random() < LATE
    if late and row.explanation_due and on <= row.explanation_due:
        return
    day = max(row.decided_at or at(on), at(on, 16)) if late else min(at(on, 16), (row.decided_at or at(on)) + timedelta(days=3))
    with scopes.acting(officer.scope("doudi simulate")):
        services.explain(case_id=row.pk, version=row.version, text="村两委和包村干部现场核实，损失属实，已先行救助。", now=day)


def _accounts(life: Life, officer: SignIn, on: date) -> int:
    """Whoever was granted something by payroll and has no account brings a card."""
    from doudi.relief.services import accounts

    with scopes.acting(officer.scope("doudi simulate")):
        wait = Todo.objects.filter(kind="relief.account", subject="relief", done_at=None).values("subject_id")
        rows = list(ReliefCase.objects.filter(state=State.GRANTED, pk__in=wait).order_by("pk")[:AT_ONCE])
        for row in rows:
            body = f"62284800{row.made_at:%y%m%d}{_number(str(row.key)) % 10_000:04d}"
            accounts.take_account(
                case_id=row.pk, version=row.version, holder=row.name, account=body + idnumber.luhn_digit(body), bank="103", basis="核对本人银行卡", now=at(on, 11)
            )
    return len(rows)


def _settled(life: Life, on: date) -> Figures:
    """The county's finance accepts the payouts of the month before."""
    from doudi.payments.models import ReservePayout
    from doudi.payments.services import reserves

    done = 0
    with life.acting(Duty.FINANCE_OFFICER):
        for officer in life.officers():
            rows = ReservePayout.objects.filter(area=officer.area, settlement=None, paid_on__lt=life.month).order_by("pk").values_list("pk", flat=True)
            if payouts := sorted(reserves.with_receipt(list(rows[:200]))):
                reserves.settle(township=officer.area, payouts=payouts, on=on, now=at(on, 10))
                done += len(payouts)
    return {"payouts_settled": done}


