"""Comparison (信息比对): the lake's deliveries against the registry, in DuckDB through Ibis; indicators become leads.

Each dataset is read once, joined with the registry by token and kept to what registered people need; DuckDB spills to disk beyond its
memory limit. Nothing here runs a query or a Python call per person.
"""

from __future__ import annotations

import string
import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis import _
from ibis.common.deferred import Deferred
from ibis.expr.types import Table, Value

from .datasets import CONTRACTS
from .delivery import lake_schema
from .engine import ROWS, Engine, opened
from .indicators import INDICATORS, MOMENTS, ByPlace, Indicator, in_force, thresholds
from .lake import Entry, Lake
from .plans import Plans, Step, frozen
from .tokens import TOKEN

PEOPLE = pa.schema(
    [
        ("person_id", pa.int64()),
        ("id_token", TOKEN),
        ("household_id", pa.int64()),
        ("area", pa.string()),
        ("birth_date", pa.date32()),
        ("died_on", pa.date32()),
        ("on_dibao", pa.bool_()),
        ("on_tekun", pa.bool_()),
        ("on_living_subsidy", pa.bool_()),
        ("on_nursing_subsidy", pa.bool_()),
        ("on_orphan_allowance", pa.bool_()),
        ("on_child_allowance", pa.bool_()),
        ("known_wage", pa.bool_()),
        ("works_away", pa.bool_()),
        ("has_phone", pa.bool_()),
        ("own_income", pa.float64()),
        ("income_month", pa.float64()),
        ("standard", pa.float64()),
        ("refused_on", pa.date32()),
        ("last_contact", pa.date32()),
    ]
)
"""The registry's people as the application writes them, dead ones included. `income_month`: of the whole household in yuan, `own_income`: of this person
alone, null where never assessed; `standard`: monthly dibao standard that holds for the household; `known_wage`: the registry knows wages of this
person; `on_child_allowance`: that of de facto unsupported children; `refused_on`: last refusal to the household, null where it is helped since;
`last_contact`: last visit to the household. `father_id` and
`mother_id` may be added where parents are known."""

MEMBERS = pa.schema([("household_id", pa.int64()), ("person_id", pa.int64()), ("relationship", pa.string())])
"""Members with GB/T 4761 codes to the head, dead parents included."""

LEADS = pa.schema(
    [
        ("indicator", pa.string()),
        ("person_id", pa.int64()),
        ("household_id", pa.int64()),
        ("area", pa.string()),
        ("situation", pa.string()),
        ("reason", pa.string()),
        ("evidence", pa.string()),
        ("urgency", pa.string()),
        ("programme", pa.string()),
    ]
)
"""Leads. `situation`: stable text that with the indicator names one situation for ever; `evidence`: JSON with dataset, delivery, row, facts."""

LINKS = pa.schema([("dataset", pa.string()), ("delivery", pa.string()), ("row", pa.int64()), ("person_id", pa.int64())])
"""Rows of deliveries linked to people by other means than the ID number's token."""

REGISTRY = "registry"
"""What the evidence names where no department's row tells the situation."""

_MEDICAL = ("id_token", "settled_on", "total_cost", "own_cost", "disease", "serious_illness", "source")

Progress = Callable[[str, int], None]

PLANS = Plans()


