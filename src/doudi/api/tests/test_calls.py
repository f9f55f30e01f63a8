"""1.4: a call centre's system reports calls; nothing about callers or people comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from doudi.api.tests.conftest import NOW, System, error_of
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import COUNTY, officer
from doudi.discovery.models import Call, CallBack
from doudi.discovery.services import hotline

Make = Callable[..., System]
OTHER = "410724"
PHONE = "13800005678"


def open_desk(area: str = COUNTY) -> scopes.Scope:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, area)):
        hotline.set_desk(name="救助服务热线", number="0371-62160000", hours="", is_open=True, now=NOW)
    return officer(Duty.HOTLINE_OPERATOR, area)


@pytest.fixture
def centre(db: None, system: Make) -> System:
    return system(organisation="县呼叫中心", rights=["calls:write"], datasets=[])


def tell(centre: System, event: str, seconds: int = 0, *, external: str = "A1", **changes: Any) -> Any:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    body = {"desk": COUNTY, "external": external, "event": event, "at": at, "phone": PHONE} | changes
    headers = {"Idempotency_Key": body.pop("key")} if "key" in body else {}
    return centre.call("post", "/calls", json.dumps(body).encode(), content_type="application/json", **headers)


def test_1_4_a_call_of_the_centre_waits_in_the_operators_queue_until_it_ends(centre: System) -> None:
    operator = open_desk()
    first = tell(centre, "ringing")
    assert first.status_code == 200 and (first.json()["state"], first.json()["registered"]) == ("ringing", False)
    with scopes.acting(operator):
        call = hotline.take_call(call_id=Call.objects.get().pk, now=NOW)
    assert tell(centre, "ended", 0).json()["state"] == "done"
    seen = centre.call("get", f"/calls?desk={COUNTY}&external=A1").json()
    assert (seen["number"], seen["state"], seen["call_back_due"]) == (call.number, "done", None)
    assert PHONE not in str(seen) and "phone" not in seen


def test_1_4_a_missed_call_is_owed_a_call_back(centre: System) -> None:
    operator = open_desk()
    assert tell(centre, "missed").json()["call_back_due"]
    with scopes.acting(operator):
        assert CallBack.objects.get().kind == "missed" and Todo.objects.get(kind="callback").duty == Duty.HOTLINE_OPERATOR


def test_1_4_events_twice_late_and_out_of_order_are_one_call(centre: System) -> None:
    operator = open_desk()
    for event in ("ended", "ringing", "answered", "answered", "missed"):
        assert tell(centre, event).status_code == 200
    assert tell(centre, "ringing", key="call-key-0001").status_code == 200
    again = tell(centre, "ringing", key="call-key-0001")
    assert again["Idempotent-Replay"] == "true" and tell(centre, "missed", key="call-key-0001").status_code == 409
    with scopes.acting(operator):
        assert (Call.objects.get().state, CallBack.objects.filter(done_at=None).count()) == ("done", 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": "sung"}, "event"), ({"agent": "7"}, "agent"), ({"external": ""}, "external"), ({"external": "通话"}, "external"), ({"external": "x" * 61}, "external"),
        ({"desk": "4101220"}, "desk"), ({"desk": "٤١"}, "desk"), ({"desk": OTHER}, "desk"), ({"desk": "41"}, "desk"), ({"phone": "12"}, "phone"),
        ({"phone": "138\u00000005678"}, "phone"), ({"at": "2022-11-28T09:00:20"}, "at"), ({"at": "0001-01-01T00:00:00+08:00"}, "at"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "at"), ({"at": (NOW + timedelta(hours=1)).isoformat()}, "at"),
        ({"at": (NOW - timedelta(days=40)).isoformat()}, "at"),
    ],
)  # fmt: skip
def test_1_4_what_cannot_be_is_refused_by_field_and_leaves_nothing(centre: System, changes: dict[str, Any], field: str) -> None:
    operator = open_desk()
    refused = tell(centre, **({"event": "ringing"} | changes))
    assert refused.status_code == 422 and field in [fault["field"] for fault in error_of(refused)["fields"]], refused.content.decode()
    with scopes.acting(operator):
        assert not Call.objects.exists()


def test_1_4_another_county_and_another_right_see_and_change_nothing(centre: System, system: Make) -> None:
    open_desk()
    open_desk(OTHER)
    tell(centre, "ringing")
    there, without = system(area=OTHER, rights=["calls:write"], datasets=[]), system(rights=["deliveries:write"], datasets=["deaths"])
    assert there.call("get", f"/calls?desk={COUNTY}&external=A1").status_code == 404
    assert error_of(tell(there, "ended"))["fields"][0]["field"] == "desk"
    assert error_of(tell(without, "ended"))["code"] == "missing_scope"
    assert without.call("get", f"/calls?desk={COUNTY}&external=A1").status_code == 403
    assert centre.call("get", f"/calls?desk={COUNTY}&external=nobody").status_code == 404


def test_1_4_two_reports_of_a_new_call_at_once_make_one(committed_db: None, system: Make) -> None:
    operator = open_desk()
    centre, gate = system(rights=["calls:write"], datasets=[]), Barrier(2)

    def ring(event: str) -> int:
        gate.wait()
        try:
            return int(tell(centre, event).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ring, ("ringing", "answered"))) == [200, 200]
    with scopes.acting(operator):
        assert Call.objects.get().state == "talking"
