"""Measure 7.5: care contacts, their load, absence cover, assignment by village."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from doudi.community import services
from doudi.community.models import CareEvent, CarePerson
from doudi.community.tests.world import NEXT_VILLAGE, NOW, ON, VILLAGE, Village
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Posting, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together

pytestmark = pytest.mark.django_db


def test_7_5_a_person_gets_a_named_contact_and_the_village_to_do_ends() -> None:
    village = Village()
    row, contact = village.old_man(), village.contact()
    with scopes.acting(village.town):
        services.tell_gaps(area=VILLAGE, now=NOW)
        assert Todo.objects.filter(kind="care.gap", done_at=None).count() == 1
        row = services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
        assert not Todo.objects.filter(kind="care.gap", done_at=None).exists()
        again = services.assign_contact(care_id=row.pk, version=1, contact_id=contact.pk, now=NOW)
        assert again.version == row.version and CareEvent.objects.filter(what="contact").count() == 1
        with pytest.raises(ValidationError, match="理由"):
            services.assign_contact(care_id=row.pk, version=row.version, contact_id=None, now=NOW)
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=None, reason="志愿者搬走", now=NOW)
        assert Todo.objects.filter(kind="care.gap", done_at=None).count() == 1


def test_7_5_a_contact_with_an_account_is_told_and_says_that_it_was_read() -> None:
    village = Village()
    row = village.old_man()
    with scopes.acting(village.town):
        username = Account.objects.get(pk=village.visitor.account_id).username
        contact = services.add_contact(area=VILLAGE, name="杨建国", kind="cadre", phone="13800000999", username=username, now=NOW)
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
    with scopes.acting(village.visitor):
        assert Todo.objects.get(kind="care.given", done_at=None).posting_id == village.visitor.posting_id
        assert services.read_given(account_id=village.visitor.account_id, now=NOW) == 1
        assert not Todo.objects.filter(kind="care.given", done_at=None).exists()


def test_7_5_nobody_looks_after_more_than_the_limit() -> None:
    village = Village()
    first, second = village.old_man("王长顺"), village.old_man("王长福")
    contact = village.contact(most=1)
    with scopes.acting(village.town):
        services.assign_contact(care_id=first.pk, version=first.version, contact_id=contact.pk, now=NOW)
        with pytest.raises(ValidationError, match="到了上限"):
            services.assign_contact(care_id=second.pk, version=second.version, contact_id=contact.pk, now=NOW)
        assert services.assign_village(area=VILLAGE, contact_ids=[contact.pk], now=NOW).left == 1


def test_7_5_a_whole_village_is_assigned_by_household_in_bounded_queries() -> None:
    village = Village()
    for number in range(6):
        village.home(f"老{'一二三四五六'[number]}", born=date(1940 + number, 1, 1))
    pair = village.home("冯老汉", born=date(1941, 1, 1), members=[{"name": "冯弟", "id_number": _id(date(1945, 1, 1)), "relationship": "70"}])
    for person in village.members(pair):
        village.fact(pair, "disability", number=2, text="physical", person_id=person)
    village.derive()
    contacts = [village.contact(name) for name in ("李桂英", "赵㛃", "欧阳买买提·艾力")]
    with scopes.acting(village.town):
        with CaptureQueriesContext(connection) as few:
            done = services.assign_village(area=VILLAGE, contact_ids=[each.pk for each in contacts], now=NOW)
        assert (done.given, done.left) == (8, 0) and len(few) <= 25
        loads = sorted(CarePerson.objects.filter(contact=each).count() for each in contacts)
        assert sum(loads) == 8 and max(loads) - min(loads) <= 1
        assert CarePerson.objects.filter(household_id=pair.pk).values("contact").distinct().count() == 1
        assert services.assign_village(area=VILLAGE, contact_ids=[contacts[0].pk], now=NOW).given == 0
        assert CareEvent.objects.filter(what="contact").count() == 8


def _id(born: date) -> str:
    from doudi.registry.tests.helpers import id_number

    return id_number(born)


def test_7_5_a_substitute_stands_in_by_itself_and_ends_by_itself_at_midnight_and_over_a_leap_day() -> None:
    village = Village()
    contact, other, third = village.contact("李桂英"), village.contact("赵敏"), village.contact("钱进")
    china = ZoneInfo("Asia/Shanghai")
    now = datetime(2024, 2, 27, 23, 59, tzinfo=china)
    with scopes.acting(village.town):
        services.set_absence(contact_id=contact.pk, substitute_id=other.pk, starts=date(2024, 2, 28), ends=date(2024, 3, 1), reason="探亲", now=now)
        days = [date(2024, 2, 27) + timedelta(days=n) for n in range(4)]
        assert [services.standing_in(day).get(contact.pk) == other for day in days] == [False, True, True, False]
        for wrong, said in (
            ({"contact_id": contact.pk, "substitute_id": third.pk, "starts": date(2024, 2, 29), "ends": date(2024, 3, 5)}, "已登记外出"),
            ({"contact_id": third.pk, "substitute_id": contact.pk, "starts": date(2024, 2, 29), "ends": date(2024, 3, 5)}, "自己也外出"),
            ({"contact_id": other.pk, "substitute_id": third.pk, "starts": date(2024, 2, 29), "ends": date(2024, 3, 5)}, "正为别人代班"),
            ({"contact_id": third.pk, "substitute_id": third.pk, "starts": date(2024, 3, 2), "ends": date(2024, 3, 5)}, "另一名"),
            ({"contact_id": third.pk, "substitute_id": other.pk, "starts": date(2024, 3, 5), "ends": date(2024, 3, 5)}, "晚于"),
        ):
            with pytest.raises(ValidationError, match=said):
                services.set_absence(**wrong, now=now)
        services.set_absence(contact_id=contact.pk, substitute_id=third.pk, starts=date(2024, 3, 1), ends=date(2024, 3, 3), now=now)
        absence = contact.absences.order_by("starts")[0]
        services.cancel_absence(absence_id=absence.pk, now=datetime(2024, 2, 29, 0, 1, tzinfo=china))
        assert services.standing_in(date(2024, 2, 28))[contact.pk] == other and contact.pk not in services.standing_in(date(2024, 2, 29))
        with pytest.raises(ValidationError, match="结束"):
            services.cancel_absence(absence_id=absence.pk, now=datetime(2024, 2, 29, 0, 2, tzinfo=china))


def test_7_5_a_contact_who_stops_hands_over_and_one_without_posting_stops_by_itself() -> None:
    village = Village()
    row, contact, heir = village.old_man(), village.contact("李桂英"), village.contact("赵敏")
    with scopes.acting(village.town):
        row = services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
        assert services.end_contact(contact_id=contact.pk, version=1, reason="外出务工", successor_id=heir.pk, now=NOW) == 1
        with pytest.raises(ValidationError, match="刷新"):
            services.end_contact(contact_id=contact.pk, version=1, reason="外出务工", now=NOW)
        row.refresh_from_db()
        assert row.contact_id == heir.pk
        username = Account.objects.get(pk=village.visitor.account_id).username
        cadre = services.add_contact(area=VILLAGE, name="杨建国", kind="cadre", phone="13800000999", username=username, now=NOW)
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=cadre.pk, now=NOW)
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=village.visitor.posting_id).update(ends=ON)
    with scopes.acting(village.worker):
        assert services.end_without_posting(area="410122", on=ON, now=NOW) == 1
        row.refresh_from_db()
        assert row.contact_id is None and Todo.objects.filter(kind="care.gap", done_at=None).exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"phone": "12345"}, "电话"), ({"name": " "}, "姓名"), ({"area": "410122"}, "服务范围"), ({"area": "4101021"}, "服务范围"), ({"kind": "x"}, "身份"),
        ({"username": "nobody"}, "账号"), ({"most": 0}, "1 至 500"),
    ],
)  # fmt: skip
def test_7_5_a_malformed_contact_is_refused_by_field(given: dict[str, object], said: str) -> None:
    village = Village()
    words = {"area": VILLAGE, "name": "李桂英", "kind": "volunteer", "phone": "13800138000"} | given
    with scopes.acting(village.town), pytest.raises(ValidationError, match=said):
        services.add_contact(**words, now=NOW)


def test_7_5_the_wrong_village_and_the_wrong_area_are_refused() -> None:
    village = Village()
    row, neighbour = village.old_man(), village.contact("邻村人", area=NEXT_VILLAGE)
    with scopes.acting(village.town):
        with pytest.raises(ValidationError, match="服务范围"):
            services.assign_contact(care_id=row.pk, version=row.version, contact_id=neighbour.pk, now=NOW)
        with pytest.raises(ValidationError, match="服务本村"):
            services.assign_village(area=VILLAGE, contact_ids=[neighbour.pk], now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")):
        for call in (
            lambda: services.assign_contact(care_id=row.pk, version=row.version, contact_id=neighbour.pk, now=NOW),
            lambda: services.end_contact(contact_id=neighbour.pk, version=1, reason="不归我管", now=NOW),
        ):
            with pytest.raises(ValidationError, match="管辖"):
                call()


def test_7_5_of_two_officers_who_assign_the_same_person_at_once_one_is_told(committed_db: None) -> None:
    village = Village()
    row, first, second = village.old_man(), village.contact("李桂英"), village.contact("赵敏")
    made, told = together(
        *[
            as_(scope, services.assign_contact, care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
            for scope, contact in ((village.town, first), (village.other, second))
        ]
    )
    assert len(made) == 1 and "他人" in told[0]
    with scopes.acting(village.town):
        assert CareEvent.objects.filter(what="contact").count() == 1


def test_7_5_a_contacts_phone_changes_with_its_history_and_lists_the_cards_again() -> None:
    village = Village()
    row, contact, other = village.old_man(), village.contact(), village.contact("赵敏")
    with scopes.acting(village.town):
        services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
        card = services.issue_card(care_id=row.pk, on=ON, now=NOW)
        before = card.digest
        given = {"contact_id": contact.pk, "version": contact.version, "name": "李桂英", "kind": "volunteer", "phone": "", "most": None, "reason": "换了号码", "now": NOW}
        assert services.change_contact(**given).version == contact.version and not contact.changes.exists(), "nothing changed is no change"
        for words, field in (
            ({"phone": "12"}, "phone"), ({"kind": "king"}, "kind"), ({"most": 0}, "most"), ({"name": "1"}, "name"), ({"phone": "13800000777", "reason": ""}, "reason"),
            ({"phone": numbers.plain(other.phone)}, "phone"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as refused:
                services.change_contact(**(given | words))
            assert field in refused.value.message_dict, words
        made = services.change_contact(**(given | {"phone": "13800000777"}))
        assert numbers.plain(made.phone) == "13800000777" and made.phone_changes == 1
        (was,) = made.changes.all()
        assert (was.phone, was.reason, was.made_by_id) == (contact.phone, "换了号码", village.town.account_id)
        card.refresh_from_db()
        assert card.digest != before, "the card says another number"
        with pytest.raises(ValidationError, match="他人更改"):
            services.change_contact(**(given | {"phone": "13800000778"}))
        with pytest.raises(ProgrammingError), transaction.atomic():
            was.delete()
    page = client_of(village.town).get(f"/community/contacts/{contact.pk}/").content.decode()
    assert "换了号码" in page and "138****0001" in page and "13800000777" not in page
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(ValidationError, match="没有这名"):
        services.change_contact(**(given | {"version": 2, "phone": "13800000779"}))
