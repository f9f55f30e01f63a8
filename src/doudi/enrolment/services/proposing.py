"""Proposals (township): one from an assessment, or all that a run of the law gives. Written set-based, numbered by township."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import month_after
from doudi.assessment.models import Assessment, AssessmentRun
from doudi.assessment.outputs import CONFIRMATIONS, HOUSEHOLD_PROGRAMMES
from doudi.batch.law import LawInputError
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.enrolment.drafts import Draft, Granted, People, fen, grant_drafts, members_of, starts_in
from doudi.enrolment.models import Award, AwardMember, Decision
from doudi.enrolment.rules import first_month
from doudi.enrolment.services.grounds import Ground, exit_problem
from doudi.registry.models import GROUPS, Household, Programme

CHUNK = 5_000
STAGE = """
create temp table proposal (ord bigint, area text collate "C", household_id bigint, person_id bigint, programme text, kind text, assessment_id bigint,
 lead_id bigint, award_id bigint, content jsonb, amount numeric(14,2), starts date, differs boolean, reason text) on commit drop
"""
COLUMNS = "ord, area, household_id, person_id, programme, kind, assessment_id, lead_id, award_id, content, amount, starts, differs, reason"
# Numbers run within a township and a month, which the proposer's scope sees whole; the advisory lock keeps two officers apart.
INSERT = """
insert into enrolment_decision (number, area, household_id, person_id, programme, kind, assessment_id, lead_id, award_id, content, content_hash, amount,
  starts, differs, reason, state, proposed_by_id, proposed_at, decided_by_id, decided_at, decision_note, version)
select b.prefix || lpad((b.last + row_number() over (partition by b.prefix order by s.ord))::text, 5, '0'),
  s.area, s.household_id, s.person_id, s.programme, s.kind, s.assessment_id, s.lead_id, s.award_id, s.content,
  encode(sha256(convert_to(s.content::text, 'UTF8')), 'hex'), s.amount, s.starts, s.differs, s.reason,
  'proposed', %(account)s, %(now)s, null, null, '', 1
from pg_temp.proposal s
join (select t.prefix, coalesce(max(substr(d.number, length(t.prefix) + 1)::int), 0) last
      from (select distinct left(area, 9) || %(month)s prefix from pg_temp.proposal) t
      left join enrolment_decision d on d.number >= t.prefix and d.number < t.prefix || ':' group by t.prefix) b on b.prefix = left(s.area, 9) || %(month)s
order by s.ord
on conflict (household_id, programme, person_id) where state = 'proposed' do nothing
returning id, household_id, programme, person_id
"""
TODOS = """
select d.area, %s::text, 'enrolment.approve', '审批：' || p.label || ' ' || d.number, '/enrolment/decisions/' || d.id || '/', 'decision', d.id, null::date
from enrolment_decision d join unnest(%s::text[], %s::text[]) p (programme, label) on p.programme = d.programme where d.id = any(%s)
"""
SIGN_TODOS = """
select d.area, %s::text, 'enrolment.sign', '会签（与测算不一致） ' || d.number, '/enrolment/decisions/' || d.id || '/', 'decision', d.id, null::date
from enrolment_decision d where d.id = any(%s) and d.differs
"""


@dataclass(frozen=True)
class OnCase:
    """What a case's opinion adds to its proposal: the day of application, what it rests on, how long a confirmation holds (0: until changed), the
    start rule that was frozen with the case.

    Its approver is asked when the case comes to its approval, not now.
    """

    applied_on: date
    basis: dict[str, Any]
    valid_months: int = 0
    lead_id: int | None = None
    start: str = ""

    def on(self, draft: Draft) -> Draft:
        return replace(draft, basis=self.basis, valid_months=self.valid_months)


@dataclass
class Proposed:
    """`ids` of the new decisions; `open`: drafts left out because a decision of the kind is waiting already; `held`: because a member has an
    award of the group."""

    ids: list[int] = field(default_factory=list)
    open: int = 0
    held: int = 0


def insert(drafts: Sequence[Draft], *, now: datetime, waits: bool = False) -> list[int]:
    """Write proposals with one INSERT ... SELECT and raise the approvers' to-dos (not where they wait for their case); the ids of the new ones."""
    if not drafts:
        return []
    scope = scopes.current()
    month = f"{timezone.localdate(now):%Y%m}"
    with connection.cursor() as cursor:
        for prefix in sorted({draft.area[:9] for draft in drafts}):
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('decision number ' || %s, 0))", [prefix])
        cursor.execute("drop table if exists pg_temp.proposal")
        cursor.execute(STAGE)
        with cursor.copy(f"copy pg_temp.proposal ({COLUMNS}) from stdin") as copy:
            for at, d in enumerate(drafts):
                content = json.dumps(d.content(), ensure_ascii=False)
                copy.write_row((
                    at, d.area, d.household_id, d.person_id, d.programme, d.kind, d.assessment_id, d.lead_id, d.award_id, content, d.amount,
                    d.starts, d.differs, d.reason,
                ))  # fmt: skip
        cursor.execute(INSERT, {"account": scope.account_id, "now": now, "month": month})
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("drop table pg_temp.proposal")
    if waits:
        return ids
    announce(ids, now=now)
    if any(draft.differs for draft in drafts):
        todos.raise_todos(SIGN_TODOS, [Duty.COUNTY_REVIEWER, ids], now=now)
    return ids


