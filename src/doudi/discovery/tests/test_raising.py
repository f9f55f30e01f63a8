"""1.3, 1.5: signals of every channel become leads once; one household is one piece of work; the visitor of the place gets it."""

from __future__ import annotations

import threading
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.discovery.models import Lead, LeadEvent
from doudi.discovery.services import Subject, advance_lead, leads_helped, raise_lead
from doudi.discovery.services.raising import settle, staged
from doudi.registry.models import Household
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE, household

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2022, 11, 28, 9, 0, tzinfo=CHINA)  # a Monday
TOWN = VILLAGE[:9]


def signal(**given: Any) -> Lead:
    values: dict[str, Any] = {
        "channel": "hotline", "source": "call:1", "area": VILLAGE, "reason": "生活困难", "urgency": "yellow", "now": NOW,
    } | given  # fmt: skip
    return raise_lead(**values)


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


@pytest.fixture
def home(town: scopes.Scope) -> Household:
    return household(town)


@pytest.mark.django_db
def test_1_3_somebody_who_is_not_in_the_registry_becomes_a_lead_with_sealed_words(town: scopes.Scope, owner_connection: Any) -> None:
    with scopes.acting(town):
        lead = signal(
            subject=Subject(name="陈 大山", phone="138 0000 1234", registered_area="340100", address="桥洞下"), detail="发烧三天，带一个孩子"
        )
        assert (lead.shown_name, lead.detail, lead.address, lead.registered_area) == ("陈大山", "发烧三天，带一个孩子", "桥洞下", "340100")
        with connection.cursor() as cursor:
            cursor.execute("select detail, address, reason from discovery_lead where id = %s", [lead.pk])
            detail, address, reason = cursor.fetchone()
        assert "发烧".encode() not in bytes(detail) and "桥洞".encode() not in bytes(address) and "发烧" not in reason


@pytest.mark.django_db
def test_1_5_the_same_source_is_one_lead_however_often_it_is_sent(town: scopes.Scope) -> None:
    with scopes.acting(town):
        first, again = signal(), signal(reason="另一种说法")
        assert first.pk == again.pk and Lead.objects.count() == 1 and LeadEvent.objects.count() == 1 and Todo.objects.count() == 1


@pytest.mark.django_db
def test_1_5_signals_of_one_household_are_one_piece_of_work_with_the_most_urgent_clock(town: scopes.Scope, home: Household) -> None:
    with scopes.acting(town):
        slow = signal(household_id=home.pk)
        fast = signal(household_id=home.pk, channel="team", source="team:1", urgency="red")
        slow.refresh_from_db()
        assert (fast.merged_into_id, slow.merged_into_id) == (slow.pk, None)
        assert (slow.urgency, slow.contact_due, slow.verify_due) == ("red", date(2022, 11, 29), date(2022, 12, 5))
        todo = Todo.objects.get(subject="lead", done_at=None)
        assert (todo.subject_id, todo.due) == (slow.pk, date(2022, 11, 29))
        assert LeadEvent.objects.filter(lead=slow, what="merged").count() == 1
        with pytest.raises(ValidationError, match="已并入"):
            advance_lead(lead_id=fast.pk, version=None, after="contacted", note="", now=NOW)
        advance_lead(lead_id=slow.pk, version=2, after="contacted", note="", now=NOW)
        fast.refresh_from_db()
        assert fast.state == "contacted" and fast.contacted_at == NOW


@pytest.mark.django_db
def test_1_5_after_the_household_s_lead_is_closed_the_next_signal_has_a_clock_of_its_own(town: scopes.Scope, home: Household) -> None:
    with scopes.acting(town):
        first = signal(household_id=home.pk)
        advance_lead(lead_id=first.pk, version=1, after="contacted", note="", now=NOW)
        advance_lead(lead_id=first.pk, version=2, after="not_in_need", note="子女已接走照料", now=NOW)
        assert signal(household_id=home.pk, source="call:2").merged_into_id is None