def run(
    lake: Lake,
    people: Path,
    members: Path,
    *,
    on: date,
    indicators: Iterable[Indicator] = tuple(INDICATORS.values()),
    parameters: Mapping[str, Mapping[str, float | ByPlace]] | None = None,
    switches: Mapping[str, ByPlace] | None = None,
    links: pa.Table | None = None,
    memory_limit: str = "2GB",
    threads: int = 2,
    temp: Path | None = None,
    progress: Progress | None = None,
) -> pa.Table:
    """Leads of all indicators whose datasets have a delivery; see `LEADS`, PEOPLE and MEMBERS (Parquet files) for shapes. `parameters` overrides
    thresholds by indicator code (KeyError for an unknown one), `switches` turns indicators off (0) or on (1) by place, `links` (`LINKS`) says whom rows
    are about whose token finds nobody. `progress` is told each indicator with its number of leads.

    An indicator whose first dataset has no delivery is left out; of its other datasets what has come is read (without the police's deaths the
    registry's own dates of death count)."""
    chosen = tuple(indicators)
    with (
        tempfile.TemporaryDirectory(dir=temp) as spill,
        opened(memory_limit=memory_limit, threads=threads, temp=Path(spill)) as engine,
        duckdb.connect(config={"threads": 1}) as writer,
    ):
        tables = _Tables(engine, lake, people, members, on, uses=Counter(dataset for each in chosen for dataset in each.datasets), links=links)
        shape = (tables.shape(), *(_words_of(each, parameters or {}, switches or {}) for each in chosen))
        plan = PLANS.get(shape)
        found = []
        for code, leads in _again(tables, plan) if plan is not None else _first(tables, chosen, parameters or {}, switches or {}):
            found.append(_sealed(writer, leads))
            if progress:
                progress(code, leads.num_rows)
        if plan is None:
            PLANS.put(shape, tuple(tables.steps))
        return pa.concat_tables(found) if found else LEADS.empty_table()


def _words_of(indicator: Indicator, parameters: Mapping[str, Any], switches: Mapping[str, Any]) -> Hashable:
    """What an indicator's statement depends on beside the tables."""
    told = (indicator.code, indicator.rule, indicator.datasets, indicator.reason, indicator.urgency, indicator.programme, indicator.evidence)
    return (*told, frozen(indicator.parameters), frozen(parameters.get(indicator.code, {})), frozen(switches.get(indicator.code, {})))


def _first(
    tables: _Tables, indicators: Iterable[Indicator], parameters: Mapping[str, Any], switches: Mapping[str, Any]
) -> Iterator[tuple[str, pa.Table]]:
    """Code and leads of each indicator by its expression; `tables` notes the steps."""
    for each in indicators:
        if each.datasets and not tables.has(each.datasets[0]):
            continue
        rows = in_force(each.rule(tables, thresholds(each, parameters.get(each.code, {}))), switches.get(each.code, {}))
        sql = tables.engine.sql(as_leads(each, rows, tables.files(each.datasets)))
        tables.steps.append(Step("leads", each.code, sql=sql))
        yield each.code, tables.engine.answer(sql)


def _again(tables: _Tables, plan: Iterable[Step]) -> Iterator[tuple[str, pa.Table]]:
    """The same by the steps of a comparison of the same shape."""
    for step in plan:
        if step.what == "leads":
            yield step.name, tables.engine.answer(step.sql)
        else:
            tables.repeat(step)


def _sealed(writer: duckdb.DuckDBPyConnection, leads: pa.Table) -> pa.Table:
    """Evidence as JSON text, written by one hand for every engine."""
    writer.register("leads", leads)
    names = ", ".join(f'"{name}"' if name != "evidence" else "to_json(evidence)::varchar as evidence" for name in LEADS.names)
    told: pa.Table = writer.sql(f"select {names} from leads").to_arrow_table()
    writer.unregister("leads")
    return told.cast(LEADS)


def as_leads(indicator: Indicator, rows: Table, files: Table) -> Table:
    """The leads of an indicator's rows, one per situation (the latest row where several show the same). `files`: dataset, number and delivery."""
    if "dataset" not in rows.columns:
        rows = rows.mutate(dataset=ibis.literal(indicator.datasets[0] if indicator.datasets else REGISTRY))
    newest = ibis.row_number().over(ibis.window(group_by=[rows.person_id, rows.fact], order_by=[rows.dataset, rows.source.desc()]))
    rows = rows.mutate(newest=newest).filter(_.newest == 0)
    rows = rows.mutate(situation=rows.person_id.cast("string") + ":" + rows.fact, row=rows.source % ROWS, file=rows.source // ROWS).left_join(
        files, ["dataset", "file"]
    )
    evidence: dict[str, Value] = {"dataset": ibis.ifelse(rows.source.isnull(), REGISTRY, rows.dataset), "delivery": rows.delivery, "row": rows.row}
    evidence |= {name: rows[name].cast("string") if rows[name].type().is_date() else rows[name] for name in indicator.evidence}
    return rows.select(
        indicator=ibis.literal(indicator.code),
        person_id=rows.person_id,
        household_id=rows.household_id,
        area=rows.area,
        situation=rows.situation,
        reason=_reason(indicator.reason, rows),
        evidence=ibis.struct(evidence),
        urgency=ibis.literal(indicator.urgency),
        programme=ibis.literal(indicator.programme),
    )


