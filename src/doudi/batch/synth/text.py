"""Department tables as the text that departments hand in: Chinese words, dates and amounts in mixed shapes, and mistakes.

Works on whole columns; only the rows chosen for a mistake are touched one by one (about two in a hundred).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .identifiers import Digits, date_digits, digits_of, to_15, to_strings
from .names import OUTSIDE_GBK
from .slips import SLIP_ELSEWHERE, SLIP_OF_NAME, TOLD_BY, TOLD_HEADERS, Told, at_rows, mistyped, tell
from .structure import Days, Ints

Column: TypeAlias = pa.Array
"""A text column; Arrow's functions also give chunked ones, which `_replace` and the sheets flatten."""

HEADERS: dict[str, tuple[str, ...]] = {
    "disability": ("姓名", "身份证号", "残疾证号", "残疾类别", "残疾等级", "发证日期"),
    "medical": ("姓名", "身份证号", "结算日期", "总费用", "个人负担", "大病标志", "病种"),
    "wages": ("姓名", "身份证号", "单位", "月份", "应发工资", "参保地"),
    "pensions": ("姓名", "身份证号", "养老类别", "月份", "金额"),
    "deaths": ("姓名", "身份证号", "死亡日期", "死亡原因"),
    "moves": ("姓名", "身份证号", "户号", "与户主关系", "迁出地", "迁入地", "迁移日期"),
    "housing": ("姓名", "身份证号", "产权证号", "建筑面积", "用途", "登记日期"),
    "vehicles": ("姓名", "身份证号", "车牌号", "车辆类型", "登记日期"),
    "companies": ("姓名", "身份证号", "企业名称", "统一社会信用代码", "职务", "认缴出资额(万元)", "成立日期"),
    "education": ("姓名", "身份证号", "学校", "学段", "年级", "状态"),
    "residence_permits": ("姓名", "身份证号", "居住地", "居住事由", "登记日期", "有效期至"),
    "marriages": ("姓名", "身份证号", "登记类型", "登记日期", "对方身份证号"),
    "serious_illness": ("姓名", "身份证号", "病种", "确诊日期", "确诊医院"),
    "unemployment": ("姓名", "身份证号", "失业登记日期", "状态", "失业原因", "月失业保险金", "领取截止"),
    "tax": ("姓名", "身份证号", "所属月份", "所得项目", "收入额", "扣缴义务人"),
    "housing_fund": ("姓名", "身份证号", "单位", "缴存月份", "缴存基数", "账户余额"),
    "bank_assets": ("姓名", "身份证号", "授权书编号", "机构", "资产类别", "查询日期", "余额"),
    "monitoring_list": ("姓名", "身份证号", "监测类别", "风险类型", "识别日期", "风险消除日期"),
    "disasters": ("姓名", "身份证号", "灾害种类", "发生日期", "房屋受损", "直接经济损失"),
    "detention": ("姓名", "身份证号", "类别", "起始日期", "预计结束日期"),
    "student_aid": ("姓名", "身份证号", "学校", "资助项目", "困难等级", "发放月份", "资助金额"),
    "assistance_elsewhere": ("姓名", "身份证号", "救助项目", "保障地", "起始月份", "停发月份", "月金额"),
}
HEADERS |= {dataset: (*HEADERS[dataset], *TOLD_HEADERS) for dataset in TOLD_BY}
DATE_COLUMN = {
    "disability": "发证日期",
    "medical": "结算日期",
    "deaths": "死亡日期",
    "moves": "迁移日期",
    "housing": "登记日期",
    "vehicles": "登记日期",
    "companies": "成立日期",
    "residence_permits": "登记日期",
    "marriages": "登记日期",
    "serious_illness": "确诊日期",
    "unemployment": "失业登记日期",
    "bank_assets": "查询日期",
    "monitoring_list": "识别日期",
    "disasters": "发生日期",
    "detention": "起始日期",
}
CODE_COLUMN = {
    "disability": "残疾等级", "pensions": "养老类别", "housing": "用途", "vehicles": "车辆类型", "companies": "职务", "education": "学段",
    "residence_permits": "居住事由", "marriages": "登记类型", "unemployment": "状态", "tax": "所得项目", "bank_assets": "资产类别",
    "monitoring_list": "监测类别", "disasters": "灾害种类", "detention": "类别", "student_aid": "困难等级", "assistance_elsewhere": "救助项目",
}  # fmt: skip
AMOUNT_COLUMN = {
    "medical": "总费用", "wages": "应发工资", "pensions": "金额", "tax": "收入额", "housing_fund": "缴存基数", "bank_assets": "余额",
    "disasters": "直接经济损失", "student_aid": "资助金额",
}  # fmt: skip
IMPOSSIBLE_DATES = ("2022-02-30", "2021-13-05", "20220631", "2022年0月8日", "0000-00-00")
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")

