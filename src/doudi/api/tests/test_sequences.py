"""Calls in any order answer as a small model of the house says: what was made can be read back, a key counts once, a token ends, a limit holds.

Hypothesis' own state machine and not the one of schemathesis: links between operations tell which number goes where, but not that a repeated
key, a renewed token, a full minute or somebody else's officer changes what the next call must answer, and messages of the registry want a signature.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from doudi.api import services
from doudi.api.spdci import envelope
from doudi.api.spdci.models import SpdciCallback
from doudi.api.tests.conftest import NOW, System, citizen_file, error_of
from doudi.api.tests.partners import LAW, Partner
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.discovery import lead_reports
from doudi.discovery.services import advance_lead
from doudi.institutions.tests.world import Home

pytestmark = pytest.mark.django_db
LIMIT, VILLAGE = 12, "410122101205"
RIGHTS = ["deliveries:write", "leads:report", "institutions:report", "registry:search"]
STATES = {"contacted": "working", "verified": "working", "not_in_need": "closed"}
_example = count(1)


class Calls(RuleBasedStateMachine):
    """One client from its first token on; `calls`: how many it made in the running minute."""

    system: Callable[..., System]
    clock: Any
    home: Home
    report: dict[str, Any]  # of the home, which all examples share
    leads = Bundle("leads")
    codes = Bundle("codes")
    keys = st.sampled_from(["", "own", "own", "one-for-all"])

    @initialize()
    def begin(self) -> None:
        self.example = next(_example)
        self.clock.shift(timedelta(minutes=1))
        self.client = self.system(rights=RIGHTS, datasets=["deaths"], houses=[self.home.house.code], per_minute=LIMIT)
        self.partner = Partner(self.client, callback="https://partner.example/dci")
        self.township = officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])
        self.calls, self.revoked = 0, False
        self.old: list[str] = []
        self.kept: dict[str, tuple[str, int, bytes]] = {}
        self.delivered: dict[int, int] = {}
        self.states: dict[str, str] = {}
        self.watched: dict[str, bool] = {}

    def call(self, method: str, path: str, data: bytes | None = None, key: str = "", kind: str = "application/json") -> Any:
        """A call, after the limit, the token and the key have had their say. None where one of them answered."""
        said = f"{method} {path} {data!r}"
        if key == "own":  # as a careful system chooses it: another for each content
            key = sha256(said.encode()).hexdigest()
        headers = {"Idempotency_Key": key} if key else {}
        answer: Any = self.client.call(method, path, data, **headers, **({} if data is None else {"content_type": kind}))
        if self.revoked:
            assert answer.status_code == 401 and error_of(answer)["code"] == "revoked_token"
            return None
        self.calls += 1
        if self.calls > LIMIT:
            assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 60 and answer["X-RateLimit-Remaining"] == "0"
            return None
        assert int(answer["X-RateLimit-Remaining"]) == LIMIT - self.calls
        if not key:
            return answer
        if key not in self.kept:
            assert "Idempotent-Replay" not in answer.headers
            if answer.status_code < 400:
                self.kept[key] = (said, answer.status_code, answer.content)
            return answer
        before, status, content = self.kept[key]
        if before == said:
            assert (answer.status_code, answer.content, answer["Idempotent-Replay"]) == (status, content, "true")
        else:
            assert (answer.status_code, error_of(answer)["code"]) == (409, "key_reused")
        return None

    def name(self, number: int) -> str:
        """A name of this example alone: one transaction holds them all."""
        return f"李{chr(0x4E00 + self.example)}{'一二三'[number - 1]}"

    # --- deliveries ---

    @rule(rows=st.integers(1, 2), key=keys)
    def deliver(self, rows: int, key: str) -> None:
        content = citizen_file(rows).replace("王建国".encode(), self.name(rows).encode())
        answer = self.call("post", "/deliveries?dataset=deaths&period=2022-11", content, key, "text/csv")
        if answer is None:
            return
        found = answer.json()
        assert (answer.status_code, found["new"]) == ((200, False) if rows in self.delivered else (201, True))
        assert self.delivered.setdefault(rows, found["id"]) == found["id"]
        read = self.call("get", f"/deliveries/{found['id']}")
        if read is not None:
            assert read.status_code == 200 and read.json() == found | {"new": False} and read.json()["accepted"] + read.json()["rejected"] == rows

    # --- leads ---

    @rule(target=leads, number=st.integers(1, 3), key=keys)
    def report_lead(self, number: int, key: str) -> str:
        reference = f"e{self.example}-{number}"
        body = {"reference": reference, "channel": "institution", "area": VILLAGE, "need": "illness", "text": f"住院两周，第{number}床", "subject": {"name": self.name(number)}}
        answer = self.call("post", "/leads", json.dumps(body).encode(), key)
        if answer is not None:
            assert answer.status_code == (200 if reference in self.states else 201), answer.content
            assert answer.json()["state"] == self.states.setdefault(reference, "received")
        return reference

    @rule(reference=leads, after=st.sampled_from(list(STATES)))
    def an_officer_goes_on(self, reference: str, after: str) -> None:
        course = list(STATES)
        if reference not in self.states or self.states[reference] == "closed":
            return
        with scopes.acting(self.township):
            client = self.client.client
            lead = lead_reports.find(client=client.pk, account_id=client.account_id, reference=reference)
            assert lead is not None
            ahead = course[course.index(lead.state) + 1 :] if lead.state in course else course
            for step in ahead[: ahead.index(after) + 1] if after in ahead else []:
                advance_lead(lead_id=lead.pk, version=None, after=step, note="已核实", now=timezone.now())
                self.states[reference] = STATES[step]

    @rule(reference=leads)
    def read_lead(self, reference: str) -> None:
        answer = self.call("get", f"/leads/{reference}")
        if answer is not None:
            assert (answer.status_code, answer.json().get("state")) == ((200, self.states[reference]) if reference in self.states else (404, None))

    # --- institutions ---

    @rule(residents=st.integers(40, 41), reason=st.sampled_from(["", "更正"]), key=keys)
    def report_day(self, residents: int, reason: str, key: str) -> None:
        body = {"code": self.home.house.code, "on": f"{timezone.localdate():%Y-%m-%d}", "figures": {"residents": residents, "staff": 9, "staff_on_site": 7}, "reason": reason}
        answer = self.call("post", "/institutions/reports", json.dumps(body).encode(), key)
        if answer is None:
            return
        same = self.report.get("residents") == residents
        assert answer.status_code == (200 if same else 422 if self.report and not reason else 201), answer.content
        if answer.status_code == 201:
            self.report |= {"residents": residents, "revision": self.report.get("revision", 0) + 1}

    @rule()
    def read_day(self) -> None:
        answer = self.call("get", f"/institutions/reports?code={self.home.house.code}&on={timezone.localdate():%Y-%m-%d}")
        if answer is None:
            return
        if not self.report:
            assert answer.status_code == 404
        else:
            assert (answer.json()["figures"]["residents"], answer.json()["revision"]) == (self.report["residents"], self.report["revision"])

    # --- registry ---

    def registry(self, action: str, message: dict[str, Any]) -> dict[str, Any] | None:
        now = timezone.now()
        given = {"transaction_id": "t"} | message
        header = {"version": "1.0.0", "message_id": f"s{next(_example)}", "message_ts": now.isoformat(), "action": action, "sender_id": self.partner.sender}
        signature = envelope.line(self.partner.key, sender=self.partner.sender, key_id="k1", header=header, message=given, now=now)
        answer = self.call("post", f"/registry/{action}", json.dumps({"signature": signature, "header": header, "message": given}).encode())
        if answer is None:
            return None
        assert answer.json()["message"]["ack_status"] == "ACK", answer.content
        with scopes.acting(scopes.Scope(area=COUNTY)):
            return dict(json.loads(SpdciCallback.objects.filter(client=self.client.client).latest("pk").message or "{}"))

    @rule(target=codes, age=st.integers(60, 61))
    def subscribe(self, age: int) -> str:
        criteria = {
            "reg_event_type": "REGISTER", "filter_type": "predicate", "notify_record_type": "Member", "authorize": {"purpose": {"code": LAW}},
            "filter": [{"expression1": {"attribute_name": "age", "operator": "ge", "attribute_value": age}}],
        }  # fmt: skip
        told = self.registry("subscribe", {"subscribe_request": [{"reference_id": "r", "timestamp": timezone.now().isoformat(), "subscribe_criteria": criteria}]})
        if told is None:
            return ""
        code = str(told["subscribe_response"][0]["subscriptions"][0]["code"])
        assert self.watched.get(code, True), "one that has ended does not come back"
        self.watched[code] = True
        assert sum(self.watched.values()) <= 2, "the same again is the one that there is"
        return code

    @rule(code=codes)
    def unsubscribe(self, code: str) -> None:
        told = self.registry("unsubscribe", {"subscription_codes": [code or "none"], "timestamp": timezone.now().isoformat()})
        if told is None:
            return
        found = (told["status"], told.get("status_reason_code", ""))
        assert found == (("rjct", "rjct.subscription_code.invalid") if not code else ("succ", "") if self.watched[code] else ("rjct", "rjct.event.already_unsubscribed"))
        if code:
            self.watched[code] = False

    # --- the client itself ---

    @rule()
    def a_minute_passes(self) -> None:
        self.clock.shift(timedelta(minutes=1))
        self.calls = 0

    @precondition(lambda self: not self.revoked)
    @rule()
    def the_token_is_renewed(self) -> None:
        self.old.append(self.client.token)
        with scopes.acting(self.client.admin):
            row = type(self.client.client).objects.get(pk=self.client.client.pk)
            _row, self.client.token = services.renew_token(client_id=row.pk, version=row.version, expires=NOW.date() + timedelta(days=90), now=timezone.now())

    @precondition(lambda self: self.old)
    @rule()
    def an_old_token_is_tried(self) -> None:
        self.clock.shift(timedelta(minutes=1))
        self.calls = 0
        answer = System(self.client.client, self.old[-1], self.client.admin).call("get", "/leads")
        assert (answer.status_code, error_of(answer)["code"]) == (401, "unknown_token")

    @precondition(lambda self: self.calls > 8 and not self.revoked)
    @rule()
    def the_client_is_revoked(self) -> None:
        with scopes.acting(self.client.admin):
            row = type(self.client.client).objects.get(pk=self.client.client.pk)
            services.revoke_client(client_id=row.pk, version=row.version, now=timezone.now())
        self.revoked = True
        self.clock.shift(timedelta(minutes=1))
        self.calls = 0


def test_calls_in_any_order_answer_as_the_model_says(system: Callable[..., System], clock: Any) -> None:
    made = {"system": staticmethod(system), "clock": clock, "home": Home(), "report": {}}
    machine = type("Machine", (Calls,), made)
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=10, stateful_step_count=20, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        ),
    )
