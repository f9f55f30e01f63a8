"""The price subsidy (价格临时补贴) of a county and month: proposed, approved by another officer, then one-off entitlements for payments.

Set-based: the law is asked once for each combination of groups and residence that occurs among the covered people (its amount depends on nothing
else), and one INSERT ... SELECT gives each person the answer. One person is paid once a month in the whole province: the database holds it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from doudi.assessment.services import snapshot
from doudi.batch import law
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import overlay
from doudi.core.workdays import add_working_days
from doudi.payments.services import grants
from doudi.payments.services.drafts import Prepared
from doudi.registry.models import Programme
from doudi.relief.linkage import Linkage, amounts_of, deadline_of, linkage_of, source_said
from doudi.relief.models import PriceClaim, PriceProposal
from doudi.relief.services.price_entries import matter
from openfisca_henan.rules import PRICE_GROUPS

SUBJECT = "price_proposal"
State = PriceProposal.State

# Programme -> the law's group; the law's input for it.
GROUP_OF = {
    Programme.TEKUN: "tekun", Programme.ORPHAN: "children", Programme.UNSUPPORTED_CHILD: "children", Programme.DIBAO: "dibao",
    Programme.DIBAO_SINGLE: "dibao", Programme.MARGINAL: "marginal",
}  # fmt: skip
INPUTS = {"tekun": "receives_tekun", "children": "receives_child_allowance", "dibao": "receives_dibao", "marginal": "confirmed_marginal"}

# Everybody who holds an award of a covered programme in the month (who died before it does not), with all groups as bits; of several awards of a
# group the first. %(low)s .. %(high)s: the county.
COVERED = """
create temporary table price_covered on commit drop as
with held as (
  select m.person_id, a.id as award_id, a.area, a.household_id, a.suspended, g.bit, g.name as grp
  from doudi.enrolment_awardmember m
  join doudi.enrolment_award a on a.id = m.award_id and not a.void
  join unnest(%(programmes)s::text[], %(bits)s::int[], %(names)s::text[]) g (programme, bit, name) on g.programme = a.programme
  where m.area >= %(low)s and m.area < %(high)s and a.area >= %(low)s and a.area < %(high)s and not m.void and m.starts <= %(month)s
    and (m.ends is null or m.ends > %(month)s) and (m.died_on is null or m.died_on >= %(month)s)
), person as (
  select person_id, coalesce(bit_or(bit) filter (where not suspended), 0) as bits, min(household_id) as any_household from held group by person_id
)
select distinct on (h.person_id, h.grp) h.person_id, h.grp, h.award_id, h.area, h.household_id, p.bits, coalesce(f.residence, r.residence, 'rural') as residence
from held h join person p on p.person_id = h.person_id
left join doudi.registry_household f on f.id = h.household_id
left join doudi.price_moved_away(%(county)s) r on r.award_id = h.award_id and r.person_id = h.person_id
where not h.suspended or p.bits = 0
order by h.person_id, h.grp, h.award_id
"""
# The law's answer by combination, joined to each person through the award of the group that the law chose.
DUE = """
create temporary table price_due on commit drop as
with answer (bits, residence, grp, base, amount) as (
  select * from unnest(%(bits)s::int[], %(residences)s::text[], %(groups)s::text[], %(bases)s::numeric[], %(amounts)s::numeric[])
), before as (
  select person_id, max(step) as step, sum(amount) as paid, min(household_id) as household_id
  from doudi.relief_priceclaim where county = %(county)s and month = %(month)s and area >= %(low)s and area < %(high)s group by person_id
), now as (
  select c.person_id, c.award_id, c.area, c.household_id, c.residence, a.grp, a.base, a.amount
  from pg_temp.price_covered c join answer a on a.bits = c.bits and a.residence = c.residence and a.grp = c.grp
), away as (select person_id from doudi.price_claimed_elsewhere(%(county)s, %(month)s))
select coalesce(n.person_id, b.person_id) as person_id, n.award_id, n.area, coalesce(n.household_id, b.household_id) as household_id, n.residence, n.grp, n.base,
  coalesce(n.amount, 0) as total, coalesce(n.amount, 0) - coalesce(b.paid, 0) as amount, coalesce(b.step, 0) + 1 as step, b.step as previous,
  case when b.person_id is null and w.person_id is not null then 'elsewhere' when coalesce(n.amount, 0) < coalesce(b.paid, 0) then 'overpaid' end as reason
