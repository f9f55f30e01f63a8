"""The truth table against the files: whoever reads the files and the registry by the indicators' definitions finds what is true, and no more."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from doudi.batch.synth import generate

ON = date(2022, 11, 25)
YEAR = date(2021, 11, 25)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    generate("410122", 30_000, 77, folder)
    return folder


def table(out: Path, name: str) -> pd.DataFrame:
    return pq.read_table(out / f"{name}.parquet").to_pandas()


def found(out: Path, indicator: str) -> set[int]:
    truth = table(out, "truth")
    return set(truth[(truth.indicator == indicator) & truth.expected & truth.findable].person_no)


def unfindable(out: Path, indicator: str) -> set[int]:
    truth = table(out, "truth")
    return set(truth[(truth.indicator == indicator) & truth.expected & ~truth.findable].person_no)


def holders(out: Path, *programmes: str) -> set[int]:
    awards = table(out, "awards")
    return set(awards[awards.programme.isin(programmes)].person_no)


def recipients(out: Path) -> set[int]:
    return holders(out, "dibao", "dibao_single", "tekun")


def a_date(text: str) -> date | None:
    digits = re.findall(r"\d+", text[:11])
    if len(digits) == 1 and len(digits[0]) == 8:
        digits = [digits[0][:4], digits[0][4:6], digits[0][6:]]
    try:
        return date(*map(int, digits[:3]))
    except (TypeError, ValueError):
        return None


def delivered(out: Path, dataset: str) -> pd.DataFrame:
    """All rows of a dataset that belong to a person of the registry, with `person_no`."""
    people = table(out, "people").dropna(subset=["id_number"])
    numbers = dict(zip(people.id_number, people.person_no, strict=True))
    numbers |= {number[:6] + number[8:17]: person for number, person in list(numbers.items()) if number[6:8] == "19"}
    frames = []
    for file in json.loads((out / "deliveries" / "manifest.json").read_text("utf-8")):
        if file["dataset"] != dataset:
            continue
        path = out / "deliveries" / file["file"]
        if file["encoding"] == "xlsx":
            lines = [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]
        else:
            with path.open(encoding=file["encoding"], newline="") as stream:
                lines = list(csv.reader(stream))
        header = next(at for at, line in enumerate(lines) if line[0] == "姓名")
        frames.append(pd.DataFrame(lines[header + 1 :], columns=lines[header]))
    rows = pd.concat(frames)
    plain = rows["身份证号"].str.translate(str.maketrans("０１２３４５６７８９Ｘ", "0123456789X")).str.replace(r"\s", "", regex=True).str.upper()
    rows["person_no"] = plain.map(numbers)
    return rows.dropna(subset=["person_no"]).astype({"person_no": int})


def agree(out: Path, indicator: str, seen: set[int], *, more: float = 0.04) -> None:
    """All findable truth is seen; little is seen but truth: rows under another's number, what has ended and stands as running, old incomes."""
    missed = found(out, indicator) - seen
    wrong = seen - found(out, indicator) - unfindable(out, indicator)
    assert not missed
    assert len(found(out, indicator)) > 3
    assert len(wrong) <= more * len(seen) + 1


def living(out: Path) -> set[int]:
    """Alive by the registry and the police."""
    people = table(out, "people")
    return set(people[people.died_on.isna()].person_no) - set(delivered(out, "deaths").person_no)


def test_severely_disabled_without_nursing_subsidy(out: Path) -> None:
    rows = delivered(out, "disability")
    severe = set(rows[rows["残疾等级"].isin(["一级", "二级"])].person_no)
    agree(out, "disability_no_nursing_subsidy", (severe & living(out)) - holders(out, "disability_nursing", "tekun"), more=0.08)


def test_disabled_on_dibao_without_living_subsidy(out: Path) -> None:
    disabled = set(delivered(out, "disability").person_no)
    seen = (disabled & living(out) & holders(out, "dibao", "dibao_single")) - holders(out, "disability_living")
    agree(out, "disability_no_living_subsidy", seen, more=0.08)


