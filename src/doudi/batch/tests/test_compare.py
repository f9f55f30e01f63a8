"""Comparison of deliveries with the registry: each indicator, its near misses, and one lead per situation."""

import io
import json
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from doudi.batch import compare, plans
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import read_delivery
from doudi.batch.indicators import INDICATORS
from doudi.batch.lake import LakeError
from doudi.batch.sealed import SealError, open_file
from doudi.batch.tests.county import KEYS, County, certificate, number


@pytest.fixture
def county(tmp_path):
    return County(tmp_path)


def test_severely_disabled_people_without_nursing_subsidy(county):
    lead, has, tekun, dead, third, ended, reported = (
        county.person(), county.person(on_nursing_subsidy=True), county.person(on_tekun=True), county.person(died_on=date(2022, 1, 1)),
        county.person(), county.person(), county.person(),
    )  # fmt: skip
    rows = [certificate(who, county, 1) for who in (lead, has, tekun, dead, reported)]
    county.deliver("disability", [*rows, certificate(third, county, 3), certificate(ended, county, 2, 有效期至="2022-11-24")])
    county.deliver("deaths", [{"who": reported, "死亡日期": "2022-11-01"}])
    (found,) = county.run()
    assert (found["indicator"], found["person_id"], found["situation"]) == ("disability_no_nursing_subsidy", lead, f"{lead}:grade1")
    assert (found["urgency"], found["programme"], found["area"]) == ("orange", "disability_nursing", "410122101201")
    assert found["reason"] == "残疾等级1级，未享受重度残疾人护理补贴"
    evidence = json.loads(found["evidence"])
    assert (evidence["dataset"], evidence["delivery"], evidence["row"], evidence["issued_on"]) == ("disability", "D1", 2, "2020-01-01")


def test_disabled_people_on_dibao_without_living_subsidy(county):
    lead, has, none = county.person(on_dibao=True), county.person(on_dibao=True, on_living_subsidy=True), county.person()
    county.deliver("disability", [certificate(who, county, 4) for who in (lead, has, none)])
    assert county.pairs() == [("disability_no_living_subsidy", lead)]


def bill(who, own, day="2022-06-01", serious="否", disease="肺炎"):
    return {"who": who, "结算日期": day, "总费用": own * 2, "个人负担": own, "大病标志": serious, "病种": disease}


def test_medical_costs_far_above_income(county):
    lead, at_share, small, old, helped, unknown = (county.person() for _ in range(6))
    county.person(household=helped, relationship="10", on_dibao=True)
    county.people[unknown - 1]["income_month"] = None
    rows = [bill(lead, 3000), bill(lead, 3000.01, "2022-07-01"), bill(at_share, 6000), bill(small, 4999.99), bill(helped, 9000), bill(unknown, 9000)]
    county.deliver("medical", [*rows, bill(old, 9000, "2021-11-25"), bill(old, 9000, "2022-11-26")])
    found = [lead for lead in county.run() if lead["indicator"] == "medical_costs"]
    assert [each["person_id"] for each in found] == [lead]
    assert found[0]["reason"] == "近 12 个月个人负担医疗费用 6000.01 元，家庭年收入 12000.00 元"
    assert json.loads(found[0]["evidence"])["visits"] == 2
    assert ("medical_costs", small) in county.pairs(parameters={"medical_costs": {"floor": 4000, "share": 0.3}})
    with pytest.raises(KeyError):
        county.run(parameters={"medical_costs": {"flor": 4000}})


def test_1_2_the_nearest_places_threshold_counts_and_a_place_can_switch_an_indicator_off(county):
    here, town, other = (county.person(area=area) for area in ("410122101201", "410122102001", "410181001001"))
    county.deliver("medical", [bill(who, 6500) for who in (here, town, other)])
    everybody = [("medical_costs", who) for who in (here, town, other)]
    assert county.pairs() == everybody
    given = {"medical_costs": {"floor": {"": 5000, "410122": 7000, "410122102": 6000}}}
    assert county.pairs(parameters=given) == [("medical_costs", town), ("medical_costs", other)]
    assert county.pairs(parameters={"medical_costs": {"floor": {"": 7000, "41": 7000}}}) == []
    assert county.pairs(switches={"medical_costs": {"410122": 0, "410122102": 1}}) == [("medical_costs", town), ("medical_costs", other)]
    assert county.pairs(switches={"medical_costs": {"": 0}}) == []
    assert county.pairs(switches={"medical_costs": {"4101": 1}}) == everybody


