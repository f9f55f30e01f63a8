"""6.3: a request that ended is opened again with its reason; of two officers who act on one request at once the second is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.core.tests.officers import client_of
from doudi.core.tests.together import as_, together
from doudi.institutions.models import Request, RequestEvent
from doudi.institutions.services import fulfilling, reopening, requests
from doudi.institutions.tests.coordination_world import Office
from doudi.institutions.tests.test_requests import fresh, received, sent
from doudi.institutions.tests.world import NOW

pytestmark = pytest.mark.django_db


def reopened(by: scopes.Scope, row: Request, more: str = "0", reason: str = "又来了六名老人") -> Request:
    with scopes.acting(by):
        return reopening.reopen(request_id=row.pk, version=fresh(row).version, reason=reason, more=Decimal(more), now=NOW)


def test_6_3_a_fulfilled_request_is_opened_again_for_more_and_given_out_anew() -> None:
    office = Office()
    row = office.working()
    received(office, row, sent(office, row, "20"), "20")
    assert fresh(row).state == "done"
    for more, reason, field in (("0", "又来了六名老人", "more"), ("-1", "又来了六名老人", "more"), ("5", " ", "reason")):
        with pytest.raises(ValidationError) as refused:
            reopened(office.clerk, row, more, reason)
        assert list(refused.value.message_dict) == [field]
    again = reopened(office.clerk, row, "5")
    assert (again.state, again.quantity, again.unit_name, again.closed_at, again.held_by) == ("raised", 25, "", None, "410122")
    with scopes.acting(office.reviewer):
        assert Todo.objects.filter(subject_id=row.pk, kind="request.assign", done_at=None).count() == 1
        assert RequestEvent.objects.filter(request=row, what="reopened", account_id=office.clerk.account_id).count() == 1
    office.working(fresh(row))
    received(office, row, sent(office, row, "5"), "5")
    assert (fresh(row).state, fresh(row).amount) == ("done", "25 瓶")


def test_6_3_what_was_declined_is_opened_again_by_who_assigns_and_never_beside_another_for_the_same() -> None:
    office = Office()
    row = office.raised()
    with scopes.acting(office.reviewer):
        requests.decline(request_id=row.pk, version=row.version, reason="可自行采购", now=NOW)
    with pytest.raises(PermissionDenied):
        reopened(office.clerk, row)
    other = office.raised()
    with pytest.raises(ValidationError, match="另有未办结"):
        reopened(office.reviewer, row)
    with scopes.acting(office.clerk):
        requests.withdraw(request_id=other.pk, version=other.version, reason="登记错了", now=NOW)
        page = reverse("institutions:request", args=[other.pk])
    browser = client_of(office.clerk)
    assert "重新办理" in browser.get(page).content.decode() and "重新办理" not in browser.get(reverse("institutions:request", args=[row.pk])).content.decode()
    given = {"act": "reopen", "version": fresh(other).version, "reason": "还是需要", "more": "x"}
    answer = browser.post(f"{page}act/", given)
    assert answer.status_code == 422 and "details open" in answer.content.decode()
    assert browser.post(f"{page}act/", given | {"more": "0"}).status_code == 302 and fresh(other).state == "raised"
    # the database itself: what ended changes only by being opened again
    with scopes.acting(office.reviewer), pytest.raises(IntegrityError), transaction.atomic():
        Request.objects.filter(pk=row.pk).update(quantity=999)


def test_6_3_of_two_who_decline_pass_up_change_or_reopen_at_once_the_second_is_told(committed_db: None) -> None:
    office = Office()
    row = office.assigned()
    with scopes.acting(office.reviewer):
        offer = row.offers.get().pk
    given: dict[str, Any] = {"request_id": row.pk, "version": row.version, "now": NOW}
    decline = as_(office.reviewer, requests.decline, **given, reason="市里统一调拨")
    made, said = together(decline, as_(office.health, requests.accept, **given, offer_id=offer))
    assert len(made) == 1 and "刚由他人办理" in said[0]
    row = office.raised(item="n95", what="口罩", quantity=Decimal(100))
    given = {"request_id": row.pk, "version": row.version, "now": NOW}
    more = {"quantity": Decimal(300), "urgency": "red", "what": "口罩", "wanted_by": None, "reason": "增加班次"}
    made, said = together(as_(office.reviewer, requests.pass_up, **given, reason="县里没有"), as_(office.clerk, requests.amend, **given, **more))
    assert len(made) == 1 and "刚由他人办理" in said[0]
    now = fresh(row)
    assert (now.held_by, now.quantity) in (("4101", 100), ("410122", 300)), "one act, whole"
    with scopes.acting(office.clerk):
        requests.withdraw(request_id=row.pk, version=now.version, reason="不需要了", now=NOW)
    given = {"request_id": row.pk, "version": fresh(row).version, "reason": "又需要了", "now": NOW}
    made, said = together(*(as_(who, reopening.reopen, **given, more=Decimal(10)) for who in (office.clerk, office.reviewer)))
    assert len(made) == 1 and "刚由他人办理，现为“待交办”" in said[0] and fresh(row).quantity == now.quantity + 10
    part = {"request_id": row.pk, "key": uuid4(), "quantity": Decimal(1), "version": fresh(row).version, "now": NOW}
    with scopes.acting(office.health), pytest.raises(ValidationError, match="现为“待交办”"):
        fulfilling.send(**part)
