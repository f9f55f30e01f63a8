"""The engine: one case equals the batch, chunks change nothing, bad input is named before the run."""

import numpy as np
import pytest

from doudi.batch.law import LawInputError, Settings, SettingsError, list_parameters, run

BENEFITS = ["dibao_amount", "single_person_dibao_amount", "marginal_family", "disability_living_subsidy", "tekun_living_amount"]


def household(**changes):
    persons = {"birth_date": ["1960-05-01", "1990-05-01"], "wage_income": [300.0, 0.0]}
    households = {"county": ["410724"], "residence": ["urban"]}
    for name, value in changes.items():
        (households if name in ("county", "residence", "vehicles", "financial_assets") else persons)[name] = value
    return persons, households, [0, 0], [True, False]


def test_dibao_pays_the_gap_to_the_standard_of_the_province():
    # Huojia has no row of its own: 630 x 2 - 300 = 960
    assert run(*household(), "2022-12", ["dibao_amount"])["dibao_amount"] == [960.0]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"wage_income": [-1.0, 0.0]}, "wage_income", "不能为负"),
        ({"wage_income": [float("nan"), 0.0]}, "wage_income", "缺失"),
        ({"county": ["110101"]}, "county", "不是本省的县级代码"),
        ({"county": ["4107"]}, "county", "不是本省的县级代码"),
        ({"residence": ["town"]}, "residence", "应为 urban"),
        ({"disability_grade": [7, 0], "disability_kind": ["physical", "none"]}, "disability_grade", "应为 0 至 4"),
        ({"disability_grade": [2, 0], "disability_kind": ["none", "none"]}, "disability_kind", "有残疾等级而没有类别"),
        ({"land_income": [10.0, 0.0]}, "land_income", "大于经营净收入"),
        ({"birth_date": ["2023-02-01", "1990-05-01"]}, "birth_date", "晚于测算月份"),
        ({"wages": [1.0, 1.0]}, "wages", "不是可填写的项目"),
        ({"dibao_amount": [1.0, 1.0]}, "dibao_amount", "不是可填写的项目"),
        ({"vehicles": [1.5]}, "vehicles", "应为整数"),
    ],
)
def test_bad_input_is_named_by_row_field_and_reason(changes, field, reason):
    with pytest.raises(LawInputError) as caught:
        run(*household(**changes), "2022-12", ["dibao_amount"])
    problem = caught.value.problems[0]
    assert problem.field == field
    assert reason in problem.reason


def test_settings_lie_over_the_law_and_have_a_stable_hash():
    rows = [
        {"parameter": "dibao.standard.urban", "area": "410724", "start": "2022-12-01", "value": "650", "document": "获民〔2022〕1号"},
        {"parameter": "dibao.payment.rounding.urban", "area": "41", "start": "2022-01-01", "value": "half_up_yuan", "document": "x"},
    ]
    settings = Settings.of(rows)
    assert run(*household(), "2022-12", ["dibao_amount"], settings)["dibao_amount"] == [1000.0]
    assert run(*household(), "2022-11", ["dibao_amount"], settings)["dibao_amount"] == [960.0]
    assert Settings.of(reversed(rows)).hash == settings.hash != Settings.of(rows[:1]).hash
    standard = next(p for p in list_parameters(settings) if p.name == "dibao.standard.urban")
    assert [row.area_name for row in standard.rows if row.setting] == ["获嘉县"]


@pytest.mark.parametrize(
    "row",
    [
        {"parameter": "dibao.standard", "area": "41", "start": "2022-01-01", "value": 1},
        {"parameter": "dibao.standard.urban", "area": "4100", "start": "2022-01-01", "value": 1},
        {"parameter": "dibao.standard.urban", "area": "41", "start": "2022-13-01", "value": 1},
        {"parameter": "dibao.standard.urban", "area": "41", "start": "2022-01-01", "value": "lots"},
        {"parameter": "dibao.standard.urban", "area": "41", "start": "2022-01-01", "value": -1},
        {"parameter": "dibao.payment.mode.urban", "area": "41", "start": "2022-01-01", "value": "cash"},
        {"parameter": "dibao.work_cost_rate", "area": "410724", "start": "2022-01-01", "value": 0.1},
        {"parameter": "prices.cpi", "area": "410724", "start": "2022-01-01", "value": 3.5},
    ],
)
def test_settings_that_cannot_stand_are_refused(row):
    with pytest.raises(SettingsError):
        Settings.of([row | {"document": "x"}])


def sample(households=400, seed=3):
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 6, households)
    index = np.repeat(np.arange(households), sizes)
    size = len(index)
    grade = np.where(random.random(size) < 0.3, random.integers(1, 5, size), 0)
    persons = {
        "birth_date": np.datetime64("1935-01-01") + random.integers(0, 87 * 365, size).astype("m8[D]"),
        "wage_income": np.round(random.exponential(500, size) * (random.random(size) < 0.6), 2),
        "disability_grade": grade,
        "disability_kind": np.where(grade > 0, random.integers(1, 8, size), 0),
        "serious_illness": random.random(size) < 0.1,
        "support_obligor": random.integers(0, 3, size),
    }
    households_ = {
        "county": random.choice(["410122", "410302", "410724", "411624", "419001"], households),
        "residence": random.integers(0, 2, households),
        "financial_assets": np.round(random.exponential(9000, households), 2),
    }
    return persons, households_, index, np.r_[True, index[1:] != index[:-1]]


def test_chunks_and_the_order_of_persons_change_nothing():
    persons, households, index, head = sample()
    whole = run(persons, households, index, head, "2022-12", BENEFITS)
    chunked = run(persons, households, index, head, "2022-12", BENEFITS, chunk_households=7)
    shuffle = np.random.default_rng(1).permutation(len(index))
    mixed = run({n: c[shuffle] for n, c in persons.items()}, households, index[shuffle], head[shuffle], "2022-12", BENEFITS, chunk_households=11)
    for name in BENEFITS:
        assert (whole[name] == chunked[name]).all()
        expected = whole[name][shuffle] if len(whole[name]) == len(index) else whole[name]
        assert (expected == mixed[name]).all()


def test_a_single_case_equals_the_batch():
    persons, households, index, head = sample(60)
    batch = run(persons, households, index, head, "2023-03", BENEFITS)
    for number in range(60):
        rows = index == number
        one = run(
            {n: c[rows] for n, c in persons.items()},
            {n: c[number : number + 1] for n, c in households.items()},
            np.zeros(rows.sum(), dtype=int),
            head[rows],
            "2023-03",
            BENEFITS,
        )
        for name in BENEFITS:
            expected = batch[name][rows] if len(batch[name]) == len(index) else batch[name][number : number + 1]
            assert (one[name] == expected).all()
