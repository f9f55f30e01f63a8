"""Recall and precision of discovery against the truth table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Score:
    """`found` of `true` situations, by `leads` leads (different pairs of person and indicator). Recall and precision are 0 to 1; nothing to find
    is a recall of 1, no leads a precision of 1. `by_indicator`: the same for each indicator that is in the truth table or has leads."""

    true: int
    leads: int
    found: int
    by_indicator: dict[str, Score]

    @property
    def recall(self) -> float:
        return self.found / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        return self.found / self.leads if self.leads else 1.0


def score(truth: Path, person_no: Sequence[int] | np.ndarray, indicator: Sequence[str] | np.ndarray) -> Score:
    """Leads as two columns, person and indicator, against `truth.parquet`. A pair that comes twice counts once; a situation that the files cannot
    show (`findable` false) counts against recall all the same. ValueError: the columns differ in length."""
    if len(person_no) != len(indicator):
        raise ValueError("person_no and indicator differ in length")
    rows = pq.read_table(truth, columns=["person_no", "indicator", "expected"])
    true = rows.filter(rows["expected"]).select(["person_no", "indicator"])
    leads = pa.table({"person_no": pa.array(person_no, pa.int64()), "indicator": pa.array(indicator, pa.string())})
    leads = leads.group_by(["person_no", "indicator"]).aggregate([])
    found = leads.join(true, ["person_no", "indicator"], join_type="inner")
    counts = [{entry["values"]: entry["counts"] for entry in pc.value_counts(table["indicator"]).to_pylist()} for table in (true, leads, found)]
    names = sorted(set(counts[0]) | set(counts[1]))
    parts = {name: Score(counts[0].get(name, 0), counts[1].get(name, 0), counts[2].get(name, 0), {}) for name in names}
    return Score(true.num_rows, leads.num_rows, found.num_rows, parts)
