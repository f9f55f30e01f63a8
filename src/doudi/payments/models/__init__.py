"""Payments: payrolls and their lines, files, results, the ledger; one-off grants and township reserves."""

from doudi.payments.models.back_pay import BackPay, BackPayItem
from doudi.payments.models.exchange import BankAnswer, CountyKey, LayoutChoice
from doudi.payments.models.funds import Fund, FundLevel, FundMovement, FundPurpose
from doudi.payments.models.grants import Grant
from doudi.payments.models.money import POOLS, OneOff, Spending, paid_choices, paid_label, purpose_choices
from doudi.payments.models.one_offs import OneOffClaim, OneOffDecision, OneOffLeftOut, OneOffList
from doudi.payments.models.payrolls import (
    BankFile,
    BankResult,
    BankReturn,
    LedgerAccount,
    LedgerEntry,
    LineReview,
    OpenMonth,
    PaidMonth,
    Payroll,
    PayrollExclusion,
    PayrollLine,
)
from doudi.payments.models.recovery import Instalment, Overpayment, OverpaymentLine, RecoveryDecision, Repayment
from doudi.payments.models.repairs import AccountFinding, Repair
from doudi.payments.models.reserves import ReservePayout, ReserveSettlement, ReserveTransfer
from doudi.payments.models.watching import LineFlag, PayrollChange, PayrollTotal

__all__ = [
    "POOLS",
    "AccountFinding",
    "BackPay",
    "BackPayItem",
    "BankAnswer",
    "BankFile",
    "BankResult",
    "BankReturn",
    "CountyKey",
    "Fund",
    "FundLevel",
    "FundMovement",
    "FundPurpose",
    "Grant",
    "Instalment",
    "LayoutChoice",
    "LedgerAccount",
    "LedgerEntry",
    "LineFlag",
    "LineReview",
    "OneOff",
    "OneOffClaim",
    "OneOffDecision",
    "OneOffLeftOut",
    "OneOffList",
    "OpenMonth",
    "Overpayment",
    "OverpaymentLine",
    "PaidMonth",
    "Payroll",
    "PayrollChange",
    "PayrollExclusion",
    "PayrollLine",
    "PayrollTotal",
    "RecoveryDecision",
    "Repair",
    "Repayment",
    "ReservePayout",
    "ReserveSettlement",
    "ReserveTransfer",
    "Spending",
    "paid_choices",
    "paid_label",
    "purpose_choices",
]
