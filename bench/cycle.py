"""One whole cycle: people from an officer's sheet, their payroll, the bank's answer; for each beneficiary, beside openIMIS.

    python bench/cycle.py [--people 10000] [--home DIR] [--json]

Every beneficiary is a household of one with an award, which costs most. Timed, through the services as the duties call them, as doudi_app under
row-level security, with row history, ledger, audit and to-dos: keeping the uploaded sheet sealed, its preview, the import; the payroll prepared, checked,
approved, released and written as one bank file; the bank's answer read and booked. Not timed: making the sheet, the decisions and awards (set-based;
openIMIS's figures leave enrolment out too), the appropriation, the simulated bank,
what a server reads once in its life (the dictionary of readings, the law's parameters). `queries` counts every statement and COPY sent to the server.

The baseline was measured with openIMIS 1.11 at 10,000 beneficiaries on 2 cores: import 251 s, payroll 903 s, reconciliation 707 s.
`times` is its time for each beneficiary divided by ours.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from home import measured

COUNTY, TOWNSHIP, VILLAGE = "410122", "410122101", "410122101205"
MONTH, ON, NOW = date(2022, 12, 1), date(2022, 12, 6), datetime(2022, 12, 5, 9, tzinfo=UTC)
STAGES = {"import": 251.0, "payroll": 903.0, "reconciliation": 707.0}
"""Seconds of openIMIS 1.11 at 10,000 beneficiaries."""
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超霞平刚桂英玉兰春梅建国志华"
AWARDS = f"""
create temporary table made on commit drop as
 select m.household_id, m.person_id, p.name, p.account, p.bank, row_number() over (order by m.person_id) as n
 from registry_membership m join registry_person p on p.id = m.person_id;
insert into enrolment_decision (id, area, number, household_id, programme, kind, content, content_hash, starts, differs, reason, state, proposed_by_id, proposed_at,
 decided_by_id, decision_note, version) overriding system value
 select n, '{VILLAGE}', 'D' || n, household_id, 'dibao', 'grant', '{{}}', '', '2022-12-01', false, '', 'approved', %(account)s, now(),
 (select min(id) from core_account where id <> %(account)s), '', 1 from made;
insert into enrolment_entitlement (id, area, kind) overriding system value select n, '{VILLAGE}', 'award' from made;
insert into enrolment_award (id, area, household_id, programme, grp, starts, void, suspended, payee_id, payee_name, account, bank, decision_id, made_at)
 select n, '{VILLAGE}', household_id, 'dibao', 1, '2022-12-01', false, false, person_id, name, account, bank, n, now() from made;
insert into enrolment_awardamount (area, award_id, from_month, amount, decision_id) select '{VILLAGE}', n, '2022-12-01', 100 + n %% 200, n from made;
insert into enrolment_awardmember (area, award_id, person_id, grp, void, starts) select '{VILLAGE}', n, person_id, 1, false, '2022-12-01' from made
"""


class Counter:
    """Statements that Django's cursors send, and COPYs."""

    def __init__(self) -> None:
        self.sent = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.sent += len(params) if many else 1
        return execute(sql, params, many, context)

    @contextmanager
    def counting(self) -> Iterator[None]:
        from django.db import connection
        from psycopg import Cursor

        counter, plain = self, Cursor.copy

        def copy(cursor: Any, *args: Any, **options: Any) -> Any:
            counter.sent += 1
            return plain(cursor, *args, **options)

        Cursor.copy = copy  # type: ignore[method-assign, assignment]
        try:
            with connection.execute_wrapper(self):
                yield
        finally:
            Cursor.copy = plain  # type: ignore[method-assign]


