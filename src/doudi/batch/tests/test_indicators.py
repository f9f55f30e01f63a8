"""1.2: indicators of the newer datasets, each with what is nearly it."""

import json
from datetime import date

import pytest

from doudi.batch import compare
from doudi.batch.indicators import INDICATORS
from doudi.batch.tests.county import ON, County, certificate, number

POOR = {"income_month": 700.0, "own_income": 700.0}


@pytest.fixture
def county(tmp_path):
    return County(tmp_path)


def evidence(county, **options):
    (found,) = county.run(**options)
    return json.loads(found["evidence"])


def test_there_are_at_least_twenty_and_both_ways():
    assert (
        len(INDICATORS) >= 28 and sum(each.helps for each in INDICATORS.values()) >= 14 and sum(not each.helps for each in INDICATORS.values()) >= 10
    )
    assert all(each.reason and each.title_zh and each.programme for each in INDICATORS.values())


def test_newly_listed_serious_illness_of_a_household_of_low_income(county):
    lead, rich, helped, old, future = (
        county.person(**POOR),
        county.person(),
        county.person(**POOR, on_dibao=True),
        county.person(**POOR),
        county.person(**POOR),
    )
    days = {lead: "2022-10-01", rich: "2022-10-01", helped: "2022-10-01", old: "2021-11-25", future: "2022-11-25"}
    county.deliver("serious_illness", [{"who": who, "病种": "尿毒症", "确诊日期": day} for who, day in days.items()])
    assert county.pairs() == [("serious_illness_listed", lead), ("serious_illness_listed", future)]
    assert county.pairs(parameters={"serious_illness_listed": {"multiple": {"410122": 3}}})[1] == ("serious_illness_listed", rich)


def job(who, status="失业", day="2022-09-01", benefit="", until=""):
    return {"who": who, "失业登记日期": day, "状态": status, "月失业保险金": benefit, "领取截止": until}


def test_the_main_earner_lost_work_and_what_is_left_is_too_little(county):
    people = []
    for case in range(5):
        people.append(county.person(household=100 + case, income_month=2200.0, own_income=2000.0))
        county.person(household=100 + case, relationship="10", income_month=2200.0, own_income=200.0)
    alone = county.person(income_month=1000.0, own_income=1000.0)
    lead, insured, back, small, old = people
    county.people[small - 1]["own_income"] = 900.0
    rows = [job(lead), job(insured, benefit="1600", until="2023-03-01"), job(back, "已就业"), job(small), job(old, day="2021-11-20"), job(alone)]
    county.deliver("unemployment", rows)
    assert county.pairs() == [("breadwinner_unemployed", lead)]
    assert evidence(county)["left_month"] == 200.0
    # the insured one's benefit ran out: a lead from then on
    assert ("breadwinner_unemployed", insured) in county.pairs(on=date(2023, 3, 2))


def test_a_member_of_working_age_died_and_the_others_earn_too_little(county):
    widow = county.person(household=50, income_month=600.0, own_income=600.0)
    dead = county.person(household=50, relationship="10", born=date(1980, 1, 1), income_month=600.0)
    old = county.person(household=51, income_month=600.0, own_income=600.0)
    old_dead = county.person(household=51, relationship="51", born=date(1940, 1, 1), income_month=600.0)
    rich = county.person(household=52, income_month=1600.0, own_income=1600.0)
    rich_dead = county.person(household=52, relationship="10", born=date(1980, 1, 1))
    known = county.person(household=53, income_month=600.0, own_income=600.0)
    gone = county.person(household=53, relationship="10", born=date(1985, 1, 1), died_on=date(2022, 9, 1))
    county.people[gone - 1]["household_id"] = None  # has left the household on the day of death
    county.deliver("deaths", [{"who": who, "死亡日期": "2022-09-01"} for who in (dead, old_dead, rich_dead, gone)])
    assert county.pairs() == [("breadwinner_died", widow), ("breadwinner_died", known)] and old and rich
    assert county.run()[0]["reason"] == "家庭成员于 2022-09-01 死亡，其余成员每月收入 600.00 元"


def test_disasters_of_some_weight_also_of_recipients(county):
    burnt, loss, small, old = (county.person(on_dibao=index == 0) for index in range(4))
    rows = [
        (burnt, "严重损坏", 100, "2022-11-01"),
        (loss, "未受损", 20_000, "2022-11-01"),
        (small, "一般损坏", 19_999.99, "2022-11-01"),
        (old, "倒塌", 9, "2022-05-29"),
    ]
    county.deliver(
        "disasters", [{"who": who, "灾害种类": "火灾", "发生日期": day, "房屋受损": damage, "直接经济损失": sum_} for who, damage, sum_, day in rows]
    )
    assert county.pairs() == [("disaster_hit", burnt), ("disaster_hit", loss)]
    assert {lead["programme"] for lead in county.run()} == {"temporary"}


