"""The tables of `events` as the columns that departments hand in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import events
from .departments import SCHOOLS, Register, Writer, county_of, employers, joined, pick
from .economy import OUTSIDE_PLACES
from .identifiers import Digits, date_digits, digits_of, to_strings
from .records import Table
from .structure import Days
from .text import Column, date_text, money_text
from .world import ILLNESSES


def _dates_or_nothing(days: Days) -> Column:
    """ISO dates, empty where there is none."""
    missing = np.isnat(days)
    return pc.if_else(pa.array(missing), "", date_text(np.where(missing, np.datetime64("2000-01-01", "D"), days), "-"))


def _months(months: np.ndarray) -> Column:
    missing = np.isnat(months)
    filled = np.where(missing, np.datetime64("2000-01", "M"), months).astype("datetime64[D]")
    return pc.if_else(pa.array(missing), "", to_strings(date_digits(filled)[:, :6]))


def _residence_permits(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    outside = np.array(OUTSIDE_PLACES)[t["place"] % len(OUTSIDE_PLACES)]
    place = np.where(t["outside"], outside, r.counties[t["place"] % len(r.counties)])
    return {"居住地": pa.array(place), "居住事由": pick(events.STAYS, t["reason"]), "有效期至": _dates_or_nothing(t["valid_until"])}


def _marriages(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    known = t["spouse"] >= 0
    other = pc.if_else(pa.array(known), to_strings(r.number[np.where(known, t["spouse"], 0)]), "")
    return {"登记类型": pick(events.MARRIAGES, t["event"]), "对方身份证号": other}


def _serious_illness(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {"病种": pick(ILLNESSES, t["disease"] % len(ILLNESSES)), "确诊医院": joined(county_of(r, t), "人民医院")}


def _unemployment(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "状态": pick(events.WORK_STATUS, t["status"]), "失业原因": pick(events.WORK_REASONS, t["reason"]),
        "月失业保险金": pc.if_else(pa.array(t["benefit"] > 0), money_text(t["benefit"]), ""), "领取截止": _dates_or_nothing(t["benefit_until"]),
    }  # fmt: skip


def _tax(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "所属月份": _months(t["month"]),
        "所得项目": pick(events.INCOMES, t["kind"]),
        "收入额": money_text(t["income"]),
        "扣缴义务人": employers(r, t["payer"]),
    }


def _housing_fund(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "单位": employers(r, t["employer"]),
        "缴存月份": _months(t["month"]),
        "缴存基数": money_text(t["base"]),
        "账户余额": money_text(t["balance"]),
    }


def _bank_assets(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    authorised = joined("授", to_strings(digits_of(r.first_person + t["person"], 9)))
    return {
        "授权书编号": authorised, "机构": pick(events.INSTITUTIONS, t["institution"]), "资产类别": pick(events.ASSETS, t["kind"]),
        "余额": money_text(t["balance"]),
    }  # fmt: skip


def _monitoring_list(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "监测类别": pick(events.WATCHES, t["kind"]),
        "风险类型": pick(events.RISKS, t["risk"]),
        "风险消除日期": _dates_or_nothing(t["removed_on"]),
    }


def _disasters(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {"灾害种类": pick(events.DISASTERS, t["kind"]), "房屋受损": pick(events.DAMAGES, t["damage"]), "直接经济损失": money_text(t["loss"])}


def _detention(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {"类别": pick(events.ABSENCES, t["kind"]), "预计结束日期": _dates_or_nothing(t["until_on"])}


def _student_aid(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "学校": joined(county_of(r, t), pick(SCHOOLS, t["school"]), "学校"), "资助项目": pick(events.AIDS, t["kind"]),
        "困难等级": pick(events.LEVELS, t["level"]), "发放月份": _months(t["month"]), "资助金额": money_text(t["amount"]),
    }  # fmt: skip


def _assistance_elsewhere(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {
        "救助项目": pick(events.PROGRAMMES, t["programme"]), "保障地": pa.array(r.counties[t["place"]]), "起始月份": _months(t["starts"]),
        "停发月份": _months(t["ends"]), "月金额": money_text(t["amount"]),
    }  # fmt: skip


EVENT_WRITERS: dict[str, Writer] = {
    "residence_permits": (_residence_permits, "registered_on", "登记日期"),
    "marriages": (_marriages, "registered_on", "登记日期"),
    "serious_illness": (_serious_illness, "diagnosed_on", "确诊日期"),
    "unemployment": (_unemployment, "registered_on", "失业登记日期"),
    "tax": (_tax, "", ""),
    "housing_fund": (_housing_fund, "", ""),
    "bank_assets": (_bank_assets, "checked_on", "查询日期"),
    "monitoring_list": (_monitoring_list, "identified_on", "识别日期"),
    "disasters": (_disasters, "happened_on", "发生日期"),
    "detention": (_detention, "from_on", "起始日期"),
    "student_aid": (_student_aid, "", ""),
    "assistance_elsewhere": (_assistance_elsewhere, "", ""),
}
