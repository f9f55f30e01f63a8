"""7.6: counselling is asked for, booked and held; what was said is read by the counsellor and the supervisor, others see numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.community.models import CounsellingNote, CounsellingSession
from doudi.community.services import counselling
from doudi.community.tests.world import NEXT_VILLAGE, NOW, TOWN, Village
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.registry.models import Person
from doudi.registry.services import record_death


class Talks(Village):
    def __init__(self) -> None:
        super().__init__()
        self.worker_, self.colleague = officer(Duty.STATION_WORKER, TOWN, name="罗艳"), officer(Duty.STATION_WORKER, TOWN, name="高洁")
        self.person = self.members(self.home())[0]

    def asked(self, **words: Any) -> CounsellingSession:
        given = {"uuid": uuid4(), "person_id": self.person, "kind": "counselling", "cause": "loss", "urgent": False, "now": NOW}
        with scopes.acting(self.visitor):
            return counselling.ask(**(given | words))

    def booking(self, row: CounsellingSession, **words: Any) -> dict[str, Any]:
        given = {
            "session_id": row.pk, "version": row.version, "counsellor": self.worker_.account_id, "supervisor": self.town.account_id, "way": "home",
            "starts": NOW + timedelta(hours=2), "minutes": 60, "now": NOW,
        }  # fmt: skip
        return given | words

    def booked(self, row: CounsellingSession | None = None, **words: Any) -> CounsellingSession:
        row = row or self.asked()
        with scopes.acting(self.colleague):
            return counselling.book(**self.booking(row, **words))


@pytest.fixture
def talks(db: None) -> Talks:
    return Talks()


def test_7_6_held_by_the_counsellor_and_read_by_two_people_alone(talks: Talks) -> None:
    row = talks.booked()
    later = NOW + timedelta(hours=3)
    with scopes.acting(talks.colleague), pytest.raises(PermissionDenied, match="预约的工作人员"):
        counselling.hold(session_id=row.pk, version=row.version, note="替别人记录", follow_up=None, now=later)
    with scopes.acting(talks.worker_):
        with pytest.raises(ValidationError, match="还没有到"):
            counselling.hold(session_id=row.pk, version=row.version, note="提前写好的记录", follow_up=None, now=NOW)
        row = counselling.hold(session_id=row.pk, version=row.version, note="老伴去世后整夜不睡，愿意再谈", follow_up=date(2022, 12, 2), now=later)
        assert "整夜不睡" in str(counselling.read_note(session_id=row.pk).text)  # type: ignore[union-attr]
    with scopes.acting(talks.town):
        assert counselling.read_note(session_id=row.pk) is not None, "the supervisor of this session"
    for other in (talks.colleague, talks.other, officer(Duty.COUNTY_APPROVER), officer(Duty.CHILD_SUPERVISOR, TOWN)):
        with scopes.acting(other):
            assert counselling.read_note(session_id=row.pk) is None and not CounsellingNote.objects.exists()
    with scopes.acting(talks.reviewer):
        assert not CounsellingSession.objects.exists(), "the county sees numbers only"
        assert counselling.numbers_since(NOW - timedelta(days=1)) == {"waiting": 0, "booked": 0, "held": 1, "follow_up": 1}
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")):
        assert counselling.numbers_since(NOW - timedelta(days=1))["held"] == 0
    with scopes.acting(talks.worker_):
        again = counselling.follow(session_id=row.pk, uuid=uuid4(), now=later)
        assert again.follows_id == row.pk and counselling.numbers_since(NOW)["follow_up"] == 0


def test_7_6_asked_once_booked_at_free_times_and_called_off_with_reason(talks: Talks) -> None:
    uuid = uuid4()
    row = talks.asked(uuid=uuid)
    assert talks.asked(uuid=uuid).pk == row.pk
    with pytest.raises(ValidationError, match="不必重复"):
        talks.asked()
    for words, field in (
        ({"counsellor": talks.visitor.account_id}, "counsellor"), ({"supervisor": talks.worker_.account_id}, "supervisor"), ({"minutes": 5}, "starts"), ({"way": "bus"}, "way"),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as refused:
            talks.booked(row, **words)
        assert field in refused.value.message_dict
    row = talks.booked(row)
    other = talks.asked(person_id=talks.members(talks.home("李四"))[0])
    with pytest.raises(ValidationError, match="已有预约"):
        talks.booked(other, starts=NOW + timedelta(hours=2, minutes=59))
    talks.booked(other, starts=NOW + timedelta(hours=3))
    with scopes.acting(talks.colleague):
        with pytest.raises(ValidationError, match="原因"):
            counselling.call_off(session_id=row.pk, version=row.version, missed=True, reason="", now=NOW)
        assert counselling.call_off(session_id=row.pk, version=row.version, missed=True, reason="本人去县城看病", now=NOW).state == "missed"
    with scopes.acting(officer(Duty.VISITOR, NEXT_VILLAGE)), pytest.raises(ValidationError, match="没有这个人员"):
        counselling.ask(uuid=uuid4(), person_id=talks.person, kind="comfort", cause="loss", urgent=False, now=NOW)


def test_7_6_two_bookings_of_one_session_at_once(committed_db: None) -> None:
    talks = Talks()
    row = talks.asked()
    made, told = together(*(as_(each, counselling.book, **talks.booking(row)) for each in (talks.colleague, talks.town)))
    assert len(made) == 1 and "刷新页面" in told[0]


def test_7_6_a_session_of_somebody_who_has_died_ends_with_what_waits_for_it_and_no_other(talks: Talks) -> None:
    row, living = talks.booked(), talks.asked(person_id=talks.members(talks.home(name="孙兰英"))[0])
    with scopes.acting(talks.town):
        person = Person.objects.get(pk=talks.person)
        record_death(person_id=person.pk, version=person.version, died_on=NOW.date(), on=NOW.date(), now=NOW)
    with scopes.acting(talks.worker):
        assert [counselling.call_off_of_dead(area="410122", now=NOW) for _ in range(2)] == [1, 0]
    with scopes.acting(talks.town):
        row.refresh_from_db()
        assert (row.state, row.reason) == ("cancelled", "本人已去世")
        waiting = Todo.objects.filter(subject=counselling.SUBJECT, done_at__isnull=True)
        assert list(waiting.values_list("subject_id", flat=True)) == [living.pk]
