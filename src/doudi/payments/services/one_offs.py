"""One-off payments (一次性补助) to groups: decided and confirmed by two officers of a level, listed and approved by two of each county, then paid as grants.

Set-based: one INSERT ... SELECT lists everybody. A second list of the same decision adds only who was missing (a late decision for that month).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.payments.models import OneOff, OneOffClaim, OneOffDecision, OneOffLeftOut, OneOffList
from doudi.payments.services import grants, ledger
from doudi.payments.services.drafts import Prepared
from doudi.registry.models import Programme

Decided, Listed = OneOffDecision.State, OneOffList.State
LEVELS = ("central", "province", "city", "county")

# Who held an award of the groups in the month, once: the first group in the decision's order; a running award before a suspended one.
COVERED = """
create temporary table one_off_covered on commit drop as
with held as (
  select m.person_id, a.id as award_id, a.area, a.household_id, a.programme, a.suspended, a.payee_id = m.person_id as is_payee, g.place
  from doudi.enrolment_awardmember m
  join doudi.enrolment_award a on a.id = m.award_id and not a.void
  join unnest(%(programmes)s::text[]) with ordinality g (programme, place) on g.programme = a.programme
  where m.area >= %(low)s and m.area < %(high)s and a.area >= %(low)s and a.area < %(high)s and not m.void and m.starts <= %(month)s
    and (m.ends is null or m.ends > %(month)s) and (m.died_on is null or m.died_on >= %(month)s)
), person as (select distinct on (person_id) * from held order by person_id, suspended, place, award_id),
one as (select distinct on (case when %(whole)s then household_id else person_id end) * from person
  order by case when %(whole)s then household_id else person_id end, suspended, place, is_payee desc, person_id)
select o.*, case when e.person_id is not null then 'elsewhere' when o.suspended then 'suspended' end as reason
from one o left join (select * from doudi.one_off_elsewhere(%(decision)s, %(county)s)) e on e.person_id = o.person_id or (e.whole and e.household_id = o.household_id)
where not exists (select from doudi.payments_oneoffclaim c where c.decision_id = %(decision)s and (c.person_id = o.person_id or (c.whole and c.household_id = o.household_id)))
"""
CLAIMS = """
insert into doudi.payments_oneoffclaim (area, one_off_list_id, decision_id, person_id, household_id, whole, award_id, programme, amount)
select area, %(list)s, %(decision)s, person_id, household_id, %(whole)s, award_id, programme, %(amount)s from pg_temp.one_off_covered where reason is null order by person_id
"""
LEFT_OUT = """
insert into doudi.payments_oneoffleftout (area, one_off_list_id, person_id, household_id, reason)
select distinct on (person_id) area, %(list)s, person_id, household_id, reason from pg_temp.one_off_covered where reason is not null order by person_id
"""
SUMMARY = """
select json_build_object(
  'groups', (select coalesce(json_agg(t order by t.programme), '[]') from (select programme, count(*) as people, sum(amount) as amount
     from doudi.payments_oneoffclaim where one_off_list_id = %(list)s group by 1) t),
  'places', (select coalesce(json_agg(t order by t.area), '[]') from (select left(area, 9) as area, count(*) as people, sum(amount) as amount
     from doudi.payments_oneoffclaim where one_off_list_id = %(list)s group by 1) t),
  'left_out', (select coalesce(json_agg(t order by t.reason), '[]') from (select reason, count(*) as people
     from doudi.payments_oneoffleftout where one_off_list_id = %(list)s group by 1) t))::text,
  (select count(*) from doudi.payments_oneoffclaim where one_off_list_id = %(list)s),
  (select coalesce(sum(amount), 0) from doudi.payments_oneoffclaim where one_off_list_id = %(list)s)
"""
# One grant for each claim, to the payee and account of the award; who moved away since is named as the old county may.
GRANTS = """
select c.area, 'subsidy', c.decision_id, 1, %s::date, c.amount, c.household_id, a.payee_id, a.payee_name, coalesce(payee.token, gone.token),
  coalesce(p.name, g.name), coalesce(p.token, g.token), a.account, a.bank
