"""Households and their members: what a whole province of them needs."""

from __future__ import annotations

import numpy as np
import pytest

from doudi.batch.synth.divisions import load_counties
from doudi.batch.synth.identifiers import SEQUENCES_PER_SEX
from doudi.batch.synth.structure import Families, make_families

RESIDENTS = 99_000_000
ON = np.datetime64("2022-11-26")


@pytest.fixture(scope="module")
def families() -> Families:
    return make_families(np.random.default_rng(7), 300_000, ON)


@pytest.mark.parametrize("male", [True, False])
def test_no_birthday_has_more_people_than_a_province_has_id_numbers_for(families: Families, male: bool) -> None:
    """GB 11643: 500 numbers for a day, a sex and a region. Ages cut off at a least one once put a boy in a thousand on one day."""
    counts = np.unique(families.birth[families.male == male], return_counts=True)[1]
    assert counts.max() / families.people * RESIDENTS < len([code for code, _name in load_counties() if code.startswith("41")]) * SEQUENCES_PER_SEX / 4


@pytest.mark.parametrize("parent", ["father", "mother"])
def test_parents_are_older_than_their_children_by_fifteen_years_at_least(families: Families, parent: str) -> None:
    of = getattr(families, parent)
    known = of >= 0
    years = (families.birth[known] - families.birth[of[known]]).astype(np.int64) / 365.2425
    assert known.sum() > 50_000
    assert years.min() > 15
    assert np.quantile(years, 0.001) > 19
