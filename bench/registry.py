"""Search, household page and dashboard at 1 million people, as doudi_app under row-level security.

    PYTHONPATH=src python bench/registry.py [--size 1000000] [--rounds 40] [--home DIR] [--plans] [--json]

A database of its own in `--home` (kept, so that a second run only measures). Prints people loaded per second, then median and 95th percentile in
milliseconds of a list's page (count and twenty rows) by township, county and province, and of the household page.
Baselines: for a search, the same condition written as one bare SELECT, run by the table's owner without row-level security; for loading,
INSERT ... SELECT of the same rows into plain tables with the same indexes; for a page, an empty view
without middleware through the same test client. `--plans` prints the plans under row-level security.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from home import area_of, prepare
from pages import measure, whole_pages

ON, NOW = date(2022, 11, 25), datetime(2022, 11, 25, 2, tzinfo=UTC)


def load(folder: Path, size: int) -> dict[str, Any]:
    """Generate and load, once; seconds of the load and of its baseline."""
    from doudi.batch.synth import generate
    from doudi.core import scope as scopes
    from doudi.registry import loading
    from doudi.registry.models import Person

    if not (folder / "summary.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        generate(area_of(size), size, 7, folder, on=ON)
    with scopes.acting(scopes.Scope(area=area_of(size))):
        if Person.objects.exists():
            return {}
        start = time.perf_counter()
        loaded = loading.load_area(folder, on=ON, now=NOW)
        seconds = time.perf_counter() - start
    return {"people": loaded.people, "facts": loaded.facts, "seconds": round(seconds, 1), "people_per_second": round(loaded.people / seconds)}


def baseline_load(owner: Any) -> dict[str, Any]:
    """The same rows into plain tables with the same indexes: no policies, no history, no foreign keys, no numbers to seal."""
    seconds = 0.0
    with owner.cursor() as cursor:
        for table in ("registry_household", "registry_person", "registry_membership", "registry_fact"):
            cursor.execute("drop table if exists doudi.bench_plain")
            cursor.execute(f"create table doudi.bench_plain (like {table} including indexes including identity)")
            start = time.perf_counter()
            cursor.execute(f"insert into doudi.bench_plain select * from {table}")
            seconds += time.perf_counter() - start
        cursor.execute("drop table doudi.bench_plain")
    return {"rows_insert_seconds": round(seconds, 1)}


def searches(places: dict[str, str], owner: Any, plans: bool, rounds: int) -> list[dict[str, Any]]:
    from django.db import connection

    from doudi.core import numbers
    from doudi.core import scope as scopes
    from doudi.core.lists import page_of
    from doudi.registry import queries
    from doudi.registry.models import Person

    out = []
    for level, area in places.items():
        with scopes.acting(scopes.Scope(area=area)):
            random.seed(7)
            ids = list(Person.objects.values_list("pk", flat=True).order_by("pk")[:200_000])
            sample = list(Person.objects.filter(pk__in=random.sample(ids, rounds), phone__isnull=False))
            words: dict[str, list[str]] = {
                "full name": [person.name for person in sample],
                "two characters": [person.name[:2] for person in sample],
                "pinyin": [person.pinyin for person in sample],
                "initials": [person.initials for person in sample],
                "ID number": [numbers.plain(person.token) or "" for person in sample],
                "phone": [numbers.plain(person.phone) or "" for person in sample],
            }
            for kind, cases in words.items():
                median, p95 = measure(lambda text: page_of(queries.people(text).order_by("name", "id"), 1), cases)
                sql, params = queries.people(cases[0]).order_by("name", "id")[:20].query.sql_with_params()

                def bare(text: str, area: str = area) -> None:
                    sql, params = queries.people(text, area=area).order_by("name", "id")[:20].query.sql_with_params()
                    with owner.cursor() as cursor:
                        cursor.execute(sql, params)
                        cursor.fetchall()

                base, _p95 = measure(bare, cases)
                row = {"page": "people", "scope": level, "by": kind, "median_ms": round(median, 1), "p95_ms": round(p95, 1)}
                out.append({**row, "bare_ms": round(base, 1), "ratio": round(median / base, 1)})
                if plans:
                    with connection.cursor() as cursor:
                        cursor.execute("explain (analyze, costs off, timing off, summary off) " + sql, params)
                        print(f"\n{level}, {kind}\n" + "\n".join(line for (line,) in cursor.fetchall()))  # noqa: T201
            for kind in ("full name", "initials", "ID number"):
                median, p95 = measure(
                    lambda text: page_of(queries.with_summary(queries.households(text, on=ON), ON).order_by("area", "name", "id"), 1), words[kind]
                )
                out.append({"page": "households", "scope": level, "by": kind, "median_ms": round(median, 1), "p95_ms": round(p95, 1)})
            median, p95 = measure(lambda _n: page_of(queries.with_summary(queries.households(on=ON), ON).order_by("area", "name", "id"), 1), [1] * 10)
            out.append({"page": "households", "scope": level, "by": "nothing", "median_ms": round(median, 1), "p95_ms": round(p95, 1)})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", "--size", dest="size", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, default=Path("/var/lib/doudi-bench") if os.geteuid() == 0 else Path("var/bench"))
    parser.add_argument("--rounds", type=int, default=40, help="how often each search and page is asked for")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    home: Path = chosen.home.resolve()
    prepare(home)
    from doudi.core import postgres

    with postgres.running():
        import django

        django.setup()
        from django.db import connections

        loaded = load(home / "synth", chosen.size)
        owner = connections["owner"]
        if loaded:
            with owner.cursor() as cursor:
                for table in ("registry_person", "registry_household", "registry_membership", "registry_fact"):
                    cursor.execute(f"vacuum analyze {table}")
            loaded |= baseline_load(owner)
        with owner.cursor() as cursor:
            cursor.execute("select left(area, 9) from registry_person group by 1 order by count(*) desc limit 1")
            township = cursor.fetchone()[0]
        rows = searches({"township": township, "county": township[:6], "province": "41"}, owner, chosen.plans, chosen.rounds)
        pages = whole_pages(township, on=ON, rounds=chosen.rounds)
        connections.close_all()
    if chosen.json:
        print(json.dumps({"load": loaded, "search": rows, "pages": pages}, ensure_ascii=False))  # noqa: T201
        return
    if loaded:
        print("loaded:", ", ".join(f"{name} {value:,}" for name, value in loaded.items()))  # noqa: T201
    for row in rows:
        bare = f"  bare SELECT {row['bare_ms']:>6} ms, ratio {row['ratio']}" if "bare_ms" in row else ""
        print(f"{row['page']:<11}{row['scope']:<10}{row['by']:<16}median {row['median_ms']:>7} ms  p95 {row['p95_ms']:>7} ms{bare}")  # noqa: T201
    for name, figures in pages.items():
        print(f"{name} page:", ", ".join(f"{key} {value}" for key, value in figures.items()))  # noqa: T201


if __name__ == "__main__":
    main()
