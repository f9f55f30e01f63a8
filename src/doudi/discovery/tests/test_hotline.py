"""1.4: one intake, routed to the place, with its clock; calls of a call centre; calls back; quality."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import hotline_queries, knowledge
from doudi.discovery.models import Call, CallBack, HotlineDesk, Knowledge, Lead, LeadEvent
from doudi.discovery.services import hotline
from doudi.discovery.services.leads import advance_lead

NOW = datetime(2022, 12, 6, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
COUNTY = "410122"
VILLAGE = "410122101205"
OTHER = "410102"
PHONE = "13800005678"


@pytest.fixture
def desk(db: None) -> scopes.Scope:
    """The county's desk; its operator's scope."""
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        hotline.set_desk(name="中牟县救助服务热线", number="0371-62160000", hours="每天 8:00—20:00", is_open=True, now=NOW)
    return officer(Duty.HOTLINE_OPERATOR, COUNTY)


def told(**changes: object) -> hotline.Intake:
    given: dict[str, object] = {
        "phone": PHONE, "caller_name": "王秀芝", "caller_role": "neighbour", "subject_name": "李长河", "subject_age": 76, "area": VILLAGE,
        "needs": ("illness", "elderly"), "urgency": "red", "detail": "老人独居，降压药只够两天，腿疼下不了床",
    }  # fmt: skip
    return hotline.Intake(**(given | changes))  # type: ignore[arg-type]


def register(outcome: str = "lead", *, now: datetime = NOW, uuid: object = None, intake: hotline.Intake | None = None, **more: object) -> Call:
    return hotline.register_call(
        uuid=uuid or uuid4(),
        intake=intake or told(),
        outcome=outcome,
        rang_at=now - timedelta(minutes=4),
        now=now,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.django_db
def test_1_4_a_call_becomes_a_lead_at_the_place_with_the_clock_of_its_urgency(desk: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, VILLAGE, name="杨建国")
    with scopes.acting(desk):
        call = register()
        lead = Lead.objects.get(pk=call.lead_id)
        assert (lead.channel, lead.area, lead.urgency, lead.need, call.area) == ("hotline", VILLAGE, "red", "illness", VILLAGE)
        assert str(lead.contact_due) == "2022-12-07" and lead.posting_id == visitor.posting_id
        assert "降压药" not in lead.reason and "降压药" in (lead.detail or "")
        routed = hotline_queries.routing(VILLAGE, "red", NOW.date())
        assert routed and "杨建国" in routed["whom"] and routed["contact"] == lead.contact_due
    with connection.cursor() as cursor, scopes.acting(desk):
        cursor.execute("select detail::text, caller_phone::text from discovery_call")
        detail, phone = cursor.fetchone()
    assert "降压药" not in detail and PHONE not in phone


@pytest.mark.django_db
def test_1_4_the_same_form_sent_twice_is_one_call_and_one_lead(desk: scopes.Scope) -> None:
    uuid = uuid4()
    with scopes.acting(desk):
        first, second = register(uuid=uuid), register(uuid=uuid)
        assert first.pk == second.pk and Call.objects.count() == Lead.objects.count() == 1


@pytest.mark.django_db
def test_1_4_what_is_missing_is_named_by_field_and_nothing_is_written(desk: scopes.Scope) -> None:
    with scopes.acting(desk):
        for changes, field in (
            ({"area": ""}, "area"), ({"urgency": ""}, "urgency"), ({"needs": ()}, "needs"), ({"needs": ("gold",)}, "needs"), ({"detail": "嗯"}, "detail"),
            ({"phone": "138"}, "phone"), ({"subject_age": 200}, "subject_age"), ({"area": OTHER + "001001"}, "area"), ({"caller_role": "x"}, "caller_role"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as error:
                register(intake=told(**changes))
            assert field in error.value.message_dict, changes
        with pytest.raises(ValidationError, match="晚于现在"):
            register("consult", call_back_at=NOW - timedelta(hours=1))
        assert not Call.objects.exists() and not Lead.objects.exists() and not CallBack.objects.exists()


@pytest.mark.django_db
def test_1_4_a_repeated_call_urges_the_open_lead_on(desk: scopes.Scope) -> None:
    with scopes.acting(desk):
        first = register()
        known = hotline_queries.open_leads(phone=hotline_queries.phone_token(PHONE), people=[], today=NOW.date())
        assert [row["lead"].pk for row in known] == [first.lead_id] and "长" not in known[0]["masked"]
        later = NOW + timedelta(days=2)
        second = register("attached", now=later, lead_id=first.lead_id)
        assert second.repeat_of_id == first.pk and Lead.objects.count() == 1
        assert LeadEvent.objects.filter(lead_id=first.lead_id, what="urged").count() == 1
        assert Todo.objects.filter(kind="lead.urged", duty=Duty.TOWNSHIP_OFFICER).count() == 1
        with pytest.raises(ValidationError, match="已办结或不在"):
            register("attached", lead_id=10**9)
        third = register("consult", now=later + timedelta(days=31), intake=told(detail="问低保怎么申请"))
        assert third.repeat_of_id is None


@pytest.mark.django_db
def test_1_4_events_of_a_call_centre_come_twice_late_and_out_of_order(desk: scopes.Scope) -> None:
    def event(kind: str, seconds: int, external: str = "A1") -> Call:
        at = NOW + timedelta(seconds=seconds)
        return hotline.call_event(desk_area=COUNTY, external=external, event=kind, phone=PHONE, at=at, now=at)

    with scopes.acting(desk):
        event("ringing", 0)
        event("answered", 9)
        event("answered", 9)
        event("ringing", 0)
        assert (event("ended", 200).state, Call.objects.count()) == ("done", 1)
        assert event("missed", 300).state == "done"
        lost = event("ringing", 400, "A2")
        assert event("missed", 420, "A2").state == "missed"
        assert event("missed", 420, "A2").pk == lost.pk
        assert CallBack.objects.get().kind == "missed" and Todo.objects.filter(kind="callback").count() == 1
        event("ringing", 500, "A3")
        assert event("ended", 560, "A3").state == "missed"
        late = event("answered", 510, "A3")
        assert (late.state, late.answered_at) == ("done", NOW + timedelta(seconds=510))
        assert not CallBack.objects.filter(call=late, done_at__isnull=True).exists() and Todo.objects.filter(kind="callback", done_at=None).count() == 1
        for bad, field in (({"event": "sung"}, "event"), ({"external": ""}, "external"), ({"phone": "12"}, "phone"), ({"desk_area": OTHER}, "desk")):
            given = {"desk_area": COUNTY, "external": "B", "event": "ringing", "phone": PHONE, "at": NOW, "now": NOW} | bad
            with pytest.raises(ValidationError) as error:
                hotline.call_event(**given)
            assert field in error.value.message_dict
        with pytest.raises(ValidationError, match="时钟"):
            hotline.call_event(desk_area=COUNTY, external="C", event="ringing", phone="", at=NOW + timedelta(hours=1), now=NOW)


@pytest.mark.django_db
def test_1_4_a_missed_call_is_owed_until_somebody_answers(desk: scopes.Scope) -> None:
    with scopes.acting(desk):
        hotline.call_event(desk_area=COUNTY, external="A", event="missed", phone=PHONE, at=NOW, now=NOW)
        owed = CallBack.objects.get()
        for attempt in (1, 2, 3):
            owed = hotline.try_call_back(callback_id=owed.pk, reached=False, note="", now=NOW + timedelta(hours=attempt))
        assert (owed.attempts, owed.reached) == (3, False) and owed.done_at
        with pytest.raises(ValidationError, match="完成"):
            hotline.try_call_back(callback_id=owed.pk, reached=True, note="", now=NOW)
        hotline.call_event(desk_area=COUNTY, external="B", event="missed", phone=PHONE, at=NOW, now=NOW)
        register(now=NOW + timedelta(hours=1))
        assert not CallBack.objects.filter(done_at__isnull=True).exists() and not Todo.objects.filter(kind="callback", done_at=None).exists()


@pytest.mark.django_db
def test_1_4_satisfaction_is_asked_once_the_lead_is_closed(desk: scopes.Scope) -> None:
    with scopes.acting(desk):
        call = register()
        with pytest.raises(ValidationError, match="还没有办结"):
            hotline.record_satisfaction(call_id=call.pk, score=5, note="", now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        advance_lead(lead_id=call.lead_id, version=None, after="contacted", note="", now=NOW)
        advance_lead(lead_id=call.lead_id, version=None, after="not_in_need", note="子女已返家照料，药品已备足", now=NOW + timedelta(days=1))
    with scopes.acting(desk):
        assert [row.pk for row in hotline_queries.to_ask()] == [call.pk]
        hotline.record_satisfaction(call_id=call.pk, score=None, note="", now=NOW)
        with pytest.raises(ValidationError, match="1 至 5"):
            hotline.record_satisfaction(call_id=call.pk, score=6, note="", now=NOW)
        hotline.record_satisfaction(call_id=call.pk, score=5, note="", now=NOW)
        assert not hotline_queries.to_ask().exists()
        with pytest.raises(ValidationError, match="已经回访"):
            hotline.record_satisfaction(call_id=call.pk, score=1, note="", now=NOW)
        row = hotline_queries.quality(first=NOW.date(), last=NOW.date(), today=NOW.date())[0]
        assert (row["calls"], row["answered"], row["leads"], row["satisfaction"]) == (1, 1, 1, 5.0) and row["contact_50"] > 0


def test_1_4_two_operators_take_one_waiting_call_and_one_gets_it(committed_db: None) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        hotline.set_desk(name="热线", number="12345", hours="", is_open=True, now=NOW)
    operators = [officer(Duty.HOTLINE_OPERATOR, COUNTY) for _number in range(2)]
    with scopes.acting(operators[0]):
        waiting = hotline.call_event(desk_area=COUNTY, external="A", event="ringing", phone=PHONE, at=NOW, now=NOW)
    gate, said = threading.Barrier(2), []

    def take(scope: scopes.Scope) -> None:
        gate.wait()
        try:
            with scopes.acting(scope):
                hotline.take_call(call_id=waiting.pk, now=NOW)
            said.append("taken")
        except ValidationError as error:
            said.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(scope,)) for scope in operators]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(said)[-1] != "taken" or said.count("taken") == 1
    assert said.count("taken") == 1 and any("其他坐席" in word for word in said)


@pytest.mark.django_db
def test_1_4_other_places_and_duties_see_and_change_nothing(desk: scopes.Scope) -> None:
    with scopes.acting(desk):
        call = register()
    with scopes.acting(officer(Duty.HOTLINE_OPERATOR, OTHER)):
        assert not Call.objects.exists() and HotlineDesk.objects.count() == 1  # the number is for everybody
        with pytest.raises(ValidationError, match="没有这通来电"):
            hotline.take_call(call_id=call.pk, now=NOW)
        with pytest.raises(ValidationError, match="还没有设立"):
            register()
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])), pytest.raises(PermissionDenied):
        register()
    with scopes.acting(officer(Duty.HOTLINE_OPERATOR, COUNTY)), pytest.raises(PermissionDenied):
        hotline.set_desk(name="热线", number="12345", hours="", is_open=True, now=NOW)


@pytest.mark.django_db
def test_1_4_answers_carry_the_places_figures_and_its_own_words_first(desk: scopes.Scope) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        hotline.write_knowledge(title="买药找谁", keywords="药品", body="拨打县人民医院药房 62180000", now=NOW)
    with scopes.acting(desk):
        found = knowledge.answers("药", area=VILLAGE, county="中牟县", on=NOW.date())
        assert found[0].title == "买药找谁" and len(found) >= 2
        dibao = knowledge.answers("低保", area=VILLAGE, county="中牟县", on=NOW.date())[0]
        assert "中牟县低保标准" in dibao.body and "{" not in dibao.body
        assert knowledge.answers("火星移民", area=VILLAGE, county="中牟县", on=NOW.date()) == []
    with scopes.acting(officer(Duty.HOTLINE_OPERATOR, OTHER)):
        assert not Knowledge.objects.exists()


@pytest.mark.django_db
def test_1_4_pages_open_in_bounded_queries_and_show_no_number(desk: scopes.Scope, django_assert_max_num_queries) -> None:
    with scopes.acting(desk):
        call = register()
        hotline.call_event(desk_area=COUNTY, external="A", event="missed", phone=PHONE, at=NOW, now=NOW)
    client = client_of(desk)
    for name, most in (("hotline", 30), ("calls", 25), ("callbacks", 25), ("hotline_quality", 20), ("desks", 20)):
        with django_assert_max_num_queries(most):
            page = client.get(reverse(f"discovery:{name}"))
        assert page.status_code == 200 and PHONE not in page.content.decode(), name
    page = client.get(reverse("discovery:call", args=[call.pk])).content.decode()
    assert PHONE not in page and "降压药" in page
    known = client.post(reverse("discovery:hotline_known"), {"phone": PHONE, "area": VILLAGE, "urgency": "red"}).content.decode()
    assert call.lead.number in known and "首次联系" in known and PHONE not in known
    shown = client.post(reverse("discovery:call_phone", args=[call.pk])).content.decode()
    assert shown == PHONE
    with scopes.acting(officer(Duty.AUDITOR, COUNTY)):
        assert AccessRecord.objects.filter(account_id=desk.account_id, subject="call", subject_id=call.pk).exists()
    form = {"uuid": str(uuid4()), "began": "2022-12-06T10:00:00+0800", "phone": PHONE, "detail": "无", "outcome": "lead"}
    assert client.post(reverse("discovery:hotline"), form).status_code == 422
    form |= {"detail": "孩子没人看管", "area": VILLAGE, "needs": ["child"], "urgency": "red"}
    assert client.post(reverse("discovery:hotline"), form).status_code == 302
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])).get(reverse("discovery:hotline")).status_code == 403


def test_1_4_a_call_that_rings_comes_into_the_queue_by_itself(desk: scopes.Scope) -> None:
    client, url = client_of(desk), reverse("discovery:hotline_queue")
    assert "没有人排队" in client.get(url).content.decode() and client.get(url, {"seen": ""}).status_code == 204
    with scopes.acting(scopes.Scope(area=desk.area, duty=desk.duty, account_id=desk.account_id, acts=frozenset({"hotline.events"}))):
        call = hotline.call_event(desk_area=desk.area, external="c-1", event="ringing", phone="13800001234", at=timezone.now(), now=timezone.now())
    page = client.get(url, {"seen": ""})
    assert call.number in page.content.decode() and "13800001234" not in page.content.decode()
    assert client.get(url, {"seen": f"{call.pk}-"}).status_code == 204
