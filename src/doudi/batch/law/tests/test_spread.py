"""The law over files of households: rows are whole households, on either engine and in batches of any size; the results are those of the arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from doudi.batch.law import LawInputError, Settings, compare, households, prepare, read_reform, run, spread
from doudi.batch.law.engine import law_version
from doudi.batch.synth.population import draw
from openfisca_henan.places import county_index

MONTH = "2022-12"
VARIABLES = ("dibao_amount", "tekun_living_amount", "disability_living_subsidy", "benefits_total", "marginal_family", "disability_kind", "age")
ENGINES = ("duckdb", "spark")
OVER = Settings.of([{"parameter": "dibao.standard.rural", "area": "410122", "start": "2022-01-01", "value": 512.25, "document": "县民政〔2022〕1号"}])
REFORM = "{name: 提标, from: 2022-12-01, changes: [{parameter: dibao.standard.rural, times: 1.5}]}"


def village(size: int = 400) -> tuple[Any, Any, Any]:
    """A drawn population whose persons stand in no order, and one household of 60."""
    persons, homes, of, _head = draw(size, 11, "410122")
    of = np.where(of < 25, 0, of)
    homes = {name: column[np.r_[0, 25:size]] for name, column in homes.items()}
    of = np.where(of == 0, 0, of - 24)
    mixed = np.random.default_rng(3).permutation(len(of))
    return {name: column[mixed] for name, column in persons.items()}, homes, of[mixed]


def on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "spark":
        pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    monkeypatch.setenv("DOUDI_BATCH_ENGINE", name)


def small_batches() -> None:
    from doudi.batch.engine import spark_session

    spark_session().conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "7")


@pytest.mark.parametrize("name", ENGINES)
def test_amounts_from_files_are_those_of_the_arrays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(name, monkeypatch)
    persons, homes, of = village()
    table = households.rows(persons, homes, of)
    # Two files, of which one tells nothing of schooling: its members have the law's default.
    spread.write([table.slice(0, 150), table.slice(150).drop_columns(["in_school"])], tmp_path / "rows")
    if name == "spark":
        small_batches()
    found = spread.amounts(tmp_path / "rows", MONTH, VARIABLES, OVER)
    told = persons | {"in_school": persons["in_school"] & (of < 150)}
    expected, order = run(told, homes, of, None, MONTH, VARIABLES, OVER), np.argsort(of, kind="stable")
    assert np.bincount(of).max() >= 50 and expected["dibao_amount"].any() and expected["disability_living_subsidy"].any()
    for variable in VARIABLES:
        column = found[variable].combine_chunks()
        if households.is_person(variable):
            assert np.array_equal(np.diff(column.offsets.to_numpy()), np.bincount(of))
            column, values = column.flatten(), np.asarray(expected[variable])[order]
        else:
            values = np.asarray(expected[variable])
        if variable == "disability_kind":
            values = expected[variable].decode_to_str()[order]
        assert column.to_pylist() == values.tolist(), variable


@pytest.mark.parametrize("name", ENGINES)
def test_sums_are_the_same_however_a_population_is_cut(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(name, monkeypatch)
    persons, homes, of = village()
    persons["wage_income"][np.flatnonzero(of == 30)[0]] = -1  # a household whose facts cannot stand
    places = np.array([f"4101221{number % 3:02}" for number in range(len(homes["county"]))])
    spread.write([households.rows(persons, homes, of, places=places)], tmp_path / "rows")
    if name == "spark":
        small_batches()
    after = read_reform(REFORM, OVER).settings
    found = spread.sums(tmp_path / "rows", MONTH, OVER, after)
    assert (found.people, found.left_out) == (len(of), 1)
    keep = np.arange(len(places)) != 30
    rows = keep[of]
    population = prepare(
        {n: c[rows] for n, c in persons.items()}, {n: c[keep] for n, c in homes.items()}, (np.cumsum(keep) - 1)[of[rows]], month=MONTH
    )
    whole = compare(population, MONTH, OVER, after, places=places[keep])
    assert found.comparison.ordered() == whole.ordered() and whole.of("place")
    assert (found.comparison.changed, found.comparison.moved) == (whole.changed, whole.moved) and whole.moved[0] > 0
    assert (found.comparison.households, found.comparison.people) == (whole.households, whole.people)


@pytest.mark.parametrize("name", ENGINES)
def test_another_version_of_the_law_on_a_worker_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(name, monkeypatch)
    spread.write([households.rows(*village(60))], tmp_path / "rows")
    with pytest.raises(Exception, match="同一版本") as error:
        spread._done(tmp_path / "rows", spread.Amounts(MONTH, OVER, "0.0+other", VARIABLES))
    assert law_version() in str(error.value)


def test_what_is_not_told_is_the_laws_default_but_for_what_has_to_be_told(tmp_path: Path) -> None:
    table = pa.table({
        "household": [1, 2], "county": ["410122", "410122"], "residence": ["rural", None], "vehicles": pa.array([None, 1]),
        "birth_date": pa.array([[None], ["2000-01-01", "2001-01-01"]], pa.list_(pa.string())).cast(pa.list_(pa.date32())),
        "disability_kind": [None, ["physical", None]],
    })  # fmt: skip
    persons, homes, of = households.inputs(table)
    assert homes["vehicles"].tolist() == [0, 1] and of.tolist() == [0, 1, 1]
    assert persons["disability_kind"].tolist() == [0, persons["disability_kind"][1], 0] and persons["disability_kind"][1] > 0
    with pytest.raises(LawInputError) as error:
        prepare(persons, homes, of, month=MONTH)
    assert {problem.field for problem in error.value.problems} >= {"birth_date", "residence"}
    assert county_index(homes["county"]).min() >= 0
    with pytest.raises(ValueError, match="household 2"):
        households.inputs(table.set_column(5, "disability_kind", pa.array([["physical"], ["physical"]])))


def test_rows_need_members_and_inputs_of_the_law() -> None:
    persons, homes, of = village(60)
    with pytest.raises(ValueError, match="needs members"):
        households.rows(persons, {name: np.r_[column, column[:1]] for name, column in homes.items()}, of)
    with pytest.raises(ValueError, match="no input"):
        households.rows(persons, homes | {"dibao_amount": np.zeros(len(homes["county"]))}, of)


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert spread.write([], tmp_path / "rows") == 0
    assert spread.amounts(tmp_path / "rows", MONTH, VARIABLES).num_rows == 0 and spread.sums(tmp_path / "rows", MONTH, None, None) == spread.Summed()
