"""Decisions (county): approve one or hundreds at once, send back, withdraw. What is approved is frozen; awards come of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Todo
from doudi.core.services import todos
from doudi.discovery.services.leads import leads_helped
from doudi.enrolment.models import Award, AwardEvent, Case, Decision
from doudi.enrolment.procedure import Step
from doudi.enrolment.rules import first_month
from doudi.enrolment.services.accepting import decided
from doudi.enrolment.services.following import follow_decisions
from doudi.enrolment.services.grounds import suspended
from doudi.enrolment.services.steps import note_event
from doudi.registry.models import GROUPS, Programme

State, Kind = Decision.State, Decision.Kind
MOST = 2_000
TOWNSHIP = 9  # length of its code

# Whoever works on a case locks it before its decision; a batch does the same, in the order of the cases' ids.
LOCK_CASES = "select id from enrolment_case where decision_id = any(%s) order by id for update"
LOCK = """
select d.id, d.number, d.version, d.state, d.kind, d.programme, d.area, d.award_id, d.starts, d.proposed_by_id, d.decided_by_id, d.decided_at,
  d.content ->> 'start_rule', (d.content ->> 'applied_on')::date,
  d.content ->> 'ground',
  d.content_hash = encode(sha256(convert_to(d.content::text, 'UTF8')), 'hex'), d.differs, d.signed_by_id,
  (select case when c.state = 'open' then c.step else c.state end from enrolment_case c where c.decision_id = d.id),
  coalesce((select (c.procedure ->> 'delegated')::boolean from enrolment_case c where c.decision_id = d.id), false)
from enrolment_decision d where d.id = any(%s) order by d.id for update
"""
# What stands against a grant or change as far as this scope sees: who died, who is no longer a member here, who has an award already.
PROBLEMS = """
select d.id, m.value ->> 'name', p.died_on,
  p.id is null or p.area <> d.area or not exists (
    select from registry_membership s where s.person_id = p.id and s.household_id = d.household_id and (s.ends is null or s.ends > %(today)s)),
  (select a.programme from enrolment_awardmember w join enrolment_award a on a.id = w.award_id
   where w.person_id = p.id and w.area = p.area and w.grp = x.grp and not w.void and w.award_id is distinct from d.award_id and (w.ends is null or w.ends > x.starts) limit 1)
