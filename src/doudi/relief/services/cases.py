"""Opening a case of temporary assistance where the emergency is, and what it is to give (3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties, numbers, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.payments.models import Grant
from doudi.registry.models import Household, Person
from doudi.relief import rules
from doudi.relief.models import Cause, ReliefCase, ReliefHelp, ReliefMember
from doudi.relief.services.base import hand_on, locked, number_of, step, today_of, token_without_number

State, Kind = ReliefCase.State, ReliefCase.Kind
# What is verified by papers over months is expenditure; what happens on a day is an emergency.
CAUSES: dict[str, tuple[str, ...]] = {
    Kind.EXPENDITURE: (Cause.MEDICAL, Cause.EDUCATION, Cause.OTHER),
    Kind.EMERGENCY: (
        Cause.FIRE, Cause.TRAFFIC, Cause.ACCIDENT, Cause.ILLNESS, Cause.DISASTER, Cause.EPIDEMIC, Cause.STRANDED, Cause.OTHER,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Someone:
    """A person in need: a row of the registry (`person_id`), or name and number as told; without number only the name."""

    name: str = ""
    id_number: str = ""
    person_id: int | None = None


@dataclass(frozen=True)
class Help:
    """What is given: cash or goods (yuan), or a referral to somebody who can help."""

    kind: str
    amount: Decimal | None = None
    way: str = ""
    what: str = ""
    referred_to: str = ""


def _members(people: Sequence[Someone], key: UUID, on: date) -> list[ReliefMember]:
    ids = [one.person_id for one in people if one.person_id]
    known = {person.pk: person for person in Person.objects.filter(pk__in=ids)}
    made: list[ReliefMember] = []
    for place, one in enumerate(people):
        if one.person_id:
            person = known.get(one.person_id)
            if person is None:
                raise ValidationError({"people": _("所选家庭成员不在您的管辖范围内；请刷新页面后重新选择。")})
            if person.died_on:
                raise ValidationError({"people": _("%(name)s 已登记死亡，不能列为救助对象。") % {"name": person.name}})
            made.append(ReliefMember(name=person.name, token=person.token, sex=person.sex, birth_date=person.birth_date, person_id=person.pk))
            continue
        name = one.name.strip()
        if not 1 < len(name) <= 60 or not all(char.isprintable() for char in name) or "|" in name:
            raise ValidationError({"name": _("“姓名”为 2 至 60 个字；不知道姓名的，可写“不详（男，约60岁）”。")})
        if one.id_number.strip():
            number = number_of(one.id_number, on=on)
            made.append(
                ReliefMember(name=name, token=numbers.id_token(number.number18), sex="1" if number.sex == "male" else "2", birth_date=number.birth_date)
            )
        else:
            made.append(ReliefMember(name=name, token=token_without_number(key, place)))
    if len({member.token for member in made}) != len(made):
        raise ValidationError({"people": _("同一人填写了两次；请删去重复的一行。")})
    return made


@transaction.atomic
def open_case(
    *,
    key: UUID,
    area: str,
    kind: str,
    cause: str,
    event_on: date,
    people: Sequence[Someone],
    facts: str,
    now: datetime,
    place: str = "",
    phone: str = "",
    registered_place: str = "",
    asked: Decimal | None = None,
    relief_first: bool = False,
    household_id: int | None = None,
    lead_id: int | None = None,
) -> tuple[ReliefCase, bool]:
    """Take in a case (受理) of whoever is there, registered here or not; (case, whether it is new). The first of `people` applies.

    `area`: township or village of the emergency, within the scope. `key`: of the form, so that the same one sent twice is one case.
    The law's ceilings of the day are kept with it. Raises ValidationError by field.
    """
    acting, on = duties.require("relief.apply"), today_of(now)
    before = ReliefCase.objects.filter(key=key).first()
    if before is not None:
        return before, False
    if len(area) < 9 or not acting.covers(area):
        raise ValidationError({"area": _("“急难发生地”应为您管辖的乡镇或村（社区）。")})
    if cause not in CAUSES.get(kind, ()):
        raise ValidationError({"cause": _("所选事由不属于这一救助类型；请重新选择。")})
    if event_on > on:
        raise ValidationError({"event_on": _("“发生日期”不能晚于今天。")})
    if event_on < on - timedelta(days=366):
        raise ValidationError({"event_on": _("“发生日期”在一年以前；临时救助针对近期困难，请核对。")})
    if not 1 <= len(people) <= 20:
        raise ValidationError({"people": _("请填写 1 至 20 名救助对象；更多的请分户办理。")})
    if not facts.strip():
        raise ValidationError({"facts": _("请写明遇到的困难，一两句即可。")})
    if household_id and not Household.objects.filter(pk=household_id).exists():
        raise ValidationError(_("所选家庭不在您的管辖范围内。"))
    found = rules.ceilings(area=area, kind=kind, people=len(people), on=on)
    if relief_first and not rules.may_help_first(kind=kind, emergency=found.emergency is not None):
        raise ValidationError({"relief_first": _("支出型救助须先核实再救助；只有当地处于应急状态时可以先行救助。")})
    members = _members(people, key, on)
    case = ReliefCase.objects.create(
        area=area,
        number=f"LJ{area[:6]}{on:%y%m%d}{key.int % 10**8:08d}",
        key=key,
        kind=kind,
        cause=cause,
        event_on=event_on,
        place=place.strip()[:120],
        household_id=household_id,
        lead_id=lead_id,
        name=members[0].name,
        token=members[0].token,
        has_number=bool(people[0].person_id or people[0].id_number.strip()),
        phone=numbers.token_of(numbers.Kind.PHONE, phone) if phone else None,
        elsewhere=bool(registered_place.strip()),
        registered_place=registered_place.strip()[:60],
        people=len(members),
        facts=facts.strip()[:4000],
        relief_first=relief_first,
        asked=asked,
        township_ceiling=found.township,
        ceiling=found.county,
        times=found.times,
        law_settings=found.settings,
        emergency_id=found.emergency.pk if found.emergency else None,
        made_by_id=acting.account_id,
        made_at=now,
    )
    for member in members:
        member.case, member.area = case, area
    ReliefMember.objects.bulk_create(members)
    step(case, before="", what="opened", note=facts.strip(), now=now)
    hand_on(
        case, duty=Duty.TOWNSHIP_OFFICER, kind="relief.decide", title=f"临时救助待审批：{case.name}",
        due=workdays.add_working_days(on, int(get_setting(rules.DECIDE_DAYS, area, on))), now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return case, True


def total(helps: Sequence[Help]) -> Decimal:
    return sum((one.amount or Decimal(0) for one in helps), Decimal(0))


def add_helps(case: ReliefCase, helps: Sequence[Help]) -> Decimal:
    """Write what a case is to give in place of what was planned before; the yuan in all. For services that hold the case under lock."""
    if not helps:
        raise ValidationError(_("请至少选择一种救助方式。"))
    ReliefHelp.objects.filter(case=case, grant__isnull=True).delete()
    for part, one in enumerate(helps, 1):
        if one.kind == ReliefHelp.Kind.REFERRAL:
            if not one.referred_to.strip():
                raise ValidationError({"referred_to": _("转介服务请写明转介给哪个部门或组织。")})
        elif one.amount is None or one.amount <= 0 or one.amount != one.amount.quantize(Decimal("0.01")):
            raise ValidationError({"amount": _("“金额”应为正数，精确到分；请更正。")})
        elif one.kind == ReliefHelp.Kind.GOODS and not one.what.strip():
            raise ValidationError({"what": _("发放实物的，请写明品名和数量。")})
        referral = one.kind == ReliefHelp.Kind.REFERRAL
        way = "" if referral else Grant.Way.RESERVE if one.kind == ReliefHelp.Kind.GOODS else one.way
        if not referral and way not in Grant.Way.values:
            raise ValidationError({"way": _("请选择发放方式。")})
        ReliefHelp.objects.create(
            area=case.area, case=case, part=part, kind=one.kind, amount=None if referral else one.amount, way=way, what=one.what.strip()[:200],
            referred_to=one.referred_to.strip()[:100] if referral else "",
        )  # fmt: skip
    return total(helps)


@transaction.atomic
def to_meeting(*, case_id: int, version: int, reason: str, now: datetime) -> ReliefCase:
    """Send a case that no rule fits, or that is beyond the ceiling and grave, to a case meeting (一事一议, 3.4)."""
    case = locked(case_id=case_id, act="relief.propose", version=version, states=(State.OPEN, State.COUNTY))
    if not reason.strip():
        raise ValidationError({"reason": _("请写明为什么需要一事一议。")})
    move_to_meeting(case, reason=reason, now=now)
    scopes.check_constraints()
    return case


def move_to_meeting(case: ReliefCase, *, reason: str, now: datetime) -> None:
    """For services that hold the case under lock."""
    before = case.state
    case.state, case.note, case.version = State.MEETING, reason.strip()[:400], case.version + 1
    case.save(update_fields=["state", "note", "version", "clash", "clash_note", "checked"])
    step(case, before=before, what="to_meeting", note=reason, now=now)
    on = today_of(now)
    due = workdays.add_working_days(on, int(get_setting(rules.DECIDE_DAYS, case.area, on)))
    hand_on(case, duty=Duty.COUNTY_REVIEWER, kind="relief.meeting", title=f"临时救助待一事一议：{case.name}", due=due, now=now)


@transaction.atomic
def withdraw(*, case_id: int, version: int, reason: str, now: datetime) -> ReliefCase:
    """Withdraw (撤回) an open case: by the applicant's wish, or opened by mistake."""
    case = locked(case_id=case_id, act="relief.apply", version=version, states=ReliefCase.OPEN_STATES)
    if not reason.strip():
        raise ValidationError({"reason": _("请填写撤回原因。")})
    before = case.state
    case.state, case.note, case.version = State.WITHDRAWN, reason.strip()[:400], case.version + 1
    case.save(update_fields=["state", "note", "version"])
    step(case, before=before, what="withdrawn", note=reason, now=now)
    finish_todos(subject="relief", subject_id=case.pk, now=now)
    scopes.check_constraints()
    return case