from doudi.payments_oneoffclaim c
join doudi.enrolment_award a on a.id = c.award_id
left join doudi.registry_person payee on payee.id = a.payee_id
left join doudi.registry_person p on p.id = c.person_id
left join doudi.moved_people() gone on gone.id = a.payee_id
left join doudi.moved_people() g on g.id = c.person_id
where c.one_off_list_id = %s and c.entitlement_id is null and coalesce(p.token, g.token) is not null
"""
GRANTED = """
with who as (select id, token from doudi.registry_person where area >= %(low)s and area < %(high)s union select id, token from doudi.moved_people())
update doudi.payments_oneoffclaim c set entitlement_id = g.id
from doudi.payments_grant g join who w on w.token = g.beneficiary
where c.one_off_list_id = %(list)s and g.programme = 'subsidy' and g.cause = c.decision_id and not g.void and w.id = c.person_id and c.entitlement_id is null
"""


def level_of(area: str) -> str:
    return {2: "province", 4: "city", 6: "county"}.get(len(area), "")


def split(amount: Decimal, shares: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """What each level pays of an amount, to the fen; the last level takes what rounding leaves."""
    levels = [level for level in LEVELS if Decimal(str(shares.get(level, 0))) > 0]
    found, rest = [], amount
    for level in levels[:-1]:
        part = (amount * Decimal(str(shares[level])) / 100).quantize(Decimal("0.01"))
        found.append((level, part))
        rest -= part
    return [*found, (levels[-1], rest)] if levels else []


@transaction.atomic
def decide_one_off(
    *, area: str, title: str, document: str, programmes: Collection[str], month: date, amount: Decimal, now: datetime, per: str = "person",
    shares: Mapping[str, int] | None = None,
) -> OneOffDecision:
    """Propose (拟定) a one-off payment to groups: `amount` yuan for each person or household that held an award of `programmes` in `month`.

    `shares`: per cent by level, 100 in all; by default the deciding level pays. The same twice is one. Raises ValidationError by field.
    """
    acting = duties.require("payments.one_off_decide")
    if not level_of(area) or not acting.covers(area):
        raise ValidationError({"area": _("一次性补助由省、市、县决定；所选地区不在您的管辖范围内。")})
    chosen = list(dict.fromkeys(programmes))
    shares = {level: int(part) for level, part in (shares or {level_of(area): 100}).items() if part}
    if not title.strip() or not document.strip():
        raise ValidationError({"document" if title.strip() else "title": _("请填写名称和文号。")})
    if not chosen or not set(chosen) <= set(Programme.values):
        raise ValidationError({"programmes": _("请选择发给哪些对象。")})
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValidationError({"amount": _("“金额”应为正数，精确到分；请更正。")})
    if month.replace(day=1) > timezone.localdate(now).replace(day=1):
        raise ValidationError({"month": _("享受月份还没有到：名单按该月的在享人员确定。")})
    if per not in OneOffDecision.Per.values:
        raise ValidationError({"per": _("请选择按人还是按户。")})
    if not set(shares) <= set(LEVELS) or any(part < 0 for part in shares.values()) or sum(shares.values()) != 100:
        raise ValidationError({"shares": _("各级分担比例合计应为 100%。")})
    _fund(area, timezone.localdate(now).year)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('one-off ' || %s, 0))", [area])
    values = {"programmes": chosen, "month": month.replace(day=1), "amount": amount, "per": per, "shares": shares}
    same = OneOffDecision.objects.filter(area=area, title=title.strip()[:80], document=document.strip()[:120], state__in=[Decided.PROPOSED, Decided.CONFIRMED]).first()
    if same is not None:
        if all(getattr(same, name) == value for name, value in values.items()):
            return same
        raise ValidationError({"document": _("同一文号、同一名称已有一项决定，内容不同；请核对文件，或先退回、撤回它。")})
    row = OneOffDecision.objects.create(
        area=area, title=title.strip()[:80], document=document.strip()[:120], made_by_id=acting.account_id, made_at=now, **values
    )
    raise_todo(
        kind="payments.one_off_confirm", area=area, duty=Duty.COUNTY_APPROVER if len(area) == 6 else Duty.SUPERVISOR, title=f"确认一次性补助：{row.title}"[:200],
        url=f"/payments/subsidies/{row.pk}/", subject="one_off_decision", subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return row


def _fund(area: str, year: int) -> None:
    """Some fund may pay one-off subsidies there and then. Raises ValidationError where none may."""
    if ledger.fund_for(OneOff.SUBSIDY, area, year) is None:
        raise ValidationError(_("没有资金可以用于一次性补助；请先由财政确认资金用途。"))


def _locked(model: Any, pk: int, version: int, act: str) -> Any:
    acting = duties.require(act)
    row = model.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这一项，或它不在您的管辖范围内。"))
    if row.state != "proposed" or row.version != version:
        raise ValidationError(_("这一项现为“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    return row


def _settle(row: Any, state: str, note: str, subject: str, now: datetime) -> None:
    row.state, row.decided_by_id, row.decided_at, row.decision_note = state, scopes.current().account_id, now, note.strip()[:200]
    row.version += 1
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_note", "version"])
    finish_todos(subject=subject, subject_id=row.pk, now=now)


@transaction.atomic
def settle_decision(*, decision_id: int, version: int, agreed: bool, note: str = "", now: datetime) -> OneOffDecision:
    """Confirm another officer's decision, from which each county makes its list; or send it back with the reason."""
    row: OneOffDecision = _locked(OneOffDecision, decision_id, version, "payments.one_off_confirm")
    duties.require_apart("payments.one_off_confirm", done={"payments.one_off_decide": row.made_by_id})
    if not agreed and not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    _settle(row, Decided.CONFIRMED if agreed else Decided.SENT_BACK, note, "one_off_decision", now)
    if agreed:
        counties = list(Division.objects.filter(code__startswith=row.area, level=Division.Level.COUNTY, ends=None).order_by("code").values_list("code", flat=True))
        raise_todos(
            "select c.area, %s, 'payments.one_off_list', %s, '/payments/subsidies/' || %s || '/', 'one_off_list', c.area::bigint * 1000000 + %s, null::date"
            " from unnest(%s::text[]) c (area)",
            [Duty.COUNTY_REVIEWER, f"编制一次性补助名单：{row.title}"[:200], row.pk, row.pk % 1_000_000, counties],
            now=now,
        )
    scopes.check_constraints()
    return row


