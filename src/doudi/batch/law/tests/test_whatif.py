"""What if: reforms over a population, and one household's answer under other parameters and incomes."""

import csv

import numpy as np
import pytest

from doudi.batch.law import Settings, SettingsError, compare, explain, income_curve, prepare, read_reform, run, unverified_effects
from doudi.batch.law.tests.cases import HUOJIA, ZHONGMU, ask, laid
from doudi.batch.law.tests.test_engine import sample
from doudi.batch.law.tests.test_explain import HOUSEHOLD, PERSONS

REFORM = """
name: 提高标准
from: 2023-07-01
changes:
  - {parameter: dibao.standard.urban, value: 700}
  - {parameter: disability.living, times: 2, area: "4101"}
"""


def test_a_change_counts_from_its_month_in_its_place():
    reform = read_reform(REFORM).settings
    assert ask("2023-06", "dibao_amount", reform) == 630
    assert ask("2023-07", "dibao_amount", reform) == 700
    disabled = {"disability_grade": 3, "disability_kind": "physical"}
    assert ask("2023-07", "disability_living_subsidy", reform, county=ZHONGMU, **disabled) == 240
    assert ask("2023-07", "disability_living_subsidy", reform, **disabled) == 75


def test_later_rows_change_with_it():
    early = read_reform("{from: 2021-01-01, changes: [{parameter: dibao.standard.urban, value: 800}, {parameter: dibao.standard.rural, times: 1.1}]}")
    assert ask("2022-12", "dibao_amount", early.settings) == 800
    assert ask("2022-12", "dibao_amount", early.settings, residence="rural") == pytest.approx(462)  # 420 x 1.1
    assert ask("2021-02", "dibao_amount", early.settings, residence="rural") == pytest.approx(390.5)  # 4260 a year x 1.1 / 12


def test_a_place_without_rows_of_its_own_gets_the_nearest_places_times_the_factor():
    reform = read_reform("{from: 2022-12-01, areas: ['410122'], changes: [{parameter: dibao.standard.urban, times: 1.1}]}").settings
    before, after = (ask("2022-12", "dibao_amount", settings, county=ZHONGMU) for settings in (Settings(), reform))
    assert after == pytest.approx(before * 1.1) and ask("2022-12", "dibao_amount", reform) == ask("2022-12", "dibao_amount", Settings())


def test_chunks_of_one_population_add_up_to_the_whole():
    persons, households, of, _head = sample(60)
    whole = compare(prepare(persons, households, of), "2022-12", Settings(), read_reform(REFORM.replace("2023-07", "2022-07")).settings)
    cut = 25
    parts = []
    for low, high in ((0, cut), (cut, 60)):
        rows = (of >= low) & (of < high)
        part = ({n: c[rows] for n, c in persons.items()}, {n: c[low:high] for n, c in households.items()}, of[rows] - low)
        parts.append(compare(prepare(*part), "2022-12", Settings(), read_reform(REFORM.replace("2023-07", "2022-07")).settings))
    both = parts[0] + parts[1]
    key = lambda d: (d.group, d.name, d.benefit)  # noqa: E731
    assert sorted(both.differences, key=key) == sorted(whole.differences, key=key)
    assert (both.households, both.people, both.winners) == (whole.households, whole.people, whole.winners)
    assert (both.changed, both.moved) == (whole.changed, whole.moved) and sum(whole.changed) == 60
    assert sum(count for *_edges, count in both.bands()) == both.winners + both.losers


def test_a_reform_lies_over_the_settings_in_force():
    over = laid(("dibao.standard.urban", HUOJIA, 650, "2022-01-01"))
    reform = read_reform("{from: 2022-06-01, areas: ['410724'], changes: [{parameter: dibao.standard.urban, times: 2}]}", over)
    assert ask("2022-05", "dibao_amount", reform.settings) == 650
    assert ask("2022-06", "dibao_amount", reform.settings) == 1300


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x", "没有 changes"),
        ("{from: 2022-01-01, changes: [{parameter: dibao.standard, value: 1}]}", "不存在"),
        ("{changes: [{parameter: dibao.standard.urban, value: 1}]}", "没有起始日期"),
        ("{from: 2022-01-01, changes: [{parameter: dibao.standard.urban}]}", "value 或 times"),
        ("{from: 2022-01-01, areas: ['4107'], changes: [{parameter: dibao.payment.band.urban.band_1, times: 2}]}", "没有"),
        ("{from: 2022-13-01, changes: [{parameter: dibao.standard.urban, value: 2}]}", "起始日期"),
        ("{from: 2022-01-01, changes: [{parameter: dibao.standard.urban, times: many}]}", "倍数"),
        ("{from: 2022-01-01, changes: [{parameter: dibao.standard.urban, times: -1}]}", "倍数"),
        ("{from: 2022-01-01, changes: dibao}", "逐项"),
        ("name: [x\nchanges: {", "写法"),
        ("x" * 30_000, "超过"),
        ("{from: 2022-01-01, areas: '4107', changes: [{parameter: dibao.standard.urban, value: 2}]}", "列表"),
        ("{from: 2022-01-01, areas: ['99'], changes: [{parameter: dibao.standard.urban, value: 2}]}", "不是本省"),
    ],
)
def test_a_reform_that_cannot_stand_is_refused_with_its_reason(text, reason):
    with pytest.raises(SettingsError, match=reason):
        read_reform(text)


