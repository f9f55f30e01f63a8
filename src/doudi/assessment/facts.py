"""Registry -> the law's input columns, set-based: three reads by COPY for an area or for one household, pivoted in vectors.

Incomes are totals of 12 months divided by 12, unrounded; a business loss counts 0 (law.md, conventions). Members are those of
the first of the month; facts are those that hold on `as_of`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from django.db import connection
from numpy.typing import NDArray
from psycopg import ClientCursor

from doudi.batch.law import Settings
from doudi.core.emergencies import switched_areas
from doudi.core.plans import at_once
from doudi.registry.models import FactKind, Programme
from openfisca_henan.places import county_index

Array = NDArray[Any]
CHUNK_HOUSEHOLDS = 50_000
# The measure of an emergency that suspends exits (2.6); on for a month where it is on for a day of it from `as_of` on.
EXIT_SUSPENSION = "exit_suspension"

# Yuan over 12 months -> a month's share.
YEARLY = (
    FactKind.WAGE_INCOME,
    FactKind.BUSINESS_INCOME,
    FactKind.PROPERTY_INCOME,
    FactKind.TRANSFER_INCOME,
    FactKind.LAND_INCOME,
    FactKind.MAINTENANCE_INCOME,
    FactKind.DISREGARDED_INCOME,
    FactKind.DISREGARDED_INCOME_TEKUN,
)
FLAGS = (
    FactKind.WORKS_AWAY,
    FactKind.NEEDS_LONG_CARE,
    FactKind.WORK_INJURY_NURSING,
    FactKind.SERIOUS_ILLNESS,
    FactKind.IN_INSTITUTION,
    FactKind.IN_SCHOOL,
    FactKind.ORPHAN,
    FactKind.UNSUPPORTED_CHILD,
    FactKind.CHILD_WITH_HIV,
    FactKind.SPECIAL_DIFFICULTY,
)
CHOICES: dict[str, str] = {FactKind.LABOUR_CAPACITY: "full", FactKind.SUPPORT_OBLIGOR: "able"}
HOUSEHOLD_MONEY = (FactKind.FINANCIAL_ASSETS, FactKind.COMPANY_CAPITAL)
HOUSEHOLD_COUNTS = (FactKind.VEHICLES, FactKind.DWELLINGS, FactKind.NON_RESIDENTIAL)
HOUSEHOLD_MEASURES = (FactKind.DWELLING_AREA, FactKind.FARMLAND)
# What a column holds where the registry says nothing; a frozen column of defaults is left out.
DEFAULTS: dict[str, Any] = {"needs_long_care": True, **CHOICES, "disability_kind": "none"}

MEMBERS = """
select h.id household_id, h.area, h.residence, p.id person_id, p.birth_date
from registry_household h
join registry_membership m on m.household_id = h.id and m.starts <= %(first)s and (m.ends is null or m.ends > %(first)s)
join registry_person p on p.id = m.person_id and (p.died_on is null or p.died_on >= %(first)s)
where {where}
order by h.id, m.relationship, p.id
"""
# The newest fact that holds on the day: nearly always the row that nothing supersedes; where that one begins later, the one before it.
FACTS = """
select f.person_id, f.household_id, f.kind, f.number, f.text
from registry_fact f where {where} and f.superseded_at is null and f.starts <= %(as_of)s
union all
(select distinct on (f.person_id, f.household_id, f.kind) f.person_id, f.household_id, f.kind, f.number, f.text
from registry_fact f
where {where} and f.superseded_at is not null and f.starts <= %(as_of)s and exists (
  select from registry_fact n where {newer} and n.kind = f.kind and n.superseded_at is null and n.starts > %(as_of)s
  and (n.person_id = f.person_id or n.household_id = f.household_id))
order by f.person_id, f.household_id, f.kind, f.starts desc, f.recorded_at desc)
"""
BENEFITS = """
select b.person_id, b.programme, b.starts, b.ends, b.amount, b.band, b.gradual_exit_start
from registry_benefitstatus b
where {where} and b.state in ('active', 'suspended') and b.starts <= %(first)s and (b.ends is null or b.ends > %(before)s)
"""
HERE = "{0}.area >= %(low)s and {0}.area < %(high)s"
OF_HOUSEHOLD = "m2.household_id = %(household)s and m2.starts <= %(first)s and (m2.ends is null or m2.ends > %(first)s)"


@dataclass(frozen=True)
class Facts:
    """Inputs of the law for some households in one month; persons stand household by household.

    `persons` and `households` map input variables to columns; what stands in no column has the law's default.
    `receives`: whether a household has any award in the month.
    """

    month: date
    as_of: date
    household_ids: Array
    areas: Array
    person_ids: Array
    offsets: Array
    persons: dict[str, Array] = field(default_factory=dict)
    households: dict[str, Array] = field(default_factory=dict)
    receives: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def person_household(self) -> Array:
        return np.repeat(np.arange(len(self.household_ids)), np.diff(self.offsets))

    def only(self, keep: Array) -> Facts:
        """The households where `keep` is true."""
        rows = keep[self.person_household]
        sizes = np.diff(self.offsets)[keep]
        return Facts(
            month=self.month,
            as_of=self.as_of,
            household_ids=self.household_ids[keep],
            areas=self.areas[keep],
            person_ids=self.person_ids[rows],
            offsets=np.concatenate([[0], np.cumsum(sizes)]),
            persons={name: column[rows] for name, column in self.persons.items()},
            households={name: column[keep] for name, column in self.households.items()},
            receives=self.receives[keep],
        )


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def facts_day(month: date, today: date) -> date:
    """Day whose facts count: today, but for a month that is over its last day."""
    return min(today, month_after(month) - timedelta(days=1))


def copy_rows(sql: str, params: Mapping[str, Any], types: dict[str, pa.DataType]) -> pa.Table:
    """Rows of a query as an Arrow table, through COPY ... TO STDOUT."""
    buffer = io.BytesIO()
    connection.ensure_connection()
    statement = ClientCursor(connection.connection).mogrify(f"copy ({sql}) to stdout with (format csv)", params)  # COPY takes no parameters
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            buffer.write(block)
    if not buffer.tell():
        return pa.schema(types).empty_table()
    buffer.seek(0)
    return pyarrow.csv.read_csv(
        buffer,
        read_options=pyarrow.csv.ReadOptions(column_names=list(types)),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False),
    )


def _numbers(column: pa.ChunkedArray) -> Array:
    return column.to_numpy(zero_copy_only=False).astype(np.float64)


class Position:
    """Position of ids in a column of ids that does not stand in order."""

    def __init__(self, ids: Array) -> None:
        self.order = np.argsort(ids, kind="stable")
        self.sorted = ids[self.order]

    def of(self, ids: Array) -> tuple[Array, Array]:
        """(found, position of those found)."""
        if not len(self.sorted):
            return np.zeros(len(ids), dtype=bool), np.zeros(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.sorted, ids), len(self.sorted) - 1)
        found = self.sorted[at] == ids
        return found, self.order[at[found]]


def area_chunks(low: str, high: str, size: int = CHUNK_HOUSEHOLDS) -> Iterator[tuple[str, str]]:
    """Ranges of village codes with about `size` households each."""
    with connection.cursor() as cursor:
        cursor.execute("select area, count(*) from registry_household where area >= %s and area < %s group by area order by area", [low, high])
        rows = cursor.fetchall()
    start, held = "", 0
    for area, count in rows:
        if held and held + count > size:
            yield start, area
            held = 0
        if not held:
            start = area
        held += count
    if held:
        yield start, high


def read_area(*, low: str, high: str, month: date, as_of: date, settings: Settings) -> Facts:
    """Facts of all households whose area lies in [low, high), in memory at once: callers go chunk by chunk (`area_chunks`)."""
    # members and their facts carry the area of the household: each table is read by its own range, or every chunk would read all of it
    where = {
        "members": " and ".join(HERE.format(table) for table in "hmp"), "facts": HERE.format("f"), "newer": HERE.format("n"), "benefits": HERE.format("b"),
    }  # fmt: skip
    with connection.cursor() as cursor, at_once(cursor):
        made = _read(where, {"low": low, "high": high}, month, as_of, settings)
    return made


def read_household(*, household_id: int, month: date, as_of: date, settings: Settings) -> Facts:
    """Facts of one household with three reads, and one of where exits are suspended; no household in the result where it has no living member on the first of the month."""
    persons = f"(select m2.person_id from registry_membership m2 where {OF_HOUSEHOLD})"
    where = {
        "members": "h.id = %(household)s",
        "facts": f"(f.household_id = %(household)s or f.person_id in {persons})",
        "benefits": f"b.person_id in {persons}",
    }
    return _read(where, {"household": household_id}, month, as_of, settings)


def read_households(*, ids: list[int], month: date, as_of: date, settings: Settings) -> Facts:
    """Facts of the households named, within the scope."""
    persons = "(select m2.person_id from registry_membership m2 where m2.household_id = any(%(ids)s) and m2.starts <= %(first)s and (m2.ends is null or m2.ends > %(first)s))"
    where = {
        "members": "h.id = any(%(ids)s)", "facts": f"(f.household_id = any(%(ids)s) or f.person_id in {persons})", "benefits": f"b.person_id in {persons}",
    }  # fmt: skip
    return _read(where, {"ids": ids}, month, as_of, settings)


def _read(where: dict[str, str], params: dict[str, Any], month: date, as_of: date, settings: Settings) -> Facts:
    if month.day != 1:
        raise ValueError("month: the first of a month")
    params = params | {"first": month, "as_of": as_of, "before": month_before(month)}
    members = copy_rows(
        MEMBERS.format(where=where["members"]),
        params,
        {"household_id": pa.int64(), "area": pa.string(), "residence": pa.string(), "person_id": pa.int64(), "birth_date": pa.date32()},
    )
    of_person = members["household_id"].to_numpy()
    household_ids, starts = np.unique(of_person, return_index=True)
    person_ids = members["person_id"].to_numpy()
    areas = members["area"].to_numpy(zero_copy_only=False).astype(str)[starts]
    made = Facts(
        month=month,
        as_of=as_of,
        household_ids=household_ids,
        areas=areas,
        person_ids=person_ids,
        offsets=np.concatenate([starts, [len(person_ids)]]).astype(np.int64),
        receives=np.zeros(len(household_ids), dtype=bool),
    )
    made.persons["birth_date"] = members["birth_date"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    made.households["county"] = np.array([area[:6] for area in areas], dtype="U6") if len(areas) < 1000 else areas.astype("U6")
    if suspended := switched_areas(EXIT_SUSPENSION, max(month, as_of), month_after(month) - timedelta(days=1)):
        made.households["exit_suspended"] = np.logical_or.reduce([np.char.startswith(areas.astype(str), code) for code in suspended])
    made.households["residence"] = members["residence"].to_numpy(zero_copy_only=False).astype(str)[starts]
    if not len(household_ids):
        return made
    rows = copy_rows(
        FACTS.format(where=where["facts"], newer=where.get("newer", "true")),
        params,
        {"person_id": pa.int64(), "household_id": pa.int64(), "kind": pa.string(), "number": pa.float64(), "text": pa.string()},
    )
    _pivot(made, rows, settings)
    _benefits(made, copy_rows(
        BENEFITS.format(where=where["benefits"]),
        params,
        {
            "person_id": pa.int64(), "programme": pa.string(), "starts": pa.date32(), "ends": pa.date32(), "amount": pa.float64(), "band": pa.int64(),
            "gradual_exit_start": pa.date32(),
        },
    ))  # fmt: skip
    return made


def _pivot(made: Facts, rows: pa.Table, settings: Settings) -> None:
    """Long rows of facts into the law's columns."""
    # the rows are put in the order of their kinds once: each column then reads its own piece, texts are unpacked only where they count
    encoded = rows["kind"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int16)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)))
    pieces = {name: order[end - size : end] for name, end, size in zip(encoded.dictionary.to_pylist(), ends, np.diff(ends, prepend=0), strict=True)}
    numbers = _numbers(rows["number"])
    texts = rows["text"]
    owners = {"person": _numbers(rows["person_id"]), "household": _numbers(rows["household_id"])}
    index = {"person": Position(made.person_ids), "household": Position(made.household_ids)}
    sizes = {"person": len(made.person_ids), "household": len(made.household_ids)}

    def column(owner: str, kind: str, source: Array | pa.ChunkedArray, default: Any, dtype: Any) -> Array | None:
        mine = pieces.get(str(kind), order[:0])
        mine = mine[np.isfinite(owners[owner][mine])]
        if not len(mine):
            return None
        found, at = index[owner].of(owners[owner][mine].astype(np.int64))
        mine = mine[found]
        if isinstance(source, np.ndarray):
            given, known = source[mine], np.isfinite(source[mine])
            at, given = at[known], given[known]
        else:
            given = source.take(pa.array(mine)).to_numpy(zero_copy_only=False).astype(str)
            dtype = np.result_type(given.dtype, np.array(default).dtype)  # wide enough for the longest text
        values = np.full(sizes[owner], default, dtype=dtype)
        values[at] = given
        return values

    persons = made.persons
    for kind in YEARLY:
        if (values := column("person", kind, numbers, 0.0, np.float64)) is not None:
            persons[kind] = values / 12
    if FactKind.BUSINESS_INCOME in persons:
        persons[FactKind.BUSINESS_INCOME] = np.maximum(persons[FactKind.BUSINESS_INCOME], 0)
    if FactKind.LAND_INCOME in persons:
        # farmland is part of the business income: where that is a loss as a whole, it counts 0 as well
        persons[FactKind.LAND_INCOME] = persons[FactKind.LAND_INCOME].clip(0, persons.get(FactKind.BUSINESS_INCOME, np.zeros(1)))
    for kind in FLAGS:
        default = float(DEFAULTS.get(kind, False))
        if (values := column("person", kind, numbers, default, np.float64)) is not None:
            persons[kind] = values > 0
    for name, choice in CHOICES.items():
        if (values := column("person", name, texts, choice, str)) is not None:
            persons[name] = values
    if (values := column("person", FactKind.SELF_CARE, numbers, 0.0, np.float64)) is not None:
        persons["self_care_failures"] = values.astype(np.int32)
    if (values := column("person", FactKind.DISABILITY, numbers, 0.0, np.float64)) is not None:
        kind_of = column("person", FactKind.DISABILITY, texts, "none", str)
        persons["disability_grade"] = values.astype(np.int32)
        assert kind_of is not None
        persons["disability_kind"] = np.where(values > 0, kind_of, "none")
    _workplaces(
        persons,
        column("person", FactKind.WORKPLACE_STANDARD, numbers, 0.0, np.float64),
        column("person", FactKind.WORKPLACE_AREA, texts, "", str),
        made.month,
        settings,
    )
    households = made.households
    for kind in HOUSEHOLD_MONEY + HOUSEHOLD_MEASURES:
        if (values := column("household", kind, numbers, 0.0, np.float64)) is not None:
            households[kind] = values
    for kind in HOUSEHOLD_COUNTS:
        if (values := column("household", kind, numbers, 0.0, np.float64)) is not None:
            households[kind] = values.astype(np.int32)
    if (values := column("household", FactKind.RIGID_EXPENDITURE, numbers, 0.0, np.float64)) is not None:
        households[FactKind.RIGID_EXPENDITURE] = values / 12