@transaction.atomic
def make_list(*, decision_id: int, area: str, now: datetime) -> OneOffList:
    """List (编制名单) everybody of the county whom a confirmed decision covers and no list holds yet. Asking twice gives the same open list.

    Raises ValidationError where nobody is missing.
    """
    acting = duties.require("payments.one_off_list")
    decision = OneOffDecision.objects.filter(pk=decision_id, state=Decided.CONFIRMED).first()
    if decision is None or len(area) != 6 or not acting.covers(area) or not area.startswith(decision.area):
        raise ValidationError(_("没有这一项已确认的决定，或本县不在其范围内。"))
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('one-off list ' || %s, 0))", [f"{area} {decision_id}"])
    earlier = OneOffList.objects.filter(area=area, decision=decision)
    if (waiting := earlier.filter(state=Listed.PROPOSED).first()) is not None:
        return waiting
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                made = _write(decision, area, (earlier.aggregate(last=Max("serial"))["last"] or 0) + 1, now)
            break
        except IntegrityError as error:
            # another county listed one of the people while we wrote: look again, they are left out now
            if attempt == 2 or "_once" not in str(error):
                raise ValidationError(_("编制时数据有变动，未写入任何一人；请重新编制。")) from error
    finish_todos(subject="one_off_list", subject_id=int(area) * 1_000_000 + decision.pk % 1_000_000, now=now)
    raise_todo(
        kind="payments.one_off_approve", area=area, duty=Duty.COUNTY_APPROVER, title=f"审批一次性补助名单：{decision.title} {made.people} 笔"[:200],
        url=f"/payments/subsidies/lists/{made.pk}/", subject="one_off_listed", subject_id=made.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


def _write(decision: OneOffDecision, area: str, serial: int, now: datetime) -> OneOffList:
    county = scopes.Scope(area=area)
    made = OneOffList.objects.create(area=area, decision=decision, serial=serial, made_by_id=scopes.current().account_id, made_at=now)
    values = {
        "decision": decision.pk, "county": area, "low": county.low, "high": county.high, "month": decision.month, "programmes": decision.programmes,
        "whole": decision.per == OneOffDecision.Per.HOUSEHOLD, "amount": decision.amount, "list": made.pk,
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute("drop table if exists pg_temp.one_off_covered")
        cursor.execute(COVERED, values)
        cursor.execute(CLAIMS, values)
        cursor.execute(LEFT_OUT, values)
        cursor.execute("drop table pg_temp.one_off_covered")
    with connection.cursor() as cursor:
        cursor.execute(SUMMARY, values)
        summary, made.people, made.amount = cursor.fetchone()
    if not made.people:
        raise ValidationError(
            _("%(month)s在享的对象都已列入名单，没有遗漏。") % {"month": f"{decision.month:%Y-%m}"}
            if serial > 1
            else _("本县 %(month)s没有符合条件的对象。") % {"month": f"{decision.month:%Y-%m}"}
        )
    made.summary = json.loads(summary)
    made.save(update_fields=["summary", "people", "amount"])
    return made


@transaction.atomic
def approve_list(*, list_id: int, version: int, note: str = "", now: datetime) -> OneOffList:
    """Approve (审批) another officer's list: each claim becomes a one-off entitlement that the county's next one-off payroll pays."""
    row: OneOffList = _locked(OneOffList, list_id, version, "payments.one_off_approve")
    duties.require_apart("payments.one_off_approve", done={"payments.one_off_list": row.made_by_id})
    county = scopes.Scope(area=row.area)
    grants.make_grants(act="payments.one_off_approve", sql=GRANTS, params=[timezone.localdate(now).replace(day=1), row.pk], now=now)
    with connection.cursor() as cursor:
        cursor.execute(GRANTED, {"list": row.pk, "low": county.low, "high": county.high})
    _settle(row, Listed.APPROVED, note, "one_off_listed", now)
    raise_todo(
        kind="payments.one_off_pay", area=row.area, duty=Duty.COUNTY_REVIEWER, title=f"编制一次性补助发放批次（{row.people} 笔）",
        url=f"/payments/subsidies/lists/{row.pk}/", subject="one_off_pay", subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return row


@transaction.atomic
def drop_list(*, list_id: int, version: int, note: str = "", now: datetime) -> None:
    """Send a list back (its approver, with the reason) or take one's own back; its people can be listed again."""
    sends_back = duties.may("payments.one_off_approve")
    row: OneOffList = _locked(OneOffList, list_id, version, "payments.one_off_approve" if sends_back else "payments.one_off_list")
    if sends_back and not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    if not sends_back and row.made_by_id != scopes.current().account_id:
        raise ValidationError(_("只有编制人可以撤回。"))
    OneOffClaim.objects.filter(one_off_list=row)._raw_delete("default")
    OneOffLeftOut.objects.filter(one_off_list=row)._raw_delete("default")
    _settle(row, Listed.SENT_BACK if sends_back else Listed.WITHDRAWN, note or "撤回", "one_off_listed", now)
    raise_todo(
        kind="payments.one_off_list", area=row.area, duty=Duty.COUNTY_REVIEWER, title="一次性补助名单已退回，请重新编制", url=f"/payments/subsidies/{row.decision_id}/",
        subject="one_off_list", subject_id=int(row.area) * 1_000_000 + row.decision_id % 1_000_000, now=now,
    )  # fmt: skip
    scopes.check_constraints()


@transaction.atomic
def pay_list(*, list_id: int, on: date, now: datetime) -> Prepared:
    """The county's one-off payroll of subsidies: prepared, or its draft refreshed, with everything that is approved and due."""
    duties.require("payments.prepare")
    row = OneOffList.objects.filter(pk=list_id, state=Listed.APPROVED).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError(_("没有这一份已审批的名单，或它不在您的管辖范围内。"))
    made = grants.prepare_one_off(area=row.area, month=on, programme=OneOff.SUBSIDY, now=now)
    finish_todos(subject="one_off_pay", subject_id=row.pk, now=now)
    return made


__all__ = ["approve_list", "decide_one_off", "drop_list", "make_list", "pay_list", "settle_decision", "split"]
