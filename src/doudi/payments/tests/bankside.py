"""The other side of a county's files for tests: choices of layouts, a bank's receipts, answers read in and booked."""

from __future__ import annotations

from datetime import date
from typing import Any

from doudi.core import scope as scopes
from doudi.payments import answers, layout_io, layouts
from doudi.payments.models import BankFile, BankResult, LayoutChoice, LedgerEntry, Payroll
from doudi.payments.services import exchange, files
from doudi.payments.tests.world import COUNTY, NOW, ON, Officers, award, downloaded

TODAY = date(2022, 12, 5)


def choose(officers: Officers, layout: str, **more: Any) -> LayoutChoice:
    with scopes.acting(officers.finance):
        given = {"starts": TODAY, "document": "代发协议〔2022〕1号", **more}
        row = exchange.propose_choice(area=COUNTY, layout=layout, on=TODAY, now=NOW, **given)
    with scopes.acting(officers.approver):
        return exchange.decide_choice(choice_id=row.pk, decision="confirmed", note="", now=NOW)


def released(officers: Officers, n: int = 3, *, programme: str = "", **more: Any) -> Payroll:
    with scopes.acting(officers.reviewer):
        for _ in range(n):
            award(**more)
        if programme:
            award(programme=programme, amount="75.00")
    officers.money("100000.00")
    officers.money("100000.00", fund="disability")
    return officers.released(officers.prepared().payroll)


def exported(officers: Officers, payroll: Payroll) -> list[BankFile]:
    with scopes.acting(officers.finance):
        return [one.file for one in files.export_chosen(payroll_id=payroll.pk, now=NOW)]


def bytes_of(officers: Officers, file: BankFile) -> bytes:
    with scopes.acting(officers.finance):
        return downloaded(file.pk)


def receipt_of(officers: Officers, file: BankFile, *back: int, cheat: int = 0) -> bytes:
    """The bank's receipt for one file in fen: line ids in `back` came back."""
    rows = layout_io.read(layouts.LAYOUTS["bank_fen"], bytes_of(officers, file), name=file.name).rows
    return answers.receipt(
        number=file.number,
        rows=[
            (
                int(row["流水号"]),
                row["户名"],
                row["账号"],
                int(row["金额（分）"]) + (cheat if at == 0 else 0) - (cheat if at == 1 else 0),
                "R03" if int(row["流水号"]) in back else "",
                "已销户" if int(row["流水号"]) in back else "",
            )
            for at, row in enumerate(rows)
        ],
    )


def received(officers: Officers, payroll: Payroll, *data: tuple[str, bytes]) -> exchange.Received:
    with scopes.acting(officers.finance):
        return exchange.receive(payroll_id=payroll.pk, data=list(data), now=NOW)


def looked_at(officers: Officers, payroll: Payroll) -> exchange.Preview:
    with scopes.acting(officers.finance):
        return exchange.preview(payroll_id=payroll.pk)


def booked(officers: Officers, payroll: Payroll) -> Any:
    with scopes.acting(officers.finance):
        return exchange.book_received(payroll_id=payroll.pk, on=ON, now=NOW)


def nothing_is_booked(officers: Officers, payroll: Payroll) -> None:
    with scopes.acting(officers.finance):
        assert not BankResult.objects.exists() and Payroll.objects.get(pk=payroll.pk).state == "released"
        assert not LedgerEntry.objects.filter(payroll=payroll, account="paid").exists()
