"""1.2: what files and registry have wrong shows in recall and precision; on a county that nobody has seen both still hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from doudi.batch.indicators import INDICATORS
from doudi.batch.synth.misreports import ANOTHER, NOT_YET, OUTDATED, reported
from doudi.batch.synth.trial import trial
from doudi.batch.tests.county import KEYS


def test_1_2_recall_and_precision_on_a_county_that_nobody_has_seen(tmp_path: Path) -> None:
    done = trial("410122", 6_000, 977, tmp_path, keys=KEYS)
    assert done.refused == 0 and done.files > 20
    assert done.score.recall >= 0.95 and done.score.precision >= 0.8
    assert done.score.recall < 1 and done.score.precision < 1  # or the truth says no more than the files
    for helps in (True, False):
        parts = [part for code, part in done.score.by_indicator.items() if INDICATORS[code].helps is helps]
        true, found, leads = (sum(getattr(part, name) for part in parts) for name in ("true", "found", "leads"))
        assert true > 20 and found / true >= 0.9 and found / leads >= 0.8
    for code, part in done.score.by_indicator.items():
        assert part.true < 10 or part.recall >= 0.7, code
        assert part.leads < 10 or part.precision >= 0.6, code


def test_1_2_the_registry_has_some_incomes_and_workers_away_wrong_but_not_those_of_recipients(tmp_path: Path) -> None:
    from doudi.batch.synth import generate

    generate("410122", 5_000, 3, tmp_path)
    truth = pq.read_table(tmp_path / "truth.parquet").to_pandas()
    low = truth[truth.expected & truth.indicator.isin(["medical_costs", "monitoring_unhelped", "student_aid_unhelped"])]
    assert not low.findable.all() and low.findable.mean() > 0.8
    near = set(truth[~truth.expected].note)
    assert {"income_high_enough", "recipient", "ended", "grandparents_at_home"} <= near


def test_1_2_rows_come_late_under_another_number_or_stand_as_running() -> None:
    rng = np.random.default_rng(5)
    n = 20_000
    table = {"person": np.arange(n), "removed_on": np.full(n, np.datetime64("2022-05-01")), "kind": np.arange(n) % 3}
    rows, lost, named = reported(rng, "monitoring_list", table, n)
    late = n - len(rows["person"])
    assert 0.5 * NOT_YET * n < late < 2 * NOT_YET * n
    assert lost.sum() > late and 0 < named.sum() <= lost.sum() - late + 1
    assert 0.5 * OUTDATED < np.isnat(rows["removed_on"]).mean() < 2 * OUTDATED
    assert (table["person"] == np.arange(n)).all() and not np.isnat(table["removed_on"]).any()  # the true table stays
    assert 0.5 * ANOTHER * n < named.sum() < 2 * ANOTHER * n
    empty, nobody, _none = reported(rng, "detention", {"person": np.zeros(0, int), "until_on": np.zeros(0, "datetime64[D]")}, 3)
    assert len(empty["person"]) == 0 and not nobody.any()
