"""The explanation of one household: the calculation line by line, what it leads to, and why not more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from doudi.batch.law.benefits import NOTICE, benefit_lines
from doudi.batch.law.engine import check_bands, law_version, prepare, simulate
from doudi.batch.law.explanation import Benefit, Explanation, Figure, Line
from doudi.batch.law.reader import Reader, number, per_cent, yuan
from doudi.batch.law.refusals import refusals
from doudi.batch.law.settings import Settings
from openfisca_henan.places import divisions

INCOME_CLASSES = (
    ("wage_income", "工资性收入", "12个月合计除以12，扣除个人所得税和社会保险费后", "wages of 12 months, net, divided by 12"),
    ("business_income", "经营净收入", "12个月合计除以12，扣除经营成本后", "business income of 12 months, net, divided by 12"),
    ("property_income", "财产净收入", "12个月合计除以12", "property income of 12 months divided by 12"),
    ("transfer_income", "转移净收入", "12个月合计除以12", "transfers of 12 months divided by 12"),
    ("maintenance_income", "赡养（抚养、扶养）费", "各义务人计入数之和", "sum over the obligors outside the household"),
)


def explain(
    persons: Mapping[str, ArrayLike],
    households: Mapping[str, ArrayLike],
    month: str,
    settings: Settings | None = None,
    names: Sequence[str] | None = None,
) -> Explanation:
    """The explanation of ONE household in a month (``YYYY-MM``).

    ``persons`` maps input variables to one value for each member, ``households`` to one value, bare or in a list of one. ``names`` are the members'
    names as the page shows them (masked, if it masks).
    Raises ``LawInputError``. Takes under 20 ms. For the structure see ``doudi.batch.law.explanation``.
    """
    settings = settings or Settings()
    columns = {name: np.atleast_1d(np.asarray(value)) for name, value in households.items()}
    members = {name: np.atleast_1d(np.asarray(value)) for name, value in persons.items()}
    size = len(next(iter(members.values()))) if members else 0
    population = prepare(members, columns, np.zeros(size, dtype=np.int64), month=month)
    table = settings.table()
    check_bands(population, month, table)
    shown = list(names) if names is not None else [f"成员{position + 1}" for position in range(size)]
    if len(shown) != size:
        raise ValueError(f"names: {len(shown)} names for {size} members")
    reader = Reader(simulate(population, month, table), table, month, shown)
    income_lines(reader)
    comparison_lines(reader)
    tekun_lines(reader)
    benefits = benefit_lines(reader)
    refused = refusals(reader)
    values = reader.all_values()
    return Explanation(
        month=month,
        law_version=law_version(),
        settings_hash=settings.hash,
        county=reader.code,
        county_name=divisions()[reader.code],
        residence=reader.residence,
        residence_label="城镇" if reader.residence == "urban" else "农村",
        members=shown,
        figures=figures(reader, benefits),
        sections=reader.sections,
        benefits=benefits,
        total=round(reader.household("benefits_total"), 2),
        refusals=refused,
        parameters=reader.parameters,
        values=values,
    )


# -- one: income -------------------------------------------------------------------------------------------------------------------
def income_lines(r: Reader) -> None:
    r.section("income", "家庭收入（申请或核查前12个月合计除以12）", "Household income (total of 12 months divided by 12)")
    counts = r.persons("counts_in_dibao_household")
    cited, nothing = [], []
    for name, label, words, english in INCOME_CLASSES:
        values = r.persons(name)
        if not (values[counts] > 0).any():
            nothing.append(label)
        for member in np.flatnonzero(counts & (values > 0)):
            cited.append(r.line(Line(name, label, words, english, float(values[member]), member=int(member), reference="豫民〔2021〕5号")))
    if nothing:
        cited.append(r.line(Line("no_income", "、".join(nothing), "核对与调查均无此项", "none found", 0.0, reference="豫民〔2021〕5号")))
    for member in np.flatnonzero(counts):
        cited += _deductions(r, int(member))
    for member in np.flatnonzero(~counts):
        r.line(
            Line(
                "tekun_member",
                "特困人员不计入",
                "特困人员不计入低保家庭人口，其收入也不计入",
                "a tekun member counts neither among the members nor with income",
                0.0,
                member=int(member),
                reference="民发〔2021〕43号",
            )
        )
    gross = r.household("gross_household_income")
    words, english = "以上各项相加减（个人不低于0）", "the lines above added up, no person below 0"
    r.line(Line("gross_household_income", "扣减刚性支出前收入", words, english, gross, subtotal=True, cites=cited))
    costs = r.household("rigid_expenditure")
    if costs > 0:
        used = r.use("income.deduct_necessary_costs")
        words = "医疗、教育、康复等必要支出个人负担部分12个月合计除以12" if used else "此月尚无扣减规定，不扣减"
        english = "necessary costs, own part, of 12 months divided by 12" if used else "no deduction yet in this month"
        line = Line("rigid_expenditure", "刚性支出扣减", words, english, -costs if used else 0.0, reference="豫民〔2021〕5号", parameters=used)
        cited.append(r.line(line))
    income, members = r.household("household_income"), r.household("dibao_members")
    words = f"扣减后不低于0；人均 {yuan(r.household('income_per_capita'))}"
    english = f"after deduction, not below 0; per head {yuan(r.household('income_per_capita'))}"
    note = f"计算人口 {number(members)} 人"
    r.income_line = r.line(Line("household_income", "家庭月收入", words, english, income, number=0, subtotal=True, cites=cited, note=note))


def _deductions(r: Reader, member: int) -> list[int]:
    """Lines of what is taken from and added to one member's income: allowances, disregards, work costs."""
    made = []
    allowance = float(r.persons("child_allowance_as_income")[member])
    if allowance > 0:
        words, english = "儿童基本生活费全额计入家庭收入", "the children's allowance counts in full as income"
        made.append(r.line(Line("child_allowance_as_income", "儿童基本生活费", words, english, allowance, member=member)))
    disregarded = float(r.persons("disregarded_income")[member])
    if disregarded > 0:
        words, english = "政策规定不计入的部分", "left out by the rules"
        made.append(r.line(Line("disregarded_income", "不计入的收入", words, english, -disregarded, member=member, reference="豫民〔2021〕5号")))
    if not r.persons("works_away")[member]:
        return made
    cost = float(r.persons("work_cost_deduction")[member])
    given = float(r.persons("workplace_urban_dibao_standard")[member])
    used = r.use("dibao.work_cost_rate")
    if not used:
        words, english = "务工成本扣减自2022年12月起施行，此月不扣减", "work costs are deducted from 2022-12 on"
        made.append(r.line(Line("work_cost_deduction", "务工成本扣减", words, english, 0.0, member=member, reference=f"{NOTICE}，举措2.4")))
        return made
    standard = given
    if given <= 0:
        row = r.table.row_of("dibao.standard.urban", "41", r.day)
        standard = r.table.value_of(row)
        used.append(r.use_row(row))
    rate = r.table.province("dibao.work_cost_rate", r.day)
    place = "务工地城市低保标准" if given > 0 else "全省城市低保标准（未填写务工地）"
    words = f"{place} {yuan(standard)} × {per_cent(rate)}，不超过本人工资"
    english = f"{per_cent(rate)} of the urban standard at the place of work {yuan(standard)}, at most the wage"
    reference = f"{NOTICE}，举措2.4"
    made.append(r.line(Line("work_cost_deduction", "务工成本扣减", words, english, -cost, member=member, reference=reference, parameters=used)))
    return made


