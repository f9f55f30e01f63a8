"""A synthetic area compared without the application: its files taken in, its registry's side written, all indicators run, scored against the truth.

For measuring discovery on many unseen seeds (`bench/discovery.py` and a test): what the application's database would answer is read from the
area's Parquet files, the departments' files go through the same reading as in life.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from doudi.batch import compare
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import DeliveryRefused, read_delivery
from doudi.batch.lake import Lake
from doudi.batch.tokens import Keyring, Kind

from .county import generate
from .scoring import Score, score

# As the application's own statement (discovery/registry_side.py) answers it for a registry that was just loaded with this area.
PEOPLE = """
with benefits as (
  select person_no, bool_or(programme in ('dibao', 'dibao_single')) on_dibao, bool_or(programme = 'tekun') on_tekun,
    bool_or(programme = 'disability_living') living, bool_or(programme = 'disability_nursing') nursing, bool_or(programme = 'orphan') orphan,
    bool_or(programme = 'unsupported_child') child
  from '{folder}/awards.parquet' where starts <= date '{on}' group by 1
), facts as (
  select person_no, sum(number) filter (kind in ('wage_income', 'business_income', 'property_income', 'transfer_income')) / 12 income,
    bool_or(kind = 'wage_income' and number > 0) wage, bool_or(kind = 'works_away') away
  from '{folder}/facts.parquet' where person_no is not null group by 1
), homes as (
  select household_no, sum(income) income from '{folder}/people.parquet' join facts using (person_no) where died_on is null group by 1
), refused as (
  select household_no, max(starts) refused_on from '{folder}/refusals.parquet' r
  where not exists (from '{folder}/awards.parquet' a where a.household_no = r.household_no and a.starts >= r.starts) group by 1
)
select p.person_no person_id, p.id_number, case when p.died_on is null then p.household_no end household_id, p.area, p.birth_date, p.died_on,
  coalesce(b.on_dibao, false) on_dibao, coalesce(b.on_tekun, false) on_tekun, coalesce(b.living, false) on_living_subsidy,
  coalesce(b.nursing, false) on_nursing_subsidy, coalesce(b.orphan, false) on_orphan_allowance, coalesce(b.child, false) on_child_allowance,
  coalesce(f.wage, false) known_wage, coalesce(f.away, false) works_away, p.phone is not null has_phone, f.income::double own_income,
  m.income::double income_month, h.standard_fen / 100.0::double standard, r.refused_on, null::date last_contact
from '{folder}/people.parquet' p join '{folder}/households.parquet' h using (household_no) left join homes m using (household_no)
left join benefits b using (person_no) left join facts f using (person_no) left join refused r using (household_no) order by 1
"""
MEMBERS = "select household_no household_id, person_no person_id, relationship from '{folder}/people.parquet' order by 1, 2"


@dataclass(frozen=True, slots=True)
class Trial:
    """`score` against the truth; `refused`: files that were refused whole, of `files`."""

    score: Score
    files: int
    refused: int
    leads: pa.Table


def write_registry(folder: Path, target: Path, *, keys: Keyring, on: date) -> tuple[Path, Path]:
    """People and members (`compare.PEOPLE`, `compare.MEMBERS`) of a synthetic area as the registry knows them."""
    target.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        people = connection.sql(PEOPLE.format(folder=folder, on=on)).to_arrow_table()
        members = connection.sql(MEMBERS.format(folder=folder)).to_arrow_table()
    tokens = keys.token.seal_many(Kind.CITIZEN_ID, people["id_number"].combine_chunks())
    people = people.set_column(1, "id_token", tokens).select(compare.PEOPLE.names).cast(compare.PEOPLE)
    paths = target / "people.parquet", target / "members.parquet"
    pq.write_table(people, paths[0])
    pq.write_table(members.cast(compare.MEMBERS), paths[1])
    return paths


def take_in(folder: Path, lake: Lake, *, keys: Keyring, on: date) -> tuple[int, int]:
    """Takes all files of the area into the lake; returns their number and how many were refused whole."""
    files = json.loads((folder / "deliveries" / "manifest.json").read_text("utf-8"))
    refused = 0
    for at, entry in enumerate(files):
        source = folder / "deliveries" / entry["file"]
        try:
            accepted = read_delivery(source, CONTRACTS[entry["dataset"]], out=lake.root / "work", key=keys.token, on=on)
        except DeliveryRefused:
            refused += 1
            continue
        lake.put(accepted, source, keys=keys, period=f"{on:%Y-%m}", delivery=f"D{at}")
    return len(files), refused


def trial(area: str, people: int, seed: int, work: Path, *, keys: Keyring, on: date = date(2022, 11, 25), memory_limit: str = "1GB") -> Trial:
    """Generate, take in, compare, score; everything below the folder `work`."""
    county, lake = work / "county", Lake(work / "lake")
    generate(area, people, seed, county, on)
    files, refused = take_in(county, lake, keys=keys, on=on)
    registry = write_registry(county, work / "registry", keys=keys, on=on)
    leads = compare.run(lake, *registry, on=on, memory_limit=memory_limit, temp=work)
    found = score(county / "truth.parquet", leads["person_id"].to_pylist(), leads["indicator"].to_pylist())
    return Trial(found, files, refused, leads)
