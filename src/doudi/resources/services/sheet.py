"""A provider's sheet of services (服务记录表): template, reading, row errors with place, field, reason and next step; all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid5

import xlsxwriter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.datasets import Column, Contract
from doudi.batch.reading import DeliveryRefused, open_delivery, read_rows
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.registry.models import Person
from doudi.registry.sheets import parse_day
from doudi.resources.models import ContractLine, PurchasedService, ServiceContract
from doudi.resources.services.base import decimal_of, phone_token
from doudi.resources.services.recording import Given, left_of, write

MOST = 2000
LARGEST = 5 * 1024 * 1024
NAMESPACE = UUID("5f0c8e56-6f0e-4b0c-9d5e-8f4f6f2a7c10")
COLUMNS = (
    Column("line", "服务项目", required=True),
    Column("day", "服务日期", required=True),
    Column("quantity", "数量", required=True),
    Column("worker", "服务人员", required=True),
    Column("recipient", "服务对象", required=True, aliases=("姓名", "活动名称")),
    Column("id_number", "身份证号", aliases=("公民身份号码",)),
    Column("village", "村代码", aliases=("村（社区）代码", "区划代码")),
    Column("people", "人数"),
    Column("phone", "联系电话", aliases=("电话", "手机号")),
    Column("note", "服务内容"),
)
NOTES = {
    "line": "与合同中的服务名称一致", "day": "如 2022-12-01", "quantity": "按合同单位，最多两位小数", "id_number": "个人服务必填；本列须为文本格式",
    "village": "集体活动必填：区划代码 9 或 12 位", "people": "集体活动填参加人数", "phone": "用来请服务对象确认，最好填写",
}  # fmt: skip
LABELS = {column.name: column.header_zh for column in COLUMNS}
CONTRACT = Contract(
    code="purchased_services",
    name_zh="服务记录表",
    department_zh="民政",
    columns=COLUMNS,
    key=("recipient",),
    legal_basis="国办发〔2013〕96号《政府向社会力量购买服务》",
)


@dataclass
class Row:
    """A row of the sheet: its number as the provider sees it, its cells, what is wrong with it."""

    number: int
    cells: dict[str, str]
    errors: list[str] = field(default_factory=list)

    def wrong(self, column: str, reason: str) -> None:
        self.errors.append(f"第 {self.number} 行“{LABELS[column]}”{reason}")


def template(contract: ServiceContract) -> bytes:
    """The template of one contract, with its services to choose from."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        text, head = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "bg_color": "#E8F1FD", "border": 1})
        sheet = book.add_worksheet("服务记录")
        for at, column in enumerate(COLUMNS):
            sheet.set_column(at, at, 22 if column.name in ("id_number", "line", "note") else 14, text)
            sheet.write_string(0, at, column.header_zh, head)
            if column.name in NOTES:
                sheet.write_comment(0, at, NOTES[column.name])
        sheet.data_validation(1, 0, MOST, 0, {"validate": "list", "source": [line.name for line in contract.lines.order_by("position")][:10]})
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def read(path: Path) -> tuple[str, list[Row]]:
    """(SHA-256, rows without blank ones). Raises DeliveryRefused for hostile, broken, too large and empty files and for missing columns."""
    if path.stat().st_size > LARGEST:
        raise DeliveryRefused(f"文件超过 {LARGEST >> 20} MB；请分批导入")
    opened = open_delivery(path, CONTRACT)
    rows: list[Row] = []
    for batch in read_rows(opened):
        formulas = {(number, at) for at, found in batch.formulas.items() for number in found}
        for number, cells in zip(batch.numbers.tolist(), batch.cells.iter_rows(), strict=True):
            texts = ["" if cell is None else str(cell).strip(" \t\r\n\u3000\u00a0\ufeff") for cell in cells]
            if not any(texts) or texts == opened.titles:
                continue
            row = Row(number, dict.fromkeys(LABELS, ""))
            for at, column in enumerate(opened.columns):
                if column is None:
                    continue
                row.cells[column.name] = texts[at]
                if (number, at) in formulas:
                    row.wrong(column.name, "是公式；请复制后以“数值”粘贴，再重新上传")
                elif texts[at][:1] in ("=", "+", "-", "@") or len(texts[at]) > 300:
                    row.wrong(column.name, "以公式符号开头或超过 300 字；请改为普通文字后重新上传")
            rows.append(row)
            if len(rows) > MOST:
                raise DeliveryRefused(f"超过 {MOST} 行；请分批导入")
        for number, reason, _original in batch.broken:
            rows.append(Row(number, dict.fromkeys(LABELS, ""), [f"第 {number} 行：{reason}；请核对后重新上传"]))
    if not rows:
        raise DeliveryRefused("表头以下没有数据；请核对后重新上传")
    return opened.sha256, sorted(rows, key=lambda row: row.number)


def _people(rows: list[Row]) -> dict[str, Person]:
    """ID number as written -> person of the registry within the scope; one query."""
    tokens = {}
    for row in rows:
        given = row.cells["id_number"]
        if not given:
            continue
        try:
            tokens[given] = numbers.id_token(idnumber.parse(given).number18)
        except ValueError as error:
            row.wrong("id_number", f"{error}；请核对证件后重新上传")
    found = {person.token: person for person in Person.objects.filter(token__in=tokens.values())}
    return {given: found[token] for given, token in tokens.items() if token in found}