def _reason(template: str, rows: Table) -> Value:
    """The template's words with the row's values, as one text expression."""
    text: Value = ibis.literal("")
    for words, name, _spec, _conversion in string.Formatter().parse(template):
        if words:
            text = text + words
        if name:
            text = text + _words(rows[name]).fill_null("不详")
    return text


def _words(value: Value) -> Value:
    kind = value.type()
    if kind.is_date():
        return value.strftime("%Y-%m-%d")  # type: ignore[attr-defined, no-any-return]
    if kind.is_floating() or kind.is_decimal():
        return value.cast("decimal(14, 2)").cast("string")
    return value.cast("string")


class _Tables:
    """The tables that indicators use, each made once (see `indicators.Tables`)."""

    def __init__(self, engine: Engine, lake: Lake, people: Path, members: Path, on: date, *, uses: Mapping[str, int], links: pa.Table | None = None) -> None:
        self.on, self._uses, self._links = on, Counter(uses), links
        self.engine, self._lake = engine, lake
        self._registry_files = (people, members)
        self._registry = engine.parquet(people, "registry_people")
        self.members = engine.parquet(members, "registry_members")
        self._made: dict[str, Table] = {}
        self._moments: dict[str, Value] = {}
        self._listed: dict[str, list[Entry]] = {}
        self._links_of: dict[str, pa.Table | None] = {}
        self.steps: list[Step] = []

    def shape(self) -> Hashable:
        """What the tables' statements depend on (see `plans`)."""
        come = []
        for dataset in CONTRACTS:
            if entries := self._entries(dataset):
                first = pq.read_schema(self._lake.root / entries[0].parquet)
                come.append((dataset, len(entries) > 1, self._links_to(dataset) is not None, _columns(first)))
        registry = tuple(_columns(pq.read_schema(file)) for file in self._registry_files)
        return (self.engine.name, None if self.engine.any_day else self.on, registry, tuple(sorted(self._uses.items())), tuple(come))

    def repeat(self, step: Step) -> None:
        """One step before leads, as it was noted."""
        match step.what:
            case "rows":
                self._read(*step.of)
            case "links":
                self._linked(*step.of)
            case "files":
                self.files(step.of)
            case "moment":
                self.day(step.of[0], int(step.of[1]))
            case "keep":
                self.engine.make(step.name, step.sql)

    def _keep(self, name: str, expression: Table) -> Table:
        sql = self.engine.sql(expression)
        self.steps.append(Step("keep", name, sql=sql))
        return self.engine.make(name, sql)

    def day(self, what: str, count: int = 0) -> Value:
        name = f"doudi_{what}_{count}"
        if name not in self._moments:
            self.steps.append(Step("moment", name, (what, str(count))))
            self._moments[name] = self.engine.moment(name, MOMENTS[what](self.on, count))
        return self._moments[name]

    def has(self, dataset: str) -> bool:
        return bool(self._entries(dataset))

    def _entries(self, dataset: str) -> list[Entry]:
        if dataset not in self._listed:
            self._listed[dataset] = self._lake.entries(dataset, upto=f"{self.on:%Y-%m}")
        return self._listed[dataset]

    @cached_property
    def people(self) -> Table:
        return self._everybody.drop("id_token")

    @cached_property
    def _everybody(self) -> Table:
        """The people with their tokens: one table, made once, that every dataset is joined to."""
        flags = [field.name for field in PEOPLE if pa.types.is_boolean(field.type)]
        people = self._registry.mutate(**{flag: self._registry[flag].fill_null(False) for flag in flags})
        people = people.mutate(recipient=people.on_dibao | people.on_tekun)
        if self.has("deaths"):
            dead = self._registered("deaths").filter(_.died_on <= self.day("days")).select("person_id", dead=ibis.literal(True)).distinct()
            people = people.left_join(dead, "person_id").drop("person_id_right").mutate(alive=_.died_on.isnull() & _.dead.isnull())
        else:
            people = people.mutate(alive=_.died_on.isnull())
        people = people.select(*[name for name in PEOPLE.names if name != "died_on"], "recipient", "alive")
        households = people.group_by("household_id").agg(
            household_recipients=_.recipient.cast("int32").sum(), household_alive=_.alive.cast("int32").sum()
        )
        return self._keep("people", people.left_join(households, "household_id").drop("household_id_right"))

    def files(self, datasets: tuple[str, ...]) -> Table:
        """Dataset, number (file) and id (delivery) of the datasets' deliveries."""
        name = "_".join(("files", *datasets))
        if name not in self._made:
            rows = [(dataset, at, entry.delivery) for dataset in datasets for at, entry in enumerate(self._entries(dataset))]
            kinds = {"dataset": pa.string(), "file": pa.int64(), "delivery": pa.string()}
            columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(kinds.values())]
            self.steps.append(Step("files", name, datasets))
            self._made[name] = self.engine.given(pa.table(columns, names=list(kinds)), name)
        return self._made[name]

    def _read(self, dataset: str) -> Table:
        """All rows of the dataset with `source`."""
        files = [self._lake.root / entry.parquet for entry in self._entries(dataset)]
        name = f"lake_{dataset}"
        self.steps.append(Step("rows", name, (dataset,)))
        if files:
            return self.engine.rows(files, name)
        schema = lake_schema(CONTRACTS[dataset])
        return self.engine.given(pa.schema([*((each.name, each.type) for each in schema), ("source", pa.int64())]).empty_table(), name)

    def _registered(self, dataset: str) -> Table:
        """A table of the dataset's rows about registered people, with `person_id` in place of the token."""
        if dataset not in self._made:
            rows = self._about(dataset, self._facts(dataset), self._registry)
            self._made[dataset] = self._keep(f"registered_{dataset}", self._once(dataset, rows))
        return self._made[dataset]

    def _about(self, dataset: str, rows: Table, people: Table) -> Table:
        """The rows about these people, `person_id` in place of the token: by the ID number's token, and where that finds nobody by the links."""
        person = people.filter(_.id_token.notnull()).select("person_id", "id_token")
        found = rows.join(person, "id_token").drop("id_token")
        links = self._linked(dataset)
        if links is None:
            return found
        known = self._registry.filter(_.id_token.notnull()).select("id_token")
        others = rows.join(links, "source").anti_join(known, "id_token").drop("id_token").semi_join(people, "person_id")
        return ibis.union(found, others.select(*found.columns))

    def _links_to(self, dataset: str) -> pa.Table | None:
        """(person_id, source) of the rows that are linked; None: none are."""
        if self._links is None or not self.has(dataset):
            return None
        if dataset not in self._links_of:
            files = pa.table({"delivery": [entry.delivery for entry in self._entries(dataset)], "file": range(len(self._entries(dataset)))})
            mine = self._links.filter(pc.equal(self._links["dataset"], dataset)).join(files, "delivery", join_type="inner")
            source = pc.add(pc.multiply(mine["file"], ROWS), mine["row"])
            self._links_of[dataset] = pa.table({"person_id": mine["person_id"], "source": source}) if mine.num_rows else None
        return self._links_of[dataset]

    def _linked(self, dataset: str) -> Table | None:
        links = self._links_to(dataset)
        if links is None:
            return None
        name = f"links_{dataset}"
        self.steps.append(Step("links", name, (dataset,)))
        return self.engine.given(links, name)

    def _facts(self, dataset: str) -> Table:
        rows = self._read(dataset)
        told = [name for name in rows.columns if name not in ("row", "birth_date", "sex", "name") and not name.endswith("_token")]
        return rows.select("id_token", *told)

    def matched(self, dataset: str, who: Deferred | None = None) -> Table:
        people = self._everybody if who is None else self._everybody.filter(who)
        if self._uses[dataset] > 1 or dataset in self._made:
            return self._registered(dataset).join(people.drop("id_token"), "person_id")
        # Read by one indicator alone: nothing is kept, so that its filters and columns reach down into the files.
        rows = self._facts(dataset)
        if len(self._entries(dataset)) < 2 and self._linked(dataset) is None:
            return rows.join(people.filter(_.id_token.notnull()), "id_token").drop("id_token")
        return self._once(dataset, self._about(dataset, rows, people)).join(people.drop("id_token"), "person_id")

    def _once(self, dataset: str, rows: Table) -> Table:
        """Of a list the newest row of a key, of events each once. One grouping, which spills where a window would sort."""
        if len(self._entries(dataset)) < 2:
            return rows  # doubled rows within a delivery were rejected when it came
        contract = CONTRACTS[dataset]
        key = ["person_id", *(contract[name].stored for name in contract.key if contract[name].stored in rows.columns)]
        others = [name for name in rows.columns if name not in (*key, "source")]
        newest = {name: rows[name].argmax(rows.source) for name in others}
        return rows.group_by(key).agg(**newest, source=rows.source.max()).select(*rows.columns)

    def medical_year(self) -> Table:
        if "medical_year" not in self._made:
            rows = self._read("medical").filter(_.settled_on > self.day("years", 1), _.settled_on <= self.day("days"))
            people = self._everybody.filter(_.alive, _.household_recipients == 0)
            year = self._once("medical", self._about("medical", rows.select(*_MEDICAL), people)).group_by("person_id").agg(
                own_cost=_.own_cost.sum().cast("float64"), total_cost=_.total_cost.sum().cast("float64"), visits=_.count(),
                serious=_.serious_illness.fill_null(False).max(), last_on=_.settled_on.max(), source=_.source.max(),
            )  # fmt: skip
            self._made["medical_year"] = self._keep("medical_year", year)
        return self._made["medical_year"].join(self.people, "person_id")

    @property
    def parents(self) -> Table:
        """(child_id, parent_id): known parents, else those whom the relationships to the head leave."""
        if "parents" not in self._made:
            born = self._registry.select("person_id", "birth_date")
            members = self._keep("members", self.members.join(born, "person_id").select(*MEMBERS.names, "birth_date"))
            pairs = ibis.union(*[_related(members, child, parent) for child, parent in _PARENTS], distinct=True)
            if {"father_id", "mother_id"} <= set(self._registry.columns):
                known = self._registry.filter(_.father_id.notnull() & _.mother_id.notnull())
                pairs = pairs.anti_join(known, pairs.child_id == known.person_id)
                told = [known.select(child_id=_.person_id, parent_id=known[name].cast("int64")) for name in ("father_id", "mother_id")]
                pairs = ibis.union(pairs, *told)
            self._made["parents"] = self._keep("parents", pairs)
        return self._made["parents"]


