"""Daily reports from a sheet: one row a house and day. Good rows are reported, bad ones come back with row, field and reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from io import BytesIO
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import override

from doudi.batch.datasets import Column, Contract
from doudi.core import duties, sheets
from doudi.core.lists import safe
from doudi.core.sheets import Row, parse_day
from doudi.institutions.figures import BY_NAME, FIGURES
from doudi.institutions.models import DailyReport, Institution, SupplyItem
from doudi.institutions.queries import stocks_of
from doudi.institutions.services.reports import Left, prefilled, report_day

MOST_ROWS = 500


@dataclass
class Done:
    """What came of a sheet: reports that are new, that were there already, and what is wrong, in words with row and field."""

    made: int = 0
    known: int = 0
    errors: list[str] = field(default_factory=list)


def _items() -> list[SupplyItem]:
    return list(SupplyItem.objects.filter(ended_on__isnull=True).order_by("order"))


def columns() -> list[Column]:
    """The columns of the sheet in order; headers are Chinese whoever reads."""
    with override("zh-hans"):
        found = [
            Column("code", "机构代码", required=True), Column("name", "机构名称"), Column("on", "日期", required=True),
            *[Column(figure.name, str(figure.label), required=figure.required) for figure in FIGURES],
            Column("incidents", "突发情况"), Column("reason", "更正原因"),
        ]  # fmt: skip
    for item in _items():
        found += [Column(f"q_{item.code}", f"{item.name}剩余（{item.unit}）"), Column(f"u_{item.code}", f"{item.name}每天用（{item.unit}）")]
    return found


def template(*, on: date) -> bytes:
    """The sheet to fill in: the houses of the scope with a day and the values of the day before."""
    duties.require("institutions.report")
    out, heads = BytesIO(), columns()
    houses = list(Institution.objects.filter(state=Institution.State.RUNNING).order_by("area", "name")[:MOST_ROWS])
    with sheets.workbook(out) as book:
        head = book.add_format({"bold": True, "bg_color": "#E8F1FD", "border": 1, "text_wrap": True})
        text, whole = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.##"})
        sheet = book.add_worksheet("机构日报")
        for at, column in enumerate(heads):
            sheet.set_column(at, at, 22 if column.name in ("name", "incidents", "reason") else 13, text if at < 3 else whole)
            sheet.write_string(0, at, column.header_zh, head)
        for number, house in enumerate(houses, 1):
            values = prefilled(house, on)
            kept = {stock.item.code: stock for stock in stocks_of(house)}
            for at, column in enumerate(heads):
                kind, _dash, code = column.name.partition("_")
                if column.name in values:
                    sheet.write_number(number, at, values[column.name])
                elif kind in ("q", "u") and code in kept:
                    sheet.write_number(number, at, float(kept[code].balance if kind == "q" else kept[code].daily_use))
                elif column.name in ("code", "name", "on"):
                    sheet.write_string(number, at, {"code": house.code, "name": safe(house.name), "on": on.isoformat()}[column.name])
        sheet.freeze_panes(1, 3)
    return out.getvalue()


def layout() -> sheets.Layout:
    """The sheet as it stands today: supplies are data, so its columns are too."""
    contract = Contract(
        code="institution_reports",
        name_zh="机构日报表",
        department_zh="民政",
        columns=tuple(columns()),
        key=("code", "on"),
        legal_basis="民政部门日常工作",
    )
    return sheets.Layout(contract, most=MOST_ROWS, longest=2000)


def _whole(text: str) -> int | None:
    """A whole number of at most six digits as written in a cell ("42", "42.0", "４２"); None for anything else."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() and abs(number) < 1_000_000 else None


def _amount(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 100_000_000 else None


def _read(row: Row, items: list[SupplyItem]) -> tuple[dict[str, int], dict[str, Left]]:
    figures, supplies, cells = {}, {}, row.cells
    for name in BY_NAME:
        text = cells[name]
        value = _whole(text) if text else (None if BY_NAME[name].required else 0)
        if value is None:
            row.wrong(name, f"“{text}”不是整数；请更正后重新上传" if text else "为空；请补填后重新上传")
        else:
            figures[name] = value
    for item in items:
        quantity, use = cells[f"q_{item.code}"], cells[f"u_{item.code}"]
        if not quantity and not use:
            continue
        pair = _amount(quantity), _amount(use or "0")
        if pair[0] is None or pair[1] is None:
            row.wrong(f"q_{item.code}" if pair[0] is None else f"u_{item.code}", "应为数字；请更正后重新上传")
        else:
            supplies[item.code] = Left(pair[0], pair[1])
    return figures, supplies


def upload(*, path: Path, now: datetime) -> Done:
    """Report every good row of a sheet. Raises ValidationError where the file as a whole cannot be read."""
    duties.require("institutions.report")
    items, rows = _items(), sheets.read(path, layout())[1]
    houses = {house.code: house.pk for house in Institution.objects.filter(code__in={row.cells["code"].upper() for row in rows})}
    done, seen = Done(), dict[tuple[int, date], int]()
    for row in rows:
        cells = row.cells
        house, on = houses.get(cells["code"].upper()), parse_day(cells["on"])
        if house is None:
            row.wrong("code", "不是您负责的机构；请核对后重新上传")
        if on is None:
            row.wrong("on", "不是日期；请写作 2022-12-06 的形式后重新上传")
        figures, supplies = _read(row, items)
        if house is not None and on is not None and (earlier := seen.get((house, on))):
            row.wrong("code", f"与第 {earlier} 行重复；请删去一行后重新上传")
        if not row.errors and house is not None and on is not None:
            seen[house, on] = row.number
            try:
                _row, fresh = report_day(
                    institution_id=house, on=on, figures=figures, supplies=supplies, incidents=cells["incidents"], reason=cells["reason"],
                    channel=DailyReport.Channel.SHEET, now=now,
                )  # fmt: skip
                done.made, done.known = done.made + fresh, done.known + (not fresh)
            except ValidationError as error:
                _told(row, error)
        done.errors += row.said()
    return done


def _told(row: Row, error: ValidationError) -> None:
    with override("zh-hans"):
        if not hasattr(error, "error_dict"):
            row.errors += [("", text) for text in error.messages]
            return
        for name, texts in error.message_dict.items():
            column = name if name in row.labels else ""
            row.errors += [(column, text.removeprefix(f"“{row.labels.get(name, '')}”")) for text in texts]
