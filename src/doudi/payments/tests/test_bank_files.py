"""The bank's result files: booked once, refused whole with the place of the mistake, never another county's."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from doudi.core import scope as scopes
from doudi.payments.models import BankResult, LedgerEntry, Payroll
from doudi.payments.services import results
from doudi.payments.tests.world import NOW, ON, Officers, award


@pytest.fixture
def draft(officers: Officers) -> Payroll:
    return officers.draft()


@pytest.mark.django_db
def test_the_same_file_twice_books_once(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    data = officers.answer(draft)
    assert officers.booked(draft, data).changed
    again_ = officers.booked(draft, data, name="另一个名字.csv")
    assert not again_.changed and again_.paid == 1
    with scopes.acting(officers.finance):
        assert BankResult.objects.count() == 1 and LedgerEntry.objects.filter(payroll=draft, account="paid").count() == 1


def _spoiled(data: bytes, old: str, new: str) -> bytes:
    text = data.decode("utf-8-sig")
    assert old in text
    return text.replace(old, new, 1).encode("utf-8-sig")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data, line: _spoiled(data, f"{line},300.00,", f"{line},300.01,"), "表头写明退票"),
        (
            lambda data, line: _spoiled(_spoiled(data, f"{line},300.00,", f"{line},300.01,"), "退票金额,300.00", "退票金额,300.01"),
            "第 4 行“金额”为 300.01",
        ),
        (lambda data, line: _spoiled(data, f"{line},300", "99999,300"), "第 4 行“明细编号”不在批次"),
        (lambda data, line: _spoiled(data, "总金额,600.00", "总金额,600.01"), "不相符，未记账"),
        (lambda data, line: _spoiled(data, "总笔数,2", "总笔数,1"), "不相符，未记账"),
        (lambda data, line: _spoiled(data, "410122-202212-1", "410122-202212-7"), "批次号“410122-202212-7”不存在"),
        (lambda data, line: data[: len(data) // 2], ""),
        (lambda data, line: data + f"{line},300.00,R01,x\r\n".encode(), "表头写明退票"),
        (
            lambda data, line: _spoiled(data + f"{line},300.00,R01,x\r\n".encode(), "退票笔数,1,退票金额,300.00", "退票笔数,2,退票金额,600.00"),
            "同一笔明细",
        ),
        (lambda data, line: _spoiled(data, f"{line},300.00", f"{line}x,300.00"), "第 4 行“明细编号”格式不正确"),
        (lambda data, line: _spoiled(data, f"{line},300.00", f"{line},-300.00"), "第 4 行“金额”格式不正确"),
        (lambda data, line: data + b"1,2\r\n", "个字段，应为 4 个"),
        (lambda data, line: b"", "认不出"),
        (lambda data, line: b"\x00\xff\xfe" * 100, "不是文本文件|认不出"),
        (lambda data, line: data + b"x" * 1_000_000, ""),
        (lambda data, line: data.replace(b"R01", b"=cmd|' /C calc'!A0"), None),
    ],
)
def test_a_wrong_result_file_books_nothing_and_says_where(officers: Officers, spoil: Any, words: str | None) -> None:
    with scopes.acting(officers.reviewer):
        award()
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    line = officers.first_line(payroll)
    data = spoil(officers.answer(payroll, line), line)
    if words is None:  # only text: kept as it is, never run
        officers.booked(payroll, data)
        return
    with pytest.raises(ValidationError) as caught, scopes.acting(officers.finance):
        results.book_results(data=[("结果.csv", data)], on=ON, now=NOW)
    import re

    assert re.search(words, "".join(caught.value.messages))
    with scopes.acting(officers.finance):
        assert not BankResult.objects.exists() and Payroll.objects.get(pk=payroll.pk).state == "released"
        assert not LedgerEntry.objects.filter(payroll=payroll, account="paid").exists()


@pytest.mark.django_db
def test_another_countys_file_is_not_booked(officers: Officers, draft: Payroll) -> None:
    officers.released(draft)
    data = officers.answer(draft)
    with pytest.raises(ValidationError, match="不存在，或不在您的管辖范围内"), scopes.acting(Officers("410123").finance):
        results.book_results(data=[("x.csv", data)], on=ON, now=NOW)
