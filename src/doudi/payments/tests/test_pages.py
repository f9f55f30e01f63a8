"""Pages of payments: what each duty sees and may do; nothing of another area; queries do not grow with the lines."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import TaskProgress
from doudi.core.tasks import execute
from doudi.core.tests.officers import client_of
from doudi.payments.models import BankFile, BankReturn, Payroll
from doudi.payments.tests.world import COUNTY, MONTH, PAPER, Officers, award, card

pytestmark = pytest.mark.django_db
ELSEWHERE = "410123"


def booked(officers: Officers, awards: int = 2) -> Payroll:
    with scopes.acting(officers.reviewer):
        given = [award() for _ in range(awards)]
        award(account=False)
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.reviewer):
        line = payroll.payroll_lines.get(entitlement_id=given[0].award.pk)
    officers.exported(payroll, "one_card_csv")
    officers.booked(payroll, officers.answer(payroll, line.pk))
    return payroll


@pytest.mark.parametrize("tab", ["", "unusual", "funds", "results", "all"])
def test_the_page_of_a_payroll_opens_for_all_who_work_on_it(officers: Officers, tab: str) -> None:
    payroll = booked(officers)
    for scope in (officers.reviewer, officers.approver, officers.finance):
        answer = client_of(scope).get(reverse("payments:payroll", args=[payroll.pk]), {"tab": tab})
        assert answer.status_code == 200 and "2022年12月发放批次" in answer.content.decode()
    assert card(1)[:12] not in answer.content.decode()


def test_a_month_is_walked_by_clicks(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    reviewer, checker, approver, finance = (client_of(scope) for scope in (officers.reviewer, officers.checker, officers.approver, officers.finance))
    assert reviewer.post(reverse("payments:prepare"), {"month": "2022-12"}).status_code == 302
    with scopes.acting(officers.reviewer):
        task = TaskProgress.objects.get()
        assert task.title == "生成 2022年12月 发放批次"
    officers.prepared()
    with scopes.acting(officers.reviewer):
        payroll = Payroll.objects.get()
    url = reverse("payments:payroll", args=[payroll.pk])
    own = reviewer.get(url).content.decode()
    assert "须由另一名县级审核员复核" in own and "复核无误，提交审批" not in own
    assert "复核无误，提交审批" in checker.get(url).content.decode()
    checker.post(reverse("payments:check", args=[payroll.pk]))
    assert "审批 1 笔" in approver.get(url).content.decode()
    assert approver.post(reverse("payments:check", args=[payroll.pk])).status_code == 403
    approver.post(reverse("payments:approve", args=[payroll.pk]))
    assert "报送财政 1 笔" in finance.get(url).content.decode()
    finance.post(reverse("payments:release", args=[payroll.pk]))
    finance.post(reverse("payments:export", args=[payroll.pk, "bank_batch"]))
    with scopes.acting(officers.finance):
        file = BankFile.objects.get()
    data = b"".join(finance.get(reverse("payments:download", args=[file.pk])).streaming_content)
    assert sha256(data).hexdigest() == file.sha256
    upload = BytesIO(officers.answer(payroll))
    upload.name = "结果.csv"
    seen = finance.post(reverse("payments:answers", args=[payroll.pk]), {"answers": upload}, follow=True)
    assert "笔数、金额与批次相符" in seen.content.decode()
    with scopes.acting(officers.finance):
        assert Payroll.objects.get(pk=payroll.pk).state == "released"
    answer = finance.post(reverse("payments:book", args=[payroll.pk]), follow=True)
    assert "到账 1 笔，退票 0 笔" in answer.content.decode()
    with scopes.acting(officers.finance):
        assert Payroll.objects.get(pk=payroll.pk).state == "booked"


def test_a_refused_upload_says_why_and_books_nothing(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    upload = BytesIO("随便什么".encode())
    upload.name = "x.csv"
    answer = client_of(officers.finance).post(reverse("payments:answers", args=[payroll.pk]), {"answers": upload}, follow=True)
    assert "认不出是哪种结果文件" in answer.content.decode()
    with scopes.acting(officers.finance):
        assert Payroll.objects.get(pk=payroll.pk).state == "released"


def test_the_township_corrects_its_returns(officers: Officers) -> None:
    payroll = booked(officers)
    township, reviewer = client_of(officers.township), client_of(officers.reviewer)
    assert "户名不符" in township.get(reverse("payments:returns")).content.decode()
    with scopes.acting(officers.township):
        row = BankReturn.objects.get()
    assert "提交更正" in township.get(reverse("payments:return", args=[row.pk])).content.decode()
    given = {"name": "测试改", "account": card(777), "bank": "", "note": "银行卡原件"}
    assert township.post(reverse("payments:correct", args=[row.pk]), {**given, "note": ""}).status_code == 400
    township.post(reverse("payments:correct", args=[row.pk]), {**given, "evidence": SimpleUploadedFile(*PAPER)})
    reviewer.post(reverse("payments:confirm", args=[row.pk]), {"agreed": "1"})
    assert "重新发放 1 笔" in reviewer.get(reverse("payments:payrolls")).content.decode()
    assert "重新发放 1 笔" in reviewer.get(reverse("payments:payroll", args=[payroll.pk])).content.decode()
    assert "Payroll" not in reviewer.post(reverse("payments:follow_up"), follow=True).content.decode()
    with scopes.acting(officers.reviewer):
        assert Payroll.objects.filter(kind="follow_up").count() == 1


def test_ledger_and_household_show_where_the_money_is(officers: Officers) -> None:
    payroll = booked(officers)
    page = client_of(officers.finance).get(reverse("payments:ledger")).content.decode()
    assert "各项合计为零，相符" in page and payroll.number in page and "登记到账" in page
    with scopes.acting(officers.reviewer):
        household = payroll.payroll_lines.order_by("id")[0].household_id
    assert "户名不符" in client_of(officers.township).get(reverse("registry:household", args=[household])).content.decode()
    form = client_of(officers.finance).get(reverse("payments:receive"))
    assert form["Location"] == "/payments/funds/410122/new/receipt/"


@pytest.mark.parametrize("name", ["payroll", "lines"])
def test_queries_do_not_grow_with_the_lines(officers: Officers, name: str) -> None:
    payroll = booked(officers, awards=3)
    client = client_of(officers.reviewer)
    url = reverse(f"payments:{name}", args=[payroll.pk])
    client.get(url, {"tab": "all"})
    with CaptureQueriesContext(connection) as few:
        client.get(url, {"tab": "all"})
    with scopes.acting(officers.reviewer), connection.cursor() as cursor:
        # no line is of a later month than its payroll: the months kept ready are not planned, except by the proof, which leaves nothing out
        asked = [query["sql"] for query in few.captured_queries if "payments_payrollline" in query["sql"]]
        assert asked
        for sql in asked:
            cursor.execute(f"explain {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            proof = sql.startswith("select coalesce(sum(amount), 0), count(*) filter (where amount > 0) from payments_payrollline where payroll_id =")
            assert "payrollline_202212" in plan and (proof or "payrollline_2023" not in plan), sql
    other = Officers("410181")
    with scopes.acting(other.reviewer):
        for _ in range(18):
            award(area="410181101201")
    other.money()
    more_of = other.released(other.prepared().payroll)
    client = client_of(other.reviewer)
    url = reverse(f"payments:{name}", args=[more_of.pk])
    client.get(url, {"tab": "all"})
    with CaptureQueriesContext(connection) as many:
        client.get(url, {"tab": "all"})
    assert len(many) <= len(few) + 1 and len(few) < 45


def test_nothing_of_another_area_is_reached(officers: Officers) -> None:
    payroll = booked(officers)
    strangers = Officers(ELSEWHERE)
    with scopes.acting(officers.finance):
        file, row = BankFile.objects.get(), BankReturn.objects.get()
    for scope in (strangers.reviewer, strangers.approver, strangers.finance):
        client = client_of(scope)
        for name in ("payroll", "lines"):
            assert client.get(reverse(f"payments:{name}", args=[payroll.pk])).status_code == 404
        assert client.get(reverse("payments:return", args=[row.pk])).status_code == 404
        for listed in ("payrolls", "returns", "ledger"):
            for query in ({}, {"area": COUNTY}, {"export": "csv"}):
                answer = client.get(reverse(f"payments:{listed}"), query)
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                assert payroll.number not in body.decode() and row.payee_name not in body.decode()
    finance, reviewer, approver = client_of(strangers.finance), client_of(strangers.reviewer), client_of(strangers.approver)
    assert finance.get(reverse("payments:download", args=[file.pk])).status_code == 404
    for client, name in (
        (finance, "release"),
        (finance, "book"),
        (reviewer, "check"),
        (reviewer, "delete"),
        (reviewer, "review"),
        (approver, "approve"),
    ):
        assert client.post(reverse(f"payments:{name}", args=[payroll.pk])).status_code == 404
    assert client_of(strangers.township).post(reverse("payments:correct", args=[row.pk]), {}).status_code == 404
    assert reviewer.post(reverse("payments:confirm", args=[row.pk]), {"agreed": "1"}).status_code == 404
    assert client_of(officers.township).get(reverse("payments:payroll", args=[payroll.pk])).status_code == 403


def test_the_background_task_prepares(officers: Officers, committed_db: None) -> None:
    fresh = Officers()
    with scopes.acting(fresh.reviewer):
        award(amount="88.00")
    client_of(fresh.reviewer).post(reverse("payments:prepare"), {"month": "2022-12"})
    with scopes.acting(fresh.reviewer):
        task = TaskProgress.objects.get()
    execute(task.pk, COUNTY)
    with scopes.acting(fresh.reviewer):
        task.refresh_from_db()
        row = Payroll.objects.get()
    assert (task.state, row.amount, row.month) == ("done", Decimal("88.00"), MONTH)