@pytest.mark.django_db
def test_1_5_a_lead_is_helped_when_all_that_is_merged_into_it_is_answered(town: scopes.Scope, home: Household) -> None:
    with scopes.acting(town):
        first = signal(household_id=home.pk, programme="dibao")
        second = signal(household_id=home.pk, programme="disability_nursing", source="call:2")
        leads_helped(grants=[(home.pk, "dibao", None, None)], now=NOW)
        first.refresh_from_db()
        assert (first.state, first.helped_at) == ("new", NOW)
        assert Todo.objects.filter(subject="lead", done_at=None).exists()
        leads_helped(grants=[(home.pk, "disability_nursing", None, None)], now=NOW)
        first.refresh_from_db(), second.refresh_from_db()
        assert (first.state, second.state) == ("helped", "helped")
        assert not Todo.objects.filter(subject="lead", done_at=None).exists()


@pytest.mark.django_db
def test_1_5_one_open_lead_per_household_holds_in_the_database(town: scopes.Scope, home: Household) -> None:
    with scopes.acting(town):
        lead = signal(household_id=home.pk)
        lead.pk, lead.number, lead.situation = None, "XS-copy", "another"
        with pytest.raises(IntegrityError, match="lead_one_open"):
            lead.save(force_insert=True)


@pytest.mark.django_db
def test_1_3_unknown_people_are_the_same_by_phone_or_by_name_place_and_day(town: scopes.Scope) -> None:
    with scopes.acting(town):
        by_name = signal(subject=Subject(name="陈大山"))
        assert signal(source="call:2", subject=Subject(name="陈大山")).merged_into_id == by_name.pk
        assert signal(source="call:3", subject=Subject(name="陈大山"), now=NOW.replace(day=29)).merged_into_id is None
        assert signal(source="call:4", subject=Subject(name="陈大山"), area=OTHER_VILLAGE).merged_into_id is None
        by_phone = signal(source="call:5", subject=Subject(phone="13800001234"))
        assert signal(source="call:6", subject=Subject(name="别名", phone="138-0000-1234")).merged_into_id == by_phone.pk
        nobody = signal(source="call:7")
        assert signal(source="call:8").merged_into_id is None and nobody.shown_name == ""


@pytest.mark.django_db
def test_1_5_the_visitor_of_the_village_gets_it_and_without_one_the_township(town: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, VILLAGE)
    with scopes.acting(town):
        here, there = signal(), signal(source="call:2", area=OTHER_VILLAGE)
        assert (here.state, here.posting_id) == ("assigned", visitor.posting_id)
        assert (there.state, there.posting_id) == ("new", None)
        assert set(Todo.objects.values_list("duty", "area", "subject_id")) == {
            (Duty.VISITOR, VILLAGE, here.pk), (Duty.TOWNSHIP_OFFICER, OTHER_VILLAGE, there.pk),
        }  # fmt: skip
        assert list(LeadEvent.objects.filter(lead=here).order_by("id").values_list("before", "after")) == [("", "new"), ("new", "assigned")]


@pytest.mark.django_db
def test_1_5_who_stays_in_another_village_is_visited_there_and_only_these_two_villages_see_it(town: scopes.Scope, home: Household) -> None:
    there, third = officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.VISITOR, VILLAGE[:9] + "004")
    with scopes.acting(town):
        lead = signal(household_id=home.pk, residence_area=OTHER_VILLAGE)
        assert lead.posting_id == there.posting_id
    with scopes.acting(third):
        assert not Lead.objects.exists() and not LeadEvent.objects.exists()
    with scopes.acting(there):
        assert Lead.objects.get() == lead and LeadEvent.objects.count() == 2
        advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
        assert Todo.objects.get(done_at=None).due == lead.verify_due


