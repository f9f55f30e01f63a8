"""Early-warning indicators (预警指标) about one household now, for the report of its data check."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from doudi.batch import compare
from doudi.batch.indicators import INDICATORS, Indicator
from doudi.batch.narrowed import narrowed
from doudi.core.scratch import scratch
from doudi.discovery import thresholds
from doudi.discovery.registry_side import write_members, write_people
from doudi.discovery.services.linkage import lake_as_linked
from doudi.enrolment.models import Application

# Whether somebody lives is asked of the deaths in every comparison.
ALWAYS = "deaths"


def _covered(indicator: Indicator, limits: Mapping[int, Sequence[str]]) -> frozenset[int]:
    """Who has signed for all that the indicator reads (`limits`: person -> datasets, empty: all)."""
    needed = {*indicator.datasets, ALWAYS}
    return frozenset(person for person, datasets in limits.items() if not datasets or needed <= set(datasets))


def _of_household(path: Path, household_id: int) -> pa.Table:
    rows = pq.read_table(path)
    return rows.filter(pc.equal(rows["household_id"], household_id))


def hits(application: Application, *, limits: Mapping[int, Sequence[str]], names: Mapping[int, str], on: date) -> list[dict[str, Any]]:
    """What the indicators find of the household in the deliveries until `on`, with the thresholds of its place; nothing is raised.

    `limits`: members whom an authorisation covers, with the datasets that it names (none: all). Nobody else's number is compared: where a
    member has not signed for what an indicator reads, the registry alone speaks for that member.
    """
    groups: dict[frozenset[int], list[Indicator]] = {}
    for indicator in INDICATORS.values():
        groups.setdefault(_covered(indicator, limits), []).append(indicator)
    parameters, switches = thresholds.in_force(on, application.area)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="check-") as work:
        people, members = Path(work) / "people.parquet", Path(work) / "members.parquet"
        write_people(people, area=application.area, on=on)
        write_members(members, area=application.area)
        pq.write_table(_of_household(members, application.household_id), members)
        everybody = _of_household(people, application.household_id)
        # rows without a usable number that are somebody's of this household already stand as if they had had it
        linked = lake_as_linked(area=application.area, on=on, folder=Path(work), people=set(everybody["person_id"].to_pylist()))
        tokens = [token for token in everybody["id_token"].to_pylist() if token is not None]
        theirs = narrowed(linked, tokens, Path(work), upto=f"{on:%Y-%m}")
        for at, (covered, indicators) in enumerate(groups.items()):
            signed = pc.is_in(everybody["person_id"], value_set=pa.array(sorted(covered), pa.int64()))
            tokens = pa.array(
                [token if there else None for token, there in zip(everybody["id_token"].to_pylist(), signed.to_pylist(), strict=True)],
                everybody.schema.field("id_token").type,
            )
            mine = Path(work) / f"people-{at}.parquet"
            pq.write_table(everybody.set_column(everybody.schema.get_field_index("id_token"), "id_token", tokens), mine)
            leads = compare.run(
                theirs, mine, members, on=on, indicators=indicators, parameters=parameters, switches=switches, memory_limit="1GB", temp=Path(work)
            )
            found += leads.select(["indicator", "person_id", "reason", "urgency"]).to_pylist()
    order = {"red": 0, "orange": 1, "yellow": 2}
    made = [
        {
            "indicator": row["indicator"], "title": INDICATORS[row["indicator"]].title_zh, "person": names.get(row["person_id"], ""),
            "reason": row["reason"], "urgency": row["urgency"], "helps": INDICATORS[row["indicator"]].helps,
        }
        for row in found
    ]  # fmt: skip
    return sorted(made, key=lambda hit: (order.get(hit["urgency"], 3), hit["indicator"], hit["person"]))
