"""Why not: for each benefit that is not given, the reason and the nearest threshold."""

from __future__ import annotations

import numpy as np

from doudi.batch.law.explanation import Refusal
from doudi.batch.law.reader import Reader, fen_below, number, per_cent, yuan
from openfisca_henan.places import divisions
from openfisca_henan.rules import month_before, price_linkage

NOT_APPLICABLE = ("不适用", "not applicable")


def refusals(r: Reader) -> list[Refusal]:
    """One entry for each benefit that the household, or a member who comes near it, does not have."""
    made = [_dibao(r), _marginal(r), _rigid(r), _gradual_exit(r), *_single(r), *_tekun(r), *_children(r), *_disability(r), _price(r)]
    return [refusal for refusal in made if refusal is not None]


def _none_in_month(code: str, label: str, first: str = "") -> Refusal:
    words = f"此月尚无该项规定{'（' + first + '）' if first else ''}"
    return Refusal(code, label, words, "the rule does not exist yet in this month", *NOT_APPLICABLE, applicable=False)


def _first(r: Reader, name: str) -> str:
    """When a parameter first has a row for this county: the day on which the rule began."""
    areas = (r.code, r.code[:4], r.code[:2])
    starts = [row.start for row in r.table.rows if row.parameter == name and row.area in areas and row.value is not None]
    return f"自 {min(starts)} 起有标准" if starts else ""


def property_reasons(r: Reader) -> tuple[str, str]:
    """What of the property does not fit, and what would."""
    reasons, changes = [], []
    assets, limit = r.household("financial_assets"), r.household("financial_assets_limit")
    if np.round(assets, 6) >= np.round(limit, 6):
        reasons.append(f"金融资产 {yuan(assets)} 元不低于上限 {yuan(limit)} 元")
        changes.append(f"金融资产再减少 {yuan(fen_below(assets, limit))} 元")
    capital = r.table.province("marginal.company_capital", r.day)
    if r.household("company_capital") >= capital:
        reasons.append(f"认缴出资 {yuan(r.household('company_capital'))} 元不低于 {yuan(capital)} 元")
        changes.append(f"认缴出资低于 {yuan(capital)} 元")
    for name, label in (("vehicles", "机动车辆"), ("non_residential_property", "非居住用房")):
        most = r.table.province(f"marginal.{name}", r.day)
        if r.household(name) > most:
            reasons.append(f"{label} {number(r.household(name))}，超过 {number(most)}")
            changes.append(f"{label}不超过 {number(most)}")
    if not r.flag("dwellings_fit"):
        average = r.value("property.dwelling_area_average")
        reasons.append(f"住房 {number(r.household('dwellings'))} 套，人均 {number(r.household('dwelling_area_per_head'))} 平方米")
        changes.append(f"住房不超过两套且人均面积不高于 {number(average)} 平方米" if np.isfinite(average) else "住房不超过两套")
    return "；".join(reasons), "；".join(changes)


def _dibao(r: Reader) -> Refusal | None:
    code, label = "dibao_amount", "最低生活保障（整户）"
    if r.flag("dibao_eligible"):
        return None
    limit, income = r.household("dibao_income_limit"), r.household("dibao_test_income")
    if np.isnan(limit):
        return _none_in_month(code, label, _first(r, f"dibao.standard.{r.residence}"))
    if r.household("dibao_members") == 0:
        return Refusal(code, label, "全部成员为特困人员", "all members are tekun", *NOT_APPLICABLE, applicable=False)
    if r.flag("dibao_income_eligible"):
        reason, change = property_reasons(r)
        return Refusal(code, label, f"收入符合，财产不符合：{reason}", "income fits, property does not", change, "property within the limits")
    less = fen_below(income, limit)
    reason = f"家庭月收入 {yuan(income)} 元，不低于标准合计 {yuan(limit)} 元"
    change = f"月收入再减少 {yuan(less)} 元即符合"
    if not r.flag("property_eligible"):
        other, other_change = property_reasons(r)
        reason, change = f"{reason}；{other}", f"月收入再减少 {yuan(less)} 元，且{other_change}"
    english = f"income {yuan(income)} is not below the standards {yuan(limit)}"
    return Refusal(code, label, reason, english, change, f"{yuan(less)} less income a month", short_by=less)


