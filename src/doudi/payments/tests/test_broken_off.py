"""A month broken off at any statement and run again: totals equal, no line twice (integrity.md); and files read back over any names and amounts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.payments import layout_io, layouts
from doudi.payments.models import BankFile, BankResult, LedgerEntry, PaidMonth, Payroll
from doudi.payments.services import content, exchange, files, ledger, payrolls
from doudi.payments.tests.bankside import choose, receipt_of
from doudi.payments.tests.world import COUNTY, MONTH, NOW, ON, Officers, award

# --- broken off ------------------------------------------------------------------------------------------------------


class BrokenOff(Exception):
    """What a lost connection, a full disk or a kill looks like to the transaction: it ends, and nothing of it stays."""


@contextmanager
def broken_at(number: int, after: bool) -> Iterator[list[int]]:
    """Break off before or after the `number`th statement that writes; counts them."""
    count = [0]

    def hold(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().lower().split(" ", 1)[0] not in ("insert", "update", "delete"):
            return execute(sql, params, many, context)
        count[0] += 1
        if count[0] == number and not after:
            raise BrokenOff(sql)
        answer = execute(sql, params, many, context)
        if count[0] == number:
            raise BrokenOff(sql)
        return answer

    with connection.execute_wrapper(hold):
        yield count


class Month:
    """A month of five awards, files of two lines, one line back; each step may be asked for again."""

    def __init__(self) -> None:
        self.officers = Officers()
        choose(self.officers, "bank_fen")
        with scopes.acting(self.officers.reviewer):
            for _ in range(3):
                award(members=2, amount="300.00")
            award(amount="75.05", starts=date(2022, 11, 1))
            award(account=False)
        self.officers.money()
        self.data: list[tuple[str, bytes]] = []
        self.steps: dict[str, tuple[scopes.Scope, Callable[[], Any]]] = {
            "prepare": (self.officers.reviewer, lambda: payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)),
            "check": (self.officers.checker, lambda: payrolls.check_payroll(payroll_id=self.payroll.pk, now=NOW)),
            "approve": (self.officers.approver, lambda: payrolls.approve_payroll(payroll_id=self.payroll.pk, now=NOW)),
            "release": (self.officers.finance, lambda: payrolls.release_payroll(payroll_id=self.payroll.pk, on=ON, now=NOW)),
            "export": (self.officers.finance, lambda: files.export_chosen(payroll_id=self.payroll.pk, now=NOW)),
            "receive": (self.officers.finance, self._receive),
            "book": (self.officers.finance, lambda: exchange.book_received(payroll_id=self.payroll.pk, on=ON, now=NOW)),
        }

    @property
    def payroll(self) -> Payroll:
        return Payroll.objects.get()

    def _receive(self) -> None:
        if not self.data:
            made = list(BankFile.objects.order_by("part"))
            line = self.payroll.payroll_lines.order_by("id").values_list("id", flat=True)[0]
            self.data = [(file.name, receipt_of(self.officers, file, line)) for file in made]
        exchange.receive(payroll_id=self.payroll.pk, data=self.data, now=NOW)

    def go(self, step: str) -> None:
        scope, call = self.steps[step]
        with scopes.acting(scope):
            call()

    def holds(self) -> None:
        """What must be true of the finished month, however often it was broken off."""
        with scopes.acting(self.officers.finance):
            row = self.payroll
            assert (row.state, row.lines, row.amount) == ("booked", 5, Decimal("1050.10"))
            assert row.payroll_lines.count() == 5 and PaidMonth.objects.count() == 8
            assert sorted(BankFile.objects.values_list("part", "lines")) == [(1, 2), (2, 2), (3, 1)]
            assert BankResult.objects.count() == 3 and LedgerEntry.objects.filter(payroll=row).count() == 6
            (balance,) = ledger.trial_balance(area=COUNTY)
            assert (balance["in_payment"], balance["paid"] + balance["returned"], balance["sum"]) == (0, Decimal("1050.10"), 0)
            assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(layouts.LAYOUTS, "bank_fen", replace(layouts.LAYOUTS["bank_fen"], most_lines=2))


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["prepare", "check", "approve", "release", "export", "receive", "book"])
def test_a_month_broken_off_at_any_write_of_a_step_and_run_again_is_the_same(small: None, step: str) -> None:
    """Every write of the step in turn, before or after it: broken off there, nothing of it stays; at the end the month goes through as if nothing had been."""
    month = Month()
    for before in month.steps:
        if before == step:
            break
        month.go(before)
    stays = _state()
    number = 0
    while True:
        number += 1
        with broken_at(number, after=number % 2 == 0) as count:
            try:
                month.go(step)
            except BrokenOff:
                assert _state() == stays, f"write {number} of {step} left something"
                continue
        assert count[0] < number
        break
    assert number > 2
    for after in list(month.steps)[list(month.steps).index(step) :]:
        month.go(after)
        month.go(after)
    month.holds()


TABLES = ("payroll", "payrollline", "paidmonth", "payrollexclusion", "bankfile", "bankanswer", "bankresult", "bankreturn", "ledgerentry")


def _state() -> Any:
    """What the step could have left behind, over all areas."""
    with scopes.acting(scopes.Scope(area="41")), connection.cursor() as cursor:
        counts = ", ".join(f"(select count(*) from payments_{table})" for table in TABLES)
        cursor.execute(
            f"select {counts}, (select string_agg(state || lines || amount, ',') from payments_payroll),"
            " (select count(*) from core_todo where done_at is null)"
        )
        return cursor.fetchone()


# --- files over any names and amounts --------------------------------------------------------------------------------

NAMES = st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), min_size=1, max_size=12)
LINES = st.lists(st.tuples(NAMES, st.integers(1, 10**12 - 1), st.integers(0, 10**15)), min_size=1, max_size=12)


def _table(lines: list[tuple[str, int, int]]) -> pa.Table:
    n = len(lines)
    person = str(numbers.token_of(Kind.CITIZEN_ID, "410122196001010019"))
    values: dict[str, list[Any]] = {
        "id": list(range(1, n + 1)),
        "entitlement": list(range(1, n + 1)),
        "month": ["202212"] * n,
        "kind": ["regular"] * n,
        "cause": [None] * n,
        "area": ["410122101201"] * n,
        "programme": ["dibao"] * n,
        "household": ["H1"] * n,
        "fund": [1] * n,
        "fund_year": [2022] * n,
        "fen": [fen for _name, fen, _account in lines],
        "payee_name": [name for name, _fen, _account in lines],
        "payee": [person] * n,
        "beneficiary_name": [name for name, _fen, _account in lines],
        "beneficiary": [person] * n,
        "account": [str(numbers.token_of(Kind.ACCOUNT, f"{account:016d}")) for _name, _fen, account in lines],
        "bank": ["C10302"] * n,
        "times": [1] * n,
    }
    return pa.table({name: pa.array(values[name], kind) for name, kind in content.TYPES.items()})


@pytest.mark.django_db
@pytest.mark.parametrize("code", list(layouts.LAYOUTS))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, most=st.integers(1, 5))
def test_a_file_says_what_the_lines_say_or_is_not_made(code: str, lines: list[tuple[str, int, int]], most: int) -> None:
    """Whatever names and amounts, split as may be: read back by our own parser every line is there once, to the fen; else no file, never another character."""
    layout = layouts.LAYOUTS[code]
    writable = all(_can(layout, name) for name, _fen, _account in lines)
    found: list[dict[str, str]] = []
    total = Decimal(0)
    pieces = [list(piece) for piece in files._cut(iter([_table(lines)]), most if layout.most_lines else 0)]
    for part, piece in enumerate(pieces, 1):
        count = sum(table.num_rows for table in piece)
        amount = files._yuan(piece)
        batch = layouts.Batch(f"20221206{part:05d}", MONTH, count, amount, COUNTY, ON, part, len(pieces), part)
        outs = [io.BytesIO(), io.BytesIO()]
        try:
            for out in outs:
                layout_io.write(layout, batch, piece, out)
        except ValidationError:
            assert not writable
            return
        assert outs[0].getvalue() == outs[1].getvalue()
        read = layout_io.read(layout, outs[0].getvalue(), name=f"20221206{part:05d}.txt")
        total += read.amount
        found += read.rows
    assert writable and total == Decimal(sum(fen for _name, fen, _account in lines)) / 100
    name = "户名" if "户名" in layout.columns else "领款人姓名"
    assert [(row[name], row["账号"]) for row in found] == [(who, f"{account:016d}") for who, _fen, account in lines]
    assert [Decimal(row[layout.amount_title]) / (1 if layout.in_fen else Decimal("0.01")) for row in found] == [fen for _name, fen, _account in lines]


def _can(layout: layouts.Layout, name: str) -> bool:
    if layout.separator == "|" and "|" in name:
        return False
    try:
        name.encode(layout.encoding)
    except UnicodeEncodeError:
        return False
    return True