@pytest.mark.django_db
def test_1_5_a_day_of_the_clock_begins_at_midnight_in_china_and_holidays_do_not_count(town: scopes.Scope) -> None:
    with scopes.acting(town):
        late = datetime(2022, 9, 30, 23, 59, tzinfo=CHINA)  # Friday before the holiday week; the following Saturday is worked
        assert signal(urgency="red", now=late).contact_due == date(2022, 10, 8)
        assert signal(urgency="red", now=datetime(2022, 10, 8, 0, 0, tzinfo=CHINA), source="call:2").contact_due == date(2022, 10, 9)


@pytest.mark.django_db
def test_1_5_a_place_outside_the_scope_bad_numbers_and_wrong_duties_are_refused(town: scopes.Scope) -> None:
    home_elsewhere = household(officer(Duty.TOWNSHIP_OFFICER, "410102001"), area="410102001002", name="李四")
    with scopes.acting(town):
        for wrong, field in (({"area": "410102001002"}, "area"), ({"area": "410122001999"}, "area"), ({"area": "4101"}, "area"),
                             ({"subject": Subject(phone="12")}, "phone"), ({"subject": Subject(id_number="410122196005040001")}, "id_number"),
                             ({"subject": Subject(name="<b>")}, "name"), ({"reason": " "}, "reason")):  # fmt: skip
            with pytest.raises(ValidationError) as error:
                signal(**wrong)
            assert list(error.value.message_dict) == [field]
        with pytest.raises(ValidationError):
            signal(urgency="purple")
        with pytest.raises(Household.DoesNotExist):
            signal(household_id=home_elsewhere.pk)
        assert not Lead.objects.exists()
    with scopes.acting(officer(Duty.AUDITOR)), pytest.raises(PermissionDenied):
        signal()


@pytest.mark.django_db
def test_1_2_1_5_many_signals_at_once_open_one_lead_per_household_and_join_the_open_ones(town: scopes.Scope, home: Household) -> None:
    other = household(town, name="李四", area=OTHER_VILLAGE)
    with scopes.acting(town):
        reported = signal(household_id=home.pk)
        for _again in range(2):
            with staged() as cursor:
                cursor.executemany(
                    "insert into lead_signals (indicator, situation, channel, area, household_id, merge_key, subject_name, need, programme, reason,"
                    " evidence, urgency) values (%s, %s, 'comparison', %s, %s, %s, '', '', '', '部门数据', '{}', %s)",
                    [
                        ("medical_costs", f"s{number}", place.area, place.pk, f"h{place.pk}", ("yellow", "red", "orange")[number % 3])
                        for place in (home, other)
                        for number in ((1, 2) if place is home else (3, 4, 5))
                    ],
                )
                settled = settle(cursor, area=TOWN, on=NOW.date(), now=NOW, run_id=None, note="信息比对发现")
            opened = Lead.objects.get(household=other, merged_into=None)
            reported.refresh_from_db()
            assert (opened.urgency, opened.signals.count(), reported.urgency, reported.signals.count()) == ("red", 2, "red", 2)
            assert Lead.objects.count() == 6 and Todo.objects.filter(subject="lead", done_at=None).count() == 2
        assert (settled.opened, settled.merged) == ([], 0)


def test_1_5_two_signals_of_one_household_at_once_from_two_connections_are_one_piece_of_work(committed_db: None) -> None:
    scope = officer(Duty.TOWNSHIP_OFFICER, TOWN)
    home = household(scope)
    start, errors = threading.Barrier(4), []

    def send(number: int) -> None:
        try:
            with scopes.acting(scope):
                start.wait(10)
                signal(household_id=home.pk, source=f"call:{number // 2}", urgency="red" if number == 3 else "yellow")
        except Exception as error:  # shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    with scopes.acting(scope):
        assert Lead.objects.count() == 2 and Lead.objects.filter(merged_into=None).count() == 1
        assert Todo.objects.filter(subject="lead").count() == 1
