"""8.1: an organisation's contact drafts an activity of their own organisation; nobody sees it until an officer of its place agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import ProgrammingError, transaction
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.core.tests.officers import client_of
from doudi.volunteering import queries, services
from doudi.volunteering.models import Activity, Organisation, Shift
from doudi.volunteering.services import NewShift, session
from doudi.volunteering.services.activities import cancel_activity
from doudi.volunteering.services.session import Who
from doudi.volunteering.tests.test_public import fresh_client, fresh_phone, proved
from doudi.volunteering.tests.world import COUNTY, NOW, TODAY, World
from doudi.volunteering.views.own import _again

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def drafted(row: Organisation, *, starts: Any = NOW + timedelta(hours=1), by: Organisation | None = None, **words: Any) -> Activity:
    given: dict[str, Any] = {
        "key": uuid4(), "organisation_id": row.pk, "title": "社区理发", "kind": "order", "words": "为老人理发", "place": "中心街 8 号", "phone": "0371-62160000",
        "shifts": [NewShift("理发", starts, starts + timedelta(hours=2), 3)], "now": NOW,
    } | words  # fmt: skip
    host = by or row
    with session.acting(Who("organisation", host.pk, host.area, host.name)):
        return services.propose_activity(**given)


def public(world: World) -> list[int]:
    with session.looking(COUNTY):
        return [activity.pk for activity, _shifts in queries.open_activities(now=NOW)]


def test_8_1_a_draft_is_public_and_takes_sign_ups_once_an_officer_agreed(world: World) -> None:
    row, other = world.organisation(), world.organisation(name="别的服务队", contact_phone="13800000077")
    key, helper = uuid4(), world.volunteer()
    draft = drafted(row, key=key)
    assert drafted(row, key=key).pk == draft.pk, "the same form again is the first"
    assert draft.state == "proposed" and public(world) == []
    with scopes.acting(world.coordinator):
        shift_id = Shift.objects.get(activity=draft).pk
        assert Todo.objects.filter(kind="volunteering.proposed", done_at__isnull=True, subject_id=draft.pk).count() == 1
    with session.acting(Who("volunteer", helper.pk, helper.area, helper.name)), pytest.raises(ValidationError):
        services.sign_up(shift_id=shift_id, volunteer_id=helper.pk, now=NOW)
    with session.acting(Who("organisation", other.pk, other.area, other.name)):
        assert not Activity.objects.filter(pk=draft.pk).exists(), "another organisation does not read it"
    with session.acting(Who("organisation", row.pk, row.area, row.name)):
        assert [each.pk for each in queries.proposals(row.pk)] == [draft.pk] and queries.host_shifts(row.pk, NOW) == []
        with pytest.raises(PermissionDenied):
            services.decide_activity(activity_id=draft.pk, version=1, agree=True, now=NOW)
        with pytest.raises(ProgrammingError), transaction.atomic():
            Activity.objects.filter(pk=draft.pk).update(state="open")
    with scopes.acting(world.elsewhere), pytest.raises(ValidationError):
        services.decide_activity(activity_id=draft.pk, version=1, agree=True, now=NOW)
    officer = client_of(world.coordinator)
    assert "通过并发布" in officer.get(f"/volunteering/activities/{draft.pk}/").content.decode()
    with scopes.acting(world.coordinator):
        services.decide_activity(activity_id=draft.pk, version=1, agree=True, now=NOW)
        assert not Todo.objects.filter(kind="volunteering.proposed", done_at__isnull=True).exists()
        with pytest.raises(ValidationError, match="刚由他人"):
            services.decide_activity(activity_id=draft.pk, version=1, agree=False, reason="不合适", now=NOW)
    assert public(world) == [draft.pk]
    with session.acting(Who("volunteer", helper.pk, helper.area, helper.name)):
        assert services.sign_up(shift_id=shift_id, volunteer_id=helper.pk, now=NOW).state == "signed"


def test_8_1_a_draft_that_is_given_back_says_why_and_one_too_late_ends(world: World) -> None:
    row = world.organisation()
    back, late = drafted(row), drafted(row)
    with scopes.acting(world.coordinator):
        with pytest.raises(ValidationError):
            services.decide_activity(activity_id=back.pk, version=1, agree=False, reason=" ", now=NOW)
        services.decide_activity(activity_id=back.pk, version=1, agree=False, reason="请写明服务对象", now=NOW)
        with pytest.raises(ValidationError, match="已过去"):
            services.decide_activity(activity_id=late.pk, version=1, agree=True, now=NOW + timedelta(hours=4))
    with session.machine(COUNTY):
        services.finish_over(area=COUNTY, on=TODAY + timedelta(days=1), now=NOW + timedelta(days=1))
        assert not Todo.objects.filter(kind="volunteering.proposed", done_at__isnull=True).exists()
    with session.acting(Who("organisation", row.pk, row.area, row.name)):
        assert [(each.pk, each.state, each.state_reason, each.returned) for each in queries.proposals(row.pk)] == [
            (late.pk, "cancelled", "活动时间已过，未审核", True), (back.pk, "cancelled", "请写明服务对象", True)
        ]  # fmt: skip
        assert _again(Who("organisation", row.pk, row.area, row.name), back.pk)["post"] == "理发" and _again(Who("organisation", row.pk, row.area, row.name), 0) == {}
    called_off = drafted(row)
    with scopes.acting(world.coordinator):
        called_off = services.decide_activity(activity_id=called_off.pk, version=1, agree=True, now=NOW)
        cancel_activity(activity_id=called_off.pk, version=called_off.version, reason="下雨", now=NOW)
    with session.acting(Who("organisation", row.pk, row.area, row.name)):
        assert [each.returned for each in queries.proposals(row.pk)] == [False, True, True], "what was public and called off was not given back"


def test_8_1_nobody_drafts_for_another_too_many_or_without_being_active(world: World) -> None:
    row, other = world.organisation(), world.organisation(name="别的服务队", contact_phone="13800000077")
    with pytest.raises((ValidationError, ProgrammingError)), transaction.atomic():
        drafted(row, by=other)
    pending = world.organisation(active=False, name="未审核的队", contact_phone="13800000078")
    with pytest.raises(ValidationError, match="不能组织活动"):
        drafted(pending)
    for wrong in ({"title": " "}, {"kind": "gold"}, {"shifts": []}, {"starts": NOW - timedelta(days=1)}):
        with pytest.raises(ValidationError):
            drafted(row, **wrong)
    for _time in range(5):
        drafted(row)
    with pytest.raises(ValidationError, match="等待审核"):
        drafted(row)
    with scopes.acting(world.coordinator), pytest.raises(PermissionDenied):
        services.propose_activity(key=uuid4(), organisation_id=row.pk, title="x", kind="order", words="x", place="x", phone="x", shifts=[], now=NOW)


def test_8_1_the_contact_submits_on_the_organisations_own_page(world: World) -> None:
    phone = fresh_phone()
    world.organisation(contact_phone=phone)
    client, _answer = proved(phone)
    assert "/volunteer/organisation/propose/" in client.get("/volunteer/organisation/").content.decode()
    form = client.get("/volunteer/organisation/propose/").content.decode()
    assert 'name="organisation"' not in form and 'name="area"' not in form
    starts = timezone.localtime(timezone.now() + timedelta(days=2))
    given = {
        "key": str(uuid4()), "title": "社区理发", "kind": "order", "place": "中心街 8 号", "phone": "0371-62160000", "words": "为老人理发", "post": "理发",
        "starts": f"{starts:%Y-%m-%dT%H:%M}", "ends": f"{starts + timedelta(hours=2):%Y-%m-%dT%H:%M}", "capacity": "3",
    }  # fmt: skip
    assert client.post("/volunteer/organisation/propose/", given | {"title": ""}).status_code == 422
    assert client.post("/volunteer/organisation/propose/", given).status_code == 302
    shown = client.get("/volunteer/organisation/").content.decode()
    assert "社区理发" in shown and "待审核" in shown
    assert fresh_client().get("/volunteer/organisation/propose/").status_code == 302, "a stranger proves a phone first"
