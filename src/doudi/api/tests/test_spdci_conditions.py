"""Subscriptions by condition: who newly answers, changes, answers no more is told, once, in order, to those who may know; whatever happens between looking and sending."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings as house

from doudi.api.spdci import asking, callbacks, comparing, exchange, records, services, watching
from doudi.api.spdci.models import SpdciCallback, SpdciMatch, SpdciSubscription
from doudi.api.tests.conftest import NOW, System
from doudi.api.tests.partners import AGREED, LAW, Partner, agree, where
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer
from doudi.enrolment.models import AwardAmount
from doudi.payments.tests.world import Given, award
from doudi.registry.models import Membership, Person
from doudi.registry.services import moves

pytestmark = pytest.mark.django_db
OTHER = "410724"


def expression(query: dict[str, Any]) -> dict[str, Any]:
    return {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Member", "query": query}}}


DIBAO = expression({"$and": [{"programme": "dibao"}, {"place_code": TOWNSHIP}]})


@dataclass
class Listener:
    """A partner and what it has heard."""

    partner: Partner
    web: gateways.Web
    minute: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)

    def subscribe(self, query: Any, events: Any = "REGISTER,UPDATE,DELETE", kind: str = "expression", purpose: str = LAW, **more: Any) -> dict[str, Any]:
        criteria = {
            "reg_event_type": events, "filter_type": kind, "filter": query, "notify_record_type": "Member", "authorize": {"purpose": {"code": purpose}},
        } | more  # fmt: skip
        given = [{"reference_id": "r", "timestamp": NOW.isoformat(), "subscribe_criteria": criteria}]
        assert self.partner.ask("/subscribe", "subscribe", {"subscribe_request": given})["message"]["ack_status"] == "ACK"
        callbacks.deliver_due(now=NOW)
        (answer,) = json.loads(self.web.calls.pop().body)["message"]["subscribe_response"]
        return dict(answer)

    def code(self, *args: Any, **more: Any) -> str:
        answer = self.subscribe(*args, **more)
        assert answer["status"] == "succ", answer
        return str(answer["subscriptions"][0]["code"])

    def look(self) -> int:
        self.minute += 10
        return watching.look(now=self.now)

    @property
    def now(self) -> Any:
        return NOW + timedelta(minutes=self.minute)

    def hear(self) -> list[tuple[str, str]]:
        """(event, name or @id) of what is delivered now."""
        callbacks.deliver_due(now=self.now)
        events = [event for call in self.web.calls for event in json.loads(call.body)["message"]["notify_event"]]
        self.web.calls.clear()
        self.heard += events
        return [(each["data"]["reg_event_type"], named(each["data"]["reg_records"])) for each in events]

    def told(self) -> list[tuple[str, str]]:
        self.look()
        return self.hear()


def named(record: dict[str, Any]) -> str:
    return str(record.get("demographic_info", {}).get("name", {}).get("given_name", "")) or str(record["@id"])


@pytest.fixture
def listener(system: Callable[..., System], web: gateways.Web) -> Iterator[Listener]:
    yield Listener(Partner(system(rights=["registry:search"], per_minute=6000), callback=web.url), web)


def change(who: Person, **values: Any) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        Person.objects.filter(pk=who.pk).update(**values)


def move_away(family: Given) -> None:
    """The family moves to another county, by the registry's own procedure."""
    there, here = officer(Duty.TOWNSHIP_OFFICER, f"{OTHER}101"), officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    with scopes.acting(there):
        asked = moves.ask_move(
            id_number=numbers.plain(family.people[0].token) or "", to_area=f"{OTHER}101201", reason="随子女迁居", first_month=date(2022, 12, 1), on=NOW.date(), now=NOW
        )
    with scopes.acting(here):
        moves.release_move(request_id=asked.pk, on=NOW.date(), now=NOW)
    with scopes.acting(there):
        moves.carry_out_move(request_id=asked.pk, now=NOW)


def opened(since: int) -> list[int]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(AccessRecord.objects.filter(pk__gt=since, reason__startswith="spdci", what="open").order_by("subject_id").values_list("subject_id", flat=True))


