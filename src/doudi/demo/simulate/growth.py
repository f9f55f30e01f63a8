"""How large everything is: tables and indexes with their rows, partitions counted with their parent, and the folders of files beside the database."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from doudi.core.home import home

# Made anew at every start, or the server's own.
NOT_FILES = frozenset({"postgres", "run", "static", "demo"})
SIZES = """
select coalesce(p.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint, coalesce(sum(s.n_live_tup), 0)::bigint
from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent left join pg_stat_all_tables s on s.relid = c.oid
where c.relkind = 'r' and c.relnamespace = 'doudi'::regnamespace group by 1 having sum(pg_total_relation_size(c.oid)) > 65536
"""

Sizes = dict[str, list[int]]


def tables() -> Sizes:
    """table -> [bytes with indexes, rows as the server's statistics count them], of tables with more than empty pages."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return {name: [size, rows] for name, size, rows in cursor.fetchall()}


def folders() -> dict[str, int]:
    """folder of the data folder -> bytes of the files in it."""
    found = {}
    for each in sorted(home().iterdir()):
        if each.is_dir() and each.name not in NOT_FILES:
            found[each.name] = sum(path.stat().st_size for path in each.rglob("*") if path.is_file())
    return found


def by_month(first: Mapping[str, list[int]], last: Mapping[str, list[int]], months: int, most: int = 12) -> list[tuple[str, float, float, int]]:
    """(table, MB a month, rows a month, rows now) of those that grew most, largest first."""
    grown = [(name, size - first.get(name, [0, 0])[0], rows - first.get(name, [0, 0])[1], rows) for name, (size, rows) in last.items()]
    grown.sort(key=lambda each: (-each[1], each[0]))
    return [(name, size / 2**20 / months, rows / months, now) for name, size, rows, now in grown[:most] if size > 0]

