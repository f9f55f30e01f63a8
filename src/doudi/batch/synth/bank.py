"""A bank that takes a one-card file and answers: paid, or returned with a reason as banks give it (支付退票)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Reasons of return and how often each comes (the words of rural banks' batch systems; the shares are a guess).
REASONS: tuple[tuple[str, str, float], ...] = (
    ("R01", "户名不符", 0.3),
    ("R02", "账号不存在", 0.18),
    ("R03", "已销户", 0.17),
    ("R04", "冻结", 0.08),
    ("R05", "账户状态异常", 0.15),
    ("R06", "介质状态异常", 0.07),
    ("R07", "非结算账户", 0.05),
)
DUPLICATE = ("R08", "未处理记录重复")
BAD_ACCOUNT = ("R02", "账号不存在")


@dataclass(frozen=True, slots=True)
class BankResults:
    """The bank's answer, one entry a line in the order of the file. `code` and `reason` are "" for paid lines."""

    line: npt.NDArray[np.generic]
    ok: npt.NDArray[np.bool_]
    code: npt.NDArray[np.str_]
    reason: npt.NDArray[np.str_]


def bank_results(
    lines: npt.ArrayLike, names: npt.ArrayLike, accounts: npt.ArrayLike, amounts: npt.ArrayLike, *, seed: int, return_share: float = 0.015
) -> BankResults:
    """Pays a one-card file. All arguments are columns of equal length: line ids, payee names, accounts, amounts in fen (positive).

    A line whose account is empty, is not all digits or fails the Luhn check always comes back (账号不存在), a line id that comes twice
    comes back the second time (未处理记录重复); of the rest `return_share` comes back at random. Deterministic by seed.
    ValueError: lengths differ, amounts not positive.
    """
    line, name, account, amount = (np.asarray(column) for column in (lines, names, accounts, amounts))
    n = len(line)
    if not len(name) == len(account) == len(amount) == n:
        raise ValueError("the columns of the file differ in length")
    if n and not (amount > 0).all():
        raise ValueError("amounts must be positive")
    rng = np.random.default_rng([seed, 4761])
    chosen = rng.random(n) < return_share
    which = rng.choice(len(REASONS), size=n, p=[share for *_, share in REASONS])
    codes, words = (np.array([row[column] for row in REASONS])[which] for column in (0, 1))
    code, reason = np.where(chosen, codes, ""), np.where(chosen, words, "")
    for mask, (a_code, a_reason) in ((~_valid_accounts(account), BAD_ACCOUNT), (_repeated(line), DUPLICATE)):
        code, reason = np.where(mask, a_code, code), np.where(mask, a_reason, reason)
    return BankResults(line, code == "", code, reason)


def _repeated(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    repeated = np.ones(len(values), dtype=bool)
    repeated[np.unique(values, return_index=True)[1]] = False
    return repeated


def _valid_accounts(account: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Digits only, 8 to 19 of them; cards of 16 to 19 digits pass Luhn."""
    text = np.array(["" if value is None else str(value) for value in account.tolist()]) if account.dtype == object else account.astype(str)
    if not len(text):
        return np.zeros(0, dtype=bool)
    codes = np.char.rjust(text, 32, "#").astype("U32").view(np.uint32).reshape(len(text), 32)
    length = np.char.str_len(text)
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    plain = (digit.sum(axis=1) == length) & (length >= 8) & (length <= 19)
    values = np.where(digit, codes - ord("0"), 0).astype(np.int64)[:, ::-1]
    values[:, 1::2] *= 2
    values[values > 9] -= 9
    return plain & ((length < 16) | (values.sum(axis=1) % 10 == 0))