def last_record() -> int:
    with scopes.acting(scopes.Scope(area="41")):
        return AccessRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def test_who_newly_answers_changes_and_answers_no_more_is_told_once_with_access_records(listener: Listener, family: Given) -> None:
    who, other = family.people
    before = last_record()
    listener.code(DIBAO)
    assert listener.look() == 1 and opened(before) == [], "recorded when it is told"
    assert listener.look() == 0, "while it is on its way nothing is told of the same"
    assert sorted(listener.hear()) == sorted([("REGISTER", who.name), ("REGISTER", other.name)]) and opened(before) == sorted([who.pk, other.pk])
    assert not any(event["data"]["reg_records"]["member_identifier"] for event in listener.heard), "numbers that the partner did not name are not told"
    assert listener.told() == []
    change(who, name="改了名")
    change(other, bank="OTHER")  # nothing that the purpose opens
    assert listener.told() == [("UPDATE", "改了名")] and listener.told() == []
    with scopes.acting(scopes.Scope(area="41")):
        AwardAmount.objects.create(award_id=family.award.pk, area=VILLAGE, from_month=date(2022, 11, 1), amount="700.00", decision_id=family.award.decision_id)
    assert sorted(listener.told()) == sorted([("UPDATE", "改了名"), ("UPDATE", other.name)])
    ids = {each["data"]["reg_records"]["demographic_info"]["name"]["given_name"]: each["data"]["reg_records"]["@id"] for each in listener.heard}
    change(who, died_on=date(2022, 11, 20))
    assert listener.told() == [("DELETE", ids["改了名"])] and listener.told() == [], "the end names nobody but by the partner's own id"
    with scopes.acting(scopes.Scope(area="41")):
        assert SpdciMatch.objects.count() == 1


def test_consent_that_is_withdrawn_before_sending_is_respected_and_the_others_are_told(listener: Listener, family: Given) -> None:
    who, other = family.people
    rows = [agree(listener.partner, each) for each in (who, other)]
    listener.code([where("birth_date", "ge", "1900-01-01")], kind="predicate", purpose=AGREED)
    before = last_record()
    assert listener.look() == 1
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        services.withdraw_consents(person_id=rows[0].person_id, consent_ids=[rows[0].pk], now=NOW)
    assert listener.hear() == [("REGISTER", other.name)] and opened(before) == [other.pk]
    assert listener.told() == [], "of whom the partner never heard it hears no end"
    change(other, name="又改了")
    assert listener.look() == 1
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        services.withdraw_consents(person_id=rows[1].person_id, consent_ids=[rows[1].pk], now=NOW)
    assert listener.hear() == [] and "又改了" not in json.dumps(listener.heard, ensure_ascii=False)
    with scopes.acting(callbacks.WORKER):
        last = SpdciCallback.objects.filter(action="notify").latest("pk")
        assert (last.state, last.error, last.message, last.changes) == ("failed", callbacks.CLOSED, None, None)
    assert [event for event, _name in listener.told()] == ["DELETE"], "and then that it may not be told any more"


def test_what_ends_before_sending_is_not_sent(listener: Listener, family: Given) -> None:
    code = listener.code(DIBAO)
    assert listener.look() == 1
    listener.partner.ask("/unsubscribe", "unsubscribe", {"subscription_codes": [code]})
    callbacks.deliver_due(now=listener.now)
    assert {call.path for call in listener.web.calls} == {"/registry/on-unsubscribe"}
    listener.web.calls.clear()
    assert listener.told() == []
    assert listener.code(DIBAO) != code, "it begins anew"
    assert listener.look() == 1
    with scopes.acting(listener.partner.system.admin):
        services.end_purpose(purpose_id=listener.partner.law.pk, now=NOW)
    assert listener.hear() == [] and listener.told() == []


def test_a_partner_hears_of_its_place_alone(system: Callable[..., System], web: gateways.Web, listener: Listener, family: Given) -> None:
    elsewhere = Listener(Partner(system(area=OTHER, rights=["registry:search"]), callback=web.url), web)
    elsewhere.code(expression({"programme": "dibao"}))
    there = elsewhere.code(expression({"place_code": "41"}))
    assert elsewhere.look() == 0
    here = listener.code(expression({"programme": "dibao"}))
    assert len(listener.told()) == 2
    change(family.people[0], name="将迁出的人")
    assert listener.look() == 1
    move_away(family)
    assert listener.hear() == [], "what was to be told of somebody who moved in between is not sent"
    listener.told()  # of both partners, who listen at one address
    moved = [(each["subscription_code"], each["data"]["reg_event_type"]) for each in listener.heard[2:]]
    assert sorted(moved) == sorted([(here, "DELETE")] * 2 + [(there, "REGISTER")] * 2), "it ends here and begins there"
    with scopes.acting(scopes.Scope(area=OTHER)):
        assert SpdciSubscription.objects.count() == 2
        assert not SpdciMatch.objects.exclude(subscription__code=there).exists(), "whom another partner knows is not to be seen"


