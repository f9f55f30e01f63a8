"""Payments when two officers act at the same moment, and when the process is killed in the middle (integrity.md)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections

from doudi.core import scope as scopes
from doudi.payments.models import BankResult, BankReturn, LedgerEntry, PaidMonth, Payroll, PayrollExclusion
from doudi.payments.services import ledger, payrolls
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, ON, Officers, award


def _at_once(*calls: Any) -> list[str]:
    """Each call on a connection of its own, all let go at one moment; what became of each."""
    gate, found = threading.Barrier(len(calls)), []

    def go(call: Any) -> None:
        gate.wait()
        try:
            call()
            found.append("done")
        except (ValidationError, PermissionDenied) as error:
            found.append(str(error))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(found)


def test_of_two_approvals_at_once_one_wins(committed_db: None) -> None:
    from doudi.core.tests.officers import officer

    officers = Officers()
    with scopes.acting(officers.reviewer):
        award()
    payroll = officers.prepared().payroll
    officers.checked(payroll)
    second = officer("county_approver", COUNTY)

    def approve(scope: scopes.Scope) -> Any:
        def call() -> None:
            with scopes.acting(scope):
                payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)

        return call

    found = _at_once(approve(officers.approver), approve(second))
    assert found.count("done") == 1 and any("可能已由他人办理" in one for one in found)


def test_who_refreshes_while_checking_signs_only_one_of_them(committed_db: None) -> None:
    officers = Officers()
    payroll = officers.draft()

    def check() -> None:
        with scopes.acting(officers.checker):
            payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)

    def refresh() -> None:
        with scopes.acting(officers.checker):
            payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)

    found = _at_once(check, refresh)
    with scopes.acting(officers.reviewer):
        row = Payroll.objects.get(pk=payroll.pk)
    # checked first: the refresh finds it past the draft; refreshed first: the same person may not check any more
    assert row.checked_by_id is None or row.prepared_by_id != row.checked_by_id
    assert (row.state, found.count("done")) in (("checked", 2), ("draft", 1))


def test_an_approval_while_it_is_sent_back_and_prepared_again_approves_what_was_checked(committed_db: None) -> None:
    from doudi.core.tests.officers import officer

    officers = Officers()
    payroll = officers.checked(officers.draft())
    second = officer("county_approver", COUNTY)

    def approve() -> None:
        with scopes.acting(officers.approver):
            payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)

    def again() -> None:
        with scopes.acting(second):
            payrolls.send_back(payroll_id=payroll.pk, reason="重新核对", now=NOW)
        with scopes.acting(officers.reviewer):
            award()
            payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)

    found = _at_once(approve, again)
    with scopes.acting(officers.reviewer):
        row = Payroll.objects.get(pk=payroll.pk)
        assert found.count("done") == 1 and (row.state, row.lines) in (("approved", 1), ("draft", 2))
        assert PaidMonth.objects.count() == 2 + (row.lines == 2)


def test_two_preparations_at_once_make_one_payroll(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(3):
            award()
    assert _at_once(officers.prepared, officers.prepared, officers.prepared) == ["done"] * 3
    with scopes.acting(officers.reviewer):
        assert Payroll.objects.get().lines == 3 and PaidMonth.objects.count() == 3


def test_two_payrolls_do_not_spend_the_same_money(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(ends=date(2023, 1, 1), amount="300.00")
    officers.money("400.00")
    december = officers.approved(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        award(starts=date(2022, 11, 1), ends=MONTH, amount="300.00")
    november = officers.approved(officers.prepared(NOVEMBER).payroll)

    def release(payroll: Payroll) -> Any:
        def call() -> None:
            with scopes.acting(officers.finance):
                payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)

        return call

    found = _at_once(release(december), release(november))
    assert found.count("done") == 1 and any("资金不足" in one for one in found)


def test_one_result_file_uploaded_twice_at_once_is_booked_once(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    data = officers.answer(payroll)
    found = _at_once(lambda: officers.booked(payroll, data), lambda: officers.booked(payroll, data))
    assert "done" in found
    with scopes.acting(officers.finance):
        assert BankResult.objects.count() == 1 and LedgerEntry.objects.filter(payroll=payroll, account="paid").count() == 1
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]


KILLED = """
import os, sys, time
import django
from django.conf import settings
name = sys.argv[1]
for alias in settings.DATABASES:
    settings.DATABASES[alias]["NAME"] = name
django.setup()
from django.db import connection
from doudi.core import scope as scopes
from doudi.payments.services import payrolls, results
from doudi.payments.tests.world import MONTH, NOW, ON
what, stop, area, account, duty = sys.argv[2:7]
def held(execute, sql, params, many, context):
    answer = execute(sql, params, many, context)
    if stop in sql:
        print("stopped", flush=True)
        time.sleep(120)
    return answer
with scopes.acting(scopes.Scope(area=area, account_id=int(account), duty=duty)), connection.execute_wrapper(held):
    if what == "prepare":
        payrolls.prepare_payroll(area=area, month=MONTH, now=NOW)
    else:
        results.book_results(data=[("r.csv", open(sys.argv[7], "rb").read())], on=ON, now=NOW)
"""


def _kill_at(stop: str, what: str, scope: scopes.Scope, *more: str) -> None:
    """Run a service in a process of its own and kill it (SIGKILL) right after the statement that holds `stop`."""
    name = connection.settings_dict["NAME"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "doudi.config.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, name, what, stop, COUNTY, str(scope.account_id), scope.duty, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        said = process.stdout.readline()
        assert said == "stopped\n", process.stderr.read()[-2000:]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 20  # the server notices the lost connection and rolls back
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'")
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.1)


@pytest.mark.parametrize("stop", ["insert into doudi.payments_payrollline", "insert into doudi.payments_payrollexclusion", "insert into core_todo"])
def test_killed_while_preparing_nothing_is_half_written(committed_db: None, stop: str) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(4):
            award(members=2)
        award(account=False)
    _kill_at(stop, "prepare", officers.reviewer)
    with scopes.acting(officers.reviewer):
        assert not Payroll.objects.exists() and not PaidMonth.objects.exists() and not PayrollExclusion.objects.exists()
    done = officers.prepared()
    assert (done.lines, done.amount, done.excluded) == (4, Decimal("1200.00"), 1)


@pytest.mark.parametrize("stop", ['INSERT INTO "payments_bankresult"', "insert into payments_bankreturn", 'INSERT INTO "payments_ledgerentry"'])
def test_killed_while_booking_nothing_is_half_written(committed_db: None, tmp_path: Any, stop: str) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        for _ in range(3):
            award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    line = officers.first_line(payroll)
    data = officers.answer(payroll, line)
    (tmp_path / "r.csv").write_bytes(data)
    _kill_at(stop, "book", officers.finance, str(tmp_path / "r.csv"))
    with scopes.acting(officers.finance):
        assert not BankResult.objects.exists() and not BankReturn.objects.exists()
        assert LedgerEntry.objects.filter(payroll=payroll).count() == 2
    done = officers.booked(payroll, data)
    assert (done.paid, done.returned, done.changed) == (2, 1, True)
    with scopes.acting(officers.finance):
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]
