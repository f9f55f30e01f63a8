"""Rows of an import by themselves: a whole column at a time; those that are not plainly good are looked at one by one, for the words of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
from django.core.exceptions import ValidationError

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core.numbers import Kind
from doudi.core.sheets import Row, Table, parse_day
from doudi.registry import sheets
from doudi.registry.names import clean_name
from doudi.registry.services.households import HEAD, relationship_code
from doudi.registry.services.people import OLDEST, SEX_OF, contacts, identity

GOOD: dict[str, Any] = {
    "at": pl.UInt32, "household": pl.String, "village": pl.String, "code": pl.String, "name": pl.String, "sex": pl.String, "birth_date": pl.Date,
    "token": pl.String, "ethnicity": pl.String, "residence": pl.String, "address": pl.String, "phone": pl.String, "account": pl.String, "bank": pl.String,
}  # fmt: skip
"""Columns of good rows. `at`: place in the sheet's table; `code`: relationship (GB/T 4761); tokens as hexadecimal text, null where there is no number."""
CODES = {"bank": sheets.BANK_CODES, "ethnicity": sheets.ETHNICITY_CODES, "residence": sheets.RESIDENCES, "sex": sheets.SEXES}


def good_rows(table: Table, *, on: date) -> pl.DataFrame:
    """The rows with nothing wrong in themselves (columns GOOD, as they stand in the sheet); what is wrong with the others is noted on them."""
    found = _by_column(table.cells, on)
    sure = found["sure"] & ~found["at"].is_in(table.wrong())
    rest = [values for at in (~sure).arg_true().to_list() if (values := _check_row(table.row(at), at, on=on))]
    return pl.concat([found.filter(sure).select(list(GOOD)), pl.DataFrame(rest, GOOD, orient="row")]).sort("at")


def _each(column: pl.Series, function: Callable[[str], Any], kind: Any = pl.String) -> pl.Series:
    """What `function` makes of a column, asked once for each distinct text; null for an empty text and for one that it refuses."""
    made: dict[str, Any] = {}
    for text in column.unique().to_list():
        try:
            made[text] = function(text) if text else None
        except (ValueError, ValidationError):
            made[text] = None
    return column.replace_strict(made, default=None, return_dtype=kind)


def _relationship(text: str) -> str:
    return HEAD if text in sheets.HEADS else relationship_code(text)


def _by_column(cells: pl.DataFrame, on: date) -> pl.DataFrame:
    """Columns GOOD and `sure`: whether the row is good as far as columns show. The rules are those of `_check_row`, which has the words for them."""
    parsed = idnumber.parse_column(cells["id_number"], on=on)
    numbers_of = {"phone": idnumber.phone_column(cells["phone"]), "account": idnumber.account_column(cells["account"])}
    read = {name: _each(cells[name], codes.get) for name, codes in CODES.items()} | {
        "relationship": _each(cells["relationship"], _relationship),
        "name": _each(cells["name"], clean_name),
        "birth_date": _each(cells["birth_date"], parse_day, pl.Date),
        "id_number": pl.Series(numbers.token_texts(Kind.CITIZEN_ID, parsed.numbers)),
        "phone": pl.Series(numbers.token_texts(Kind.PHONE, numbers_of["phone"])),
        "account": pl.Series(numbers.token_texts(Kind.ACCOUNT, numbers_of["account"])),
    }
    born, born_sex = pl.Series(parsed.birth_dates), pl.Series(parsed.sexes.cast("string")).replace_strict(SEX_OF, default=None, return_dtype=pl.String)
    all_of = cells.with_columns(born=born, born_sex=born_sex, **{f"{name}:": column for name, column in read.items()})
    has = {name: pl.col(name) != "" for name in cells.columns}
    good = {name: pl.col(f"{name}:").is_not_null() for name in read}
    day, sex = pl.coalesce("born", "birth_date:"), pl.coalesce("born_sex", "sex:")
    sure = [has["household"], has["village"], good["relationship"], good["name"]]
    sure += [~has[name] | good[name] for name in ("birth_date", "sex", "bank", "ethnicity", "residence", "id_number", "phone", "account")]
    sure += [(pl.col("relationship:") != HEAD) | has["residence"], ~has["account"] | has["bank"]]
    sure += [pl.col(given).is_null() | (pl.col(given) == own) for given, own in (("birth_date:", day), ("sex:", sex))]
    sure += [day.is_not_null(), sex.is_not_null(), day <= on, day.dt.year() >= on.year - OLDEST]
    return all_of.select(
        "household", "village", "address", sure=pl.all_horizontal(sure).fill_null(False), sex=sex, birth_date=day, code="relationship:", name="name:", token="id_number:",
        ethnicity=pl.col("ethnicity:").fill_null("01"), residence="residence:", phone="phone:", account="account:", bank=pl.col("bank:").fill_null(""),
    ).with_row_index("at")  # fmt: skip


def _check_row(row: Row, at: int, *, on: date) -> tuple[Any, ...] | None:
    """A row by itself as values of GOOD; its errors are noted on it, and None is returned where there are any."""
    cells = row.cells
    for name in ("household", "village", "relationship", "name"):
        if not cells[name]:
            row.wrong(name, "为空；请补填后重新上传")
    code = ""
    if cells["relationship"]:
        try:
            code = _relationship(cells["relationship"])
        except ValidationError:
            row.wrong("relationship", "不是国家标准用语（GB/T 4761）；请按填写说明更正后重新上传")
    birth_date = parse_day(cells["birth_date"]) if cells["birth_date"] else None
    if cells["birth_date"] and birth_date is None:
        row.wrong("birth_date", "不是日期；请写作 1960-05-04 的形式后重新上传")
    found = {name: codes.get(cells[name], "") for name, codes in CODES.items()}
    if cells["sex"] and not found["sex"]:
        row.wrong("sex", "只能填男或女；请更正后重新上传")
    for name in ("bank", "ethnicity", "residence"):
        if cells[name] and not found[name]:
            row.wrong(name, f"“{cells[name][:20]}”不在代码表中；请按填写说明更正后重新上传")
    if code == HEAD and not cells["residence"]:
        row.wrong("residence", "为空；户主一行须填城市或农村")
    if cells["account"] and not cells["bank"]:
        row.wrong("bank", "为空；填了银行账号的须填开户银行")
    who, tokens = None, None
    try:
        who = identity(name=cells["name"] or "某", id_number=cells["id_number"], birth_date=birth_date, sex=found["sex"], on=on)
    except ValidationError as error:
        _wrong(row, error)
    try:
        tokens = contacts(phone=cells["phone"], account=cells["account"])
    except ValidationError as error:
        _wrong(row, error)
    if row.errors or who is None or tokens is None:
        return None
    token, phone, account = (each and each.hex for each in (who.token, tokens["phone"], tokens["account"]))
    return (
        at, cells["household"], cells["village"], code, who.name, who.sex, who.birth_date, token, found["ethnicity"] or "01", found["residence"] or None,
        cells["address"], phone, account, found["bank"],
    )  # fmt: skip


def _wrong(row: Row, error: ValidationError) -> None:
    for name, texts in error.message_dict.items():
        if not any(column == name for column, _reason in row.errors):
            row.wrong(name, "；".join(text.removeprefix(f"“{row.labels[name]}”").lstrip("：") for text in texts))
