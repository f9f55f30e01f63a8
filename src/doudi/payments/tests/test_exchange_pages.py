"""The pages of layouts and of the bank's answers (measures 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.tests.officers import client_of
from doudi.payments import panels
from doudi.payments.models import BankAnswer, BankFile, LayoutChoice
from doudi.payments.services import drafts
from doudi.payments.tests.bankside import choose, receipt_of, released
from doudi.payments.tests.world import Officers

pytestmark = pytest.mark.django_db


def test_the_pages_of_layouts_and_answers_in_bounded_queries(officers: Officers, django_assert_max_num_queries: Any) -> None:
    finance, approver, reviewer = (client_of(one) for one in (officers.finance, officers.approver, officers.reviewer))
    url = reverse("payments:layouts")
    form = {"layout": "bank_fen", "starts": timezone.localdate().isoformat(), "document": "代发协议", "fund": "", "programme": "", "bank": ""}
    assert "没有选定时" in finance.get(url).content.decode()
    assert reviewer.post(url, form).status_code == 404 and approver.post(url, form).status_code == 404
    assert finance.post(url, {**form, "starts": "2020-01-01"}).status_code == 400
    assert finance.post(url, form).status_code == 302
    with scopes.acting(officers.finance):
        row = LayoutChoice.objects.get()
    decide = reverse("payments:layout_decide", args=[row.pk])
    finance.post(decide, {"decision": "confirmed"})
    with scopes.acting(officers.finance):
        assert LayoutChoice.objects.get().state == "proposed"
    approver.post(decide, {"decision": "confirmed"})
    with django_assert_max_num_queries(45):
        page = finance.get(url).content.decode()
    assert "正在使用" in page and "张三" in page and "116050" in page
    township = client_of(officers.township)
    assert township.get(url).status_code == 403


def test_the_page_of_answers_names_what_is_missing_and_what_is_wrong(officers: Officers, small: None, django_assert_max_num_queries: Any) -> None:
    choose(officers, "bank_fen")
    payroll = released(officers, 4)
    finance = client_of(officers.finance)
    assert finance.post(reverse("payments:export_chosen", args=[payroll.pk])).status_code == 302
    with scopes.acting(officers.finance):
        one, two = BankFile.objects.order_by("part")
    url = reverse("payments:answers", args=[payroll.pk])
    page = finance.post(url, {"answers": SimpleUploadedFile("一.txt", receipt_of(officers, one))}, follow=True).content.decode()
    assert "还差 2 笔、600.00 元" in page and "核对无误，记账" not in page
    page = finance.post(url, {"answers": SimpleUploadedFile("二.txt", receipt_of(officers, two, cheat=1))}, follow=True).content.decode()
    assert "第 2 行“金额”为 300.01" in page and "核对无误，记账" not in page
    with scopes.acting(officers.finance):
        wrong = BankAnswer.objects.get(name="二.txt")
    finance.post(reverse("payments:answer_set_aside", args=[wrong.pk]), {"reason": "银行更正"})
    finance.post(url, {"answers": SimpleUploadedFile("二.txt", receipt_of(officers, two))})
    with django_assert_max_num_queries(60):
        assert "核对无误，记账" in finance.get(url).content.decode()
    assert finance.get(reverse("payments:answers", args=[payroll.pk + 1])).status_code == 404
    assert client_of(Officers("410123").finance).get(url).status_code == 404
    assert "到账 4 笔" in finance.post(reverse("payments:book", args=[payroll.pk]), follow=True).content.decode()
    assert "没有重复记账" in finance.post(reverse("payments:book", args=[payroll.pk]), follow=True).content.decode()


def test_migrate_makes_the_months_of_the_next_two_years_and_does_so_once(committed_db: None, owner_connection: Any) -> None:
    from doudi.payments.apps import AHEAD

    owner_connection.execute(AHEAD)
    today = timezone.localdate()
    last = drafts.month_range()[1]
    assert (last.year - today.year) * 12 + last.month - today.month >= 24
    assert owner_connection.execute(AHEAD).fetchone() == (0,)


def test_doctor_warns_before_the_months_run_out() -> None:
    last = drafts.month_range()[1]
    found = {
        year: next(
            one.state
            for one in panels.payment_months(datetime(last.year, last.month, 1, tzinfo=UTC).replace(year=year))
            if one.name == "发放明细分区"
        )
        for year in (last.year - 1, last.year, last.year + 1)
    }
    assert list(found.values()) == ["ok", "error", "error"]
    assert all(one.state == "ok" for one in panels.payment_months(datetime(2022, 12, 1, tzinfo=UTC)))
