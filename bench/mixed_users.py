"""The users of `mixed.py`, for locust: officers at their desks, visitors' phones, citizens; or all of them asking for an empty page."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from locust import FastHttpUser, between, events, task

FOLDER = Path(os.environ["DOUDI_LOAD"])
BARE = bool(os.environ["DOUDI_LOAD_PLAIN"])
PLAN: dict[str, Any] = json.loads((FOLDER / "plan.json").read_text())
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
VERSION = re.compile(r'name="version" value="(\d+)"')
CHOICE = re.compile(r'name="after" value="(contacted|verified)"|value="(contacted|verified)"[^>]*name="after"')
SENT: list[dict[str, Any]] = []
NEXT = {"officers": itertools.cycle(PLAN["officers"]), "phones": itertools.cycle(PLAN["phones"])}
LEADS = {area: iter(random.Random(7).sample(place["leads"], len(place["leads"]))) for area, place in PLAN["places"].items()}


class Someone(FastHttpUser):
    abstract = True
    network_timeout = connection_timeout = 30.0

    def page(self, name: str, path: str) -> str:
        """A page, with what is wrong with it noted: a refusal, or the sign-in in its place."""
        if BARE:
            self.client.get("/", name=name)
            return ""
        with self.client.get(path, name=name, catch_response=True) as answer:
            text = answer.text or ""
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {path}")
                return ""
            if 'name="login"' in text:
                answer.failure(f"the sign-in came instead of {path}")
                return ""
        return text


class Officer(Someone):
    """One of the county's officers; signs in by name and password."""

    wait_time = between(5, 15)
    fixed_count = len(PLAN["officers"])

    def on_start(self) -> None:
        self.username, self.duty, self.area = next(NEXT["officers"])
        self.place = PLAN["places"][self.area]
        if BARE:
            return
        found = TOKEN.search(self.client.get("/accounts/login/", name="sign-in page").text or "")
        given = {"login": self.username, "password": PLAN["password"], "csrfmiddlewaretoken": found[1] if found else ""}
        with self.client.post(
            "/accounts/login/", data=given, headers={"Referer": f"{self.host}/accounts/login/"}, name="sign in", allow_redirects=False, catch_response=True
        ) as answer:
            if answer.status_code == 302:
                answer.success()
            else:
                answer.failure(f"{answer.status_code} when signing in")

    @task(3)
    def desk(self) -> None:
        self.page("work bench", "/")
        self.page("to-dos", "/todos/")

    @task(3)
    def by_name(self) -> None:
        self.page("search by name", f"/people/?q={random.choice(self.place['names'])}")

    @task(2)
    def by_number(self) -> None:
        self.page("search by ID number", f"/people/?q={random.choice(self.place['numbers'])}")

    @task(4)
    def household(self) -> None:
        self.page("household", f"/households/{random.choice(self.place['households'])}/")

    @task(2)
    def explain(self) -> None:
        if self.place["assessments"]:
            self.page("explanation", f"/assessments/{random.choice(self.place['assessments'])}/")

    @task(2)
    def awards(self) -> None:
        self.page("awards", "/enrolment/awards/")
        if self.place["awards"]:
            self.page("award", f"/enrolment/awards/{random.choice(self.place['awards'])}/")

    @task(2)
    def leads(self) -> None:
        self.page("leads", "/leads/?state=open")

    @task(3)
    def decide(self) -> None:
        """The next step of a lead, with the form that its page shows."""
        lead = next(LEADS[self.area], None)
        if lead is None or self.duty == "county_approver":
            return self.leads()
        text = self.page("lead", f"/leads/{lead}/")
        token, version, choice = TOKEN.search(text), VERSION.search(text), CHOICE.search(text)
        if BARE or not (token and version and choice):
            return None
        given = {"csrfmiddlewaretoken": token[1], "version": version[1], "after": choice[1] or choice[2], "note": "电话联系，情况属实"}
        headers = {"Referer": f"{self.host}/leads/{lead}/"}
        with self.client.post(f"/leads/{lead}/step/", data=given, headers=headers, name="lead's next step", allow_redirects=False, catch_response=True) as answer:
            if answer.status_code in (302, 422):
                answer.success()  # 422: somebody else was first, and this officer is told
            else:
                answer.failure(f"{answer.status_code} for a lead's step")
        return None

    @task(1)
    def figures(self) -> None:
        self.page("measures", "/measures/")
        self.page("statistics", "/statistics/")