# -- two: comparison with the standards --------------------------------------------------------------------------------------------
def comparison_lines(r: Reader) -> None:
    r.section("comparison", "与标准比较", "Comparison with the standards")
    standard, members = r.household("local_dibao_standard"), r.household("dibao_members")
    kind = "城市" if r.residence == "urban" else "农村"
    county = divisions()[r.code]
    if np.isnan(standard):
        r.line(Line("dibao_standard", "低保标准", f"此月尚无{kind}低保标准", "no standard yet in this month", None, reference="民发〔2021〕57号"))
        return
    used = r.use(f"dibao.standard.{r.residence}")
    base = r.line(
        Line(
            "dibao_income_limit",
            "低保标准合计",
            f"{county}{kind}标准 {yuan(standard)} × {number(members)} 人",
            f"local standard {yuan(standard)} times {number(members)} members",
            standard * members,
            note=r.where(used),
            reference="民发〔2021〕57号",
            parameters=used,
        )
    )
    limit, income = r.household("dibao_income_limit"), r.household("dibao_test_income")
    if r.flag("land_rule_applies"):
        base = _land_line(r, base, limit, income)
    _gap_line(r, base, limit, income)
    _property_line(r)
    _family_lines(r, base)


def _land_line(r: Reader, base: int, limit: float, income: float) -> int:
    used = r.use("dibao.land_rule.share", "dibao.land_rule.threshold")
    share, threshold = r.value("dibao.land_rule.share"), r.value("dibao.land_rule.threshold")
    words = f"人均耕地达到 {number(threshold)} 亩：标准按 {per_cent(share)} 计，土地收入不计；核定收入 {yuan(income)}"
    english = f"farmland per head reaches {number(threshold)} mu: {per_cent(share)} of the standard, land income left out, income {yuan(income)}"
    return r.line(Line("dibao_standard", "土地规则后的标准合计", words, english, limit, cites=[base], parameters=used))


