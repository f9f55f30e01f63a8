"""A bank for demo and tests: takes the file of a released payroll and answers as banks do (支付退票 included)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from doudi.batch.synth.bank import bank_results
from doudi.payments import answers
from doudi.payments.models import Payroll
from doudi.payments.services import content


def bank_answer(payroll: Payroll, *, seed: int, return_share: float = 0.015) -> bytes:
    """The one-card result file of a payroll within the scope. Deterministic by seed and by the order of the lines, not by their ids."""
    returned: list[tuple[int, Decimal, str, str]] = []
    for number, table in enumerate(content.tables_of(payroll)):
        ids, fen = table["id"].to_numpy(), table["fen"].to_numpy()
        accounts, names = np.array(content.opened(table["account"]).to_pylist()), np.array(table["payee_name"].to_pylist())
        found = bank_results(np.arange(len(ids)), names, accounts, fen, seed=seed + number, return_share=return_share)
        returned += [(int(ids[at]), Decimal(int(fen[at])) / 100, str(found.code[at]), str(found.reason[at])) for at in np.flatnonzero(~found.ok)]
    return answers.one_card_results(number=payroll.number, lines=payroll.lines, amount=payroll.amount, returned=returned)
