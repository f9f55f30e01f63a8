"""Every operation answers as its own description says, whatever it is sent (schemathesis)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from doudi.api.application import api
from doudi.api.rights import RIGHTS
from doudi.api.tests.conftest import System
from doudi.institutions.tests.world import Home

pytestmark = pytest.mark.django_db
EXAMPLES = 25
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
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    schema.config.generation.update(modes=[mode])

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=schema[address][method].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {caller.token}"}, checks=CHECKS)

    answers()


def test_every_operation_but_the_description_needs_a_token() -> None:
    paths = api.get_openapi_schema()["paths"]
    assert paths and all(operation.get("security") for methods in paths.values() for operation in methods.values())