@transaction.atomic
def import_sheet(*, contract_id: int, path: Path, now: datetime) -> tuple[int, list[str]]:
    """(records written, what is wrong). Nothing is written while a row is wrong; the same file again writes nothing twice.

    Raises ValidationError for files that are not read at all and for contracts not in force.
    """
    acting = duties.require("purchases.record")
    contract = ServiceContract.objects.filter(pk=contract_id, state=ServiceContract.State.ACTIVE).first()
    if contract is None:
        raise ValidationError(_("没有这份合同，或它不在执行中。"))
    try:
        digest, rows = read(path)
    except DeliveryRefused as error:
        raise ValidationError(str(error)) from None
    lines = {line.name: line for line in ContractLine.objects.filter(contract=contract)}
    people, today, left = _people(rows), timezone.localdate(now), left_of(contract)
    villages = set(
        Division.objects.filter(code__in={row.cells["village"] for row in rows if row.cells["village"]}, ends__isnull=True).values_list(
            "code", flat=True
        )
    )
    uuids = {row.number: uuid5(NAMESPACE, f"{contract.pk}:{digest}:{row.number}") for row in rows}
    known = set(PurchasedService.objects.filter(uuid__in=uuids.values()).values_list("uuid", flat=True))
    fresh = [row for row in rows if uuids[row.number] not in known]
    given: list[tuple[Row, Given]] = []
    seen: set[tuple[int, int | None, date]] = set()
    for row in fresh:
        found = _given(row, uuids[row.number], contract, lines, people, villages, acting, today)
        if found is not None and not row.errors:
            key = (found.line_id, found.person_id, found.day)
            if found.person_id is not None and key in seen:
                row.wrong("recipient", "与上面的行重复：同一人当天的同一项服务只登记一次")
            seen.add(key)
            left[found.line_id] -= found.quantity
            if left[found.line_id] < 0:
                row.wrong("quantity", f"超过合同余量（{lines[row.cells['line']].quantity} {lines[row.cells['line']].unit}）；请核对合同")
            given.append((row, found))
    recorded = PurchasedService.objects.filter(contract=contract, person__in=[each.person_id for _row, each in given if each.person_id])
    there = set(recorded.exclude(state__in=["refused", "void"]).values_list("line_id", "person_id", "day"))
    for row, each in given:
        if (each.line_id, each.person_id, each.day) in there:
            row.wrong("recipient", "当天的这项服务已登记过；请删除这一行")
    errors = [error for row in rows for error in row.errors]
    if errors:
        return 0, errors
    return len(write(contract, [each for _row, each in given], now=now)), []


def _given(
    row: Row,
    uuid: UUID,
    contract: ServiceContract,
    lines: dict[str, ContractLine],
    people: dict[str, Person],
    villages: set[str],
    acting: scopes.Scope,
    today: date,
) -> Given | None:
    """The row as a record, or None; what is wrong stands in the row."""
    cells = row.cells
    line, day, quantity = lines.get(cells["line"]), parse_day(cells["day"]), decimal_of(cells["quantity"])
    if line is None:
        row.wrong("line", "不是合同中的服务；请填写：" + "、".join(lines))
    if day is None or not contract.starts <= day <= min(contract.until, today):
        row.wrong("day", f"应为 {contract.starts} 至 {min(contract.until, today)} 之间的日期，如 2022-12-01")
    if quantity is None:
        row.wrong("quantity", "应为正数，最多两位小数")
    if len(cells["worker"]) < 2:
        row.wrong("worker", "没有填写；请填写服务人员姓名")
    if len(cells["recipient"]) < 2:
        row.wrong("recipient", "没有填写；个人填姓名，集体活动填活动名称")
    phone = None
    try:
        phone = phone_token(cells["phone"])
    except ValidationError:
        row.wrong("phone", "不是有效的电话；请核对，没有可不填")
    person, area, count = people.get(cells["id_number"]), cells["village"], 1
    if cells["id_number"]:
        if person is None and not row.errors:
            row.wrong("id_number", "辖区内没有登记此人；请核对证件，或先登记人员")
        elif person is not None:
            if person.name != cells["recipient"]:
                row.wrong("recipient", "与登记的姓名不一致；请核对证件")
            area, phone = person.area, phone or person.phone
    elif area not in villages or not acting.covers(area) or not area.startswith(contract.area) or len(area) < 9:
        row.wrong("village", "应为辖区内的乡镇或村（社区）代码；个人服务请填身份证号")
    elif cells["people"]:
        if not cells["people"].isdigit() or not 1 <= int(cells["people"]) <= 500:
            row.wrong("people", "应为 1 至 500 的整数")
        else:
            count = int(cells["people"])
    if row.errors or line is None or day is None or quantity is None:
        return None
    return Given(
        uuid, line.pk, day, Decimal(quantity), cells["worker"], area, cells["recipient"], person.pk if person else None, count, phone, cells["note"]
    )
