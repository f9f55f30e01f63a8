"""A population drawn straight as the law's inputs, of any size in seconds: for what-if questions and benchmarks, where no registry is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from openfisca_henan.places import counties


def draw(households: int, seed: int, area: str = "41") -> tuple[dict[str, Any], dict[str, Any], Any, Any]:
    """(persons, households, person_household, head): inputs of the law for a low-income population of the counties of `area`, with sizes, ages, incomes,
    disability and illness in plausible shares. The same seed draws the same. Raises ValueError for an area without counties."""
    places = [int(code) for code in counties() if code.startswith(area[:6])]
    if not places:
        raise ValueError(f"no county in {area!r}")
    random = np.random.default_rng(seed)
    sizes = random.choice([1, 2, 3, 4, 5, 6], households, p=[0.3, 0.26, 0.2, 0.14, 0.07, 0.03])
    of = np.repeat(np.arange(households), sizes)
    size = len(of)
    grade = np.where(random.random(size) < 0.1, random.integers(1, 5, size), 0)

    def some(share: float) -> Any:
        return random.random(size) < share

    persons = {
        "birth_date": np.datetime64("1933-01-01") + random.integers(0, 89 * 365, size).astype("m8[D]"),
        "wage_income": np.round(random.exponential(900, size), 2) * some(0.4),
        "business_income": np.round(random.exponential(150, size), 2) * some(0.5),
        "transfer_income": np.round(random.exponential(200, size), 2) * some(0.3),
        "maintenance_income": np.round(random.exponential(200, size), 2) * some(0.1),
        "works_away": some(0.2),
        "workplace_urban_dibao_standard": np.where(some(0.1), 750.0, 0.0),
        "obligor_household_income": np.round(random.exponential(3000, size), 2) * some(0.1),
        "disability_grade": grade,
        "disability_kind": np.where(grade > 0, random.integers(1, 8, size), 0),
        "needs_long_care": some(0.9),
        "work_injury_nursing": some(0.01),
        "serious_illness": some(0.03),
        "support_obligor": random.choice([0, 1, 2], size, p=[0.05, 0.05, 0.9]),
        "self_care_failures": random.integers(0, 7, size),
        "orphan": some(0.002),
        "de_facto_unsupported_child": some(0.004),
        "in_institution": some(0.01),
        "in_school": some(0.15),
    }
    household = {
        "county": random.choice(np.array(places), households),
        "residence": (random.random(households) < 0.7).astype(int),
        "rigid_expenditure": np.round(random.exponential(300, households), 2) * (random.random(households) < 0.3),
        "financial_assets": np.round(random.exponential(12000, households), 2),
        "vehicles": (random.random(households) < 0.08).astype(int),
        "dwellings": random.choice([0, 1, 2, 3], households, p=[0.1, 0.8, 0.09, 0.01]),
        "temporary_residents_in_need": random.integers(0, 2, households),
    }
    return persons, household, of, np.r_[True, of[1:] != of[:-1]]
