"""Code lists of volunteers and organisations: skills, kinds of service, abilities, times of the week. Needs ask in the same codes (`needs.kinds`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.needs import kinds

Codes = Mapping[str, str | Promise]

# What somebody can do (服务技能): what needs ask for, and what activities need beside it.
SKILLS: dict[str, str | Promise] = {**kinds.SKILLS, "teaching": _("辅导教学"), "legal": _("法律"), "computing": _("信息技术"), "first_aid": _("急救")}

# Kinds of service (服务类别): those of needs, and those of activities.
SERVICES: dict[str, str | Promise] = {
    **{code: kind.label for code, kind in kinds.KINDS.items()},
    "order": _("秩序维护"), "health": _("卫生健康、消杀"), "teaching": _("助学支教"), "children": _("关爱儿童"), "environment": _("环境整治"), "rescue": _("应急救援"),
}  # fmt: skip

# What an organisation can take on (服务能力): every kind of service, and what takes more than people.
ABILITIES: dict[str, str | Promise] = {
    **SERVICES, "transport": _("车辆运输"), "storage": _("物资仓储"), "fundraising": _("募集款物"), "training": _("志愿者培训"), "assessment": _("入户评估"),
}  # fmt: skip

DAYS: dict[str, str | Promise] = {"1": _("周一"), "2": _("周二"), "3": _("周三"), "4": _("周四"), "5": _("周五"), "6": _("周六"), "7": _("周日")}
PARTS: dict[str, str | Promise] = {"m": _("上午"), "a": _("下午"), "e": _("晚上")}
# Times of the week (可服务时间): ISO weekday and part of the day, `6m` is Saturday morning. Mornings end at noon, afternoons at six.
TIMES: list[str] = [day + part for day in DAYS for part in PARTS]

# GB/T 4762 political status (政治面貌), as the volunteer system asks for it
POLITICAL: dict[str, str | Promise] = {
    "01": _("中共党员"), "02": _("中共预备党员"), "03": _("共青团员"), "04": _("民革会员"), "05": _("民盟盟员"), "06": _("民建会员"), "07": _("民进会员"),
    "08": _("农工党党员"), "09": _("致公党党员"), "10": _("九三学社社员"), "11": _("台盟盟员"), "12": _("无党派人士"), "13": _("群众"),
}  # fmt: skip
# GB/T 4658 education (文化程度)
EDUCATION: dict[str, str | Promise] = {
    "10": _("研究生"), "20": _("大学本科"), "30": _("大学专科"), "40": _("中等职业"), "60": _("高中"), "70": _("初中"), "80": _("小学"), "90": _("其他"),
}  # fmt: skip
EMPLOYMENT: dict[str, str | Promise] = {
    "student": _("学生"), "employed": _("在职"), "flexible": _("灵活就业"), "farming": _("务农"), "unemployed": _("待业"), "retired": _("退休"), "other": _("其他"),
}  # fmt: skip


def words(codes: Iterable[str], known: Codes) -> str:
    """Labels of codes in the list's own order; codes that are no longer known are left out."""
    given = set(codes)
    return "、".join(gettext(str(label)) if not isinstance(label, str) else label for code, label in known.items() if code in given)


def time_word(code: str) -> str:
    """6m: 周六上午."""
    return gettext("%(day)s%(part)s") % {"day": DAYS[code[0]], "part": PARTS[code[1]]}


def time_words(codes: Iterable[str]) -> str:
    """周六上午、下午；周日上午."""
    given = set(codes)
    days = []
    for day, label in DAYS.items():
        parts = [str(PARTS[part]) for part in PARTS if day + part in given]
        if parts:
            days.append(gettext("%(day)s%(part)s") % {"day": label, "part": gettext("全天") if len(parts) == len(PARTS) else "、".join(parts)})
    return "；".join(days)


CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def credit_code(text: str) -> str:
    """A unified social credit code (统一社会信用代码, GB 32100-2015) in its plain form. Raises ValueError with the reason."""
    code = "".join(text.split()).upper()
    if len(code) != 18:
        raise ValueError(gettext("统一社会信用代码为 %(given)d 位，应为 18 位") % {"given": len(code)})
    if any(sign not in CREDIT_SIGNS for sign in code):
        raise ValueError(gettext("统一社会信用代码含有不允许的字符，只能是数字和大写字母（不含 I、O、S、V、Z）"))
    if code[17] != (right := credit_check(code[:17])):
        raise ValueError(gettext("统一社会信用代码校验位不正确，应为 %(right)s") % {"right": right})
    return code


def credit_check(first17: str) -> str:
    """Check character of the first 17."""
    total = sum(CREDIT_SIGNS.index(sign) * weight for sign, weight in zip(first17, CREDIT_WEIGHTS, strict=True))
    return CREDIT_SIGNS[-total % 31]