def test_medical_costs_above_half_of_the_income(out: Path) -> None:
    rows = delivered(out, "medical")
    rows["day"] = rows["结算日期"].map(a_date)
    rows["own"] = pd.to_numeric(rows["个人负担"].str.replace(",", ""), errors="coerce")
    rows = rows[rows.day.notna()]
    own = rows[rows.day > YEAR].groupby("person_no").own.sum()
    people = table(out, "people").set_index("person_no")
    income = table(out, "households").set_index("household_no").income_fen / 100
    helped = set(people.loc[sorted(recipients(out))].household_no)
    seen = {
        person
        for person, cost in own.items()
        if cost >= 5_000 and cost > income[people.household_no[person]] / 2 and people.household_no[person] not in helped
    }
    agree(out, "medical_costs", seen & living(out), more=0.08)


def test_deaths_of_recipients(out: Path) -> None:
    agree(out, "recipient_death", set(delivered(out, "deaths").person_no) & recipients(out))


def test_cars_of_recipients(out: Path) -> None:
    rows = delivered(out, "vehicles")
    rows["day"] = rows["登记日期"].map(a_date)
    cars = rows[rows["车辆类型"].isin(["小型轿车", "小型普通客车", "小型面包车", "重型货车"]) & (rows.day.fillna(YEAR) > YEAR)]
    agree(out, "recipient_vehicle", set(cars.person_no) & recipients(out) & living(out))


def test_companies_of_recipients(out: Path) -> None:
    rows = delivered(out, "companies")
    rows["day"] = rows["成立日期"].map(a_date)
    matters = rows[(rows["认缴出资额(万元)"].astype(float) >= 20) | (rows.day.fillna(YEAR) > YEAR)]
    agree(out, "recipient_company", set(matters.person_no) & recipients(out) & living(out))


def test_new_second_homes_and_shops_of_recipients(out: Path) -> None:
    rows = delivered(out, "housing")
    rows["day"] = rows["登记日期"].map(a_date)
    dwelling = rows["用途"].isin(["住宅", "宅基地"])
    count = rows[dwelling].groupby("person_no").size().reindex(rows.person_no).fillna(0).to_numpy()
    new = rows[(rows.day.fillna(YEAR) > YEAR) & (~dwelling | (count >= 2))]
    agree(out, "recipient_house", set(new.person_no) & recipients(out) & living(out), more=0.08)


def test_unknown_wages_of_recipients(out: Path) -> None:
    rows = delivered(out, "wages")
    rows["wage"] = pd.to_numeric(rows["应发工资"].str.replace(",", ""), errors="coerce")
    average = rows.groupby("person_no").wage.mean()
    people = table(out, "people").set_index("person_no")
    standard = table(out, "households").set_index("household_no").standard_fen / 100
    facts = table(out, "facts")
    known = set(facts[facts.kind == "wage_income"].person_no.astype(int))
    high = {person for person, wage in average.items() if wage > 1.5 * standard[people.household_no[person]]}
    # one month of somebody else's wages is enough to be wrong
    agree(out, "recipient_wages", (high & recipients(out) & living(out)) - known, more=0.35)


def test_minors_both_of_whose_parents_are_dead(out: Path) -> None:
    people = table(out, "people")
    dead = set(people[people.died_on.notna()].person_no) | set(delivered(out, "deaths").person_no)
    minors = people[people.birth_date > date(2004, 11, 25)]
    seen = set(minors[minors.father_no.isin(dead) & minors.mother_no.isin(dead)].person_no) - holders(out, "orphan")
    agree(out, "orphaned_minor", seen & living(out))


def test_serious_illness_in_a_household_of_low_income(out: Path) -> None:
    rows = delivered(out, "medical")
    rows["day"] = rows["结算日期"].map(a_date)
    ill = set(rows[(rows["大病标志"] == "是") & (rows.day.fillna(YEAR) > YEAR)].person_no)
    people = table(out, "people").set_index("person_no")
    households = table(out, "households").set_index("household_no")
    members = people.loc[sorted(living(out))].groupby("household_no").size()
    helped = set(people.loc[sorted(recipients(out))].household_no)
    low = {number for number in members.index if households.income_fen[number] < 1.5 * 12 * households.standard_fen[number] * members[number]}
    seen = {person for person in ill & living(out) if people.household_no[person] in low - helped}
    agree(out, "serious_illness_low_income", seen, more=0.08)
