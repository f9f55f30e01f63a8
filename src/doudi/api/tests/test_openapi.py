"""Every operation answers as its own description says, whatever it is sent (schemathesis)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from doudi.api.application import api
from doudi.api.rights import RIGHTS
from doudi.api.tests.conftest import System, as_described
from doudi.api.tests.partners import LAW, Partner
from doudi.api.tests.test_hostile import LEAD
from doudi.institutions.tests.world import Home

pytestmark = pytest.mark.django_db
EXAMPLES, SIGNED_EXAMPLES = 25, 3
REGISTRY = "/api/v1/registry/"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def operations() -> Iterator[tuple[str, str]]:
    for address, methods in api.get_openapi_schema()["paths"].items():
        yield from ((method.upper(), address) for method in methods)


@pytest.fixture
def application() -> Iterator[Any]:
    """The WSGI application; the test's own connection stays open after each call, as with Django's test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "address"), list(operations()))
def test_an_operation_answers_as_described(system: Callable[..., System], application: Any, method: str, address: str, mode: GenerationMode) -> None:
    caller = system(rights=list(RIGHTS), datasets=["deaths", "disability"], houses=[Home().house.code], per_minute=6000)
    signs = Partner(caller, callback="https://partner.example/dci") if address.startswith(REGISTRY) and method == "POST" else None
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    schema.config.generation.update(modes=[mode])
    let_in = []

    most = EXAMPLES if signs is None else SIGNED_EXAMPLES

    @settings(max_examples=most, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=schema[address][method].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case) -> None:
        if signs is not None and isinstance(case.body, dict) and isinstance(case.body.get("message"), dict):
            case.body = signed(signs, address, case.body["message"])
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {caller.token}"}, checks=CHECKS)
        let_in.append(answer.status_code == 200)

    answers()
    assert signs is None or mode != GenerationMode.POSITIVE or any(let_in), "signed messages get past the door"


def signed(partner: Partner, address: str, message: dict[str, Any]) -> dict[str, Any]:
    """The message as the partner would send it: signed just now, for a purpose that it has."""
    for request in [each for name in ("search_request", "subscribe_request") for each in message.get(name) or [] if isinstance(each, dict)]:
        for criteria in (request.get("search_criteria"), request.get("subscribe_criteria")):
            if isinstance(criteria, dict):
                criteria["consent"] = {"purpose": {"code": LAW}}
    action = "txn-status" if address.endswith("status") else address.rsplit("/", 1)[1]
    now = timezone.now()
    return partner.envelope(action, message, message_ts=now.isoformat())


def test_an_answer_that_is_not_as_described_is_noticed(system: Callable[..., System]) -> None:
    """Random calls are mostly refused; what succeeds is looked at in every other test of this folder, through `System.call`."""
    answer = system(rights=["leads:report"]).call("post", "/leads", json.dumps(LEAD).encode(), content_type="application/json")
    good = json.loads(answer.content)
    for wrong in (good | {"state": "helped"}, good | {"new": None}, {name: value for name, value in good.items() if name != "number"}):
        answer.content = json.dumps(wrong).encode()
        with pytest.raises(jsonschema_rs.ValidationError):
            as_described("post", answer)
    answer.status_code = 204
    with pytest.raises(KeyError):
        as_described("post", answer)


def test_every_operation_but_the_description_needs_a_token() -> None:
    paths = api.get_openapi_schema()["paths"]
    assert paths and all(operation.get("security") for methods in paths.values() for operation in methods.values())