from enrolment_decision d
join unnest(%(ids)s::bigint[], %(groups)s::smallint[], %(starts)s::date[]) x (id, grp, starts) on x.id = d.id
cross join lateral jsonb_array_elements(d.content -> 'members') m
left join registry_person p on p.id = (m.value ->> 'person_id')::bigint
"""
PAYEES = """
select d.id, d.content #>> '{payee,name}', p.id is null or p.area <> d.area, p.died_on from enrolment_decision d
left join registry_person p on p.id = (d.content #>> '{payee,person_id}')::bigint where d.id = any(%s) and d.kind = 'grant'
"""
# After a move the old area pays until this award begins; it says from when that can be (never a month that is paid already).
SUCCEEDED = """
select x.id, doudi.succeed_awards(array(select (m.value ->> 'person_id')::bigint from jsonb_array_elements(d.content -> 'members') m), x.grp, x.starts)
from unnest(%(ids)s::bigint[], %(groups)s::smallint[], %(starts)s::date[]) x (id, grp, starts) join enrolment_decision d on d.id = x.id
where exists (
  select from jsonb_array_elements(d.content -> 'members') m join registry_benefitstatus b on b.person_id = (m.value ->> 'person_id')::bigint
  where b.award_id is not null)
order by x.id
"""
# Refused where it moved to: nobody waits any more for an award that goes on from the old one.
REFUSED = """
update core_todo t set done_at = %(now)s, done_by_id = %(account)s from enrolment_decision d
join registry_benefitstatus b on b.household_id = d.household_id and b.programme = d.programme and b.award_id is not null
where d.id = any(%(ids)s) and d.kind = 'refuse' and t.subject = 'award' and t.subject_id = b.award_id and t.kind like 'move.award%%' and t.done_at is null
"""
ENTITLEMENTS = "insert into enrolment_entitlement (area, kind) select area, 'award' from enrolment_decision where id = any(%s) order by id returning id, area"
NEW = "unnest(%(ids)s::bigint[], %(awards)s::bigint[], %(groups)s::smallint[], %(starts)s::date[]) x (id, award_id, grp, starts)"
# A confirmation may hold for a time only (rigid expenditure: 12 months).
UNTIL = "(x.starts + make_interval(months => (d.content ->> 'valid_months')::int))::date"
AWARDS = f"""
insert into enrolment_award (id, area, household_id, programme, grp, starts, ends, void, suspended, payee_id, payee_name, account, bank, decision_id, made_at)
select x.award_id, d.area, d.household_id, d.programme, x.grp, x.starts, {UNTIL}, false, false, p.id, p.name, p.account, p.bank, d.id, %(now)s
from {NEW} join enrolment_decision d on d.id = x.id join registry_person p on p.id = (d.content #>> '{{payee,person_id}}')::bigint order by x.award_id
"""
# The award may begin later than was proposed (the decision fell into a later month): the amount that holds then comes first. After a move it may
# begin earlier, where the old one ended: the first amount holds from there.
FROM = """case when (a.value ->> 'from')::date > x.starts and a.at = 1 then x.starts else greatest((a.value ->> 'from')::date, x.starts) end"""
AMOUNTS = f"""
insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id)
select distinct on (x.award_id, {FROM}) d.area, x.award_id, {FROM}, (a.value ->> 'amount')::numeric(14,2), d.id
from {NEW} join enrolment_decision d on d.id = x.id cross join lateral (
  select value, row_number() over (order by value ->> 'from') as at from jsonb_array_elements(d.content -> 'amounts')) a
order by x.award_id, {FROM}, (a.value ->> 'from')::date desc
"""
MEMBERS = f"""
insert into enrolment_awardmember (area, award_id, person_id, grp, void, starts, ends, share, band)
select d.area, x.award_id, (m.value ->> 'person_id')::bigint, x.grp, false, x.starts, {UNTIL}, (m.value ->> 'share')::numeric(14,2), (m.value ->> 'band')::smallint
from {NEW} join enrolment_decision d on d.id = x.id cross join lateral jsonb_array_elements(d.content -> 'members') m
order by (m.value ->> 'person_id')::bigint
"""
DECIDED = """
update enrolment_decision set state = %(state)s, decided_by_id = %(account)s, decided_at = %(now)s, decision_note = %(note)s,
  by_township = %(township)s, version = version + 1
where id = any(%(ids)s) and state = 'proposed'
"""
STOP = [
    # from the first month on, or before: the award never was (its members follow by the composite key)
    "update enrolment_award a set void = true from enrolment_decision d where d.id = any(%(ids)s) and a.id = d.award_id and d.starts <= a.starts",
    "update enrolment_awardmember w set ends = d.starts from enrolment_decision d where d.id = any(%(ids)s) and w.award_id = d.award_id and not w.void"
    " and w.starts < d.starts and (w.ends is null or w.ends > d.starts)",
    "update enrolment_award a set ends = d.starts from enrolment_decision d where d.id = any(%(ids)s) and a.id = d.award_id and not a.void"
    " and d.starts > a.starts and (a.ends is null or a.ends > d.starts)",
]
SAME = "(m.value ->> 'share')::numeric(14,2) is not distinct from w.share and (m.value ->> 'band')::smallint is not distinct from w.band"
CHANGE = [
    f"""update enrolment_awardmember w set ends = d.starts from enrolment_decision d where d.id = any(%(ids)s) and w.award_id = d.award_id and not w.void
    and (w.ends is null or w.ends > d.starts) and not exists (
      select from jsonb_array_elements(d.content -> 'members') m where (m.value ->> 'person_id')::bigint = w.person_id and {SAME})""",
    # with the award, where that comes to an end
    """insert into enrolment_awardmember (area, award_id, person_id, grp, void, starts, ends, share, band)
    select a.area, a.id, (m.value ->> 'person_id')::bigint, a.grp, false, d.starts, a.ends, (m.value ->> 'share')::numeric(14,2), (m.value ->> 'band')::smallint
    from enrolment_decision d join enrolment_award a on a.id = d.award_id cross join lateral jsonb_array_elements(d.content -> 'members') m
    where d.id = any(%(ids)s) and not exists (select from enrolment_awardmember w where w.award_id = a.id and w.person_id = (m.value ->> 'person_id')::bigint
      and not w.void and (w.ends is null or w.ends > d.starts)) order by 3""",
    """insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id)
    select a.area, a.id, d.starts, d.amount, d.id from enrolment_decision d join enrolment_award a on a.id = d.award_id
    where d.id = any(%(ids)s) and d.amount is not null order by a.id""",
    # a gradual exit (2.5) ends by itself; one that is off goes on without end
    """update enrolment_awardmember w set ends = (d.content #>> '{gradual_exit,ends}')::date from enrolment_decision d
    where d.id = any(%(ids)s) and d.content ? 'gradual_exit' and w.award_id = d.award_id and not w.void and (w.ends is null or w.ends > d.starts)""",
    """update enrolment_award a set ends = (d.content #>> '{gradual_exit,ends}')::date,
      gradual_exit_start = (d.content #>> '{gradual_exit,starts}')::date from enrolment_decision d
    where d.id = any(%(ids)s) and d.content ? 'gradual_exit' and a.id = d.award_id""",
]


@dataclass
class Outcome:
    """`done`: ids decided; `errors`: id -> why not, in words for the officer."""

    done: list[int] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    id: int
    number: str
    version: int
    state: str
    kind: str
    programme: str
    area: str
    award_id: int | None
    starts: date
    proposed_by: int
    decided_by: int | None
    decided_at: datetime | None
    start_rule: str | None
    applied_on: date | None
    ground: str | None
    intact: bool
    differs: bool
    signed_by: int | None
    case_step: str | None
    delegated: bool


def _locked(ids: Iterable[int]) -> dict[int, _Row]:
    """The decisions, locked in the order of their ids (two batches never wait for each other in a circle)."""
    wanted = sorted(ids)
    with connection.cursor() as cursor:
        cursor.execute(LOCK_CASES, [wanted])
        cursor.execute(LOCK, [wanted])
        return {row[0]: _Row(*row) for row in cursor.fetchall()}


def _why_not(row: _Row | None, version: int, *, approving: bool = True) -> str | None:
    """Why this officer cannot decide this version; None where nothing is against it."""
    if row is None:
        return _("找不到这件决定：可能不在您的管辖范围内。")
    if row.state != State.PROPOSED:
        who = Account.objects.filter(pk=row.decided_by or 0).values_list("name", flat=True).first() or _("其他工作人员")
        when = f"{timezone.localtime(row.decided_at):%Y-%m-%d %H:%M}" if row.decided_at else ""
        return _("%(number)s 已由%(who)s于 %(when)s 办理（%(state)s），本次操作未生效。") % {
            "number": row.number, "who": who, "when": when, "state": State(row.state).label,
        }  # fmt: skip
    if row.version != version:
        return _("%(number)s 在您打开后有变动，请刷新页面核对后再办理。") % {"number": row.number}
    if not row.intact:
        return _("%(number)s 的内容与提出时的摘要不符，不能审批；请退回并报告系统管理员。") % {"number": row.number}
    if row.case_step is not None and row.case_step != Step.APPROVAL:
        where = Step(row.case_step).label if row.case_step in Step.values else Case.State(row.case_step).label
        return _("%(number)s 的申请目前在“%(step)s”，尚未到审核确认环节。") % {"number": row.number, "step": where}
    if not duties.may("enrolment.approve") and not row.delegated:
        return _("%(number)s 由县级审核确认，未下放乡镇。") % {"number": row.number}
    if approving and row.differs and row.kind != Kind.STOP and row.signed_by is None:
        return _("%(number)s 与测算结果不一致，须先由另一名工作人员会签，再审核确认。") % {"number": row.number}
    act = "enrolment.approve" if duties.may("enrolment.approve") else "enrolment.confirm"
    try:
        duties.require_apart(act, done={"enrolment.propose": row.proposed_by, "enrolment.sign": row.signed_by if approving else None})
    except PermissionDenied as error:
        return str(error)
    return None


def _check_people(rows: list[_Row], starts: dict[int, date], today: date, errors: dict[int, str]) -> None:
    """Members who died, left or have an award, and payees who cannot be paid."""
    wanted = [row for row in rows if row.kind in (Kind.GRANT, Kind.CHANGE)]
    with connection.cursor() as cursor:
        cursor.execute(PROBLEMS, {
            "ids": [r.id for r in wanted], "groups": [GROUPS[r.programme] for r in wanted], "starts": [starts[r.id] for r in wanted], "today": today,
        })  # fmt: skip
        for identifier, name, died_on, gone, programme in cursor.fetchall():
            if died_on is not None:
                errors.setdefault(identifier, _("%(name)s已于 %(day)s 死亡；请退回乡镇重新测算后再提出。") % {"name": name, "day": died_on.isoformat()})
            elif gone:
                errors.setdefault(identifier, _("%(name)s已不是该家庭的成员或已转出；请退回乡镇核对成员后再提出。") % {"name": name})
            elif programme is not None:
                label = Programme(programme).label
                errors.setdefault(identifier, _("%(name)s已享受“%(programme)s”，不能重复确认。") % {"name": name, "programme": label})
        cursor.execute(PAYEES, [[r.id for r in wanted]])
        for identifier, name, gone, died_on in cursor.fetchall():
            if gone or died_on is not None:
                errors.setdefault(identifier, _("领款人%(name)s已死亡或已转出；请退回乡镇另定领款人。") % {"name": name or ""})


ELSEWHERE = gettext_noop("该人员已由其他地区管理或已在其他地区享受同类待遇，不能重复确认；请通过“跨区域查询”核实后退回或另行办理。")


def _grant(rows: list[_Row], starts: dict[int, date], now: datetime) -> None:
    ids = [row.id for row in rows]
    values: dict[str, Any]
    with connection.cursor() as cursor:
        cursor.execute(SUCCEEDED, {"ids": ids, "groups": [GROUPS[row.programme] for row in rows], "starts": [starts[row.id] for row in rows]})
        starts = starts | dict(cursor.fetchall())
        cursor.execute(ENTITLEMENTS, [ids])
        free: dict[str, list[int]] = {}
        for identifier, area in cursor.fetchall():
            free.setdefault(area, []).append(identifier)
        values = {
            "ids": ids, "awards": [free[row.area].pop() for row in rows], "groups": [GROUPS[row.programme] for row in rows],
            "starts": [starts[row.id] for row in rows], "now": now,
        }  # fmt: skip
        for statement in (AWARDS, AMOUNTS, MEMBERS):
            cursor.execute(statement, values)


def _apply(rows: list[_Row], starts: dict[int, date], values: dict[str, Any]) -> None:
    by_kind = {kind: [row for row in rows if row.kind == kind] for kind in (Kind.GRANT, Kind.CHANGE, Kind.STOP)}
    if by_kind[Kind.GRANT]:
        _grant(by_kind[Kind.GRANT], starts, values["now"])
    with connection.cursor() as cursor:
        for kind, statements in ((Kind.CHANGE, CHANGE), (Kind.STOP, STOP)):
            if by_kind[kind]:
                for statement in statements:
                    cursor.execute(statement, {"ids": [row.id for row in by_kind[kind]]})
        cursor.execute(DECIDED, values | {"ids": [row.id for row in rows]})
    scopes.check_constraints()


def _apply_or_split(rows: list[_Row], starts: dict[int, date], values: dict[str, Any], out: Outcome) -> None:
    """All at once; where the database refuses (an award elsewhere, a race), halves, until the one that it refuses stands alone."""
    if not rows:
        return
    try:
        with transaction.atomic():
            _apply(rows, starts, values)
    except Error as error:
        if getattr(error.__cause__, "sqlstate", "") not in ("23P01", "23505", "23503", "23514", "42501"):
            raise
        if len(rows) == 1:
            out.errors[rows[0].id] = _refused(error)
            return
        middle = len(rows) // 2
        _apply_or_split(rows[:middle], starts, values, out)
        _apply_or_split(rows[middle:], starts, values, out)
    else:
        out.done += [row.id for row in rows]


def _refused(error: Error) -> str:
    """The database's refusal in words; its own text names keys of rows that this officer may not see."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if constraint == "decision_waits":
        return _("该件尚未到审核确认环节，或已中止。")
    if constraint == "award_amount_once":
        return _("该待遇自同一月份起已有变更；请退回重新提出。")
    if constraint == "award_member_dates":
        return _("有成员自变更月份起才享受，不能同时变更；请改用更晚的月份。")
    return _(ELSEWHERE)


def _approver(decision_id: int | None = None) -> scopes.Scope:
    """The county's approver, or an officer of a township that may confirm what is delegated to it (`decision_id` among it, where one is named)."""
    if duties.may("enrolment.approve"):
        return scopes.current()
    if decision_id is not None and not Case.objects.filter(decision=decision_id, procedure__delegated=True).exists():
        return duties.require("enrolment.approve")
    return duties.require("enrolment.confirm")


@transaction.atomic
def approve_many(*, decisions: Sequence[tuple[int, int]], now: datetime, note: str = "") -> Outcome:
    """Approve (审核确认) proposals given as (id, version seen); errors are per row, the rest goes on.

    The approver is another officer than the proposer, of the county or, where its case's way delegates it, of the township; where the content
    differs from the law's calculation a third has signed it (`sign`). A decision of a case is approved at that step of the case.

    Grants make entitlement, award, amounts and members; changes add an amount row and move members; stops end the award (one stopped from
    its first month is void); refusals leave a benefit status. Set-based throughout.
    """
    scope = _approver()
    if len(decisions) > MOST:
        raise ValidationError(_("一次最多审批 %(most)d 件；请分批办理。") % {"most": MOST})
    versions = dict(decisions)
    today = timezone.localdate(now)
    found = _locked(versions)
    out = Outcome()
    for identifier, version in versions.items():
        why = _why_not(found.get(identifier), version)
        if why:
            out.errors[identifier] = why
    rows = [row for row in found.values() if row.id not in out.errors]
    starts = {
        row.id: first_month(row.start_rule, applied_on=row.applied_on, decided_on=today) if row.kind == Kind.GRANT and row.start_rule and row.applied_on else row.starts
        for row in rows
    }
    # by application: never before the first month that the law gave; after the decision: never before it either
    starts = {row.id: max(starts[row.id], row.starts) if row.kind == Kind.GRANT else starts[row.id] for row in rows}
    _check_people(rows, starts, today, out.errors)
    for identifier in suspended([(row.id, row.programme, row.ground or "", row.area) for row in rows if row.kind == Kind.STOP], today):
        out.errors.setdefault(identifier, _("本地已启用暂停退出，本件停发暂不能确认；待停用后再办理，或退回乡镇。"))
    rows = [row for row in rows if row.id not in out.errors]
    _settle(rows, starts, account=scope.account_id, note=note, out=out, now=now, township=len(scope.area) >= TOWNSHIP)
    granted = Decision.objects.filter(pk__in=out.done, kind=Kind.GRANT)
    leads_helped(grants=list(granted.values_list("household_id", "programme", "person_id", "lead_id")), now=now)
    return out


def _settle(
    rows: list[_Row], starts: dict[int, date], *, account: int, note: str, out: Outcome, now: datetime, township: bool = False
) -> None:
    values: dict[str, Any] = {"state": State.APPROVED, "account": account, "now": now, "note": note.strip()[:400], "township": township}
    _apply_or_split(rows, starts, values, out)
    _finish(out.done, now)
    with connection.cursor() as cursor:
        cursor.execute(REFUSED, values | {"ids": out.done})
    decided(out.done, state=State.APPROVED, note=note, now=now)
    follow_decisions(ids=out.done, approved=True, now=now)


def approve_proposed(*, ids: Sequence[int], account: int, note: str, now: datetime) -> list[int]:
    """Approve changes that another rule of the house has proposed, in the name of an officer who confirmed their ground (a raised standard).

    The proposer is another officer (a constraint holds it). The caller has checked who acts. Ids decided; the rest stays proposed.
    """
    out = Outcome()
    rows = [row for row in _locked(ids).values() if row.kind == Kind.CHANGE and row.state == State.PROPOSED and row.intact]
    for first in range(0, len(rows), MOST):
        part = rows[first : first + MOST]
        starts = {row.id: row.starts for row in part}
        _check_people(part, starts, timezone.localdate(now), out.errors)
        _settle([row for row in part if row.id not in out.errors], starts, account=account, note=note, out=out, now=now)
    return out.done


def _finish(ids: list[int], now: datetime) -> None:
    Todo.objects.filter(subject="decision", subject_id__in=ids, done_at__isnull=True).update(done_at=now, done_by=scopes.current().account_id or None)


@transaction.atomic
def approve(*, decision_id: int, version: int, now: datetime, note: str = "") -> Award | None:
    """Approve one proposal; the award that it made or changed (None for a refusal). Raises ValidationError with the reason, and
    PermissionDenied for the officer who proposed or signed it."""
    _approver(decision_id)
    proposer, signer = Decision.objects.filter(pk=decision_id, state=State.PROPOSED).values_list("proposed_by_id", "signed_by_id").first() or (None, None)
    act = "enrolment.approve" if duties.may("enrolment.approve") else "enrolment.confirm"
    duties.require_apart(act, done={"enrolment.propose": proposer, "enrolment.sign": signer})
    out = approve_many(decisions=[(decision_id, version)], now=now, note=note)
    if out.errors:
        raise ValidationError(out.errors[decision_id])
    decision = Decision.objects.get(pk=decision_id)
    if decision.kind == Kind.GRANT:
        return Award.objects.get(decision=decision)
    return Award.objects.filter(pk=decision.award_id).first() if decision.award_id else None


def _end(*, decision_id: int, version: int, state: str, note: str, now: datetime) -> _Row:
    scope = scopes.current()
    row = _locked([decision_id]).get(decision_id)
    why = _why_not(row, version, approving=False) if state == State.SENT_BACK else None
    if row is None or why:
        raise ValidationError(why or _("找不到这件决定：可能不在您的管辖范围内。"))
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"state": state, "account": scope.account_id, "now": now, "note": note.strip()[:400], "township": False, "ids": [decision_id]}
        cursor.execute(DECIDED, values)
    scopes.check_constraints()
    _finish([decision_id], now)
    follow_decisions(ids=[decision_id], approved=False, now=now)
    return row


@transaction.atomic
def send_back(*, decision_id: int, version: int, note: str, now: datetime) -> None:
    """Send a proposal back to the township, with the reason; a new proposal can follow."""
    _approver(decision_id)
    if not note.strip():
        raise ValidationError(_("请填写退回理由。"))
    row = _end(decision_id=decision_id, version=version, state=State.SENT_BACK, note=note, now=now)
    if row.case_step is not None:
        decided([decision_id], state=State.SENT_BACK, note=note, now=now)
        scopes.check_constraints()
        return
    todos.raise_todo(
        kind="enrolment.sent_back", area=row.area, duty=Duty.TOWNSHIP_OFFICER, title=f"审批退回：{row.number}",
        url=f"/enrolment/decisions/{row.id}/", subject="decision", subject_id=row.id, now=now,
    )  # fmt: skip


@transaction.atomic
def withdraw(*, decision_id: int, version: int, now: datetime, note: str = "") -> None:
    """Take a proposal back; only the officer who made it, and only while nobody has decided."""
    scope = duties.require("enrolment.propose")
    row = _locked([decision_id]).get(decision_id)
    if row is not None and row.proposed_by != scope.account_id:
        raise PermissionDenied(_("只有提出人可以撤回。"))
    if row is not None and row.case_step is not None:
        raise ValidationError(_("该决定随申请办理，不能单独撤回；请在申请中办理。"))
    if row is not None and (row.state != State.PROPOSED or row.version != version):
        raise ValidationError(_why_not(row, version) or _("本件已有变动，请刷新页面。"))
    _end(decision_id=decision_id, version=version, state=State.WITHDRAWN, note=note, now=now)


@transaction.atomic
def sign(*, decision_id: int, version: int, now: datetime, note: str = "") -> Decision:
    """Second signature (会签) under a proposal that differs from the law's calculation: neither the proposer nor who approves it later."""
    scope = duties.require("enrolment.sign")
    row = _locked([decision_id]).get(decision_id)
    if row is None or row.state != State.PROPOSED or row.version != version:
        raise ValidationError(_why_not(row, version, approving=False) or _("本件已有变动，请刷新页面。"))
    if not row.differs or row.signed_by is not None:
        raise ValidationError(_("本件不需要会签，或已经会签；请刷新页面。"))
    duties.require_apart("enrolment.sign", done={"enrolment.propose": row.proposed_by})
    Decision.objects.filter(pk=decision_id).update(signed_by_id=scope.account_id, signed_at=now, version=row.version + 1)
    todos.finish_todos(subject="decision", subject_id=decision_id, kind="enrolment.sign", now=now)
    for case in Case.objects.filter(decision=decision_id):
        note_event(case, "会签", note=note, now=now)
    scopes.check_constraints()
    return Decision.objects.get(pk=decision_id)


def _pause(award_id: int, *, suspended: bool, reason: str, now: datetime) -> Award:
    scope = duties.require("enrolment.approve")
    if not reason.strip():
        raise ValidationError(_("请填写理由。"))
    try:
        award = Award.objects.select_for_update().get(pk=award_id, void=False)
    except Award.DoesNotExist:
        raise ValidationError(_("找不到这项待遇：可能已作废，或不在您的管辖范围内。")) from None
    if award.suspended == suspended:
        raise ValidationError(_("这项待遇已暂停发放。") if suspended else _("这项待遇没有暂停。"))
    award.suspended = suspended
    award.save(update_fields=["suspended"])
    AwardEvent.objects.create(
        area=award.area, award=award, kind=AwardEvent.Kind.SUSPENDED if suspended else AwardEvent.Kind.RESUMED, reason=reason.strip()[:400],
        made_by_id=scope.account_id, made_at=now,
    )  # fmt: skip
    scopes.check_constraints()
    return award


@transaction.atomic
def suspend(*, award_id: int, reason: str, now: datetime) -> Award:
    """Suspend the payment (暂停发放) of an award; it goes on counting, payrolls leave it out with the reason."""
    return _pause(award_id, suspended=True, reason=reason, now=now)


@transaction.atomic
def resume(*, award_id: int, reason: str, now: datetime) -> Award:
    """Resume a suspended award."""
    return _pause(award_id, suspended=False, reason=reason, now=now)