def _workplaces(persons: dict[str, Array], stated: Array | None, areas: Array | None, month: date, settings: Settings) -> None:
    """Urban dibao standard at the place of work (2.4): as recorded, else the law's figure for a place inside the province."""
    standard = stated
    if areas is not None:
        codes = np.array([str(area)[:6].ljust(6, "0") for area in areas]) if len(areas) < 1000 else areas.astype("U6")
        index = county_index(np.where(np.char.str_len(codes) == 6, codes, "000000"))
        table = settings.table().at("dibao.standard.urban", f"{month}").values
        there = np.where(index >= 0, np.nan_to_num(table[np.maximum(index, 0)]), 0.0)
        standard = there if standard is None else np.where(standard > 0, standard, there)
    if standard is not None and (standard > 0).any():
        persons["workplace_urban_dibao_standard"] = standard


def _benefits(made: Facts, rows: pa.Table) -> None:
    """Awards of this month and of the one before, from the registry's summary."""
    if not rows.num_rows:
        return
    found, person = Position(made.person_ids).of(rows["person_id"].to_numpy())
    programme = rows["programme"].to_numpy(zero_copy_only=False).astype(str)[found]
    starts = rows["starts"].to_numpy(zero_copy_only=False).astype("datetime64[D]")[found]
    ends = rows["ends"].to_numpy(zero_copy_only=False).astype("datetime64[D]")[found]
    amounts = np.nan_to_num(_numbers(rows["amount"])[found])
    bands = np.nan_to_num(_numbers(rows["band"])[found]).astype(np.int32)
    exit_start = rows["gradual_exit_start"].to_numpy(zero_copy_only=False).astype("datetime64[D]")[found]
    first, before = np.datetime64(made.month, "D"), np.datetime64(month_before(made.month), "D")
    now = np.isnat(ends) | (ends > first)
    then = starts <= before
    household = made.person_household[person]
    made.receives[household[now]] = True

    def flag(name: str, mask: Array) -> None:
        if mask.any():
            made.persons[name] = made.persons.get(name, np.zeros(len(made.person_ids), dtype=bool))
            made.persons[name][person[mask]] = True

    dibao = programme == Programme.DIBAO
    flag("receives_dibao", now & (dibao | (programme == Programme.DIBAO_SINGLE)))
    flag("receives_tekun", now & (programme == Programme.TEKUN))
    flag("receives_child_allowance", now & np.isin(programme, [Programme.ORPHAN, Programme.UNSUPPORTED_CHILD]))
    flag("confirmed_marginal", now & (programme == Programme.MARGINAL))
    flag("was_on_tekun", then & (programme == Programme.TEKUN))
    size = len(made.household_ids)
    earlier = dibao & then
    if earlier.any():
        members = np.bincount(household[earlier], minlength=size)
        made.households["was_on_dibao"] = members > 0
        made.households["previous_dibao_amount"] = np.round(np.bincount(household[earlier], weights=amounts[earlier], minlength=size), 2)
        made.households["previous_dibao_members"] = members.astype(np.int32)
    started = dibao & now & ~np.isnat(exit_start)
    if started.any():
        months = np.zeros(size, dtype=np.int32)
        begun = np.full(size, first, dtype="datetime64[D]")
        begun[household[started]] = exit_start[started]
        months[household[started]] = (first.astype("datetime64[M]") - exit_start[started].astype("datetime64[M]")).astype(np.int32).clip(0)
        made.households["gradual_exit_months"], made.households["gradual_exit_start"] = months, begun
        made.households["income_rise_from_work"] = np.bincount(household[started], minlength=size) > 0
    _bands(made, person, np.where(dibao & now, bands, 0))


def _bands(made: Facts, person: Array, bands: Array) -> None:
    """Bands that the decision gave. A member without one (who joined since) waits for a new decision: until then the law finds the band."""
    if not bands.any():
        return
    column = np.zeros(len(made.person_ids), dtype=np.int32)
    column[person[bands > 0]] = bands[bands > 0]
    tekun = made.persons.get("receives_tekun", np.zeros(len(column), dtype=bool))
    complete = np.logical_and.reduceat((column > 0) | tekun, made.offsets[:-1])
    made.persons["dibao_band"] = np.where(complete[made.person_household], column, 0)
