"""Dataset contracts (数据共享目录): what a department's file must look like (measures 1.1)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Schema

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.rights import Caller, needs
from doudi.batch.datasets import CONTRACTS
from doudi.batch.datasets.handout import table_schema

router = Router()


class ContractOut(Schema):
    """`allowed`: the token may deliver it."""

    code: str
    name: str
    department: str
    key: list[str]
    legal_basis: str
    freshness_days: int
    columns: list[str]
    allowed: bool


SCHEMA = {200: {"description": "Frictionless Table Schema", "content": {"application/json": {"schema": {"type": "object"}}}}}


@router.get("", response={200: list[ContractOut], REFUSALS: ErrorOut}, summary="数据共享目录 / Dataset contracts", **needs())
def listed(request: HttpRequest) -> list[dict[str, object]]:
    """全部目录；allowed 表示本令牌可以报送。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return [
        {
            "code": contract.code,
            "name": contract.name_zh,
            "department": contract.department_zh,
            "key": list(contract.key),
            "legal_basis": contract.legal_basis,
            "freshness_days": contract.freshness_days,
            "columns": contract.headers,
            "allowed": contract.code in caller.datasets,
        }
        for contract in CONTRACTS.values()
    ]


@router.get(
    "/{slug:code}/schema", response={REFUSALS: ErrorOut}, summary="目录的数据格式 / Table Schema of a contract", **needs(responses=SCHEMA)
)
def schema(request: HttpRequest, code: str) -> HttpResponse:
    """一项目录的字段、类型、必填、取值和主键（Frictionless Table Schema）。"""
    if code not in CONTRACTS:
        raise Http404
    return JsonResponse(table_schema(CONTRACTS[code]), json_dumps_params={"ensure_ascii": False})
