"""The simulated bank: pays, returns with a reason, never the same line twice."""

from __future__ import annotations

import numpy as np
import pytest

from doudi.batch.synth import bank_results
from doudi.batch.synth.identifiers import bank_accounts, to_strings


def columns(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    _, accounts = bank_accounts(np.random.default_rng(1), np.arange(1, n + 1))
    return np.arange(n), np.array(["王明"] * n), np.array(to_strings(accounts).to_pylist()), np.full(n, 22_000)


def test_the_share_returned_is_as_asked_and_every_return_has_a_reason() -> None:
    results = bank_results(*columns(20_000), seed=5, return_share=0.02)
    assert 0.015 < (~results.ok).mean() < 0.025
    assert (results.reason[~results.ok] != "").all() and (results.code[~results.ok] != "").all()
    assert (results.reason[results.ok] == "").all()
    assert {"户名不符", "账号不存在", "已销户", "冻结", "账户状态异常"} <= set(results.reason)


def test_the_same_seed_answers_the_same() -> None:
    first, again, other = (bank_results(*columns(2_000), seed=seed, return_share=0.1) for seed in (1, 1, 2))
    assert (first.code == again.code).all()
    assert (first.code != other.code).any()


def test_impossible_accounts_always_come_back() -> None:
    lines, names, accounts, amounts = (column[:5] for column in columns(5))
    accounts = np.array([accounts[0], accounts[1][:-1] + str((int(accounts[1][-1]) + 1) % 10), "", "62179９", None], dtype=object)
    results = bank_results(lines, names, accounts, amounts, seed=1, return_share=0)
    assert results.ok.tolist() == [True, False, False, False, False]
    assert set(results.reason[1:]) == {"账号不存在"}


def test_a_line_that_comes_twice_is_paid_once() -> None:
    _, names, accounts, amounts = columns(4)
    results = bank_results(np.array([7, 8, 7, 7]), names, accounts, amounts, seed=1, return_share=0)
    assert results.ok.tolist() == [True, True, False, False]
    assert results.reason[2] == "未处理记录重复"


def test_an_empty_file_and_broken_files() -> None:
    assert len(bank_results([], [], [], [], seed=1).ok) == 0
    lines, names, accounts, amounts = columns(3)
    with pytest.raises(ValueError, match="length"):
        bank_results(lines, names[:2], accounts, amounts, seed=1)
    with pytest.raises(ValueError, match="positive"):
        bank_results(lines, names, accounts, np.array([1, 0, 1]), seed=1)