def _marginal(r: Reader) -> Refusal | None:
    code, label = "marginal_family", "低保边缘家庭"
    if r.flag("marginal_family"):
        return None
    limit, income = r.household("marginal_income_limit"), r.household("household_income")
    if np.isnan(limit):
        return _none_in_month(code, label, _first(r, "marginal.income_multiple"))
    if r.flag("dibao_eligible"):
        return Refusal(code, label, "已享受低保，不重复认定", "on dibao", *NOT_APPLICABLE, applicable=False)
    if not r.flag("property_eligible"):
        reason, change = property_reasons(r)
        return Refusal(code, label, f"财产不符合：{reason}", "property does not fit", change, "property within the limits")
    less = fen_below(income, limit)
    reason = f"家庭月收入 {yuan(income)} 元，不低于边缘线 {yuan(limit)} 元"
    english = f"income {yuan(income)} is not below {yuan(limit)}"
    return Refusal(code, label, reason, english, f"月收入再减少 {yuan(less)} 元即符合", f"{yuan(less)} less income a month", short_by=less)


def _rigid(r: Reader) -> Refusal | None:
    code, label = "rigid_expenditure_family", "刚性支出困难家庭"
    if r.flag("rigid_expenditure_family"):
        return None
    if r.flag("dibao_eligible") or r.flag("marginal_family"):
        own = "低保" if r.flag("dibao_eligible") else "低保边缘家庭"
        return Refusal(code, label, f"已属{own}，不重复认定", "on dibao or a marginal family", *NOT_APPLICABLE, applicable=False)
    threshold, costs = r.household("rigid_expenditure_threshold"), r.household("rigid_expenditure")
    limit, gross = r.household("disposable_income_limit"), r.household("gross_household_income")
    if np.isnan(threshold):
        return _none_in_month(code, label, _first(r, "rigid_expenditure.share"))
    if np.isnan(limit):
        year = int(r.month[:4]) - 1
        reason, english = f"{year}年人均可支配收入尚未录入", f"the disposable income of {year} is not known"
        return Refusal(code, label, reason, english, "录入后重新测算", "enter the figure", pending=True)
    if np.round(gross, 6) >= np.round(limit, 6):
        less = fen_below(gross, limit)
        reason = f"扣减前收入 {yuan(gross)} 元，不低于上年度人均可支配收入合计 {yuan(limit)} 元"
        english = f"gross income {yuan(gross)} is not below {yuan(limit)}"
        return Refusal(code, label, reason, english, f"月收入再减少 {yuan(less)} 元", f"{yuan(less)} less income a month", short_by=less)
    if not r.flag("property_eligible"):
        reason, change = property_reasons(r)
        return Refusal(code, label, f"财产不符合：{reason}", "property does not fit", change, "property within the limits")
    share = r.value("rigid_expenditure.share")
    more = max(threshold - costs, 0.01)
    reason = f"刚性支出 {yuan(costs)} 元，未达到收入的 {per_cent(share)}（{yuan(threshold)} 元）"
    english = f"costs {yuan(costs)} do not reach {yuan(threshold)}"
    return Refusal(code, label, reason, english, f"必要支出再增加 {yuan(more)} 元即达到", f"{yuan(more)} more costs a month", short_by=more)


def _gradual_exit(r: Reader) -> Refusal | None:
    code, label = "gradual_exit", "渐退期"
    if r.flag("dibao_continues"):
        return None
    if not r.flag("was_on_dibao"):
        return Refusal(code, label, "上月未享受低保", "not on dibao in the month before", *NOT_APPLICABLE, applicable=False)
    if r.flag("dibao_ordinary"):
        return Refusal(code, label, "仍符合低保条件", "still eligible", *NOT_APPLICABLE, applicable=False)
    limit, paid = r.household("gradual_exit_limit_months"), r.household("gradual_exit_months")
    if limit == 0:
        return _none_in_month(code, label, _first(r, "dibao.gradual_exit_months"))
    if r.flag("dibao_income_eligible") or not r.flag("property_eligible"):
        reason, change = property_reasons(r)
        return Refusal(code, label, f"财产不符合：{reason}", "property does not fit", change, "property within the limits")
    if not r.flag("income_rise_from_work"):
        reason, english = "收入超过标准不是因为就业", "income did not pass the standard because of work"
        return Refusal(code, label, reason, english, "核实收入增加原因", "check the reason of the rise")
    reason, english = f"已享受 {number(paid)} 个月，达到上限 {number(limit)} 个月", f"{number(paid)} months paid of {number(limit)}"
    return Refusal(code, label, reason, english, *NOT_APPLICABLE)


