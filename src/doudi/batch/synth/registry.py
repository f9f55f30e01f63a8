"""What the registry holds of a block: people, households, facts, running awards, as Arrow tables.

Names of columns, fact kinds and programmes are those of the registry application.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .economy import OUTSIDE_PLACES
from .identifiers import BANKS, bank_accounts, digits_of, phones, to_strings
from .names import ETHNICITIES
from .structure import Bools, Days, Ints
from .world import KINDS, STAGES, World

CAPACITY = ("none", "partial", "full")
MONEY = pa.decimal128(16, 2)

PEOPLE = pa.schema(
    {
        "person_no": pa.int64(),
        "household_no": pa.int64(),
        "area": pa.string(),
        "relationship": pa.string(),
        "name": pa.string(),
        "sex": pa.string(),
        "birth_date": pa.date32(),
        "ethnicity": pa.string(),
        "id_number": pa.string(),
        "registered_area": pa.string(),
        "residence_area": pa.string(),
        "phone": pa.string(),
        "bank": pa.string(),
        "account": pa.string(),
        "died_on": pa.date32(),
        "father_no": pa.int64(),
        "mother_no": pa.int64(),
        "disability_kind": pa.string(),
        "disability_grade": pa.int8(),
        "works_away": pa.bool_(),
        "workplace_area": pa.string(),
        "labour_capacity": pa.string(),
        "school_stage": pa.string(),
        "serious_illness": pa.bool_(),
    }
)
HOUSEHOLDS = pa.schema(
    {
        "household_no": pa.int64(),
        "area": pa.string(),
        "head_no": pa.int64(),
        "name": pa.string(),
        "residence": pa.string(),
        "address": pa.string(),
        "members": pa.int64(),
        "wage_fen": pa.int64(),
        "business_fen": pa.int64(),
        "property_fen": pa.int64(),
        "transfer_fen": pa.int64(),
        "land_fen": pa.int64(),
        "income_fen": pa.int64(),
        "farmland_mu": pa.float64(),
        "financial_assets_fen": pa.int64(),
        "vehicles": pa.int64(),
        "dwellings": pa.int64(),
        "floor_area": pa.int64(),
        "rigid_expenditure_fen": pa.int64(),
        "standard_fen": pa.int64(),
        "paid_standard_fen": pa.int64(),
        "on_dibao": pa.bool_(),
        "on_tekun": pa.bool_(),
    }
)
FACTS = pa.schema(
    {"person_no": pa.int64(), "household_no": pa.int64(), "kind": pa.string(), "starts": pa.date32(), "number": MONEY, "text": pa.string()}
)
AWARDS = pa.schema(
    {
        "award_no": pa.int64(),
        "programme": pa.string(),
        "household_no": pa.int64(),
        "person_no": pa.int64(),
        "payee_no": pa.int64(),
        "starts": pa.date32(),
        "amount_fen": pa.int64(),
    }
)
REFUSALS = pa.schema({"household_no": pa.int64(), "person_no": pa.int64(), "programme": pa.string(), "starts": pa.date32()})


def people_table(
    rng: np.random.Generator,
    w: World,
    name: pa.Array,
    number: npt.NDArray[np.uint8],
    ethnicity: Ints,
    area: pa.Array,
    person_no: Ints,
    household_no: Ints,
    counties: npt.NDArray[np.str_],
    villages: pa.Array,
) -> pa.Table:
    """The people of the block. A few newborns have no number yet, a third of the old no phone."""
    f = w.families
    n = f.people
    no_number = (f.age < 1) & (rng.random(n) < 0.1)
    phone = pc.if_else(pa.array((f.age < 12) | ((f.age > 70) & (rng.random(n) < 0.35))), pa.scalar(None, pa.string()), to_strings(phones(rng, n)))
    bank, account = bank_accounts(rng, person_no)
    no_account = pa.array((f.age < 16) & (rng.random(n) < 0.8))
    elsewhere = pa.array(rng.random(n) < 0.03)
    other_village = villages.take(pa.array(rng.integers(0, len(villages), n)))
    workplace = pc.if_else(
        pa.array(w.work.outside),
        pa.array(OUTSIDE_PLACES).take(pa.array(w.work.workplace % len(OUTSIDE_PLACES))),
        pa.array(counties[w.work.workplace % len(counties)]),
    )
    nothing = pa.scalar(None, pa.string())
    work_area = pc.if_else(pa.array(w.work.away), workplace, nothing)
    parents = [pa.array(np.where(parent >= 0, person_no[parent], 0), mask=parent < 0) for parent in (f.father, f.mother)]
    columns = {
        "person_no": person_no,
        "household_no": household_no[f.household],
        "area": area,
        "relationship": to_strings(digits_of(f.relationship, 2)),
        "name": name,
        "sex": pa.array(["2", "1"]).take(pa.array(f.male.astype(np.int8))),
        "birth_date": _dates(f.birth),
        "ethnicity": pa.array([code for code, _ in ETHNICITIES]).take(pa.array(ethnicity)),
        "id_number": pc.if_else(pa.array(no_number), nothing, to_strings(number)),
        "registered_area": pc.if_else(elsewhere, other_village, area),
        "residence_area": pc.if_else(pa.array(w.work.away), workplace, area),
        "phone": phone,
        "bank": pc.if_else(no_account, nothing, pa.array([code for code, *_ in BANKS]).take(pa.array(bank))),
        "account": pc.if_else(no_account, nothing, to_strings(account)),
        "died_on": _dates(np.where(w.death_known, w.died, np.datetime64("NaT", "D"))),
        "father_no": parents[0],
        "mother_no": parents[1],
        "disability_kind": pc.if_else(pa.array(w.registry_grade > 0), pa.array(KINDS).take(pa.array((w.kind - 1).clip(0))), nothing),
        "disability_grade": w.registry_grade.astype(np.int8),
        "works_away": w.work.away,
        "workplace_area": work_area,
        "labour_capacity": pa.array(CAPACITY).take(pa.array(w.capacity)),
        "school_stage": pa.array(STAGES).take(pa.array(w.stage)),
        "serious_illness": w.ill_known,
    }
    return _table(columns, PEOPLE)


def households_table(w: World, heads: pa.Array, address: pa.Array, area: pa.Array, person_no: Ints, household_no: Ints) -> pa.Table:
    """The households of the block, `area`, `address` and `heads` (names) by household."""
    f = w.families
    sums = {
        name: np.add.reduceat(column, f.start)
        for name, column in (
            ("wage", w.income.wage),
            ("business", w.income.business),
            ("property", w.income.property),
            ("transfer", w.income.transfer),
            ("land", w.income.land),
        )
    }
    columns = {
        "household_no": household_no,
        "area": area,
        "head_no": person_no[f.start],
        "name": heads,
        "residence": pa.array(["rural", "urban"]).take(pa.array(w.urban.astype(np.int8))),
        "address": address,
        "members": f.size,
        **{f"{name}_fen": column for name, column in sums.items()},
        "income_fen": w.income.h_total,
        "farmland_mu": w.income.h_farmland,
        "financial_assets_fen": w.owned.assets,
        "vehicles": w.owned.vehicles,
        "dwellings": w.owned.dwellings,
        "floor_area": w.owned.floor_area,
        "rigid_expenditure_fen": w.owned.rigid,
        "standard_fen": w.amounts.standard,
        "paid_standard_fen": w.income.h_paid_standard,
        "on_dibao": f.any_member(w.on_dibao),
        "on_tekun": f.any_member(w.on_tekun),
    }
    return _table(columns, HOUSEHOLDS)


def facts_table(
    w: World, number: npt.NDArray[np.uint8], work_area: pa.ChunkedArray, person_no: Ints, household_no: Ints, on: np.datetime64
) -> pa.Table:
    """Facts in long form: money in yuan (totals of twelve months), flags as 1, words as text. Facts of the dead are left out."""
    f = w.families
    alive = ~w.death_known
    starts = (on.astype("datetime64[Y]")).astype("datetime64[D]")
    parts: list[pa.Table] = []

    def add(
        kind: str,
        where: Bools,
        number_: npt.NDArray[np.generic] | None = None,
        text: pa.Array | None = None,
        *,
        fen: bool = False,
        household: bool = False,
    ) -> None:
        at = np.flatnonzero(where)
        if not len(at):
            return
        nobody = pa.nulls(len(at), pa.int64())
        owner = pa.array((household_no if household else person_no)[at])
        if number_ is None:
            value = pa.nulls(len(at), MONEY)
        elif fen:
            value = _yuan(number_[at].astype(np.int64))
        else:
            value = pa.array(np.round(number_[at].astype(np.float64), 2)).cast(MONEY, safe=False)
        parts.append(
            _table(
                {
                    "person_no": nobody if household else owner,
                    "household_no": owner if household else nobody,
                    "kind": pa.array([kind]).take(pa.array(np.zeros(len(at), np.int8))),
                    "starts": _dates(np.full(len(at), starts)),
                    "number": value,
                    "text": pa.array([""]).take(pa.array(np.zeros(len(at), np.int8))) if text is None else text.take(pa.array(at)),
                },
                FACTS,
            )
        )

    for kind, column in (
        ("wage_income", w.income.wage),
        ("business_income", w.income.business),
        ("property_income", w.income.property),
        ("transfer_income", w.income.transfer),
        ("land_income", w.income.land),
    ):
        add(kind, alive & (column > 0), column, fen=True)
    one = np.ones(f.people)
    add("works_away", w.work.away, one)
    add("workplace_area", w.work.away, text=work_area)
    disabled = alive & (w.registry_grade > 0)
    add("disability", disabled, w.registry_grade, pa.array(KINDS).take(pa.array((w.kind - 1).clip(0))))
    grade = (w.registry_grade + ord("0")).astype(np.uint8)[:, None]
    add("disability_certificate", disabled, text=to_strings(np.hstack([number, (w.kind + ord("0")).astype(np.uint8)[:, None], grade])))
    add("serious_illness", alive & w.ill_known, one)
    add("labour_capacity", alive & (w.capacity < 2), text=pa.array(CAPACITY).take(pa.array(w.capacity)))
    add("support_obligor", w.on_tekun, text=pa.array(["none"]).take(pa.array(np.zeros(f.people, np.int8))))
    # Four fifths of tekun people care for themselves; the failures follow from the person's number so that no draw is spent on them.
    failures = np.where(w.grade == 1, 5, np.where(w.grade == 2, 2, person_no % 10 // 8))
    add("self_care_failures", w.on_tekun, failures)
    add("in_institution", w.on_tekun & (person_no % 5 == 0), one)
    add("in_school", alive & (w.stage > 0) & ~w.dropped_out, one)
    add("orphan", w.awards.orphan, one)
    add("de_facto_unsupported_child", w.awards.unsupported, one)
    for kind, owned, fen in (
        ("financial_assets", w.owned.assets, True),
        ("vehicles", w.owned.vehicles, False),
        ("dwellings", w.owned.dwellings, False),
        ("dwelling_area_per_head", w.owned.floor_area / f.size, False),
        ("farmland_per_head", w.income.h_farmland / f.size, False),
        ("rigid_expenditure", w.owned.rigid, True),
    ):
        add(kind, owned > 0, owned, fen=fen, household=True)
    return pa.concat_tables(parts)


def awards_table(rng: np.random.Generator, w: World, person_no: Ints, household_no: Ints, on: np.datetime64) -> pa.Table:
    """Awards already running: one row per member; members of one award share `award_no`, `amount_fen` is the whole award's for a month.
    `starts`: first month of the member; the award's own is the earliest."""
    f = w.families
    parts = []
    # Paid is the first living grown-up of the household, where there is none its head.
    fit = np.flatnonzero(~w.death_known & (f.age >= 18))
    h_payee = f.start.copy()
    households, first = np.unique(f.household[fit], return_index=True)
    h_payee[households] = fit[first]
    h_months = rng.integers(2, 60, f.households)
    for at, (programme, mask, amount) in enumerate(
        (
            ("dibao", w.awards.dibao, w.awards.h_dibao_amount[f.household]),
            ("dibao_single", w.awards.single, w.amounts.standard[f.household]),
            ("tekun", w.on_tekun, w.amounts.tekun[f.household]),
            ("orphan", w.awards.orphan, w.amounts.child[f.household]),
            ("unsupported_child", w.awards.unsupported, w.amounts.child[f.household]),
            ("disability_living", w.awards.living, w.amounts.living[f.household]),
            ("disability_nursing", w.awards.nursing, w.amounts.nursing[f.household]),
        )
    ):
        person = np.flatnonzero(mask)
        together = programme == "dibao"
        group = f.start[f.household[person]] if together else person
        months = h_months[f.household[person]] if together else (h_months[f.household[person]] + person_no[person]) % 58 + 2
        # Nobody holds an award before the month after birth; a child born later joins its household's award then.
        latest = on.astype("datetime64[M]") - 1
        starts = np.maximum(latest + 1 - months, f.birth[person].astype("datetime64[M]") + 1)
        starts = np.minimum(starts, latest)
        payee = np.where(together | (f.age[person] < 18), h_payee[f.household[person]], person)
        parts.append(
            _table(
                {
                    "award_no": person_no[group] * 10 + at,
                    "programme": pa.array([programme]).take(pa.array(np.zeros(len(person), np.int8))),
                    "household_no": household_no[f.household[person]],
                    "person_no": person_no[person],
                    "payee_no": person_no[payee],
                    "starts": _dates(starts.astype("datetime64[D]")),
                    "amount_fen": amount[person],
                },
                AWARDS,
            )
        )
    return pa.concat_tables(parts)


