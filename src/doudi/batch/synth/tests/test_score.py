"""Recall and precision."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from doudi.batch.synth import score


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    rows = [(1, "medical_costs", True), (2, "medical_costs", True), (3, "recipient_death", True), (4, "recipient_death", False)]
    names = ("person_no", "indicator", "expected")
    pq.write_table(pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)}), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


def test_recall_and_precision_count_pairs_once(truth: Path) -> None:
    result = score(truth, [1, 1, 3, 4, 2], ["medical_costs", "medical_costs", "recipient_death", "recipient_death", "recipient_death"])
    assert (result.true, result.leads, result.found) == (3, 4, 2)
    assert result.recall == pytest.approx(2 / 3)
    assert result.precision == 0.5
    assert (result.by_indicator["medical_costs"].recall, result.by_indicator["medical_costs"].precision) == (0.5, 1.0)


def test_no_leads_find_nothing_and_claim_nothing(truth: Path) -> None:
    assert (score(truth, [], []).recall, score(truth, [], []).precision) == (0.0, 1.0)


def test_an_indicator_without_truth_costs_precision(truth: Path) -> None:
    result = score(truth, [1, 9], ["medical_costs", "unknown"])
    assert result.precision == 0.5
    assert result.by_indicator["unknown"].precision == 0.0


def test_columns_of_different_length_are_refused(truth: Path) -> None:
    with pytest.raises(ValueError, match="length"):
        score(truth, [1, 2], ["medical_costs"])
