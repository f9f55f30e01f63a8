"""Writes a synthetic county or province: registry, departments' files, truth.

People come in blocks of whole households (BLOCK people each, drawn from a random stream of the block's own), so memory stays
bounded and the same parameters give the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .amounts import amounts_at
from .departments import WRITERS, Register, broken, make_sheet
from .divisions import Division, load_counties, load_villages, township_names
from .event_sheets import EVENT_WRITERS
from .events import make_events
from .files import FANCY_ROWS, Delivered, FancyFiles, PlainFile, holds_gbk_only
from .identifiers import IdNumbers
from .misreports import believed, reported
from .names import ETHNICITIES, full_names
from .records import Records, make_records
from .registry import (
    AWARDS,
    FACTS,
    HOUSEHOLDS,
    PEOPLE,
    REFUSALS,
    addresses,
    awards_table,
    facts_table,
    households_table,
    people_table,
    refusals_table,
)  # fmt: skip
from .structure import Ints, make_families
from .text import HEADERS
from .truth import AWAY, INCOME, PARENTS, SOURCES, Known, Situation, adding, situations
from .truth_events import EVENT_SOURCES, event_situations
from .world import World, make_world

BLOCK = 50_000
TRUTH = pa.schema(
    {
        "person_no": pa.int64(),
        "household_no": pa.int64(),
        "indicator": pa.string(),
        "expected": pa.bool_(),
        "findable": pa.bool_(),
        "note": pa.string(),
    }
)
ERRORS = pa.schema({"dataset": pa.string(), "person_no": pa.int64(), "mistake": pa.string()})
WHO = pa.schema({"dataset": pa.string(), "row": pa.int64(), "person_no": pa.int64(), "mistake": pa.string()})
Progress = Callable[[int, int], None]
"""Called with the people done and the people in all."""


@dataclass(slots=True)
class Summary:
    """What was written. `truth`: true situations by indicator; `near_misses` likewise; `awards`: members of running awards by programme."""

    area: str
    on: str
    seed: int
    people: int = 0
    living: int = 0
    households: int = 0
    villages: int = 0
    awards: dict[str, int] = field(default_factory=dict)
    assisted_people: int = 0
    assisted_households: int = 0
    truth: dict[str, int] = field(default_factory=dict)
    near_misses: dict[str, int] = field(default_factory=dict)
    unfindable: int = 0
    deliveries: list[Delivered] = field(default_factory=list)


def generate(
    area: str,
    people: int,
    seed: int,
    out: Path,
    on: date = date(2022, 11, 25),
    progress: Progress | None = None,
    villages: Sequence[Division] | None = None,
) -> Summary:
    """Writes `people` people living in the villages of the division `area` (2 to 12 digits) into the folder `out`.

    Parquet: `people`, `households`, `facts`, `awards`, `refusals` (the registry), `truth`, `errors`, `who` (row in the file and person of each row without
    a usable ID number; null: of elsewhere); `deliveries/` with the departments' files and
    `deliveries/manifest.json`; `summary.json`. Dates end at `on`. The same parameters give the same files.
    ValueError: no people, an unknown area, or more people than there are ID numbers for.
    """
    if people < 1:
        raise ValueError("people 必须大于 0")
    day = np.datetime64(on, "D")
    villages = list(villages or load_villages(area))
    (out / "deliveries").mkdir(parents=True, exist_ok=True)
    run = _Run(villages, people, seed, out, day)
    summary = Summary(area, on.isoformat(), seed)
    try:
        for block, first in enumerate(range(0, people, BLOCK)):
            run.block(block, first, min(BLOCK, people - first), summary)
            if progress:
                progress(min(first + BLOCK, people), people)
    except BaseException:
        run.abandon()
        raise
    run.close(summary)
    (out / "deliveries" / "manifest.json").write_text(
        json.dumps([asdict(each) for each in summary.deliveries], ensure_ascii=False, indent=1), "utf-8"
    )
    (out / "summary.json").write_text(json.dumps(asdict(summary), ensure_ascii=False, indent=1), "utf-8")
    return summary


def _short(name: str) -> str:
    """The village's name without the words for its committee."""
    for ending in ("村民委员会", "村委会"):
        if name.endswith(ending):
            return name.removesuffix(ending).removesuffix("村") + "村"
    return name.removesuffix("居民委员会").removesuffix("居委会")