def _single(r: Reader) -> list[Refusal]:
    code, label = "single_person_dibao_amount", "低保（单人户）"
    if r.persons("single_person_dibao_eligible").any():
        return []
    if r.flag("dibao_eligible"):
        return [Refusal(code, label, "已整户享受低保", "the household is on dibao", *NOT_APPLICABLE, applicable=False)]
    limit, income = r.household("single_person_income_limit"), r.household("household_income")
    if np.isnan(limit):
        return [_none_in_month(code, label, _first(r, "dibao.single_person.income_multiple"))]
    near = np.flatnonzero(r.persons("single_person_category") & r.persons("counts_in_dibao_household"))
    if not len(near):
        reason = "没有重度残疾人、三级智力或精神残疾人、重病患者或县级认定的特殊困难人员"
        english = "nobody is severely disabled, seriously ill or in special difficulty"
        return [Refusal(code, label, reason, english, "有成员取得相应认定后重新测算", "a member is confirmed as such")]
    made = []
    for member in near:
        if not r.flag("property_eligible"):
            reason, change = property_reasons(r)
            refusal = Refusal(code, label, f"财产不符合：{reason}", "property does not fit", change, "property within the limits")
        else:
            less = fen_below(income, limit)
            reason = f"家庭月收入 {yuan(income)} 元，不低于上限 {yuan(limit)} 元"
            english = f"income {yuan(income)} is not below {yuan(limit)}"
            refusal = Refusal(code, label, reason, english, f"月收入再减少 {yuan(less)} 元即符合", f"{yuan(less)} less income a month", short_by=less)
        refusal.member, refusal.member_name = int(member), r.names[member]
        made.append(refusal)
    return made


def _tekun(r: Reader) -> list[Refusal]:
    code, label = "tekun", "特困人员救助供养"
    if not r.flag("tekun_rule_exists"):
        return [_none_in_month(code, label, _first(r, "tekun.living_multiple"))]
    without = [member for member in r.tekun_candidates() if not r.persons("tekun_eligible")[member]]
    if not len(without):
        if r.persons("tekun_eligible").any():
            return []
        old = r.table.province("tekun.age.old", r.day)
        reason, english = "没有成员属于无劳动能力且无人赡养、抚养、扶养", "nobody is without labour capacity and support"
        return [Refusal(code, label, reason, english, f"年满 {number(old)} 周岁、未满16周岁或相应残疾等级", "by age or disability")]
    made = []
    for member in without:
        reasons, changes, short = [], [], None
        if r.persons("takes_child_allowance")[member]:
            reasons.append("已选择儿童基本生活费")
            changes.append("改为选择特困供养")
        if not r.persons("no_able_obligor")[member]:
            reasons.append("属无劳动能力，但法定义务人有履行能力")
            changes.append("义务人认定为无履行能力后可重新测算")
        income, standard = float(r.persons("tekun_own_income")[member]), r.household("local_dibao_standard")
        if np.round(income, 6) >= np.round(standard, 6):
            short = fen_below(income, standard)
            reasons.append(f"本人收入 {yuan(income)} 元，不低于低保标准 {yuan(standard)} 元")
            changes.append(f"本人月收入再减少 {yuan(short)} 元")
        if not r.flag("property_eligible"):
            reason, change = property_reasons(r)
            reasons.append(f"财产不符合：{reason}")
            changes.append(change)
        english = "no labour capacity, but not all conditions hold"
        refusal = Refusal(code, label, "；".join(reasons), english, "；".join(changes), "all conditions together", short_by=short)
        refusal.member, refusal.member_name = int(member), r.names[member]
        made.append(refusal)
    return made


def _children(r: Reader) -> list[Refusal]:
    code, label = "child_allowance", "孤儿、事实无人抚养儿童基本生活费"
    if (r.persons("child_allowance_as_income") > 0).any():
        return []
    group = r.persons("orphan") | r.persons("de_facto_unsupported_child") | r.persons("child_with_hiv")
    if not group.any():
        reason, english = "没有孤儿、事实无人抚养儿童或感染儿童", "no such child"
        return [Refusal(code, label, reason, english, *NOT_APPLICABLE, applicable=False)]
    made = []
    for member in np.flatnonzero(group):
        if r.persons("child_allowance_standard")[member] <= 0:
            refusal = _none_in_month(code, label, _first(r, f"children.dispersed.{r.residence}"))
        elif r.persons("tekun_eligible")[member]:
            refusal = Refusal(code, label, "选择了特困供养", "chose tekun", "改为选择儿童基本生活费", "choose the children's allowance")
        else:
            reason, english = f"已满 {int(r.persons('age')[member])} 周岁且不在校", "18 or older and not in school"
            refusal = Refusal(code, label, reason, english, *NOT_APPLICABLE)
        refusal.member, refusal.member_name = int(member), r.names[member]
        made.append(refusal)
    return made


