"""Applications (救助申请): what the law proposes, and the application itself with one case per programme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.assessment import services as assessing
from doudi.assessment.facts import month_after
from doudi.assessment.models import Assessment
from doudi.assessment.outputs import CONFIRMATIONS, HOUSEHOLD_PROGRAMMES, PERSON_PROGRAMMES
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import settings_at
from doudi.discovery.models import Lead
from doudi.enrolment import procedure
from doudi.enrolment.drafts import granted
from doudi.enrolment.models import Application, Case
from doudi.enrolment.services.proposing import holders
from doudi.enrolment.services.steps import go_on, note_event
from doudi.registry.models import GROUPS, Household, Membership, Person, Programme
from doudi.registry.services.base import WORDS, next_id, service

WORDS["case_one_open"] = gettext_lazy("该家庭同一项目已有一件办理中的申请，不能重复申请；请在原件中办理。")
# Which of the law's reasons belongs to which programme.
REASONS: dict[str, str] = {
    Programme.DIBAO: "dibao_amount",
    **{programme: names[0] for programme, names in PERSON_PROGRAMMES.items()},
    **CONFIRMATIONS,
}


@dataclass(frozen=True)
class Fit:
    """What the law says of one programme for the household or one member: given with an amount (None for a confirmation), or why not."""

    programme: str
    label: str
    person_id: int | None
    name: str
    fits: bool
    amount: Decimal | None
    why: str

    @property
    def key(self) -> str:
        return f"{self.programme}:{self.person_id or ''}"


def fits(assessment: Assessment) -> list[Fit]:
    """Every programme with what the assessment gives, first what fits; of persons those who fit and those with a reason worth saying."""
    ids = assessment.facts["person_ids"]
    names = dict(zip(ids, assessing.member_names(assessment), strict=True))
    refused = assessing.explanation(assessment, names=list(names.values())).refusals
    made: list[Fit] = []
    for programme in procedure.PROCEDURES:
        label = str(Programme(programme).label)
        found = granted(assessment.results, ids, programme)
        made += [Fit(programme, label, g.person_id, names.get(g.person_id or 0, ""), True, g.amount, "") for g in found]
        given = {g.person_id for g in found}
        reasons = [r for r in refused if r.code == REASONS[programme]]
        if programme in HOUSEHOLD_PROGRAMMES:
            if not found:
                made.append(Fit(programme, label, None, "", False, None, "；".join(r.reason for r in reasons if r.reason)))
            continue
        by_member = {r.member: r.reason for r in reasons}
        for at, person in enumerate(ids):
            if person not in given:
                made.append(Fit(programme, label, person, names[person], False, None, by_member.get(at) or by_member.get(None) or ""))
    return sorted(made, key=lambda fit: not fit.fits)


def law_says(*, household: Household, now: datetime) -> Assessment:
    """The law over the household for the month that a decision of today would pay first."""
    return assessing.assess(household=household, month=month_after(timezone.localdate(now)), trigger=Assessment.Trigger.APPLICATION, now=now)


def _wanted(household: Household, programmes: Sequence[tuple[str, int | None]], members: set[int]) -> list[tuple[str, int | None]]:
    if not programmes:
        raise ValidationError({"programmes": _("请至少选择一个申请项目。")})
    wanted: list[tuple[str, int | None]] = []
    for programme, person in programmes:
        if programme not in procedure.PROCEDURES:
            raise ValidationError({"programmes": _("没有这个救助项目；请刷新页面后重新选择。")})
        whole = programme in HOUSEHOLD_PROGRAMMES
        if whole != (person is None) or (person is not None and person not in members):
            raise ValidationError({"programmes": _("“%(programme)s”须指明家庭中的享受人。") % {"programme": Programme(programme).label}})
        if (programme, person) in wanted:
            raise ValidationError({"programmes": _("同一项目选择了两次。")})
        wanted.append((programme, person))
    return wanted


@service("enrolment.apply")
def apply(
    *,
    household_id: int,
    applicant_id: int,
    programmes: Sequence[tuple[str, int | None]],
    channel: str,
    now: datetime,
    applied_on: date | None = None,
    lead_id: int | None = None,
    note: str = "",
) -> Application:
    """Register an application for (programme, person or None for the household's). One case each, with the way frozen as it holds today.

    A household applies once per programme at a time. Where the officer may run the law, what it gives is kept with the application.
    Raises ValidationError: nobody of the household, held already, open already, a lead of another household.
    """
    scope = scopes.current()
    today = timezone.localdate(now)
    household = Household.objects.filter(pk=household_id).first()
    if household is None:
        raise ValidationError(_("该家庭不在您的管辖范围内，或已转出。"))
    if channel not in Application.Channel.values:
        raise ValidationError({"channel": _("请选择申请方式。")})
    day = applied_on or today
    if day > today or (today - day).days > 366:
        raise ValidationError({"applied_on": _("申请日期应在今天之前的一年以内；请核对。")})
    current = Membership.objects.filter(household=household, starts__lte=today).exclude(ends__lte=today).select_related("person")
    members = {each.person_id: each.person for each in current if each.person.died_on is None}
    if applicant_id not in members:
        raise ValidationError({"applicant": _("申请人应为该家庭在册的成员；请重新选择。")})
    wanted = _wanted(household, programmes, set(members))
    if lead_id is not None and not Lead.objects.filter(pk=lead_id, household=household).exists():
        raise ValidationError(_("线索与申请不是同一家庭；请从该家庭的线索发起。"))
    _not_twice(household, wanted, members, today)
    wish: list[dict[str, Any]] = []
    if duties.may("assessment.run"):
        given = fits(law_says(household=household, now=now))
        wish = [{"programme": f.programme, "person_id": f.person_id, "amount": None if f.amount is None else str(f.amount)} for f in given if f.fits]
    pk = next_id("enrolment_application")
    application = Application.objects.create(
        id=pk, area=household.area, number=f"SQ{household.area[:6]}{pk:09d}", household=household, moves_with=household.pk, applicant_id=applicant_id,
        channel=channel, lead_id=lead_id, applied_on=day, note=note.strip()[:1000] or None, wish=wish, made_by_id=scope.account_id or None, made_at=now,
    )  # fmt: skip
    place = settings_at("procedure.case.", household.area, today)
    for programme, person in wanted:
        way = procedure.frozen(programme, on=today, get=place)
        case = Case.objects.create(
            area=household.area, application=application, household=household, person_id=person, programme=programme, procedure=way,
            step=procedure.Step.ACCEPT, duty=way["steps"][0]["duty"], made_at=now,
        )  # fmt: skip
        note_event(case, f"提出申请（{Application.Channel(channel).label}）", note=note, now=now)
        go_on(case, now=now)
    return application


def _not_twice(household: Household, wanted: list[tuple[str, int | None]], members: dict[int, Person], today: date) -> None:
    """Nobody who has it already, nothing that is open already."""
    held = holders(members, today.replace(day=1))
    for programme, person in wanted:
        label = Programme(programme).label
        have = [each for each in ([person] if person else members) if (each, GROUPS[programme]) in held]
        # of a household some may be helped already: who is left can still be added by it
        if have and (person is not None or len(have) == len(members)):
            raise ValidationError(
                _("%(name)s已享受“%(programme)s”或同类待遇，不能重复申请；如需调整，请办理变更。") % {"name": members[have[0]].name, "programme": label}
            )
        of: dict[str, Any] = {"household": household, "programme": programme, "person_id": person}
        there = Case.objects.filter(outcome="", **of).select_related("application").first()
        if there is not None:
            raise ValidationError(
                _("该家庭的“%(programme)s”已有办理中的申请 %(number)s，不能重复申请；请在原件中办理。")
                % {"programme": label, "number": there.application.number}
            )