def test_refused_and_worse_since_names_the_dataset_that_tells(county):
    lead, before, helped, ill = (county.person(refused_on=date(2022, 5, 1)) for _ in range(4))
    county.people[helped - 1]["on_tekun"] = True
    county.deliver("serious_illness", [{"who": ill, "病种": "尿毒症", "确诊日期": "2022-06-01"}])
    county.deliver(
        "disability",
        [certificate(who, county, 3, 发证日期=day) for who, day in ((lead, "2022-08-01"), (before, "2022-04-01"), (helped, "2022-08-01"))],
    )
    found = [each for each in county.run() if each["indicator"] == "refused_worse"]
    assert [each["person_id"] for each in found] == [lead, ill]
    told = json.loads(found[0]["evidence"])
    assert (told["dataset"], told["delivery"], told["row"], told["event"]) == ("disability", "D1", 2, "核发残疾人证")
    assert found[0]["reason"] == "2022-05-01 救助申请不予确认，2022-08-01 核发残疾人证"


def test_watched_households_and_students_in_special_difficulty(county):
    lead, removed, helped = county.person(**POOR), county.person(**POOR), county.person(**POOR, on_dibao=True)
    rows = [{"who": who, "监测类别": "边缘易致贫户", "识别日期": "2022-01-01"} for who in (lead, removed, helped)]
    rows[1]["风险消除日期"] = "2022-11-01"
    county.deliver("monitoring_list", rows)
    student, general = county.person(**POOR, born=date(2010, 1, 1)), county.person(**POOR, born=date(2010, 1, 1))
    levels = ((student, "特别困难"), (general, "困难"))
    county.deliver(
        "student_aid",
        [{"who": who, "学校": "一小", "资助项目": "助学金", "困难等级": level, "发放月份": "2022-09", "资助金额": 500} for who, level in levels],
    )
    assert county.pairs() == [("monitoring_unhelped", lead), ("student_aid_unhelped", student)]


def test_old_people_alone_without_phone_or_visit_are_found_in_the_registry_alone(county):
    born = date(1952, 11, 25)  # seventy on this very day
    lead = county.person(born=born, has_phone=False)
    county.person(born=date(1952, 11, 26), has_phone=False)
    county.person(born=born, has_phone=True)
    county.person(born=born, has_phone=False, on_tekun=True)
    county.person(born=born, has_phone=False, last_contact=date(2022, 9, 1))
    long_ago = county.person(born=born, has_phone=False, last_contact=date(2022, 8, 27))
    couple = county.person(born=born, has_phone=False)
    county.person(household=couple, relationship="10", born=born, has_phone=False)
    assert county.pairs() == [("old_alone_no_contact", lead), ("old_alone_no_contact", long_ago)]
    told = json.loads(county.run()[0]["evidence"])
    assert (told["dataset"], told["delivery"], told["row"]) == (compare.REGISTRY, None, None)
    assert county.run()[0]["situation"] == f"{lead}:2022"


def family(county, household, **parents):
    """Father and mother with columns, and a child of ten; returns their ids."""
    ids = [county.person(household=household, relationship=code, **parents.get(who, {})) for who, code in (("father", "02"), ("mother", "10"))]
    return *ids, county.person(household=household, relationship="20", born=date(2012, 5, 5))


def held(who, kind="服刑", start="2022-01-01", until="2025-01-01"):
    return {"who": who, "类别": kind, "起始日期": start, "预计结束日期": until}


def test_5_children_whose_parents_both_cannot_care(county):
    dead = {"died_on": date(2020, 1, 1)}
    one, two, three, four, five = (family(county, 10 + at, **({"father": dead} if at in (0, 3) else {})) for at in range(5))
    county.deliver("detention", [held(one[1]), held(two[0], "失联", until=""), held(four[1], until="2022-11-25"), held(five[0], "强制隔离戒毒")])
    county.deliver("disability", [certificate(two[1], county, 2), certificate(three[0], county, 1), certificate(five[1], county, 3)])
    county.people[three[2] - 1]["on_child_allowance"] = True
    found = [each for each in county.run() if each["indicator"] == "unsupported_child"]
    assert [each["person_id"] for each in found] == [one[2], two[2]]
    assert found[0]["reason"].startswith("父母均不能履行抚养职责（死亡 1 人，服刑、戒毒、失联等 1 人，重残或重病 0 人）")
    assert json.loads(found[1]["evidence"])["unable"] == 1


