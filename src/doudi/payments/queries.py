"""Reads of payments: figures of a payroll, comparison with the month before, unusual lines, the calendar. A few queries each."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import places
from doudi.core.plans import at_once
from doudi.payments import calendar
from doudi.payments.models import BankReturn, Payroll, PayrollExclusion, paid_choices, paid_label

WEEKDAYS = (gettext_lazy("周一"), gettext_lazy("周二"), gettext_lazy("周三"), gettext_lazy("周四"), gettext_lazy("周五"), gettext_lazy("周六"), gettext_lazy("周日"))


def _rows(sql: str, params: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def regular_payroll(*, area: str, month: date) -> Payroll | None:
    return Payroll.objects.filter(area=area, month=month.replace(day=1), kind=Payroll.Kind.REGULAR).order_by("-serial").first()


def figures(payroll_id: int) -> dict[str, Any]:
    """One payroll in figures (yuan as text): month, state, lines, total, by_fund, paid, returned."""
    payroll = Payroll.objects.get(pk=payroll_id)
    funds = _rows(
        "select f.code, sum(l.amount) as amount from payments_payrollline l join payments_fund f on f.id = l.fund_id where l.payroll_id = %s"
        " and l.month_entitled <= %s group by 1 order by 1",
        [payroll_id, payroll.latest],
    )
    answer = answered(payroll)
    return {
        "number": payroll.number,
        "month": f"{payroll.month:%Y-%m}",
        "state": payroll.state,
        "lines": payroll.lines,
        "total": f"{payroll.amount:.2f}",
        "by_fund": {row["code"]: f"{row['amount']:.2f}" for row in funds},
        "paid": answer["paid_lines"],
        "returned": answer["returned_lines"],
    }


def answered(payroll: Payroll) -> dict[str, Any]:
    """What the bank answered: lines and yuan paid and returned."""
    (row,) = _rows(
        "select coalesce(sum(paid_lines), 0)::int as paid_lines, coalesce(sum(paid_amount), 0) as paid_amount,"
        " coalesce(sum(returned_lines), 0)::int as returned_lines, coalesce(sum(returned_amount), 0) as returned_amount, max(booked_at) as at"
        " from payments_bankresult where payroll_id = %s",
        [payroll.pk],
    )
    return row


def previous_of(payroll: Payroll) -> Payroll | None:
    """The county's regular payroll of the month before."""
    before = (payroll.month - timedelta(days=1)).replace(day=1)
    return regular_payroll(area=payroll.area, month=before)


# --- calendar -------------------------------------------------------------------------------------------------------


def due_day(payroll: Payroll) -> date:
    """The day on which the money must have arrived."""
    return calendar.days_of(payroll.month, payroll.area).due


def said(day: date) -> str:
    return f"{day:%m-%d} {WEEKDAYS[day.weekday()]}"


def steps(payroll: Payroll, *, today: date) -> list[dict[str, str]]:
    """Steps of a payroll for the step bar: planned day, what was done and when; the first one not done is now (bad when its day is over)."""
    days = calendar.days_of(payroll.month, payroll.area)
    file_at = payroll.files.aggregate(at=Min("made_at"))["at"]
    moments = {
        "prepare_at": payroll.prepared_at, "check_at": payroll.checked_at, "approve_at": payroll.approved_at, "release_at": payroll.released_at,
        "file_at": file_at, "bank_at": payroll.booked_at,
    }  # fmt: skip
    row = {"id": payroll.pk, "state": payroll.state, "lines": payroll.lines, "amount": payroll.amount, "paid": 0, "booked_on": None, "booked_days": [], "booked_amounts": []}
    found = calendar.progress(days, payroll.area, row | moments, today=today)
    booked = payroll.state == Payroll.State.BOOKED
    counted = {"all": 0, "open": 0}
    if booked:
        counted = BankReturn.objects.filter(payroll=payroll).aggregate(all=Count("id"), open=Count("id", filter=~Q(state=BankReturn.State.REISSUED)))
    shown = [(str(one.step.label), one.day, one.done, one.at) for one in found.steps]
    repaired = booked and not counted["open"]
    shown += [(_("退票处理"), days.due, repaired, None), (_("对账"), days.reconcile, repaired and all(one.done for one in found.steps), None)]
    bar, before = [], True
    for label, day, done, moment in shown:
        note = ""
        if done and moment is not None and label != shown[0][0]:
            note = f"{timezone.localtime(moment):%m-%d %H:%M}"
        elif label == _("退票处理") and counted["all"]:
            note = _("%(total)s 笔中已重新发放 %(done)s 笔") % {"total": counted["all"], "done": counted["all"] - counted["open"]}
        bar.append({"label": label, "small": said(day), "small2": note, "state": "done" if done else ("bad" if day < today else "now") if before else ""})
        before = before and done
    return bar


