"""The linkage model, declared (疑似同一人的比较规则): what is compared, at which levels, with which weight; which pairs are looked at at all.

Splink turns the declarations into SQL of either engine. `m`: how often the level occurs when it is the same person, `u`: when it is not. Both are fixed
here, so that a decision can be explained and repeated years later; they stand near what synthetic counties show whose truth is known
(`bench/linkage.py --measure`), with room for slips that those do not make. Where chance depends on the place (how many share a village), it is counted in the registry of
the day (`Chance`).

Only plain SQL stands in the levels: Levenshtein counts bytes in DuckDB and characters in Spark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LINK, REVIEW = 0.995, 0.10
"""Default thresholds: from LINK on a row without a number is linked, from REVIEW on a person is asked."""


@dataclass(frozen=True, slots=True)
class Level:
    """One outcome of a comparison. `weight`: column whose frequency takes the place of `u` (a rare name says more than a common one)."""

    code: str
    condition: str
    m: float
    u: float | str
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: `missing` is the SQL condition under which it says nothing; the last level is the rest."""

    field: str
    missing: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Chance:
    """What chance alone would agree on in a registry: its people, and how likely two of them share village, township, county."""

    people: int
    village: float = 0.01
    township: float = 0.1
    county: float = 1.0


_BIRTH_NEAR = "((birth_ym_l = birth_ym_r) or (birth_md_l = birth_md_r) or (birth_yd_l = birth_yd_r) or (birth_l = birth_turned_r))"

COMPARISONS = (
    Comparison(
        "name",
        "name_l is null or name_r is null",
        (
            Level("same", "name_l = name_r", 0.88, 0.0006, "name"),
            Level("variant", "plain_l = plain_r", 0.02, 0.0002, "plain"),
            Level("sound", "sound_l = sound_r", 0.04, 0.001, "sound"),
            Level("last", "last_sound_l = last_sound_r and last_sound_l <> ''", 0.015, 0.004),
            Level("one_other", "char_length(plain_l) = char_length(plain_r) and char_length(plain_l) > 2 and "
                  "(case when substr(plain_l, 1, 1) = substr(plain_r, 1, 1) then 1 else 0 end"
                  " + case when substr(plain_l, 2, 1) = substr(plain_r, 2, 1) then 1 else 0 end"
                  " + case when substr(plain_l, 3, 1) = substr(plain_r, 3, 1) then 1 else 0 end) = 2", 0.03, 0.006),
            Level("surname", "first_sound_l = first_sound_r", 0.01, 0.07),
            Level("other", "", 0.005, 0.918),
        ),
    ),
    Comparison(
        "birth",
        "birth_l is null or birth_r is null",
        (
            Level("same", "birth_l = birth_r", 0.93, 0.00005),
            Level("near", _BIRTH_NEAR, 0.055, 0.0045),
            Level("year", "birth_year_l = birth_year_r", 0.005, 0.012),
            Level("other", "", 0.01, 0.983),
        ),
    ),
    Comparison("sex", "sex_l is null or sex_r is null", (Level("same", "sex_l = sex_r", 0.99, 0.5), Level("other", "", 0.01, 0.5))),
    Comparison(
        "phone",
        "phone_l is null or (phone_r is null and phones_r is null)",
        (
            Level("same", "phone_l = phone_r", 0.72, "person"),
            Level("family", "array_contains(phones_r, phone_l)", 0.12, "household"),
            Level("other", "", 0.16, 1.0),
        ),
    ),
    Comparison(
        "division",
        "county_l is null or county_r is null",
        (
            Level("village", "village_l = village_r", 0.45, "village"),
            Level("township", "township_l = township_r", 0.2, "township"),
            Level("county", "county_l = county_r", 0.3, "county"),
            Level("other", "", 0.05, "elsewhere"),
        ),
    ),
    Comparison(
        "relatives",
        "relative_l is null or relatives_r is null",
        (Level("same", "array_contains(relatives_r, relative_l)", 0.9, 0.002), Level("other", "", 0.1, 0.998)),
    ),
    Comparison(
        "number",
        "corrected_l is null",
        (Level("slip", "corrected_l = corrected_r", 0.97, 0.00001), Level("other", "", 0.03, 0.99999)),
    ),
)  # fmt: skip

BLOCKING = (
    ("birth", "first_sound"),
    ("birth", "last_sound"),
    ("sound", "birth_year"),
    ("sound", "birth_md"),
    ("plain", "township"),
    ("phone",),
    ("corrected",),
)
"""Pairs that are looked at agree in all columns of one of these."""


def _chance(u: float | str, chance: Chance) -> float:
    """The probability of a level among two different people, between 1e-9 and 1."""
    people = max(chance.people, 2)
    named = {
        "person": 1 / people,
        "household": 3 / people,
        "village": chance.village,
        "township": chance.township - chance.village,
        "county": chance.county - chance.township,
        "elsewhere": 1 - chance.county,
    }
    return min(1.0, max(1e-9, named[u] if isinstance(u, str) else u))


def settings(chance: Chance) -> Any:
    """The model as Splink's settings, for any of its engines."""
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons
    from splink import SettingsCreator, block_on

    made: list[Any] = []
    for each in COMPARISONS:
        steps: list[Any] = [levels.CustomLevel(each.missing, each.field + ": not told").configure(is_null_level=True)]
        for level in each.levels:
            step = levels.CustomLevel(level.condition, level.code) if level.condition else levels.ElseLevel()
            step.configure(m_probability=level.m, u_probability=_chance(level.u, chance), label_for_charts=level.code)
            if level.frequency:
                step.configure(tf_adjustment_column=level.frequency, tf_adjustment_weight=1.0, disable_tf_exact_match_detection=True)
            steps.append(step)
        made.append(comparisons.CustomComparison(output_column_name=each.field, comparison_levels=steps))
    return SettingsCreator(
        link_type="link_only",
        comparisons=made,
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in BLOCKING],
        # One of the registry's people is meant by two subjects of three; the others are of elsewhere.
        probability_two_random_records_match=min(0.5, 0.67 / max(chance.people, 2)),
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=True,
    )


def level_of(field: str, gamma: int) -> str:
    """Code of the level that Splink numbers `gamma` (the rest is 0, the first level the highest); "" where nothing was told."""
    comparison = next(each for each in COMPARISONS if each.field == field)
    return "" if gamma < 0 else comparison.levels[len(comparison.levels) - 1 - gamma].code
