"""The parameters of the package are the rows of the data files, one by one; what stands in no file is listed here by name."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from openfisca_core.parameters import ParameterNode

import openfisca_henan
from openfisca_henan.places import check_row, place_table, read_leaves

ROOT = Path(openfisca_henan.__file__).parent
LEAVES, ROWS = read_leaves(ParameterNode("", directory_path=str(ROOT / "parameters")))

#: what,kind of the data file -> parameters; {} stands for urban and rural.
SAME_NAME = {
    "deduct_necessary_costs": "income.deduct_necessary_costs",
    "dibao_land_share": "dibao.land_rule.share",
    "dibao_land_threshold": "dibao.land_rule.threshold",
    "gradual_exit_months": "dibao.gradual_exit_months",
    "gradual_exit_share": "dibao.gradual_exit.share",
    "maintenance_exempt_multiple": "maintenance.exempt_multiple",
    "maintenance_share": "maintenance.share",
    "marginal_company_capital": "marginal.company_capital",
    "marginal_financial_assets": "marginal.financial_assets",
    "marginal_income_multiple": "marginal.income_multiple",
    "minimum_wage_class": "minimum_wage.class_by_county",
    "price_floor": "price_linkage.amount.floor",
    "price_index": "price_linkage.amount.index",
    "price_multiplier": "price_linkage.amount.multiplier",
    "price_no_scpi": "price_linkage.amount.no_scpi",
    "price_rounding": "price_linkage.amount.rounding",
    "rigid_expenditure_share": "rigid_expenditure.share",
    "single_person_amount": "dibao.single_person.amount",
    "single_person_amount_share": "dibao.single_person.amount_share",
    "single_person_income_multiple": "dibao.single_person.income_multiple",
    "tekun_care_wage_lag": "tekun.care.wage_lag",
    "tekun_living_multiple": "tekun.living_multiple",
    "work_cost_rate": "dibao.work_cost_rate",
}
BY_KIND = {
    "dibao_average_subsidy_floor": "dibao.average_subsidy_floor.{}",
    "dibao_payment": "dibao.payment.mode.{}",
    "dibao_standard": "dibao.standard.{}",
    "disability_subsidy": "disability.{}",
    "price_base": "price_linkage.amount.base.{}",
    "price_covered": "price_linkage.covered.{}",
    "price_trigger": "price_linkage.trigger.{}",
    "tekun_care_amount": "tekun.care.amount.{}",
    "tekun_care_rule": "tekun.care.rule.{}",
    "tekun_care_share": "tekun.care.share.{}",
    "tekun_living_amount": "tekun.living_amount.{}",
    "temporary_assistance_multiple": "temporary.multiple.{}",
    "temporary_assistance_township_multiple": "temporary.township_multiple.{}",
}
#: Rules whose figures stand in ``domain.md`` and the law itself, not in the data files.
OWN = {
    "children.age",
    "dibao.single_person.grade.any",
    "dibao.single_person.grade.intellectual",
    "dibao.single_person.grade.mental",
    "dibao.uplift.old_age",
    "disability.living_marginal",
    "disability.nursing_grade",
    "marginal.dwellings",
    "marginal.dwellings_without_area_test",
    "marginal.non_residential_property",
    "marginal.vehicles",
    "tekun.age.child",
    "tekun.age.child_recipient",
    "tekun.age.old",
    "tekun.disability_grade.intellectual",
    "tekun.disability_grade.mental",
    "tekun.disability_grade.physical",
    "tekun.disability_grade.visual",
    "tekun.self_care.partly_unable",
    "tekun.self_care.unable",
    "temporary.times_per_year",
}


def names(what, kind):
    if what in SAME_NAME:
        return [SAME_NAME[what]]
    if what == "dibao_band":
        where, band = kind.split()
        places = ("urban", "rural") if where == "unified" else (where,)
        return [f"dibao.payment.band.{place}.band_{band}" for place in places]
    if what == "disposable_income":
        return [f"disposable_income.{kind}"]
    if what == "minimum_wage":
        return ["minimum_wage." + kind.replace(" ", "_")]
    if what == "orphan_allowance":
        if kind == "institution":
            return ["children.institution"]
        return [f"children.dispersed.{place}" for place in (kind.split()[1:] or ("urban", "rural"))]
    pattern = BY_KIND[what]
    if what.startswith("temporary"):
        return [pattern.format(kind_) for kind_ in ("emergency", "expenditure")]
    return [pattern.format(place) for place in (("urban", "rural") if kind in ("all", "unified") else (kind,))]


def read(name):
    with (ROOT / "data" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def value_of(text):
    try:
        return float(text)
    except ValueError:
        return text


def expected():
    rows = [
        (name, row["area"], row["from"], value_of(row["value"]), row["status"], row["source"], row["unit"])
        for row in read("assistance_standards.csv")
        for name in names(row["what"], row["kind"])
    ]
    for row in read("prices.csv"):
        rows += [
            (f"prices.{index}", row["area"], row["month"] + "-01", float(row[f"{index}_yoy"]), row["status"], row["source"], "per cent")
            for index in ("cpi", "food", "scpi")
            if row["area"] != "CN" and row[f"{index}_yoy"]
        ]
    return rows


def actual():
    return {(row.parameter, row.area, row.start): row for row in ROWS}


@pytest.mark.parametrize("row", expected(), ids=lambda row: "-".join(row[:3]))
def test_each_row_of_the_data_is_a_parameter(row):
    name, area, start, value, status, source, unit = row
    found = actual()[name, area, start]
    assert (found.value if isinstance(found.value, str) else float(found.value)) == value
    assert found.reference == source
    assert found.status == status
    assert found.unverified == (status in ("M", "K"))
    if unit.startswith("yuan/person/"):
        assert found.unit == unit


def test_each_row_of_the_package_stands_in_the_data_or_is_named_here():
    given = {row[:3] for row in expected()}
    others = {row.parameter for key, row in actual().items() if key not in given}
    assert others == OWN
    assert len(actual()) == len(ROWS), "two values of one parameter, place and date"
    assert not [key for key, count in Counter(row[:3] for row in expected()).items() if count > 1]


def test_every_row_has_a_reference_and_can_stand():
    for row in ROWS:
        assert row.reference, row
        assert row.status in "VNMK"
        assert row.unverified == (row.status in "MK")
        assert check_row(LEAVES[row.parameter], row) is None


def test_labels_are_chinese_and_unique():
    labels = Counter(leaf.label for leaf in LEAVES.values())
    assert not [label for label, count in labels.items() if count > 1]
    assert all(any("一" <= letter <= "鿿" for letter in label) for label in labels)


def test_the_system_uses_the_same_rows():
    assert place_table(openfisca_henan.CountryTaxBenefitSystem().parameters).rows == ROWS
