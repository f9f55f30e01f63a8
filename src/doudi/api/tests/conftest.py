"""Clients of the API for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from doudi.api import services
from doudi.api.application import api
from doudi.api.models import ApiClient
from doudi.batch.idnumber import check_character
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, VILLAGE, officer
from doudi.payments.tests.world import Given, award
from doudi.registry.models import Membership

NOW = datetime(2022, 11, 28, 9, 0, 20, tzinfo=ZoneInfo("Asia/Shanghai"))


def citizen(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


def citizen_file(good: int = 2, bad: int = 0) -> bytes:
    """Deaths as a department hands them in; bad rows have no date."""
    numbers = [citizen(f"41012219500203{row:03}") for row in range(good + bad)]
    rows = [f"王建国,{number},{'2022-11-03' if row < good else '不详'},疾病" for row, number in enumerate(numbers)]
    return "\n".join(["姓名,身份证号,死亡日期,死亡原因", *rows, ""]).encode()


@cache
def _described(method: str, route: str, status: str) -> jsonschema_rs.Validator | None:
    """What the description says of an answer of an operation; None where that is no JSON. KeyError for a status that it does not tell of."""
    told = json.loads(json.dumps(api.get_openapi_schema()))  # statuses as text
    operation = told["paths"]["/" + re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", route)][method]
    shape = operation["responses"][status].get("content", {}).get("application/json")
    return jsonschema_rs.validator_for(shape["schema"] | {"components": told["components"]}) if shape else None


def as_described(method: str, answer: Any) -> None:
    """Every answer to a test is as the API's own description says: where random calls are only refused, this looks at the successes."""
    match = answer.resolver_match
    if match is None or answer.status_code in (404, 405, 500) or answer.headers.get("Idempotent-Replay"):
        return  # no operation answered
    validator = _described(method, match.route, str(answer.status_code))
    if validator is not None:
        validator.validate(json.loads(answer.content))


@dataclass
class System:
    """Another system with its token."""

    client: ApiClient
    token: str
    admin: scopes.Scope

    def call(self, method: str, path: str, data: Any = None, **headers: Any) -> HttpResponse:
        http = Client(headers={"Authorization": f"Bearer {self.token}"})
        options: dict[str, Any] = {} if data is None else {"data": data}
        if isinstance(data, bytes):
            options["content_type"] = headers.pop("content_type", "text/csv")
        answer: HttpResponse = getattr(http, method)(f"/api/v1{path}", **options, headers={key.replace("_", "-"): value for key, value in headers.items()})
        as_described(method, answer)
        if not answer.streaming:
            assert int(answer.headers.get("Content-Length", len(answer.content))) == len(answer.content), "a server sends no more than it says"
        return answer


def error_of(response: HttpResponse) -> dict[str, Any]:
    return dict(json.loads(response.content)["error"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_refusals(request: pytest.FixtureRequest) -> None:
    """Refused tokens are counted on a connection of their own: they outlive a test, and all tests stand in one minute."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames or "committed_db" in request.fixturenames:
        request.getfixturevalue("owner_connection").execute("delete from doudi.api_apirefusal")


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def system(home: Path, clock: Any) -> Callable[..., System]:
    """Makes clients: `system(area=..., rights=[...])`."""

    def make(area: str = COUNTY, **given: Any) -> System:
        admin = officer(Duty.ADMINISTRATOR, area)
        values: dict[str, Any] = {
            "organisation": "残联系统", "contact": "王工 0371-60000000", "area": area, "rights": ["deliveries:write"],
            "datasets": ["disability"], "expires": date(2023, 6, 1), "per_minute": 100, "now": NOW,
        }  # fmt: skip
        with scopes.acting(admin):
            client, token = services.create_client(**values | given)
        return System(client, token, admin)

    return make


@pytest.fixture
def family() -> Given:
    """Two people of one household who hold dibao."""
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        found = award(members=2, amount="612.50", starts=date(2022, 10, 1))
        for at, each in enumerate(found.people):
            Membership.objects.create(area=VILLAGE, household=found.household, person=each, relationship=("01", "10")[at], starts=date(2022, 1, 1))
        return found


@pytest.fixture
def partner(system: Callable[..., System]) -> Any:
    """A `partners.Partner` without a callback address."""
    from doudi.api.tests.partners import Partner

    return Partner(system(rights=["registry:search"], per_minute=6000))


@pytest.fixture
def web(settings: Any) -> Iterator[gateways.Web]:
    """The partner's own server, on this machine."""
    settings.CALLBACKS_WITHIN = True
    with gateways.web() as found:
        yield found
