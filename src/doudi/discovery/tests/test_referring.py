"""1.5, 3.1: leads passed on between counties go to the visitor of the place of stay, are sent back with a reason, and never wait unseen."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Duty, Message, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Lead, LeadEvent, LeadReferral
from doudi.discovery.services import (
    StaleLead,
    Subject,
    advance_lead,
    escalate,
    raise_lead,
    refer_lead,
    return_referral,
    take_referral,
)  # fmt: skip
from doudi.discovery.services.referring import take_waiting
from doudi.discovery.tests.test_assigning import CHINA, NOW, PROVINCE, TOWN, signal
from doudi.registry.tests.helpers import ELSEWHERE, VILLAGE, household

pytestmark = pytest.mark.django_db
THERE = ELSEWHERE[:6]
WHO = Subject(name="陈大山", phone="13800001234")


@pytest.fixture
def there(db: None) -> scopes.Scope:
    return officer(Duty.COUNTY_REVIEWER, THERE, name="钱丽")


def passed(town: scopes.Scope, to: str = THERE, **given: Any) -> LeadReferral:
    lead = signal(town, **{"subject": WHO, "detail": "母亲独自在那边"} | given)
    with scopes.acting(town):
        refer_lead(lead_id=lead.pk, version=None, to_area=to, note="人在外县", now=NOW)
        return LeadReferral.objects.get(lead=lead)


def back(scope: scopes.Scope, referral: LeadReferral, reason: str = "此人已搬走，请核实新住址", now: datetime = NOW) -> LeadReferral:
    with scopes.acting(scope):
        return return_referral(referral_id=referral.pk, reason=reason, now=now)


def todos(**given: Any) -> list[tuple[str, str, str]]:
    with scopes.acting(scopes.Scope(area="41")):
        return sorted(Todo.objects.filter(done_at=None, **given).values_list("kind", "duty", "area"))


def test_1_5_what_is_sent_back_opens_the_senders_lead_with_a_new_clock(town: scopes.Scope, there: scopes.Scope) -> None:
    referral, later = passed(town), NOW + timedelta(days=3)
    done = back(there, referral, now=later)
    assert (done.standing, done.returned_by_id, done.return_reason) == ("returned", there.account_id, "此人已搬走，请核实新住址")
    assert todos() == [("lead_returned", Duty.TOWNSHIP_OFFICER, VILLAGE)]
    with scopes.acting(town):
        lead = Lead.objects.get()
        assert (lead.state, lead.closed_at, lead.posting_id, lead.contact_due) == ("new", None, None, date(2022, 12, 2))
        event = LeadEvent.objects.get(what="returned")
        assert (event.before, event.after, event.account_id) == ("referred", "new", there.account_id) and event.note.endswith("退回：此人已搬走，请核实新住址")
        assert Todo.objects.get(done_at=None).due == lead.contact_due
        again = refer_lead(lead_id=lead.pk, version=lead.version, to_area="410724", note="现住获嘉", now=later)
        assert again.state == "referred" and LeadReferral.objects.filter(lead=lead).count() == 2 and not Todo.objects.filter(done_at=None).exists()
    with scopes.acting(there), pytest.raises(StaleLead):
        take_referral(referral_id=referral.pk, area=ELSEWHERE, now=later)


def test_1_5_a_lead_that_nobody_handles_after_its_return_goes_up(town: scopes.Scope, there: scopes.Scope) -> None:
    back(there, passed(town))
    late = datetime(2022, 12, 1, 6, tzinfo=CHINA)
    with scopes.acting(PROVINCE):
        assert escalate(on=late.date(), now=late, area="41").escalated == 1
    assert ("lead_overdue", Duty.COUNTY_REVIEWER, VILLAGE[:6]) in todos()


def test_1_5_a_contacted_lead_comes_back_as_contacted(town: scopes.Scope, there: scopes.Scope) -> None:
    lead = signal(town, subject=WHO)
    with scopes.acting(town):
        advance_lead(lead_id=lead.pk, version=None, after="contacted", note="", now=NOW)
        refer_lead(lead_id=lead.pk, version=None, to_area=THERE, note="人在外县", now=NOW)
        referral = LeadReferral.objects.get()
    back(there, referral)
    with scopes.acting(town):
        lead.refresh_from_db()
        assert lead.state == "contacted" and lead.verify_due and lead.contacted_at == NOW


def test_1_5_sent_back_while_the_household_has_a_new_open_lead_it_joins_that_one(town: scopes.Scope, there: scopes.Scope) -> None:
    home = household(town)
    referral = passed(town, household_id=home.pk, subject=None)
    newer = signal(town, "call:2", household_id=home.pk)
    back(there, referral)
    with scopes.acting(town):
        old = Lead.objects.get(pk=referral.lead_id)
        assert (old.merged_into_id, old.state) == (newer.pk, Lead.objects.get(pk=newer.pk).state)
        assert LeadEvent.objects.get(what="returned").lead_id == newer.pk


def test_1_5_what_was_taken_is_sent_back_too_and_ends_there(town: scopes.Scope, there: scopes.Scope) -> None:
    referral = passed(town)
    with scopes.acting(there):
        taken = take_referral(referral_id=referral.pk, area=ELSEWHERE, now=NOW)
    back(there, referral)
    with scopes.acting(there):
        taken.refresh_from_db()
        assert taken.state == "referred" and LeadReferral.objects.get().result == ""
    assert [kind for kind, _duty, _area in todos()] == ["lead_returned"]
    with pytest.raises(StaleLead):
        back(there, referral)


def test_1_5_who_may_send_back_and_what_is_refused(town: scopes.Scope, there: scopes.Scope) -> None:
    referral = passed(town)
    with pytest.raises(ValidationError) as error:
        back(there, referral, reason=" ")
    assert list(error.value.message_dict) == ["reason"]
    with pytest.raises(ValidationError, match="只写后四位"):
        back(there, referral, reason="本人13812345678说已搬走")
    for scope in (town, officer(Duty.TOWNSHIP_OFFICER, "410724001"), officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])):
        with pytest.raises(LeadReferral.DoesNotExist):
            back(scope, referral)
    with pytest.raises(PermissionDenied):
        back(officer(Duty.VISITOR, ELSEWHERE), referral)
    with scopes.acting(town), connection.cursor() as cursor:  # nor by the function itself
        cursor.execute("select doudi.return_referral(%s, 1, 'x', current_date, current_date, now())", [referral.pk])
        assert cursor.fetchone() == ("gone",) and Lead.objects.get().state == "referred"
    with scopes.acting(there):
        taken = take_referral(referral_id=referral.pk, area=ELSEWHERE, now=NOW)
        advance_lead(lead_id=taken.pk, version=None, after="verified", note="已上门核实", now=NOW)
        advance_lead(lead_id=taken.pk, version=None, after="helped", note="已给予临时救助", now=NOW)
    with pytest.raises(StaleLead, match="已办结"):
        back(there, referral)


def test_1_5_a_lead_for_a_village_elsewhere_is_the_visitors_there_within_a_round(town: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, ELSEWHERE, name="孙红")
    referral = passed(town, ELSEWHERE)
    assert todos() == [("lead_referral", Duty.TOWNSHIP_OFFICER, ELSEWHERE)]
    assert (take_waiting(now=NOW), take_waiting(now=NOW)) == (1, 0)
    with scopes.acting(visitor):
        lead = Lead.objects.get()
        assert (lead.channel, lead.area, lead.posting_id, lead.shown_name, lead.detail) == (
            "referral", ELSEWHERE, visitor.posting_id, "陈大山", "母亲独自在那边",
        )  # fmt: skip
        assert lead.person_id is None and Todo.objects.get(done_at=None).posting_id == visitor.posting_id
        assert Message.objects.filter(account_id=visitor.account_id, template="lead.assigned").count() == 1
        advance_lead(lead_id=lead.pk, version=None, after="verified", note="已上门核实", now=NOW)
        advance_lead(lead_id=lead.pk, version=None, after="helped", note="已给予临时救助", now=NOW)
    with scopes.acting(town):
        referral.refresh_from_db()
        assert referral.result == "helped" and Lead.objects.get().state == "referred"


def test_1_5_a_village_without_a_visitor_leaves_it_to_its_township_which_may_send_it_back(town: scopes.Scope) -> None:
    referral = passed(town, ELSEWHERE)
    assert take_waiting(now=NOW) == 1
    assert todos() == [("lead", Duty.TOWNSHIP_OFFICER, ELSEWHERE)]
    back(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9]), referral)
    assert todos() == [("lead_returned", Duty.TOWNSHIP_OFFICER, VILLAGE)]


def test_1_5_one_that_cannot_be_taken_stays_with_the_township_and_stops_no_other(town: scopes.Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = passed(town, ELSEWHERE), passed(town, ELSEWHERE, source="call:2", subject=Subject(name="李四"))
    real = raise_lead

    def breaks(**given: Any) -> Lead:
        if given["source"] == f"referral:{second.pk}":
            raise ValidationError("x")
        return real(**given)

    monkeypatch.setattr("doudi.discovery.services.referring.raise_lead", breaks)
    assert take_waiting(now=NOW) == 1
    with scopes.acting(scopes.Scope(area="41")):
        assert LeadReferral.objects.get(pk=first.pk).taken_at and not LeadReferral.objects.get(pk=second.pk).taken_at
    assert ("lead_referral", Duty.TOWNSHIP_OFFICER, ELSEWHERE) in todos()


def test_1_5_what_nobody_takes_goes_up_until_it_is_taken(town: scopes.Scope, there: scopes.Scope) -> None:
    referral = passed(town)

    def round(on: date) -> list[tuple[str, str, str]]:
        with scopes.acting(PROVINCE):
            escalate(on=on, now=datetime(on.year, on.month, on.day, 6, tzinfo=CHINA), area="41")
        return todos(kind="referral_overdue")

    assert round(NOW.date()) == []
    assert round(NOW.date() + timedelta(days=1)) == [("referral_overdue", Duty.SUPERVISOR, THERE[:4])]
    city = officer(Duty.SUPERVISOR, THERE[:4])
    assert client_of(city).get(reverse("discovery:referral", args=[referral.pk])).status_code == 200
    with scopes.acting(there):
        take_referral(referral_id=referral.pk, area=ELSEWHERE, now=NOW + timedelta(days=1))
    assert todos(kind="referral_overdue") == todos(kind="lead_referral") == []


def test_1_5_the_pages_of_both_sides_say_so(town: scopes.Scope, there: scopes.Scope) -> None:
    referral = passed(town, detail="打她女儿13812345678", reason="母亲病倒，侄子13911112222")
    receiver, sender = client_of(there), client_of(town)
    page, url = reverse("discovery:referral", args=[referral.pk]), reverse("discovery:referral_back", args=[referral.pk])
    assert "退回转出地" in receiver.get(page).content.decode() and "退回转出地" not in sender.get(page).content.decode()
    assert sender.post(url, {"reason": "不归我们管"}).status_code == 404
    assert "请写明退回的理由" in receiver.post(url, {"reason": ""}, follow=True).content.decode()
    assert receiver.post(url, {"reason": "不在本县"}).status_code == 302
    assert "刚刚退回" in receiver.post(url, {"reason": "不在本县"}, follow=True).content.decode()
    assert all("打她女儿138****5678" in side.get(page).content.decode() for side in (receiver, sender))
    for shown in (receiver.get(page), sender.get(page), sender.get(reverse("discovery:lead", args=[referral.lead_id]))):
        assert "不在本县" in shown.content.decode()
    listed = sender.get(reverse("discovery:referrals")).content.decode()
    assert "已退回" in listed and "侄子139****2222" in listed and "13911112222" not in listed
    assert client_of(officer(Duty.VISITOR, ELSEWHERE)).get(page).status_code in (403, 404)


def test_1_5_the_place_is_found_anywhere_in_the_province(town: scopes.Scope) -> None:
    client: Client = client_of(town)
    assert ELSEWHERE not in client.get("/places/", {"field": "to_area", "to_area": ELSEWHERE}).content.decode()
    assert ELSEWHERE in client.get("/places/?wide=1", {"field": "to_area", "to_area": ELSEWHERE, "wide": "1"}).content.decode()
    assert f'value="{THERE}"' in client.get("/places/", {"field": "to_area", "to_area": "中原", "wide": "1"}).content.decode()


@pytest.mark.django_db(transaction=False)
def test_1_5_taken_and_sent_back_at_once_one_is_told(committed_db: None) -> None:
    town = officer(Duty.TOWNSHIP_OFFICER, TOWN)
    pair = [officer(Duty.COUNTY_REVIEWER, THERE) for _number in range(2)]
    referral, start, said = passed(town), threading.Barrier(2), []

    def act(turn: int) -> None:
        start.wait(10)
        try:
            with scopes.acting(pair[turn]):
                if turn:
                    return_referral(referral_id=referral.pk, reason="不在本县", now=NOW)
                else:
                    take_referral(referral_id=referral.pk, area=ELSEWHERE, now=NOW)
            said.append("done")
        except StaleLead:
            said.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(turn,)) for turn in range(2)]
    [each.start() for each in threads]
    [each.join(30) for each in threads]
    with scopes.acting(scopes.Scope(area="41")):
        done = LeadReferral.objects.get(pk=referral.pk)
        open_there = Lead.objects.filter(pk=done.lead_there or 0, state__in=Lead.OPEN).exists()
        assert len(said) == 2 and not (done.returned_at and open_there)
