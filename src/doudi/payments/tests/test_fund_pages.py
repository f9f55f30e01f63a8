"""Pages of funds (measures 4.1, 4.2): plan to receipt, two officers, the city's view, bounded queries."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.payments import clauses
from doudi.payments.models import FundMovement, FundPurpose
from doudi.payments.services import funds, ledger
from doudi.payments.tests.world import COUNTY, NOW, ON, Officers

PLAN = {"fund": "assistance", "year": "2022", "level": "central", "issuer": "province", "amount": "5000000.00", "document": "豫财社〔2022〕21号", "document_date": "2022-03-14"}
PLACE = f"/payments/funds/{COUNTY}/"


@pytest.mark.django_db
def test_4_2_a_plan_of_five_million_of_which_three_came(officers: Officers) -> None:
    client = client_of(officers.finance)
    assert client.post(f"{PLACE}new/plan/", {**PLAN, "amount": "-5"}).status_code == 422
    assert client.post(f"{PLACE}new/plan/", {**PLAN, "document_date": "2099-01-01"}).status_code == 422
    assert client.post(f"{PLACE}new/plan/", PLAN).status_code == 302
    assert client.post(f"{PLACE}new/plan/", PLAN).status_code == 302  # a double click
    with scopes.acting(officers.finance):
        plan = FundMovement.objects.get()
    form = client.get(f"{PLACE}new/receipt/?year=2022&plan={plan.pk}").content.decode()
    assert 'value="5000000.00"' in form
    receipt = {**PLAN, "plan": str(plan.pk), "amount": "3000000", "document": "到账1"}
    assert client.post(f"{PLACE}new/receipt/?year=2022", receipt).status_code == 302
    page = client.get(f"{PLACE}?year=2022").content.decode()
    assert "还有 2,000,000.00 元没有到账" in page and "5,000,000.00" in page and "3,000,000.00" in page and "直达县级" in page
    assert "2,000,000.00" in client.get("/payments/funds/?year=2022", follow=True).content.decode()


@pytest.mark.django_db
def test_4_2_a_transfer_waits_for_the_second_officer_on_the_page(officers: Officers) -> None:
    officers.money("1000.00")
    finance, approver = client_of(officers.finance), client_of(officers.approver)
    values = {"fund": "assistance", "year": "2022", "level": "", "amount": "400.00", "document": "缴1", "reason": "年末清理"}
    answer = finance.post(f"{PLACE}new/return/", {**values, "amount": "4000"})
    assert answer.status_code == 422 and "少于" in answer.content.decode()
    url = finance.post(f"{PLACE}new/return/", values)["Location"]
    own = finance.get(url).content.decode()
    assert "待另一名工作人员确认" in own and "确认记账" not in own
    assert finance.post(f"{url}confirm/", {"agreed": "1"}).status_code == 302
    with scopes.acting(officers.finance):
        assert FundMovement.objects.get(document="缴1").state == "proposed"
    assert "缴1" in approver.get(f"{PLACE}?year=2022").content.decode() and "确认记账" in approver.get(url).content.decode()
    assert "已记入资金台账" in approver.post(f"{url}confirm/", {"agreed": "1"}, follow=True).content.decode()
    assert "冲销" in finance.get(url).content.decode()
    assert finance.post(f"{url}undo/", {"document": "", "reason": "x"}).status_code == 422
    assert "待另一名工作人员确认" in finance.post(f"{url}undo/", {"document": "冲1", "reason": "误缴"}, follow=True).content.decode()
    assert finance.get("/payments/funds/movements/").status_code == 200


@pytest.mark.django_db
def test_4_1_a_purpose_is_stopped_in_a_county_by_two_officers_on_the_page(officers: Officers) -> None:
    finance, approver = client_of(officers.finance), client_of(officers.approver)
    values = {"fund": "assistance", "programme": "dibao", "area": COUNTY, "allowed": "yes", "from_year": "2022", "until_year": "", "document": "x"}
    assert finance.post("/payments/funds/purposes/", values).status_code == 422
    assert finance.post("/payments/funds/purposes/", {**values, "allowed": "no"}).status_code == 302
    with scopes.acting(officers.finance):
        row = FundPurpose.objects.get(state="proposed")
    finance.post(f"/payments/funds/purposes/{row.pk}/decide/", {"agreed": "1"})
    approver.post(f"/payments/funds/purposes/{row.pk}/decide/", {"agreed": "1"})
    with scopes.acting(officers.finance):
        row.refresh_from_db()
    assert row.confirmed_by_id == officers.approver.account_id
    assert "不得支付" in client_of(officer(Duty.FUND_SUPERVISOR)).get("/payments/funds/purposes/").content.decode()


@pytest.mark.django_db
def test_4_2_who_sees_and_who_enters(officers: Officers) -> None:
    reader = client_of(officer(Duty.FUND_SUPERVISOR))
    assert reader.get(PLACE).status_code == 200 and reader.get(f"{PLACE}new/plan/").status_code == 403
    assert client_of(officers.township).get(PLACE).status_code == 403
    assert client_of(officer(Duty.FINANCE_OFFICER, "410123")).get(PLACE).status_code == 404
    assert client_of(officers.finance).get(f"{PLACE}new/nothing/").status_code == 404
    assert reader.get("/payments/funds/41012x/").status_code == 404


@pytest.mark.django_db
def test_4_2_city_and_province_see_all_counties_in_bounded_queries(officers: Officers, django_assert_max_num_queries: Any) -> None:
    officers.money("1000.00")
    other = Officers("410123")
    other.money("500.00")
    with scopes.acting(other.finance):
        funds.register_plan(
            area="410123", fund="assistance", year=2022, level="city", issuer="city", amount=Decimal(900), document="郑财", document_date=date(2022, 1, 1), on=ON, now=NOW
        )
    for area in ("4101", "41"):
        client = client_of(officer(Duty.SUPERVISOR, area))
        client.get("/payments/funds/?year=2022")
        with django_assert_max_num_queries(26):
            page = client.get("/payments/funds/?year=2022").content.decode()
        assert "1,500.00" in page and "900.00" in page
    with django_assert_max_num_queries(28):
        assert client.get(f"{PLACE}?year=2022").status_code == 200
    assert client.get("/payments/funds/?year=2022&page=2&fund=disability").status_code == 200
    assert client.get("/payments/funds/?year=20x2&page=-1&fund=none").status_code == 200


@pytest.mark.django_db
def test_4_2_the_measures_tell_how_much_of_the_plan_came(officers: Officers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_args: ON)
    officers.money("1000.00")  # beyond any plan
    with scopes.acting(officers.finance):
        assert clauses.promised() == {} and clauses.matched({})[0] == "—" and clauses.earmarked()[0] == 4
        for level, amount in (("province", "100"), ("city", "300")):
            funds.register_plan(
                area=COUNTY, fund="assistance", year=2022, level=level, issuer=level, amount=Decimal(amount), document="指标", document_date=date(2022, 1, 1), on=ON,
                now=NOW,
            )  # fmt: skip
        ledger.receive_appropriation(fund="assistance", area=COUNTY, year=2022, amount=Decimal(250), document="到", level="province", on=ON, now=NOW)
        assert clauses.promised() == {(COUNTY, "planned"): 400, (COUNTY, "received"): 100} and clauses.matched(measures.live({}, clauses.promised))[0] == "25.0%"