from now n full join before b on b.person_id = n.person_id left join away w on w.person_id = n.person_id
"""
CLAIMS = """
insert into doudi.relief_priceclaim (area, proposal_id, county, person_id, household_id, award_id, month, step, previous, "group", residence, base, total, amount)
select area, %(proposal)s, %(county)s, person_id, household_id, award_id, %(month)s, step, previous, grp, residence, base, total, amount
from pg_temp.price_due where reason is null and amount > 0 order by person_id
"""
LEFT_OUT = """
insert into doudi.relief_priceleftout (area, proposal_id, person_id, household_id, reason, amount)
select coalesce(area, %(county)s), %(proposal)s, person_id, household_id, reason, abs(amount) from pg_temp.price_due where reason is not null
union all
select distinct on (c.person_id) c.area, %(proposal)s, c.person_id, c.household_id, 'suspended', 0 from pg_temp.price_covered c where c.bits = 0
order by 3
"""
SUMMARY = """
select json_build_object(
  'groups', (select coalesce(json_agg(g), '[]') from (select "group", residence, count(*) as people, sum(amount) as amount, max(base) as base,
     max(total) as each from doudi.relief_priceclaim where proposal_id = %(proposal)s group by 1, 2 order by 4 desc) g),
  'places', (select coalesce(json_agg(t), '[]') from (select left(area, 9) as area, count(*) as people, sum(amount) as amount
     from doudi.relief_priceclaim where proposal_id = %(proposal)s group by 1 order by 1) t),
  'left_out', (select coalesce(json_agg(l), '[]') from (select reason, count(*) as people, sum(amount) as amount
     from doudi.relief_priceleftout where proposal_id = %(proposal)s group by 1 order by 1) l))::text,
  (select count(*) from doudi.relief_priceclaim where proposal_id = %(proposal)s),
  (select coalesce(sum(amount), 0) from doudi.relief_priceclaim where proposal_id = %(proposal)s)
"""
# One grant for each claim, to the payee and account of the award through which the person is covered.
GRANTS = """
select c.area, 'price_subsidy', c.proposal_id, 1, c.month, c.amount, c.household_id, a.payee_id, a.payee_name, payee.token,
  coalesce(p.name, w.name), coalesce(p.token, w.token), a.account, a.bank
from doudi.relief_priceclaim c
join doudi.enrolment_award a on a.id = c.award_id
left join doudi.registry_person payee on payee.id = a.payee_id
left join doudi.registry_person p on p.id = c.person_id
left join doudi.price_moved_away(%s) w on w.award_id = c.award_id and w.person_id = c.person_id
where c.proposal_id = %s and c.entitlement_id is null
"""
GRANTED = """
with who as (
  select id as person_id, token from doudi.registry_person where area >= %(low)s and area < %(high)s
  union select person_id, token from doudi.price_moved_away(%(county)s)
)
update doudi.relief_priceclaim c set entitlement_id = g.id
from doudi.payments_grant g join who w on w.token = g.beneficiary
where c.proposal_id = %(proposal)s and g.cause = c.proposal_id and g.programme = 'price_subsidy' and not g.void and w.person_id = c.person_id
"""


@dataclass(frozen=True)
class Proposed:
    """What proposing came to. `changed` is false where the same was proposed before: nothing was done."""

    proposal: PriceProposal
    changed: bool


def _combinations(county: str) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("select distinct bits, residence from pg_temp.price_covered where bits > 0 order by 1, 2")
        return [(int(bits), str(residence)) for bits, residence in cursor.fetchall()]


def law_amounts(*, county: str, month: date, combinations: list[tuple[int, str]], settings: law.Settings) -> list[dict[str, Any]]:
    """One run of the law: one household of one person for each combination of groups (bits in the order of `PRICE_GROUPS`) and residence."""
    if not combinations:
        return []
    bits = np.array([each for each, _residence in combinations])
    persons: dict[str, Any] = {"birth_date": np.full(len(bits), "1980-01-01", dtype="datetime64[D]")}
    for at, name in enumerate(PRICE_GROUPS):
        persons[INPUTS[name]] = (bits >> at & 1).astype(bool)
    households = {
        "county": np.full(len(bits), county, dtype="U6"), "residence": np.array([residence for _bits, residence in combinations]),
        "awards_known": np.ones(len(bits), dtype=bool),
    }  # fmt: skip
    wanted = ("price_subsidy", "price_subsidy_group", "price_subsidy_base")
    found = law.run(persons, households, np.arange(len(bits)), None, f"{month:%Y-%m}", wanted, settings)
    made = []
    for at, (each, residence) in enumerate(combinations):
        group = _group_name(found["price_subsidy_group"][at])
        if group is not None and found["price_subsidy"][at] > 0:
            made.append({
                "bits": each, "residence": residence, "group": group, "base": Decimal(f"{found['price_subsidy_base'][at]:.2f}"),
                "amount": Decimal(f"{found['price_subsidy'][at]:.2f}"),
            })  # fmt: skip
    return made


def _group_name(value: Any) -> str | None:
    """The law answers with the name of the group, or with its number."""
    from openfisca_henan.base import PriceGroup

    name = value if isinstance(value, str) else list(PriceGroup)[int(value)].name
    return None if str(name) == "none" else str(name)


def check_can_propose(*, area: str, month: date, on: date, settings: law.Settings) -> Linkage:
    """The law's answer, if a county may propose for the month. Raises ValidationError with the reason and the next step."""
    if len(area) != 6 or month.day != 1:
        raise ValidationError(_("价格临时补贴按县（市、区）和发放月份提出。"))
    if month > on:
        raise ValidationError(_("%(month)s还没有到：所依据的指数在当月才公布。") % {"month": f"{month:%Y-%m}"})
    found = linkage_of(area=area, month=month, settings=settings)
    values = {"month": f"{month:%Y-%m}", "index": f"{found.index_month:%Y-%m}"}
    if not found.known:
        raise ValidationError(_("%(index)s的价格指数尚未录入，不能判断 %(month)s是否启动；请市级先录入指数。") % values)
    if found.waits:
        raise ValidationError(_("%(month)s已启动，但 %(index)s低收入居民价格指数尚未录入，本地规定等待该指数；请市级录入后再提出。") % values)
    return found