def test_5_children_left_without_a_grown_up_at_home(county):
    away = {"works_away": True}
    lead = family(county, 10, father=away, mother=away)
    grandmother = family(county, 11, father=away, mother=away)
    county.person(household=11, relationship="52", born=date(1950, 1, 1))
    one = family(county, 12, father=away)
    permit = family(county, 13, father=away)
    rows = [(permit[1], "440306", "2024-01-01"), (one[1], "410122", "2024-01-01"), (grandmother[0], "440306", "2022-01-01")]
    county.deliver("residence_permits", [{"who": who, "居住地": place, "登记日期": "2021-01-01", "有效期至": until} for who, place, until in rows])
    assert county.pairs() == [("child_left_alone", lead[2]), ("child_left_alone", permit[2])]
    assert county.pairs(parameters={"child_left_alone": {"age": 10}}) == []


def test_children_who_left_compulsory_school(county):
    out, suspended, senior = (county.person(born=date(2009, 1, 1)) for _ in range(3))
    rows = [(out, "初中", "辍学"), (suspended, "初中", "休学"), (senior, "高中", "辍学")]
    county.deliver("education", [{"who": who, "学校": "一中", "学段": stage, "年级": "二年级", "学籍状态": status} for who, stage, status in rows])
    assert county.pairs() == [("school_dropout", out)]


def test_money_of_recipients_that_nobody_declared(county):
    taxed, known, none = county.person(on_dibao=True, own_income=100.0), county.person(on_dibao=True, own_income=900.0), county.person(own_income=0.0)
    rows = [
        {"who": who, "所属月份": month, "所得项目": "劳务报酬", "收入额": 3700, "扣缴义务人": "甲"}
        for who in (taxed, known, none)
        for month in ("2022-02", "2022-09")
    ]
    county.deliver("tax", [*rows, {"who": known, "所属月份": "2021-10", "所得项目": "劳务报酬", "收入额": 99_999, "扣缴义务人": "甲"}])
    fund, small = county.person(on_tekun=True), county.person(on_tekun=True)
    pays = [{"who": who, "单位": "甲", "缴存月份": "2022-10", "缴存基数": base} for who, base in ((fund, 751), (small, 750))]
    county.deliver("housing_fund", pays)
    rich = county.person(household=70, on_dibao=True)
    second = county.person(household=70, relationship="10", area="410122101202")  # registered in another village
    line = county.person(on_dibao=True)
    asked = {"授权书编号": "授1", "机构": "农商行", "资产类别": "存款", "查询日期": "2022-11-01"}
    county.deliver("bank_assets", [{"who": who, "余额": sum_} | asked for who, sum_ in ((rich, 1), (second, 24_000), (line, 12_000))])
    assert county.pairs() == [("recipient_assets", rich), ("recipient_housing_fund", fund), ("recipient_taxed_income", taxed)]


def test_benefits_in_two_places_and_people_who_are_no_longer_there(county):
    twice, ended, other, nursing = (county.person(on_dibao=True) for _ in range(4))
    county.people[nursing - 1].update(on_dibao=False, on_nursing_subsidy=True)
    rows = [
        (twice, "低保", "410181", ""),
        (ended, "低保", "410181", "2022-11"),
        (other, "护理补贴", "410181", ""),
        (nursing, "护理补贴", "130102", ""),
    ]
    county.deliver(
        "assistance_elsewhere", [{"who": who, "救助项目": what, "保障地": at, "起始月份": "2021-01", "停发月份": end} for who, what, at, end in rows]
    )
    moved, within, came = (county.person(on_dibao=True) for _ in range(3))
    trips = [(moved, "410122", "410181"), (within, "410122", "410122"), (came, "410181", "410122")]
    county.deliver(
        "moves",
        [{"who": who, "户号": "1", "与户主关系": "户主", "迁出地": start, "迁入地": end, "迁移日期": "2022-06-01"} for who, start, end in trips],
    )
    inside, free, missing = (county.person(on_dibao=True) for _ in range(3))
    county.deliver("detention", [held(inside), held(free, until="2022-11-25"), held(missing, "失联", until="")])
    wed, couple, split = county.person(on_tekun=True), county.person(on_dibao=True), county.person(on_dibao=True)
    county.person(household=couple, relationship="10")
    rows = [(wed, "结婚"), (couple, "结婚"), (split, "离婚")]
    county.deliver("marriages", [{"who": who, "登记类型": event, "登记日期": "2022-09-09", "对方身份证号": number(wed)} for who, event in rows])
    assert county.pairs() == [
        ("recipient_detained", inside), ("recipient_elsewhere", twice), ("recipient_elsewhere", nursing), ("recipient_married", wed),
        ("recipient_moved_away", moved),
    ]  # fmt: skip


def test_no_indicator_without_its_first_dataset_but_with_the_others_where_they_came(county):
    father, mother, child = family(county, 10, father={"died_on": date(2020, 1, 1)})
    county.deliver("disability", [certificate(mother, county, 1)])
    assert ("unsupported_child", child) not in county.pairs()
    county.deliver("detention", [held(county.person())])
    assert ("unsupported_child", child) in county.pairs() and father
    assert date(2022, 11, 25) == ON