def test_a_bill_delivered_twice_counts_once(county):
    who = county.person()
    county.deliver("medical", [bill(who, 4000)], "2022-09", "D1")
    county.deliver("medical", [bill(who, 4000), bill(who, 100, "2022-10-02")], "2022-10", "D2")
    assert county.pairs() == []
    county.deliver("medical", [bill(who, 4000, "2022-10-03")], "2022-10", "D3")
    assert county.pairs() == [("medical_costs", who)]


def test_serious_illness_in_a_low_income_household(county):
    low, line = county.person(income_month=749.99), county.person(income_month=750.0)
    county.deliver("medical", [bill(who, 10, serious="是") for who in (low, line)])
    assert county.pairs() == [("serious_illness_low_income", low)]


def test_a_dead_recipient_and_nobody_else(county):
    lead, single, none = county.person(on_dibao=True), county.person(on_nursing_subsidy=True), county.person()
    county.deliver("deaths", [{"who": who, "死亡日期": "2022-10-07", "死亡原因": "疾病"} for who in (lead, single, none)])
    assert county.pairs() == [("recipient_death", lead), ("recipient_death", single)]
    assert county.run()[0]["reason"] == "公安数据显示已于 2022-10-07 死亡，仍在享受待遇"


def test_new_property_of_recipients(county):
    lead, other = county.person(on_dibao=True), county.person()
    cars = [("豫A12345", "小型轿车", "2022-05-01"), ("豫A1", "普通摩托车", "2022-05-01"), ("豫A2", "小型轿车", "2021-11-25")]
    county.deliver(
        "vehicles", [{"who": who, "车牌号": plate, "车辆类型": kind, "登记日期": day} for who in (lead, other) for plate, kind, day in cars]
    )
    codes = [("91410122MA3X1Y2T3A", 25, "2015-01-01"), ("91410122MA3X1Y2T4B", 1, "2022-05-01"), ("91410122MA3X1Y2T5C", 19, "2015-01-01")]
    county.deliver(
        "companies",
        [
            {"who": lead, "企业名称": "甲", "统一社会信用代码": code, "职务": "股东", "认缴出资额（万元）": c, "成立日期": day}
            for code, c, day in codes
        ],
    )
    homes = [("a", "住宅", "2010-01-01"), ("b", "住宅", "2022-05-01")]
    county.deliver("housing", [{"who": lead, "产权证号": no, "面积": 90, "用途": use, "登记日期": day} for no, use, day in homes])
    single = county.person(on_tekun=True)
    county.deliver("housing", [{"who": single, "产权证号": "c", "面积": 90, "用途": "宅基地", "登记日期": "2022-05-01"}], delivery="D2")
    found = {(each["indicator"], each["situation"]) for each in county.run()}
    assert found == {
        ("recipient_vehicle", f"{lead}:豫A12345"),
        ("recipient_company", f"{lead}:91410122MA3X1Y2T3A"),
        ("recipient_company", f"{lead}:91410122MA3X1Y2T4B"),
        ("recipient_house", f"{lead}:b"),
    }


def wage(who, month, amount):
    return {"who": who, "单位": "甲公司", "月份": month, "应发工资": amount}


def test_wages_that_the_registry_does_not_know(county):
    lead, known, small, old = (
        county.person(on_dibao=True),
        county.person(on_dibao=True, known_wage=True),
        *(county.person(on_dibao=True) for _ in range(2)),
    )
    months = ("2022-08", "2022-09", "2022-10")
    rows = [wage(who, month, amount) for who, amount in ((lead, 751), (known, 2000), (small, 750)) for month in months]
    county.deliver("wages", [*rows, wage(old, "2022-07", 5000)])
    assert county.pairs() == [("recipient_wages", lead)]


