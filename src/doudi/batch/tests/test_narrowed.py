"""A lake cut down to some people's rows: a comparison finds of them what it finds in the whole lake."""

from datetime import date

import pytest

from doudi.batch import compare, plans
from doudi.batch.narrowed import narrowed
from doudi.batch.tests.county import County, certificate


def test_2_2_a_comparison_over_a_households_rows_finds_what_the_whole_lake_tells_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "PLANS", plans.Plans())
    county = County(tmp_path)
    ill, wife, other = county.person(on_dibao=True), county.person(household=1, relationship="10", on_dibao=True), county.person(on_dibao=True)
    bills = [{"who": who, "结算日期": "2022-06-01", "总费用": 20000, "个人负担": 9000, "大病标志": "是", "病种": "肺癌"} for who in (other, ill, wife)]
    home = {"产权证号": "a", "面积": 90, "用途": "商铺", "登记日期": "2022-05-01"}
    county.deliver("disability", [certificate(who, county, 4) for who in (other, wife, ill)])
    county.deliver("deaths", [{"who": other, "死亡日期": "2022-08-01"}], "2022-09", "D1")  # nobody of theirs: the file is empty, and still counted
    county.deliver("deaths", [{"who": other, "死亡日期": "2022-08-01"}, {"who": wife, "死亡日期": "2022-08-02"}], "2022-10", "D2")
    county.deliver("medical", bills)
    county.deliver("housing", [{"who": other} | home, {"who": ill} | home], "2022-09", "D1")
    county.deliver("housing", [{"who": other} | home, {"who": ill} | home | {"面积": 120}], "2022-10", "D2")
    county.deliver("housing", [{"who": ill} | home | {"面积": 150}], "2023-10", "D3")  # not yet
    whole, everybody = county.lake, county.people
    county.people = [person for person in everybody if person["household_id"] == ill]
    expected = county.run()
    assert {lead["indicator"] for lead in expected} >= {"recipient_house", "disability_no_living_subsidy"} and {lead["person_id"] for lead in expected} == {ill, wife}
    (tmp_path / "cut").mkdir()
    county.lake = narrowed(whole, [person["id_token"] for person in county.people], tmp_path / "cut", upto="2022-11")
    assert [sorted(each.delivery for each in county.lake.entries(name)) for name in ("deaths", "housing", "wages")] == [["D1", "D2"], ["D1", "D2"], []]
    before = len(compare.PLANS)
    assert county.run() == expected and len(compare.PLANS) == before, "by the same statements"
    (tmp_path / "none").mkdir()
    county.lake = narrowed(whole, [], tmp_path / "none", upto="2022-11")
    assert county.run(on=date(2022, 11, 25)) == []


@pytest.mark.parametrize("month", ["2022-08", "2022-10"])
def test_only_periods_that_begin_by_the_month_are_read(tmp_path, month):
    county = County(tmp_path)
    who = county.person(on_dibao=True)
    county.deliver("deaths", [{"who": who, "死亡日期": "2022-08-01"}], "2022-09")
    assert len(narrowed(county.lake, [county.people[0]["id_token"]], tmp_path, upto=month).entries()) == (month > "2022-09")
