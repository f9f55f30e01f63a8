"""Dataset contracts (数据共享目录, measures 1.1): what a department hands in, as pages and as files to give to it."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.batch.datasets import CONTRACTS, Column, Contract
from doudi.core.views.access import may

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {
    "name": gettext_lazy("姓名"),
    "id_number": gettext_lazy("身份证号，18 位"),
    "certificate": gettext_lazy("残疾人证号，20 位"),
    "text": gettext_lazy("文字，200 字以内"),
    "code": gettext_lazy("代码或名称"),
    "flag": gettext_lazy("是或否"),
    "date": gettext_lazy("日期，如 2022-11-03"),
    "month": gettext_lazy("月份，如 2022-11"),
    "amount": gettext_lazy("金额"),
    "number": gettext_lazy("数值"),
    "division": gettext_lazy("行政区划代码或名称"),
    "credit_code": gettext_lazy("统一社会信用代码，18 位"),
}


def _column(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "header": column.header_zh,
        "type": TYPES.get(column.type, column.type),
        "required": column.required,
        "key": column.name in key,
        "unit": column.unit or ("元" if column.type == "amount" else ""),
        "codes": [f"{code} {_(label)}" for code, label in (column.labels or {}).items()],
        "aliases": column.aliases,
        "sealed": bool(column.sensitive),
    }


def _contract(code: str) -> Contract:
    if code not in CONTRACTS:
        raise Http404
    return CONTRACTS[code]


@require_GET
@may("discovery.deliver")
def index(request: HttpRequest) -> HttpResponse:
    """All contracts by department."""
    departments: dict[str, list[Contract]] = {}
    for contract in CONTRACTS.values():
        departments.setdefault(contract.department_zh, []).append(contract)
    return render(request, "discovery/contracts.html", {"departments": departments, "count": len(CONTRACTS)})


@require_GET
@may("discovery.deliver")
def show(request: HttpRequest, code: str) -> HttpResponse:
    """One contract with its columns; printed, it is the sheet that goes to the department."""
    contract = _contract(code)
    context = {
        "contract": contract,
        "columns": [_column(column, contract.key) for column in contract.columns],
        "key": "、".join(contract[name].header_zh for name in contract.key),
    }
    return render(request, "discovery/contract.html", context)


def _download(content: io.BytesIO, name: str, kind: str) -> HttpResponseBase:
    content.seek(0)
    response = FileResponse(content, content_type=kind)
    response["Content-Disposition"] = "attachment; filename*=UTF-8''" + quote(name)
    return response


@require_GET
@may("discovery.deliver")
def template(request: HttpRequest, code: str) -> HttpResponseBase:
    """An empty sheet with the contract's headers, for the department to fill in."""
    contract = _contract(code)
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet, head, text = book.add_worksheet(), book.add_format({"bold": True, "bg_color": "#E8F1FD"}), book.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(contract.columns):
            sheet.set_column(at, at, 22, text)
            sheet.write_string(0, at, column.header_zh, head)
    return _download(buffer, f"{contract.name_zh}-模板.xlsx", SHEET)