class _Run:
    """Open files and counters of one generation."""

    def __init__(self, villages: list[Division], people: int, seed: int, out: Path, day: np.datetime64) -> None:
        self.seed, self.day, self.villages, self.out = seed, day, villages, out
        codes = [code for code, _ in villages]
        self.codes = pa.array(codes)
        townships = township_names()
        self.places = pa.array([townships.get(code[:9], "") + _short(name) for code, name in villages])
        # Residents' committees (居委会) are urban, villagers' committees (村委会) rural.
        self.urban = np.array([not name.endswith(("村委会", "村民委员会", "村")) for _, name in villages])
        self.county_codes = [code for code, _ in load_counties()]
        regions = sorted({*self.county_codes, *(code[:6] for code in codes)})
        self.amounts = amounts_at(codes, self.urban, day)
        self.village_region = np.array([regions.index(code[:6]) for code in codes])
        county_names = dict(load_counties())
        self.region_codes = np.array(regions)
        self.region_names = pa.array([county_names.get(code, "") for code in regions])
        self.numbers = IdNumbers(regions, day)
        self.regions = len(regions)
        # People per village: lognormal weights, communities larger; `ends` are the cumulated people.
        rng = np.random.default_rng([seed, 0, 0])
        weight = np.exp(rng.normal(0, 0.45, len(villages))) * np.where(self.urban, 1.6, 1)
        self.ends = np.floor(np.cumsum(weight / weight.sum()) * people + 0.5).astype(np.int64)
        self.household_no = 0
        self.last_village = -1
        self.writers = {
            name: pq.ParquetWriter(out / f"{name}.parquet", schema)
            for name, schema in (
                ("people", PEOPLE),
                ("households", HOUSEHOLDS),
                ("facts", FACTS),
                ("awards", AWARDS),
                ("refusals", REFUSALS),
                ("truth", TRUTH),
                ("errors", ERRORS),
            )
        }
        period = str(day.astype("datetime64[M]"))
        folder = out / "deliveries"
        self.fancy = people <= FANCY_ROWS
        self.files: dict[str, PlainFile | FancyFiles] = {
            dataset: FancyFiles(folder, dataset, period, seed) if self.fancy else PlainFile(folder, dataset, period) for dataset in HEADERS
        }
        self.who: list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.str_]]] = []
        self.near: Counter[str] = Counter()
        self.true: Counter[str] = Counter()
        self.awards: Counter[str] = Counter()

    def block(self, block: int, first: int, people: int, summary: Summary) -> None:
        """Makes and writes one block. Each step has a random stream of its own, so that a change in one leaves the others as they are."""
        streams = iter([np.random.default_rng([self.seed, 1 + block, step]) for step in range(9)])
        families = make_families(next(streams), people, self.day)
        village = np.searchsorted(self.ends, first + families.start, side="right").clip(0, len(self.villages) - 1)
        world = make_world(next(streams), families, self.urban[village], self.amounts.take(village), len(self.county_codes), self.day)
        rng = next(streams)
        ethnicity = rng.choice(len(ETHNICITIES), size=families.households, p=[share for _, share in ETHNICITIES])[families.household]
        years = families.birth.astype("datetime64[Y]").astype(np.int64) + 1970
        name = full_names(rng, families.surname, families.male, years, ethnicity)
        name = name.combine_chunks() if isinstance(name, pa.ChunkedArray) else name
        rng = next(streams)
        from_elsewhere = (families.relationship == 10) | (families.relationship == 38) | (families.relationship == 28)
        region = np.where(
            rng.random(people) < np.where(from_elsewhere, 0.3, 0.03),
            rng.integers(0, self.regions, people),
            self.village_region[village][families.household],
        )
        number = self.numbers.issue(region, families.birth, families.male)
        person_no = np.arange(first + 1, first + people + 1)
        household_no = np.arange(self.household_no + 1, self.household_no + families.households + 1)
        self.household_no += families.households

        h_area = self.codes.take(pa.array(village))
        area = self.codes.take(pa.array(village[families.household]))
        counties = np.array(self.county_codes)
        rng = next(streams)
        registry, income_wrong, new_phone = believed(np.random.default_rng([self.seed, 1 + block, 9]), world)
        table = people_table(rng, registry, name, number, ethnicity, area, person_no, household_no, counties, self.codes)
        address = addresses(rng, self.places.take(pa.array(village)))
        awards = awards_table(next(streams), world, person_no, household_no, self.day)
        self.writers["people"].write_table(table)
        self.writers["households"].write_table(
            households_table(registry, name.take(pa.array(families.start)), address, h_area, person_no, household_no)
        )
        self.writers["facts"].write_table(facts_table(registry, number, table["workplace_area"].combine_chunks(), person_no, household_no, self.day))
        self.writers["awards"].write_table(awards)

        records = make_records(next(streams), world, len(self.county_codes), self.day)
        local = self.village_region[village][families.household]
        register = Register(
            name,
            number,
            families.birth,
            household_no[families.household],
            self.region_codes[local],
            self.region_names.take(pa.array(local)),
            counties,
            first,
            families.male,
            table["phone"].combine_chunks(),
            area,
            name.take(pa.array(families.start[families.household])),
        )
        rng, events = next(streams), make_events(next(streams), world, records, len(self.county_codes), self.day)
        self.writers["refusals"].write_table(refusals_table(world, events.refused, person_no, household_no))
        tables = records.tables | events.tables
        wrong = np.random.default_rng([self.seed, 1 + block, 10])
        said = {dataset: reported(wrong, dataset, tables[dataset], people) for dataset in HEADERS}
        unusable = {dataset: self._deliver(rng, dataset, register, rows, people, person_no) | lost for dataset, (rows, lost, _other) in said.items()}
        unusable |= {INCOME: income_wrong, AWAY: registry.work.away != world.work.away}
        unusable[PARENTS] = unusable["deaths"][families.father] | unusable["deaths"][families.mother]  # -1: nobody asks
        said_dead = said["deaths"][2]
        own_county = np.array([self.county_codes.index(code) if code in self.county_codes else -1 for code in self.region_codes])[local]
        known = Known(tables, events.refused, table["phone"].is_null().to_numpy(zero_copy_only=False) & ~new_phone, own_county)
        for situation in self._situations(world, known, records):
            at = situation.person
            findable = ~said_dead[at]
            for dataset in (SOURCES | EVENT_SOURCES)[situation.indicator]:
                findable &= ~unusable[dataset][at]
            self._truth(situation.indicator, situation.expected, situation.note, person_no[at], household_no[families.household[at]], findable)
            summary.unfindable += int((~findable).sum()) if situation.expected else 0

        for entry in pc.value_counts(awards["programme"]).to_pylist():
            self.awards[entry["values"]] += entry["counts"]
        summary.people += people
        summary.living += int(world.alive.sum())
        summary.households += families.households
        summary.assisted_people += int(world.recipient.sum())
        summary.assisted_households += int(families.any_member(world.recipient).sum())
        summary.villages += len(np.unique(village)) - int(self.last_village == village[0])
        self.last_village = int(village[-1])

    def _situations(self, world: World, known: Known, records: Records) -> list[Situation]:
        found = situations(world, known, records.hidden_wage, self.day)
        event_situations(adding(found), world, known, records.hidden_wage, self.day)
        return found

    def _deliver(self, rng: np.random.Generator, dataset: str, register: Register, table: dict, people: int, person_no: Ints) -> np.ndarray:
        sheet = make_sheet(rng, dataset, (WRITERS | EVENT_WRITERS)[dataset], register, table, gbk=self.fancy and holds_gbk_only(dataset))
        unusable = np.flatnonzero(np.isin(sheet.mistake, ["missing_id", "wrong_check_digit"]))
        whose = np.where(sheet.person[unusable] >= 0, person_no[sheet.person[unusable]], 0)
        self.who.append((dataset, self.files[dataset].rows + unusable, whose, sheet.mistake[unusable]))
        self.files[dataset].add(sheet)
        wrong = np.flatnonzero(sheet.mistake != "")
        owners = sheet.person[wrong]
        self.writers["errors"].write_table(
            pa.table(
                [
                    pa.array([dataset] * len(wrong), pa.string()),
                    pa.array(np.where(owners >= 0, person_no[owners], 0), mask=owners < 0),
                    pa.array(sheet.mistake[wrong]),
                ],
                schema=ERRORS,
            )
        )
        return broken(sheet, people)

    def _truth(self, indicator: str, expected: bool, note: str, person_no: Ints, household_no: Ints, findable: np.ndarray) -> None:
        n = len(person_no)
        if not n:
            return
        (self.true if expected else self.near)[indicator] += n
        columns = [
            pa.array(person_no),
            pa.array(household_no),
            pa.array([indicator] * n),
            pa.array(np.full(n, expected)),
            pa.array(findable),
            pa.array([note] * n),
        ]
        self.writers["truth"].write_table(pa.table(columns, schema=TRUTH))

    def abandon(self) -> None:
        """Closes the Parquet files as they are; the folder is not to be used."""
        for writer in self.writers.values():
            writer.close()

    def close(self, summary: Summary) -> None:
        """Closes everything and completes the summary."""
        for writer in self.writers.values():
            writer.close()
        for files in self.files.values():
            summary.deliveries += files.close()
        with pq.ParquetWriter(self.out / "who.parquet", WHO) as writer:
            for dataset, at, whose, mistake in self.who:
                rows = self.files[dataset].numbers(at)
                names = pa.array([dataset] * len(at), pa.string())
                writer.write_table(pa.table([names, pa.array(rows), pa.array(whose, mask=whose == 0), pa.array(mistake, pa.string())], schema=WHO))
        summary.truth, summary.near_misses = dict(sorted(self.true.items())), dict(sorted(self.near.items()))
        summary.awards = dict(sorted(self.awards.items()))