def _gap_line(r: Reader, base: int, limit: float, income: float) -> None:
    mode = r.use(f"dibao.payment.mode.{r.residence}")
    bands = r.flag("dibao_pays_by_bands")
    county = divisions()[r.code]
    note = f"{county}按{'档' if bands else '补差方式'}发放"
    if r.flag("dibao_income_eligible"):
        words, english = f"{yuan(limit)} − {yuan(income)}，收入低于标准", f"{yuan(limit)} less {yuan(income)}: income is below the standard"
        used = mode + r.use(f"dibao.payment.floor_share.{r.residence}")
        if bands and not r.flag("dibao_bands_decided") and r.household("dibao_band_by_income") == 0:
            note += "；尚未确定档次，也无收入分档，暂按补差计算"
        value = r.household("dibao_gap") if r.flag("dibao_ordinary") else limit - income
        r.line(
            Line(
                "dibao_gap",
                "补差",
                words,
                english,
                value,
                cites=[base, r.income_line],
                note=note,
                parameters=used,
                reference="民发〔2021〕57号第二十三条",
            )
        )
    else:
        words = f"收入高于或等于标准 {yuan(income - limit)}，整户不补差"
        english = f"income is at or above the standard by {yuan(income - limit)}: no gap"
        r.line(
            Line(
                "dibao_gap",
                "补差",
                words,
                english,
                0.0,
                cites=[base, r.income_line],
                note=note,
                parameters=mode,
                reference="民发〔2021〕57号第二十三条",
            )
        )


def _property_line(r: Reader) -> None:
    names = ("financial_assets", "company_capital", "vehicles", "dwellings", "dwellings_without_area_test", "non_residential_property")
    used = r.use(*(f"marginal.{name}" for name in names), "property.dwelling_area_average")
    if not used:
        r.line(Line("property_eligible", "家庭财产", "此月尚无财产限额", "no limits on property yet in this month", None, verdict=True))
        return
    limit, members = r.household("financial_assets_limit"), r.household("members_count")
    multiple = r.value("marginal.financial_assets")
    compare = "低于" if r.household("financial_assets") < limit - 5e-7 else "不低于"
    words = (
        f"金融资产 {yuan(r.household('financial_assets'))}，{compare}上限 {yuan(limit)}（{number(members)} 人 × 年标准 × {number(multiple)}）；"
        f"认缴出资 {yuan(r.household('company_capital'))}；机动车辆 {number(r.household('vehicles'))}；"
        f"住房 {number(r.household('dwellings'))} 套；非居住用房 {number(r.household('non_residential_property'))}"
    )
    english = (
        f"financial assets {yuan(r.household('financial_assets'))}, limit {yuan(limit)}; company capital {yuan(r.household('company_capital'))}; "
        f"vehicles {number(r.household('vehicles'))}; dwellings {number(r.household('dwellings'))}"
    )
    verdict = r.flag("property_eligible")
    r.line(Line("property_eligible", "家庭财产", words, english, None, verdict=verdict, reference="豫民〔2021〕5号", parameters=used))


def _family_lines(r: Reader, base: int) -> None:
    income = r.household("household_income")
    marginal, single = r.household("marginal_income_limit"), r.household("single_person_income_limit")
    if np.isfinite(marginal):
        used = r.use("marginal.income_multiple")
        multiple = r.value("marginal.income_multiple")
        state = "低于" if r.household("household_income") < marginal - 5e-7 else "不低于"
        words = f"当地标准合计 × {number(multiple)}；家庭月收入 {yuan(income)} {state}此数"
        english = f"{number(multiple)} times the local standards; income {yuan(income)}"
        line = Line(
            "marginal_income_limit", "低保边缘线", words, english, marginal, cites=[base, r.income_line], reference="豫民〔2022〕4号", parameters=used
        )
        r.line(line)
    if np.isfinite(single) and r.persons("single_person_category").any() and not r.flag("dibao_eligible"):
        used = r.use("dibao.single_person.income_multiple")
        multiple = r.value("dibao.single_person.income_multiple")
        words, english = f"当地标准合计 × {number(multiple)}", f"{number(multiple)} times the local standards"
        reference = f"{NOTICE}，举措2.3"
        r.line(Line("single_person_income_limit", "单人户收入上限", words, english, single, cites=[base], reference=reference, parameters=used))
    if r.household("rigid_expenditure") > 0 and not r.flag("dibao_eligible") and not r.flag("marginal_family"):
        used = r.use("rigid_expenditure.share")
        share = r.value("rigid_expenditure.share")
        if np.isfinite(share):
            costs = yuan(r.household("rigid_expenditure"))
            words, english = f"扣减前收入 × {per_cent(share)}；刚性支出 {costs}", f"{per_cent(share)} of gross income; costs {costs}"
            value = r.household("rigid_expenditure_threshold")
            r.line(Line("rigid_expenditure_threshold", "刚性支出门槛", words, english, value, parameters=used))


