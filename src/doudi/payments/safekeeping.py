"""What a backup notes of payments, and what a restored system proves of them (`core.backup`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from doudi.core import backup, places
from doudi.core import scope as scopes
from doudi.core.checks_registry import Finding
from doudi.core.duties import WORKER

LEDGER = """
select concat_ws(' ', e.area, f.code, e.fund_year, e.account), sum(e.amount) from payments_ledgerentry e join payments_fund f on f.id = e.fund_id
group by e.area, f.code, e.fund_year, e.account
"""
PAID = "select to_char(month, 'YYYY-MM'), sum(amount) from payments_payroll where state in ('released', 'booked') group by 1"

backup.add_total("ledger", LEDGER)
backup.add_total("payrolls", PAID)


@backup.add_proof
def payments_agree(now: datetime) -> Iterator[Finding]:
    """The proof of `doudi payroll --check` over everything."""
    from doudi.payments.services import proof

    acting = scopes.Scope(area=places.PROVINCE, duty=WORKER, page="doudi restore", acts=frozenset({"payments.view"}))
    with scopes.acting(acting):
        found = proof.prove(area=places.PROVINCE)
        said = proof.said(found)
    yield Finding("资金台账对账", "ok" if found.holds else "error", "；".join(said[:5]) or f"{found.payrolls} 个批次，分毫不差")
