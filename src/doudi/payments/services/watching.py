"""What a payroll is held against before anybody signs it: written with the lines, set-based, so that its page opens at once whatever its size."""

from __future__ import annotations

from typing import Any

from django.db import connection

from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.core.settings_overlay import overlay, value_at
from doudi.payments.calendar import Rules, month_before
from doudi.payments.models import Payroll
from doudi.payments.unusual import RULES

# One row per entitlement: what it gets in all, for its own month, for how many earlier ones, and where its household lives (null: none that is seen).
# Nearly every one has the month's own line alone, which needs no adding up: a regular line is the only one of its month.
GROUPED = """
create temporary table {table} on commit drop as
with more as materialized (
  select distinct l.entitlement_id from doudi.payments_payrollline l
  where l.payroll_id = any(%(payrolls)s) and l.month_entitled <= %(month)s and not (l.kind = 'regular' and l.month_entitled = l.month_paid)
), got as (
  select l.entitlement_id, l.programme, l.area, l.household_id, l.payee_id, l.payee_name, l.account, l.amount, 1 as n, l.amount as monthly, l.members,
    l.decision_id, 0 as late_months, l.mark = 'death' as death
  from doudi.payments_payrollline l
  where l.payroll_id = any(%(payrolls)s) and l.month_entitled <= %(month)s and l.month_entitled = l.month_paid and l.kind = 'regular'
    and not exists (select from more m where m.entitlement_id = l.entitlement_id)
  union all
  select l.entitlement_id, min(l.programme), min(l.area), min(l.household_id), min(l.payee_id), min(l.payee_name), min(l.account::text)::uuid,
    sum(l.amount), count(*) filter (where l.amount > 0)::int,
    sum(l.amount) filter (where l.month_entitled = l.month_paid and l.kind = 'regular'), max(l.members) filter (where l.month_entitled = l.month_paid),
    max(l.decision_id) filter (where l.month_entitled = l.month_paid and l.kind = 'regular'),
    count(distinct l.month_entitled) filter (where l.month_entitled < l.month_paid and l.kind in ('regular', 'back'))::int, bool_or(l.mark = 'death')
  from doudi.payments_payrollline l
  where l.payroll_id = any(%(payrolls)s) and l.month_entitled <= %(month)s and l.entitlement_id in (select entitlement_id from more) group by 1
)
select g.*, h.residence from got g left join doudi.registry_household h on h.id = g.household_id
"""
TOTALS = """
insert into doudi.payments_payrolltotal (area, payroll_id, programme, residence, lines_before, lines, added, ended, changed, before, amount)
select left(coalesce(c.area, p.area), 9), %(payroll)s, coalesce(c.programme, p.programme),
  coalesce(case when coalesce(c.programme, p.programme) in ('dibao', 'dibao_single', 'tekun')
    then case when c.household_id is null then p.residence else c.residence end end, ''),
  coalesce(sum(p.n), 0), coalesce(sum(c.n), 0), count(*) filter (where p.entitlement_id is null), count(*) filter (where c.entitlement_id is null),
  count(*) filter (where c.amount <> p.amount), coalesce(sum(p.amount), 0), coalesce(sum(c.amount), 0)
from look_cur c full join look_prev p on p.entitlement_id = c.entitlement_id group by 1, 3, 4
"""
# Why: what was recorded, in the order of how much it explains. A standard's raise says so in the ground of its decisions (enrolment).
DIFFERENCES = """
create temporary table look_diff on commit drop as
with apart as (
  select coalesce(c.entitlement_id, p.entitlement_id) as entitlement_id, coalesce(c.area, p.area) as area, coalesce(c.programme, p.programme) as programme,
    coalesce(c.household_id, p.household_id) as household_id, case when c.household_id is null then p.residence else c.residence end as residence,
    coalesce(c.payee_name, p.payee_name) as payee_name, p.amount as before, c.amount,
    case when p.entitlement_id is null then 'added' when c.entitlement_id is null then 'ended' else 'changed' end as what,
    c.death and not p.death as died, c.late_months <> p.late_months as arrears, c.members <> p.members as members,
    c.decision_id is distinct from p.decision_id as decided, c.decision_id
  from look_cur c full join look_prev p on p.entitlement_id = c.entitlement_id
  where c.entitlement_id is null or p.entitlement_id is null or c.amount <> p.amount
), gone as (
  select m.award_id, bool_and(m.died_on is not null) as all_died from doudi.enrolment_awardmember m
  join apart a on a.entitlement_id = m.award_id and a.what = 'ended' where not m.void group by 1
), stopped as (
  select distinct on (d.award_id) d.award_id, d.number from doudi.enrolment_decision d
  join apart a on a.entitlement_id = d.award_id and a.what = 'ended' where d.kind = 'stop' and d.state = 'approved' order by d.award_id, d.decided_at desc
)
select a.entitlement_id, a.area, a.programme, a.household_id, a.payee_name, a.before, a.amount, a.what,
  case a.what
    when 'added' then case when was.entitlement_id is not null then 'resumed' else 'granted' end
    when 'ended' then case when now.entitlement_id is not null then 'left_out' when g.all_died then 'death'
                           when w.void or w.ends <= %(month)s then 'stopped' else 'other' end
    else case when a.died then 'death' when a.arrears then 'arrears' when a.members then 'members'
              when a.decided and d.reason like '标准调整%%' then 'standard' when a.decided then 'decision' else 'other' end end as why,
  case when a.what = 'ended' then coalesce(now.reason, s.number, '') when a.what = 'added' or a.decided then coalesce(d.number, '') else '' end as document,
  coalesce(case when a.programme in ('dibao', 'dibao_single', 'tekun') then a.residence end, '') as residence
from apart a
left join doudi.enrolment_award w on w.id = a.entitlement_id
left join gone g on g.award_id = a.entitlement_id
left join stopped s on s.award_id = a.entitlement_id
left join doudi.enrolment_decision d on d.id = a.decision_id
left join (select entitlement_id, min(reason) as reason from doudi.payments_payrollexclusion where payroll_id = %(payroll)s group by 1) now
  on now.entitlement_id = a.entitlement_id and a.what = 'ended'
left join (select distinct entitlement_id from doudi.payments_payrollexclusion where payroll_id = any(%(before)s)) was
  on was.entitlement_id = a.entitlement_id and a.what = 'added'
"""
CHANGES = """
insert into doudi.payments_payrollchange (area, payroll_id, entitlement_id, what, why, programme, residence, household_id, payee_name, before, amount, document)
select area, %(payroll)s, entitlement_id, what, why, programme, residence, household_id, payee_name, before, amount, document from look_diff order by entitlement_id
"""
FLAGS = """
insert into doudi.payments_lineflag (area, payroll_id, entitlement_id, rule, must, detail, programme, household_id, payee_name, before, amount)
select c.area, %(payroll)s, c.entitlement_id, f.rule, f.must, f.detail, c.programme, c.household_id, c.payee_name, p.amount, c.amount
from ({found}) f (entitlement_id, detail, rule, must)
join look_cur c on c.entitlement_id = f.entitlement_id left join look_prev p on p.entitlement_id = c.entitlement_id order by 3, 4
"""
TABLES = ("look_cur", "look_prev", "look_diff")


