"""What a recipient may be told: amount, month, day, why it changed; the caller is identified first, with a record."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import COUNTY, client_of, officer
from doudi.enrolment.models import AwardAmount
from doudi.payments import openness
from doudi.payments.tests.world import MONTH, NOVEMBER, NOW, VILLAGE, Given, Officers, award
from doudi.registry.models import Membership

pytestmark = pytest.mark.django_db
JANUARY = date(2023, 1, 1)


@pytest.fixture
def given(officers: Officers) -> Given:
    """Paid 300 in December, 320 in January by a decision; December came back."""
    with scopes.acting(officers.reviewer):
        made = award(amount="300.00")
        Membership.objects.create(area=made.household.area, household=made.household, person=made.people[0], relationship="02", starts=date(2022, 1, 1))
        AwardAmount.objects.create(area=VILLAGE, award=made.award, from_month=JANUARY, amount=Decimal("320.00"), decision=made.award.decision)
    officers.money()
    officers.money(year=2023)
    for month in (MONTH, JANUARY):
        payroll = officers.released(officers.prepared(month).payroll)
        officers.booked(payroll, officers.answer(payroll), name=f"{month}.csv")
    return made


def caller(given: Given, **options: Any) -> dict[str, Any]:
    who = given.people[0]
    return {"name": who.name, "id_number": numbers.plain(who.token), "check": (numbers.plain(who.account) or "")[-4:], "now": NOW} | options


def test_rows_say_amount_month_day_and_why_in_both_languages(officers: Officers, given: Given) -> None:
    with scopes.acting(officers.reviewer):
        january, december = openness.told_to([given.household.pk])
    assert (january.amount, january.state, december.amount, december.month) == (Decimal("320.00"), "paid", Decimal("300.00"), MONTH)
    assert december.paid_on is not None and "从本月开始" in "".join(december.zh) and "begins" in "".join(december.en)
    assert "上月 300.00 元" in "".join(january.zh) and "300.00" in "".join(january.en) and not any("\u4e00" <= each <= "\u9fff" for each in "".join(january.en))
    assert (numbers.plain(given.people[0].account) or "")[-4:] in january.account_tail and len(january.account_tail) < 12
    with pytest.raises(FrozenInstanceError):
        january.amount = Decimal(1)  # type: ignore[misc]


def test_what_waits_says_why_and_what_helps(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(account=False, starts=NOVEMBER)
    officers.prepared()
    with scopes.acting(officers.reviewer):
        rows = openness.told_to([given.household.pk])
        assert {row.state for row in rows} == {"waiting"} and all("登记收款账户" in row.zh[1] and "account" in row.en[1] for row in rows)


def test_a_caller_is_identified_by_three_things_with_a_record(officers: Officers, given: Given) -> None:
    operator = officer(Duty.HOTLINE_OPERATOR)
    with scopes.acting(operator):
        assert openness.identify_caller(**caller(given)).pk == given.people[0].pk
        for wrong in ({"name": "别人"}, {"check": "0000"}, {"check": ""}, {"check": "4"}, {"id_number": "410122199001011233"}):
            with pytest.raises(ValidationError):
                openness.identify_caller(**caller(given, **wrong))
    with scopes.acting(scopes.Scope(area=COUNTY, duty=Duty.AUDITOR)):
        rows = AccessRecord.objects.filter(field="payments", subject="person")
        assert rows.filter(what="lookup").count() == 1 and rows.filter(what="refused").count() >= 4
    with scopes.acting(officers.finance), pytest.raises(PermissionDenied):
        openness.identify_caller(**caller(given))


def test_the_operators_page_tells_nothing_before_and_nothing_more(officers: Officers, given: Given) -> None:
    page, url = client_of(officer(Duty.HOTLINE_OPERATOR)), reverse("payments:inquiry")
    values = {name: value for name, value in caller(given).items() if name != "now"}
    refused = page.post(url, values | {"check": "9999"})
    assert refused.status_code == 422 and "320.00" not in refused.content.decode()
    text = page.post(url, values).content.decode()
    assert "320.00" in text and (numbers.plain(given.people[0].account) or "") not in text
    elsewhere = client_of(officer(Duty.HOTLINE_OPERATOR, "410123"))
    assert elsewhere.post(url, values).status_code == 422
    assert client_of(officers.finance).get(url).status_code == 403
