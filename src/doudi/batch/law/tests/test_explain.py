"""The explanation says the same as the run, names its rows, and says why not."""

import json
import time

import numpy as np
import pytest

from doudi.batch.law import LawInputError, Settings, explain, run

PERSONS = {
    "birth_date": ["1975-01-01", "1976-01-01", "2010-01-01"],
    "wage_income": [0, 2210.0, 0],
    "transfer_income": [420.0, 0, 0],
    "works_away": [False, True, False],
    "workplace_urban_dibao_standard": [0, 750.0, 0],
    "disability_grade": [2, 0, 0],
    "disability_kind": ["physical", "none", "none"],
}
HOUSEHOLD = {"county": "410724", "residence": "urban", "rigid_expenditure": 5160.12 / 12, "financial_assets": 18600.0, "dwellings": 1}


def lines(explanation):
    return {line.code: line for section in explanation.sections for line in section.lines}


def refused(explanation):
    return {refusal.code: refusal for refusal in explanation.refusals}


def test_the_calculation_of_a_marginal_family_with_a_disabled_member():
    # 2,210 + 420 - 225 (30% of 750) = 2,405; - 430.01 = 1,974.99, above 3 x 630 = 1,890 by 84.99, below 1.5 times 1,890
    explanation = explain(PERSONS, HOUSEHOLD, "2022-12", names=["郭建国", "李秀英", "郭小明"])
    by_code = lines(explanation)
    assert by_code["work_cost_deduction"].value == -225
    assert by_code["gross_household_income"].value == 2405
    assert round(by_code["household_income"].value, 2) == 1974.99
    assert by_code["marginal_income_limit"].value == 2835
    assert by_code["single_person_dibao_amount"].member_name == "郭建国"
    assert by_code["single_person_dibao_amount"].unverified
    assert explanation.total == 780
    dibao = refused(explanation)["dibao_amount"]
    assert dibao.short_by == 85.0
    assert "85.00" in dibao.threshold
    assert refused(explanation)["price_subsidy"].pending


def test_less_income_by_the_nearest_threshold_changes_the_answer_and_a_fen_less_does_not():
    short = refused(explain(PERSONS, HOUSEHOLD, "2022-12"))["dibao_amount"].short_by
    for reduction, eligible in ((short, True), (short - 0.01, False)):
        changed = PERSONS | {"wage_income": [0, 2210.0 - reduction, 0]}
        assert ("dibao_amount" not in refused(explain(changed, HOUSEHOLD, "2022-12"))) is eligible


def test_the_explanation_is_plain_json_and_its_lines_cite_lines_before_them():
    explanation = explain(PERSONS, HOUSEHOLD, "2022-12")
    data = json.loads(json.dumps(explanation.as_dict(), allow_nan=False, ensure_ascii=False))
    numbers = [line["number"] for section in data["sections"] for line in section["lines"] if line["number"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for section in data["sections"]:
        for line in section["lines"]:
            assert all(cited <= (line["number"] or numbers[-1]) for cited in line["cites"])
            assert all(0 <= index < len(data["parameters"]) for index in line["parameters"])
    assert {p["name"] for p in data["unverified"]} >= {"dibao.single_person.amount_share"}


def test_benefits_before_their_first_row_say_so():
    explanation = explain(PERSONS, HOUSEHOLD, "2021-12")
    assert "尚无该项规定" in refused(explanation)["marginal_family"].reason
    assert "2022-01-01" in refused(explanation)["marginal_family"].reason
    assert lines(explanation)["work_cost_deduction"].value == 0
    old = refused(explain(PERSONS, HOUSEHOLD, "2010-01"))
    assert all("尚无" in old[code].reason for code in ("dibao_amount", "marginal_family", "tekun"))


def test_a_setting_is_named_as_the_source():
    settings = Settings.of(
        [{"parameter": "dibao.standard.urban", "area": "410724", "start": "2022-12-01", "value": 660, "document": "获政〔2022〕9号"}]
    )
    explanation = explain(PERSONS, HOUSEHOLD, "2022-12", settings)
    row = next(p for p in explanation.parameters if p.name == "dibao.standard.urban" and p.area == "410724")
    assert (row.value, row.setting, row.reference) == (660, True, "获政〔2022〕9号")
    assert explanation.settings_hash == settings.hash


@pytest.mark.parametrize("seed", range(8))
def test_random_households_explain_what_the_run_pays(seed):
    random = np.random.default_rng(seed)
    for month in ("2018-06", "2020-04", "2022-12", "2023-02", "2024-10"):
        size = int(random.integers(1, 6))
        grade = random.integers(0, 5, size)
        persons = {
            "birth_date": np.datetime64("1935-01-01") + random.integers(0, 80 * 365, size).astype("m8[D]"),
            "wage_income": np.round(random.exponential(600, size), 2),
            "works_away": random.random(size) < 0.4,
            "disability_grade": grade,
            "disability_kind": np.where(grade > 0, random.integers(1, 8, size), 0),
            "serious_illness": random.random(size) < 0.3,
            "support_obligor": random.integers(0, 3, size),
            "orphan": random.random(size) < 0.2,
            "self_care_failures": random.integers(0, 7, size),
        }
        household = {
            "county": random.choice(["410122", "410302", "410724", "411624", "419001", "410402"]),
            "residence": random.choice(["urban", "rural"]),
            "financial_assets": float(random.exponential(30000)),
            "rigid_expenditure": float(random.exponential(500)),
            "vehicles": int(random.random() < 0.2),
            "was_on_dibao": bool(random.random() < 0.3),
            "income_rise_from_work": True,
            "previous_dibao_amount": 500.0,
            "previous_dibao_members": 2,
        }
        explanation = explain(persons, household, month)
        total = run(persons, {n: [v] for n, v in household.items()}, np.zeros(size, dtype=int), None, month, ["benefits_total"])
        paid = sum(benefit.amount or 0 for benefit in explanation.benefits)
        assert round(paid, 2) == explanation.total == round(float(total["benefits_total"][0]), 2)
        json.dumps(explanation.as_dict(), allow_nan=False)


def test_one_household_with_its_explanation_takes_under_20_ms():
    explain(PERSONS, HOUSEHOLD, "2022-12")
    best = min(_timed() for _ in range(5))
    assert best < 0.02, best


def _timed():
    start = time.process_time()
    explain(PERSONS, HOUSEHOLD, "2022-12")
    return time.process_time() - start


def test_bad_input_is_refused_before_anything_is_calculated():
    with pytest.raises(LawInputError):
        explain(PERSONS | {"wage_income": [-1, 0, 0]}, HOUSEHOLD, "2022-12")
    with pytest.raises(ValueError, match="names"):
        explain(PERSONS, HOUSEHOLD, "2022-12", names=["一人"])