def test_a_minor_is_an_orphan_when_both_parents_are_dead(county):
    born = date(2012, 5, 5)
    head = county.person(relationship="51", born=date(1940, 1, 1))
    father, mother = county.person(household=9, relationship="02", died_on=date(2020, 1, 1)), county.person(household=9, relationship="10")
    child = county.person(household=9, relationship="20", born=born)
    grown = county.person(household=9, relationship="30", born=date(2004, 11, 25))
    county.person(household=8, relationship="02", died_on=date(2020, 1, 1))
    half = county.person(household=8, relationship="20", born=born)
    county.deliver("deaths", [{"who": mother, "死亡日期": "2022-11-01"}])
    assert county.pairs() == [("orphaned_minor", child)] and half and grown and head and father
    evidence = json.loads(county.run()[0]["evidence"])
    assert (evidence["died_on"], evidence["delivery"]) == ("2022-11-01", "D1")
    county.people[child - 1]["on_orphan_allowance"] = True
    assert county.pairs() == []


def test_an_orphan_in_the_grandparents_household_and_by_known_parents(county):
    born = date(2012, 5, 5)
    county.person(household=1, born=date(1950, 1, 1))
    for relationship in ("22", "38"):
        county.person(household=1, relationship=relationship, born=date(1985, 1, 1), died_on=date(2022, 1, 1))
    grandchild = county.person(household=1, relationship="41", born=born)
    child = county.person(household=30, relationship="99", born=born, father_id=2, mother_id=3)
    county.deliver("deaths", [{"who": 2, "死亡日期": "2022-01-01"}])
    assert county.pairs() == [("orphaned_minor", grandchild), ("orphaned_minor", child)]


def test_the_same_situation_is_one_lead_whatever_the_number_of_deliveries(county):
    who = county.person(on_dibao=True)
    for month, delivery in (("2022-09", "D1"), ("2022-10", "D2"), ("2022-12", "D3")):
        county.deliver("deaths", [{"who": who, "死亡日期": "2022-08-01"}], month, delivery)
    (found,) = county.run()
    assert found["situation"] == f"{who}:death" and json.loads(found["evidence"])["delivery"] == "D2"
    assert [entry.delivery for entry in county.lake.entries("deaths", upto="2022-11")] == ["D1", "D2"]
    (later,) = county.run(on=date(2022, 12, 25))
    assert later["situation"] == found["situation"]


def test_1_2_a_row_whose_number_finds_nobody_counts_for_whom_it_is_linked_to(county):
    lead, known, lost = (county.person(on_dibao=True) for _ in range(3))
    county.deliver("deaths", [{"who": who, "死亡日期": "2022-08-01"} for who in (lost, known)])
    car = {"车牌号": "豫A12345", "车辆类型": "小型轿车", "登记日期": "2022-05-01"}
    other = county.person(on_dibao=True)
    county.deliver("vehicles", [{"who": lost} | car])
    county.deliver("medical", [bill(lost, 9000)])
    ill = county.person()
    del county.people[lost - 1], county.members[lost - 1]
    rows = [("deaths", 2, lead), ("deaths", 3, other), ("vehicles", 2, other), ("medical", 2, ill), ("medical", 2, 999), ("wages", 2, ill)]
    links = pa.table(list(zip(*((dataset, "D1", row, who) for dataset, row, who in rows), strict=True)), schema=compare.LINKS)
    assert county.pairs(links=links) == [("medical_costs", ill), ("recipient_death", lead), ("recipient_death", known), ("recipient_vehicle", other)]
    (first, *_rest) = county.run(links=links, indicators=[INDICATORS["recipient_death"]])
    assert (first["person_id"], json.loads(first["evidence"])["row"]) == (lead, 2)
    assert county.pairs(links=compare.LINKS.empty_table()) == county.pairs() == [("recipient_death", known)]


def test_a_list_delivered_anew_counts_as_it_stands_now_whatever_the_people_asked_for(county):
    changed, gone, kept = (county.person(on_dibao=True) for _ in range(3))
    home = {"产权证号": "a", "面积": 90, "登记日期": "2022-05-01"}
    county.deliver("housing", [{"who": who, "用途": use} | home for who, use in ((changed, "住宅"), (gone, "商铺"), (kept, "商铺"))], "2022-09", "D1")
    county.deliver("housing", [{"who": changed, "用途": "商铺"} | home, {"who": gone, "用途": "住宅"} | home], "2022-10", "D2")
    assert county.pairs() == [("recipient_house", changed), ("recipient_house", kept)]