def announce(ids: list[int], *, now: datetime) -> None:
    """The approvers' to-dos of new proposals."""
    labels = [str(Programme(value).label) for value in Programme.values]
    todos.raise_todos(TODOS, [Duty.COUNTY_APPROVER, Programme.values, labels, ids], now=now)


def holders(person_ids: Iterable[int], on: date) -> set[tuple[int, int]]:
    """(person, exclusion group) of awards that hold on or after a month, as far as the scope sees. One from before a move is none of them:
    the new area's award takes its place."""
    rows = AwardMember.objects.filter(person__in=set(person_ids), void=False, person__area=F("area")).filter(Q(ends__isnull=True) | Q(ends__gt=on))
    return set(rows.values_list("person_id", "grp"))


@transaction.atomic
def propose_from_run(
    *,
    run: AssessmentRun,
    programmes: Collection[str],
    now: datetime,
    leads: Mapping[int, int] | None = None,
    households: Collection[int] | None = None,
) -> Proposed:
    """Propose what the law gives and nobody has yet: the last assessment of each household in the run's month, within the scope.

    `leads`: household id -> lead id, linked to the decisions. `households` limits to these (for example those with leads).
    Nothing is proposed where a member has an award of the same group or a decision waits already: doing it again adds nothing.
    """
    duties.require("enrolment.propose")
    on = timezone.localdate(now)
    made = Proposed()
    rows = Assessment.objects.filter(month=run.month)
    if households is not None:
        rows = rows.filter(household__in=set(households))
    newest = list(rows.order_by("household_id", "-id").distinct("household_id").values_list("id", flat=True))
    for first in range(0, len(newest), CHUNK):
        part = list(Assessment.objects.filter(id__in=newest[first : first + CHUNK]).select_related("settings").order_by("id"))
        drafts = grant_drafts(part, programmes, on=on, leads=leads)
        held = holders((m["person_id"] for d in drafts for m in d.members), on.replace(day=1))
        free = [d for d in drafts if d.payee is not None and not any((m["person_id"], GROUPS[d.programme]) in held for m in d.members)]
        ids = insert(free, now=now)
        made.ids += ids
        made.held += len(drafts) - len(free)
        made.open += len(free) - len(ids)
    scopes.check_constraints()
    return made


