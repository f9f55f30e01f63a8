"""Measure 5: opening a case, who sees it, and its file."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import COUNTY, officer
from doudi.protection import services
from doudi.protection.models import CaseAssignment, CaseSection, ProtectionCase
from doudi.protection.sections import SECTIONS
from doudi.protection.services import Merge, Minor
from doudi.protection.tests.world import NOW, Office

pytestmark = pytest.mark.django_db


def sees(scope: scopes.Scope) -> int:
    with scopes.acting(scope):
        return ProtectionCase.objects.count()


def test_5_1_a_report_opens_a_case_with_its_response_time_and_to_dos() -> None:
    office = Office()
    row = office.opened()
    assert (row.state, row.contact_due, row.name) == ("intake", NOW + timedelta(hours=2), "郭小阳")
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert set(Todo.objects.filter(kind="protection_take").values_list("duty", flat=True)) == {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR}


def test_5_1_the_same_form_again_is_one_case_and_a_second_open_case_is_refused() -> None:
    office = Office()
    given = Minor(name="郭小阳", id_number="410122201205011236"[:17] + "X")
    uuid = uuid4()
    with pytest.raises(ValidationError):  # a wrong check character
        office.opened(minor=given, uuid=uuid)
    from doudi.batch.idnumber import check_character

    good = Minor(name="郭小阳", id_number="41012220120501123" + check_character("41012220120501123"))
    first = office.opened(minor=good, uuid=uuid)
    assert office.opened(minor=good, uuid=uuid).pk == first.pk
    with pytest.raises(ValidationError, match="已有未结的个案"):
        office.opened(minor=good)


@pytest.mark.parametrize(("born", "minor"), [(date(2004, 11, 25), True), (date(2004, 11, 24), False), (date(2004, 2, 29), False)])
def test_5_1_who_is_eighteen_today_is_no_minor(born: date, minor: bool) -> None:
    office = Office()
    given = Minor(name="赵㛃", birth_date=born)
    if minor:
        assert office.opened(minor=given).birth_date == born
    else:
        with pytest.raises(ValidationError, match="18 周岁"):
            office.opened(minor=given)


def test_5_4_a_case_is_seen_by_the_assigned_and_their_supervisors_alone() -> None:
    office = Office()
    row = office.opened()
    reviewer = officer(Duty.COUNTY_REVIEWER)
    elsewhere, city = officer(Duty.PROTECTION_WORKER, "410123"), officer(Duty.SUPERVISOR, "4101")
    assert [sees(who) for who in (office.worker, office.other, office.visitor, office.supervisor, office.approver, city)] == [1] * 6
    assert [sees(who) for who in (office.director, reviewer, elsewhere)] == [0] * 3
    office.taken(row)
    assert [sees(who) for who in (office.worker, office.supervisor, office.approver, city)] == [1] * 4
    assert [sees(who) for who in (office.other, office.visitor, office.director)] == [0] * 3


def test_5_4_handing_on_moves_the_sight_with_the_case() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        row = services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
    assert sees(office.director) == 1
    with scopes.acting(office.worker):
        with pytest.raises(ValidationError, match="没有未保工作人员"):
            services.hand_on(case_id=row.pk, version=row.version, account_id=office.visitor.account_id, reason="调岗", now=NOW)
        row = services.hand_on(case_id=row.pk, version=row.version, account_id=office.other.account_id, reason="调岗", now=NOW)
    assert [sees(office.worker), sees(office.other)] == [0, 1]
    with scopes.acting(office.other):
        services.release_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, now=NOW)
        assert CaseAssignment.objects.filter(case=row, ends__isnull=True).count() == 1
    assert sees(office.director) == 0


def test_5_4_nested_rows_are_hidden_with_their_case() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        services.save_section(case_id=row.pk, section="health", version=0, values={"health": "良好"}, before={}, now=NOW)
    with scopes.acting(office.other):
        assert not CaseSection.objects.exists()
        with pytest.raises(ValidationError, match="不由您办理"):
            services.open_file(case_id=row.pk)
        with pytest.raises(DatabaseError), transaction.atomic():
            CaseSection.objects.create(case_id=row.pk, area=row.area, section="basic", content="{}", edited_at=NOW)


def test_5_4_every_opening_is_recorded_and_shows_what_the_duty_may_read() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        _, sections = services.open_file(case_id=row.pk)
        assert [each.section.code for each in sections] == [code for code, section in SECTIONS.items() if section.fields]
        services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
    with scopes.acting(office.director):
        _, sections = services.open_file(case_id=row.pk)
        assert [(each.section.code, each.editable) for each in sections] == [("basic", False), ("guardianship", False)]
        with pytest.raises(PermissionDenied):
            services.save_section(case_id=row.pk, section="basic", version=0, values={}, before={}, now=NOW)
        assert AccessRecord.objects.filter(subject="protection_case", subject_id=row.pk, what="open").count() == 2


def test_5_4_two_editors_of_different_fields_both_stay_and_of_one_field_are_shown_both() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        made = services.save_section(case_id=row.pk, section="school", version=0, values={"school": "镇小学", "teacher": "王"}, before={}, now=NOW)
        before = {"school": "镇小学", "teacher": "王"}
        services.save_section(case_id=row.pk, section="school", version=made.version, values={"school": "镇中心小学", "teacher": "王"}, before=before, now=NOW)
        saved = services.save_section(case_id=row.pk, section="school", version=1, values={"school": "镇小学", "teacher": "李"}, before=before, now=NOW)
        assert "镇中心小学" in saved.content and "李" in saved.content
        with pytest.raises(Merge) as raised:
            services.save_section(case_id=row.pk, section="school", version=1, values={"school": "县小学", "teacher": "王"}, before=before, now=NOW)
        assert (raised.value.theirs.values["school"], raised.value.mine["school"]) == ("镇中心小学", "县小学")
        assert CaseSection.objects.get(case=row).version == 3


def test_5_4_what_was_reported_stays_and_states_go_one_way() -> None:
    office = Office()
    office.taken()
    for change in ("state = 'intake'", "state = 'moved', responsible_id = null, number = 'x'"):
        with scopes.acting(office.worker), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"update protection_protectioncase set {change}")


def test_5_4_of_two_who_take_a_case_at_once_one_is_told(committed_db: None) -> None:
    office = Office()
    row = office.opened()
    told: list[str] = []

    def take(scope: scopes.Scope) -> None:
        try:
            with scopes.acting(scope):
                services.take(case_id=row.pk, version=row.version, now=NOW)
        except ValidationError as error:
            told.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(scope,)) for scope in (office.worker, office.other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1 and "他人" in told[0]
    with scopes.acting(office.approver):
        assert CaseAssignment.objects.filter(case=row).count() == 1
