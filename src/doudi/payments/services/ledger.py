"""The ledger (资金台账): double entry, append-only; every balance is a sum of entries. Corrections are reversals.

Debits are positive, credits negative. What a fund has is its account `available`; released lines are `in_payment`, the
bank's answer makes them `paid` or `returned`, and a reissue draws on what was returned to the same fund and year.
Money of each level (central, province, city, county) is counted apart: `move` takes it in that order, money from above first.
What documents bring, move and take away stands in `services.funds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.payments.models import Fund, FundLevel, FundMovement, LedgerAccount, LedgerEntry, Payroll, ReservePayout


@dataclass(frozen=True)
class Need:
    """What a payroll takes from one fund and year, and what stands there (available, or returned for a follow-up), yuan."""

    fund_id: int
    fund_name: str
    year: int
    amount: Decimal
    has: Decimal


def lock(area: str) -> None:
    """One booking at a time in a county, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('ledger ' || %s, 0))", [area])


def allows(fund_id: int, programme: str, area: str, year: int) -> bool:
    """Whether a fund pays a programme in a county with money of a year, by the rules in force (`FundPurpose`)."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.fund_allows(%s, %s, %s, %s)", [fund_id, programme, area, year])
        return bool(cursor.fetchone()[0])


def funds_for(area: str, year: int) -> dict[str, int]:
    """programme -> id of the fund that pays it in a county and year; what no rule allows is left out."""
    with connection.cursor() as cursor:
        cursor.execute("select programme, fund_id from doudi.funds_for(%s, %s)", [area, year])
        return dict(cursor.fetchall())


def fund_for(programme: str, area: str, year: int) -> int | None:
    """Id of the fund that pays a programme in a county and year; None where no rule allows one."""
    return funds_for(area, year).get(programme)


# Their other side is outside of the fund: they may go below nought, and have no balance to take from.
SOURCES = {
    LedgerAccount.APPROPRIATION,
    LedgerAccount.PLAN_SOURCE,
    LedgerAccount.TRANSFERRED,
    LedgerAccount.COMMITMENT,
    LedgerAccount.RESERVE_SOURCE,
}


def _parts(area: str, fund_id: int, year: int, amount: Decimal, source: str, payroll: Payroll | None) -> list[tuple[str, Decimal]]:
    """(level, yuan) of what is taken from an account, money from above first; what is missing stays with the last one, and the database refuses it."""
    held = LedgerEntry.objects.filter(area=area, fund_id=fund_id, fund_year=year, account=source)
    if source == LedgerAccount.IN_PAYMENT and payroll is not None:
        held = held.filter(payroll=payroll)
    there = dict(held.values_list("level").annotate(total=Sum("amount")).filter(total__gt=0).order_by())
    parts, left = [], amount
    for level in FundLevel.values:
        take = min(left, there.get(level, Decimal(0)))
        if take > 0:
            parts.append((level, take))
            left -= take
    if left > 0:
        last, had = parts.pop() if parts else ("", Decimal(0))
        parts.append((last, had + left))
    return parts


def move(
    *,
    area: str,
    fund_id: int,
    year: int,
    amount: Decimal,
    source: str,
    target: str,
    what: str,
    on: date,
    now: datetime,
    payroll: Payroll | None = None,
    payout: ReservePayout | None = None,
    movement: FundMovement | None = None,
    document: str = "",
    level: str | None = None,
) -> int:
    """Book `amount` from one account of a fund and year to another; the number of the ledger transaction.

    `level`: whose money it is; by default what stands on the source account, in the order of `FundLevel`.
    """
    if level is not None or source in SOURCES:
        parts = [(level or "", amount)]
    else:
        parts = _parts(area, fund_id, year, amount, source, payroll)
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.ledger_transaction_id')")
        number: int = cursor.fetchone()[0]
    common: dict[str, Any] = {
        "area": area,
        "transaction": number,
        "fund_id": fund_id,
        "fund_year": year,
        "payroll": payroll,
        "payout": payout,
        "movement": movement,
        "what": what[:120],
        "document": document[:120],
        "booked_on": on,
        "booked_at": now,
        "made_by_id": scopes.current().account_id or None,
    }
    LedgerEntry.objects.bulk_create(
        LedgerEntry(account=account, amount=sign * part, level=whose, **common)
        for whose, part in parts
        for account, sign in ((target, 1), (source, -1))
    )
    return number


def receive_appropriation(
    *,
    fund: str,
    area: str,
    year: int,
    amount: Decimal,
    document: str,
    on: date,
    now: datetime,
    level: str = FundLevel.UNSTATED,
    issuer: str = FundLevel.UNSTATED,
    plan_id: int | None = None,
) -> int:
    """Book money appropriated (财政拨款) to a fund of a county; the number of the ledger transaction.

    `fund`: its code; `level`: whose money it is; `issuer`: the level that sent it; `plan_id`: the document that promised it.
    The same document is booked once: again with the same amount it is recognised, with another refused.
    """
    acting = duties.require("payments.fund")
    if len(area) != 6 or not acting.covers(area):
        raise ValidationError(_("拨款登记到县（市、区）；所选地区不是您管辖的县。"))
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValidationError(_("“金额”应为正数，精确到分；请更正。"))
    document = document.strip()[:120]
    if not document:
        raise ValidationError(_("请填写拨款文号。"))
    row = Fund.objects.filter(code=fund).first()
    if row is None:
        raise ValidationError(_("没有这项资金：%(code)s。") % {"code": fund})
    plan = None
    if plan_id is not None:
        plan = FundMovement.objects.filter(
            pk=plan_id, area=area, fund=row, fund_year=year, level=level, kind=FundMovement.Kind.PLAN, reversed=False
        ).first()
        if plan is None:
            raise ValidationError({"plan": _("所选指标文件不属于这项资金、年度和级次；请重新选择。")})
    with transaction.atomic():
        lock(area)
        same = {"area": area, "fund": row, "fund_year": year, "document": document, "level": level, "account": LedgerAccount.AVAILABLE, "amount__gt": 0}
        before = LedgerEntry.objects.filter(Q(movement__kind=FundMovement.Kind.RECEIPT, movement__reversed=False) | Q(movement=None), **same).first()
        if before is not None:
            if before.amount == amount:
                return before.transaction
            raise ValidationError(
                _("文号“%(document)s”已登记 %(amount)s 元，与本次不同；如需更正请冲销后重新登记。")
                % {"document": document, "amount": f"{before.amount:,.2f}"}
            )
        made = FundMovement.objects.create(
            area=area, kind=FundMovement.Kind.RECEIPT, fund=row, fund_year=year, level=level, issuer=issuer, amount=amount, document=document,
            document_date=on, plan=plan, state=FundMovement.State.BOOKED, proposed_by_id=acting.account_id, proposed_at=now,
        )  # fmt: skip
        number = move(
            area=area, fund_id=row.pk, year=year, amount=amount, source=LedgerAccount.APPROPRIATION, target=LedgerAccount.AVAILABLE, what="收到拨款",
            document=document, on=on, now=now, level=level, movement=made,
        )  # fmt: skip
        scopes.check_constraints()
    return number


def commit(payroll: Payroll, *, on: date, now: datetime) -> None:
    """Note what an approved payroll will take (承诺); the money stays available until the release. A reissue takes none of it.

    The note names the payroll by its number: one that is sent back may be deleted, the ledger stays.
    """
    if payroll.kind == Payroll.Kind.FOLLOW_UP:
        return
    for need in needs_of(payroll):
        move(
            area=payroll.area, fund_id=need.fund_id, year=need.year, amount=need.amount, source=LedgerAccount.COMMITMENT, target=LedgerAccount.COMMITTED,
            what=f"审批 {payroll.number}", document=payroll.number, on=on, now=now,
        )  # fmt: skip


def uncommit(payroll: Payroll, *, what: str, on: date, now: datetime) -> None:
    """The note ends: the payroll is released or sent back."""
    held = LedgerEntry.objects.filter(area=payroll.area, account=LedgerAccount.COMMITTED, document=payroll.number).values_list("fund_id", "fund_year")
    for fund_id, year, amount in held.annotate(total=Sum("amount")).filter(total__gt=0).order_by("fund_id", "fund_year"):
        move(
            area=payroll.area, fund_id=fund_id, year=year, amount=amount, source=LedgerAccount.COMMITTED, target=LedgerAccount.COMMITMENT,
            what=f"{what} {payroll.number}", document=payroll.number, level="", on=on, now=now,
        )  # fmt: skip


def needs_of(payroll: Payroll) -> list[Need]:
    """What the payroll takes from each fund and year, beside what stands there."""
    account = LedgerAccount.RETURNED if payroll.kind == Payroll.Kind.FOLLOW_UP else LedgerAccount.AVAILABLE
    with connection.cursor() as cursor:
        cursor.execute(
            "select l.fund_id, f.name, l.fund_year, l.amount, coalesce(e.amount, 0) from"
            " (select fund_id, fund_year, sum(amount) as amount from payments_payrollline where payroll_id = %s and month_entitled <= %s group by 1, 2) l"
            " join payments_fund f on f.id = l.fund_id"
            " left join (select fund_id, fund_year, sum(amount) as amount from payments_ledgerentry where area = %s and account = %s group by 1, 2) e"
            " on e.fund_id = l.fund_id and e.fund_year = l.fund_year order by 1, 3",
            [payroll.pk, payroll.latest, payroll.area, account],
        )
        return [Need(*row) for row in cursor.fetchall()]


def trial_balance(*, area: str, year: int | None = None) -> list[dict[str, Any]]:
    """Balances (yuan) of each fund, year and account of an area within the scope, in a row per fund and year with their sum (nought)."""
    duties.require("payments.view")
    low, high = scopes.Scope(area=area).low, scopes.Scope(area=area).high
    sums = ", ".join(f"coalesce(sum(e.amount) filter (where account = '{account}'), 0)" for account in LedgerAccount.values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select e.area, f.code, f.name, e.fund_year, {sums}, sum(e.amount) from payments_ledgerentry e join payments_fund f on f.id = e.fund_id"
            " where e.area >= %s and e.area < %s and (%s::int is null or e.fund_year = %s::int) group by 1, 2, 3, 4 order by 1, 4, 2",
            [low, high, year, year],
        )
        names = ["area", "fund", "fund_name", "year", *LedgerAccount.values, "sum"]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Proof:
    """One equation of the reconciliation (对账) of a payroll. `waits`: its turn has not come yet."""

    payroll: str
    name: str
    left: Decimal
    right: Decimal
    waits: bool = False

    @property
    def holds(self) -> bool:
        return self.waits or self.left == self.right


def proofs_of(payroll: Payroll) -> list[Proof]:
    """Lines = payroll = file = bank's results = ledger, to the fen, of one payroll. Four queries."""
    state = Payroll.State
    with connection.cursor() as cursor:

        def one(sql: str) -> tuple[Any, ...]:
            cursor.execute(sql, [payroll.pk])
            return tuple(cursor.fetchone())

        nought = Decimal(0)
        lines, count = one("select coalesce(sum(amount), 0), count(*) filter (where amount > 0) from payments_payrollline where payroll_id = %s")
        files, low, high, least, most = one(
            # the parts of one set of files together: those of the county's choices, or of one layout for the whole. What the bank refused
            # does not count, and while it is not made anew the proof waits.
            "select case when bool_or(open) then 0 else count(*) end, coalesce(min(s), 0), coalesce(max(s), 0), coalesce(min(n), 0), coalesce(max(n), 0)"
            " from (select sum(amount) filter (where refused_at is null) as s, sum(lines) filter (where refused_at is null) as n,"
            "  bool_or(refused_at is not null and later is null) as open from (select f.*, bool_or(choice_id is not null) over () as chosen,"
            "   lead(attempt) over (partition by layout, choice_id, part order by attempt) as later from payments_bankfile f where payroll_id = %s) f"
            "  group by case when chosen then '' else layout end) sets"
        )
        results, paid, back, answered = one(
            "select count(*), coalesce(sum(paid_amount), 0), coalesce(sum(returned_amount), 0), coalesce(sum(paid_lines + returned_lines), 0)"
            " from payments_bankresult where payroll_id = %s"
        )
        returns = one("select coalesce(sum(amount), 0) from payments_bankreturn where payroll_id = %s")[0]
        booked_paid, booked_back, out = one(
            "select coalesce(sum(amount) filter (where account = 'paid'), 0),"
            " coalesce(sum(amount) filter (where account = 'returned' and amount > 0), 0),"
            " coalesce(-sum(amount) filter (where account in ('available', 'returned') and amount < 0), 0)"
            " from payments_ledgerentry where payroll_id = %s"
        )
    gone = payroll.state in (state.RELEASED, state.BOOKED)
    return [
        Proof(payroll.number, _("发放明细合计 = 批次合计"), lines, payroll.amount),
        Proof(payroll.number, _("发放明细笔数 = 批次笔数"), Decimal(count), Decimal(payroll.lines)),
        Proof(payroll.number, _("批次合计 = 代发文件合计"), payroll.amount, high if high != payroll.amount else low, waits=not files),
        Proof(
            payroll.number, _("批次笔数 = 代发文件笔数"), Decimal(payroll.lines), Decimal(most if most != payroll.lines else least), waits=not files
        ),
        Proof(payroll.number, _("批次合计 = 资金台账支出"), payroll.amount if gone else nought, out, waits=not gone),
        Proof(payroll.number, _("代发文件合计 = 成功合计 + 退票合计"), payroll.amount, paid + back, waits=not results),
        Proof(payroll.number, _("代发文件笔数 = 成功笔数 + 退票笔数"), Decimal(payroll.lines), Decimal(answered), waits=not results),
        Proof(payroll.number, _("退票合计 = 退票明细合计"), back, returns, waits=not results),
        Proof(payroll.number, _("资金台账已发放 = 成功合计"), booked_paid, paid, waits=not results),
        Proof(payroll.number, _("资金台账退票 = 退票合计"), booked_back, back, waits=not results),
    ]


def check_ledger(*, area: str, month: date) -> dict[str, Any]:
    """Prove ledger = payrolls = bank files = bank results of an area and month to the fen.

    Returns `holds`, `proofs` (those that do not hold first) and `balance` (the sum of the whole ledger of the area: nought).
    """
    duties.require("payments.view")
    here = scopes.Scope(area=area)
    proofs: list[Proof] = []
    for payroll in Payroll.objects.filter(area__gte=here.low, area__lt=here.high, month=month.replace(day=1)).order_by("number"):
        proofs += proofs_of(payroll)
    balance = sum((row["sum"] for row in trial_balance(area=area)), Decimal("0.00"))
    return {
        "holds": balance == 0 and all(proof.holds for proof in proofs),
        "proofs": sorted(proofs, key=lambda proof: proof.holds),
        "balance": balance,
    }