def test_the_same_condition_again_is_the_subscription_that_there_is(listener: Listener) -> None:
    code = listener.code(DIBAO, events="REGISTER, DELETE")
    turned = json.loads(json.dumps(DIBAO | {"value": {"expression": DIBAO["value"]["expression"] | {"collection": "\x00", "more": [None]}}}, sort_keys=True))
    assert listener.code(turned, events=["spdci-common:RegistryEventType:DELETE", "REGISTER"]) == code
    assert listener.code(DIBAO, events="REGISTER") != code and listener.code(DIBAO, events="DELETE,REGISTER", notify_record_type="Group") != code
    for query, more, reason in (
        (expression({"name": "王建国"}), {}, "rjct.notify_details.invalid"), (expression({}), {}, "rjct.notify_details.invalid"), (None, {}, "rjct.notify_details.invalid"),
        (expression({"age": {"$where": "1"}}), {}, "rjct.notify_details.invalid"), (expression({"place_code": "41' or 1=1 --"}), {}, "rjct.notify_details.invalid"),
        (DIBAO, {"purpose": AGREED}, "rjct.notify_details.invalid"), (DIBAO, {"kind": "graphql"}, "rjct.notify_details.invalid"),
        (DIBAO, {"events": "BIRTH"}, "rjct.notify_types.invalid"), (DIBAO, {"events": [7]}, "rjct.notify_types.invalid"), (DIBAO, {"events": {}}, "rjct.notify_types.invalid"),
        ({"type": "UIN", "value": "123"}, {"kind": "idtype-value"}, "rjct.person_id.invalid"), (DIBAO, {"notify_record_type": "Farm"}, "rjct.notify_types.invalid"),
    ):  # fmt: skip
        assert listener.subscribe(query, **more).get("status_reason_code") == reason, (query, more)
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert SpdciSubscription.objects.count() == 3
    shown = client_of(listener.partner.system.admin).get(f"/api-clients/{listener.partner.system.client.pk}/registry/").content.decode()
    assert "dibao" in shown and "新符合、不再符合" in shown, "the administrator sees what is watched"


