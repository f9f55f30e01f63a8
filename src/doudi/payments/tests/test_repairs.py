"""The repair list: classes and limits of returned lines, evidence, the old account again, whose account it is (measures 4.3)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.payments.models import BankReturn, Payroll
from doudi.payments.services import corrections, repairs
from doudi.payments.tests.world import COUNTY, MONTH, NOW, PAPER, Officers, award, card

pytestmark = pytest.mark.django_db


def came_back(officers: Officers, reason: str, *, awards: int = 1) -> tuple[Payroll, BankReturn]:
    with scopes.acting(officers.reviewer):
        for _ in range(awards):
            award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    officers.booked(payroll, officers.answer(payroll, officers.first_line(payroll), reason=reason))
    with scopes.acting(officers.township):
        return payroll, BankReturn.objects.select_related("repair").get()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("户名不符", "name"), ("账号不存在", "account"), ("已销户", "closed"), ("冻结", "frozen"), ("账户状态异常", "dormant"), ("介质状态异常", "medium"),
        ("非结算账户", "not_settlement"), ("未处理记录重复", "repeated"), ("其它", "other"),
    ],
)  # fmt: skip
def test_every_reason_has_a_class_plain_words_and_a_limit(officers: Officers, reason: str, kind: str) -> None:
    _payroll, row = came_back(officers, reason)
    assert row.repair.kind == kind and row.repair.due == date(2022, 12, 13)  # five working days after the 6th
    assert all(str(words) for words in repairs.PLAIN[kind])
    with scopes.acting(officers.township):
        assert Todo.objects.get(kind="payments.returns").due == date(2022, 12, 13)
        assert repairs.age_of(row.repair, date(2022, 12, 9)) == 3


def test_whose_account_it_is_stands_in_no_list_and_is_shown_to_the_duty_with_a_record(officers: Officers) -> None:
    _payroll, row = came_back(officers, "户名不符（账户户名：李四光）")
    assert row.reason == "户名不符"
    township, finance = client_of(officers.township), client_of(officers.finance)
    for page in (township, finance):
        assert "李四光" not in page.get(reverse("payments:returns")).content.decode()
    url = reverse("payments:return", args=[row.pk])
    text = township.get(url).content.decode()
    assert "李四光" not in text and "银行账户户名" in text and "不是领款人的过错" in text
    assert "银行账户户名" not in finance.get(url).content.decode()
    assert "李四光" in township.post(reverse("payments:return_holder", args=[row.pk])).content.decode()
    assert finance.post(reverse("payments:return_holder", args=[row.pk])).status_code == 403
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).post(reverse("payments:return_holder", args=[row.pk])).status_code == 404
    with scopes.acting(scopes.Scope(area=COUNTY, duty=Duty.AUDITOR)):
        assert AccessRecord.objects.filter(what="reveal", subject="bank_return", field="holder").count() == 1


def test_a_correction_needs_a_paper_and_one_paper_serves_the_household(officers: Officers) -> None:
    _payroll, row = came_back(officers, "已销户")
    with scopes.acting(officers.township):
        corrections.correct_return(return_id=row.pk, name=row.payee_name, account=card(900), bank="105", note="新卡", now=NOW)
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="更正材料"):
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW)
    with scopes.acting(officers.township):
        corrections.correct_return(return_id=row.pk, name=row.payee_name, account=card(900), bank="105", note="新卡", evidence=[PAPER], now=NOW)
    with scopes.acting(officers.reviewer):
        assert corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW).state == "corrected"
        assert corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW).state == "corrected"  # sent twice


def test_an_account_that_works_again_is_paid_again_a_closed_one_never(officers: Officers) -> None:
    _payroll, row = came_back(officers, "冻结")
    values: dict[str, Any] = {"return_id": row.pk, "name": "", "account": "", "bank": "", "note": "已解冻，银行证明", "now": NOW}
    with scopes.acting(officers.township):
        with pytest.raises(ValidationError):
            corrections.correct_return(**values)
        corrections.correct_return(**values, same_account=True, evidence=[PAPER])
    with scopes.acting(officers.reviewer):
        corrections.confirm_correction(return_id=row.pk, agreed=True, now=NOW)
        follow = corrections.prepare_follow_up(area=COUNTY, month=MONTH, now=NOW)
        line = follow.payroll.payroll_lines.get()
        assert (line.account, line.amount, line.kind) == (row.account, row.amount, "reissue")


def test_a_closed_account_is_not_paid_again(officers: Officers) -> None:
    _payroll, row = came_back(officers, "已销户")
    with scopes.acting(officers.township), pytest.raises(ValidationError, match="不能按原账户"):
        corrections.correct_return(return_id=row.pk, name="", account="", bank="", note="x", same_account=True, now=NOW)


def test_what_is_late_is_told_to_the_county_until_it_is_done(officers: Officers) -> None:
    _payroll, row = came_back(officers, "账号不存在")
    with scopes.acting(officers.reviewer):
        assert repairs.remind_late(area=COUNTY, on=date(2022, 12, 13), now=NOW) == 0
        assert repairs.remind_late(area=COUNTY, on=date(2022, 12, 14), now=NOW) == 1
        assert Todo.objects.filter(kind="payments.returns_late", done_at=None).count() == 1
    text = client_of(officers.reviewer).get(reverse("payments:returns"), {"late": "1"}).content.decode()
    assert row.payee_name in text and "账号有误" in text
    with scopes.acting(officers.township):
        corrections.correct_return(return_id=row.pk, name=row.payee_name, account=card(901), bank="105", note="新卡", evidence=[PAPER], now=NOW)
    with scopes.acting(officers.reviewer):
        assert repairs.remind_late(area=COUNTY, on=date(2022, 12, 15), now=NOW) == 0
        assert not Todo.objects.filter(kind="payments.returns_late", done_at=None).exists()


def test_the_repair_list_is_the_duties_own(officers: Officers) -> None:
    _payroll, row = came_back(officers, "已销户")
    with scopes.acting(officers.finance), pytest.raises(PermissionDenied):
        repairs.holder_of(return_id=row.pk)
    with scopes.acting(officers.township), pytest.raises(ValidationError):  # the bank gave no name
        repairs.holder_of(return_id=row.pk)