class Phone(Someone):
    """A visitor's phone: its list, then record after record."""

    wait_time = between(10, 30)
    fixed_count = len(PLAN["phones"])

    def on_start(self) -> None:
        mine = next(NEXT["phones"])
        self.device, self.homes, self.list, self.have = str(uuid4()), mine["households"], [], {}
        self.client.cookiejar.clear()
        self.headers = {"Cookie": f"sessionid={mine['session']}"}
        self.posted, self.ahead = 0, timedelta()
        if not BARE:
            self.state()
            self.call("phone opened", "open/", {"device": self.device, "label": "bench"})

    def state(self) -> None:
        with self.client.get("/visits/phone/state/", headers=self.headers, name="phone's state", catch_response=True) as answer:
            found = answer.json() if answer.status_code == 200 else {}
            if not found.get("signed_in"):
                answer.failure(f"{answer.status_code}: not signed in")
                return
            self.ahead = datetime.fromisoformat(found["now"]) - datetime.now(UTC)  # a demo's county lives in 2022
            self.headers |= {"X-CSRFToken": found["token"], "Referer": f"{self.host}/visits/phone/"}
            for cookie in answer.headers.get_all("Set-Cookie") if hasattr(answer.headers, "get_all") else [answer.headers.get("Set-Cookie", "")]:
                if cookie.startswith("csrftoken="):
                    self.headers["Cookie"] = f"{self.headers['Cookie'].split(';')[0]}; {cookie.split(';')[0]}"

    def call(self, name: str, path: str, given: dict[str, Any]) -> dict[str, Any] | None:
        with self.client.post(f"/visits/phone/{path}", json=given, headers=self.headers, name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {(answer.text or '')[:120]}")
                return None
            return dict(answer.json())

    @task
    def work(self) -> None:
        if BARE:
            self.client.get("/", name="phone")
            return
        if not self.list or self.posted % 3 == 2:
            answer = self.call("phone's list", "list/", {"device": self.device, "have": self.have, "waiting": 0})
            if answer:
                self.have |= {item["key"]: item["digest"] for item in answer["items"]}
                self.list = [item for item in answer["items"] if item["visit"]]
            self.posted += 1
            return
        item = self.list.pop()
        self.posted += 1
        result = {"met": "self", "living": random.choice(("steady", "steady", "hard")), "note": "在家，情况平稳"}
        record = {"uuid": str(uuid4()), "done_at": (datetime.now(UTC) + self.ahead).isoformat(), "result": result, "device": self.device}
        record |= {"visit": item["visit"], "version": item["version"], "household": item["household"], "waiting": len(self.list)}
        told = False
        for _time in range(2 if random.random() < 1 / 3 else 1):
            told = self.call("visit sent", "record/", record) is not None or told
            SENT.append({"uuid": record["uuid"], "acknowledged": told})


class Citizen(Someone):
    """Somebody who reads the public pages."""

    wait_time = between(5, 20)
    fixed_count = PLAN["citizens"]

    @task
    def read(self) -> None:
        county = PLAN["county"]
        where = ("/portal/", f"/portal/?county={county}", f"/portal/policies/?county={county}", f"/portal/hotlines/?county={county}", "/open-data/", "/portal/check/")
        self.page("public page", random.choice(where))


@events.quitting.add_listener
def write(environment: Any, **_kw: Any) -> None:
    """Figures for `mixed.py`."""

    def row(entry: Any) -> dict[str, Any]:
        return {
            "requests": entry.num_requests, "errors": entry.num_failures, "median_ms": entry.get_response_time_percentile(0.5) or 0,
            "p95_ms": entry.get_response_time_percentile(0.95) or 0, "most_ms": round(entry.max_response_time),
        }  # fmt: skip

    stats = environment.stats
    faults: dict[str, int] = {}
    for error in stats.errors.values():
        faults[f"{error.name}: {str(error.error)[:160]}"] = error.occurrences
    total = row(stats.total) | {"per_second": round(stats.total.total_rps, 1)}
    figures = {"all": total, "actions": {name: row(entry) for (name, _method), entry in sorted(stats.entries.items())}, "faults": faults, "sent": SENT}
    (FOLDER / ("plain.json" if BARE else "load.json")).write_text(json.dumps(figures, ensure_ascii=False))