@transaction.atomic
def propose_subsidies(*, area: str, month: date, reason: str = "", on: date, now: datetime) -> Proposed:
    """Propose (提出) the subsidies of a county for a month of payment, or the differences that a corrected index makes to what was approved.

    Asking twice gives the same proposal. Raises ValidationError where linkage has not started, an index is missing, or nothing differs.
    """
    acting = duties.require("prices.propose")
    if not acting.covers(area):
        raise ValidationError(_("该县不在您的管辖范围内。"))
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('price subsidy ' || %s, 0))", [f"{area} {month}"])
    settings = overlay(month)
    found = check_can_propose(area=area, month=month, on=on, settings=settings)
    approved = PriceProposal.objects.filter(area=area, month=month, state=State.APPROVED).order_by("-serial").first()
    values = {"month": f"{month:%Y-%m}"}
    if not found.started and approved is None:
        raise ValidationError(_("%(month)s没有启动物价联动：%(why)s。") % (values | {"why": "；".join(found.reasons)}))
    late = on > deadline_of(month)
    if late and not reason.strip():
        raise ValidationError({"reason": _("%(month)s的发放期限 %(day)s已过；请写明逾期的原因。") % (values | {"day": f"{deadline_of(month):%Y-%m-%d}"})})
    waiting = PriceProposal.objects.filter(area=area, month=month, state=State.PROPOSED).first()
    if waiting is not None:
        if waiting.settings == settings.hash and waiting.made_by_id == acting.account_id:
            return Proposed(waiting, changed=False)
        raise ValidationError(
            _("%(month)s已有一份待审批（%(number)s）；指数或标准有变的，请先撤回或退回它，再重新提出。") % (values | {"number": waiting.number})
        )
    frozen = snapshot(settings, now=now)
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                proposal = _write(area, month, found, approved, frozen.hash, settings, reason, now)
            break
        except IntegrityError as error:
            # another county proposed for one of the people while we wrote: look again, they are left out now
            if attempt == 2 or "price_claim_once" not in str(error):
                raise ValidationError(_("提出时数据有变动，未写入任何一人；请重新提出。")) from error
    finish_todos(subject="price_month", subject_id=matter(area, month), now=now)
    raise_todo(
        kind="prices.approve", area=area, duty=Duty.COUNTY_APPROVER, title=f"审批 {month:%Y-%m} 价格临时补贴 {proposal.people} 人",
        url=f"/prices/proposals/{proposal.pk}/", subject=SUBJECT, subject_id=proposal.pk, due=add_working_days(proposal.deadline, -3), now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return Proposed(proposal, changed=True)


def _write(
    area: str, month: date, found: Linkage, approved: PriceProposal | None, frozen: str, settings: law.Settings, reason: str, now: datetime
) -> PriceProposal:
    county = scopes.Scope(area=area)
    values: dict[str, Any] = {
        "county": area, "month": month, "low": county.low, "high": county.high, "programmes": [programme.value for programme in GROUP_OF],
        "bits": [1 << PRICE_GROUPS.index(name) for name in GROUP_OF.values()], "names": list(GROUP_OF.values()),
    }  # fmt: skip
    made = PriceProposal.objects.create(
        area=area, month=month, serial=(approved.serial if approved else 0) + 1, law_version=law.law_version(), settings=frozen,
        basis=basis_of(found, settings, area), deadline=deadline_of(month), reason=reason.strip()[:400], made_by_id=scopes.current().account_id, made_at=now,
    )  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute("drop table if exists pg_temp.price_covered; drop table if exists pg_temp.price_due")
        cursor.execute(COVERED, values)
        cursor.execute("analyze pg_temp.price_covered")
        answers = law_amounts(county=area, month=month, combinations=_combinations(area), settings=settings)
        values |= {
            "bits": [each["bits"] for each in answers], "residences": [each["residence"] for each in answers], "proposal": made.pk,
            "groups": [each["group"] for each in answers], "bases": [each["base"] for each in answers], "amounts": [each["amount"] for each in answers],
        }  # fmt: skip
        cursor.execute(DUE, values)
        cursor.execute("analyze pg_temp.price_due")
        cursor.execute(CLAIMS, values)
        claimed = cursor.rowcount
        cursor.execute(LEFT_OUT, values)
        cursor.execute("select count(*) from pg_temp.price_due where reason = 'overpaid'")
        overpaid = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(SUMMARY, values)
        summary, people, amount = cursor.fetchone()
    if not claimed and not overpaid:
        raise ValidationError(
            _("%(month)s的补贴已按现行指数全部提出，没有差额。") % {"month": f"{month:%Y-%m}"}
            if approved
            else _("本县 %(month)s没有应发价格临时补贴的人员。") % {"month": f"{month:%Y-%m}"}
        )
    made.summary, made.people, made.amount = json.loads(summary), people, amount
    if approved is not None:
        with translation.override("zh-hans"):
            made.summary["difference"] = difference(approved.basis, made.basis)
    made.save(update_fields=["summary", "people", "amount"])
    return made


def basis_of(found: Linkage, settings: law.Settings, county: str) -> dict[str, Any]:
    """What the law used, kept with the proposal; its words are stored, so they are Chinese."""
    with translation.override("zh-hans"):
        reasons = found.reasons
    amounts = amounts_of(county=county, month=found.month, settings=settings) if found.started else []
    return {
        "started": found.started, "by_province": found.by_province, "cpi": found.cpi.value, "food": found.food.value, "scpi": found.scpi.value,
        "cpi_trigger": found.cpi_trigger, "food_trigger": found.food_trigger, "rise": found.rise, "source": found.source, "multiplier": found.multiplier,
        "reasons": reasons, "references": list(dict.fromkeys(value.reference for value in (found.cpi, found.food, found.scpi) if value.reference)),
        "amounts": [each | {"base": str(each["base"]), "amount": str(each["amount"])} for each in amounts],
    }  # fmt: skip


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Why a correction differs, in words."""
    labels = {"cpi": "CPI", "food": _("食品"), "scpi": _("低收入价格指数"), "rise": _("所用涨幅")}
    said = [
        _("%(name)s由 %(old)s 更正为 %(new)s") % {"name": label, "old": _percent(before[key]), "new": _percent(after[key])}
        for key, label in labels.items()
        if before[key] != after[key]
    ]
    if before["source"] != after["source"] and after["source"]:
        said.append(_("改按%(index)s计算") % {"index": source_said(after["source"])})
    if before["started"] != after["started"]:
        said.append(_("更正后未达到启动条件") if not after["started"] else _("更正后达到启动条件"))
    old = {(each["group"], each["residence"]): each for each in before["amounts"]}
    for each in after["amounts"]:
        earlier = old.get((each["group"], each["residence"]))
        if earlier and earlier["base"] != each["base"]:
            said.append(_("保障标准由 %(old)s 元变为 %(new)s 元") % {"old": earlier["base"], "new": each["base"]})
            break
    return said or [_("保障对象有变化")]


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:g}%"


def _locked(proposal_id: int, version: int) -> PriceProposal:
    row = PriceProposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError(_("没有这一份提案，或它不在您的管辖范围内。"))
    if row.state != State.PROPOSED or row.version != version:
        raise ValidationError(_("这份提案现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    return row


def _decide(row: PriceProposal, state: str, note: str, now: datetime) -> None:
    row.state, row.decided_by_id, row.decided_at, row.decision_note = state, scopes.current().account_id, now, note.strip()[:200]
    row.version += 1
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_note", "version"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()


@transaction.atomic
def approve_subsidies(*, proposal_id: int, version: int, note: str = "", now: datetime) -> PriceProposal:
    """Approve another officer's proposal: each claim becomes a one-off entitlement, which the county's next one-off payroll pays.

    Refused where the indices or standards have changed since: the amounts would not be the law's any more.
    """
    duties.require("prices.approve")
    row = _locked(proposal_id, version)
    duties.require_apart("prices.approve", done={"prices.propose": row.made_by_id})
    if overlay(row.month).hash != row.settings:
        settings = overlay(row.month)
        if basis_of(linkage_of(area=row.area, month=row.month, settings=settings), settings, row.area) != row.basis:
            raise ValidationError(_("提出之后，价格指数或标准已经变更；请退回，由经办人重新提出。"))
    county = scopes.Scope(area=row.area)
    grants.make_grants(act="prices.approve", sql=GRANTS, params=[row.area, row.pk], now=now)
    with connection.cursor() as cursor:
        cursor.execute(GRANTED, {"proposal": row.pk, "county": row.area, "low": county.low, "high": county.high})
    _decide(row, State.APPROVED, note, now)
    if row.people:
        _ask_to_pay(row, now)
    return row


def _ask_to_pay(row: PriceProposal, now: datetime) -> None:
    raise_todo(
        kind="prices.pay", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"编制 {row.month:%Y-%m} 价格临时补贴发放批次（{row.people} 人）",
        url=f"/prices/proposals/{row.pk}/", subject="price_pay", subject_id=row.pk, due=add_working_days(row.deadline, -3), now=now,
    )  # fmt: skip


@transaction.atomic
def prepare_payroll(*, proposal_id: int, on: date, now: datetime) -> Prepared:
    """The county's one-off payroll of price subsidies: prepared, or its draft refreshed, with everything that is approved and due."""
    duties.require("payments.prepare")
    row = PriceProposal.objects.filter(pk=proposal_id, state=State.APPROVED).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError(_("没有这一份已审批的提案，或它不在您的管辖范围内。"))
    made = grants.prepare_one_off(area=row.area, month=on, programme="price_subsidy", now=now)
    finish_todos(subject="price_pay", subject_id=row.pk, now=now)
    return made


def _give_back(row: PriceProposal) -> None:
    PriceClaim.objects.filter(proposal=row)._raw_delete("default")


@transaction.atomic
def send_back_subsidies(*, proposal_id: int, version: int, note: str, now: datetime) -> None:
    """Send back with the reason; its claims are given back, a new proposal can follow."""
    duties.require("prices.approve")
    row = _locked(proposal_id, version)
    if not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    _give_back(row)
    _decide(row, State.SENT_BACK, note, now)
    raise_todo(
        kind="prices.propose", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"{row.month:%Y-%m} 价格临时补贴被退回，请重新提出",
        url=f"/prices/{row.month:%Y-%m}/", subject="price_month", subject_id=matter(row.area, row.month), due=row.deadline, now=now,
    )  # fmt: skip


@transaction.atomic
def withdraw_subsidies(*, proposal_id: int, version: int, note: str = "", now: datetime) -> None:
    """Take one's own proposal back while nobody has decided."""
    acting = duties.require("prices.propose")
    row = _locked(proposal_id, version)
    if row.made_by_id != acting.account_id:
        raise ValidationError(_("只有提出人可以撤回。"))
    _give_back(row)
    _decide(row, State.WITHDRAWN, note or "撤回", now)


def latest_subsidies() -> QuerySet[PriceProposal]:
    """Approved subsidies of the latest month within the scope (clause 3.3)."""
    approved = PriceProposal.objects.filter(state=State.APPROVED)
    return approved.filter(month=approved.aggregate(Max("month"))["month__max"])
