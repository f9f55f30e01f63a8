"""1.3, 1.5: other systems report somebody in difficulty and hear how far their own reports are, nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from doudi.api.tests.conftest import NOW, System, citizen, error_of
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.discovery.models import Lead
from doudi.discovery.services import advance_lead
from doudi.registry.models import Person
from doudi.registry.services import register_household

Make = Callable[..., System]
OTHER, VILLAGE = "410724", "410122101205"
TEXT = "老人独居，降压药只够两天，腿疼下不了床"


@pytest.fixture
def hospital(db: None, system: Make) -> System:
    return system(organisation="县人民医院", rights=["leads:report"], datasets=[])


def report(sender: System, reference: str = "2022-0001", **changes: Any) -> Any:
    body = {
        "reference": reference, "channel": "institution", "area": VILLAGE, "need": "illness", "urgency": "red", "text": TEXT,
        "subject": {"name": "李长河", "phone": "13800005678"},
    }  # fmt: skip
    return sender.call("post", "/leads", json.dumps(body | changes).encode(), content_type="application/json")


def test_1_3_a_report_becomes_a_lead_with_its_clock_and_the_visitor_of_the_place(hospital: System) -> None:
    visitor, township = officer(Duty.VISITOR, VILLAGE), officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])
    answer = report(hospital)
    assert answer.status_code == 201, answer.content.decode()
    assert (answer.json()["state"], answer.json()["new"]) == ("received", True)
    with scopes.acting(township):
        lead = Lead.objects.get()
        assert (lead.channel, lead.area, lead.urgency, lead.need, lead.posting_id) == ("institution", VILLAGE, "red", "illness", visitor.posting_id)
        assert lead.number == answer.json()["number"] and lead.contact_due and lead.detail == TEXT and TEXT not in lead.reason
        assert lead.events.order_by("id")[0].note == "县人民医院报告"
        with connection.cursor() as cursor:
            cursor.execute("select detail::text, subject_phone::text from discovery_lead")
            assert not {"降压药", "13800005678"} & set(cursor.fetchone())


def test_1_3_the_same_reference_again_is_the_same_report(hospital: System) -> None:
    first, again = report(hospital), report(hospital, text="换了一份内容")
    other = report(hospital, channel="portal")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 200)
    assert again.json() == other.json() == first.json() | {"new": False}


def test_1_5_the_sender_hears_how_far_it_is_and_not_what_was_found(hospital: System) -> None:
    township = officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])
    report(hospital)
    states = []
    for after in ("contacted", "verified", "not_in_need"):
        with scopes.acting(township):
            advance_lead(lead_id=Lead.objects.get().pk, version=None, after=after, note="子女已返家照料，不符合条件", now=NOW)
        seen = hospital.call("get", "/leads/2022-0001")
        states.append(seen.json()["state"])
        assert "子女" not in seen.content.decode() and "not_in_need" not in seen.content.decode()
    assert states == ["working", "working", "closed"] and seen.json()["closed_at"]
    assert set(seen.json()) == {"reference", "number", "state", "received_at", "closed_at", "new"}


def test_1_5_reports_come_page_by_page_and_only_ones_own(hospital: System, system: Make) -> None:
    police = system(organisation="公安", rights=["leads:report"], datasets=[])
    numbers = [report(hospital, f"A-{row}", subject={"name": f"李长{'一二三四五'[row]}"}).json()["number"] for row in range(5)]
    report(police, "A-1", subject={"name": "张三"})
    assert [row["number"] for row in hospital.call("get", "/leads?limit=3").json()] == numbers[:3]
    assert [row["number"] for row in hospital.call("get", f"/leads?limit=3&after={numbers[2]}").json()] == numbers[3:]
    assert [row["reference"] for row in police.call("get", "/leads").json()] == ["A-1"]
    assert police.call("get", f"/leads?after={numbers[2]}").json() == []
    assert police.call("get", "/leads/A-2").status_code == hospital.call("get", "/leads/none").status_code == 404
    assert hospital.call("get", "/leads/A-1").json()["number"] != police.call("get", "/leads/A-1").json()["number"]


def test_1_3_whoever_is_in_the_registry_is_recognised_and_the_answer_does_not_tell(hospital: System) -> None:
    number, stranger = citizen("41012219500203001"), citizen("41012219500203002")
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        register_household(
            area=VILLAGE, residence="rural", address="东街3号", head={"name": "李长河", "id_number": number}, members=[], on=NOW.date(), now=NOW
        )
        person = Person.objects.get()
    known = report(hospital, "A", subject={"name": "李 长河", "id_number": number}).json()
    unknown = report(hospital, "B", subject={"name": "李长江", "id_number": stranger}).json()
    wrong = report(hospital, "C", subject={"name": "王五", "id_number": number}).json()
    assert known.keys() == unknown.keys() and known["state"] == unknown["state"] == wrong["state"]
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        assert [row.person_id for row in Lead.objects.order_by("id")] == [person.pk, None, None]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reference": "a/b"}, "reference"), ({"reference": ""}, "reference"), ({"reference": "x" * 41}, "reference"), ({"channel": "comparison"}, "channel"),
        ({"channel": "visitor"}, "channel"), ({"need": "gold"}, "need"), ({"text": "嗯"}, "text"), ({"text": "好" * 2001}, "text"),
        ({"text": "老人\u0000独居"}, "text"), ({"urgency": "pink"}, "urgency"), ({"area": OTHER}, "area"), ({"area": COUNTY + "999999"}, "area"),
        ({"area": "41"}, "area"), ({"subject": {"id_number": "41012219500203001"}}, "subject.id_number"),
        ({"subject": {"id_number": "410122195002030019"}}, "id_number"), ({"subject": {"phone": "12"}}, "phone"),
        ({"subject": {"name": "李\n长河"}}, "subject.name"), ({"subject": []}, "subject"),
        ({"subject": "李长河"}, "subject"), ({"subject": {"nam": "李长河"}}, "subject.nam"), ({"phone": "13800005678"}, "phone"),
    ],
)  # fmt: skip
def test_1_3_what_cannot_be_is_refused_by_field_and_leaves_nothing(hospital: System, changes: dict[str, Any], field: str) -> None:
    refused = report(hospital, **changes)
    assert refused.status_code == 422 and field in [fault["field"] for fault in error_of(refused)["fields"]], refused.content.decode()
    assert not [value for value in ("410122195002030019", "李\n长河") if value in refused.content.decode()]
    assert hospital.call("get", "/leads").json() == []


def test_1_3_without_the_right_nothing_is_reported_or_read(hospital: System, system: Make) -> None:
    report(hospital)
    other = system(rights=["calls:write"], datasets=[])
    for response in (report(other), other.call("get", "/leads"), other.call("get", "/leads/2022-0001")):
        assert response.status_code == 403 and error_of(response)["code"] == "missing_scope"


def test_1_3_the_same_report_twice_at_once_is_one_lead(committed_db: None, system: Make) -> None:
    sender, gate = system(rights=["leads:report"], datasets=[]), Barrier(2)

    def send(_turn: int) -> tuple[int, str]:
        gate.wait()
        try:
            answer = report(sender)
            return answer.status_code, answer.json()["number"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, range(2)))
    assert len({number for _status, number in answers}) == 1 and {status for status, _number in answers} <= {200, 201}
