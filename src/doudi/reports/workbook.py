"""The monthly table of civil affairs as a workbook (民政统计月报表): title, unit, heads by section, the whole on top and one line for each place of the level
that was asked for, with money to the fen, people as whole numbers, notes below, ready to print on A3 across."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import places
from doudi.core.lists import safe
from doudi.reports import queries, services
from doudi.reports.statistics import SECTIONS, YUAN, Line

LEVELS: dict[int, str | Promise] = {
    4: gettext_lazy("市"), 6: gettext_lazy("县（市、区）"), 9: gettext_lazy("乡镇（街道）"), 12: gettext_lazy("村（社区）"),
}  # fmt: skip
"""Length of a place's code -> the level."""
VILLAGE = 12
MOST = 4_000
"""Places of one workbook."""
FIXED = 3
"""Columns before the figures: code, place, the place that it belongs to."""


@dataclass(frozen=True)
class Table:
    """What a workbook shows: the lines with the whole's sums and those of each place."""

    area: str
    month: date
    level: int
    lines: tuple[Line, ...]
    whole: queries.Sums
    rows: Mapping[str, queries.Sums]
    at: datetime | None


def levels(area: str) -> dict[int, str | Promise]:
    """The levels by which a place's workbook can be divided: those below it; by village a county's and a township's alone."""
    return {length: name for length, name in LEVELS.items() if length > len(area) and (length < VILLAGE or len(area) >= 6)}


def table(area: str, month: date, level: int, now: datetime) -> Table:
    """What was counted, or for villages what the tables say now. Raises ValidationError for a level that this place does not have, and for too many places."""
    if level not in levels(area):
        raise ValidationError(_("这一地区不能按这一级导出，请重新选择。"))
    found = services.by_village(area=area, month=month, now=now) if level == VILLAGE else queries.sums_at(area, month, level)
    if len(found) > MOST:
        raise ValidationError(_("这一级有 %(count)d 个地区，一份表最多 %(most)d 个；请选择下级地区分别导出。") % {"count": len(found), "most": MOST})
    whole = queries.with_standards(area, month, {area: queries.sums(area, month)})[area]
    rows = queries.with_standards(area, month, found)
    return Table(area, month, level, queries.lines_of({area: whole, **rows}), whole, rows, queries.counted_at(area, month))


def written(asked: Table) -> bytes:
    """The file."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(f"{asked.month:%Y-%m}")
    title = book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
    head = book.add_format({"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter", "border": 1, "bg_color": "#F0F3F7"})
    text = book.add_format({"border": 1, "align": "left"})
    side, note = book.add_format({"align": "right"}), book.add_format({"text_wrap": True, "valign": "top", "font_color": "#555555"})
    cells = {bold: {kind: book.add_format({"border": 1, "bold": bold, "num_format": form}) for kind, form in FORMS.items()} for bold in (True, False)}
    bold = book.add_format({"border": 1, "bold": True, "align": "left"})
    columns, place = FIXED + len(asked.lines), places.name(asked.area)
    places.preload([*asked.rows, *{_above(code, asked.area) for code in asked.rows}])
    sheet.merge_range(0, 0, 0, columns - 1, _("%(place)s民政统计月报表") % {"place": place} + f"（{asked.month.year}年{asked.month.month}月）", title)
    sheet.write(1, 0, _("统计范围：%(place)s，按%(level)s") % {"place": place, "level": LEVELS[asked.level]})
    sheet.merge_range(1, columns - 4, 1, columns - 1, _("计量单位：人、户、人次、元，见各栏"), side)
    for column, words in enumerate([_("地区代码"), _("地区"), _("所属地区")]):
        sheet.merge_range(2, column, 3, column, words, head)
    _heads(sheet, asked.lines, head)
    _row(sheet, 4, (asked.area, _("合计"), place), asked.whole, asked.lines, bold, cells[True])
    for number, (code, given) in enumerate(asked.rows.items(), 5):
        _row(sheet, number, (code, places.name(code), places.name(_above(code, asked.area))), given, asked.lines, text, cells[False])
    last = 5 + len(asked.rows)
    sheet.merge_range(last, 0, last, columns - 1, "　".join(_notes(asked)), note)
    sheet.set_row(0, 30)
    sheet.set_row(2, 20)
    sheet.set_row(3, 46)
    sheet.set_row(last, 48)
    sheet.set_column(0, 0, 15)
    sheet.set_column(1, 2, 16)
    for column, line in enumerate(asked.lines, FIXED):
        sheet.set_column(column, column, 16 if line.unit is YUAN else 11)
    sheet.freeze_panes(5, FIXED)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.repeat_rows(0, 3)
    sheet.repeat_columns(0, FIXED - 1)
    sheet.fit_to_pages(2, 0)
    sheet.set_footer("&C&P / &N")
    book.close()
    return made.getvalue()


FORMS = {"count": "#,##0", "money": "#,##0.00", "none": "@"}


def _heads(sheet: Any, lines: tuple[Line, ...], form: Any) -> None:
    """Sections over their lines; a section of one line has no merged cell."""
    at = FIXED
    for title, each in SECTIONS:
        inside = [line for line in each if line in lines]
        if len(inside) > 1:
            sheet.merge_range(2, at, 2, at + len(inside) - 1, str(title), form)
        elif inside:
            sheet.write_string(2, at, str(title), form)
        for line in inside:
            sheet.write_string(3, at, f"{line.label}（{line.unit}）", form)
            at += 1


def _row(sheet: Any, number: int, named: tuple[str, str, str], given: queries.Sums, lines: tuple[Line, ...], text: Any, cells: Mapping[str, Any]) -> None:
    for column, words in enumerate(named):
        sheet.write_string(number, column, safe(words), text)
    for column, line in enumerate(lines, FIXED):
        value = queries.value_of(line, given)
        if value is None:
            sheet.write_string(number, column, "—", cells["none"])
        else:
            sheet.write_number(number, column, float(value), cells["money" if line.unit is YUAN else "count"])


def _above(code: str, area: str) -> str:
    """The place right above, no further than the one that was asked for."""
    return max(code[: max(length for length in (2, 4, 6, 9) if length < len(code))], area, key=len)


def _notes(asked: Table) -> list[str]:
    paid = len(asked.area) <= 6  # payrolls are a county's
    notes = [
        _("对象按每月1日在享待遇计；支出为当月已报送发放扣除支付退票；“10日前到账”按各县到账期限计。") if paid
        else _("对象按每月1日在享待遇计；支出为当月已报送发放扣除支付退票。")
    ]  # fmt: skip
    if asked.at:
        notes.insert(0, _("统计时间：%(at)s。") % {"at": f"{timezone.localtime(asked.at):%Y-%m-%d %H:%M}"})
    if asked.level == VILLAGE:
        notes.append(_("村（社区）数按现在的登记计算，与合计不一致的部分为统计后的更正和没有落到村的事项。"))
    if asked.level > 6:
        notes.append(_("资金发放按县统计，县以下不列。"))
    if queries.no_standard(asked.lines):
        notes.append(_("本月没有登记低保标准，平均标准不列。"))
    return notes