def before_of(payroll: Payroll) -> list[int]:
    """The county's regular and supplementary payrolls of the month before: what a regular payroll is compared with."""
    kinds = [Payroll.Kind.REGULAR, Payroll.Kind.SUPPLEMENT]
    return list(Payroll.objects.filter(area=payroll.area, month=month_before(payroll.month), kind__in=kinds).order_by("id").values_list("id", flat=True))


def standards(payroll: Payroll) -> dict[str, float]:
    """The county's dibao standards of the month, yuan per person; 0 where there is none."""
    settings = overlay(payroll.month)
    return {residence: value_at(settings, f"dibao.standard.{residence}", payroll.area, payroll.month) or 0 for residence in ("urban", "rural")}


def look(payroll: Payroll) -> None:
    """Write totals, differences and flags of a draft anew. Regular payrolls are compared with the month before; the others stand alone.

    The caller has written the lines, in the same transaction.
    """
    county = scopes.Scope(area=payroll.area)
    before = before_of(payroll) if payroll.kind in (Payroll.Kind.REGULAR, Payroll.Kind.SUPPLEMENT) else []
    compared = before if payroll.kind == Payroll.Kind.REGULAR else []
    rules = Rules(payroll.month)
    thresholds = {rule.name: rules.at(rule.parameter, payroll.area, payroll.month) for rule in RULES}
    values: dict[str, Any] = {"payroll": payroll.pk, "month": payroll.month, "before": before, "low": county.low, "high": county.high}
    values |= thresholds | standards(payroll)
    selects = [
        f"select q.*, '{rule.name}', {bool(rules.at(rule.review_parameter, payroll.area, payroll.month))} from ({rule.sql}) q"
        for rule in RULES
        if thresholds[rule.name] and (rule.name != "first" or before)
    ]
    with connection.cursor() as cursor, at_once(cursor, default_statistics_target="10"):
        for table in ("payments_payrolltotal", "payments_payrollchange", "payments_lineflag"):
            cursor.execute(f"delete from {table} where payroll_id = %s", [payroll.pk])
        for table in TABLES:
            cursor.execute(f"drop table if exists pg_temp.{table}")
        cursor.execute(GROUPED.format(table="look_cur"), {"payrolls": [payroll.pk], "month": payroll.latest})
        cursor.execute(GROUPED.format(table="look_prev"), {"payrolls": compared, "month": payroll.month})
        for table in TABLES[:2]:
            cursor.execute(f"analyze pg_temp.{table} (entitlement_id, household_id, payee_id, programme, account, amount)")
        cursor.execute(TOTALS, values)
        if payroll.kind == Payroll.Kind.SUPPLEMENT and before:
            # a supplement is no month to compare, but what stands out in it is seen beside the month before
            cursor.execute("drop table pg_temp.look_prev")
            cursor.execute(GROUPED.format(table="look_prev"), {"payrolls": before, "month": payroll.month})
        if before:  # with no month before, nothing differs from it
            cursor.execute(DIFFERENCES, values)
        if compared:
            cursor.execute(CHANGES, values)
        if selects:
            cursor.execute(FLAGS.format(found=" union all ".join(selects)), values)
        for table in TABLES:
            cursor.execute(f"drop table if exists pg_temp.{table}")