# --- comparison -----------------------------------------------------------------------------------------------------

COMPARED = """
with cur as (select entitlement_id, programme, min(household_id) as household_id, min(area) as area, sum(amount) as amount, count(*) as n
             from payments_payrollline where payroll_id = %(now)s and month_entitled <= %(month)s group by 1, 2),
     prev as (select entitlement_id, programme, min(household_id) as household_id, min(area) as area, sum(amount) as amount, count(*) as n
              from payments_payrollline where payroll_id = %(before)s and month_entitled <= %(month)s group by 1, 2),
     both_of as (select coalesce(c.programme, p.programme) as programme, coalesce(c.household_id, p.household_id) as household_id,
                        coalesce(c.area, p.area) as area, c.amount as now, p.amount as before, c.n as n_now, p.n as n_before
                 from cur c full join prev p on p.entitlement_id = c.entitlement_id and p.programme = c.programme)
select {key} as key, coalesce(sum(b.n_before), 0)::int as lines_before, count(*) filter (where b.before is null)::int as added,
  count(*) filter (where b.now is null)::int as ended, count(*) filter (where b.now <> b.before)::int as changed, coalesce(sum(b.n_now), 0)::int as lines,
  coalesce(sum(b.before), 0) as before, coalesce(sum(b.now), 0) as amount, coalesce(sum(b.now), 0) - coalesce(sum(b.before), 0) as difference
from both_of b {join} group by 1 order by 1
"""
BY_PROGRAMME = COMPARED.format(
    key="b.programme || coalesce(' ' || case when b.programme in ('dibao', 'dibao_single', 'tekun') then h.residence end, '')",
    join="left join registry_household h on h.id = b.household_id",
)
BY_TOWNSHIP = COMPARED.format(key="left(b.area, 9)", join="")
RESIDENCES = {"urban": gettext_lazy("城市"), "rural": gettext_lazy("农村")}


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    counted, money = ("lines_before", "added", "ended", "changed", "lines"), ("before", "amount", "difference")
    return {name: sum(row[name] for row in rows) for name in counted} | {name: sum((row[name] for row in rows), Decimal("0.00")) for name in money}


def compare(payroll: Payroll, before: Payroll | None) -> dict[str, Any]:
    """This payroll beside the one before, by programme (urban and rural apart) and by township, with totals; yuan."""
    values = {"now": payroll.pk, "before": before.pk if before else 0, "month": payroll.latest}
    with connection.cursor() as cursor, at_once(cursor):
        programmes, townships = _rows(BY_PROGRAMME, values), _rows(BY_TOWNSHIP, values)  # type: ignore[arg-type]
    order = [value for value, _label in paid_choices()]
    for row in programmes:
        code, _space, residence = row["key"].partition(" ")
        row["programme"], row["residence"] = code, residence
        row["label"] = (f"{RESIDENCES[residence]} " if residence in RESIDENCES else "") + paid_label(code)
    programmes.sort(key=lambda row: (order.index(row["programme"]), row["residence"]))
    places.preload(row["key"] for row in townships)
    for row in townships:
        row["label"] = places.name(row["key"])
    return {"programmes": programmes, "townships": townships, "total": _total(programmes)}


# --- lines ----------------------------------------------------------------------------------------------------------

