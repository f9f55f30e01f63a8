"""What payments adds to other pages: the household's last lines, the month on the dashboard; what `doudi doctor` looks at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, checks_registry, panels, places
from doudi.core import scope as scopes
from doudi.core.checks_registry import Finding
from doudi.core.duties import WORKER
from doudi.core.models import Todo
from doudi.core.templatetags import ui
from doudi.payments import queries, watch_queries
from doudi.payments.models import BankReturn, Overpayment, Payroll, PayrollLine, ReservePayout, paid_label
from doudi.payments.services import drafts, proof


def household_lines(request: HttpRequest, household: Any) -> dict[str, Any] | None:
    """The last twelve lines (发放记录) of a household."""
    rows = queries.last_lines(household.pk)
    for row in rows:
        row["programme_name"], row["kind_name"] = paid_label(row["programme"]), PayrollLine.Kind(row["kind"]).label
        if row["return_state"]:
            row["said"], row["colour"] = f"{row['reason']}，{BankReturn.State(row['return_state']).label}", "orange"
        else:
            row["said"], row["colour"] = Payroll.State(row["state"]).label, "green" if row["state"] == "booked" else ""
    return {"rows": rows}


def month_card(request: HttpRequest) -> dict[str, Any] | None:
    """The newest payroll of one's own county on the dashboard."""
    acting = scopes.current()
    if len(acting.area) < 6:
        return None  # the levels above see all their counties
    row = Payroll.objects.filter(area__gte=acting.low, area__lt=acting.high, kind=Payroll.Kind.REGULAR).order_by("-month", "area").first()
    if row is None:
        return None
    return {
        "payroll": row,
        "steps": queries.steps(row, today=timezone.localdate()),
        "due": queries.due_day(row),
        "amount": ui.money(row.amount),
    }


def counties_card(request: HttpRequest) -> dict[str, Any] | None:
    """Who pays on time this month, for the levels above the county."""
    area, today = scopes.current().area, timezone.localdate()
    if len(area) >= 6:
        return None
    rows = watch_queries.overview(area=area, month=today, today=today)
    late = [row for row in rows if row.standing == "late"]
    places.preload(row.area for row in late[:5])
    return {"total": watch_queries.totals(rows), "late": late[:5], "more": max(0, len(late) - 5), "month": today.replace(day=1)}


attachable.add("reserve_payout", model=ReservePayout, view="payments.reserve_view", change="payments.reserve", settled=Q(settlement__isnull=False))
attachable.add("bank_return", model=BankReturn, view="payments.returns", change="payments.correct", settled=Q(state__in=("corrected", "reissued")))
attachable.add("overpayment", model=Overpayment, view="payments.overpayments", change="payments.recover")
panels.action("household", _("领款账户"), lambda _request, household: reverse("payments:accounts", args=[household.pk]), act="payments.accounts", order=45)
panels.add("household", _("发放记录"), household_lines, "payments/_household_lines.html", act="enrolment.view", order=40)
panels.dashboard(_("谁按期发放"), counties_card, "payments/_on_time.html", act="payments.view", order=20, wide=True)
panels.dashboard(_("本月发放"), month_card, "payments/_dashboard.html", act="payments.view", order=20, wide=True)


@checks_registry.add
def payment_months(now: datetime) -> Iterator[Finding]:
    """Partitions are there for the months ahead, and nobody reaches them past their parent's policy."""
    last = drafts.month_range()[1]
    ahead = (last.year - now.year) * 12 + last.month - now.month
    state: checks_registry.State = "ok" if ahead >= 3 else "warning" if ahead >= 1 else "error"
    advice = "" if ahead >= 3 else "；请运行 doudi migrate，它会建到两年以后"
    yield Finding("发放明细分区", state, f"已建到 {last:%Y-%m}{advice}")
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_class c join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent"
            " where p.relname in ('payments_payrollline', 'payments_paidmonth') and c.relkind = 'r'"
            " and (not c.relrowsecurity or has_table_privilege('doudi_app', c.oid, 'select') or has_table_privilege('doudi_app', c.oid, 'insert'))"
        )
        open_ = cursor.fetchone()[0]
    yield Finding("发放明细分区权限", "error" if open_ else "ok", f"{open_} 个分区可被绕过行级安全访问" if open_ else "只能经主表访问")


@checks_registry.add
def proof_holds(now: datetime) -> Iterator[Finding]:
    """Ledger = payrolls = bank results of the whole province, payrolls of this month and the one before; the nightly proof looks at all."""
    today = timezone.localdate(now)
    first = date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="doudi doctor", acts=frozenset({"payments.view"}))):
        found = proof.prove(area=places.PROVINCE, first=first)
        told = proof.said(found)
        waiting = Todo.objects.filter(kind=proof.KIND, done_at__isnull=True).count()
    if told:
        more = f"；另有 {len(told) - 5} 处" if len(told) > 5 else ""
        yield Finding("资金对账", "error", "；".join(told[:5]) + more + "。请运行 doudi payroll --check 查看全部")
    elif waiting:
        yield Finding("资金对账", "error", f"夜间对账留下 {waiting} 项未处理的不符，见财政经办人待办")
    else:
        yield Finding("资金对账", "ok", f"{found.payrolls} 个批次与资金台账、银行结果相符")