def test_an_empty_lake_and_the_leap_day(county):
    county.person(on_dibao=True)
    assert county.run() == []
    county.deliver("deaths", [{"who": 1, "死亡日期": "2024-02-28"}], "2024-02")
    assert county.pairs(on=date(2024, 2, 29)) == [("recipient_death", 1)]


def test_the_lake_keeps_the_original_enciphered_and_knows_it_again(county, tmp_path):
    who = county.person(on_dibao=True)
    entry = county.deliver("deaths", [{"who": who, "死亡日期": "2022-08-01"}])
    assert county.lake.find("deaths", entry.sha256) == entry and county.lake.find("medical", entry.sha256) is None
    sealed = (county.lake.root / entry.original).read_bytes()
    assert number(who).encode() not in sealed and "张三".encode() not in sealed
    open_file(KEYS, county.lake.root / entry.original, plain := io.BytesIO())
    assert plain.getvalue() == (tmp_path / "deaths-D1.csv").read_bytes()
    with pytest.raises(SealError):
        open_file(replace(KEYS, data={1: b"x" * 32}), county.lake.root / entry.original, io.BytesIO())
    assert not list((tmp_path / "work").iterdir())
    with pytest.raises(LakeError):
        county.deliver("deaths", [{"who": who, "死亡日期": "2022-08-01"}])


NAMES = [("../x", "2022-10", "D"), ("deaths", "../..", "D"), ("deaths", "2022-13", "D"), ("deaths", "2022-10", "../D"), ("deaths", "2022-10", ".D")]


@pytest.mark.parametrize(("dataset", "period", "delivery"), NAMES)
def test_names_cannot_leave_the_lake(county, dataset, period, delivery):
    county.person()
    source = county.folder / "a.csv"
    source.write_text(f"姓名,身份证号,死亡日期\n张三,{number(1)},2022-01-01\n", "utf-8")
    accepted = read_delivery(source, CONTRACTS["deaths"], out=county.folder / "work", key=KEYS.token)
    with pytest.raises(LakeError):
        county.lake.put(replace(accepted, contract=replace(CONTRACTS["deaths"], code=dataset)), source, keys=KEYS, period=period, delivery=delivery)


def test_a_delivery_without_its_mark_is_not_there(county):
    county.person(on_dibao=True)
    entry = county.deliver("deaths", [{"who": 1, "死亡日期": "2022-08-01"}])
    (county.lake.root / "deaths" / "2022-10" / "D1.json").unlink()
    assert county.run() == [] and (county.lake.root / entry.parquet).exists()


def test_a_comparison_of_the_same_shape_runs_the_same_statements_on_its_own_data(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(compare, "PLANS", plans.Plans(most=2))
    monkeypatch.setattr(compare, "as_leads", lambda *given, made=compare.as_leads: written.append(given[0].code) or made(*given))

    def place(name, *, poor, bills):
        (tmp_path / name).mkdir()
        county = County(tmp_path / name)
        for _ in range(poor):
            county.person()
        county.deliver("medical", [bill(who, own) for who, own in bills], delivery=name)
        return county

    one, other = place("E1", poor=1, bills=[(1, 6500)]), place("E2", poor=3, bills=[(2, 7000), (3, 100)])
    first = one.run()
    assert written.count("medical_costs") == 1
    (again,), (there,) = one.run(), other.run()
    assert written.count("medical_costs") == 1, "the statements were written anew"
    assert [again] == first and (there["person_id"], json.loads(there["evidence"])["delivery"]) == (2, "E2")
    assert one.pairs(on=date(2023, 6, 2)) == [] and one.pairs(on=date(2022, 12, 31)) == [("medical_costs", 1)]
    assert written.count("medical_costs") == 1, "the day stands in no statement"
    # each thing that the words depend on makes them anew
    assert one.pairs(parameters={"medical_costs": {"floor": 6600}}) == []
    assert one.pairs(switches={"medical_costs": {"": 0}}) == []
    assert len(compare.PLANS) == 2
    other.deliver("medical", [bill(3, 8000, "2022-07-01")], delivery="E3")
    assert other.pairs() == [("medical_costs", 2), ("medical_costs", 3)]
    for _ in range(2):
        with pytest.raises(KeyError):
            one.run(parameters={"medical_costs": {"flor": 1}})
