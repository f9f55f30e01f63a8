"""No public page and no answer of the interface without a token shows a name, number, phone, address or account (1.3; data minimisation).

The addresses come from the resolver, so a page that is added tomorrow is walked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment.models import Publicity
from doudi.institutions.tests import world as institutions
from doudi.portal.models import OnlineApplication, PublicReport
from doudi.portal.services import applications, reports
from doudi.portal.services.applications import Named, Sent
from doudi.portal.services.reports import Told
from doudi.portal.tests.world import COUNTY, NOW, TOWN, VILLAGE, picture
from doudi.registry.models import Person
from doudi.registry.tests import helpers
from doudi.resources.tests import world as resources
from doudi.volunteering.tests import world as volunteering

pytestmark = pytest.mark.django_db
SEEDS = {
    "name": "欧阳测探", "applicant": "上官试信", "subject": "诸葛查验", "reporter": "司徒报人", "phone": "13912345671", "applicant_phone": "13912345672",
    "subject_phone": "13912345673", "reporter_phone": "13912345674", "account": "6228480018888888874", "address": "测探街八十八号院", "subject_address": "查验桥洞东侧第九间",
    "volunteer": "皇甫志探", "volunteer_phone": "13912345675", "contact": "公孙联探", "contact_phone": "13912345676", "donor": "尉迟捐探", "giver": "令狐给探",
    "giver_phone": "13912345677", "resident": "慕容住探",
}  # fmt: skip


def routes(patterns: Any = None, before: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """(route, converters by name) of every address."""
    for each in patterns or get_resolver().url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route, {}


def addresses(values: dict[str, list[str]]) -> Iterator[str]:
    """Every route with values of the seeds in its places: one address for each value of its kind."""
    for route, _none in routes():
        plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<str:\1>", route).replace("^", "").replace("$", "").replace("\\Z", "").replace("?", "")
        places = re.findall(r"<(?:(\w+):)?(\w+)>", plain)
        most = max((len(values.get(kind or "str", ["x"])) for kind, _name in places), default=1)
        for at in range(most):
            filled = plain
            for kind, name in places:
                given = values.get(kind or "str", ["x"])
                filled = re.sub(rf"<(?:\w+:)?{name}>", given[at % len(given)], filled, count=1)
            yield "/" + filled.lstrip("/")


@pytest.fixture
def seeded() -> dict[str, Any]:
    """A household, a person reported, an online application, something posted: with the seeds in every field that could leak."""
    with time_machine.travel(NOW, tick=False):
        town = officer(Duty.TOWNSHIP_OFFICER, TOWN)
        numbers = {"id": helpers.id_number(date(1950, 1, 1)), "applicant_id": helpers.id_number(date(1951, 1, 1)), "subject_id": helpers.id_number(date(1952, 1, 1))}
        home = helpers.household(town, area=VILLAGE, name=SEEDS["name"], id_number=numbers["id"], phone=SEEDS["phone"], account=SEEDS["account"], members=[])
        reports.receive_report(
            uuid=UUID(int=1), area=VILLAGE, now=NOW, photos=[picture()],
            told=Told(
                need="living", how_soon="now", what=f"{SEEDS['subject']}没有饭吃", name=SEEDS["subject"], phone=SEEDS["subject_phone"], id_number=numbers["subject_id"],
                address=SEEDS["subject_address"], reporter=SEEDS["reporter"], reporter_phone=SEEDS["reporter_phone"],
            ),
        )  # fmt: skip
        number = applications.send_application(
            uuid=UUID(int=2), area=TOWN, now=NOW,
            sent=Sent(applicant=Named(SEEDS["applicant"], numbers["applicant_id"]), phone=SEEDS["applicant_phone"], residence="rural", address=SEEDS["address"]),
        )  # fmt: skip
        with scopes.acting(town):
            person, report, online = Person.objects.get(name=SEEDS["name"]), PublicReport.objects.get(), OnlineApplication.objects.get()
            made = applications.register_application(
                application_id=online.pk, version=1, village=VILLAGE, programmes=[("dibao", None)], identity_seen=True, now=NOW
            )
            case = made.cases.get()
            Publicity.objects.create(
                area=VILLAGE, case=case, programme="dibao", starts=date(2022, 11, 25), ends=date(2022, 12, 2), posted_by_id=town.account_id, posted_at=NOW,
                shown={"applicant": SEEDS["applicant"], "members": 1, "amount": "300.00", "hotline": "0371-62160000", "date": "2022-11-25"},
            )  # fmt: skip
            ids = {home.pk, person.pk, report.pk, report.lead_id, online.pk, made.pk, case.pk}
            files = [str(pk) for pk in Attachment.objects.values_list("pk", flat=True)]
        others, hidden = _others()
        ids |= others
        values = {
            "int": [str(pk) for pk in sorted(ids)], "uuid": files or [str(UUID(int=1))], "str": [VILLAGE, COUNTY, "dibao", number], "slug": ["dibao", "phone"],
            "path": ["x"],
        }  # fmt: skip
        yield {"values": values, "forbidden": [*SEEDS.values(), *numbers.values(), *hidden], "town": town, "home": home}


def _others() -> tuple[set[int], list[str]]:
    """A volunteer with an organisation, a donor, a resource and somebody living in a home: their keys, and the numbers made for them."""
    society, help_, home = volunteering.World(), resources.World(), institutions.Home()
    document, resident = volunteering.id_number(), institutions.id_number()
    volunteer = society.volunteer(name=SEEDS["volunteer"], document=document, phone=SEEDS["volunteer_phone"])
    organisation = society.organisation(contact_name=SEEDS["contact"], contact_phone=SEEDS["contact_phone"])
    given = help_.goods(donor=SEEDS["donor"])
    help_.resource(contact=SEEDS["giver"], phone=SEEDS["giver_phone"])
    home.admitted(name=SEEDS["resident"], id_number=resident)
    return {volunteer.pk, organisation.pk, given.pk, home.house.pk}, [document, resident]


def found_in(text: str, forbidden: list[str]) -> list[str]:
    return [seed for seed in forbidden if seed in text or seed.encode("unicode_escape").decode() in text]


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace") + str(answer.headers)


def test_1_3_no_page_without_sign_in_shows_a_seed(seeded: dict[str, Any]) -> None:
    client, public = Client(raise_request_exception=False), set()
    leaks: list[tuple[str, str]] = []
    broken: list[str] = []
    queries = ("", f"?county={COUNTY}", f"?place={TOWN}", f"?place={COUNTY}&residence=rural&size=1")
    for address in dict.fromkeys(addresses(seeded["values"])):
        if address.startswith("/static/"):
            continue
        answer = client.get(address)
        broken += [address] if answer.status_code >= 500 else []
        leaks += [(address, seed) for seed in found_in(text_of(answer), seeded["forbidden"])]
        if answer.status_code == 200 and not address.startswith("/api/"):
            public.add(address)
            for query in queries[1:]:
                leaks += [(address + query, seed) for seed in found_in(text_of(client.get(address + query)), seeded["forbidden"])]
        refused = client.post(address, {"number": "WS1", "phone": SEEDS["applicant_phone"][:3]})
        broken += [f"POST {address}"] if refused.status_code >= 500 else []
        leaks += [(f"POST {address}", seed) for seed in found_in(text_of(refused), seeded["forbidden"])]
    assert not leaks and not broken
    assert {"/portal/", f"/portal/publicity/{VILLAGE}/", "/portal/report/", "/portal/check/", "/portal/apply/", "/portal/follow/", "/accounts/login/"} <= public
    assert "上**信" in text_of(client.get(f"/portal/publicity/{VILLAGE}/")), "what is posted is there, masked"


def test_1_3_no_answer_of_the_interface_without_a_token_shows_a_seed(seeded: dict[str, Any]) -> None:
    client, asked = Client(raise_request_exception=False), 0
    for address in dict.fromkeys(addresses(seeded["values"])):
        if not address.startswith("/api/v1/"):
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(client, method)(address, data=None if method == "get" else "{}", content_type="application/json")
            assert answer.status_code in (401, 404, 405) or address.startswith(("/api/v1/openapi", "/api/v1/docs")), (method, address, answer.status_code)
            assert not found_in(text_of(answer), seeded["forbidden"]), address
            asked += 1
    assert asked > 50


def test_1_3_the_scan_would_find_what_an_officer_sees(seeded: dict[str, Any]) -> None:
    """The control: on an officer's page the seed is there, so the scan knows it when it sees it."""
    page = text_of(client_of(seeded["town"]).get(f"/households/{seeded['home'].pk}/"))
    assert found_in(page, seeded["forbidden"])
