"""Measure 8.1: organisations and volunteers: registered, checked, verified; minors with consent alone; the blacklist holds everywhere."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.models import Message, Todo
from doudi.core.tests.officers import client_of
from doudi.volunteering import codes, services
from doudi.volunteering.models import Activity, Credential, Organisation, SignUp, Volunteer
from doudi.volunteering.services import session
from doudi.volunteering.tests.world import COUNTY, GUARDIAN, NOW, TODAY, TOWN, World, credit_code, id_number, me

pytestmark = pytest.mark.django_db
CHILD = date(2006, 12, 7)


def test_8_1_a_credit_code_is_checked_sign_by_sign() -> None:
    good = credit_code()
    assert codes.credit_code(f" {good.lower()} ") == good
    for wrong in ("", good[:17], good[:17] + ("0" if good[17] != "0" else "1"), "I" + good[1:], "９" * 18):
        with pytest.raises(ValueError, match=r"位|字符"):
            codes.credit_code(wrong)
    assert codes.credit_code("91350100M000100Y43") == "91350100M000100Y43"  # the standard's own example


def test_8_1_an_organisation_is_checked_by_another_officer_and_not_without_its_certificate() -> None:
    world = World()
    row = world.organisation(active=False)
    with scopes.acting(world.coordinator):
        with pytest.raises(PermissionDenied, match="另一名"):
            services.check_organisation(organisation_id=row.pk, version=row.version, agree=True, now=NOW)
        given = {"key": uuid4(), "area": COUNTY, "name": "无证队", "kind": "volunteers", "code": credit_code(), "contact_name": "李雷", "contact_phone": "13800000002"}
        bare = services.register_organisation(**given, now=NOW)
    with scopes.acting(world.reviewer):
        with pytest.raises(ValidationError, match="登记证书"):
            services.check_organisation(organisation_id=bare.pk, version=bare.version, agree=True, now=NOW)
        done = services.check_organisation(organisation_id=row.pk, version=row.version, agree=True, now=NOW)
        assert done.state == "active" and done.checked_by_id == world.reviewer.account_id
        assert not Todo.objects.filter(subject="organisation", subject_id=row.pk, done_at__isnull=True).exists()
        with pytest.raises(ValidationError, match="刚被他人修改"):
            services.check_organisation(organisation_id=row.pk, version=row.version, agree=False, reason="重复", now=NOW)


def test_8_1_a_blacklisted_organisation_loses_its_activities_and_registers_nowhere_again() -> None:
    world = World()
    row = world.organisation()
    volunteer = world.volunteer()
    shift = world.shift(organisation_id=row.pk)
    world.signed(shift, volunteer)
    with scopes.acting(world.reviewer):
        with pytest.raises(ValidationError, match="原因"):
            services.set_organisation_state(organisation_id=row.pk, version=row.version, state="blacklisted", reason="", now=NOW)
        row = services.set_organisation_state(organisation_id=row.pk, version=row.version, state="blacklisted", reason="向群众收费", now=NOW)
        assert Activity.objects.get().state == "cancelled" and SignUp.objects.get().state == "cancelled"
        assert Message.objects.filter(template="volunteer.cancelled").count() == 1
    again = {"key": uuid4(), "area": "410181", "name": "换个名字", "kind": "volunteers", "code": row.code, "contact_name": "刘芳", "contact_phone": "13800000001", "now": NOW}
    with scopes.acting(world.elsewhere), pytest.raises(ValidationError, match="已登记"):
        services.register_organisation(**again)
    with scopes.acting(world.coordinator), pytest.raises(ValidationError, match="不能组织活动"):
        world.activity(organisation_id=row.pk)


def test_8_1_a_paper_is_told_once_before_it_expires() -> None:
    world = World()
    row = world.organisation()
    machine = scopes.Scope(area=COUNTY, duty="worker", acts=frozenset({"volunteering.clocks"}))
    with scopes.acting(world.coordinator):
        services.add_credential(organisation_id=row.pk, kind="insurance", number="险 1", expires=TODAY + timedelta(days=20), now=NOW)
    with scopes.acting(machine):
        assert services.remind_credentials(area=COUNTY, on=TODAY, now=NOW) == 1 and services.remind_credentials(area=COUNTY, on=TODAY, now=NOW) == 0
        assert Todo.objects.filter(kind="organisation.credential", done_at__isnull=True).count() == 1
    with scopes.acting(world.coordinator):
        services.add_credential(organisation_id=row.pk, kind="insurance", number="险 2", expires=TODAY + timedelta(days=400), now=NOW)
        assert not Todo.objects.filter(kind="organisation.credential", done_at__isnull=True).exists()
        assert Credential.objects.filter(organisation=row, kind="insurance", ended_at__isnull=True).get().number == "险 2"


def test_8_1_an_organisation_is_seen_where_it_serves_and_changed_where_it_is_registered() -> None:
    world = World()
    row = world.organisation(areas=["410122", "410181"])
    with scopes.acting(world.elsewhere):
        assert Organisation.objects.filter(pk=row.pk).exists()
        with pytest.raises(ValidationError, match="不由您这里登记"):
            services.set_organisation_state(organisation_id=row.pk, version=row.version, state="suspended", reason="不是我的", now=NOW)
        assert not Organisation.objects.filter(name="中牟县暖心志愿服务队").exclude(pk=row.pk).exists()


def test_8_1_the_long_number_of_a_document_is_kept_for_a_rotation_of_keys_and_a_short_one_is_not() -> None:
    world = World()
    long = world.volunteer(active=False, document_kind="other", document="usa110122800501", sex="2", birth_date=date(1980, 5, 1))
    short = world.volunteer(active=False, document_kind="passport", document="E12345678", sex="2", birth_date=date(1980, 5, 1))
    assert (long.long_number, short.long_number, world.volunteer(active=False).long_number) == ("USA110122800501", None, None)


def test_8_1_a_minor_volunteers_with_the_guardians_consent_alone_whoever_writes_the_row() -> None:
    world = World()
    with scopes.acting(world.town):
        given = {"key": uuid4(), "area": TOWN, "name": "张小北", "document": id_number(CHILD), "phone": "13800000003", "now": NOW}
        with pytest.raises(ValidationError, match="监护人"):
            services.register_volunteer(**given)
        row = services.register_volunteer(**given, guardian=GUARDIAN)
        with pytest.raises(ValidationError, match="监护人同意"):
            services.verify_volunteer(volunteer_id=row.pk, version=row.version, now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            Volunteer.objects.filter(pk=row.pk).update(state="active", verified_at=NOW, state_at=NOW)
        row = services.give_consent(volunteer_id=row.pk, version=row.version, guardian=GUARDIAN, now=NOW)
        row = services.verify_volunteer(volunteer_id=row.pk, version=row.version, now=NOW)
    adults, anybody = world.shift(), world.shift(minors=True, title="关爱老人")
    with me(row):
        with pytest.raises(ValidationError, match="18 周岁"):
            services.sign_up(shift_id=adults.pk, volunteer_id=row.pk, now=NOW)
        assert services.sign_up(shift_id=anybody.pk, volunteer_id=row.pk, now=NOW).state == "signed"
    with scopes.acting(world.town):
        row.refresh_from_db()
        row = services.withdraw_consent(volunteer_id=row.pk, version=row.version, reason="家里不同意", now=NOW)
        assert row.state == "paused"
        with pytest.raises(ValidationError, match="监护人同意"):
            services.set_volunteer_state(volunteer_id=row.pk, version=row.version, state="active", now=NOW)
    with scopes.acting(world.coordinator):
        assert SignUp.objects.get(volunteer=row).state == "withdrawn"


@pytest.mark.parametrize(("born", "on", "minor"), [
    (date(2004, 12, 6), TODAY, False), (date(2004, 12, 7), TODAY, True), (date(2004, 2, 29), date(2022, 2, 28), True), (date(2004, 2, 29), date(2022, 3, 1), False),
])  # fmt: skip
def test_8_1_eighteen_begins_on_the_birthday(born: date, on: date, minor: bool) -> None:
    from doudi.volunteering.services.base import is_minor

    assert is_minor(born, on) is minor


def test_8_1_a_document_is_verified_once_in_the_province_and_typing_it_takes_it_from_nobody() -> None:
    world = World()
    number = id_number()
    first = world.volunteer(document=number)
    with session.joining("410181"):
        again = services.register_volunteer(key=uuid4(), area="410181", name="冒名", document=number, phone="13800000004", now=NOW)
        assert again.state == "pending" and again.number != first.number  # answered like any other
    with scopes.acting(world.elsewhere), pytest.raises(ValidationError, match="已登记为志愿者"):
        services.verify_volunteer(volunteer_id=again.pk, version=again.version, now=NOW)
    with scopes.acting(world.coordinator):
        services.set_volunteer_state(volunteer_id=first.pk, version=first.version, state="blacklisted", reason="冒领物资", now=NOW)
    with scopes.acting(world.elsewhere), pytest.raises(ValidationError, match="黑名单"):
        services.verify_volunteer(volunteer_id=again.pk, version=again.version, now=NOW)


def test_8_1_the_same_form_twice_is_one_registration() -> None:
    world = World()
    key, number = uuid4(), id_number()
    rows = {world.volunteer(active=False, key=key, document=number, phone="13800000005").pk for _try in range(2)}
    rows |= {world.volunteer(active=False, document=number, phone="13800000005").pk}
    assert len(rows) == 1


def test_8_1_wrong_places_duties_and_malformed_documents_are_refused() -> None:
    world = World()
    row = world.volunteer()
    for wrong in ("", "41012219900501001", "410122199002300012", "abc", "4101221990050100１２X"):
        with pytest.raises(ValidationError) as told:
            world.volunteer(active=False, document=wrong)
        assert "document" in told.value.message_dict
    with pytest.raises(ValidationError, match="8 周岁"):
        world.volunteer(active=False, born=date(2016, 1, 1))
    with scopes.acting(world.elsewhere):
        assert not Volunteer.objects.exists()
        with pytest.raises(ValidationError, match="没有这名志愿者"):
            services.set_volunteer_state(volunteer_id=row.pk, version=row.version, state="ended", reason="不归我管", now=NOW)
    with scopes.acting(world.reviewer), pytest.raises(PermissionDenied):
        services.verify_volunteer(volunteer_id=row.pk, version=row.version, now=NOW)
    with me(row), pytest.raises(PermissionDenied):
        services.set_volunteer_state(volunteer_id=row.pk, version=row.version, state="active", now=NOW)
    with scopes.acting(world.coordinator), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from volunteering_volunteer")


def test_8_1_officers_pages_open_in_a_bounded_number_of_queries(django_assert_max_num_queries: object) -> None:
    world = World()
    organisation = world.organisation()
    record = world.served(world.volunteer(organisation_id=organisation.pk))
    with scopes.acting(world.coordinator):
        activity, volunteer = Activity.objects.get(), record.volunteer_id
        paper = services.issue(volunteer_id=volunteer, starts=date(2022, 1, 1), ends=TODAY, now=NOW)
    client = client_of(world.coordinator)
    pages = [
        "organisations/", "organisations/new/", f"organisations/{organisation.pk}/", "volunteers/", "volunteers/new/", f"volunteers/{volunteer}/", "activities/",
        "activities/new/", f"activities/{activity.pk}/", "records/", f"records/{record.pk}/", "export/volunteers/", "export/records/", f"certificates/{paper.pk}/",
        f"activities/{activity.pk}/shifts/{record.shift_id}/sheet/",
    ]  # fmt: skip
    for page in pages:
        with django_assert_max_num_queries(40):  # type: ignore[operator]
            answer = client.get(f"/volunteering/{page}")
        assert answer.status_code == 200, page
    shown = client.get(f"/volunteering/volunteers/{volunteer}/").content.decode()
    assert "1390" not in shown and "139****" in shown
    stranger = client_of(world.elsewhere)
    assert {stranger.get(f"/volunteering/{page}").status_code for page in pages if any(sign.isdigit() for sign in page)} == {404}