def test_comparison_adds_up_by_benefit_county_and_type(tmp_path):
    persons, households, index, head = sample(600)
    population = prepare(persons, households, index, head, month="2023-07")
    reform = read_reform(REFORM).settings
    comparison = compare(population, "2023-07", None, reform)
    before = run(persons, households, index, head, "2023-07", ["dibao_amount", "benefits_total"])
    after = run(persons, households, index, head, "2023-07", ["dibao_amount", "benefits_total"], reform)
    for group in ("all", "county", "type"):
        dibao = [difference for difference in comparison.of(group) if difference.benefit == "dibao_amount"]
        assert sum(difference.cost_before for difference in dibao) == pytest.approx(before["dibao_amount"].sum())
        assert sum(difference.cost_after for difference in dibao) == pytest.approx(after["dibao_amount"].sum())
    gained = after["benefits_total"] - before["benefits_total"]
    assert comparison.winners == (gained > 0.005).sum() > 0
    assert comparison.winners + comparison.losers + comparison.unchanged == 600
    assert comparison.moved[0] / 100 == pytest.approx(gained[gained > 0].sum()) and comparison.moved[1] / 100 == pytest.approx(
        gained[gained < 0].sum()
    )
    assert (50.0, 100.0, int(((gained >= 49.995) & (gained < 99.995)).sum())) in comparison.bands()
    comparison.write_csv(tmp_path / "comparison.csv")
    with (tmp_path / "comparison.csv").open(encoding="utf-8-sig") as stream:
        assert len(list(csv.DictReader(stream))) == len(comparison.differences)


def test_two_months_compare_the_same_way():
    population = prepare(*sample(100), month="2022-11")
    comparison = compare(population, "2022-11", None, None, month_after="2022-12")
    nursing = next(d for d in comparison.of("all") if d.benefit == "disability_nursing_subsidy")
    assert nursing.count_before == nursing.count_after
    assert nursing.cost_after > nursing.cost_before


def test_what_is_not_verified_is_tried_without():
    explanation = explain(PERSONS, HOUSEHOLD, "2022-12")
    effects = {explanation.parameters[e["index"]].name: e for e in unverified_effects(PERSONS, HOUSEHOLD, "2022-12", explanation)}
    assert len(effects) == len(explanation.unverified)
    assert effects["dibao.single_person.amount_share"]["changes"]
    assert effects["dibao.single_person.amount_share"]["total"] == 150
    assert not effects["dibao.payment.mode.urban"]["changes"]


def test_the_curve_falls_from_the_full_standard_and_ends_above_the_marginal_line():
    curve = income_curve(PERSONS, HOUSEHOLD, "2022-12")
    incomes = [point["income"] for point in curve]
    assert incomes == sorted(incomes)
    assert curve[0] == {"income": 0.0, "total": 1890 + 150}
    assert curve[-1]["income"] > 2835
    assert curve[-1]["total"] == 75
    middle = [point["total"] for point in curve if 1890 < point["income"] < 2835]
    assert set(middle) == {780.0}


def test_the_curve_of_a_household_without_income():
    curve = income_curve({"birth_date": ["1975-01-01"]}, {"county": HUOJIA, "residence": "urban"}, "2022-12")
    assert curve[0] == {"income": 0.0, "total": 630.0}
    assert curve[-1]["total"] == 0


def test_empty_populations_and_bad_months():
    empty = run(
        {"birth_date": np.array([], dtype="M8[D]")}, {"county": [], "residence": []}, [], None, "2022-12", ["dibao_amount", "age"], Settings()
    )
    assert [len(values) for values in empty.values()] == [0, 0]
    for month in ("2022-13", "2022", "2022-1", "2022-12-01", ""):
        with pytest.raises(ValueError, match="月份"):
            ask(month, "dibao_amount")
