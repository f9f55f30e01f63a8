"""Checks of input before the run: row, field, reason. Bad input is never silently zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openfisca_core.indexed_enums import Enum, EnumArray

from doudi.batch.law.settings import system
from openfisca_henan.limits import LEAST, MOST, MOST_MONEY
from openfisca_henan.places import county_index

LISTED = 1000


@dataclass(frozen=True)
class InputProblem:
    """One bad value: ``table`` is ``persons`` or ``households``, ``row`` its index from 0, ``reason`` Chinese."""

    table: str
    row: int
    field: str
    reason: str

    def __str__(self) -> str:
        where = {"persons": "人员", "households": "家庭"}[self.table]
        return f"{where}第 {self.row + 1} 行“{self.field}”{self.reason}"


class LawInputError(ValueError):
    """Input that the law cannot take. ``problems`` lists the first 1,000, ``total`` counts all."""

    def __init__(self, problems: list[InputProblem], total: int) -> None:
        self.problems, self.total = problems, total
        more = f"；共 {total} 处" if total > 5 else ""
        super().__init__("；".join(str(problem) for problem in problems[:5]) + more)


class Problems:
    """Collects problems, row by row but without a Python loop over good rows."""

    def __init__(self) -> None:
        self.listed: list[InputProblem] = []
        self.total = 0

    def add(self, table: str, bad: NDArray[np.bool_], field: str, reason: str) -> None:
        rows = np.flatnonzero(bad)
        self.total += len(rows)
        room = max(LISTED - len(self.listed), 0)
        self.listed.extend(InputProblem(table, int(row), field, reason) for row in rows[:room])

    def raise_if_any(self) -> None:
        if self.total:
            raise LawInputError(self.listed, self.total)


def _all(table: str, size: int, problems: Problems, field: str, reason: str) -> None:
    problems.total += 1
    problems.listed.append(InputProblem(table, 0, field, reason))


def convert(table: str, columns: Mapping[str, Any], size: int, problems: Problems) -> dict[str, NDArray[Any]]:
    """Columns in the types of the law; what does not fit is added to ``problems`` and replaced by the default."""
    entity = {"persons": "person", "households": "household"}[table]
    variables = system().variables
    made: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        variable = variables.get(name)
        if variable is None or variable.entity.key != entity or not variable.is_input_variable():
            _all(table, size, problems, name, "不是可填写的项目")
            continue
        array = np.asarray(column)
        if array.shape != (size,):
            _all(table, size, problems, name, f"有 {array.shape[0] if array.ndim else 1} 个值，应为 {size} 个")
            continue
        if name == "county":
            index = county_index(array)
            problems.add(table, index < 0, name, "不是本省的县级代码")
            made["county_index"] = index
        elif variable.value_type is float:
            made[name] = _amounts(table, name, array, problems)
        elif variable.value_type is int:
            made[name] = _counts(table, name, array, problems)
        elif variable.value_type is bool:
            made[name] = _flags(table, name, array, problems)
        elif variable.value_type is date:
            made[name] = _dates(table, name, array, problems)
        else:
            made[name] = _choices(table, name, array, variable.possible_values, problems)
    return made


def _amounts(table: str, name: str, array: NDArray[Any], problems: Problems) -> NDArray[np.float64]:
    try:
        amounts = array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        _all(table, len(array), problems, name, "含有不是数字的值")
        return np.zeros(len(array))
    # One pass finds whether anything is wrong; only then is it asked what.
    if len(amounts) and not (amounts.min() >= 0 and amounts.max() <= MOST_MONEY):
        problems.add(table, ~np.isfinite(amounts), name, "缺失或不是数字")
        problems.add(table, amounts < 0, name, "不能为负")
        problems.add(table, np.isfinite(amounts) & (amounts > MOST_MONEY), name, "过大，请核对单位")
    return amounts


def _counts(table: str, name: str, array: NDArray[Any], problems: Problems) -> NDArray[np.int32]:
    least, most = LEAST.get(name, 0), MOST[name]
    if array.dtype.kind not in "iu":
        try:
            numbers = array.astype(np.float64)
        except (TypeError, ValueError):
            _all(table, len(array), problems, name, "含有不是整数的值")
            return np.zeros(len(array), dtype=np.int32)
        whole = np.isfinite(numbers) & (numbers == np.floor(numbers))
        problems.add(table, ~whole, name, "应为整数")
        array = np.where(whole, numbers, least).clip(-1, most + 1).astype(np.int32)
    if len(array) and not (array.min() >= least and array.max() <= most):
        problems.add(table, (array < least) | (array > most), name, f"应为 {least} 至 {most}")
    return array.clip(least, most).astype(np.int32) if len(array) and array.dtype != np.int32 else array


def _flags(table: str, name: str, array: NDArray[Any], problems: Problems) -> NDArray[np.bool_]:
    if array.dtype.kind == "b":
        return array
    good = np.isin(array, [0, 1]) if array.dtype.kind in "iuf" else np.array([value in (True, False) for value in array.tolist()], dtype=bool)
    problems.add(table, ~good, name, "应为是或否")
    return np.where(good, array, 0).astype(bool)


def _dates(table: str, name: str, array: NDArray[Any], problems: Problems) -> NDArray[np.datetime64]:
    try:
        dates = array.astype("datetime64[D]")
    except (TypeError, ValueError):
        _all(table, len(array), problems, name, "含有不是日期的值")
        return np.full(len(array), np.datetime64("1970-01-01"))
    problems.add(table, np.isnat(dates), name, "缺失")
    if name == "birth_date":
        problems.add(table, dates < np.datetime64("1880-01-01"), name, "早于 1880 年")
    return dates


def _choices(table: str, name: str, array: NDArray[Any], values: type[Enum], problems: Problems) -> EnumArray:
    if isinstance(array, EnumArray):
        return array
    size = len(list(values))
    if array.dtype.kind in "iu":
        index = array.astype(np.int64)
    else:
        index = np.full(len(array), -1, dtype=np.int64)
        text = array.astype(str)
        for value in values:
            index[text == value.name] = value.index
            index[text == str(value.value)] = value.index
    problems.add(table, (index < 0) | (index >= size), name, f"应为 {'、'.join(value.name for value in values)} 之一")
    return EnumArray(index.clip(0, size - 1).astype(np.int16), values)


def check_together(persons: dict[str, NDArray[Any]], households: dict[str, NDArray[Any]], month: str | None, problems: Problems) -> None:
    """Checks of fields against each other."""

    def column(name: str) -> NDArray[np.float64]:
        return persons.get(name, np.zeros(1))

    if "land_income" in persons:
        problems.add("persons", _more(column("land_income"), column("business_income")), "land_income", "大于经营净收入 business_income")
    if "disregarded_income" in persons:
        names = ("wage_income", "business_income", "property_income", "transfer_income", "maintenance_income")
        total = sum((column(name) for name in names), np.zeros(1))
        problems.add("persons", _more(column("disregarded_income"), total), "disregarded_income", "大于各项收入之和")
    if "disability_grade" in persons and "disability_kind" in persons:
        grade, kind = persons["disability_grade"], np.asarray(persons["disability_kind"])
        problems.add("persons", (grade == 0) & (kind > 0), "disability_grade", "有残疾类别而没有等级")
        problems.add("persons", (grade > 0) & (kind == 0), "disability_kind", "有残疾等级而没有类别")
    if "birth_date" in persons and month is not None:
        after = np.datetime64(month, "M") + 1
        problems.add("persons", persons["birth_date"] >= after.astype("datetime64[D]"), "birth_date", f"晚于测算月份 {month}")
    if "previous_dibao_amount" in households:
        before = households.get("previous_dibao_members", np.zeros(1))
        problems.add("households", (households["previous_dibao_amount"] > 0) & (before <= 0), "previous_dibao_members", "有此前低保金额而没有人数")


def _more(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.round(part, 6) > np.round(np.broadcast_to(whole, part.shape), 6)
