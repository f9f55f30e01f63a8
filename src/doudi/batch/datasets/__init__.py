"""Dataset contracts (数据共享目录): what each department hands in, declared as data."""

from .catalogue import CONTRACTS
from .contract import Column, Contract, header_key

__all__ = ["CONTRACTS", "Column", "Contract", "header_key"]
