"""Measures 8.1 and 8.3 on the public pages: a phone proved by a code, own rows alone, a cookie that cannot be forged, nothing told to strangers."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.messaging import values_of
from doudi.core.models import Message
from doudi.core.numbers import Kind
from doudi.volunteering import own_cookie, services
from doudi.volunteering.models import Organisation, ServiceRecord, SignUp, Volunteer
from doudi.volunteering.own_cookie import NAME, Ticket
from doudi.volunteering.services import NewShift
from doudi.volunteering.tests.world import COUNTY, TOWN, World, credit_code, id_number

pytestmark = pytest.mark.django_db
SUM = re.compile(r"(\d+) \+ (\d+) = \?")
SEALED = re.compile(r'name="sealed" value="([^"]+)"')
_serial = count(1)  # limits of codes are committed beside the test: each has a phone and a network of its own


def fresh_phone() -> str:
    return f"1391111{next(_serial):04d}"


def fresh_client() -> Client:
    return Client(REMOTE_ADDR=f"10.20.{next(_serial) // 250}.{next(_serial) % 250 + 1}")


def summed(page: str) -> dict[str, str]:
    first, second = SUM.search(page).groups()  # type: ignore[union-attr]
    return {"answer": str(int(first) + int(second)), "sealed": SEALED.search(page).group(1), "website": ""}  # type: ignore[union-attr]


def send(client: Client, phone: str) -> object:
    page = client.get("/volunteer/sign-in/").content.decode()
    return client.post("/volunteer/sign-in/", {"phone": phone, **summed(page)})


def code_sent(phone: str) -> str:
    with scopes.acting(scopes.Scope(area="41")):
        row = Message.objects.filter(template="phone.code", phone=numbers.token_of(Kind.PHONE, phone)).order_by("-id").first()
        assert row is not None
        return str(values_of(row)["code"])


def proved(phone: str) -> tuple[Client, object]:
    """A client that has typed the code sent to a phone; what it was answered."""
    client = fresh_client()
    assert send(client, phone).status_code == 302  # type: ignore[attr-defined]
    return client, client.post("/volunteer/code/", {"code": code_sent(phone)})


def cookie_of(ticket: Ticket) -> str:
    from django.http import HttpResponse

    return own_cookie.give(HttpResponse(), ticket).cookies[NAME].value


def as_(row: Volunteer | Organisation, phone: str) -> Client:
    client = fresh_client()
    client.cookies[NAME] = cookie_of(Ticket(str(numbers.token_of(Kind.PHONE, phone)), True, f"{'volunteer' if isinstance(row, Volunteer) else 'organisation'}:{row.pk}"))
    return client


def test_8_1_somebody_registers_by_phone_without_script_and_waits_for_their_document_to_be_seen() -> None:
    phone = fresh_phone()
    client, answer = proved(phone)
    assert answer.status_code == 302 and answer.headers["Location"] == "/volunteer/join/"  # type: ignore[attr-defined]
    where = f"/volunteer/join/?county={COUNTY}"
    page = client.get(where).content.decode()
    number = id_number()
    given = {"name": "赵小燕", "document_kind": "id", "document": number, "area": TOWN, "distance": "5", "skills": ["cooking"], "times": ["6m"], "agree": "on"}
    wrong = client.post(where, given | {"answer": "99", "sealed": summed(page)["sealed"]})
    assert wrong.status_code == 422 and "算题" in wrong.content.decode()
    done = client.post(where, given | summed(page))
    assert done.status_code == 200 and "已收到登记" in done.content.decode()
    with scopes.acting(scopes.Scope(area="41")):
        row = Volunteer.objects.get()
        assert (row.state, row.name, row.skills, row.made_by_id) == ("pending", "赵小燕", ["cooking"], None)
        assert numbers.plain(row.phone) == phone
    again, to = proved(phone)
    assert to.headers["Location"] == "/volunteer/me/"  # type: ignore[attr-defined]
    shown = again.get("/volunteer/me/").content.decode()
    assert "待核验" in shown and row.number in shown and number not in shown


def test_8_1_a_known_document_and_a_known_phone_are_answered_like_unknown_ones() -> None:
    world = World()
    number = id_number()
    world.volunteer(document=number, phone="13900009999")
    answers = []
    for phone, document in ((fresh_phone(), number), (fresh_phone(), id_number())):
        client, first = proved(phone)
        page = client.get(f"/volunteer/join/?county={COUNTY}").content.decode()
        given = {"name": "李四", "document_kind": "id", "document": document, "area": TOWN, "distance": "5", "agree": "on"} | summed(page)
        done = client.post(f"/volunteer/join/?county={COUNTY}", given)
        answers.append((first.status_code, done.status_code, re.sub(r"ZY\d+|value=\"[^\"]+\"|hx-headers='[^']+'", "", done.content.decode())))  # type: ignore[attr-defined]
    assert answers[0] == answers[1]
    known, unknown = (send(fresh_client(), phone) for phone in ("13900009999", fresh_phone()))
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])  # type: ignore[attr-defined]


def test_8_1_a_wrong_code_opens_nothing_and_five_tries_end_it() -> None:
    phone = fresh_phone()
    world = World()
    world.volunteer(phone=phone)
    client = fresh_client()
    send(client, phone)
    right = code_sent(phone)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _try in range(5):
        assert client.post("/volunteer/code/", {"code": wrong}).status_code == 422
    assert client.post("/volunteer/code/", {"code": right}).status_code == 422
    assert client.get("/volunteer/me/").status_code == 302


def test_8_1_a_forged_old_or_foreign_cookie_is_no_cookie() -> None:
    phone = fresh_phone()
    world = World()
    row, other = world.volunteer(phone=phone), world.volunteer(phone="13911113333")
    token = str(numbers.token_of(Kind.PHONE, phone))
    good = cookie_of(Ticket(token, True, f"volunteer:{row.pk}"))
    forged = [
        "", "x", good[:-1] + ("A" if good[-1] != "A" else "B"), signing.dumps(["eyJ4Ijox", 7200], salt=own_cookie.SALT), signing.dumps({"phone": token}),
        cookie_of(Ticket(token, False, f"volunteer:{row.pk}")),  # a phone that was typed and never proved
        cookie_of(Ticket(token, True, f"volunteer:{other.pk}")),  # somebody else's page with one's own phone
        cookie_of(Ticket(token, True, "organisation:1")), "a" * 5000,
    ]  # fmt: skip
    for value in forged:
        client = fresh_client()
        client.cookies[NAME] = value
        assert client.get("/volunteer/me/").status_code == 302, value[:40]
    client = fresh_client()
    client.cookies[NAME] = good
    assert client.get("/volunteer/me/").status_code == 200
    with scopes.acting(world.coordinator):
        services.change_volunteer(volunteer_id=row.pk, version=row.version, profile=services.Profile(), phone="13911114444", now=timezone.now())
    assert client.get("/volunteer/me/").status_code == 302  # the phone is no longer theirs


def test_8_1_the_cookie_is_sealed_and_goes_to_these_pages_alone() -> None:
    phone = fresh_phone()
    client, answer = proved(phone)
    made = answer.cookies[NAME]  # type: ignore[attr-defined]
    assert made["httponly"] and made["samesite"] == "Lax" and made["path"] == "/volunteer/" and made["max-age"] == 7200
    assert phone not in made.value and str(numbers.token_of(Kind.PHONE, phone)) not in made.value
    client.post("/volunteer/sign-out/")
    assert client.get("/volunteer/join/").headers["Location"] == "/volunteer/sign-in/"


def test_8_3_a_volunteer_signs_up_checks_in_with_the_sheets_code_and_gets_hours_and_certificate() -> None:
    phone = fresh_phone()
    world, now = World(), timezone.now()
    row = world.volunteer(phone=phone)
    with scopes.acting(world.coordinator):
        activity = services.open_activity(
            key=row.key, area=COUNTY, title="送餐", kind="food", words="送餐", place="广场", phone="0371-62160000",
            shifts=[NewShift("送餐", now + timedelta(minutes=20), now + timedelta(hours=2), 1)], now=now,
        )  # fmt: skip
        shift = activity.shifts.get()
    client = as_(row, phone)
    anybody = fresh_client()
    assert "送餐" in anybody.get(f"/volunteer/activities/?county={COUNTY}").content.decode()
    assert "登录后报名" in anybody.get(f"/volunteer/activities/{activity.number}/").content.decode()
    assert anybody.post(f"/volunteer/shifts/{shift.pk}/sign-up/").status_code == 302 and SignUp.objects.count() == 0
    page = client.post(f"/volunteer/shifts/{shift.pk}/sign-up/", follow=True).content.decode()
    assert "报名成功" in page and "已报名" in page
    assert "签到码不对" in client.post(f"/volunteer/shifts/{shift.pk}/", {"act": "in", "code": "WRONG"}, follow=True).content.decode()
    assert "还没有签到" in client.post(f"/volunteer/shifts/{shift.pk}/", {"act": "out", "code": shift.code}, follow=True).content.decode()
    scanned = client.get(f"/volunteer/shifts/{shift.pk}/?code={shift.code}").content.decode()
    assert f'value="{shift.code}"' in scanned
    assert "签到成功" in client.post(f"/volunteer/shifts/{shift.pk}/", {"act": "in", "code": shift.code}, follow=True).content.decode()
    with scopes.acting(world.coordinator):
        record = ServiceRecord.objects.get()
        assert record.starts == shift.starts and record.state == "open"
    number = fresh_phone()
    other = world.volunteer(phone=number)
    served = world.served(other)
    theirs = as_(other, number)
    assert theirs.get("/volunteer/me/hours/").status_code == 200
    made = theirs.post("/volunteer/me/hours/", {"starts": f"{served.starts.date()}", "ends": f"{served.starts.date() + timedelta(days=1)}"}, follow=True)
    assert "已开具证明" in made.content.decode()
    with scopes.acting(world.coordinator):
        paper = other.certificates.get()
    assert theirs.get(f"/volunteer/me/certificates/{paper.pk}/").headers["Content-Type"] == "application/pdf"
    assert client.get(f"/volunteer/me/certificates/{paper.pk}/").status_code == 404
    seen = anybody.get(f"/volunteer/certificate/{paper.code}/").content.decode()
    assert "真实有效" in seen and "王*" in seen and "王明" not in seen and number not in seen and paper.number in seen
    assert anybody.get("/volunteer/certificate/", {"code": "A" * 26}).status_code == 404


def test_8_1_families_share_a_phone_and_choose_who_they_are() -> None:
    phone = fresh_phone()
    world = World()
    rows = [world.volunteer(phone=phone, name=name) for name in ("王父", "王子")]
    client, to = proved(phone)
    assert to.headers["Location"] == "/volunteer/who/"  # type: ignore[attr-defined]
    assert client.post("/volunteer/who/", {"who": f"volunteer:{rows[1].pk + 99}"}).status_code == 200
    client.post("/volunteer/who/", {"who": f"volunteer:{rows[1].pk}"})
    shown = client.get("/volunteer/me/").content.decode()
    assert "王子" in shown and "王父" not in shown


def test_8_1_an_organisations_contact_registers_it_and_counts_its_shifts_once_it_is_checked() -> None:
    world = World()
    phone = fresh_phone()
    client, _to = proved(phone)
    where = f"/volunteer/organisation/join/?county={COUNTY}"
    given = {"name": "新月志愿队", "kind": "volunteers", "code": credit_code(), "contact_name": "月明", "abilities": ["food"]}
    done = client.post(where, given | summed(client.get(where).content.decode()))
    assert "已收到登记" in done.content.decode()
    with scopes.acting(world.coordinator):
        row = Organisation.objects.get()
        assert row.state == "pending" and row.made_by_id is None
        services.add_credential(organisation_id=row.pk, kind="registration", number="1", now=timezone.now())
        services.check_organisation(organisation_id=row.pk, version=row.version, agree=True, now=timezone.now())
    person, now = world.volunteer(), timezone.now()
    with scopes.acting(world.coordinator):
        shift = services.open_activity(
            key=person.key, area=COUNTY, title="送餐", kind="food", words="送餐", place="广场", phone="1", organisation_id=row.pk,
            shifts=[NewShift("送餐", now + timedelta(minutes=20), now + timedelta(hours=2), 1)], now=now,
        ).shifts.get()  # fmt: skip
        services.sign_up(shift_id=shift.pk, volunteer_id=person.pk, now=now)
    host = as_(row, phone)
    page = host.get(f"/volunteer/organisation/shifts/{shift.pk}/").content.decode()
    assert person.name in page and shift.code in page
    assert "已办理" in host.post(f"/volunteer/organisation/shifts/{shift.pk}/", {"act": "in", "volunteer": person.pk}, follow=True).content.decode()
    stranger = world.organisation(contact_phone="13911117777")
    assert as_(stranger, "13911117777").get(f"/volunteer/organisation/shifts/{shift.pk}/").status_code == 404


def test_8_1_codes_of_certificates_are_not_tried_out() -> None:
    client = Client(REMOTE_ADDR="10.9.8.7")
    answers = {client.get(f"/volunteer/certificate/{'A' * 25}{sign}/").status_code for sign in "BCDEFGHJKLMNPQRSTUVWXYZ23456789" * 2 + "AB"}
    assert 429 in answers


def test_8_1_the_public_pages_speak_english_and_lead_back_to_chinese() -> None:
    client = fresh_client()
    page = client.get("/volunteer/", HTTP_ACCEPT_LANGUAGE="en").content.decode()
    assert "Sign in or register by phone" in page and 'lang="zh-Hans">中文' in page
    assert 'lang="en">English' in client.get("/volunteer/", HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
