"""A month's payroll of one county: calculated and written, checked, released, exported, booked back; as doudi_app under row-level security.

    PYTHONPATH=src python bench/payroll.py [--lines 1000000] [--home DIR] [--json]

Awards are made set-based, one member each and two in every third, in a database of its own in `--home` (kept between runs of one size).
Baseline: the same lines by COPY into a temporary table and INSERT ... SELECT into the same partitioned table, with the same keys and
triggers. `ratio` is preparing (which finds amounts, living members, payees, funds and exclusions from the awards) divided by that;
`ratio_whole` all five steps: prepared again, checked (a digest over every line), approved and released (each compares it), one file, results.
`peak_mb` is this process; the server's memory is what `postgresql.conf` allows it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from home import measured

AREA, VILLAGE = "410122", "410122101201"
MONTH, ON, NOW = date(2022, 12, 1), date(2022, 12, 6), datetime(2022, 12, 5, 9, tzinfo=UTC)
PIECE = 100_000
COLUMNS = (
    "area, month_entitled, kind, entitlement_id, payroll_id, month_paid, programme, household_id, fund_id, fund_year, amount, members, payee_id, payee_name,"
    " payee, beneficiary_name, beneficiary, account, bank, decision_id, marked, mark"
)
# Every third award has a second member: person ids 1..n are payees, n+1.. second members.
AWARDS = f"""
insert into registry_person (id, area, token, name, pinyin, initials, sex, birth_date, ethnicity, registered_area, residence_area, account, bank, made_at, version)
 overriding system value select n, '{VILLAGE}', token, '测试' || n, '', '', '1', '1960-01-01', '01', '{VILLAGE}', '{VILLAGE}', account, 'C10302', now(), 1 from made;
insert into registry_household (id, area, number, name, residence, made_at, version) overriding system value
 select n, '{VILLAGE}', 'H' || n, '测试' || n, 'rural', now(), 1 from made where n <= %(lines)s;
insert into enrolment_decision (id, area, number, household_id, programme, kind, content, content_hash, starts, differs, reason, state, proposed_by_id, proposed_at,
 decided_by_id, decision_note, version) overriding system value
 select 1, '{VILLAGE}', 'D1', 1, 'dibao', 'grant', '{{}}', '', '2022-12-01', false, '', 'approved', %(account)s, now(),
 (select min(id) from core_account where id <> %(account)s), '', 1;
insert into enrolment_entitlement (id, area, kind) overriding system value select n, '{VILLAGE}', 'award' from made where n <= %(lines)s;
insert into enrolment_award (id, area, household_id, programme, grp, starts, void, suspended, payee_id, payee_name, account, bank, decision_id, made_at)
 select n, '{VILLAGE}', n, 'dibao', 1, '2022-12-01', false, false, n, '测试' || n, account, 'C10302', 1, now() from made where n <= %(lines)s;
insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id) select '{VILLAGE}', n, '2022-12-01', 200 + n %% 300, 1 from made where n <= %(lines)s;
insert into enrolment_awardmember (area, award_id, person_id, grp, void, starts)
 select '{VILLAGE}', case when n <= %(lines)s then n else (n - %(lines)s) * 3 end, n, 1, false, '2022-12-01' from made;
"""
TABLES = ("registry_person", "registry_household", "enrolment_decision", "enrolment_award", "enrolment_awardamount", "enrolment_awardmember")
PLAIN_INDEXES = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
where indrelid = any(%s::regclass[]) and not indisunique and not exists (select from pg_constraint where conindid = indexrelid)
"""


def make_awards(lines: int, account: int) -> None:
    """People with tokens of valid numbers and their awards, by one statement per table."""
    import psycopg
    import pyarrow as pa
    from django.db import connections

    from doudi.batch.tokens import Kind
    from doudi.core import numbers, postgres

    people = lines + lines // 3
    key = numbers.token_key()

    def rows(first: int) -> str:
        """A piece of the people, so that making them does not stand in `peak_mb`."""
        n = range(first, min(first + PIECE, people + 1))
        ids = key.seal_many(Kind.CITIZEN_ID, pa.array([f"410122196001{i:06d}"[:18].ljust(18, "0") if i < 10**6 else f"41{i:016d}" for i in n]))
        accounts = key.seal_many(Kind.ACCOUNT, pa.array([f"62170{i:010d}" for i in n]))
        return "".join(f"{i}\t{a.hex()}\t{b.hex()}\n" for i, a, b in zip(n, ids.to_pylist(), accounts.to_pylist(), strict=True))

    # As superuser without triggers (foreign keys hold by how the rows are made); plain indexes are built afterwards, which is much quicker.
    with psycopg.connect(postgres.server().conninfo()) as owner, owner.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute("set local maintenance_work_mem = '1GB'")
        cursor.execute("create temporary table made (n bigint primary key, token uuid, account uuid) on commit drop")
        with cursor.copy("copy made from stdin") as copy:
            for first in range(1, people + 1, PIECE):
                copy.write(rows(first))
        cursor.execute("analyze made")
        indexes = cursor.execute(PLAIN_INDEXES, [list(TABLES)]).fetchall()
        for name, _definition in indexes:
            cursor.execute(f"drop index {name}")
        for statement in AWARDS.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {"lines": lines, "account": account})
        for _name, definition in indexes:
            cursor.execute(definition)
    with connections["owner"].cursor() as cursor:
        for table in (*TABLES, "enrolment_entitlement"):
            cursor.execute(f"analyze {table}")


def timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


def review_all(payroll: int) -> None:
    """What stands out of the synthetic lines, marked as in order."""
    from doudi.payments.models import LineFlag
    from doudi.payments.services import reviewing

    ids = list(LineFlag.objects.filter(payroll=payroll, must=True).values_list("entitlement_id", flat=True).distinct())
    for first in range(0, len(ids), reviewing.MOST):
        reviewing.review_lines(payroll_id=payroll, entitlement_ids=ids[first : first + reviewing.MOST], held=False, note="bench", now=NOW)


def measure(lines: int) -> dict[str, Any]:
    from django.db import connection, connections, transaction

    from doudi.core import scope as scopes
    from doudi.core.models import Account, Posting
    from doudi.enrolment.models import Award
    from doudi.payments import simulated
    from doudi.payments.models import Payroll
    from doudi.payments.services import files, ledger, payrolls, results

    who = {}
    with scopes.acting(scopes.Scope(area="41")):
        for name, duty in (("county_reviewer",) * 2, ("checker", "county_reviewer"), ("county_approver",) * 2, ("finance_officer",) * 2):
            account, _made = Account.objects.get_or_create(username=f"bench_{name}", defaults={"name": name})
            Posting.objects.get_or_create(account=account, duty=duty, area=AREA, defaults={"starts": date(2022, 1, 1)})
            who[name] = scopes.Scope(area=AREA, account_id=account.pk, duty=duty)
        there = Award.objects.count()
    if there not in (0, lines):
        raise SystemExit(f"the database holds {there} awards of another run; choose another --home")
    if not there:
        make_awards(lines, who["county_reviewer"].account_id)
    reviewer, checker, approver, finance = who.values()
    seconds: dict[str, float] = {}

    def step(name: str, scope: scopes.Scope, work: Any) -> Any:
        def whole() -> Any:
            with scopes.acting(scope):
                return work()

        seconds[name], answer = timed(whole)
        return answer

    with scopes.acting(reviewer):
        old = Payroll.objects.first()
        if old is not None and old.state != "draft":
            raise SystemExit("this database has been measured; choose another --home")
    made = step("prepare", reviewer, lambda: payrolls.prepare_payroll(area=AREA, month=MONTH, now=NOW))
    assert made.lines == lines, made
    payroll = made.payroll
    with tempfile.TemporaryFile() as file:
        with scopes.acting(reviewer), connection.cursor() as cursor:
            with cursor.copy(
                f"copy (select {COLUMNS} from payments_payrollline where payroll_id = {payroll.pk} order by entitlement_id) to stdout"
            ) as copy:
                for block in copy:
                    file.write(block)
            step("delete_lines", reviewer, lambda: cursor.execute("delete from payments_payrollline where payroll_id = %s", [payroll.pk]))
        with connections["owner"].cursor() as cursor:
            cursor.execute("vacuum analyze payments_payrollline, payments_paidmonth")
        file.seek(0)

        def baseline() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"create temporary table given on commit drop as select {COLUMNS} from payments_payrollline limit 0")
                with cursor.copy("copy given from stdin") as copy:
                    while block := file.read(1 << 20):
                        copy.write(block)
                cursor.execute(f"insert into payments_payrollline ({COLUMNS}) select {COLUMNS} from given")
            transaction.set_rollback(True)

        step("baseline", reviewer, baseline)
    with connections["owner"].cursor() as cursor:
        cursor.execute("vacuum analyze payments_payrollline, payments_paidmonth")
    step("prepare_again", reviewer, lambda: payrolls.prepare_payroll(area=AREA, month=MONTH, now=NOW))
    step("review", checker, lambda: review_all(payroll.pk))
    step("check", checker, lambda: payrolls.check_payroll(payroll_id=payroll.pk, now=NOW))
    step("approve", approver, lambda: payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW))
    money = {"fund": "assistance", "area": AREA, "year": 2022, "amount": Decimal(10**10), "document": "bench", "on": ON, "now": NOW}
    step("money", finance, lambda: ledger.receive_appropriation(**money))
    step("release", finance, lambda: payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW))
    step("export_csv", finance, lambda: files.export_file(payroll_id=payroll.pk, layout="one_card_csv", now=NOW))
    step("export_bank", finance, lambda: files.export_file(payroll_id=payroll.pk, layout="bank_batch", now=NOW))

    def answer() -> bytes:
        return simulated.bank_answer(Payroll.objects.get(pk=payroll.pk), seed=7)

    data = step("bank_answers", finance, answer)
    booked = step("results", finance, lambda: results.book_results(data=[("r.csv", data)], on=ON, now=NOW))
    whole = sum(seconds[name] for name in ("prepare_again", "check", "approve", "release", "export_csv", "results"))
    proof = step("proof", finance, lambda: ledger.check_ledger(area=AREA, month=MONTH))
    return {
        "lines": lines,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "lines_per_second": round(lines / seconds["prepare"]),
        "baseline_lines_per_second": round(lines / seconds["baseline"]),
        "ratio": round(seconds["prepare"] / seconds["baseline"], 2),
        "whole": round(whole, 2),
        "ratio_whole": round(whole / seconds["baseline"], 2),
        "returned": booked.returned,
        "ledger_holds": proof["holds"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", "--people", dest="lines", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="data folder to keep; else one of its own, removed at the end")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = measured(chosen.home, lambda: measure(chosen.lines))
    if chosen.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:26} {value}\n")


if __name__ == "__main__":
    main()
