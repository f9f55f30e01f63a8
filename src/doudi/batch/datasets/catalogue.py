"""All dataset contracts (数据共享目录) by code, in the order of the pages."""

from __future__ import annotations

from .basic import BASIC
from .contract import Contract
from .situations import SITUATIONS

CONTRACTS: dict[str, Contract] = {contract.code: contract for contract in (*BASIC, *SITUATIONS)}
