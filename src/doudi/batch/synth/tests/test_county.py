"""The synthetic county: determinism, structure, identifiers, truth."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from doudi.batch.indicators import INDICATORS
from doudi.batch.law.engine import run
from doudi.batch.synth import Summary, generate, load_villages
from doudi.batch.synth.identifiers import IdNumbers

ON = date(2022, 11, 25)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    out = tmp_path_factory.mktemp("county")
    return out, generate("410122", 12_000, 11, out)


def table(county: tuple[Path, Summary], name: str):
    return pq.read_table(county[0] / f"{name}.parquet").to_pandas()


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate("410122", 1_500, seed, tmp_path / name)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert len(first) > 15
    assert all(first[name] != other[name] for name in first if name != "deliveries/manifest.json" and not name.startswith("deliveries/deaths"))


def test_the_number_of_people_is_exact_also_for_the_smallest(tmp_path: Path) -> None:
    for people in (1, 2, 7, 137):
        summary = generate("410122", people, people, tmp_path / str(people))
        assert summary.people == people == pq.read_metadata(tmp_path / str(people) / "people.parquet").num_rows


def test_nobody_and_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="大于 0"):
        generate("410122", 0, 1, tmp_path)
    with pytest.raises(ValueError, match="110101"):
        generate("110101", 10, 1, tmp_path)


def test_more_people_than_id_numbers_are_refused_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doudi.batch.synth.identifiers.SEQUENCES_PER_SEX", 0)
    with pytest.raises(ValueError, match="同日出生"):
        generate("410122", 1_000, 1, tmp_path)
    assert not (tmp_path / "summary.json").exists()


def test_a_county_whose_numbers_of_a_day_are_used_up_is_helped_by_the_next() -> None:
    """A day, a county and a sex have 500 numbers: 700 boys of a day come from two, 301 more are too many."""
    numbers = IdNumbers(["410101", "410122"], np.datetime64("2022-11-25", "D"))

    def issue(count: int) -> list[str]:
        given = numbers.issue(np.ones(count, np.int64), np.full(count, np.datetime64("2005-05-27", "D")), np.ones(count, bool))
        return [bytes(row).decode() for row in given]

    found = issue(450) + issue(250)
    assert len(set(found)) == 700 and [number[:6] for number in found] == ["410122"] * 500 + ["410101"] * 200
    assert {number[6:14] for number in found} == {"20050527"} and all(int(number[16]) % 2 for number in found)
    with pytest.raises(ValueError, match="同日出生"):
        issue(301)


def test_blocks_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doudi.batch.synth.county.BLOCK", 1_000)
    generate("410122", 3_500, 5, tmp_path)
    people = pq.read_table(tmp_path / "people.parquet").to_pandas()
    households = pq.read_table(tmp_path / "households.parquet").to_pandas()
    assert people.person_no.tolist() == list(range(1, 3_501))
    assert households.household_no.is_unique
    assert set(people.household_no) == set(households.household_no)
    assert people.id_number.dropna().is_unique
    assert people.account.dropna().is_unique
    assert (people.area.is_monotonic_increasing) and people.area.nunique() > 300


def test_id_numbers_are_valid_and_say_birth_date_and_sex(county: tuple[Path, Summary]) -> None:
    people = table(county, "people").dropna(subset=["id_number"])
    assert people.id_number.is_unique
    for number, born, sex in zip(people.id_number, people.birth_date, people.sex, strict=True):
        assert number[17] == "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False)) % 11]
        assert number[6:14] == f"{born:%Y%m%d}"
        assert int(number[16]) % 2 == int(sex) % 2
    assert (people.birth_date <= ON).all()


def test_accounts_pass_luhn(county: tuple[Path, Summary]) -> None:
    for account in table(county, "people").account.dropna():
        digits = [int(digit) for digit in reversed(account)]
        assert len(account) == 19
        assert (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def test_births_on_29_february_occur_and_only_in_leap_years(tmp_path: Path) -> None:
    generate("410122", 6_000, 2, tmp_path, on=date(2024, 2, 29))
    born = pq.read_table(tmp_path / "people.parquet")["birth_date"].to_pylist()
    leap = [day for day in born if (day.month, day.day) == (2, 29)]
    assert leap
    assert max(born) <= date(2024, 2, 29)


def test_structure_is_that_of_a_county_of_henan(county: tuple[Path, Summary]) -> None:
    people, households, summary = table(county, "people"), table(county, "households"), county[1]
    age = np.array([(ON - born).days / 365.2425 for born in people.birth_date])
    assert 0.17 < (age < 15).mean() < 0.27
    assert 0.16 < (age >= 60).mean() < 0.28
    assert 2.6 < len(people) / len(households) < 3.5
    assert 0.12 < people.works_away.mean() < 0.25
    assert 0.47 < (people.sex == "1").mean() < 0.54
    assert 0.032 < summary.assisted_people / summary.people < 0.055
    assert 1.15 < summary.assisted_people / summary.assisted_households < 1.55
    sizes = people.groupby("household_no").size()
    assert (sizes.loc[households.household_no].to_numpy() == households.members).all()
    assert (people[people.relationship == "02"].groupby("household_no").size() == 1).all()
    assert set(people.relationship) >= {"02", "10", "20", "30", "38", "41", "42", "51", "52"}
    assert set(households.area) <= {code for code, _ in load_villages("410122")}
    assert {"urban", "rural"} == set(households.residence)


def test_parents_are_older_and_of_the_right_sex(county: tuple[Path, Summary]) -> None:
    people = table(county, "people").set_index("person_no")
    for column, sex in (("father_no", "1"), ("mother_no", "2")):
        children = people[people[column].notna()]
        parents = people.loc[children[column].astype(int)]
        assert (parents.sex == sex).all()
        assert (parents.household_no.to_numpy() == children.household_no.to_numpy()).all()
        years = [(child - parent).days / 365.2425 for child, parent in zip(children.birth_date, parents.birth_date, strict=True)]
        assert min(years) > 15


def test_rare_characters_and_names_with_a_dot_occur(tmp_path: Path) -> None:
    generate("4101", 60_000, 9, tmp_path)
    names = "".join(pq.read_table(tmp_path / "people.parquet")["name"].to_pylist())
    assert "·" in names
    assert any(ord(character) > 0xFFFF for character in names)
    assert any(character in names for character in "淼犇䶮㛃")


def test_incomes_add_up_to_the_facts(county: tuple[Path, Summary]) -> None:
    households, facts, people = table(county, "households"), table(county, "facts"), table(county, "people")
    income = facts[facts.kind.isin(["wage_income", "business_income", "property_income", "transfer_income"])]
    assert (income.number > 0).all()
    owner = people.set_index("person_no").household_no
    total = income.groupby(owner.loc[income.person_no.astype(int)].to_numpy()).number.sum()
    fen = households.set_index("household_no").income_fen
    assert {number: int(value * 100) for number, value in total.items()} == fen[fen > 0].to_dict()
    assert not facts.duplicated(["person_no", "household_no", "kind"]).any()


def test_awards_are_of_whole_months_and_one_per_group(county: tuple[Path, Summary]) -> None:
    awards = table(county, "awards")
    assert all(day.day == 1 and day <= ON for day in awards.starts)
    assert (awards.amount_fen > 0).all()
    for group in (("dibao", "dibao_single", "tekun"), ("orphan", "unsupported_child"), ("disability_living",), ("disability_nursing",)):
        assert awards[awards.programme.isin(group)].person_no.is_unique
    assert awards.groupby("award_no").agg({"amount_fen": "nunique", "programme": "nunique", "payee_no": "nunique"}).eq(1).all().all()
    tekun = set(awards[awards.programme == "tekun"].person_no)
    assert not tekun & set(awards[awards.programme.str.startswith("disability")].person_no)


def test_dibao_awards_are_what_the_law_pays(county: tuple[Path, Summary]) -> None:
    """The law package over the registry: who is on dibao has a right to it, and to the same fen.

    Left out are households where the law knows more than the draw: deductions for work away and rigid expenditure, deaths, large savings.
    """
    households, facts, awards = table(county, "households"), table(county, "facts"), table(county, "awards")
    people = table(county, "people")
    away = set(people[people.works_away | people.died_on.notna()].household_no)
    dead = set(table(county, "truth").query("indicator == 'recipient_death'").household_no)
    tekun = set(awards[awards.programme == "tekun"].household_no)
    plain = households[(households.rigid_expenditure_fen == 0) & ~households.household_no.isin(away | dead | tekun)].reset_index(drop=True)
    people = people[people.household_no.isin(plain.household_no)]
    position = {number: at for at, number in enumerate(plain.household_no)}

    def fact(kind: str) -> np.ndarray:
        values = facts[facts.kind == kind].set_index("person_no").number.astype(float)
        return values.reindex(people.person_no).fillna(0).to_numpy() / 12

    result = run(
        {
            "birth_date": people.birth_date.to_numpy().astype("datetime64[D]"),
            **{kind: fact(kind) for kind in ("wage_income", "business_income", "property_income", "transfer_income", "land_income")},
        },
        {
            "county": plain.area.str[:6].to_numpy(),
            "residence": plain.residence.to_numpy(),
            "farmland_per_head": np.round(plain.farmland_mu / plain.members, 2).to_numpy(),
            "dwellings": plain.dwellings.to_numpy(),
        },
        people.household_no.map(position).to_numpy(),
        None,
        "2022-11",
        ["dibao_amount"],
    )
    law_fen = np.rint(result["dibao_amount"] * 100).astype(int)
    paid = awards[awards.programme == "dibao"].drop_duplicates("household_no").set_index("household_no").amount_fen
    members = awards[awards.programme == "dibao"].groupby("household_no").size()
    paid_fen = paid.reindex(plain.household_no).fillna(0).to_numpy().astype(int)
    whole = members.reindex(plain.household_no).to_numpy() == plain.members
    assert whole.sum() > 100
    assert (law_fen[whole] > 0).all()
    assert (np.abs(law_fen[whole] - paid_fen[whole]) <= 1).mean() > 0.98
    # Few whom the law would pay are not on the roll: the ones that are to be found.
    assert (law_fen[paid_fen == 0] > 0).mean() < 0.03


def test_truth_says_what_is_true(county: tuple[Path, Summary]) -> None:
    truth, awards, people = table(county, "truth"), table(county, "awards"), table(county, "people").set_index("person_no")
    true = truth[truth.expected]
    assert not truth.duplicated(["person_no", "indicator"]).loc[truth.expected].any()
    assert set(true.indicator) == set(INDICATORS)

    def found(indicator: str) -> set[int]:
        return set(true[true.indicator == indicator].person_no)

    def holders(*programmes: str) -> set[int]:
        return set(awards[awards.programme.isin(programmes)].person_no)

    recipients = holders("dibao", "dibao_single", "tekun")
    assert not found("disability_no_nursing_subsidy") & (holders("disability_nursing") | holders("tekun"))
    assert found("disability_no_living_subsidy") <= holders("dibao", "dibao_single") - holders("disability_living")
    for indicator in ("recipient_death", "recipient_vehicle", "recipient_company", "recipient_house", "recipient_wages"):
        assert found(indicator) <= recipients
    assert people.loc[sorted(found("recipient_death"))].died_on.isna().all()
    assert not found("medical_costs") & recipients
    assert not found("orphaned_minor") & holders("orphan")
    assert (people.loc[sorted(found("orphaned_minor"))].birth_date > date(2004, 11, 25)).all()
    assert {"one_parent_dead", "grade_3", "motorcycle_or_disability_vehicle", "income_high_enough", "no_recipient"} <= set(
        truth[~truth.expected].note
    )
    assert 0.9 < true.findable.mean() < 0.99


def test_summary_counts_what_was_written(county: tuple[Path, Summary]) -> None:
    out, summary = county
    written = json.loads((out / "summary.json").read_text("utf-8"))
    truth = table(county, "truth")
    assert written["truth"] == truth[truth.expected].indicator.value_counts().to_dict()
    assert written["awards"] == table(county, "awards").programme.value_counts().to_dict()
    assert written["villages"] == table(county, "households").area.nunique() == summary.villages
    assert sum(sum(file["mistakes"].values()) for file in written["deliveries"]) == len(table(county, "errors"))


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    generate("410122", 200, 1, tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(200, 200)]


def test_memory_is_bounded(tmp_path: Path) -> None:
    """In a process of its own: the peak of 200,000 people stays near that of one block (about 300 MB with the libraries).

    The peak is read from the process's own status: getrusage would carry over that of the process which started it.
    """
    script = (
        "import re, sys; from pathlib import Path; from doudi.batch.synth import generate; generate('41', 200_000, 1, Path(sys.argv[1])); "
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024)"
    )
    source = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 600
