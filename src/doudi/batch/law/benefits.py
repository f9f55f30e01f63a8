"""Lines of the explanation for the benefits of the month: amount, rule, rows used."""

from __future__ import annotations

import numpy as np

from doudi.batch.law.explanation import Benefit, Line
from doudi.batch.law.reader import Reader, number, yuan
from openfisca_henan.rules import LEVELS, PRICE_SOURCES, month_before, price_linkage, tekun_care, tekun_living

NOTICE = "河南省人民政府办公厅通知（2022-11-23）"
LEVEL_NAMES = dict(zip(LEVELS, ("全自理", "部分丧失自理能力", "完全丧失自理能力"), strict=True))
SOURCE_NAMES = dict(
    zip(
        PRICE_SOURCES,
        ("", "低收入居民价格指数", "居民消费价格指数", "食品价格指数", "全省低收入居民价格指数", "全省居民消费价格指数", "全省食品价格指数"),
        strict=True,
    )
)


#: The lines that a benefit follows from, by code.
FROM = {
    "dibao_amount": ("dibao_income_limit", "household_income", "dibao_gap", "property_eligible"),
    "single_person_dibao_amount": ("household_income", "single_person_income_limit", "property_eligible"),
    "tekun_living_amount": ("no_labour_capacity", "no_source_of_living", "no_able_obligor"),
    "tekun_care_amount": ("tekun_living_amount",),
    "disability_living_subsidy": ("dibao_amount", "single_person_dibao_amount"),
    "price_subsidy": ("dibao_amount", "single_person_dibao_amount", "tekun_living_amount", "orphan_allowance", "unsupported_child_allowance"),
}


def benefit_lines(r: Reader) -> list[Benefit]:
    r.section("benefits", "待遇金额（元/月）", "Benefits (yuan a month)")
    benefits: list[Benefit] = []
    if r.flag("dibao_eligible"):
        benefits.append(_dibao(r))
    for code, label, describe in PERSON_BENEFITS:
        amounts = r.persons(code)
        for member in np.flatnonzero(amounts > 0):
            words, english, reference, used, note = describe(r, int(member))
            amount = float(amounts[member])
            cites = r.cite(*FROM.get(code, ()), member=int(member))
            line = Line(code, label, words, english, amount, member=int(member), note=note, reference=reference, cites=cites, parameters=used)
            benefits.append(Benefit(code, label, amount, int(member), r.names[member], r.line(line), words))
    for code, label in (("marginal_family", "低保边缘家庭"), ("rigid_expenditure_family", "刚性支出困难家庭")):
        if r.flag(code):
            benefits.append(Benefit(code, label, None))
    cites = [benefit.line for benefit in benefits if benefit.line is not None]
    words, english = "以上待遇相加", "the benefits above added up"
    r.line(Line("benefits_total", "本月待遇合计", words, english, round(r.household("benefits_total"), 2), subtotal=True, cites=cites))
    return benefits


def _dibao(r: Reader) -> Benefit:
    amount, reference = r.household("dibao_amount"), "民发〔2021〕57号第二十三条"
    used: list[int] = r.use(f"dibao.payment.mode.{r.residence}", f"dibao.payment.rounding.{r.residence}")
    if r.flag("dibao_ordinary"):
        band = int(r.household("dibao_band_by_income"))
        if r.flag("dibao_bands_decided") or band:
            bands = r.persons("dibao_band") if r.flag("dibao_bands_decided") else np.full(len(r.names), band)
            counts = r.persons("counts_in_dibao_household")
            pieces = [f"{r.names[m]}第{bands[m]}档 {yuan(r.persons('dibao_band_amount')[m])}" for m in np.flatnonzero(counts)]
            words, english = "按档发放：" + "，".join(pieces), "by bands, the sum of the members' bands"
            for level in sorted({int(bands[m]) for m in np.flatnonzero(counts)}):
                used += r.use(f"dibao.payment.band.{r.residence}.band_{level}")
        else:
            words, english = "按补差发放", "the gap"
        uplift = float(r.persons("dibao_uplift").sum())
        if uplift > 0:
            words, english = f"{words}，另加分类施保增发 {yuan(uplift)}", f"{english}, with an uplift of {yuan(uplift)}"
            used += r.use(*(f"dibao.uplift.{name}" for name in ("old", "minor", "severely_disabled", "seriously_ill")))
    else:
        before, then = r.household("previous_dibao_amount"), r.household("previous_dibao_members")
        if r.flag("dibao_exit_is_suspended"):
            why, why_en, reference = "暂停退出期间继续保障", "exits are suspended", f"{NOTICE}，举措2.6"
        else:
            limit, paid = r.household("gradual_exit_limit_months"), r.household("gradual_exit_months")
            why, why_en = (
                f"渐退期第 {number(paid + 1)} 个月（最多 {number(limit)} 个月）",
                f"month {number(paid + 1)} of gradual exit, at most {number(limit)}",
            )
            reference = f"{NOTICE}，举措2.5"
            used += r.use("dibao.gradual_exit_months", "dibao.gradual_exit.share")
        words = f"{why}：此前金额 {yuan(before)}，人口由 {number(then)} 人变为 {number(r.household('dibao_members'))} 人（人口增加不增发）"
        english = f"{why_en}: the last amount {yuan(before)}, less for members who left"
    line = r.line(
        Line("dibao_amount", "低保金（整户）", words, english, amount, reference=reference, cites=r.cite(*FROM["dibao_amount"]), parameters=used)
    )
    return Benefit("dibao_amount", "低保金（整户）", amount, None, "", line, words)


Described = tuple[str, str, str, list[int], str]