def refusals_table(w: World, refused: Days, person_no: Ints, household_no: Ints) -> pa.Table:
    """Applications for dibao that were refused: one row per member whom the registry believes alive; `starts`: the first month asked for."""
    since = refused[w.families.household]
    person = np.flatnonzero(~np.isnat(since) & ~w.death_known & (w.families.birth < since))
    columns = {
        "household_no": household_no[w.families.household[person]],
        "person_no": person_no[person],
        "programme": pa.array(["dibao"]).take(pa.array(np.zeros(len(person), np.int8))),
        "starts": _dates(since[person]),
    }
    return _table(columns, REFUSALS)


def addresses(rng: np.random.Generator, place: pa.Array) -> pa.Array:
    """Household addresses: place (township and village), group and house number."""
    n = len(place)
    group, house = (pa.array(rng.integers(1, most, n)).cast(pa.string()) for most in (13, 90))
    return pc.binary_join_element_wise(place, group, "组", house, "号", "")


def _yuan(fen: Ints) -> pa.Array:
    """Fen as exact decimals: the 128-bit integer is the fen itself at scale 2."""
    low = np.zeros((len(fen), 2), dtype=np.int64)
    low[:, 0] = fen
    low[:, 1] = fen >> 63
    return pa.Array.from_buffers(MONEY, len(fen), [None, pa.py_buffer(low)])


def _dates(days: Days) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"), pa.date32())


def _table(columns: dict[str, object], schema: pa.Schema) -> pa.Table:
    return pa.table(
        [column if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column) for column in (columns[name] for name in schema.names)],
        schema=schema,
    )
