"""Measure 7.4: the page behind a card's code, for anybody: it names nobody, guessing is useless, a call for help arrives."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from doudi.community import services
from doudi.community.models import CareEvent, CarePerson, HelpCard
from doudi.community.services import asking
from doudi.community.services.cards import new_code
from doudi.community.tests.world import NOW, ON, VILLAGE, Village
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import HotlineDesk, Lead
from doudi.needs import answerers
from doudi.needs.models import Need
from doudi.registry.models import Household, Person
from doudi.registry.services import record_death

pytestmark = pytest.mark.django_db
CSRF = re.compile(r'name="(csrfmiddlewaretoken|uuid|next)" value="[^"]+"|hx-headers=\'[^\']+\'')


def plain(response: object) -> str:
    return CSRF.sub("", response.content.decode())  # type: ignore[attr-defined]


def carded(village: Village, name: str = "王长顺") -> tuple[CarePerson, HelpCard]:
    row = village.old_man(name)
    with scopes.acting(village.town):
        contact = village.contact("李桂英", by=village.town)
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
        return row, services.issue_card(care_id=row.pk, on=ON, now=NOW)


def ask(client: Client, code: str, **given: str) -> object:
    return client.post(f"/card/{code}/", {"uuid": str(uuid4()), "kind": "medicine", "words": "降压药没了", "phone": ""} | given)


def test_7_4_the_public_page_never_says_who_the_holder_is() -> None:
    village = Village()
    row, card = carded(village)
    with scopes.acting(scopes.Scope(area="41")):
        HotlineDesk.objects.create(area="410122", name="中牟县社会救助服务热线", number="0371-62160000", hours="全天")
        Person.objects.filter(pk=row.person_id).update(phone=numbers.token_of(numbers.Kind.PHONE, "13912345678"))
        person, home = Person.objects.get(pk=row.person_id), Household.objects.get(pk=row.household_id)
    id_number = numbers.plain(person.token) or ""
    secret = [
        person.name, "13912345678", "5678", id_number, id_number[-4:], home.address or "", home.number, "荣庄", VILLAGE, VILLAGE[:9], "李桂英", "13800000001",
        "孤寡", f"/{row.pk}/", f"/{row.person_id}/", "1948",
    ]  # fmt: skip
    client = Client()
    pages = [client.get(f"/card/{card.code}/"), client.get(f"/card/{card.code.lower()}/"), ask(client, card.code, kind="x"), ask(client, card.code)]
    pages.append(client.get(f"/card/{card.code}/asked/"))
    with scopes.acting(village.town):
        services.void_card(card_id=card.pk, reason="lost", now=NOW)
    pages += [client.get(f"/card/{card.code}/"), ask(client, card.code)]
    assert [page.status_code for page in pages] == [200, 200, 422, 302, 200, 410, 410]  # type: ignore[attr-defined]
    for page in pages:
        text = page.content.decode() + str(page.headers)  # type: ignore[attr-defined]
        assert not [word for word in secret if word in text.replace(card.code, "").replace(card.code.lower(), "")]
    shown = pages[0].content.decode()  # type: ignore[attr-defined]
    assert "中牟县" in shown and "tel:0371-62160000" in shown and "我需要帮助" in shown
    assert pages[0].headers["X-Robots-Tag"].startswith("noindex") and "no-store" in pages[0].headers["Cache-Control"]  # type: ignore[attr-defined]


def test_7_4_the_public_page_speaks_english_and_needs_no_script() -> None:
    village = Village()
    _row, card = carded(village)
    page = Client().get(f"/card/{card.code}/", HTTP_ACCEPT_LANGUAGE="en").content.decode()
    form = page[page.index(f'action="/card/{card.code}/"') :]
    assert 'lang="zh-Hans">中文' in page and "I need help" in form and 'type="radio"' in form and "hx-" not in form[: form.index("</form>")]


def test_7_4_all_unknown_codes_get_one_answer_and_all_void_cards_another() -> None:
    village = Village()
    _first, lost = carded(village)
    row = village.old_man("王长福")
    with scopes.acting(village.town):
        dead = services.issue_card(care_id=row.pk, on=ON, now=NOW)
        services.void_card(card_id=lost.pk, reason="lost", now=NOW)
        person = Person.objects.get(pk=row.person_id)
        record_death(person_id=person.pk, version=person.version, died_on=ON, on=ON, now=NOW)
    client = Client()
    guessed = {plain(client.get(f"/card/{code}/")).replace(code, "") for code in (new_code(), "X", "A" * 26, lost.code[:-1], lost.code + "2", "%27or 1=1--", "0" * 26)}
    assert len(guessed) == 1 and "没有这张卡" in guessed.pop()
    void = {plain(client.get(f"/card/{code}/")).replace(code, "") for code in (lost.code, dead.code)}
    assert len(void) == 1 and "去世" not in void.pop()


def test_7_4_a_network_that_tries_codes_is_told_to_wait_and_others_are_not() -> None:
    village = Village()
    _row, card = carded(village)
    client = Client()
    answers = [client.get(f"/card/{new_code()}/").status_code for _try in range(asking.WRONG_A_MINUTE + 2)]
    assert answers[-1] == 429 and answers.count(404) <= asking.WRONG_A_MINUTE
    assert client.get(f"/card/{card.code}/").status_code == 200  # a real card is opened all the same
    assert Client(REMOTE_ADDR="10.1.2.3").get(f"/card/{new_code()}/").status_code == 404


def test_7_4_a_call_for_help_is_a_need_of_the_holder_or_a_lead_where_it_is_not_said_what_is_missing() -> None:
    village = Village()
    row, card = carded(village)
    client, uuid = Client(), str(uuid4())
    assert ask(client, card.code, uuid=uuid, urgent="on", phone="13712345678").status_code == 302  # type: ignore[attr-defined]
    assert ask(client, card.code, uuid=uuid).status_code == 302  # type: ignore[attr-defined]
    other = str(uuid4())
    for _twice in range(2):
        assert ask(client, card.code, uuid=other, kind="other", words="房子漏雨").status_code == 302  # type: ignore[attr-defined]
    with scopes.acting(village.visitor):
        need = Need.objects.get()
        assert (need.person_id, need.kind, need.urgency, need.source, need.source_id) == (row.person_id, "medicine", "red", "card", row.pk)
        assert "降压药没了" in need.private.what and [each.name for each in answerers.suggest(need)] == ["李桂英"]
        lead = Lead.objects.get()
        assert (lead.person_id, lead.household_id, lead.detail, lead.state) == (row.person_id, row.household_id, "房子漏雨", "assigned")
        assert Todo.objects.filter(kind="lead", posting=village.visitor.posting_id).exists() and Todo.objects.filter(subject="need").exists()
        assert CareEvent.objects.filter(what="asked").count() == 2
    page = client_of(village.town).get(f"/community/{row.pk}/").content.decode()
    assert "扫码求助" in page and "药品配送" in page
    found = asking.find(code=card.code, network="10.0.0.0/24", now=NOW)
    assert found is not None
    for at in range(asking.ASKED_A_DAY + 2):
        asking.ask(found=found, uuid=uuid4(), kind="food", words="\x07没米了", network=f"10.0.{at}.0/24", now=NOW + timedelta(minutes=at))
    with scopes.acting(village.visitor):
        assert CareEvent.objects.filter(what="asked", at__lt=NOW + timedelta(hours=1)).count() <= asking.ASKED_A_DAY


def test_7_5_the_contact_who_signs_in_or_the_substitute_is_told_of_a_call() -> None:
    village = Village()
    row = village.old_man()
    with scopes.acting(village.town):
        username = Account.objects.get(pk=village.visitor.account_id).username
        own = services.add_contact(area=VILLAGE, name="杨建国", kind="cadre", phone="13800000999", username=username, now=NOW)
        other = village.contact("李桂英", by=village.town)
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=other.pk, now=NOW)
        services.set_absence(contact_id=other.pk, substitute_id=own.pk, starts=ON, ends=ON + timedelta(days=2), now=NOW)
        card = services.issue_card(care_id=row.pk, on=ON, now=NOW)
    for days, told in ((2, 0), (1, 1)):
        found = asking.find(code=card.code, network="-", now=NOW)
        assert found is not None
        asking.ask(found=found, uuid=uuid4(), kind="food", network=f"10.1.{days}.0/24", now=NOW + timedelta(days=days))
        with scopes.acting(village.visitor):
            assert Todo.objects.filter(kind="care.asked", posting=village.visitor.posting_id).count() == told


def test_7_4_a_network_that_floods_calls_is_told_to_wait() -> None:
    village = Village()
    _row, card = carded(village)
    client = Client(REMOTE_ADDR="10.9.9.9")
    assert [ask(client, card.code).status_code for _try in range(asking.ASKED_A_MINUTE + 1)][-1] == 429  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [{"kind": ""}, {"phone": "12"}, {"uuid": "x"}, {"words": "长" * 301}])
def test_7_4_a_malformed_call_is_refused_on_the_page(given: dict[str, str]) -> None:
    village = Village()
    _row, card = carded(village)
    assert ask(Client(), card.code, **given).status_code == 422  # type: ignore[attr-defined]
    with scopes.acting(village.town):
        assert not Lead.objects.exists() and not Need.objects.exists()


def test_7_4_a_signed_in_officer_of_elsewhere_learns_no_more_and_keeps_the_own_scope() -> None:
    village = Village()
    _row, card = carded(village)
    client = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    assert "王长顺" not in client.get(f"/card/{card.code}/").content.decode()
    assert ask(client, card.code).status_code == 302  # type: ignore[attr-defined]
    assert client.get("/community/").status_code == 200 and "王长顺" not in client.get("/community/").content.decode()


def test_7_4_the_application_reads_no_card_without_its_code_and_writes_no_count() -> None:
    village = Village()
    _row, card = carded(village)
    assert not HelpCard.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from doudi.card_of(%s)", [card.code[:-1] + "%"])
        assert cursor.fetchone() == (0,)
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("insert into community_cardcall (network, what, minute, calls) values ('x', 'wrong', now(), 0)")