WHEN_BACK = {
    PayrollExclusion.Reason.NO_ACCOUNT: gettext_lazy("登记账户后随下批补发"),
    PayrollExclusion.Reason.SUSPENDED: gettext_lazy("暂停原因消除后"),
    PayrollExclusion.Reason.COOLING: gettext_lazy("冷静期满后随下批补发，急需时县级可提前启用"),
    PayrollExclusion.Reason.PAYEE_OVER: gettext_lazy("续签或变更领款人后随下批补发"),
    PayrollExclusion.Reason.PAYEE_DIED: gettext_lazy("登记新领款人后随下批补发"),
    PayrollExclusion.Reason.NO_FUND: gettext_lazy("明确资金来源后"),
    PayrollExclusion.Reason.PAID_ELSEWHERE: gettext_lazy("当月不再发放"),
    PayrollExclusion.Reason.RETURNED: gettext_lazy("乡镇报送更正后"),
    PayrollExclusion.Reason.HELD: gettext_lazy("核查清楚后随下批补发"),
    PayrollExclusion.Reason.AFTER_FREEZE: gettext_lazy("补发批次，或随下月发放"),
}


def exclusions(payroll: Payroll) -> list[dict[str, Any]]:
    """What is left out, by reason: number, yuan, when it comes back."""
    rows = _rows(
        "select reason, count(*)::int as lines, sum(amount) as amount from payments_payrollexclusion where payroll_id = %s group by 1 order by 1",
        [payroll.pk],
    )
    for row in rows:
        reason = PayrollExclusion.Reason(row["reason"])
        row["label"], row["when"] = reason.label, WHEN_BACK[reason]
    return rows


def waiting_corrections(area_low: str, area_high: str) -> int:
    """Returned lines that are corrected and wait to be paid again."""
    return BankReturn.objects.filter(area__gte=area_low, area__lt=area_high, state=BankReturn.State.CORRECTED).count()


def grants_due(area_low: str, area_high: str) -> dict[str, Any]:
    """One-off grants that no payroll holds yet: number and yuan, and how many of them have no account."""
    (row,) = _rows(
        "select count(*)::int as n, coalesce(sum(g.amount), 0) as amount, count(*) filter (where g.account is null)::int as no_account"
        " from payments_grant g left join payments_payrollline l on l.entitlement_id = g.id and l.month_entitled = g.month and l.kind = 'grant'"
        " where g.area >= %s and g.area < %s and g.way = 'payroll' and not g.void and l.id is null",
        [area_low, area_high],
    )
    return row


def reserves(area_low: str, area_high: str, year: int) -> list[dict[str, Any]]:
    """Township reserves within a range: yuan in hand, paid and not settled, paid in a calendar year. One query."""
    return _rows(
        "select area, sum(amount) filter (where account = 'reserve') as held, sum(amount) filter (where account = 'reserve_paid') as unsettled,"
        " coalesce(sum(amount) filter (where account = 'reserve_paid' and amount > 0 and extract(year from booked_on) = %s), 0) as paid"
        " from payments_ledgerentry where area >= %s and area < %s and account in ('reserve', 'reserve_paid') group by 1 order by 1",
        [year, area_low, area_high],
    )


def people_in(payroll: Payroll) -> int:
    """Persons whom the regular lines of the payroll's own month pay."""
    return int(
        _rows(
            "select coalesce(sum(members), 0)::int as n from payments_payrollline where payroll_id = %s and month_entitled <= %s"
            " and (month_entitled = month_paid and kind = 'regular' or kind = 'grant')",
            [payroll.pk, payroll.month],
        )[0]["n"]
    )


def last_lines(household_id: int, *, most: int = 12) -> list[dict[str, Any]]:
    """The last lines of a household with what became of them: paid, returned, on their way."""
    # no line is of a later month than its payroll: without this the plan goes through the years of months that are kept ready
    newest = Payroll.objects.aggregate(month=Max("month"))["month"]
    if newest is None:
        return []
    return _rows(
        "select l.id, l.month_entitled, l.month_paid, l.kind, l.programme, l.amount, l.payee_name, p.state, p.number, r.state as return_state, r.reason"
        " from (select * from payments_payrollline where household_id = %s and month_entitled <= %s"
        " order by month_paid desc, month_entitled desc, id desc limit %s) l"
        " join payments_payroll p on p.id = l.payroll_id"
        " left join payments_bankreturn r on r.line_id = l.id and r.month_entitled = l.month_entitled"
        " order by l.month_paid desc, l.month_entitled desc, l.id desc",
        [household_id, newest, most],
    )