def _disability(r: Reader) -> list[Refusal]:
    living, nursing = ("disability_living_subsidy", "困难残疾人生活补贴"), ("disability_nursing_subsidy", "重度残疾人护理补贴")
    grade = r.persons("disability_grade")
    if not (grade > 0).any():
        return [Refusal(code, label, "没有残疾成员", "nobody is disabled", *NOT_APPLICABLE, applicable=False) for code, label in (living, nursing)]
    made = []
    for member in np.flatnonzero(grade > 0):
        found = []
        if r.persons(living[0])[member] <= 0:
            found.append(_living(r, int(member), *living))
        if r.persons(nursing[0])[member] <= 0:
            found.append(_nursing(r, int(member), *nursing))
        for refusal in found:
            refusal.member, refusal.member_name = int(member), r.names[member]
        made += found
    return made


def _living(r: Reader, member: int, code: str, label: str) -> Refusal:
    if r.household("disability_living_standard") <= 0:
        return _none_in_month(code, label, _first(r, "disability.living"))
    if r.persons("on_tekun")[member]:
        return Refusal(code, label, "特困人员不享受", "tekun people do not get it", *NOT_APPLICABLE, applicable=False)
    if r.persons("excluded_from_living_subsidy")[member]:
        return Refusal(code, label, "领取孤儿基本生活费的不享受", "orphans do not get it", *NOT_APPLICABLE, applicable=False)
    if r.flag("living_subsidy_covers_marginal"):
        reason, english = "本人不是低保对象，也不是低保边缘家庭成员", "neither on dibao nor in a marginal family"
        return Refusal(code, label, reason, english, "纳入低保或认定为低保边缘家庭后享受", "once on dibao or marginal")
    return Refusal(code, label, "本人不是低保对象", "not on dibao", "纳入低保（整户或单人户）后享受", "once on dibao, with the household or alone")


def _nursing(r: Reader, member: int, code: str, label: str) -> Refusal:
    if r.household("disability_nursing_standard") <= 0:
        return _none_in_month(code, label, _first(r, "disability.nursing"))
    grade, most = int(r.persons("disability_grade")[member]), r.table.province("disability.nursing_grade", r.day)
    if r.persons("on_tekun")[member]:
        return Refusal(code, label, "特困人员不享受", "tekun people do not get it", *NOT_APPLICABLE, applicable=False)
    if r.persons("work_injury_nursing")[member]:
        return Refusal(code, label, "已领取工伤生活护理费", "has work-injury nursing pay", "停止领取后可申请", "once that pay ends")
    if grade > most:
        reason, english = f"残疾{grade}级，须为{number(most)}级及以上", f"grade {grade}; grade {number(most)} or higher is needed"
        return Refusal(code, label, reason, english, "残疾等级重新评定后重新测算", "a new grade")
    return Refusal(code, label, "不需要长期照护", "does not need care for long", "评定为需要长期照护后享受", "once care is needed")


def _price(r: Reader) -> Refusal | None:
    code, label = "price_subsidy", "价格临时补贴"
    if (r.persons("price_subsidy") > 0).any():
        return None
    linkage = price_linkage(r.table, r.day)
    at, index, city = r.county, month_before(r.day)[:7], divisions().get(r.code[:4], "")
    if r.code.startswith("4190"):
        city = divisions()[r.code]
    triggers = f"CPI 同比达到 {number(float(linkage.cpi_trigger[at]))}% 或食品达到 {number(float(linkage.food_trigger[at]))}% 即启动"
    english = f"CPI {number(float(linkage.cpi_trigger[at]))} or food {number(float(linkage.food_trigger[at]))} per cent"
    covered = int((r.persons("price_subsidy_base") > 0).sum())
    change = f"{triggers}；届时本户 {covered} 人可享受" if covered else f"{triggers}；本户没有在保障范围内的成员"
    if linkage.started[at]:
        if not covered:
            reason = "已启动，但本户没有在保障范围内的成员"
            return Refusal(code, label, reason, "started, but nobody is covered", "纳入低保等保障范围后享受", "once covered")
        if np.isnan(linkage.rise[at]):
            reason = f"已启动，{city} {index} 低收入居民价格指数尚未录入"
            return Refusal(code, label, reason, "started; the index is not known yet", "录入后计算金额", "enter the index", pending=True)
        return Refusal(code, label, "按涨幅计算的金额为零", "the amount is zero", *NOT_APPLICABLE)
    if not r.flag("price_linkage_known"):
        reason = f"{city} {index} 价格指数尚未录入"
        return Refusal(code, label, reason, "the index is not known yet", change, english, pending=True)
    reason = f"{city} {index} CPI 同比 {number(float(linkage.cpi[at]))}%、食品 {number(float(linkage.food[at]))}%，未达到启动条件"
    return Refusal(code, label, reason, "the start condition is not reached", change, english)
