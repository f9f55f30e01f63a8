"""Cleaning and checking the columns of a delivery: for each type of column one pair of Polars expressions, value and reason.

A reason is null where the value is good. Values arrive as people type them: full-width figures, blanks, 元 and thousands separators, dates in
many shapes, Excel's day numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from typing import Any

import polars as pl

from .datasets import Column

Pair = tuple[pl.Expr, pl.Expr]

NOTHING = ("-", "--", "—", "——", "/", "\\", "空", "null", "NULL", "None", "nan", "#N/A", "N/A")
_BLANKS = r"[\s\u3000\u200b\u00a0\ufeff]+"
_FORMULA = r"^[=@+]|^-[^0-9.]|^\t"
# Excel counts days from 1899-12-30; 20000 is 1954, 60000 is 2064.
_EXCEL_ZERO = date(1899, 12, 30)
TRUE = ("是", "有", "1", "Y", "y", "YES", "Yes", "yes", "TRUE", "True", "true", "√")
FALSE = ("否", "无", "0", "N", "n", "NO", "No", "no", "FALSE", "False", "false", "×")


def outer_trim(column: pl.Expr) -> pl.Expr:
    return column.str.strip_chars(" \t\r\n\u3000\u00a0\u200b\ufeff")


def squeezed(column: pl.Expr) -> pl.Expr:
    """Half-width and without any blank."""
    return column.str.normalize("NFKC").str.replace_all(_BLANKS, "")


def clean(column: Column, raw: pl.Series, on: date | None) -> tuple[pl.Series, pl.Series]:
    """(value, reason) of a column of raw texts. Only its distinct texts are worked on: dates, months, codes and firms repeat."""
    encoded = raw.to_arrow().dictionary_encode()
    texts = pl.Series(column.name, pl.from_arrow(encoded.dictionary))
    at = pl.Series(pl.from_arrow(encoded.indices))
    if column.type not in _PLAIN:
        done = _done(texts, clean_expressions(column, on))
    elif (plain := texts.str.contains(_PLAIN[column.type])).all():
        done = _done(texts, plain_expressions(column, on))
    else:
        done = pl.concat([_done(texts.filter(plain), plain_expressions(column, on)), _done(texts.filter(~plain), clean_expressions(column, on))])
        order = pl.concat([plain.arg_true(), (~plain).arg_true()])  # as they stand in `done`
        at = order.arg_sort().gather(at)
    return done["value"].gather(at).alias(column.name), done["reason"].gather(at).alias(column.name)


def _done(texts: pl.Series, pair: Pair) -> pl.DataFrame:
    return texts.to_frame().lazy().select(pair[0].alias("value"), pair[1].alias("reason")).collect()


# Most texts are written as they should be: what matches needs no folding, no trimming and no search for other shapes.
_PLAIN = {"name": r"^\p{Han}{2,10}$", "amount": r"^[0-9]{1,9}(\.[0-9]{1,2})?$", "number": r"^[0-9]{1,9}(\.[0-9]{1,2})?$", "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def plain_expressions(column: Column, on: date | None) -> Pair:
    """As `clean_expressions`, of texts that match `_PLAIN`."""
    raw = pl.col(column.name)
    if column.type == "name":
        return raw, pl.lit(None, pl.String)
    if column.type == "date":
        return _checked_date(column, raw.str.to_date("%Y-%m-%d", strict=False), on)
    figure = _checked_figure(column, raw.cast(pl.Float64) * (10_000.0 if column.unit == "万元" else 1.0))
    return _in_fen(*figure) if column.type == "amount" else figure


def clean_expressions(column: Column, on: date | None) -> Pair:
    """(value, reason) expressions of a column over its raw text. Dates and months after `on` are refused unless the column looks ahead."""
    raw = pl.col(column.name)
    value, wrong = _CLEANERS[column.type](column, outer_trim(raw), on)
    plain = outer_trim(raw)
    empty = (plain == "") | plain.is_in(NOTHING)
    reason = (
        pl.when(empty)
        .then(pl.lit("为空，请补填" if column.required else None, pl.String))
        .when(plain.str.contains(_FORMULA))
        .then(pl.lit("以公式符号开头，请改为文字或数值"))
        .when(plain.str.len_chars() > 200)
        .then(pl.lit("超过 200 字"))
        .otherwise(wrong)
    )
    return pl.when(empty).then(None).otherwise(value), reason


def _wrong_if(condition: pl.Expr, reason: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(reason)).otherwise(pl.lit(None, pl.String))


def _name(column: Column, text: pl.Expr, on: date | None) -> Pair:
    # Rare characters outside the common planes and in the private area stay as they are: names are not NFKC-folded.
    value = text.str.replace_all(_BLANKS, " ").str.replace_all(r"(\p{Han}) (\p{Han})", "$1$2").str.replace_all(r"[•．.・‧∙]", "·")
    wrong = _wrong_if((value.str.len_chars() > 50) | value.str.contains(r"[0-9０-９<>{}\\/;\"$%^*#!?=+@|\x00-\x1f]"), "含有不允许的字符")
    return value, wrong


def _text(column: Column, text: pl.Expr, on: date | None) -> Pair:
    value = text.str.replace_all(_BLANKS, " ")
    return value, _wrong_if(value.str.contains(r"[\x00-\x08\x0b-\x1f]"), "含有不允许的控制字符")


def _code(column: Column, text: pl.Expr, on: date | None) -> Pair:
    assert column.codes is not None
    value = squeezed(text).replace_strict(dict(column.codes), default=None, return_dtype=pl.String)
    words = list(dict.fromkeys((column.labels or column.codes).values()))
    return value, _wrong_if(value.is_null(), f"不在允许的取值内（{'、'.join(words[:8])}{'等' if len(words) > 8 else ''}）")


def _flag(column: Column, text: pl.Expr, on: date | None) -> Pair:
    plain = squeezed(text)
    value = pl.when(plain.is_in(TRUE)).then(True).when(plain.is_in(FALSE)).then(False).otherwise(None)
    return value, _wrong_if(value.is_null(), "应为“是”或“否”")


def _parse_date(text: pl.Expr) -> pl.Expr:
    plain = text.str.normalize("NFKC").str.replace_all(r"\s*[年月/.]\s*", "-").str.replace_all(r"\s*[日号]\s*", " ").str.strip_chars()
    dashed = plain.str.extract_groups(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:-\d+)?)?)?$")
    pieces = pl.concat_str(dashed.struct.field("1"), dashed.struct.field("2").str.zfill(2), dashed.struct.field("3").str.zfill(2))
    packed = plain.str.extract(r"^(\d{8})(?:\s*\d{2}:\d{2}:\d{2}|\d{6})?$")
    day = plain.str.extract(r"^([2-5]\d{4})(?:-\d+)?$").cast(pl.Int32)  # the point of a day number has become a dash
    serial = pl.lit(_EXCEL_ZERO) + pl.duration(days=day)
    return pl.coalesce(pieces, packed).str.to_date("%Y%m%d", strict=False).fill_null(serial)


def _date(column: Column, text: pl.Expr, on: date | None) -> Pair:
    return _checked_date(column, _parse_date(text), on)


def _checked_date(column: Column, value: pl.Expr, on: date | None) -> Pair:
    wrong: Any = pl.when(value.is_null() | (value < date(1900, 1, 1))).then(pl.lit("日期不存在或格式不对，应如 2022-10-03"))
    if on is not None and not column.may_be_future:
        wrong = wrong.when(value > on).then(pl.lit(f"晚于报送日期 {on}"))
    return value, wrong.otherwise(pl.lit(None, pl.String))


def _month(column: Column, text: pl.Expr, on: date | None) -> Pair:
    plain = squeezed(text).str.replace_all(r"[年/.]", "-").str.replace_all("月份?$", "")
    groups = plain.str.extract_groups(r"^(\d{4})-?(\d{1,2})$")
    year_month = pl.concat_str(groups.struct.field("1"), groups.struct.field("2").str.zfill(2), pl.lit("01"))
    value = year_month.str.to_date("%Y%m%d", strict=False).fill_null(_parse_date(text).dt.month_start())
    wrong: Any = pl.when(value.is_null() | (value < date(1949, 10, 1))).then(pl.lit("月份不存在或格式不对，应如 2022-10"))
    if on is not None and not column.may_be_future:
        wrong = wrong.when(value > on).then(pl.lit(f"晚于报送日期 {on}"))
    return value, wrong.otherwise(pl.lit(None, pl.String))


def _figure(column: Column, text: pl.Expr) -> Pair:
    plain = squeezed(text).str.replace_all(r"^[¥￥]|^(人民币|RMB|CNY)", "")
    tail = plain.str.extract(r"(万元|万|元|圆|㎡|m2|平方米|平米)$")
    plain = plain.str.replace(r"(万元|万|元整|元|圆|㎡|m2|平方米|平米)$", "")
    grouped = plain.str.contains(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
    figure = pl.when(grouped).then(plain.str.replace_all(",", "")).otherwise(plain)
    shaped = figure.str.contains(r"^-?\d{1,13}(\.\d*)?$|^-?\.\d+$")
    ten_thousands = tail.is_in(["万元", "万"]) | (tail.is_null() & pl.lit(column.unit == "万元"))
    value = pl.when(shaped).then(figure).cast(pl.Float64, strict=False) * pl.when(ten_thousands).then(10_000.0).otherwise(1.0)
    return _checked_figure(column, value)


def _checked_figure(column: Column, value: pl.Expr) -> Pair:
    wrong: Any = pl.when(value.is_null()).then(pl.lit("不是数值，应如 1234.50"))
    if column.minimum is not None:
        wrong = wrong.when(value < column.minimum).then(pl.lit("不能为负数" if column.minimum == 0 else f"不能小于 {column.minimum}"))
    return value, wrong.when(value.abs() >= 1e12).then(pl.lit("数值过大")).otherwise(pl.lit(None, pl.String))


def _amount(column: Column, text: pl.Expr, on: date | None) -> Pair:
    return _in_fen(*_figure(column, text))


def _in_fen(value: pl.Expr, wrong: pl.Expr) -> Pair:
    # A nudge below any fen, so that 0.285 (just under it in binary) is rounded half up as written.
    return pl.when(value.abs() < 1e12).then(value + value.sign() * 1e-7).round(2).cast(pl.Decimal(14, 2)), wrong


def _number(column: Column, text: pl.Expr, on: date | None) -> Pair:
    return _figure(column, text)


def _division(column: Column, text: pl.Expr, on: date | None) -> Pair:
    plain = squeezed(text)
    return plain, _wrong_if(~plain.str.contains(r"^[1-9]\d{5}(\d{3}){0,2}$"), "行政区划代码应为 6 位数字（可到 12 位）")


def _credit_code(column: Column, text: pl.Expr, on: date | None) -> Pair:
    """GB 32100-2015: 18 characters without I, O, S, V, Z, the last one a check (mod 31); 15 digits are registration numbers from before 2015."""
    plain = squeezed(text).str.to_uppercase()
    shaped = plain.str.contains(r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$|^\d{15}$")
    return plain, _wrong_if(~shaped, "统一社会信用代码应为 18 位数字和大写字母")


def _certificate(column: Column, text: pl.Expr, on: date | None) -> Pair:
    """Disability certificate (残疾人证号): ID number, kind (1-7), grade (1-4); B1, B2 ... for reissued ones."""
    plain = squeezed(text).str.to_uppercase()
    return plain, _wrong_if(~plain.str.contains(r"^\d{17}[0-9X][1-7][1-4](B\d)?$"), "残疾证号应为 20 位（身份证号、类别、等级）")


def _phone(column: Column, text: pl.Expr, on: date | None) -> Pair:
    """As `idnumber.check_phone`, by column."""
    plain = squeezed(text).str.replace_all("[—–]", "-").str.replace(r"^(\+86|0086)-?", "")
    plain = pl.when(plain.str.starts_with("1")).then(plain.str.replace_all("-", "")).otherwise(plain)
    return plain, _wrong_if(~plain.str.contains(r"^1[3-9]\d{9}$|^0\d{2,3}-?\d{7,8}(-\d{1,6})?$"), "应为 11 位手机号或带区号的固定电话")


_CLEANERS: dict[str, Callable[[Column, pl.Expr, date | None], Pair]] = {
    "name": _name,
    "text": _text,
    "code": _code,
    "flag": _flag,
    "date": _date,
    "month": _month,
    "amount": _amount,
    "number": _number,
    "division": _division,
    "credit_code": _credit_code,
    "certificate": _certificate,
    "phone": _phone,
}


def footers_or_blanks(cells: pl.DataFrame, key: str, titles: dict[str, str]) -> pl.Series:
    """Rows that are no data: blank, totals and signatures (no ID number, begins with 合计, 制表人 ...), the header repeated on a new page.

    All of them have nothing or its title in the column of the ID number: the other columns are looked at in these rows only."""
    number = outer_trim(pl.col(key))
    maybe = cells.select(number.is_in(["", titles[key]]).fill_null(True).alias("maybe"))["maybe"]
    if not maybe.any():
        return maybe
    first = pl.coalesce(*[pl.when(outer_trim(pl.col(cell)) != "").then(outer_trim(pl.col(cell))) for cell in cells.columns])
    words = "^(合计|总计|小计|共计|累计|本页|制表|填表|审核|复核|填报|报送|经办|负责|备注|说明|注:|单位:|联系|日期:|共[0-9]+)"
    footer = (number == "") & squeezed(first).str.contains(words)
    repeated = reduce(lambda left, right: left & right, [outer_trim(pl.col(cell)) == title for cell, title in titles.items()])
    found = cells.filter(maybe).select((first.is_null() | footer | repeated).fill_null(True).alias("skip"))["skip"]
    return maybe.scatter(maybe.arg_true().filter(~found), False)
