"""6.2: the task group: one running for a place and an emergency, members, a roster whose gaps are seen, minutes that stay, actions that end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together
from doudi.institutions import group_queries as queries
from doudi.institutions.models import GroupAction, GroupMember, GroupShift, TaskGroup
from doudi.institutions.services import group as services
from doudi.institutions.services.group import Decided, Seat
from doudi.institutions.tests.coordination_world import WORDS, Office
from doudi.institutions.tests.world import NOW, TODAY

pytestmark = pytest.mark.django_db
MEETING = {
    "held_at": NOW - timedelta(hours=2), "place": "政府 203", "chaired_by": "刘建国", "present": "民政、卫健、疾控", "subject": "氧气保障", "minutes": "调拨氧气二十瓶，当晚到位。",
}  # fmt: skip


@pytest.fixture
def office() -> Office:
    return Office()


def test_6_2_one_group_runs_for_a_place_and_an_emergency_and_a_form_sent_twice_is_one(office: Office) -> None:
    key = uuid4()
    with scopes.acting(office.city):
        first = services.set_up(key=key, area="4101", now=NOW, **WORDS)
        assert services.set_up(key=key, area="4101", now=NOW, **WORDS).pk == first.pk
        with pytest.raises(ValidationError, match="已有专项工作组"):
            services.set_up(key=uuid4(), area="4101", now=NOW, **WORDS)
        services.end(group_id=first.pk, version=1, reason="应急响应终止", now=NOW)
        assert services.set_up(key=uuid4(), area="4101", now=NOW, **WORDS).ended_at is None
    with scopes.acting(office.reviewer):
        for area in ("4101", "410181", "410122101"):
            with pytest.raises(ValidationError, match="县、市或省"):
                services.set_up(key=uuid4(), area=area, now=NOW, **WORDS)
        with pytest.raises(ValidationError, match="没有生效"):
            services.set_up(key=uuid4(), area="410122", emergency_id=987654, now=NOW, **WORDS)


def test_6_2_a_member_is_an_account_of_the_place_or_only_a_contact(office: Office) -> None:
    stranger = officer(Duty.GROUP_MEMBER, "410181")
    with scopes.acting(office.reviewer):
        again = services.seat(group_id=office.group.pk, seats=[Seat("health", "县卫生健康委", "孙玲", "13800001111")], now=NOW)
        assert [each.pk for each in again] == [office.by_health.pk]
        with pytest.raises(ValidationError, match="没有可以办理协调事项的岗位"):
            services.seat(group_id=office.group.pk, seats=[Seat("health", "外县", "某人", "13800001111", account_id=stranger.account_id)], now=NOW)
        with pytest.raises(ValidationError, match="另一名成员"):
            services.seat(group_id=office.group.pk, seats=[Seat("police", "县公安局", "某人", "13800001111", account_id=office.health.account_id)], now=NOW)
        for seat in (Seat("nobody", "x", "y", "13800001111"), Seat("health", "x", "y", "12"), Seat("health", " ", "y", "13800001111")):
            with pytest.raises(ValidationError):
                services.seat(group_id=office.group.pk, seats=[seat], now=NOW)
        assert GroupMember.objects.count() == 3


def test_6_2_the_roster_shows_its_gaps_and_who_leaves_opens_one(office: Office) -> None:
    with scopes.acting(office.reviewer):
        services.set_roster(group_id=office.group.pk, starts=TODAY, slot="day", member_ids=[office.by_health.pk, office.by_control.pk], days=5, now=NOW)
        days = queries.roster(office.group, TODAY)
        assert [[person.name for person in day["slots"][0][1]] for day in days[:3]] == [["孙玲"], ["魏强"], ["孙玲"]]
        assert queries.gaps(days) == 7 + 2  # seven nights, and the two days beyond the fifth
        services.set_roster(group_id=office.group.pk, starts=TODAY, slot="day", member_ids=[office.by_control.pk], days=5, now=NOW)
        assert GroupShift.objects.count() == 5  # replaced, not doubled
        services.unseat(group_id=office.group.pk, member_id=office.by_control.pk, reason="工作调动", now=NOW)
        assert queries.gaps(queries.roster(office.group, TODAY)) == 14
        for words in ({"days": 0}, {"days": 61}, {"starts": TODAY - timedelta(days=1)}, {"member_ids": []}, {"member_ids": [office.by_control.pk]}, {"slot": "noon"}):
            with pytest.raises(ValidationError):
                services.set_roster(**({"group_id": office.group.pk, "starts": TODAY, "slot": "day", "member_ids": [office.by_health.pk], "days": 2, "now": NOW} | words))


def test_6_2_minutes_bring_actions_with_a_person_and_a_day_that_end_once(office: Office) -> None:
    key, decided = uuid4(), [Decided(uuid4(), office.by_health.pk, "联系县医院调拨氧气", TODAY + timedelta(days=1))]
    with scopes.acting(office.reviewer):
        made = services.minute(group_id=office.group.pk, key=key, decided=decided, now=NOW, **MEETING)
        assert services.minute(group_id=office.group.pk, key=key, decided=decided, now=NOW, **MEETING).pk == made.pk
        action = GroupAction.objects.get()
        assert Todo.objects.filter(kind="group.action", posting_id=office.health.posting_id, done_at=None).count() == 1
        with pytest.raises(ValidationError, match="没有办结"):
            services.end(group_id=office.group.pk, version=1, reason="结束", now=NOW)
        with pytest.raises(ValidationError, match="没办结的议定事项"):
            services.unseat(group_id=office.group.pk, member_id=office.by_health.pk, reason="调动", now=NOW)
    with scopes.acting(office.control), pytest.raises(ValidationError, match="负责人本人"):
        services.end_action(action_id=action.pk, version=1, done=True, result="已联系", now=NOW)
    with scopes.acting(office.health):
        with pytest.raises(ValidationError, match="负责人本人"):
            services.end_action(action_id=action.pk, version=1, done=False, result="不办了", now=NOW)
        services.end_action(action_id=action.pk, version=1, done=True, result="二十瓶已约定", now=NOW)
        with pytest.raises(ValidationError, match="刚由他人办理"):
            services.end_action(action_id=action.pk, version=1, done=True, result="再来", now=NOW)
        assert not Todo.objects.filter(kind="group.action", done_at=None).exists()
        with pytest.raises(PermissionDenied):
            services.decide(group_id=office.group.pk, decided=decided[0], now=NOW)


def test_6_2_late_actions_are_told_to_who_runs_the_group(office: Office) -> None:
    with scopes.acting(office.reviewer):
        services.decide(group_id=office.group.pk, decided=Decided(uuid4(), office.by_transport.pk, "备好两台客车" * 30, TODAY), now=NOW)
        assert services.remind_actions(area="410122", on=TODAY, now=NOW) == 0
        assert services.remind_actions(area="410122", on=TODAY + timedelta(days=1), now=NOW) == 1
        assert services.remind_actions(area="410122", on=TODAY + timedelta(days=1), now=NOW) == 0


def test_6_2_those_below_see_whom_to_call_and_nothing_else(office: Office) -> None:
    with scopes.acting(office.city):
        above = services.set_up(key=uuid4(), area="4101", now=NOW, **(WORDS | {"title": "郑州市专项工作组"}))
        services.seat(group_id=above.pk, seats=[Seat("health", "市卫生健康委", "高远", "13800004444")], now=NOW)
        services.minute(group_id=above.pk, key=uuid4(), decided=[], now=NOW, **MEETING)
    client = client_of(office.reviewer)
    said = client.get(reverse("institutions:group", args=[above.pk])).content.decode()
    assert "高远" in said and "只能查看联系方式" in said and "氧气保障" not in said and "登记成员" not in said
    assert client.post(reverse("institutions:group_change", args=[above.pk]), {}).status_code == 403
    with scopes.acting(office.reviewer):
        with pytest.raises(ValidationError, match="不由您管理"):
            services.seat(group_id=above.pk, seats=[Seat("police", "市公安局", "甲", "13800004444")], now=NOW)
        assert not above.meetings.exists()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410181")):
        assert set(TaskGroup.objects.values_list("area", flat=True)) == {"4101"}
    with scopes.acting(office.clerk):
        assert not TaskGroup.objects.exists()
    assert client_of(office.clerk).get(reverse("institutions:groups")).status_code == 403


def test_6_2_from_setting_up_to_the_minutes_on_the_pages(office: Office, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with time_machine.travel(datetime(2022, 12, 6, 2, tzinfo=UTC), tick=False):
        client, url = client_of(office.reviewer), reverse("institutions:group", args=[office.group.pk])
        assert "孙玲" in client.get(url).content.decode() and "138****1111" in client.get(url).content.decode()
        shown = client.post(reverse("institutions:group_phone", args=[office.group.pk, office.by_health.pk])).content.decode()
        assert "13800001111" in shown
        with scopes.acting(scopes.Scope(area="41", duty=Duty.AUDITOR)):
            assert AccessRecord.objects.filter(what="reveal", subject="group_member").count() == 1
        other = officer(Duty.COUNTY_REVIEWER, "410181")
        assert client_of(other).post(reverse("institutions:group_phone", args=[office.group.pk, office.by_health.pk])).status_code == 404
        made = {"starts": "2022-12-06", "days": "7", "slot": "night", "members": [office.by_health.pk, office.by_transport.pk]}
        assert client.post(reverse("institutions:group_roster", args=[office.group.pk]), made).status_code == 302
        words = {"key": uuid4(), "subject": "氧气保障", "held_at": "2022-12-06T09:00", "place": "203", "chaired_by": "刘建国", "present": "全体", "minutes": "调拨"}
        half = client.post(reverse("institutions:group_meeting_new", args=[office.group.pk]), words | {"what0": "联系县医院"})
        assert half.status_code == 422 and "要填全" in half.content.decode()
        done = client.post(reverse("institutions:group_meeting_new", args=[office.group.pk]), words | {"what0": "联系县医院", "member0": office.by_health.pk, "due0": "2022-12-07"})
        assert done.status_code == 302 and "联系县医院" in client.get(done["Location"]).content.decode()
        with scopes.acting(office.reviewer):
            action = GroupAction.objects.get()
        end = reverse("institutions:group_action_end", args=[office.group.pk, action.pk])
        assert client_of(office.health).post(end, {"version": "1", "act": "done", "result": "已办"}).status_code == 302
        for version in ("", "²", "9" * 40, "x"):
            assert client.post(end, {"version": version, "act": "done", "result": "已办"}).status_code == 302
        with django_assert_max_num_queries(30):
            said = client.get(url).content.decode()
        assert "已办结" in said and "值班空缺 7 班" in said
        with django_assert_max_num_queries(20):
            assert office.group.title in client.get(reverse("institutions:groups")).content.decode()
        bad = client.post(reverse("institutions:group_new"), {"key": "x", "starts": "31-02"})
        assert bad.status_code == 422


def test_6_2_two_officers_change_end_or_set_up_at_once_and_the_second_is_told(committed_db: None) -> None:
    office = Office()
    words = {"title": "新名称", "document": "文", "led_by": "人", "phone": "1", "rhythm": ""}
    made, said = together(*(as_(who, services.change, group_id=office.group.pk, version=1, now=NOW, **words) for who in (office.reviewer, office.second)))
    assert len(made) == 1 and "刚被他人修改" in said[0]
    made, said = together(*(as_(who, services.end, group_id=office.group.pk, version=2, reason="终止", now=NOW) for who in (office.reviewer, office.second)))
    assert len(made) == 1 and "已结束" in said[0]
    made, said = together(*(as_(who, services.set_up, key=uuid4(), area="410122", now=NOW, **WORDS) for who in (office.reviewer, office.second)))
    assert len(made) == 1 and "已有专项工作组" in said[0]
