"""7.6 on the pages: asked for from a person's page, booked, held, followed up; each duty opens what it may and nobody else reads the note."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from doudi.community.models import CounsellingSession
from doudi.community.services import counselling
from doudi.community.tests.test_counselling import Talks
from doudi.community.tests.world import NEXT_VILLAGE, NOW, TOWN, VILLAGE
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import client_of, officer

SAID = "老伴去世后整夜不睡，愿意再谈"
# duties that see every session of the place, without what was said
COORDINATE = {Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR}
IN_VILLAGE = {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER}


@pytest.fixture
def talks(db: None) -> Talks:
    return Talks()


def held(talks: Talks) -> CounsellingSession:
    row = talks.booked()
    with scopes.acting(talks.worker_):
        return counselling.hold(
            session_id=row.pk, version=row.version, note=SAID, follow_up=(NOW + timedelta(days=7)).date(), now=NOW + timedelta(hours=3)
        )  # fmt: skip


def test_7_6_every_duty_opens_what_it_may_and_none_of_them_the_note(talks: Talks) -> None:
    row = held(talks)
    page, note, asking = (reverse(f"community:{name}", args=[pk]) for name, pk in (
        ("counselling_session", row.pk), ("counselling_note", row.pk), ("counselling_ask", talks.person)))  # fmt: skip
    opened = {}
    for duty in Duty:
        place = VILLAGE if duty in IN_VILLAGE else TOWN if duty in COORDINATE else "410122"
        client = client_of(officer(duty, place))
        opened[duty] = [client.get(reverse("community:counselling")).status_code, client.get(page).status_code, client.post(note).status_code, client.get(asking).status_code]
    for duty, (listed, seen, read, asked) in opened.items():
        views = duty in duties.MAY["counselling.view"]
        assert listed == (200 if duty in duties.MAY["counselling.list"] else 403), duty
        assert seen == (200 if duty in COORDINATE else 404 if views else 403), duty
        assert read == (404 if views else 403), duty
        assert asked == (200 if duty in duties.MAY["counselling.ask"] else 403), duty
    # whoever asked for it sees that it was held, and no more
    visitor = client_of(talks.visitor)
    shown = visitor.get(page).content.decode()
    assert "已开展" in shown and "只有疏导人员和督导能看" in shown and SAID not in shown and visitor.post(note).status_code == 404
    assert client_of(officer(Duty.VISITOR, NEXT_VILLAGE)).get(asking).status_code == 404
    for reader in (talks.worker_, talks.town):
        client = client_of(reader)
        assert SAID not in client.get(page).content.decode() and SAID in client.post(note).content.decode()
        assert client.get(note).status_code == 405
    with scopes.acting(scopes.Scope(area="41")):
        assert AccessRecord.objects.filter(subject="counselling", subject_id=row.pk, field="note").count() == 2


def test_7_6_the_walk_on_the_pages(talks: Talks, django_assert_max_num_queries: object) -> None:
    visitor, station, worker = (client_of(each) for each in (talks.visitor, talks.colleague, talks.worker_))
    asking = reverse("community:counselling_ask", args=[talks.person])
    assert asking in visitor.get(reverse("registry:person", args=[talks.person])).content.decode()
    with time_machine.travel(NOW, tick=False):
        given = {"uuid": str(uuid4()), "kind": "counselling", "cause": "loss", "urgent": "on"}
        assert visitor.post(asking, given | {"cause": ""}).status_code == 422
        page = visitor.post(asking, given)["Location"]
        assert visitor.post(asking, given)["Location"] == page, "the same form twice is one"
        assert "不必重复" in visitor.post(asking, given | {"uuid": str(uuid4())}).content.decode()
        with django_assert_max_num_queries(28):  # type: ignore[operator]
            listed = station.get(reverse("community:counselling")).content.decode()
        assert page in listed and "待预约（紧急）" in listed
        book = {"act": "book", "version": 1, "way": "home", "starts": "2022-11-25T14:00", "minutes": 60}
        book |= {"counsellor": talks.worker_.account_id, "supervisor": talks.town.account_id}
        wrong = station.post(page, book | {"starts": "2023-11-25T14:00"})
        assert wrong.status_code == 422 and "90 天" in wrong.content.decode()
        assert station.post(page, book | {"supervisor": talks.worker_.account_id}).status_code == 422
        refused = visitor.post(page, book)
        assert refused.status_code == 422 and "不由您办理" in refused.content.decode(), "who only asks books nothing"
        assert station.post(page, book).status_code == 302
        assert "刷新页面" in station.post(page, book).content.decode(), "the second officer is told"
        assert "到预约的时间后" in worker.get(page).content.decode()
        assert worker.post(page, {"act": "hold", "version": 2, "note": SAID}).status_code == 422
    with time_machine.travel(NOW + timedelta(hours=5), tick=False):
        assert station.post(page, {"act": "hold", "version": 2, "note": "替别人写"}).status_code == 422
        assert worker.post(page, {"act": "hold", "version": 2, "note": SAID, "follow_up": "2022-12-02"}).status_code == 302
        follow = worker.post(page, {"act": "follow", "version": 3})
        assert follow.status_code == 302 and worker.post(page, {"act": "follow", "version": 3})["Location"] == follow["Location"]
        assert page in worker.get(follow["Location"]).content.decode()
        off = {"act": "off", "version": 1, "reason": ""}
        assert station.post(follow["Location"], off).status_code == 422
        assert station.post(follow["Location"], off | {"reason": "随女儿到郑州居住"}).status_code == 302
        assert "随女儿到郑州居住" in station.get(follow["Location"]).content.decode()
        person = station.get(reverse("registry:person", args=[talks.person])).content.decode()
    assert page in person and SAID not in person


def test_7_6_numbers_are_shown_where_sessions_are_not(talks: Talks) -> None:
    row = held(talks)
    with time_machine.travel(NOW + timedelta(hours=4), tick=False):
        page = client_of(talks.reviewer).get(reverse("community:counselling")).content.decode()
        home = client_of(talks.reviewer).get("/").content.decode()
    assert "只看数字" in page and f"/counselling/{row.pk}/" not in page and "王长顺" not in page
    assert "心理疏导：待回访" in home