def _single(r: Reader, member: int) -> Described:
    used = r.use_row_of_alternatives(("dibao.single_person.amount_share", "dibao.single_person.gap", "dibao.single_person.amount"))
    name = r.parameters[used[0]].name if used else ""
    value = number(float(r.parameters[used[0]].value or 0)) if used else ""
    words = {
        "dibao.single_person.amount_share": f"符合单独纳入条件；按当地保障标准的 {value} 倍",
        "dibao.single_person.gap": "符合单独纳入条件；按标准减本人收入",
        "dibao.single_person.amount": f"符合单独纳入条件；按固定金额 {value}",
    }.get(name, "符合单独纳入条件")
    return words, "severely disabled, seriously ill or in special difficulty: dibao alone", f"{NOTICE}，举措2.3", used, ""


def _living_tekun(r: Reader, member: int) -> Described:
    urban, rural = tekun_living(r.table, r.day)
    derived = urban if r.residence == "urban" else rural
    used = [r.use_row(int(derived.row[r.county]))]
    row = r.parameters[used[0]]
    words = f"当地低保标准 × {row.value}" if row.name == "tekun.living_multiple" else "当地公布的金额"
    used += r.use(f"dibao.standard.{r.residence}") if row.name == "tekun.living_multiple" else []
    note = "全省规定较新且较高，按全省规定" if derived.lifted[r.county] else ""
    return words, "the local dibao standard times the multiple, or the place's amount", "民发〔2021〕43号", used, note


def _care_tekun(r: Reader, member: int) -> Described:
    level = int(r.persons("self_care_level")[member])
    derived = tekun_care(r.table, r.day)[level]
    used = [r.use_row(int(derived.row[r.county]))]
    row = r.parameters[used[0]]
    words = f"{LEVEL_NAMES[LEVELS[level]]}："
    if ".share." in row.name:
        words += f"当地月最低工资 × {row.value}"
        used += r.use("minimum_wage.class_by_county", "tekun.care.wage_lag")
    else:
        words += "当地公布的金额" if ".amount." in row.name else "同当地重度残疾人护理补贴"
    note = "全省规定较新且较高，按全省规定" if derived.lifted[r.county] else ""
    return words, f"self-care: {LEVELS[level]}", "豫民〔2021〕7号", used, note


def _child(r: Reader, member: int) -> Described:
    institution = bool(r.persons("in_institution")[member])
    used = r.use("children.institution" if institution else f"children.dispersed.{r.residence}")
    return ("机构养育" if institution else "社会散居") + "儿童基本生活费标准", "the place's amount", "河南省财政厅 2022-06-08", used, r.where(used)


def _living(r: Reader, member: int) -> Described:
    used = r.use("disability.living")
    words, english = "享受低保的残疾人，按当地标准", "a disabled person on dibao"
    if not r.persons("on_dibao")[member]:
        used += r.use("disability.living_marginal")
        words, english = "低保边缘家庭的残疾人，当地已扩大范围，按当地标准", "a disabled person of a marginal family, where the county widened it"
    return words, english, "豫政〔2016〕60号；举措4.5", used, r.where(used)


def _nursing(r: Reader, member: int) -> Described:
    used = r.use("disability.nursing", "disability.nursing_grade")
    grade = int(r.persons("disability_grade")[member])
    return f"残疾{grade}级，需要长期照护，按当地标准", f"grade {grade}, needs care for long", "豫政〔2016〕60号；举措4.5", used, r.where(used)


def _price(r: Reader, member: int) -> Described:
    linkage = price_linkage(r.table, r.day)
    index = month_before(r.day)
    names = [f"prices.{name}" for name in ("cpi", "food", "scpi")]
    used = r.use(*names, on=index) + r.use("price_linkage.trigger.cpi", "price_linkage.trigger.food", on=index)
    used += r.use("price_linkage.amount.index", "price_linkage.amount.no_scpi", "price_linkage.amount.multiplier", on=index)
    used += r.use("price_linkage.amount.rounding", "price_linkage.amount.floor", f"dibao.standard.{r.residence}")
    base, rise = float(r.persons("price_subsidy_base")[member]), float(linkage.rise[r.county])
    source = int(linkage.source[r.county])
    words = f"低保标准 {yuan(base)} × {index[:7]} {SOURCE_NAMES[PRICE_SOURCES[source]]}同比涨幅 {number(rise)}%"
    rounding = int(np.nan_to_num(r.value("price_linkage.amount.rounding")))
    words += "，" + ("四舍五入到分", "四舍五入到元", "角以下进位")[rounding]
    times = r.household("price_multiplier")
    words += f"，再乘以 {number(times)}" if times != 1 else ""
    fell_back = not PRICE_SOURCES[source].endswith("scpi") and np.isnan(linkage.scpi[r.county])
    note = "无低收入居民价格指数，按启动指数计算" if fell_back else ""
    english = f"standard {yuan(base)} times the rise of the {PRICE_SOURCES[source]} of {index[:7]}, {number(rise)} per cent; times {number(times)}"
    return words, english, "发改价格〔2021〕1553号；举措3.3", used, note


PERSON_BENEFITS = (
    ("single_person_dibao_amount", "低保（单人户）", _single),
    ("tekun_living_amount", "特困基本生活费", _living_tekun),
    ("tekun_care_amount", "特困照料护理费", _care_tekun),
    ("orphan_allowance", "孤儿基本生活费", _child),
    ("unsupported_child_allowance", "事实无人抚养儿童基本生活补贴", _child),
    ("disability_living_subsidy", "困难残疾人生活补贴", _living),
    ("disability_nursing_subsidy", "重度残疾人护理补贴", _nursing),
    ("price_subsidy", "价格临时补贴", _price),
)