def sheet(people: int) -> bytes:
    """A filled template as CSV: one household a row, valid numbers, phones and accounts."""
    from doudi.batch.idnumber import check_character, luhn_digit
    from doudi.registry.sheets import COLUMNS

    lines = [",".join(column.header_zh for column in COLUMNS)]
    for n in range(people):
        first = f"410122{1940 + n % 60}{1 + n // 60 % 12:02d}{1 + n // 720 % 28:02d}{n // 20160 * 2 + 1:03d}"
        name = SURNAMES[n % 20] + GIVEN[n // 20 % 30] + GIVEN[n // 600 % 30]
        card = f"62179{n:010d}"
        cells = {
            "household": str(n), "village": VILLAGE, "residence": "农村", "address": f"{n}号", "relationship": "户主", "name": name,
            "id_number": first + check_character(first), "phone": f"139{n:08d}", "bank": "中国邮政储蓄银行", "account": card + luhn_digit(card),
        }  # fmt: skip
        lines.append(",".join(cells.get(column.name, "") for column in COLUMNS))
    return "\r\n".join(lines).encode("utf-8-sig")


def make_awards(account: int) -> None:
    """A decision and an award for everybody who came in, by one statement a table (as superuser; what guards them is not measured here)."""
    import psycopg
    from django.db import connections

    from doudi.core import postgres

    with psycopg.connect(postgres.server().conninfo()) as owner, owner.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        for statement in AWARDS.split(";\n"):
            cursor.execute(statement, {"account": account})
    with connections["owner"].cursor() as cursor:
        cursor.execute("analyze")


def measure(people: int) -> dict[str, Any]:
    from django.db import transaction

    from doudi.batch.law.settings import base_table
    from doudi.core import scope as scopes
    from doudi.core.models import Account, Posting
    from doudi.payments import simulated
    from doudi.payments.models import Payroll
    from doudi.payments.services import files, ledger, payrolls, results
    from doudi.registry.models import Household, Person
    from doudi.registry.names import pinyin_of
    from doudi.registry.services import importing

    who: dict[str, scopes.Scope] = {}
    with scopes.acting(scopes.Scope(area="41")):
        if Person.objects.exists():
            raise SystemExit("this database has been used; choose another --home")
        for name, duty, area in (
            ("township", "township_officer", TOWNSHIP), ("reviewer", "county_reviewer", COUNTY), ("checker", "county_reviewer", COUNTY),
            ("approver", "county_approver", COUNTY), ("finance", "finance_officer", COUNTY),
        ):  # fmt: skip
            account = Account.objects.create(username=f"bench_{name}", name=name)
            Posting.objects.create(account=account, duty=duty, area=area, starts=date(2022, 1, 1))
            who[name] = scopes.Scope(area=area, account_id=account.pk, duty=duty)
    steps: dict[str, float] = {}
    queries: dict[str, int] = {}

    def step(stage: str, name: str, duty: str, work: Callable[[], Any]) -> Any:
        """`work` in a transaction of its own under the duty, as a request would do it."""
        counter = Counter()
        start = time.perf_counter()
        with counter.counting(), scopes.acting(who[duty]):
            answer = work()
        steps[f"{stage}: {name}"] = time.perf_counter() - start
        queries[stage] = queries.get(stage, 0) + counter.sent
        return answer

    pinyin_of("某")  # a running server has read its dictionary
    base_table()  # and the law
    content = sheet(people)
    kept = step("import", "upload", "township", lambda: importing.keep(content=content, ending=".csv"))

    def preview() -> None:
        with importing.kept(kept) as path:
            errors = importing.plan(path, on=ON).errors
            assert not errors, errors[0].said()

    def take() -> dict[str, int]:
        with importing.kept(kept) as path:
            return importing.import_file(path=path, update=False, on=ON, now=NOW)

    step("import", "preview", "township", preview)
    came = step("import", "import", "township", take)
    assert came["people"] == people, came
    make_awards(who["reviewer"].account_id)
    made = step("payroll", "prepare", "reviewer", lambda: payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW))
    assert made.lines == people, made
    pk = made.payroll.pk
    step("payroll", "check", "checker", lambda: payrolls.check_payroll(payroll_id=pk, now=NOW))
    step("payroll", "approve", "approver", lambda: payrolls.approve_payroll(payroll_id=pk, now=NOW))
    with scopes.acting(who["finance"]):
        ledger.receive_appropriation(fund="assistance", area=COUNTY, year=2022, amount=Decimal(10**9), document="bench", on=ON, now=NOW)
    step("payroll", "release", "finance", lambda: payrolls.release_payroll(payroll_id=pk, on=ON, now=NOW))
    step("payroll", "bank file", "finance", lambda: files.export_file(payroll_id=pk, layout="bank_batch", now=NOW))
    with scopes.acting(who["finance"]):
        answer = simulated.bank_answer(Payroll.objects.get(pk=pk), seed=7)
    booked = step("reconciliation", "book", "finance", lambda: results.book_results(data=[("r.csv", answer)], on=ON, now=NOW))
    with scopes.acting(who["finance"]), transaction.atomic():
        proof = ledger.check_ledger(area=COUNTY, month=MONTH)
        assert Household.objects.count() == people
    if not proof["holds"]:
        raise SystemExit(f"the ledger does not hold: {proof}")
    seconds = {stage: sum(value for name, value in steps.items() if name.startswith(stage)) for stage in STAGES}
    whole, theirs = sum(seconds.values()), sum(STAGES.values())
    return {
        "people": people,
        "steps": {name: round(value, 3) for name, value in steps.items()},
        "seconds": {name: round(value, 3) for name, value in seconds.items()} | {"whole": round(whole, 3)},
        "milliseconds_each": {name: round(value / people * 1000, 4) for name, value in (*seconds.items(), ("whole", whole))},
        "queries": queries,
        "times": {name: round(STAGES[name] / 10_000 * people / seconds[name]) for name in STAGES} | {"whole": round(theirs / 10_000 * people / whole)},
        "returned": booked.returned,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--home", type=Path, help="data folder, not used before; else one of its own, removed at the end")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = measured(chosen.home, lambda: measure(chosen.people))
    if chosen.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, value in figures.items():
        sys.stdout.write(f"{name:20} {value}\n")


if __name__ == "__main__":
    main()
