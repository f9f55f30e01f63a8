"""Dataset contracts (数据共享目录, measures 1.1): what a department hands in, as pages and as files to give to it."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import quote

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.batch.datasets import CONTRACTS, Column, Contract
from doudi.batch.datasets.handout import TYPES_ZH, table_schema, unit_of, write_handout
from doudi.core.views.access import may
from doudi.discovery.models import DeliveryPlan

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _column(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "header": column.header_zh,
        "type": _(TYPES_ZH.get(column.type, column.type)),
        "required": column.required,
        "key": column.name in key,
        "unit": unit_of(column),
        "codes": [f"{code} {_(label)}" for code, label in (column.labels or {}).items()],
        "aliases": column.aliases,
        "sealed": bool(column.sensitive),
    }


def _contract(code: str) -> Contract:
    if code not in CONTRACTS:
        raise Http404
    return CONTRACTS[code]


def _contact(request: HttpRequest, contract: Contract) -> str:
    """Whom the reader's own place asks, else the contract's contact."""
    plan = DeliveryPlan.objects.filter(area=request.scope.area, dataset=contract.code).first()  # type: ignore[attr-defined]
    return (plan.contact if plan else "") or contract.contact


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
        "columns": [_column(column, contract.key) for column in (*contract.columns, *contract.linking)],
        "contact": _contact(request, contract),
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
def handout(request: HttpRequest, code: str) -> HttpResponseBase:
    """Explanation, fields and an empty sheet as one workbook to give to the department, with the place's own contact."""
    contract = _contract(code)
    buffer = io.BytesIO()
    write_handout(contract, buffer, contact=_contact(request, contract))
    return _download(buffer, f"{contract.name_zh}-数据说明和模板.xlsx", SHEET)


@require_GET
@may("discovery.deliver")
def schema(request: HttpRequest, code: str) -> HttpResponseBase:
    """The contract as Frictionless Table Schema, for the department's programmers."""
    contract = _contract(code)
    text = json.dumps(table_schema(contract), ensure_ascii=False, indent=2)
    return _download(io.BytesIO(text.encode()), f"{contract.code}.schema.json", "application/json")