@transaction.atomic
def propose_many(*, assessments: Sequence[Assessment], programmes: Collection[str], now: datetime) -> Proposed:
    """Propose what these assessments (of one month) give, as `propose_from_run` does for a run."""
    duties.require("enrolment.propose")
    on = timezone.localdate(now)
    drafts = grant_drafts(assessments, programmes, on=on)
    held = holders((m["person_id"] for d in drafts for m in d.members), on.replace(day=1))
    free = [d for d in drafts if d.payee is not None and not any((m["person_id"], GROUPS[d.programme]) in held for m in d.members)]
    ids = insert(free, now=now)
    scopes.check_constraints()
    return Proposed(ids, open=len(free) - len(ids), held=len(drafts) - len(free))


def one_decision(draft: Draft, *, now: datetime, on_case: OnCase | None = None) -> Decision:
    """Write one proposal or say why not."""
    ids = insert([draft if on_case is None else on_case.on(draft)], now=now, waits=on_case is not None)
    if not ids:
        waiting = Decision.objects.filter(
            household=draft.household_id, programme=draft.programme, person=draft.person_id, state=Decision.State.PROPOSED
        ).first()
        number = waiting.number if waiting else ""
        raise ValidationError(_("该项目已有待审批的决定 %(number)s；请先撤回它，或等待审批。") % {"number": number})
    scopes.check_constraints()
    return Decision.objects.get(pk=ids[0])


def _settled(draft: Draft, *, amount: Decimal | None, reason: str) -> Draft:
    """The draft with the officer's amount where it is another than the law's: marked, and only with a reason."""
    law_amount = draft.law_amount
    if amount is not None and amount != law_amount:
        if amount <= 0:
            raise ValidationError(_("金额应大于 0；不给予待遇请选择“不予确认”。"))
        draft = replace(draft, amounts=[(draft.starts, amount)], members=[m | {"share": None} for m in draft.members], differs=True)
        if draft.person_id is not None:
            draft = replace(draft, members=[m | {"share": str(amount)} for m in draft.members])
    draft = replace(draft, reason=reason.strip(), differs=draft.differs)
    if draft.differs and not draft.reason:
        raise ValidationError(_("提出的内容与测算结果不一致：请填写理由后再提交。"))
    return draft


@transaction.atomic
def propose(
    *,
    assessment: Assessment,
    programme: str,
    now: datetime,
    person_id: int | None = None,
    amount: Decimal | None = None,
    bands: Mapping[int, int] | None = None,
    payee_id: int | None = None,
    reason: str = "",
    lead_id: int | None = None,
    on_case: OnCase | None = None,
) -> Decision:
    """Propose to grant a programme: members and amounts are the law's, taken from the assessment (2.2, 2.3, 4.5).

    `person_id`: whom it concerns, for a programme of one person. `bands` (person id -> band) where the county pays by bands.
    An `amount` other than the law's, or a programme that the law does not give, needs a `reason` and is marked as differing.
    Raises ValidationError: a decision waits already, a member has an award of the group, nobody can be paid, a band is missing.
    """
    duties.require("enrolment.propose")
    on = timezone.localdate(now)
    _in_scope(assessment.household_id)
    try:
        found = grant_drafts(
            [assessment], [programme], on=on, bands=bands, applied_on=on_case.applied_on if on_case else None, start=on_case.start if on_case else ""
        )
    except LawInputError as error:
        raise ValidationError(_("档次不能用于测算：%(problem)s。") % {"problem": str(error)}) from None
    draft = next((d for d in found if person_id is None or d.person_id == person_id), None)
    if draft is None:
        draft = _against_the_law(
            assessment, programme, person_id, amount, on, on_case.applied_on if on_case else on, start=on_case.start if on_case else ""
        )
    draft = replace(_settled(draft, amount=amount, reason=reason), lead_id=lead_id)
    if payee_id is not None:
        people = People([payee_id], [assessment.household_id], on)
        if payee_id not in people.heads.get(assessment.household_id, []):
            raise ValidationError(_("领款人不是该家庭的成员；请重新选择。"))
        draft = replace(draft, payee={"person_id": payee_id, "name": people.of[payee_id]["name"]})
    if draft.payee is None:
        raise ValidationError(_("该家庭没有可领款的成员；请先核对家庭成员。"))
    _nobody_holds(draft, on)
    return one_decision(draft, now=now, on_case=on_case)


