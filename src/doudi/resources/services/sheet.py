"""A provider's sheet of services (服务记录表): template, reading, row errors with place, field, reason and next step; all of it or nothing."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.datasets import Column, Contract
from doudi.core import duties, numbers, sheets
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.sheets import Row, parse_day
from doudi.registry.models import Person
from doudi.resources.models import ContractLine, PurchasedService, ServiceContract
from doudi.resources.services.base import decimal_of, phone_token
from doudi.resources.services.recording import Given, left_of, write

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
CONTRACT = Contract(
    code="purchased_services",
    name_zh="服务记录表",
    department_zh="民政",
    columns=COLUMNS,
    key=("recipient",),
    legal_basis="国办发〔2013〕96号《政府向社会力量购买服务》",
)
LAYOUT = sheets.Layout(CONTRACT, most=2000, longest=300, notes=NOTES)


def template(contract: ServiceContract) -> bytes:
    """The template of one contract, with its services to choose from."""
    lines = [line.name for line in contract.lines.order_by("position")][:10]
    return sheets.template("服务记录", LAYOUT, choices={"line": lines}, wide=("id_number", "line", "note"))


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
    digest, rows = sheets.read(path, LAYOUT)
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
    errors = [error for row in rows for error in row.said()]
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
