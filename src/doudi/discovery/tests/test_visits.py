"""1.7, 7.3: a visit is recorded once, whoever sends it how often; what contradicts is kept; what is found becomes help."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from PIL import Image
from PIL.ExifTags import GPS, IFD

from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty, Todo
from doudi.core.services.attachments import open_attachment
from doudi.core.tests.officers import officer
from doudi.discovery.models import Lead
from doudi.discovery.models.visits import Visit, VisitConflict
from doudi.discovery.services import add_photo, raise_lead, record_visit
from doudi.discovery.services.visits import Recorded, Result
from doudi.discovery.tests.test_visit_plans import COUNTY, NOW, ON, at, ill, rounds
from doudi.registry.models import Household
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE

CHINA = ZoneInfo("Asia/Shanghai")
WELL = Result("self", "steady")


def photo(*, gps: bool = False) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    if gps:
        exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (34.0, 45.0, 0.0)
    Image.new("RGB", (64, 48), "#884422").save(out, "JPEG", exif=exif)
    return out.getvalue()


def record(scope: scopes.Scope, result: Result = WELL, **given: Any) -> Recorded:
    with scopes.acting(scope):
        return record_visit(**{"uuid": uuid4(), "done_at": NOW, "result": result, "now": NOW + timedelta(minutes=5)} | given)


def owed(scope: scopes.Scope, home: Household) -> Visit:
    with scopes.acting(scope):
        return Visit.objects.get(household=home, state__in=Visit.OPEN)


@pytest.fixture
def home(town: scopes.Scope, visitor: scopes.Scope) -> Household:
    found = ill(town)
    rounds(ON)
    return found


def todos(kind: str) -> int:
    with scopes.acting(scopes.Scope(area="41")):
        return Todo.objects.filter(kind=kind, done_at=None).count()


def test_1_7_a_visit_is_recorded_once_however_often_it_is_sent(visitor: scopes.Scope, home: Household) -> None:
    visit, uuid = owed(visitor, home), uuid4()
    first = record(visitor, uuid=uuid, visit_id=visit.pk, base_version=visit.version)
    second = record(visitor, Result("absent"), uuid=uuid, visit_id=visit.pk, base_version=visit.version)
    assert (first.outcome, second.outcome, second.visit.pk, second.visit.state) == ("recorded", "known", visit.pk, "done")
    assert first.lead is None and first.visit.version == 2
    own = uuid4()
    assert [record(visitor, uuid=own, household_id=home.pk).outcome for _turn in range(2)] == ["recorded", "known"]
    with scopes.acting(visitor):
        assert Visit.objects.count() == 2 and not Lead.objects.exists() and not VisitConflict.objects.exists()


def test_1_7_what_is_missing_or_wrong_is_named_by_field_and_nothing_is_written(visitor: scopes.Scope, home: Household) -> None:
    visit = owed(visitor, home)
    for result, field in (
        (Result(""), "met"), (Result("self"), "living"), (Result("self", "rich"), "living"), (Result("self", "hard", needs=("gold",)), "needs"),
        (Result("self", "hard", medicine_days=-1), "medicine_days"), (Result("self", "hard", health="x"), "health"),
        (Result("self", "hard", note="啊" * 2001), "note"), (Result("absent", next_on=ON - timedelta(days=1)), "next_on"),
        (Result("self", "hard", note="\x00"), "note"),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as error:
            record(visitor, result, visit_id=visit.pk)
        assert field in error.value.message_dict, result
    for done_at, words in ((NOW + timedelta(hours=1), "晚于现在"), (NOW - timedelta(days=400), "一年以前")):
        with pytest.raises(ValidationError, match=words):
            record(visitor, visit_id=visit.pk, done_at=done_at)
    with pytest.raises(ValidationError, match="先选择"):
        record(visitor)
    for given in ({"needs": "food"}, {"needs": [1]}, {"medicine_days": "2"}, {"next_on": "soon"}, {"note": 5}):
        with pytest.raises(ValidationError, match="格式"):
            Result.of({"met": "self", **given})
    assert owed(visitor, home).version == 1


def test_7_3_need_found_raises_a_lead_that_counts_as_contacted(visitor: scopes.Scope, home: Household) -> None:
    uuid = uuid4()
    made = record(
        visitor, Result("self", "hard", needs=("heating", "medicine"), medicine_days=2, note="腿疼下不了床"), uuid=uuid, household_id=home.pk
    )
    assert made.lead is not None
    with scopes.acting(visitor):
        lead = Lead.objects.get()
        assert (lead.channel, lead.need, lead.urgency, lead.state, lead.household_id) == ("visitor", "supplies", "orange", "contacted", home.pk)
        assert lead.reason == "走访发现需要：用药、取暖" and lead.detail == "腿疼下不了床" and lead.situation == f"visit:{uuid}"
        assert made.visit.found_id == lead.pk
    assert record(visitor, uuid=uuid, household_id=home.pk).lead == made.lead
    with connection.cursor() as cursor, scopes.acting(visitor):
        cursor.execute("select note::text from discovery_visit where uuid = %s", [uuid])
        assert "腿" not in cursor.fetchone()[0]


def test_1_7_nobody_there_means_another_attempt_and_after_three_the_township(visitor: scopes.Scope, home: Household) -> None:
    day = ON
    for attempt in range(3):
        visit = owed(visitor, home)
        agreed = day + timedelta(days=1) if attempt == 0 else None
        made = record(visitor, Result("absent", living="hard", next_on=agreed), visit_id=visit.pk, done_at=at(day, 9), now=at(day, 10))
        assert (made.visit.state, made.visit.living) == ("absent", "")
        following = owed(visitor, home)
        assert (following.origin, following.absences) == ("again", attempt + 1)
        assert following.due == (agreed or following.due) and following.posting_id == visitor.posting_id
        day = following.due
    assert todos("visit.absent") == 1
    record(visitor, visit_id=owed(visitor, home).pk, done_at=at(day, 9), now=at(day, 10))
    rounds(day + timedelta(days=1))
    assert owed(visitor, home).absences == 0


@pytest.mark.parametrize(
    ("result", "kind", "state"),
    [
        (Result("died"), "visit.died", "done"),
        (Result("moved"), "visit.moved", "done"),
        (Result("refused"), "visit.refused", "refused"),
        (Result("family", "steady", income="more"), "visit.change", "done"),
        (Result("self", "steady", health="worse"), "visit.change", "done"),
    ],
)
def test_1_7_what_the_registry_should_know_is_a_todo_of_the_township(
    visitor: scopes.Scope, home: Household, result: Result, kind: str, state: str
) -> None:
    assert record(visitor, result, household_id=home.pk).visit.state == state and todos(kind) == 1


def test_7_3_a_second_record_is_kept_for_a_person_to_decide(visitor: scopes.Scope, home: Household) -> None:
    colleague = officer(Duty.VISITOR, VILLAGE)
    visit = owed(visitor, home)
    record(visitor, visit_id=visit.pk, base_version=1)
    uuid = uuid4()
    late = record(colleague, Result("self", "very_hard", needs=("food",), note="没有米了"), uuid=uuid, visit_id=visit.pk, base_version=1)
    assert late.outcome == "conflict" and late.conflict is not None and todos("visit.conflict") == 1
    assert record(colleague, uuid=uuid, visit_id=visit.pk).outcome == "known"
    with scopes.acting(visitor):
        assert Visit.objects.get(pk=visit.pk).living == "steady"
        kept = VisitConflict.objects.get()
        assert Result.from_json(kept.content).needs == ("food",) and kept.based_on == 1
        assert Lead.objects.get().urgency == "red"  # help does not wait for the decision
    with connection.cursor() as cursor, scopes.acting(visitor):
        cursor.execute("select content::text from discovery_visitconflict")
        assert "没有米" not in cursor.fetchone()[0]


def test_7_3_the_lead_of_a_visit_is_contacted_or_verified_in_the_same_step(visitor: scopes.Scope, home: Household, town: scopes.Scope) -> None:
    def lead(source: str) -> Lead:
        with scopes.acting(town):
            return raise_lead(channel="hotline", source=source, area="", household_id=home.pk, reason="生活困难", urgency="red", now=NOW)

    def now_at(pk: int) -> tuple[str, int]:
        with scopes.acting(town):
            return Lead.objects.values_list("state", "attempts").get(pk=pk)

    first = lead("call:1")
    assert record(visitor, Result("absent"), household_id=home.pk, lead_id=first.pk).outcome == "recorded"
    assert now_at(first.pk) == ("unreachable", 1)
    record(visitor, household_id=home.pk, lead_id=first.pk, verified=True)
    assert now_at(first.pk)[0] == "verified"
    assert record(visitor, household_id=home.pk, lead_id=first.pk).outcome == "recorded"  # a step back is left out
    assert now_at(first.pk)[0] == "verified"
    assert record(visitor, household_id=home.pk, lead_id=10**12).outcome == "recorded"


def test_1_7_another_villages_visitor_finds_nothing_and_other_duties_may_not(visitor: scopes.Scope, home: Household) -> None:
    visit, stranger = owed(visitor, home), officer(Duty.VISITOR, OTHER_VILLAGE)
    with pytest.raises(Visit.DoesNotExist):
        record(stranger, visit_id=visit.pk)
    with pytest.raises(Household.DoesNotExist):
        record(stranger, household_id=home.pk)
    for duty in (Duty.HOTLINE_OPERATOR, Duty.FINANCE_OFFICER, Duty.AUDITOR, Duty.ADMINISTRATOR):
        with pytest.raises(PermissionDenied):
            record(officer(duty, COUNTY), visit_id=visit.pk)
    with pytest.raises(PermissionDenied):
        record(visitor, visit_id=visit.pk, paper=True)


def test_7_3_photos_lose_their_place_and_what_is_no_photo_is_refused_whole(visitor: scopes.Scope, home: Household) -> None:
    uuid = uuid4()
    for bad in (b"\xff\xd8\xff" + b"no picture" * 20, b"MZ\x90\x00", b"", b"%PDF-1.4 ... %%EOF"):
        with pytest.raises(ValidationError) as error:
            record(visitor, uuid=uuid, household_id=home.pk, photos=[("屋内.jpg", bad)])
        assert "photos" in error.value.message_dict
    assert owed(visitor, home).version == 1
    with pytest.raises(ValidationError, match="最多"):
        record(visitor, uuid=uuid, household_id=home.pk, photos=[("a.jpg", photo())] * 7)
    made = record(visitor, uuid=uuid, household_id=home.pk, photos=[("屋内.jpg", photo(gps=True))], signature=photo())
    with scopes.acting(visitor):
        files = Attachment.objects.filter(subject="visit", subject_id=made.visit.pk)
        assert sorted(file.name for file in files) == ["屋内.jpg", "签名.jpg"]
        for file in files:
            _row, content = open_attachment(identifier=file.pk)
            assert not Image.open(io.BytesIO(content)).getexif()


def test_7_3_a_photo_that_follows_is_kept_once_and_only_by_who_recorded(visitor: scopes.Scope, home: Household) -> None:
    uuid, picture = uuid4(), uuid4()
    given = {"uuid": uuid, "photo_uuid": picture, "name": "a.jpg", "content": photo(gps=True), "now": NOW}
    with scopes.acting(visitor), pytest.raises(ValidationError, match="先上传走访记录"):
        add_photo(**given)
    record(visitor, uuid=uuid, household_id=home.pk)
    with scopes.acting(visitor):
        assert add_photo(**given).pk == add_photo(**given).pk == picture
        assert Attachment.objects.count() == 1
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)), pytest.raises(ValidationError, match="先上传走访记录"):
        add_photo(**given | {"photo_uuid": uuid4()})


def test_7_3_a_missed_visit_made_late_counts_as_late(visitor: scopes.Scope, home: Household) -> None:
    visit = owed(visitor, home)
    rounds(visit.due + timedelta(days=1))
    day = visit.due + timedelta(days=1)
    made = record(visitor, visit_id=visit.pk, base_version=1, done_at=at(day, 9), now=at(day, 10))
    assert (made.outcome, made.visit.state, made.visit.late) == ("recorded", "done", True)
    assert date(2022, 1, 1) < day
