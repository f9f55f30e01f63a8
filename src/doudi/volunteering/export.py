"""Excel for the national volunteer information system (全国志愿服务信息系统): its fields, in its order; numbers in full, so every export is recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import xlsxwriter
from django.utils import timezone

from doudi.core import audit, duties, numbers, places
from doudi.core.lists import EXPORT_CEILING
from doudi.registry.codes import ETHNICITIES
from doudi.volunteering import codes, queries
from doudi.volunteering.models import ServiceRecord, Volunteer
from doudi.volunteering.services.certificates import hours

Field = tuple[str, Callable[[Any], Any]]


def _moment(value: Any) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


def _place(code: str) -> str:
    return "".join(places.path(code))


# Heads are the system's own words: files for other offices stay Chinese.
VOLUNTEERS: tuple[Field, ...] = (
    ("姓名", lambda row: row.name), ("证件类型", lambda row: _zh(row.get_document_kind_display())), ("证件号码", lambda row: numbers.plain(row.document)),
    ("性别", lambda row: _zh(row.get_sex_display())), ("出生日期", lambda row: f"{row.birth_date}"), ("联系电话", lambda row: numbers.plain(row.phone)),
    ("民族", lambda row: ETHNICITIES.get(row.ethnicity, "")), ("政治面貌", lambda row: _zh(codes.POLITICAL.get(row.political, ""))),
    ("文化程度", lambda row: _zh(codes.EDUCATION.get(row.education, ""))), ("从业状况", lambda row: _zh(codes.EMPLOYMENT.get(row.employment, ""))),
    ("所在区域", lambda row: _place(row.area)), ("居住地址", lambda row: row.address or ""), ("服务技能", lambda row: codes.words(row.skills, codes.SKILLS)),
    ("服务类别", lambda row: codes.words(row.services, codes.SERVICES)), ("所属组织", lambda row: row.organisation.name if row.organisation else ""),
    ("注册日期", lambda row: f"{row.registered_on}"), ("志愿者编号", lambda row: row.number),
)  # fmt: skip
RECORDS: tuple[Field, ...] = (
    ("志愿者编号", lambda row: row.volunteer.number), ("姓名", lambda row: row.volunteer.name), ("证件号码", lambda row: numbers.plain(row.volunteer.document)),
    ("活动或需求", lambda row: row.title), ("服务类别", lambda row: _zh(codes.SERVICES.get(row.kind, row.kind))),
    ("所属组织", lambda row: row.organisation.name if row.organisation else ""), ("服务地点", lambda row: row.place), ("岗位", lambda row: row.post),
    ("开始时间", lambda row: _moment(row.starts)), ("结束时间", lambda row: _moment(row.ends)), ("服务时长（小时）", lambda row: float(hours(row.minutes or 0).replace(",", ""))),
    ("服务评价", lambda row: row.evaluation or ""), ("记录人", lambda row: row.recorded_by.name if row.recorded_by else _zh(queries.BY[row.recorded])),
)  # fmt: skip


def _zh(text: Any) -> str:
    return str(text)


def _rows(what: str) -> tuple[tuple[Field, ...], Iterator[Any]]:
    if what == "volunteers":
        found = queries.here(Volunteer.objects.exclude(state="pending").select_related("organisation")).order_by("area", "number")
        return VOLUNTEERS, found[:EXPORT_CEILING].iterator(chunk_size=2000)
    served = queries.here(ServiceRecord.objects.filter(state="done").select_related("volunteer", "organisation", "recorded_by")).order_by("starts", "id")
    return RECORDS, served[:EXPORT_CEILING].iterator(chunk_size=2000)


def workbook(what: str) -> Any:
    """The file, written row by row to disk. `what`: volunteers or records. Text stays text: nothing is run as a formula."""
    duties.require("volunteering.export")
    audit.record_access(what="export", subject="volunteer" if what == "volunteers" else "service_record", reason="全国志愿服务信息系统", field="xlsx")
    file = tempfile.TemporaryFile()  # noqa: SIM115  (FileResponse closes it)
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    fields, rows = _rows(what)
    _write(book, fields, rows, "志愿者" if what == "volunteers" else "服务记录")
    book.close()
    file.seek(0)
    return file


def _write(book: Any, fields: Sequence[Field], rows: Iterator[Any], title: str) -> None:
    sheet, head = book.add_worksheet(title), book.add_format({"bold": True})
    for at, (label, _value) in enumerate(fields):
        sheet.set_column(at, at, 24 if label in ("证件号码", "所在区域", "活动或需求", "所属组织", "服务地点") else 14)
        sheet.write_string(0, at, label, head)
    for number, row in enumerate(rows, 1):
        for at, (_label, value) in enumerate(fields):
            cell = value(row)
            if isinstance(cell, int | float):
                sheet.write_number(number, at, cell)
            else:
                sheet.write_string(number, at, cell or "")
    sheet.freeze_panes(1, 0)
