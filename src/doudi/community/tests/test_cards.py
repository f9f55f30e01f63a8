"""Measure 7.4: help cards: what stands on them, issuing, printing, what makes one to be printed again, voiding."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from doudi.assessment import services as assessing
from doudi.community import cards as words
from doudi.community import services
from doudi.community.models import CardPrinting, CareContact, CarePerson, HelpCard, PrintRun
from doudi.community.services.cards import ALPHABET, contents
from doudi.community.tests.world import NEXT_VILLAGE, NOW, ON, VILLAGE, Village
from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.services import attachments
from doudi.core.services.attachments import open_attachment
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import HotlineDesk
from doudi.enrolment import services as enrolment
from doudi.registry.models import Household, Person
from doudi.registry.services import record_death

pytestmark = pytest.mark.django_db
BASE = "http://testserver/"
RARE = "王𠮷㛃·买买提"


def card_of(village: Village, row: CarePerson) -> HelpCard:
    with scopes.acting(village.town):
        return services.issue_card(care_id=row.pk, on=ON, now=NOW)


def said(village: Village, card: HelpCard, language: str = "zh-hans") -> dict[str, object]:
    with scopes.acting(village.town):
        return words.worded(contents(area=card.area, on=ON, cards=[card.pk])[card.pk], language=language)


def ordered(village: Village, which: str = "changed", layout: str = "sheet", uuid: object = None, area: str = VILLAGE) -> PrintRun:
    with scopes.acting(village.town):
        run = services.order_cards(uuid=uuid or uuid4(), area=area, which=which, layout=layout, language="zh-hans", base=BASE, now=NOW)
        return services.print_run(run_id=run.pk, base=BASE, now=NOW)


def service(village: Village, kind: str = "doctor", name: str = "王村卫生室", phone: str = "0371-62110001", area: str = VILLAGE) -> None:
    with scopes.acting(village.town if len(area) > 6 else village.reviewer):
        services.add_service(area=area, kind=kind, name=name, phone=phone, starts=ON, on=ON, now=NOW)


def test_7_4_a_card_says_benefits_contact_services_of_the_nearest_place_and_hotlines() -> None:
    village = Village()
    row, contact = village.old_man(), village.contact("李桂英")
    with scopes.acting(scopes.Scope(area="41")):
        HotlineDesk.objects.create(area="410122", name="中牟县社会救助服务热线", number="0371-62160000", hours="全天")
    service(village, name="村卫生室")
    service(village, name="镇卫生院", area="410122101")
    service(village, "pharmacy", "县大药房", "", area="410122")
    service(village, "counsel", "县心理援助热线", "0371-12355", area="410122")
    with scopes.acting(village.town):
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
    card = card_of(village, row)
    text = said(village, card)
    assert text["name"] == "王长顺" and text["contact"]["name"] == "李桂英" and text["contact"]["phone"] == "13800000001"  # type: ignore[index]
    assert [each["name"] for each in text["services"]] == ["村卫生室", "县大药房"]  # type: ignore[attr-defined]
    assert [each["phone"] for each in text["hotlines"]] == ["0371-62160000", "0371-12355"]  # type: ignore[attr-defined]
    assert len(card.code) == 26 and not set(card.code) - set(ALPHABET)
    assert "My care contact" in str(said(village, card, "en").values())


def test_7_4_a_card_says_what_the_law_gives_beside_what_runs() -> None:
    village = Village()
    home = village.home("周志明", born=date(1980, 1, 1))
    village.fact(home, "disability", number=1, text="physical")
    village.derive()
    row = village.care(home)
    with scopes.acting(village.town):
        assessing.assess(household=Household.objects.get(pk=home.pk), month=date(2022, 12, 1), trigger="officer", now=NOW)
    card = card_of(village, row)
    text = said(village, card)
    assert "重度残疾人护理补贴" in text["may"] and text["awards"] == ["目前没有按月发放的救助"]  # type: ignore[operator]


def test_7_4_a_whole_village_is_printed_in_bounded_queries_and_recorded() -> None:
    village = Village()
    for number in range(9):
        village.home(RARE if number == 8 else f"老{'一二三四五六七八'[number]}", born=date(1940 + number, 1, 1))
    village.derive()
    with scopes.acting(village.town), CaptureQueriesContext(connection) as few:
        run = services.order_cards(uuid=uuid4(), area=VILLAGE, which="changed", layout="sheet", language="zh-hans", base=BASE, now=NOW)
        done = services.print_run(run_id=run.pk, base=BASE, now=NOW)
    assert (done.cards, done.parts) == (9, 1) and len(few) <= 50
    with scopes.acting(village.town):
        file = Attachment.objects.get(subject="card_run", subject_id=done.pk)
        content = open_attachment(identifier=file.pk)[1]
        assert content.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", content)) == 3  # four on a sheet
        assert CardPrinting.objects.filter(run=done).count() == 9
        assert not [card for card in HelpCard.objects.all() if card.to_print or card.printed_version != 1]
        assert services.print_run(run_id=run.pk, base=BASE, now=NOW).cards == 9  # again is as if once
        assert Attachment.objects.filter(subject="card_run").count() == 1
    again = ordered(village)
    assert again.cards == 0 and ordered(village, "all", "card").cards == 9


def test_7_4_printed_files_go_after_their_time_and_what_was_printed_stays(django_capture_on_commit_callbacks: object) -> None:
    village = Village()
    village.old_man()
    run = ordered(village, "all", "card")
    with scopes.acting(village.town):
        stored = attachments._path(Attachment.objects.get(subject="card_run", subject_id=run.pk).pk)
    assert stored.exists()

    def drop(days: int) -> int:
        with scopes.acting(village.worker), django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            return services.drop_files(area="410122", on=ON + timedelta(days=days), now=NOW + timedelta(days=days))

    assert drop(29) == 0 and stored.exists()
    assert drop(31) == 1 and not stored.exists() and drop(32) == 0
    with scopes.acting(village.town):
        assert PrintRun.objects.get(pk=run.pk).files_gone_at == NOW + timedelta(days=31) and CardPrinting.objects.filter(run=run).count() == 1
        with pytest.raises(Attachment.DoesNotExist):
            open_attachment(identifier=Attachment.objects.get(subject_id=run.pk, subject="card_run").pk)
    page = client_of(village.town).get(f"/community/cards/?area={VILLAGE}").content.decode()
    assert "文件已到期删除" in page and ".pdf" not in page


def test_7_4_the_same_form_is_one_printing_and_a_wrong_one_is_refused() -> None:
    village, uuid = Village(), uuid4()
    village.old_man()
    assert ordered(village, uuid=uuid).pk == ordered(village, uuid=uuid).pk
    with scopes.acting(village.town):
        for wrong in ({"area": "410122101"}, {"area": "410123101201"}, {"layout": "a3"}, {"which": "chosen"}):
            given = {"area": VILLAGE, "which": "all", "layout": "sheet", "language": "zh-hans"} | wrong
            with pytest.raises(ValidationError):
                services.order_cards(uuid=uuid4(), base=BASE, now=NOW, **given)
    with scopes.acting(village.reviewer), pytest.raises(PermissionDenied):
        services.order_cards(uuid=uuid4(), area=VILLAGE, which="all", layout="sheet", language="zh-hans", base=BASE, now=NOW)


def test_7_4_what_changes_on_a_card_lists_it_to_be_printed_again() -> None:
    village = Village()
    row, other = village.old_man("王长顺"), village.old_man("王长福")
    contact = village.contact()

    def waiting() -> set[str]:
        with scopes.acting(village.town):
            return {card.care.person.name for card in HelpCard.objects.select_related("care__person") if card.to_print}

    ordered(village)
    assert waiting() == set()
    with scopes.acting(village.town):
        row = services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
    assert waiting() == {"王长顺"}
    done = ordered(village)
    assert done.cards == 1 and waiting() == set()
    service(village)
    assert waiting() == {"王长顺", "王长福"}
    ordered(village)
    with scopes.acting(village.town):
        services.set_absence(contact_id=contact.pk, substitute_id=village.contact("代班").pk, starts=ON, ends=ON + timedelta(days=3), now=NOW)
        assert services.refresh(area=VILLAGE, on=ON) == 0  # cover is no reason to print again
        versions = dict(HelpCard.objects.values_list("care_id", "printed_version"))
    assert versions == {row.pk: 3, other.pk: 2}


def test_7_4_a_benefit_that_changes_lists_the_card_within_a_round_and_a_new_token_key_does_not() -> None:
    village = Village()
    home = village.home("王长顺")
    services.derive_changed(now=NOW)
    row = village.care(home)
    contact = village.contact()
    with scopes.acting(village.town):
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
    ordered(village)
    with scopes.acting(village.town):
        for token in (uuid4(), contact.phone):  # another one, as a rotation of the token key writes it, and back
            CareContact.objects.filter(pk=contact.pk).update(phone=token)
            assert services.refresh(area=VILLAGE, on=ON) == 0
        said_ = assessing.assess(household=Household.objects.get(pk=home.pk), month=date(2022, 12, 1), trigger="officer", now=NOW)
        proposed = enrolment.propose(assessment=said_, programme="dibao", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        enrolment.approve(decision_id=proposed.pk, version=1, note="同意", now=NOW)
    services.derive_changed(now=NOW + timedelta(days=10))
    with scopes.acting(village.town):
        card = HelpCard.objects.get()
        assert card.to_print
        assert "最低生活保障：每月" in words.worded(contents(area=VILLAGE, on=date(2022, 12, 5), cards=[card.pk])[card.pk])["awards"][0]


def test_7_4_a_lost_card_is_void_and_a_new_one_has_another_code() -> None:
    village = Village()
    row = village.old_man()
    card = card_of(village, row)
    assert card_of(village, row).pk == card.pk
    with scopes.acting(village.town):
        with pytest.raises(ValidationError, match="原因"):
            services.void_card(card_id=card.pk, reason="died", now=NOW)
        services.void_card(card_id=card.pk, reason="lost", now=NOW)
        assert services.void_card(card_id=card.pk, reason="misused", now=NOW).void_reason == "lost"
        with pytest.raises(ValidationError, match="作废"):
            services.print_one(card_id=card.pk, layout="card", language="zh-hans", base=BASE, now=NOW, uuid=uuid4())
        new = services.issue_card(care_id=row.pk, on=ON, now=NOW)
        assert new.code != card.code and services.print_one(card_id=new.pk, layout="card", language="en", base=BASE, now=NOW, uuid=uuid4()).startswith(b"%PDF")
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(ValidationError, match="管辖"):
        services.void_card(card_id=new.pk, reason="lost", now=NOW)


def test_7_4_death_moving_and_leaving_void_the_card() -> None:
    village = Village()
    dead, moved, left = village.old_man("王长顺"), village.old_man("王长福"), village.old_man("王长贵")
    cards = [card_of(village, row) for row in (dead, moved, left)]
    with scopes.acting(village.town):
        person = Person.objects.get(pk=dead.person_id)
        record_death(person_id=person.pk, version=person.version, died_on=ON, on=ON, now=NOW)
        services.take_out(care_id=left.pk, version=left.version, group="old_alone", reason="女儿接走", on=ON, now=NOW)
    _move(moved)
    with scopes.acting(village.town):
        assert dict(HelpCard.objects.values_list("pk", "void_reason")) == dict(zip([card.pk for card in cards], ["died", "moved", "left"], strict=True))
    village.derive()
    with scopes.acting(village.town):
        row = CarePerson.objects.get(person=moved.person_id, ends__isnull=True)  # looked after where they live now, with a card to come
        assert row.area == NEXT_VILLAGE and row.contact_id is None and not row.cards.exists()


def _move(row: CarePerson) -> None:
    """A household carried over to the next village, as the mover does it."""
    from doudi.core.models import Account
    from doudi.registry.models import MoveRequest

    giver, asker = officer(Duty.COUNTY_REVIEWER), officer(Duty.TOWNSHIP_OFFICER, "410122101")
    with scopes.acting(asker), connection.cursor() as cursor:
        cursor.execute(
            "insert into registry_moverequest (household_id, household_name, from_area, to_area, reason, first_month, asked_by, asked_at, refused_reason)"
            " values (%s, '王', %s, %s, '搬家', '2022-12-01', %s, %s, '') returning id",
            [row.household_id, VILLAGE, NEXT_VILLAGE, asker.account_id, NOW],
        )
        pk = cursor.fetchone()[0]
    with scopes.acting(giver):
        MoveRequest.objects.filter(pk=pk).update(released_by=giver.account_id, released_at=NOW)
        with connection.cursor() as cursor:
            cursor.execute("select doudi.move_household(%s, %s, %s)", [pk, NOW, 3])
        scopes.check_constraints()
    assert Account.objects.filter(pk=giver.account_id).exists()


@pytest.mark.parametrize(
    ("given", "said_"),
    [
        ({"phone": "call me"}, "数字"), ({"name": "x"}, "名称"), ({"kind": "x"}, "类别"), ({"area": "41"}, "服务范围"), ({"phone": ""}, "必须填写"),
        ({"starts": date(2020, 1, 1)}, "早于今天"),
    ],
)  # fmt: skip
def test_7_4_a_malformed_service_is_refused_by_field(given: dict[str, object], said_: str) -> None:
    village = Village()
    with scopes.acting(village.town), pytest.raises(ValidationError, match=said_):
        services.add_service(**({"area": VILLAGE, "kind": "doctor", "name": "卫生室", "phone": "0371-1234567", "starts": ON} | given), on=ON, now=NOW)


def test_7_4_pages_of_cards(django_assert_max_num_queries: object) -> None:
    village = Village()
    rows = [village.old_man(f"老{name}", born=date(1940, 1, 1 + at)) for at, name in enumerate("甲乙丙丁")]
    client = client_of(village.town)
    assert client.post(f"/community/{rows[0].pk}/card/").status_code == 302
    with scopes.acting(village.town):
        services.issue_missing(area=VILLAGE, on=ON, now=NOW)
        card = HelpCard.objects.get(care=rows[0])
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        assert "荣庄" in client.get("/community/cards/").content.decode()
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        assert "老甲" in client.get(f"/community/cards/?area={VILLAGE}").content.decode()
    assert "老甲" in client.get(f"/community/cards/{card.pk}/").content.decode()
    pdf = client.post(f"/community/cards/{card.pk}/pdf/", {"layout": "card", "language": "zh-hans"})
    assert pdf.content.startswith(b"%PDF")
    order = {"uuid": str(uuid4()), "which": "changed", "layout": "sheet", "language": "zh-hans"}
    assert client.post(f"/community/cards/?area={VILLAGE}", order).status_code == 302
    assert client.post(f"/community/cards/?area={VILLAGE}", order | {"which": "chosen"}).status_code == 422
    assert client.post(f"/community/cards/{card.pk}/void/", {"reason": "lost", "anew": "1"}).status_code == 302
    assert "已作废" in client.get(f"/community/cards/{card.pk}/").content.decode()
    foreign = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    assert [foreign.get(f"/community/cards/{card.pk}/").status_code, foreign.post(f"/community/cards/{card.pk}/pdf/").status_code] == [404, 404]
    given = {"area": "410122101", "kind": "doctor", "name": "镇卫生院", "phone": "0371-62110000", "starts": "2999-01-01"}
    assert client.post("/community/services/", given).status_code == 302
    assert "镇卫生院" in client.get("/community/services/").content.decode()
    assert client.post("/community/services/", given | {"phone": "x"}).status_code == 422
