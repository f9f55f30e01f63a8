"""The proof (measures 4.1): ledger = payrolls = bank results to the fen, and what does not agree is named, by night, by doctor, by command."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from typer.testing import CliRunner

from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.payments import panels
from doudi.payments.models import LedgerAccount, Payroll
from doudi.payments.services import ledger, payrolls, proof
from doudi.payments.tests.world import COUNTY, MONTH, NOW, ON, Officers, award


def paid(officers: Officers) -> Payroll:
    """December of two households, one line returned."""
    with scopes.acting(officers.reviewer):
        award(members=2, amount="300.00")
        award(amount="200.05")
    officers.money()
    draft = officers.prepared().payroll
    officers.released(draft)
    officers.exported(draft, "one_card_csv")
    officers.booked(draft, officers.answer(draft, officers.first_line(draft)))
    return draft


def spoil(officers: Officers, payroll: Payroll, amount: str = "0.01") -> None:
    """One fen of what was paid is written as returned: balanced, and untrue."""
    with scopes.acting(officers.finance):
        ledger.move(
            area=COUNTY, fund_id=1, year=2022, amount=Decimal(amount), source=LedgerAccount.PAID, target=LedgerAccount.RETURNED, what="x", payroll=payroll,
            on=ON, now=NOW,
        )  # fmt: skip


@pytest.mark.django_db
def test_4_1_the_proof_holds_at_every_step_of_a_payroll(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(members=2)
    officers.money()
    draft = officers.prepared().payroll

    def holds() -> bool:
        with scopes.acting(officers.finance):
            return proof.prove(area=COUNTY).holds

    assert holds()
    officers.approved(draft)
    assert holds()
    with scopes.acting(officers.finance):
        payrolls.release_payroll(payroll_id=draft.pk, on=ON, now=NOW)
    assert holds()
    officers.exported(draft, "one_card_csv")
    officers.booked(draft, officers.answer(draft, officers.first_line(draft)))
    with scopes.acting(officers.finance):
        found = proof.prove(area=COUNTY)
        assert found.holds and found.rows[0].bank_returned == found.rows[0].ledger_returned == Decimal(300)


@pytest.mark.django_db
def test_4_1_one_fen_off_is_named_with_its_payroll_and_told_by_night(officers: Officers, django_assert_max_num_queries: object) -> None:
    draft = paid(officers)
    with scopes.acting(officers.finance):
        assert proof.nightly(area=COUNTY, on=ON, now=NOW) == {"payrolls": 1, "differences": 0}
    spoil(officers, draft)
    with scopes.acting(officers.finance):
        with django_assert_max_num_queries(10):  # type: ignore[operator]
            found = proof.prove(area=COUNTY)
        said = " ".join(proof.said(found))
        assert f"{draft.number} 困难群众救助补助资金 2022：银行成功 = 资金台账已发放，200.05 ≠ 200.04，相差 0.01" in said and "退票待发" in said
        assert not found.rows[0].holds
        proof.nightly(area=COUNTY, on=ON, now=NOW)
        proof.nightly(area=COUNTY, on=ON, now=NOW)
        todos = Todo.objects.filter(kind="payments.proof", done_at__isnull=True)
        assert sorted(todos.values_list("subject", "duty")) == [("ledger", "finance_officer"), ("payroll", "finance_officer")]
        assert todos.get(subject="payroll").url == f"/payments/{draft.pk}/"
    with scopes.acting(officers.finance):  # put right by the opposite entry: the to-dos end by themselves
        ledger.move(
            area=COUNTY, fund_id=1, year=2022, amount=Decimal("0.01"), source=LedgerAccount.RETURNED, target=LedgerAccount.PAID, what="x", payroll=draft,
            on=ON, now=NOW,
        )  # fmt: skip
        proof.nightly(area=COUNTY, on=ON, now=NOW)
        assert proof.prove(area=COUNTY).holds and not Todo.objects.filter(kind="payments.proof", done_at__isnull=True).exists()


@pytest.mark.django_db
def test_4_1_doctor_fails_where_the_proof_does_not_hold(officers: Officers) -> None:
    draft = paid(officers)
    (good,) = panels.proof_holds(NOW)
    assert good.state == "ok"
    spoil(officers, draft)
    (bad,) = panels.proof_holds(NOW)
    assert bad.state == "error" and draft.number in bad.message


@pytest.mark.django_db
def test_4_1_another_area_is_refused_and_sees_nothing(officers: Officers) -> None:
    paid(officers)
    other = Officers("410123")
    with scopes.acting(other.finance):
        assert proof.prove(area="410123").rows == []
        with pytest.raises(ValidationError):
            proof.prove(area=COUNTY)


def test_4_1_payroll_check_prints_the_table_and_fails_on_a_difference(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from doudi.payments import commands

    monkeypatch.setattr(commands, "ready", nullcontext)
    officers = Officers()
    draft = paid(officers)
    run = CliRunner()
    good = run.invoke(commands.app, ["payroll", "--check"], env={"COLUMNS": "240"})
    assert good.exit_code == 0 and "分毫不差" in good.output and "困难群众救助补助资金" in good.output, good.output
    spoil(officers, draft)
    bad = run.invoke(commands.app, ["payroll", "--check", "--month", f"{MONTH:%Y-%m}", "--json"])
    assert bad.exit_code == 1 and json.loads(bad.output)["holds"] is False and draft.number in bad.output
    assert run.invoke(commands.app, ["payroll", "--check", "--month", "2022-11"]).exit_code == 1  # the ledger's own proof has no month
    assert run.invoke(commands.app, ["payroll"]).exit_code == 2
