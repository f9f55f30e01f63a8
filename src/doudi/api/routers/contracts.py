"""Dataset contracts (数据共享目录): what a department's file must look like (measures 1.1)."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.rights import Caller, needs
from doudi.batch.datasets import CONTRACTS

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
