"""A contract as files to give to the department: Frictionless Table Schema (JSON), and a workbook with explanation, fields and an empty sheet.

They say what to hand in; the reading of files is more forgiving (other spellings of headers and codes, other forms of dates).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from .contract import Column, Contract

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
# type of a column -> type and format of the standard
FRICTIONLESS: dict[str, dict[str, str]] = {
    "date": {"type": "date", "format": "%Y-%m-%d"},
    "month": {"type": "yearmonth"},
    "amount": {"type": "number"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
}
PATTERNS = {"id_number": "[0-9]{17}[0-9X]", "person_number": "[0-9]{17}[0-9X]", "certificate": "[0-9]{17}[0-9X][1-7][1-4].*", "credit_code": "[0-9A-HJ-NPQRTUWXY]{18}"}
LONGEST_LIST = 255  # characters of a list of choices in a cell, a limit of Excel
LENGTHS = {"name": 50, "text": 200}
# type -> words for the department
TYPES_ZH = {
    "name": "姓名", "id_number": "身份证号，18 位", "person_number": "身份证号，18 位", "certificate": "残疾人证号，20 位", "text": "文字，200 字以内",
    "code": "代码或名称", "flag": "是或否",
    "date": "日期，如 2022-11-03", "month": "月份，如 2022-11", "amount": "金额", "number": "数值", "division": "行政区划代码或名称",
    "credit_code": "统一社会信用代码，18 位", "phone": "手机号，或带区号的固定电话",
}  # fmt: skip


def values_of(column: Column) -> list[str]:
    """The names that a code column may hold, in the order of their codes; the codes themselves are taken too."""
    return list(dict.fromkeys((column.labels or column.codes or {}).values()))


def unit_of(column: Column) -> str:
    """Unit of a bare figure; amounts without a unit of their own are in yuan."""
    return column.unit or ("元" if column.type == "amount" else "")


def _field(contract: Contract, column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
    if column.type == "code":
        constraints["enum"] = [*values_of(column), *(code for code in (column.labels or {}) if code not in values_of(column))]
    if column.type in PATTERNS:
        constraints["pattern"] = PATTERNS[column.type]
    if column.type in LENGTHS:
        constraints["maxLength"] = LENGTHS[column.type]
    if column.minimum is not None:
        constraints["minimum"] = column.minimum
    if contract.key == (column.name,) and contract.nature == "state":
        constraints["unique"] = True
    found: dict[str, Any] = {"name": column.header_zh, "title": column.name, **FRICTIONLESS.get(column.type, {"type": "string"})}
    told = [
        TYPES_ZH.get(column.type, ""),
        f"单位：{unit_of(column)}" if unit_of(column) else "",
        f"也可写作：{'、'.join(column.aliases)}" if column.aliases else "",
    ]
    found["description"] = "；".join(each for each in told if each)
    if column.type == "flag":
        found |= {"trueValues": ["是", "1"], "falseValues": ["否", "0"]}
    if constraints:
        found["constraints"] = constraints
    return found


def table_schema(contract: Contract) -> dict[str, Any]:
    """The contract as Frictionless Table Schema; `department`, `freshnessDays` and the like are properties of our own beside the standard's."""
    return {
        "$schema": PROFILE,
        "name": contract.code,
        "title": contract.name_zh,
        "fields": [_field(contract, column) for column in (*contract.columns, *contract.linking)],
        "fieldsMatch": ["subset"],
        "primaryKey": [contract[name].header_zh for name in contract.key],
        "missingValues": [""],
        "department": contract.department_zh,
        "legalBasis": contract.legal_basis,
        "freshnessDays": contract.freshness_days,
        "maxBadShare": contract.max_bad_share,
        "contact": contract.contact,
    }


def write_handout(contract: Contract, path: Path | Any, *, contact: str = "") -> None:
    """A workbook of three sheets: 说明 (the agreement), 字段 (one row a column), 填报 (headers alone). `path`: a file or an open binary one."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, wrap = book.add_format({"bold": True, "bg_color": "#E8F1FD"}), book.add_format({"text_wrap": True, "valign": "top"})
        text = book.add_format({"num_format": "@"})
        facts = book.add_worksheet("说明")
        facts.set_column(0, 0, 14, bold)
        facts.set_column(1, 1, 90, wrap)
        rows = [
            ("数据目录", f"{contract.name_zh}（{contract.code}）"),
            ("报送部门", contract.department_zh),
            ("依据", contract.legal_basis),
            (
                "主键",
                "、".join(contract[name].header_zh for name in contract.key)
                + ("；同一主键以最新一行为准" if contract.nature == "state" else "；每行一笔"),
            ),
            ("周期", f"每 {contract.freshness_days} 天至少报送一次"),
            ("容错", f"有误的行不超过 {contract.max_bad_share:.0%} （或只有一行）的，接收合格的行，其余退回；超过的整批退回"),
            ("文件", "CSV、TSV 或 XLSX；第一行为字段名，列的顺序不限；身份证号等长号码的列设为文本格式"),
            ("退回", "有误的行连同行号、字段、原因退回，更正后只需报送更正的行；同一文件重复报送不会重复接收"),
            ("联系人", contact or contract.contact),
        ]
        if contract.linking:
            columns = "、".join(column.header_zh for column in contract.linking)
            rows.insert(-1, ("无身份证号", f"没有或写错身份证号的行退回更正，同时留待疑似同一人核查；请尽量填写：{columns}"))
        for at, (label, value) in enumerate(rows):
            facts.write_string(at, 0, label, bold)
            facts.write_string(at, 1, value, wrap)
        fields = book.add_worksheet("字段")
        fields.freeze_panes(1, 0)
        fields.set_column(0, 3, 16, wrap)
        fields.set_column(4, 5, 60, wrap)
        for at, title in enumerate(["字段", "类型", "必填", "单位", "允许的取值", "也可写作"]):
            fields.write_string(0, at, title, bold)
        for row, column in enumerate((*contract.columns, *contract.linking), 1):
            cells = [column.header_zh, TYPES_ZH.get(column.type, column.type), "是" if column.required else "否", unit_of(column)]
            for at, cell in enumerate([*cells, "、".join(values_of(column)), "、".join(column.aliases)]):
                fields.write_string(row, at, cell, wrap)
        sheet = book.add_worksheet("填报")
        sheet.freeze_panes(1, 0)
        for at, column in enumerate((*contract.columns, *contract.linking)):
            sheet.set_column(at, at, 22, text)
            sheet.write_string(0, at, column.header_zh, bold)
            values = values_of(column)
            if values and len(",".join(values)) <= LONGEST_LIST:
                sheet.data_validation(1, at, 100_000, at, {"validate": "list", "source": values, "error_type": "warning"})