# Mistakes that make a row unusable, and the share of rows that has each.
MISTAKES = {"wrong_check_digit": 0.003, "missing_id": 0.002, "impossible_date": 0.0015, "unknown_code": 0.001, "bad_amount": 0.0005}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A department's rows as text. `person`: position in the block, -1 for people from elsewhere.
    `mistake`: "", a key of MISTAKES, or `lost_character`."""

    dataset: str
    columns: dict[str, Column]
    person: Ints
    mistake: npt.NDArray[np.str_]

    @property
    def rows(self) -> int:
        return len(self.person)


def date_text(days: Days, shape: str) -> pa.Array:
    """Dates as text in one of the shapes `-`, `/`, `.`, `compact`, `chinese`, `loose` (no leading zeros, slashes)."""
    digits = date_digits(days)
    if shape == "compact":
        return to_strings(digits)
    year, month, day = (to_strings(digits[:, part]) for part in (slice(0, 4), slice(4, 6), slice(6, 8)))
    if shape == "chinese":
        return pc.binary_join_element_wise(year, "年", pc.utf8_ltrim(month, "0"), "月", pc.utf8_ltrim(day, "0"), "日", "")
    if shape == "loose":
        return pc.binary_join_element_wise(year, pc.utf8_ltrim(month, "0"), pc.utf8_ltrim(day, "0"), "/")
    return pc.binary_join_element_wise(year, month, day, shape)


def mixed_dates(rng: np.random.Generator, days: Days) -> pa.Array:
    """Mostly ISO dates, every tenth in another shape."""
    text = date_text(days, "-")
    draw = rng.random(len(days))
    for at, shape in enumerate(("/", ".", "compact", "chinese", "loose")):
        chosen = (draw >= at * 0.02) & (draw < (at + 1) * 0.02)
        text = pc.if_else(pa.array(chosen), date_text(days, shape), text)
    return text


def money_text(fen: Ints) -> pa.Array:
    """Fen as yuan with two decimals."""
    whole, rest = np.divmod(fen, 100)
    return pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), to_strings(digits_of(rest, 2)), ".")


def _with_separators(text: Column, chosen: npt.NDArray[np.bool_]) -> Column:
    """Thousands separators in the chosen rows: 12,345.60."""
    separated = pc.replace_substring_regex(text, r"^(\d+)(\d{3})\.", r"\1,\2.")
    return pc.if_else(pa.array(chosen), separated, text)


def _replace(column: Column, at: Ints, values: list[str | None]) -> Column:
    """The column with other values in a few rows."""
    if not len(at):
        return column
    mask = np.zeros(len(column), dtype=bool)
    mask[at] = True
    order = np.argsort(at)
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pc.replace_with_mask(flat, pa.array(mask), pa.array([values[i] for i in order], pa.string()))


def mistype(
    rng: np.random.Generator, dataset: str, columns: dict[str, Column], person: Ints, numbers: Digits, birth_year: Ints, gbk: bool,
    told: Callable[[Ints], Told],
) -> Sheet:
    """Puts into finished columns what goes wrong in offices. `told`: what the people of some rows tell of themselves.

    First what a careful reader still understands (blanks, full-width digits, lower-case x, old numbers of 15 digits, thousands
    separators), then mistakes that make a row unusable. `numbers`: the true ID numbers of the rows, shape (n, 18). `gbk`: the system of
    this department holds GBK only; what that lacks became a question mark (`lost_character`).
    """
    n = len(person)
    draw = rng.random(n)
    ids = columns["身份证号"]
    old = np.flatnonzero((draw < 0.008) & (birth_year < 1985) & (birth_year >= 1900))
    ids = _replace(ids, old, to_strings(to_15(numbers[old])).to_pylist())
    noisy = np.flatnonzero((draw >= 0.01) & (draw < 0.022))
    plain = to_strings(numbers[noisy]).to_pylist()
    shapes = rng.integers(0, 4, len(noisy))
    ids = _replace(
        ids,
        noisy,
        [
            (number.translate(FULL_WIDTH), number.lower(), f" {number} ", f"{number[:6]} {number[6:14]} {number[14:]}")[shape]
            for number, shape in zip(plain, shapes, strict=True)
        ],
    )
    names = columns["姓名"]
    spaced = np.flatnonzero((draw >= 0.03) & (draw < 0.036))
    names = _replace(names, spaced, [" ".join(str(name)) for name in names.take(pa.array(spaced)).to_pylist()])
    if amount := AMOUNT_COLUMN.get(dataset):
        columns[amount] = _with_separators(columns[amount], rng.random(n) < 0.2)

    mistake = np.full(n, "", dtype="U20")
    draw, low = rng.random(n), 0.0
    for kind, share in MISTAKES.items():
        at = np.flatnonzero((draw >= low) & (draw < low + share))
        low += share
        if kind == "wrong_check_digit":
            wrong = numbers[at].copy()
            # One digit of the sequence mistyped: the check character then no longer fits (weights are units modulo 11).
            wrong[:, 15] = (wrong[:, 15] - ord("0") + rng.integers(1, 10, len(at))) % 10 + ord("0")
            ids = _replace(ids, at, to_strings(wrong.astype(np.uint8)).to_pylist())
        elif kind == "missing_id":
            ids = _replace(ids, at, [("", "无", "不详")[i] for i in rng.integers(0, 3, len(at))])
        else:
            name = {"impossible_date": DATE_COLUMN, "unknown_code": CODE_COLUMN, "bad_amount": AMOUNT_COLUMN}[kind].get(dataset)
            if not name:
                continue
            words = {"impossible_date": IMPOSSIBLE_DATES, "unknown_code": ("未知类别9",), "bad_amount": ("约三千", "--", "12.3.4")}[kind]
            columns[name] = _replace(columns[name], at, [words[i] for i in rng.integers(0, len(words), len(at))])
        mistake[at] = kind
    names, cells = _without_number(rng.spawn(1)[0], dataset, names, mistake, told)
    columns |= cells
    if gbk:
        lost = pc.match_substring_regex(names, f"[{OUTSIDE_GBK}]").to_numpy(zero_copy_only=False)
        names = pc.replace_substring_regex(names, f"[{OUTSIDE_GBK}]", "?")
        mistake[lost & (mistake == "")] = "lost_character"
    return Sheet(dataset, {**columns, "姓名": names, "身份证号": ids}, person, mistake)


def _without_number(
    rng: np.random.Generator, dataset: str, names: Column, mistake: npt.NDArray[np.str_], told: Callable[[Ints], Told]
) -> tuple[Column, dict[str, Column]]:
    """Mistyped names, and what is written instead of a usable number. A random stream of its own: it changes nothing else."""
    n = len(mistake)
    unusable = np.isin(mistake, ["missing_id", "wrong_check_digit"])
    slips = np.flatnonzero(rng.random(n) < np.where(unusable, SLIP_OF_NAME, SLIP_ELSEWHERE))
    names = _replace(names, slips, [mistyped(rng, str(name)) for name in names.take(pa.array(slips)).to_pylist()])
    if dataset not in TOLD_BY:
        return names, {}
    rows = np.flatnonzero(unusable)
    return names, {header: at_rows(n, rows, values) for header, values in tell(rng, told(rows)).items()}