def _columns(schema: pa.Schema) -> Hashable:
    return tuple((field.name, str(field.type)) for field in schema)


# Who can be a child's parents by the relationships to the head: of the head's children the head and spouse; of the head (and brothers and
# sisters) the head's parents; of grandchildren the head's children and children-in-law (only when every one of them is dead is
# the child surely an orphan).
_PARENTS: tuple[tuple[Callable[[Value], Value], Callable[[Value], Value]], ...] = (
    (lambda code: code.between("20", "39") & ~code.isin(["28", "38"]), lambda code: code.isin(["01", "02", "10", "11", "12"])),
    (lambda code: code.isin(["01", "02"]) | code.between("70", "79"), lambda code: code.isin(["50", "51", "52"])),
    (lambda code: code.isin(["40", "41", "42", "43", "44"]), lambda code: code.between("20", "39")),
)


def _related(members: Table, child: Callable[[Value], Value], parent: Callable[[Value], Value]) -> Table:
    children = members.filter(child(members.relationship)).select("household_id", child_id="person_id", child_born="birth_date")
    others = members.filter(parent(members.relationship)).select("household_id", parent_id="person_id", parent_born="birth_date")
    pairs = children.join(others, "household_id").filter(_.child_born.year() - _.parent_born.year() >= 14)  # not a sibling
    return pairs.select("child_id", "parent_id")
