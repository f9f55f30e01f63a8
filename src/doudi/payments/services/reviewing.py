"""Reviewing what stands out (异常明细复核): many lines at once, and what still waits before the check."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.payments.models import Payroll

MOST = 1000
# Must be looked at, at this amount, and were not. %(payroll)s
WAITING = """
select count(distinct f.entitlement_id)::int from payments_lineflag f
left join payments_linereview r on r.payroll_id = f.payroll_id and r.entitlement_id = f.entitlement_id and (r.amount is null or r.amount = f.amount)
where f.payroll_id = %(payroll)s and f.must and r.id is null
"""
HELD = """
select count(*)::int from payments_linereview r where r.payroll_id = %(payroll)s and r.verdict = 'held'
  and exists (select from payments_payrollline l where l.payroll_id = r.payroll_id and l.entitlement_id = r.entitlement_id and l.month_entitled <= %(latest)s)
"""
MARK = """
insert into payments_linereview (area, payroll_id, entitlement_id, verdict, note, amount, reviewed_by_id, reviewed_at)
select min(area), payroll_id, entitlement_id, %(verdict)s, %(note)s, min(amount), %(account)s, %(now)s
from payments_lineflag where payroll_id = %(payroll)s and entitlement_id = any(%(ids)s) group by payroll_id, entitlement_id
on conflict (payroll_id, entitlement_id) do update set verdict = excluded.verdict, note = excluded.note, amount = excluded.amount,
  reviewed_by_id = excluded.reviewed_by_id, reviewed_at = excluded.reviewed_at
"""


def _number(sql: str, **values: int | date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


def waiting(payroll_id: int) -> int:
    """Entitlements that must be looked at before the check and were not, or not at their present amount."""
    return _number(WAITING, payroll=payroll_id)


def held_within(payroll: Payroll) -> int:
    """Entitlements that a reviewer took out and that are still in the lines: the draft has not been refreshed since."""
    return _number(HELD, payroll=payroll.pk, latest=payroll.latest)


def require_reviewed(payroll: Payroll) -> None:
    """Raise ValidationError where a line still waits for its review; the database refuses the check too."""
    if number := waiting(payroll.pk):
        raise ValidationError(_("还有 %(n)s 笔异常明细没有复核；请在“异常”中逐笔写明情况后再提交审批。") % {"n": number})
    if number := held_within(payroll):
        raise ValidationError(_("%(n)s 笔已剔除的明细还在本批中；请先刷新明细。") % {"n": number})


@transaction.atomic
def review_lines(*, payroll_id: int, entitlement_ids: Sequence[int], held: bool, note: str, now: datetime) -> int:
    """Write down one finding for several flagged lines of a draft; the number written. Ids that are not flagged there are refused."""
    acting = duties.require("payments.prepare")
    payroll = Payroll.objects.select_for_update(of=("self",)).filter(pk=payroll_id).first()
    if payroll is None or not acting.covers(payroll.area):
        raise ValidationError(_("发放批次不存在，或不在您的管辖范围内。"))
    if payroll.state != Payroll.State.DRAFT:
        raise ValidationError(_("批次已提交审批，不能再复核明细；如需修改请先退回。"))
    if not note.strip():
        raise ValidationError(_("请填写复核情况。"))
    ids = sorted(set(entitlement_ids))
    if not 0 < len(ids) <= MOST:
        raise ValidationError(_("请选择 1 至 %(most)s 笔明细。") % {"most": MOST})
    with connection.cursor() as cursor:
        cursor.execute(
            MARK,
            {"payroll": payroll.pk, "ids": ids, "verdict": "held" if held else "normal", "note": note.strip()[:200], "account": acting.account_id, "now": now},
        )
        done = cursor.rowcount
    if done != len(ids):
        raise ValidationError(_("所选明细有变动，可能批次已刷新；请刷新页面后重新选择。"))
    scopes.check_constraints()
    return done