def _in_scope(household_id: int) -> Household:
    try:
        return Household.objects.get(pk=household_id)
    except Household.DoesNotExist:
        raise ValidationError(_("该家庭不在您的管辖范围内，或已转出。")) from None


def _against_the_law(
    assessment: Assessment, programme: str, person_id: int | None, amount: Decimal | None, on: date, applied_on: date | None = None,
    *, start: str = "",
) -> Draft:
    """A grant that the law's calculation does not give: the officer says for whom and how much; marked as differing."""
    if programme not in CONFIRMATIONS and amount is None:
        raise ValidationError(_("测算结果不符合“%(programme)s”的条件；如仍要提出，请填写金额和理由。") % {"programme": Programme(programme).label})
    members = assessment.facts["person_ids"]
    household_wide = programme in HOUSEHOLD_PROGRAMMES
    if not household_wide:
        if person_id not in members:
            raise ValidationError(_("请选择该项待遇的享受人。"))
        members = [person_id]
    people = People(members, [assessment.household_id], on)
    owner = None if household_wide else person_id
    rule = start or starts_in([assessment.area[:6]], [programme], on)[assessment.area[:6], programme]
    starts = first_month(rule, applied_on=applied_on or on, decided_on=on)
    return Draft(
        household_id=assessment.household_id, area=assessment.area, programme=programme, kind="grant", person_id=owner,
        members=members_of(Granted(owner, tuple(members), amount), people), amounts=[] if amount is None else [(starts, amount)], starts=starts,
        assessment_id=assessment.pk, start_rule=rule, applied_on=applied_on or on, payee=people.payee(assessment.household_id, owner), law_amount=None,
        differs=True,
    )  # fmt: skip


def _nobody_holds(draft: Draft, on: date) -> None:
    held = holders((m["person_id"] for m in draft.members), on.replace(day=1))
    for member in draft.members:
        if (member["person_id"], GROUPS[draft.programme]) in held:
            raise ValidationError(_("%(name)s已享受同类待遇，不能重复提出；如需调整，请办理变更或停发。") % {"name": member["name"]})


def running_award(award_id: int) -> Award:
    try:
        award = Award.objects.select_for_update().get(pk=award_id, void=False)
    except Award.DoesNotExist:
        raise ValidationError(_("找不到这项待遇：可能已作废，或不在您的管辖范围内。")) from None
    if not Household.objects.filter(pk=award.household_id, area=award.area).exists():
        raise ValidationError(_("该家庭已转出，原地只发放到转入地待遇开始前；变更由转入地办理。"))
    return award


@transaction.atomic
def stop_award(
    *, award_id: int, from_month: date, reason: str, now: datetime, ground: str = Ground.OTHER, lead_id: int | None = None
) -> Decision:
    """Propose to stop an award: the last month paid is the one before `from_month`. The reason is required.

    While exits from dibao are suspended (2.6) only its exceptions pass as `ground`.
    """
    duties.require("enrolment.propose")
    award = running_award(award_id)
    if not reason.strip():
        raise ValidationError(_("请填写停发理由。"))
    if ground not in Ground.values:
        raise ValidationError({"ground": _("请选择停发原因。")})
    if problem := exit_problem(programme=award.programme, ground=ground, area=award.area, on=timezone.localdate(now)):
        raise ValidationError(problem)
    if from_month.day != 1 or (award.ends is not None and award.ends <= from_month):
        raise ValidationError(_("停发月份应为尚在享受的月份的 1 日。"))
    # a member whose band or share changed has a row for each
    members = tuple(dict.fromkeys(award.members.filter(void=False).order_by("id").values_list("person_id", flat=True)))
    people = People(list(members), [award.household_id], timezone.localdate(now))
    person = members[0] if len(members) == 1 and award.programme not in HOUSEHOLD_PROGRAMMES else None
    draft = Draft(
        household_id=award.household_id, area=award.area, programme=award.programme, kind="stop", person_id=person,
        members=members_of(Granted(person, members, None), people), amounts=[], starts=from_month, award_id=award.pk,
        reason=reason.strip(), lead_id=lead_id, ground=ground,
    )  # fmt: skip
    return one_decision(draft, now=now)


