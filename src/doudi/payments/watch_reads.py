"""What a payroll's page says of comparison, unusual lines and exclusions: read from what was written with the lines; a handful of queries at any size."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.payments import queries, unusual
from doudi.payments.models import LineFlag, Payroll, PayrollChange, PayrollExclusion, PayrollTotal, paid_choices, paid_label

MOST = 20
COUNTED = ("lines_before", "added", "ended", "changed", "lines")
MONEY = ("before", "amount", "difference")

# reason -> what to do about it; it then comes back by itself
WHAT_TO_DO: dict[str, str | Promise] = {
    "no_account": _("乡镇登记领款账户"),
    "suspended": _("查清暂停原因后恢复发放"),
    "payee_died": _("确定新领款人"),
    "no_fund": _("财政明确资金用途"),
    "paid_elsewhere": _("无须办理：当月已由另一地或另一待遇发放"),
    "returned": _("乡镇更正退票账户，县级确认"),
    "after_freeze": _("冻结后审批：编制补发批次，或随下月发放"),
}
FLAGGED = """
select f.entitlement_id, min(f.payee_name) as payee_name, min(f.area) as area, min(f.household_id) as household_id, min(f.before) as before,
  min(f.amount) as amount, bool_or(f.must) as must, array_agg(f.rule order by f.rule) as rules, array_agg(f.detail order by f.rule) as details,
  min(v.verdict) as verdict, min(v.note) as note, bool_or(v.id is not null and v.amount is not null and v.amount <> f.amount) as changed
from payments_lineflag f left join payments_linereview v on v.payroll_id = f.payroll_id and v.entitlement_id = f.entitlement_id
where f.payroll_id = %(payroll)s group by 1
order by (bool_or(f.must) and bool_and(v.id is null or v.amount <> f.amount)) desc, min(f.amount) desc, 1 limit %(most)s
"""
HELD = """
select x.entitlement_id, min(x.payee_name) as payee_name, min(x.area) as area, min(x.household_id) as household_id, null as before, sum(x.amount) as amount,
  true as must, array['held'] as rules, array[0] as details, min(v.verdict) as verdict, min(v.note) as note, false as changed
from payments_payrollexclusion x join payments_linereview v on v.payroll_id = x.payroll_id and v.entitlement_id = x.entitlement_id
where x.payroll_id = %(payroll)s and x.reason = 'held' group by 1 order by 6 desc limit %(most)s
"""


def _rows(sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    zero: dict[str, Any] = dict.fromkeys(COUNTED, 0) | dict.fromkeys(MONEY, Decimal("0.00"))
    return {name: sum((row[name] for row in rows), start) for name, start in zero.items()}


def compared(payroll: Payroll, before: Payroll | None) -> dict[str, Any]:
    """This payroll beside the month before, by programme (urban and rural apart) and by township, with totals; yuan.

    One query; payrolls from before totals were kept are compared line by line.
    """
    rows = list(PayrollTotal.objects.filter(payroll=payroll).values("area", "programme", "residence", "before", "amount", *COUNTED[:1], *COUNTED[1:]))
    if not rows and payroll.lines:
        return queries.compare(payroll, before)
    for row in rows:
        row["difference"] = row["amount"] - row["before"]
    order = [value for value, _label in paid_choices()]
    programmes, townships = [], []
    for key in sorted({(row["programme"], row["residence"]) for row in rows}, key=lambda key: (order.index(key[0]), key[1])):
        programme, residence = key
        label = (f"{queries.RESIDENCES[residence]} " if residence in queries.RESIDENCES else "") + paid_label(programme)
        own = _summed([row for row in rows if (row["programme"], row["residence"]) == key])
        programmes.append({"programme": programme, "residence": residence, "label": label, **own})
    areas = sorted({row["area"] for row in rows})
    places.preload(areas)
    for area in areas:
        townships.append({"key": area, "label": places.name(area), **_summed([row for row in rows if row["area"] == area])})
    return {"programmes": programmes, "townships": townships, "total": _summed(rows)}


def whys(payroll: Payroll) -> list[dict[str, Any]]:
    """Differences to the month before by what and why: lines and yuan more or less, the largest first."""
    found = _rows(
        "select what, why, count(*)::int as lines, coalesce(sum(coalesce(amount, 0) - coalesce(before, 0)), 0) as difference"
        " from payments_payrollchange where payroll_id = %(payroll)s group by 1, 2 order by 1, 3 desc",
        {"payroll": payroll.pk},
    )
    for row in found:
        row["what_label"], row["why_label"] = PayrollChange.What(row["what"]).label, PayrollChange.Why(row["why"]).label
    return found


def flagged(payroll: Payroll, *, most: int = MOST) -> list[dict[str, Any]]:
    """Lines that stand out, with why and what the reviewer found, at most `most`: those that wait first; then what was taken out."""
    rows = _rows(FLAGGED, {"payroll": payroll.pk, "most": most}) + _rows(HELD, {"payroll": payroll.pk, "most": most})
    for row in rows:
        row["why"] = "；".join(unusual.why(rule, detail) for rule, detail in zip(row["rules"], row["details"], strict=True) if rule != "held")
        row["waits"] = row["must"] and (row["verdict"] is None or row["changed"])
    return rows


def rules_of(payroll: Payroll) -> list[dict[str, Any]]:
    """Flags by rule: lines, and how many wait for a review."""
    found = {
        row["rule"]: row
        for row in _rows(
            "select f.rule, bool_or(f.must) as must, count(*)::int as lines, count(*) filter (where f.must and v.id is null)::int as waits"
            " from payments_lineflag f left join payments_linereview v on v.payroll_id = f.payroll_id and v.entitlement_id = f.entitlement_id"
            " and (v.amount is null or v.amount = f.amount) where f.payroll_id = %(payroll)s group by 1",
            {"payroll": payroll.pk},
        )
    }
    return [{"label": rule.label, **found[rule.name]} for rule in unusual.RULES if rule.name in found]


def flags_in(payroll: Payroll) -> int:
    return LineFlag.objects.filter(payroll=payroll).values("entitlement_id").distinct().count()


def after_freeze(payroll: Payroll) -> int:
    """Awards that were decided after this payroll's freeze and still wait for a payroll of the month."""
    rows = _rows(
        "select count(distinct x.entitlement_id)::int as n from payments_payrollexclusion x left join payments_payrollline l"
        " on l.entitlement_id = x.entitlement_id and l.month_entitled = x.month_entitled and l.kind = 'regular' and l.month_entitled <= %(month)s"
        " where x.payroll_id = %(payroll)s and x.reason = 'after_freeze' and l.id is null",
        {"payroll": payroll.pk, "month": payroll.month},
    )
    return int(rows[0]["n"])


def what_to_do(reason: str) -> Any:
    """What ends a reason; for one that is not named here, when it comes back."""
    return WHAT_TO_DO.get(reason) or queries.WHEN_BACK.get(PayrollExclusion.Reason(reason), "")
