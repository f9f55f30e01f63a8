"""1.3, 1.5: the visitor hears of leads, and who reported hears what became of the report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.messaging import text_of, unsaid_in
from doudi.core.models import Account, Duty, Message, MessageOptOut
from doudi.core.services.sending import send_due
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.services import Subject, advance_lead, assign_lead, escalate, telling
from doudi.discovery.services.raising import assign_new
from doudi.discovery.tests.test_assigning import NOW, TOWN, VILLAGE, signal
from doudi.discovery.tests.test_referring import THERE, back, passed
from doudi.discovery.tests.test_team import member, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


def told(template: str) -> list[Message]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(Message.objects.filter(template=template).order_by("made_at", "dedupe"))


def close(lead: Any, after: str = "not_in_need") -> None:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWN)):
        advance_lead(lead_id=lead.pk, version=None, after="verified", note="已上门核实", now=NOW)
        advance_lead(lead_id=lead.pk, version=None, after=after, note="已上门核实", now=NOW)


def test_1_5_the_visitor_hears_of_a_new_lead_and_again_when_it_comes_back(town: scopes.Scope) -> None:
    visitor, other = officer(Duty.VISITOR, VILLAGE), officer(Duty.DISCOVERY_MEMBER, VILLAGE)
    lead = signal(town)
    (first,) = told("lead.assigned")
    assert first.account_id == visitor.account_id and lead.number in text_of(first) and first.url == f"/leads/{lead.pk}/"
    with scopes.acting(town):
        assign_lead(lead_id=lead.pk, version=1, posting_id=other.posting_id, note="", now=NOW.replace(hour=10))
        assign_lead(lead_id=lead.pk, version=2, posting_id=visitor.posting_id, note="", now=NOW.replace(hour=11))
        assign_lead(lead_id=lead.pk, version=3, posting_id=None, note="", now=NOW.replace(hour=12))
    assert [row.account_id for row in told("lead.assigned")] == [visitor.account_id, other.account_id, visitor.account_id]


def test_1_5_many_leads_at_once_are_one_message_to_each_visitor(town: scopes.Scope) -> None:
    leads = [signal(town, f"call:{number}", subject=Subject(name=f"王{chr(0x4E00 + number)}")) for number in range(1, 6)]
    visitor = officer(Duty.VISITOR, VILLAGE)
    with scopes.acting(town), connection.cursor() as cursor:
        assign_new(cursor, ids=[lead.pk for lead in leads], on=NOW.date(), now=NOW, note="测试")
    (message,) = told("lead.assigned")
    assert message.account_id == visitor.account_id and message.values["count"] == 5 and message.url == "/leads/mine/"


def test_1_3_a_member_without_account_hears_by_phone_and_no_more_than_needed(town: scopes.Scope) -> None:
    with scopes.acting(town):
        made = member()
        lead = report(member_id=made.pk, detail="重病，老人独居三天没出门")
    close(lead)
    (message,) = told("report.answered")
    assert message.phone == made.phone and numbers.plain(message.phone) == "13800001111"
    assert lead.number in text_of(message) and not unsaid_in(text_of(message))
    assert "老人" not in text_of(message) and "符合" not in text_of(message)


def test_1_3_a_member_with_an_account_hears_the_outcome_once(town: scopes.Scope) -> None:
    grid = officer(Duty.DISCOVERY_MEMBER, VILLAGE)
    with scopes.acting(town):
        member(username=Account.objects.get(pk=grid.account_id).username)
    with scopes.acting(grid):
        lead = report()
        second = report(detail="又一次", urgency="red")
    close(lead)
    close(second) if second.merged_into_id is None else None
    found = told("report.ended")
    assert {row.account_id for row in found} == {grid.account_id} and len(found) == 2
    assert "不符合条件" in text_of(found[0])
    assert "不符合条件" in client_of(grid).get("/messages/").content.decode()


def test_1_3_who_opted_out_hears_nothing_and_the_page_says_so(town: scopes.Scope) -> None:
    with scopes.acting(town):
        made = member()
        lead = report(member_id=made.pk)
    client = client_of(town)
    page = reverse("discovery:team_messages", args=[made.pk])
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410102001")).post(page, {"want": "0"}).status_code == 404
    assert "不接收短信" in client.post(page, {"want": "0"}, follow=True).content.decode()
    close(lead)
    assert [(row.state, row.error) for row in told("report.answered")] == [("refused", "opted_out")]
    assert send_due(now=NOW) == 0
    client.post(page, {"want": "1"})
    with scopes.acting(town):
        assert not MessageOptOut.objects.filter(ended_at__isnull=True).exists()


def test_a_person_opts_out_on_the_own_page(town: scopes.Scope) -> None:
    from doudi.registry.models import Person
    from doudi.registry.tests.helpers import household

    household(town)
    with scopes.acting(town):
        person = Person.objects.get()
    client = client_of(town)
    there = reverse("registry:person_messages", args=[person.pk])
    assert "不再接收短信" in client.get(reverse("registry:person", args=[person.pk])).content.decode()
    client.post(there, {"want": "0", "reason": "本人要求"})
    shown = client.get(reverse("registry:person", args=[person.pk])).content.decode()
    assert "本人要求" in shown and "恢复接收" in shown
    assert client_of(officer(Duty.FINANCE_OFFICER, TOWN)).post(there, {"want": "1"}).status_code == 403
    client.post(there, {"want": "1"})
    assert 'name="want" value="1"' not in client.get(reverse("registry:person", args=[person.pk])).content.decode()


def test_1_5_what_is_passed_on_and_what_comes_back_is_told_once_on_the_other_side(town: scopes.Scope) -> None:
    there = officer(Duty.COUNTY_REVIEWER, THERE)
    referral = passed(town)
    assert telling.tell_passed(now=NOW) == 1 and telling.tell_passed(now=NOW) == 0
    (waiting,) = told("todo.lead_referral")
    assert waiting.account_id == there.account_id and waiting.url == f"/leads/referrals/{referral.pk}/"
    back(there, referral)
    assert telling.tell_passed(now=NOW) == 1 and telling.tell_passed(now=NOW) == 0
    (returned,) = told("todo.lead_returned")
    assert returned.account_id == town.account_id and "退回" in text_of(returned) and "sent back" in text_of(returned, "en")
    assert telling.tell_passed(now=NOW + telling.SINCE * 2) == 0


def test_1_4_who_works_on_a_lead_hears_that_its_caller_called_again(town: scopes.Scope) -> None:
    visitor, desk = officer(Duty.VISITOR, VILLAGE), officer(Duty.HOTLINE_OPERATOR, VILLAGE[:6])
    lead = signal(town)
    with scopes.acting(desk):
        assert telling.tell_urged(lead_id=lead.pk, call="RX1", now=NOW) == 1
        assert telling.tell_urged(lead_id=lead.pk, call="RX1", now=NOW) == 0
        assert telling.tell_urged(lead_id=lead.pk, call="RX2", now=NOW) == 1
    assert {row.account_id for row in told("lead.urged")} == {visitor.account_id}
    with scopes.acting(town):
        assign_lead(lead_id=lead.pk, version=None, posting_id=None, note="", now=NOW)
    with scopes.acting(desk):
        telling.tell_urged(lead_id=lead.pk, call="RX3", now=NOW)
    assert town.account_id in {row.account_id for row in told("lead.urged")}


def test_1_5_what_comes_up_is_one_message_however_many(town: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, VILLAGE)
    for number in range(3):
        signal(town, f"call:{number}", subject=Subject(name=f"王{chr(0x4E00 + number)}"))
    later = NOW + timedelta(days=14)
    with scopes.acting(scopes.Scope(area="41", duty=WORKER, page="daily", acts=frozenset({"discovery.escalate"}))):
        assert escalate(on=later.date(), now=later, area="41").escalated == 3
        escalate(on=later.date(), now=later, area="41")
    (message,) = told("todo.lead_overdue")
    assert (message.account_id, message.values["count"]) == (town.account_id, 3) and message.account_id != visitor.account_id