@transaction.atomic
def change_award(
    *,
    award_id: int,
    assessment: Assessment,
    now: datetime,
    from_month: date | None = None,
    amount: Decimal | None = None,
    bands: Mapping[int, int] | None = None,
    reason: str = "",
    lead_id: int | None = None,
) -> Decision:
    """Propose another amount or other members of an award from a month on (default: the month after this one), from a new assessment."""
    duties.require("enrolment.propose")
    award = running_award(award_id)
    on = timezone.localdate(now)
    start = from_month or month_after(on)
    if start.day != 1 or start <= award.starts or (award.ends is not None and start >= award.ends):
        raise ValidationError(_("变更月份应为该待遇起始月之后、仍在享受的月份的 1 日。"))
    if assessment.household_id != award.household_id:
        raise ValidationError(_("测算与待遇不属于同一家庭。"))
    person = None if award.programme in HOUSEHOLD_PROGRAMMES else award.members.filter(void=False).values_list("person_id", flat=True)[0]
    try:
        found = [d for d in grant_drafts([assessment], [award.programme], on=on, bands=bands) if d.person_id == person]
    except LawInputError as error:
        raise ValidationError(_("档次不能用于测算：%(problem)s。") % {"problem": str(error)}) from None
    if bands and not reason.strip():
        raise ValidationError(_("变更成员档次须填写理由。"))
    if not found and amount is None:
        raise ValidationError(_("测算结果不再符合条件；请办理停发，或填写金额和理由。"))
    if found:
        draft = replace(found[0], kind="change", award_id=award.pk, starts=start, amounts=[(start, found[0].amount)] if found[0].amount else [])
        if award.gradual_exit_start is not None and not assessment.results["household"]["dibao_in_gradual_exit"]:
            draft = replace(draft, gradual_exit={"ends": None})  # income is below the standard again: the exit is off
    else:
        draft = replace(_against_the_law(assessment, award.programme, person, amount, on), kind="change", award_id=award.pk, starts=start)
        draft = replace(draft, amounts=[(start, fen(amount))] if amount is not None else [])
    draft = replace(_settled(draft, amount=amount, reason=reason), start_rule="", lead_id=lead_id)
    return one_decision(draft, now=now)


@transaction.atomic
def refuse(
    *,
    assessment: Assessment,
    programme: str,
    reason: str,
    now: datetime,
    person_id: int | None = None,
    lead_id: int | None = None,
    on_case: OnCase | None = None,
) -> Decision:
    """Propose not to grant a programme (不予确认); the reason is required, and marked as differing where the law would give it."""
    duties.require("enrolment.propose")
    on = timezone.localdate(now)
    household = _in_scope(assessment.household_id)
    if not reason.strip():
        raise ValidationError(_("不予确认须填写理由。"))
    members = [person_id] if person_id else assessment.facts["person_ids"]
    people = People(members, [household.pk], on)
    given = [d for d in grant_drafts([assessment], [programme], on=on) if d.person_id == person_id]
    draft = Draft(
        household_id=household.pk, area=household.area, programme=programme, kind="refuse", person_id=person_id,
        members=members_of(Granted(person_id, tuple(members), None), people), amounts=[], starts=assessment.month, assessment_id=assessment.pk,
        applied_on=on, reason=reason.strip(), differs=bool(given), law_amount=given[0].law_amount if given else None, lead_id=lead_id,
    )  # fmt: skip
    return one_decision(draft, now=now, on_case=on_case)


__all__ = ["OnCase", "Proposed", "change_award", "insert", "propose", "propose_from_run", "propose_many", "refuse", "stop_award"]
