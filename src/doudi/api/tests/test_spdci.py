"""The social registry interface by its meaning: who speaks, the right people, scope and consent, paging, replay, callbacks that are signed, changes that are told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.api.spdci import callbacks, envelope, services, watching
from doudi.api.spdci.models import SpdciCallback, SpdciConsent, SpdciMessage, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.api.tests.conftest import NOW, System, error_of
from doudi.api.tests.partners import AGREED, LAW, Partner, agree, check, request, uin, where
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer
from doudi.payments.tests.world import Given, award
from doudi.registry.models import Person

pytestmark = pytest.mark.django_db


ON = NOW.date()


def access() -> list[tuple[str, int | None, str]]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(AccessRecord.objects.filter(reason__startswith="spdci").order_by("pk").values_list("what", "subject_id", "reason"))


def test_the_right_person_with_what_the_purpose_opens_and_an_access_record(partner: Partner, family: Given, django_assert_max_num_queries: Any) -> None:
    before, who = len(access()), family.people[0]
    with django_assert_max_num_queries(40):
        found = partner.search(uin(who))
    (record,) = found["data"]["reg_records"]
    assert found["pagination"] == {"page_size": 100, "page_number": 1, "total_count": 1}
    assert record["demographic_info"]["name"]["given_name"] == who.name and record["demographic_info"]["sex"] == "male"
    assert record["member_identifier"][0]["identifier_value"] == numbers.plain(who.token)
    (programme,) = record["programme_identifier"]
    assert programme["programme"]["programme_identifier"] == "dibao" and programme["benefits"]["benefit_value"] == "CNY 612.50"
    assert access()[before:] == [("open", who.pk, f"spdci {partner.sender} {LAW}")]
    group = partner.search(uin(who), response_entity="Group")["data"]["reg_records"][0]
    assert group["group_size"] == 2 and [each["demographic_info"]["name"]["given_name"] for each in group["member_list"]] == [each.name for each in family.people]
    assert {number for _what, number, _reason in access()[before + 1 :]} == {each.pk for each in family.people}, "everybody who was told of"


def test_who_did_not_agree_is_answered_like_nobody(partner: Partner, family: Given) -> None:
    who, other = family.people
    nobody = partner.search({"type": "UIN", "value": "11010519491231002X"}, purpose=AGREED)
    closed = partner.search(uin(who), purpose=AGREED)
    assert {**nobody, "reference_id": ""} == {**closed, "reference_id": ""} and closed["data"]["reg_records"] == []
    assert [what for what, _number, _reason in access()[-2:]] == ["lookup", "lookup"], "asking in vain is recorded too"
    row = agree(partner, who)
    (record,) = partner.search(uin(who, other), purpose=AGREED)["data"]["reg_records"]
    assert record["demographic_info"]["name"]["given_name"] == who.name
    assert "programme_identifier" not in record, "the purpose opens identity alone"
    group = partner.search(uin(who), purpose=AGREED, response_entity="Group")["data"]["reg_records"][0]
    assert "group_size" not in group and len(group["member_list"]) == 1
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        services.withdraw_consents(person_id=row.person_id, consent_ids=[row.pk], now=NOW)
    assert partner.names(uin(who), purpose=AGREED) == []


def test_consent_ends_with_its_day_and_is_for_one_partner_and_purpose(partner: Partner, family: Given, system: Callable[..., System], clock: Any) -> None:
    who = family.people[0]
    agree(partner, who, until=ON + timedelta(days=1))
    other = Partner(system(rights=["registry:search"]))
    assert partner.names(uin(who), purpose=AGREED) == [who.name] and other.names(uin(who), purpose=AGREED) == []
    assert partner.search(uin(who), purpose="unknown")["status_reason_code"] == "rjct.search_criteria.invalid"
    with scopes.acting(scopes.Scope(area=COUNTY)):
        SpdciConsent.objects.create(
            purpose=other.agreed, area=VILLAGE, person_id=who.pk, starts=ON - timedelta(days=9), ends=ON, document="x", made_at=NOW
        )
    assert other.names(uin(who), purpose=AGREED) == [], "over since today"


def test_a_partner_sees_its_place_and_the_living_alone(family: Given, system: Callable[..., System]) -> None:
    who = family.people[0]
    assert Partner(system(area="410724", rights=["registry:search"])).names(uin(who)) == []
    province = Partner(system(area="41", rights=["registry:search"]))
    assert province.names(uin(who)) == [who.name]
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk=who.pk).update(died_on=date(2022, 11, 1))
    assert province.names(uin(who)) == []
    ids = [each["data"]["reg_records"][0]["@id"] for each in (province.search(uin(family.people[1])), Partner(system(rights=["registry:search"])).search(uin(family.people[1])))]
    assert ids[0] != ids[1], "two partners cannot put their records together"


def test_predicates_paging_and_order(partner: Partner) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        everybody = [person for _time in range(5) for person in award(programme="tekun", starts=date(2022, 10, 1)).people]
    byname = [where("programme", "eq", "tekun"), where("place_code", "eq", TOWNSHIP)]
    first = partner.search(byname, kind="predicate", pagination={"page_size": 2, "page_number": 1}, sort=[{"attribute_name": "birth_date", "sort_order": "desc"}])
    assert first["pagination"]["total_count"] >= 5
    pages = [
        partner.search(byname, kind="predicate", pagination={"page_size": 2, "page_number": page}, sort=[{"attribute_name": "birth_date"}]) for page in (1, 2, 3)
    ]
    told = [each["demographic_info"]["name"]["given_name"] for page in pages for each in page["data"]["reg_records"]]
    assert len(told) == len(set(told)) and {each.name for each in everybody} >= set(told)
    assert not any(each["member_identifier"] for each in pages[0]["data"]["reg_records"]), "numbers that were not asked for are not told"
    assert partner.names([where("place_code", "eq", "410724")], kind="predicate") == []
    for wrong, code in (
        ([where("name", "eq", "王")], "rjct.filter.invalid"), ([where("birth_date", "eq", "2022-13-01")], "rjct.filter.invalid"),
        ([where("programme", "gt", "a")], "rjct.filter.invalid"), ([], "rjct.filter.invalid"), ([where("place_code", "eq", "41%\x00")], "rjct.filter.invalid"),
        ([{**where("programme", "eq", "tekun"), "condition": "xor"}], "rjct.filter.invalid"), ([where("place_code", "eq", VILLAGE)], "rjct.filter.invalid"),
    ):  # fmt: skip
        assert partner.search(wrong, kind="predicate")["status_reason_code"] == code
    assert partner.search(byname, kind="graphql")["status_reason_code"] == "rjct.search_criteria.invalid"
    for paging in ({"page_size": 101}, {"page_size": 0}, {"page_size": "1"}, {"page_number": 1}, {"page_size": True}):
        assert partner.search(byname, kind="predicate", pagination=paging)["status_reason_code"] == "rjct.pagination.invalid"
    assert partner.search(byname, kind="predicate", sort=[{"attribute_name": "name"}])["status_reason_code"] == "rjct.sort.invalid"


def test_one_request_of_a_batch_that_is_refused_does_not_stop_the_others(partner: Partner, family: Given) -> None:
    good = request(uin(family.people[0]))
    batch = [good, deepcopy(good), request({"type": "UIN", "value": "123"}), request(uin(family.people[1])) | {"timestamp": "today"}]
    found = partner.ask("/sync/search", "search", {"search_request": batch})["message"]
    codes = [each.get("status_reason_code", "") for each in found["search_response"]]
    assert codes == ["", "rjct.reference_id.duplicate", "rjct.filter.invalid", "rjct.timestamp.invalid"]
    again = {"txn_type": "search", "reference_id": "x", "attribute_type": "correlation_id", "attribute_value": found["correlation_id"]}
    status = partner.ask("/sync/txn/status", "txn-status", {"txnstatus_request": again})["message"]["txnstatus_response"]["txn_status"]
    assert [each["status"] for each in status["search_response"]] == ["succ", "rjct", "rjct", "rjct"]
    assert family.people[0].name not in json.dumps(status, ensure_ascii=False)


def test_whatever_a_partner_signs_is_answered_in_the_standards_words(partner: Partner) -> None:
    odd: list[Any] = [None, "\x00", 1e300, [[]], {"a": {}}, [None]]
    messages = [{"search_request": each} for each in odd]
    for each in odd:
        for name in ("query", "query_type", "consent", "response_entity", "pagination", "sort"):
            messages.append({"search_request": [request([where("birth_date", "ge", "1900-01-01")], "predicate", **{name: each})]})
        messages.append({"search_request": [request({"type": "UIN", "value": each}), request([where("birth_date", each, each)], "predicate")]})
        messages.append({"search_request": [request([where(each, "in", [each])], "predicate", sort=[{"attribute_name": each, "sort_order": each}])]})
    bodies = [("/sync/search", "search", message) for message in messages]
    bodies += [("/sync/txn/status", "txn-status", {"txnstatus_request": {"txn_type": "search", "attribute_type": "reference_id_list", "attribute_value": each}}) for each in odd]
    bodies += [("/sync/txn/status", "txn-status", {"txnstatus_request": each}) for each in odd]
    for path, action, message in bodies:
        answer = partner.post(path, partner.envelope(action, {"transaction_id": "t"} | message))
        assert answer.status_code in (200, 400, 422), (message, answer.content)
        if answer.status_code == 400:
            assert error_of(answer)["code"].startswith("err."), answer.content
    for transaction in odd:
        answer = partner.post("/sync/search", partner.envelope("search", {"transaction_id": transaction}))
        assert answer.status_code == 400


def test_a_message_is_taken_once(partner: Partner, family: Given) -> None:
    body = partner.envelope("search", {"transaction_id": "t", "search_request": [request(uin(family.people[0]))]})
    assert partner.post("/sync/search", body).status_code == 200
    before = len(access())
    again = json.loads(partner.post("/sync/search", body).content)
    assert again["header"]["status_reason_code"] == "rjct.message_id.duplicate" and again["message"]["search_response"] == []
    assert len(access()) == before
    for header, code in ({"message_ts": (NOW - timedelta(minutes=6)).isoformat()}, "rjct.message_ts.invalid"), ({"action": "subscribe"}, "rjct.action.invalid"):
        found = partner.ask("/sync/search", "search", {"search_request": [request(uin(family.people[0]))]}, **header)
        assert found["header"]["status_reason_code"] == code


def test_who_did_not_sign_is_not_heard(partner: Partner, family: Given, system: Callable[..., System], clock: Any) -> None:
    def body(**header: Any) -> dict[str, Any]:
        return partner.envelope("search", {"transaction_id": "t", "search_request": [request(uin(family.people[0]))]}, **header)

    tampered = body()
    tampered["message"]["search_request"][0]["search_criteria"]["consent"]["purpose"]["code"] = AGREED
    elsewhere = body() | {"signature": body()["signature"]}
    stranger = Partner(system(rights=["registry:search"]))
    by_another = body()
    by_another["signature"] = envelope.line(
        stranger.key, sender=partner.sender, key_id="k1", header=by_another["header"], message=by_another["message"], now=NOW
    )
    before = len(access())
    for wrong, code in (
        (body() | {"signature": ""}, "err.signature.missing"), (body() | {"signature": "x"}, "err.signature.invalid"), (tampered, "err.signature.invalid"),
        (elsewhere, "err.signature.invalid"), (by_another, "err.signature.invalid"), (body(sender_id=stranger.sender), "err.sender_id.invalid"),
    ):  # fmt: skip
        answer = partner.post("/sync/search", wrong)
        assert (answer.status_code, error_of(answer)["code"]) == (401, code)
        assert json.loads(answer.content)["errors"][0]["code"] == code
    assert error_of(stranger.post("/sync/search", body()))["code"] == "err.sender_id.invalid", "with another's token"
    old = body()
    clock.shift(timedelta(minutes=11))
    assert error_of(partner.post("/sync/search", old))["code"] == "err.signature.invalid"
    assert len(access()) == before
    plain = system(rights=["registry:search"])
    assert error_of(plain.call("post", "/registry/sync/search", json.dumps(body()).encode(), content_type="application/json"))["code"] == "err.request.forbidden"
    other = system(rights=["leads:report"])
    assert error_of(other.call("post", "/registry/sync/search", json.dumps(body()).encode(), content_type="application/json"))["code"] == "missing_scope"


def test_an_asynchronous_search_is_answered_at_the_partners_address(system: Callable[..., System], family: Given, web: gateways.Web) -> None:
    partner = Partner(system(rights=["registry:search"]), callback=f"{web.url}/dci")
    found = partner.ask("/search", "search", {"search_request": [request(uin(family.people[0]))]}, sender_uri="https://evil.example.cn/")
    assert found["message"]["ack_status"] == "ACK" and web.calls == []
    web.answer = lambda call: (500, b"")
    assert callbacks.deliver_due(now=NOW) == 0 and callbacks.deliver_due(now=NOW + timedelta(minutes=1)) == 0
    web.answer = lambda call: (200, b"{}")
    assert callbacks.deliver_due(now=NOW + timedelta(minutes=2)) == 1 and callbacks.deliver_due(now=NOW + timedelta(days=1)) == 0
    first, second = (json.loads(call.body) for call in web.calls)
    assert {call.path for call in web.calls} == {"/dci/registry/on-search"}
    assert first["header"]["message_id"] == second["header"]["message_id"], "the receiver knows it by its id"
    check(first, partner.sender)
    assert second["message"]["correlation_id"] == found["message"]["correlation_id"]
    assert second["message"]["search_response"][0]["data"]["reg_records"][0]["demographic_info"]["name"]["given_name"] == family.people[0].name
    with scopes.acting(callbacks.WORKER):
        assert SpdciCallback.objects.get().message is None, "what arrived is not kept"
    quiet = Partner(system(rights=["registry:search"]))
    assert error_of(quiet.post("/search", quiet.envelope("search", {"transaction_id": "t"})))["code"] == "err.sender_uri.invalid"


def test_a_change_of_somebody_watched_is_told_and_nothing_else(system: Callable[..., System], family: Given, web: gateways.Web) -> None:
    partner = Partner(system(rights=["registry:search"]), callback=web.url)
    who, other = family.people
    agree(partner, who)

    def subscribe(*people: Person) -> list[str]:
        criteria = {
            "reg_event_type": "REGISTER,UPDATE,DELETE", "filter_type": "idtype-value", "filter": uin(*people), "notify_record_type": "Member",
            "authorize": {"purpose": {"code": AGREED}},
        }  # fmt: skip
        given = [{"reference_id": "r", "timestamp": NOW.isoformat(), "subscribe_criteria": criteria}]
        assert partner.ask("/subscribe", "subscribe", {"subscribe_request": given})["message"]["ack_status"] == "ACK"
        callbacks.deliver_due(now=NOW)
        (response,) = json.loads(web.calls.pop().body)["message"]["subscribe_response"]
        return [each["code"] for each in response["subscriptions"]]

    codes = subscribe(who, other)
    assert subscribe(who, other) == codes, "the same again is the subscription that there is"

    def told(minutes: int) -> list[tuple[str, str]]:
        now = NOW + timedelta(minutes=minutes)
        watching.look(now=now)
        callbacks.deliver_due(now=now)
        found = [json.loads(call.body)["message"]["notify_event"][0] for call in web.calls]
        web.calls.clear()
        return [(each["subscription_code"], each["data"]["reg_event_type"]) for each in found]

    assert told(1) == [(codes[0], "REGISTER")], "who has not agreed is not told of"
    assert told(10) == []
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk=who.pk).update(name="改了名")
        Person.objects.filter(pk=other.pk).update(name="也改了")
    assert told(20) == [(codes[0], "UPDATE")] and told(30) == []
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk=who.pk).update(bank="OTHER")  # nothing that the purpose opens
    assert told(40) == []
    agree(partner, other)
    assert told(50) == [(codes[1], "REGISTER")]
    stranger = Partner(system(rights=["registry:search"]), callback=web.url)
    for speaker, status in ((stranger, "rjct"), (partner, "succ")):
        speaker.ask("/unsubscribe", "unsubscribe", {"subscription_codes": [codes[0]]})
        callbacks.deliver_due(now=NOW)
        assert json.loads(web.calls.pop().body)["message"]["status"] == status
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk__in=[who.pk, other.pk]).update(name="又改了")
    assert told(60) == [(codes[1], "UPDATE")]
    with scopes.acting(partner.system.admin):
        services.end_purpose(purpose_id=partner.agreed.pk, now=NOW)
    with scopes.acting(scopes.Scope(area=COUNTY)):
        Person.objects.filter(pk=other.pk).update(name="再改")
    assert told(70) == []


def test_a_partner_that_was_revoked_hears_nothing_more(system: Callable[..., System], family: Given, web: gateways.Web) -> None:
    from doudi.api.services import revoke_client

    partner = Partner(system(rights=["registry:search"]), callback=web.url)
    partner.ask("/search", "search", {"search_request": [request(uin(family.people[0]))]})
    with scopes.acting(partner.system.admin):
        revoke_client(client_id=partner.system.client.pk, version=1, now=NOW)
    assert callbacks.deliver_due(now=NOW) == 0 and web.calls == []
    with scopes.acting(callbacks.WORKER):
        assert list(SpdciCallback.objects.values_list("state", "error", "message")) == [("failed", "revoked", None)]


def test_partners_purposes_and_consents_are_entered_by_those_who_may(partner: Partner, family: Given, system: Callable[..., System]) -> None:
    given = {"client_id": partner.system.client.pk, "sender_id": "a b", "key_id": "", "public_key": "AAAA", "callback_url": "http://example.cn", "now": NOW}
    with scopes.acting(partner.system.admin), pytest.raises(ValidationError) as told:
        services.set_partner(**given)
    assert set(told.value.message_dict) == {"sender_id", "key_id", "public_key", "callback_url"}
    key = base64.b64encode(envelope.public_of(partner.key)).decode()
    with scopes.acting(partner.system.admin), pytest.raises(ValidationError, match="刚刚改动"):
        services.set_partner(**given | {"sender_id": "x", "key_id": "k", "public_key": key, "callback_url": "", "version": 7})
    second = system(rights=["registry:search"])
    with scopes.acting(second.admin), pytest.raises(ValidationError, match="别的客户端"):
        services.set_partner(**given | {"client_id": second.client.pk, "sender_id": partner.sender, "key_id": "k", "public_key": key, "callback_url": ""})
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)), pytest.raises(PermissionDenied):
        services.end_purpose(purpose_id=partner.law.pk, now=NOW)
    number = numbers.plain(family.people[0].token) or ""
    elsewhere = officer(Duty.TOWNSHIP_OFFICER, "410122102")
    with scopes.acting(elsewhere), pytest.raises(ValidationError, match="没有登记"):
        services.record_consent(purpose_id=partner.agreed.pk, number=number, until=date(2023, 1, 1), document="x", now=NOW)
    agree(partner, family.people[0])
    with pytest.raises(ValidationError, match="已同意过"):
        agree(partner, family.people[0])
    with scopes.acting(scopes.Scope(area="410724")):
        assert not any(model.objects.exists() for model in (SpdciPartner, SpdciPurpose, SpdciConsent, SpdciMessage, SpdciSubscription, SpdciCallback))


def test_pages_show_purposes_subscriptions_and_consents_without_data(partner: Partner, family: Given, django_assert_max_num_queries: Any) -> None:
    who = family.people[0]
    agree(partner, who)
    admin, town = client_of(partner.system.admin), client_of(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP))
    with django_assert_max_num_queries(24):
        shown = admin.get(f"/api-clients/{partner.system.client.pk}/registry/").content.decode()
    assert "慈善帮扶" in shown and partner.sender in shown and who.name not in shown
    url = f"/api-clients/{partner.system.client.pk}/registry/"
    assert admin.post(url, {"what": "purpose", "code": "x", "label": ""}).status_code == 422
    assert admin.post(url, {"what": "purpose", "code": "x", "label": "新用途", "fields": ["identity"], "basis": "consent", "document": "协议"}).status_code == 302
    with scopes.acting(partner.system.admin):
        purpose = SpdciPurpose.objects.get(code="x")
    assert admin.post(f"/api-clients/purposes/{purpose.pk}/end/").status_code == 302
    with django_assert_max_num_queries(22):
        listed = town.get("/api-clients/consents/").content.decode()
    assert who.name in listed and "慈善帮扶" in listed
    given = {"purpose": partner.agreed.pk, "number": numbers.plain(family.people[1].token), "until": "2023-05-01", "document": "同意书 2"}
    assert "号码" in town.post("/api-clients/consents/note/", given | {"number": "11010519491231002X"}).content.decode()
    assert town.post("/api-clients/consents/note/", given).status_code == 302
    with scopes.acting(scopes.Scope(area=COUNTY)):
        row = SpdciConsent.objects.order_by("-pk").first()
        other = SpdciConsent.objects.exclude(pk=row.pk).first()
    assert row is not None and other is not None and other.person_id != row.person_id
    page = f"/api-clients/consents/{row.pk}/withdraw/"
    assert page in town.get("/api-clients/consents/").content.decode()
    chosen = town.get(page).content.decode()
    assert "同意书 2" in chosen and f'value="{row.pk}" ' in chosen and f'value="{other.pk}" ' not in chosen, "the person's own consents alone"
    assert town.post(page, {"consents": [other.pk]}).status_code == 422 and town.post(page, {}).status_code == 422
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).get(page).status_code == 404
    assert town.post(page, {"consents": [row.pk]}).status_code == 302 and town.post(page, {"consents": [row.pk]}).status_code == 422, "a second time"
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert SpdciConsent.objects.get(pk=row.pk).withdrawn_at and SpdciConsent.objects.get(pk=other.pk).withdrawn_at is None
    assert town.get(url).status_code == 403 and admin.get("/api-clients/consents/").status_code == 403
