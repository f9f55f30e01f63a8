"""Dynamic monitoring of everybody registered in a prefecture for a month: facts and awards out of PostgreSQL, the law, differences back as reviews.

    PYTHONPATH=src python bench/monitor.py [--people 1000000] [--home DIR] [--json]

A database of its own in `--home` (kept: a second run only measures; one size per home), filled without foreign keys, history and secondary indexes,
which are built afterwards. Three runs are timed: the first (loaded awards that the law
sees otherwise come up), an unchanged one, and one after the wages of every twentieth person changed. Prints people a second and the share of the
time spent reading, in the law and writing. Baseline: the same rows of members, facts and benefits by bare COPY, and the law alone over columns that
are in memory; `ratio` is the unchanged run divided by their sum. As doudi_app under row-level security, one process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from home import area_of, prepare
from registry import ON, load

TABLES = ("registry_person", "registry_household", "registry_membership", "registry_fact", "registry_benefitstatus", "enrolment_award", "enrolment_awardmember",
          "enrolment_awardamount")  # fmt: skip
MONTH, NOW = date(2022, 12, 1), datetime(2022, 12, 5, 2, tzinfo=UTC)


FILLED = ("registry_person", "registry_household", "registry_membership", "registry_fact")


@contextmanager
def bulk() -> Iterator[None]:
    """Let the registry be filled without triggers (foreign keys, history) and secondary indexes: the data are whole, and are not what is measured."""
    import psycopg
    from django.db import connections

    from doudi.core import postgres

    server = postgres.server()
    with psycopg.connect(server.conninfo(), autocommit=True) as superuser:
        superuser.execute("set search_path = doudi")
        found = superuser.execute(
            "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i where i.indrelid = any(%s::regclass[]) and not i.indisunique"
            " and not exists (select from pg_constraint c where c.conindid = i.indexrelid)",
            [list(FILLED)],
        ).fetchall()
        for name, _definition in found:
            superuser.execute(f"drop index {name}")
        superuser.execute("alter system set max_wal_size = '16GB'")
        superuser.execute("select pg_reload_conf()")
        superuser.execute("alter role doudi_app set session_replication_role = replica")
        connections.close_all()
        try:
            yield
        finally:
            connections.close_all()
            superuser.execute("alter role doudi_app reset session_replication_role")
            superuser.execute("set maintenance_work_mem = '1GB'")
            for _name, definition in found:
                superuser.execute(definition)


def awards(folder: Path, area: str) -> tuple[int, int]:
    """Two officers, and the awards of the synthetic prefecture, once; (reviewer, awards)."""
    from doudi.core import scope as scopes
    from doudi.core.models import Account
    from doudi.enrolment.loading import load_awards
    from doudi.enrolment.models import Award

    with scopes.acting(scopes.Scope(area="41")):
        first, second = (
            Account.objects.filter(username=name).first() or Account.objects.create_user(name, None, name=name) for name in ("bench-one", "bench-two")
        )
    with scopes.acting(scopes.Scope(area=area, account_id=first.pk, duty="county_reviewer")):
        if not Award.objects.exists():
            load_awards(folder, proposer_id=first.pk, approver_id=second.pk, now=datetime(2022, 10, 8, 2, tzinfo=UTC))
        return first.pk, Award.objects.count()


def timed(account: int, area: str) -> dict[str, Any]:
    """One run: people a second and where the time went."""
    from doudi.core import scope as scopes
    from doudi.enrolment import services

    start = time.perf_counter()
    with scopes.acting(scopes.Scope(area=area, account_id=account, duty="county_reviewer")):
        run = services.monitor(area=area, month=MONTH, now=NOW)
        figures = {"people": run.people, "awards": run.awards, **{name: run.figures[name] for name in ("found", "new", "updated", "settled")}}
        parts = run.figures["seconds"]
    seconds = time.perf_counter() - start
    return figures | {
        "seconds": round(seconds, 2), "people_per_second": round(run.people / seconds),
        "share": {name: round(value / seconds, 2) for name, value in parts.items()}, "law_seconds": parts["law"],
    }  # fmt: skip


def change_wages(account: int, area: str) -> int:
    """The wages of every twentieth person with wages fall by a third, as newer facts."""
    from django.db import connection

    from doudi.core import scope as scopes

    with scopes.acting(scopes.Scope(area=area, account_id=account, duty="county_reviewer")), connection.cursor() as cursor:
        cursor.execute(
            "create temp table fresh on commit drop as select * from registry_fact where kind = 'wage_income' and superseded_at is null and person_id % 20 = 0"
        )
        cursor.execute("update registry_fact set superseded_at = %s where id in (select id from pg_temp.fresh)", [NOW])
        cursor.execute(
            "select string_agg(column_name, ', ') from information_schema.columns where table_name = 'registry_fact'"
            " and column_name not in ('id', 'number', 'recorded_at', 'superseded_at')"
        )
        names = cursor.fetchone()[0]
        cursor.execute(f"insert into registry_fact ({names}, number, recorded_at) select {names}, round(number * 2 / 3, 2), %s from pg_temp.fresh", [NOW])
        return cursor.rowcount


def bare(account: int, area: str) -> float:
    """Seconds to copy the same rows out, without putting them into columns."""
    from django.db import connection

    from doudi.core import scope as scopes

    selects = (
        "select h.id, h.area, h.residence, p.id, p.birth_date from registry_household h join registry_membership m on m.household_id = h.id"
        " join registry_person p on p.id = m.person_id order by h.id, m.relationship, p.id",
        "select person_id, household_id, kind, number, text from registry_fact where superseded_at is null",
        "select person_id, programme, starts, ends, amount, band from registry_benefitstatus",
        "select a.id, a.household_id, a.programme, y.amount from enrolment_award a join enrolment_awardamount y on y.award_id = a.id where not a.void",
    )
    start = time.perf_counter()
    with scopes.acting(scopes.Scope(area=area, account_id=account, duty="county_reviewer")), connection.cursor() as cursor:
        for select in selects:
            with cursor.copy(f"copy ({select}) to stdout") as copy:
                for _block in copy:
                    pass
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", "--size", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = (given.home or (Path("/var/lib") if os.geteuid() == 0 else Path("var")) / f"doudi-bench-monitor-{given.people}").resolve()
    prepare(home)
    from doudi.core import postgres

    with postgres.running():
        import django

        django.setup()
        from django.db import connections

        from doudi.core import scope as scopes
        from doudi.registry.models import Person

        folder, area = home / "synth", area_of(given.people)
        with scopes.acting(scopes.Scope(area=area)):
            there = Person.objects.exists()
        with nullcontext() if there else bulk():
            loaded = load(folder, given.people)
        account, count = awards(folder, area)
        with connections["owner"].cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"vacuum analyze {table}")
        out: dict[str, Any] = {"on": ON.isoformat(), "loaded": loaded, "awards": count, "first": timed(account, area)}
        out["unchanged"] = timed(account, area)
        out["changed_wages"] = change_wages(account, area)
        out["after_change"] = timed(account, area)
        copied = bare(account, area)
        out["baseline"] = {"copy_seconds": round(copied, 2), "law_seconds": out["unchanged"]["law_seconds"]}
        out["ratio"] = round(out["unchanged"]["seconds"] / (copied + out["unchanged"]["law_seconds"]), 2)
        connections.close_all()
        out["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if given.json:
        print(json.dumps(out, ensure_ascii=False))  # noqa: T201
        return
    for name in ("first", "unchanged", "after_change"):
        row = out[name]
        share = ", ".join(f"{part} {value:.0%}" for part, value in row["share"].items())
        told = f"{name:14}{row['people']:>10,} people{row['awards']:>9,} awards{row['seconds']:>9.2f} s{row['people_per_second']:>10,} people/s  ({share})"
        print(f"{told}  differences {row['found']:,}, new {row['new']:,}")  # noqa: T201
    beside = f"bare COPY {out['baseline']['copy_seconds']} s and the law alone {out['baseline']['law_seconds']} s"
    print(f"baseline: {beside}; ratio {out['ratio']}; peak memory {out['peak_memory_mb']} MB")  # noqa: T201


if __name__ == "__main__":
    main()