def test_what_is_watched_has_a_limit_that_the_same_again_does_not_meet(listener: Listener, family: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_WATCHED", 1)
    monkeypatch.setattr(exchange, "MOST_CONDITIONS", 1)
    who, other = ({"type": "UIN", "value": numbers.plain(each.token)} for each in family.people)
    for first, second, kind in ((who, other, "idtype-value"), (DIBAO, expression({"programme": "tekun"}), "expression")):
        code = listener.code(first, kind=kind)
        assert listener.code(first, kind=kind) == code
        for more, given in ({}, second), ({"events": "DELETE"}, first):
            assert listener.subscribe(given, kind=kind, **more)["status_reason_code"] == "rjct.notify_details.invalid"


def test_a_huge_set_comes_page_by_page_everybody_once(listener: Listener, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        everybody = [person for _time in range(4) for person in award(programme="tekun", members=2, starts=date(2022, 10, 1)).people]
    monkeypatch.setattr(comparing, "WINDOW", 5)
    monkeypatch.setattr(comparing, "MOST", 4)
    monkeypatch.setattr(watching, "PAGE", 3)
    listener.code([where("programme", "eq", "tekun")], kind="predicate")
    looks = 0
    while True:
        with django_assert_max_num_queries(45):
            queued = listener.look()
        if not queued:
            break
        looks += 1
        assert queued <= 2 and len(listener.hear()) <= 4 and looks < 9
    names = [named(each["data"]["reg_records"]) for each in listener.heard]
    assert sorted(names) == sorted(each.name for each in everybody) and len(set(names)) == len(names) == 8 and looks >= 2
    for who in (everybody[0], everybody[-1]):  # one in each part
        change(who, died_on=date(2022, 11, 20))
    ends = [event for _time in range(3) for event, _name in listener.told()]
    assert ends == ["DELETE", "DELETE"] and [listener.told() for _time in range(3)] == [[]] * 3


def test_a_partner_that_cannot_be_reached_hears_it_later_in_order(listener: Listener, family: Given) -> None:
    listener.code(DIBAO)
    assert listener.look() == 1
    listener.web.answer = lambda call: (503, b"")
    for attempt in range(callbacks.ATTEMPTS):
        assert callbacks.deliver_due(now=listener.now + timedelta(hours=7 * attempt)) == 0
    first = {json.loads(call.body)["header"]["message_id"] for call in listener.web.calls}
    assert len(listener.web.calls) == callbacks.ATTEMPTS and len(first) == 1, "the same message however often"
    with scopes.acting(callbacks.WORKER):
        assert SpdciCallback.objects.filter(action="notify").count() == 1 and not SpdciMatch.objects.exists()
    listener.web.calls.clear()
    listener.web.answer = lambda call: (200, b"")
    change(family.people[0], name="后来的名字")
    listener.minute += 7 * 60 * (callbacks.ATTEMPTS - 1) + 60
    assert watching.look(now=listener.now) == 0, "not at once: it waits six hours"
    listener.minute += 7 * 60
    assert sorted(listener.told()) == sorted([("REGISTER", "后来的名字"), ("REGISTER", family.people[1].name)])


def test_an_address_within_this_machine_is_never_called(listener: Listener, family: Given, settings: Any) -> None:
    listener.code(DIBAO)
    assert listener.look() == 1
    settings.CALLBACKS_WITHIN = False
    assert house.CALLBACKS_WITHIN is False
    assert listener.hear() == [] and listener.web.calls == []
    with scopes.acting(callbacks.WORKER):
        row = SpdciCallback.objects.get(action="notify")
        assert (row.state, row.error, row.message) == ("failed", "no callback address", None)
    assert [listener.look() for _time in range(3)] == [0, 0, 0], "no queue grows for whoever cannot be told"


def test_only_the_event_types_that_were_asked_for_are_told(listener: Listener, family: Given) -> None:
    who, other = family.people
    ends = listener.code(DIBAO, events="DELETE")
    joins = listener.code(DIBAO, events="NewHouseHoldMember", notify_record_type="Group")
    assert listener.told() == [], "both know now how it is"
    change(who, name="改了名")
    assert listener.told() == []
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        third = award(members=1, amount="100.00", starts=date(2022, 10, 1)).people[0]
        Membership.objects.create(area=VILLAGE, household=family.household, person=third, relationship="20", starts=date(2022, 11, 1))
    listener.told()
    assert [(each["subscription_code"], each["data"]["reg_event_type"]) for each in listener.heard] == [(joins, "NewHouseHoldMember")]
    assert len(listener.heard[0]["data"]["reg_records"]["member_list"]) == 3
    change(other, died_on=date(2022, 11, 20))
    listener.heard.clear()
    listener.told()
    assert [(each["subscription_code"], each["data"]["reg_event_type"]) for each in listener.heard] == [(ends, "DELETE")]


@pytest.mark.parametrize("entity", ["Member", "Group"])
@pytest.mark.parametrize("fields", [["identity"], ["household"], ["programmes"], ["identity", "household", "programmes"]], ids=lambda fields: "+".join(each[0] for each in fields))
def test_the_mark_changes_when_and_only_when_the_record_does(listener: Listener, family: Given, entity: str, fields: list[str]) -> None:
    who, other = family.people
    with scopes.acting(listener.partner.system.admin):
        purpose = services.add_purpose(partner_id=listener.partner.partner.pk, code="x", label="x", fields=fields, basis="law", document="x", now=NOW)
    row = SpdciSubscription(client_id=listener.partner.system.client.pk, purpose=purpose, entity=entity, area=COUNTY)
    row.pk = 0

    def now_told() -> tuple[bytes | None, bytes]:
        with scopes.acting(scopes.Scope(area=COUNTY)):
            people = asking.narrowed(records.open_people(purpose, NOW.date()), "predicate", [where("place_code", "eq", TOWNSHIP)], purpose, NOW.date()).filter(pk=who.pk)
            _last, (found,) = comparing.differing(row, people, NOW.date())
            return found[1], records.digest_of(records.records(purpose, list(people), entity=entity, numbers={}, on=NOW.date()))

    steps: list[Callable[[], Any]] = [
        lambda: Person.objects.filter(pk=who.pk).update(name="甲|乙"), lambda: Person.objects.filter(pk=who.pk).update(sex="2"),
        lambda: Person.objects.filter(pk=who.pk).update(birth_date=date(1950, 2, 28)), lambda: Person.objects.filter(pk=who.pk).update(bank="B", phone=None),
        lambda: Person.objects.filter(pk=other.pk).update(name="别人"), lambda: Membership.objects.filter(person=other).update(relationship="20"),
        lambda: AwardAmount.objects.create(award_id=family.award.pk, area=VILLAGE, from_month=date(2022, 11, 1), amount="1.00", decision_id=family.award.decision_id),
        lambda: AwardAmount.objects.create(award_id=family.award.pk, area=VILLAGE, from_month=date(2023, 1, 1), amount="2.00", decision_id=family.award.decision_id),
        lambda: type(family.award).objects.filter(pk=family.award.pk).update(suspended=True), lambda: Membership.objects.filter(person=other).update(ends=date(2022, 11, 28)),
    ]  # fmt: skip
    changed = []
    before = now_told()
    for at, step in enumerate(steps):
        with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
            step()
        after = now_told()
        assert (after[0] == before[0]) == (after[1] == before[1]), f"step {at}"
        changed.append(after[0] != before[0])
        before = after
    assert any(changed) or (fields == ["household"] and entity == "Member"), "a step that changes nothing proves nothing"
