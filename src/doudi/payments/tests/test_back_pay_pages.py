"""The pages of back pay (补发), from a document to a printed explanation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.module_loading import import_string

from doudi.core import scope as scopes
from doudi.core.models import TaskProgress
from doudi.core.tests.officers import client_of, officer
from doudi.payments.tests.test_back_pay import DOCUMENT, LATER, items, on_dibao, paid, raised
from doudi.payments.tests.world import MONTH, Officers

pytestmark = pytest.mark.django_db


def ran(officers: Officers) -> Any:
    """The last task that was asked for, run as the worker would: its result, or what it said."""
    with scopes.acting(officers.reviewer):
        row = TaskProgress.objects.order_by("-asked_at", "-id").filter(state="waiting").get()
        function = import_string(row.task_path)
        try:
            return function(SimpleNamespace(progress=lambda *_: None), **row.arguments)
        except ValidationError as error:
            return " ".join(error.messages)
        finally:
            TaskProgress.objects.filter(pk=row.pk).update(state="done")


@time_machine.travel(LATER, tick=False)
def test_the_pages_lead_from_a_document_to_a_printed_explanation(officers: Officers, django_assert_max_num_queries: Any) -> None:
    on_dibao(officers, {"wage_income": 2400})
    paid(officers, MONTH)
    raised()
    reviewer, approver, township = (client_of(scope) for scope in (officers.reviewer, officers.approver, officers.township))
    assert DOCUMENT in reviewer.get(reverse("payments:back_new")).content.decode()
    bad = reviewer.post(reverse("payments:back_new"), {"document": "", "first": "x"})
    assert bad.status_code == 422 and "payments_backpay" not in bad.content.decode()
    sent = reviewer.post(reverse("payments:back_new"), {"document": DOCUMENT, "first": "2022-12", "programmes": ["dibao"]})
    assert sent.url == reverse("payments:back_pays")
    assert ran(officers)["months"] == 1
    (row,) = items(officers)
    page = reverse("payments:back_pay", args=[row.back_pay_id])
    assert "900" in reviewer.get(page).content.decode()
    with django_assert_max_num_queries(40):
        said = township.get(reverse("payments:back_award", args=[row.back_pay_id, row.entitlement_id])).content.decode()
    assert "保障标准由" in said and DOCUMENT in said and f"{row.amount:,.2f}" in said
    assert township.get(page).status_code == 200 and township.post(page, {"act": "approve", "version": "1"}).status_code in (403, 302, 422)
    assert approver.post(page, {"act": "approve", "version": "x"}).status_code == 422
    assert approver.post(page, {"act": "approve", "version": "1"}).status_code == 302
    assert reviewer.get(reverse("payments:back_items", args=[row.back_pay_id]), {"reason": "owed"}).content.decode().count("王建国") >= 1
    assert reviewer.post(page, {"act": "pay"}).url == reverse("payments:payrolls")
    assert ran(officers)["lines"] == 1
    assert reviewer.post(reverse("payments:back_late")).status_code == 302 and "没有应补" in ran(officers)
    elsewhere = client_of(officer("county_reviewer", "410123"))
    assert elsewhere.get(page).status_code == 404 and elsewhere.get(reverse("payments:back_award", args=[row.back_pay_id, row.entitlement_id])).status_code == 404