# -- three: tekun ------------------------------------------------------------------------------------------------------------------
def tekun_lines(r: Reader) -> None:
    candidates = r.tekun_candidates()
    if not len(candidates) or not r.flag("tekun_rule_exists"):
        return
    r.section("tekun", "特困人员认定", "Extreme poverty support: conditions")
    grades = [f"tekun.disability_grade.{name}" for name in ("visual", "physical", "intellectual", "mental")]
    for member in candidates:
        age = int(r.persons("age")[member])
        used = r.use("tekun.age.old", "tekun.age.child", *grades)
        words, english = f"年满 {age} 周岁，按年龄、残疾或评估认定无劳动能力", f"aged {age}: no labour capacity by age, disability or assessment"
        where = int(member)
        first = r.line(
            Line("no_labour_capacity", "无劳动能力", words, english, None, member=where, verdict=True, parameters=used, reference="民发〔2021〕43号")
        )
        income, standard = float(r.persons("tekun_own_income")[member]), r.household("local_dibao_standard")
        words = f"本人收入 {yuan(income)}，当地低保标准 {yuan(standard)}；财产{'符合' if r.flag('property_eligible') else '不符合'}规定"
        english = f"own income {yuan(income)}, local standard {yuan(standard)}; property {'fits' if r.flag('property_eligible') else 'does not fit'}"
        verdict = bool(r.persons("no_source_of_living")[member])
        r.line(
            Line(
                "no_source_of_living", "无生活来源", words, english, None, member=where, verdict=verdict, cites=[first], reference="民发〔2021〕43号"
            )
        )
        words = ("无法定义务人", "法定义务人无履行能力", "法定义务人有履行能力")[int(r.persons("support_obligor")[member])]
        english = ("no obligor", "the obligor is unable", "the obligor is able")[int(r.persons("support_obligor")[member])]
        verdict = bool(r.persons("no_able_obligor")[member])
        r.line(
            Line("no_able_obligor", "法定义务人", words, english, None, member=where, verdict=verdict, cites=[first], reference="民发〔2021〕43号")
        )


# -- the boxes on top ------------------------------------------------------------
def figures(r: Reader, benefits: list[Benefit]) -> list[Figure]:
    """The boxes on top: dibao, marginal family, then each group of benefits that someone has, then the total."""

    def sum_of(*codes: str) -> float:
        return round(sum(benefit.amount or 0.0 for benefit in benefits if benefit.code in codes), 2)

    def who(*codes: str) -> str:
        return "，".join(dict.fromkeys(benefit.member_name for benefit in benefits if benefit.code in codes and benefit.amount))

    limit, income = r.household("dibao_income_limit"), r.household("dibao_test_income")
    if r.flag("dibao_eligible"):
        made = [Figure("dibao", "低保（整户）", r.household("dibao_amount"), None, "")]
    elif np.isnan(limit):
        made = [Figure("dibao", "低保（整户）", None, False, "此月尚无标准")]
    else:
        above = not r.flag("dibao_income_eligible")
        made = [Figure("dibao", "低保（整户）", None, False, f"高出标准 {yuan(income - limit)} 元" if above else "财产不符合规定")]
    line = r.household("marginal_income_limit")
    text = f"边缘线 {yuan(line)} 元" if np.isfinite(line) else "此月尚无规定"
    made.append(Figure("marginal_family", "低保边缘家庭", None, r.flag("marginal_family"), text))
    groups = (
        ("single_person_dibao", "低保（单人户）", ("single_person_dibao_amount",)),
        ("tekun", "特困供养", ("tekun_living_amount", "tekun_care_amount")),
        ("children", "儿童基本生活费", ("orphan_allowance", "unsupported_child_allowance")),
        ("disability", "残疾人两项补贴", ("disability_living_subsidy", "disability_nursing_subsidy")),
        ("price", "价格临时补贴", ("price_subsidy",)),
    )
    for code, label, codes in groups:
        if sum_of(*codes) > 0:
            made.append(Figure(code, label, sum_of(*codes), None, who(*codes)))
    made.append(Figure("total", "本月待遇合计", round(r.household("benefits_total"), 2), None, ""))
    return made
