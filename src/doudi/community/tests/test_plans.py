"""7.2: a village's service plan is written, approved by another, put to work for a time: lists frozen by priority, visits denser, steps ticked, reviewed."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.community.models import Activation, ActivationPerson, PlanItem, PlanVersion
from doudi.community.services import activating, assign_contact, derive, plans
from doudi.community.services.plans import Line
from doudi.community.tests.world import NEXT_VILLAGE, NOW, ON, VILLAGE, Village
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Posting, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together
from doudi.discovery.models.visits import Group, Visit
from doudi.discovery.services.visit_plans import densities, make_due
from doudi.needs import answerers
from doudi.needs.services import About, raise_need

LINES = (
    Line("grid", "东片", person="杨建国", phone="13800002222", detail="东街 1—3 组"), Line("grid", "西片", person="朱红霞", phone="13800003333"),
    Line("supplier", "仁和药店", kind="pharmacy", phone="0371-62180001"), Line("resource", "村部大院", kind="shelter", quantity=30),
)  # fmt: skip
START = {"reason": "强降雪，道路不通", "document": "牟应急〔2022〕9号", "until": ON + timedelta(days=6), "now": NOW}


def approved(village: Village, area: str = VILLAGE) -> PlanVersion:
    writer = officer(Duty.VISITOR, area)
    with scopes.acting(writer):
        row = plans.draft_plan(area=area, now=NOW)
        for line in LINES:
            plans.add_line(plan_id=row.pk, version=row.version, line=line, now=NOW)
        row = plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(village.town):
        return plans.approve_plan(plan_id=row.pk, version=row.version, now=NOW)


@pytest.fixture
def village(db: None) -> Village:
    return Village()


def waiting() -> list[tuple[str, str, str]]:
    return list(Todo.objects.filter(subject=plans.SUBJECT, done_at__isnull=True).values_list("kind", "duty", "area"))


def test_7_2_versions_are_written_here_and_approved_by_another(village: Village) -> None:
    with scopes.acting(village.town):
        row = plans.draft_plan(area=VILLAGE, now=NOW)
        assert plans.draft_plan(area=VILLAGE, now=NOW).pk == row.pk
        with pytest.raises(ValidationError, match="还缺：网格、供应商"):
            plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
        for line, field in (
            (Line("grid", "东片", phone="13800002222"), "person"), (Line("supplier", "店", kind="visit", phone="13800002222"), "kind"),
            (Line("grid", "东片", person="杨建国", phone="12"), "phone"), (Line("priority", "disabled", kind="visit", priority=1, every=0), "every"),
            (Line("step", ""), "name"), (Line("grid", "东片", person="杨建国", phone="13800002222", username="nobody"), "username"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as refused:
                plans.add_line(plan_id=row.pk, version=row.version, line=line, now=NOW)
            assert field in refused.value.message_dict
        for line in LINES:
            plans.add_line(plan_id=row.pk, version=row.version, line=line, now=NOW)
        row = plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
        with pytest.raises(PermissionDenied):
            plans.approve_plan(plan_id=row.pk, version=row.version, now=NOW)
        with pytest.raises(IntegrityError, match="draft"), transaction.atomic():
            PlanItem.objects.create(plan=row, area=VILLAGE, section="step", name="越过服务")
    with scopes.acting(village.other):
        row = plans.send_back_plan(plan_id=row.pk, version=row.version, note="补充安置场所", now=NOW)
        assert row.state == "draft"
    with scopes.acting(village.town):
        assert waiting() == [("plan.change", Duty.TOWNSHIP_OFFICER, VILLAGE)]
        row = plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(village.other):
        first = plans.approve_plan(plan_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(village.town):
        second = plans.draft_plan(area=VILLAGE, now=NOW)
        assert (second.number, PlanItem.objects.filter(plan=second).count()) == (2, PlanItem.objects.filter(plan=first).count())
        second = plans.submit_plan(plan_id=second.pk, version=second.version, now=NOW)
    with scopes.acting(village.other):
        plans.approve_plan(plan_id=second.pk, version=second.version, now=NOW)
        assert list(PlanVersion.objects.order_by("number").values_list("state", flat=True)) == ["replaced", "approved"]
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(ValidationError):
        plans.draft_plan(area=VILLAGE, now=NOW)


def test_7_2_a_plan_sent_back_waits_for_the_village_that_wrote_it_until_it_is_submitted_again(village: Village) -> None:
    station = officer(Duty.STATION_WORKER, VILLAGE)
    with scopes.acting(station):
        row = plans.draft_plan(area=VILLAGE, now=NOW)
        for line in LINES:
            plans.add_line(plan_id=row.pk, version=row.version, line=line, now=NOW)
        row = plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
    for left, duty in ((None, Duty.STATION_WORKER), (station, Duty.VISITOR), (village.visitor, Duty.TOWNSHIP_OFFICER)):
        if left is not None:
            with scopes.acting(village.town):
                Posting.objects.filter(pk=left.posting_id).update(ends=ON)
        with scopes.acting(village.town):
            row = plans.send_back_plan(plan_id=row.pk, version=row.version, note="补充安置场所", now=NOW)
            assert waiting() == [("plan.change", duty, VILLAGE)]
        with scopes.acting(station if left is None else village.other):
            row = plans.submit_plan(plan_id=row.pk, version=row.version, now=NOW)
            assert waiting() == [("plan.approve", Duty.TOWNSHIP_OFFICER, VILLAGE)]


def test_7_2_activation_freezes_the_lists_makes_visits_denser_and_ends_by_itself(village: Village) -> None:
    old = village.old_man()
    approved(village)
    with scopes.acting(village.visitor), pytest.raises(PermissionDenied):
        activating.activate(areas=[VILLAGE], **START)
    with scopes.acting(village.town):
        for words, field in (
            ({"until": ON - timedelta(days=1)}, "until"), ({"reason": "雪"}, "reason"), ({"areas": [NEXT_VILLAGE]}, "areas"), ({"areas": ["410122102201"]}, "areas"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as refused:
                activating.activate(**({"areas": [VILLAGE]} | START | words))
            assert field in refused.value.message_dict
        before = {each.group: (each.every, each.unit) for each in densities(VILLAGE, ON)}
        (row,) = activating.activate(areas=[VILLAGE], **START)
        entry = ActivationPerson.objects.get(activation=row)
        assert (entry.name, entry.priority, entry.how, entry.every, row.people) == ("王长顺", 1, "visit", 1, 1) and entry.grid_id is not None
        alone = {each.group: (each.every, each.unit) for each in densities(VILLAGE, ON)}[Group.ALONE]
        assert alone == (1, "day") and Visit.objects.get(household=old.household_id, state="due").due <= ON + timedelta(days=1)
        # who joins later is not on the frozen list
        village.old_man("赵大年", born=date(1940, 1, 1))
        assert ActivationPerson.objects.filter(activation=row).count() == 1
        assert {each.group: (each.every, each.unit) for each in densities(VILLAGE, row.ends)} == before, "what held before counts again by itself"
        with pytest.raises(ValidationError, match="已在启动中"):
            activating.activate(areas=[VILLAGE], **START)
    worker = scopes.Scope(area="41", duty="worker", acts=frozenset({"plans.clocks"}))
    with scopes.acting(worker):
        assert [activating.end_over(area="41", on=day, now=NOW) for day in (row.ends - timedelta(days=1), row.ends, row.ends)] == [0, 1, 0]
    with scopes.acting(village.town):
        row.refresh_from_db()
        with pytest.raises(ValidationError, match="至少 10 个字"):
            activating.review(activation_id=row.pk, version=row.version, text="很好", now=NOW)
        row = activating.review(activation_id=row.pk, version=row.version, text="名单核对及时；缺少一辆能走雪路的车，预案要补上。", now=NOW)
        assert row.state == "reviewed"


def test_7_2_lists_are_worked_day_by_day_steps_ticked_and_ended_early(village: Village) -> None:
    village.old_man()
    approved(village)
    with scopes.acting(village.reviewer):
        (row,) = activating.activate(areas=[VILLAGE], **START)
    with scopes.acting(village.visitor):
        step = row.steps.order_by("position").first()
        assert step is not None
        activating.tick_step(step_id=step.pk, now=NOW)
        assert activating.tick_step(step_id=step.pk, now=NOW + timedelta(hours=3)).done_at == NOW, "ticked once"
        entry = ActivationPerson.objects.get(activation=row)
        first = activating.record_check(entry_id=entry.pk, outcome="unreachable", note="敲门无人应", now=NOW)
        assert activating.record_check(entry_id=entry.pk, outcome="well", now=NOW).pk == first.pk, "a double submit changes nothing"
        assert activating.record_check(entry_id=entry.pk, outcome="need", now=NOW + timedelta(days=1)).outcome == "need"
        assert activating.figures([row.pk], ON + timedelta(days=1))[row.pk]["need"] == 1
        with pytest.raises(ValidationError, match="选择情况"):
            activating.record_check(entry_id=entry.pk, outcome="gone", now=NOW)
    with scopes.acting(officer(Duty.VISITOR, NEXT_VILLAGE)):
        for call in (lambda: activating.record_check(entry_id=entry.pk, outcome="well", now=NOW), lambda: activating.tick_step(step_id=step.pk, now=NOW)):
            with pytest.raises(ValidationError, match="没有"):
                call()
    with scopes.acting(village.town):
        ended = activating.deactivate(activation_id=row.pk, version=row.version, reason="雪停路通", now=NOW + timedelta(days=2))
        assert (ended.state, ended.ends) == ("ended", ON + timedelta(days=2))
        assert {each.group: each.plan for each in densities(VILLAGE, ON + timedelta(days=2))}[Group.ALONE] is None
        with pytest.raises(ValidationError, match="已经结束"):
            activating.record_check(entry_id=entry.pk, outcome="well", now=NOW + timedelta(days=3))


def test_7_2_activated_twice_at_once_is_active_once(committed_db: None) -> None:
    village = Village()
    approved(village)
    made, told = together(*(as_(scope, activating.activate, areas=[VILLAGE], **START) for scope in (village.town, village.reviewer)))
    assert len(made) == 1 and len(told) == 1 and "启动" in told[0]
    with scopes.acting(village.town):
        assert Activation.objects.filter(state="active").count() == 1


def test_7_2_two_thousand_people_are_listed_in_a_bounded_number_of_queries(village: Village) -> None:
    """The same statements for one person as for a village of 2,000."""
    approved(village)
    approved(village, NEXT_VILLAGE)
    village.derive()

    def count(area: str) -> int:
        with scopes.acting(village.town), CaptureQueriesContext(connection) as caught:
            activating.activate(areas=[area], **START)
        return len(caught)

    few = count(NEXT_VILLAGE)
    many_people(VILLAGE, 2000)
    many = count(VILLAGE)
    with scopes.acting(village.town):
        assert Activation.objects.get(area=VILLAGE).people >= 2000
    assert many <= few + 2 and many < 60


def many_people(area: str, number: int) -> None:
    """People of a village on the list of those whom the community looks after, written as the loader writes them: in one statement each."""
    with scopes.acting(scopes.Scope(area=area)), connection.cursor() as cursor:
        cursor.execute(
            "with h as (insert into registry_household (area, number, name, residence, made_at, version)"
            "  select %(area)s, 'T' || n, '李' || n, 'rural', now(), 1 from generate_series(1, %(number)s) n returning id, area, number),"
            " p as (insert into registry_person (area, token, name, pinyin, initials, sex, birth_date, ethnicity, registered_area, residence_area, bank, made_at, version)"
            "  select %(area)s, gen_random_uuid(), '李' || n, '', '', '1', '1945-01-01', '01', %(area)s, %(area)s, '', now(), 1"
            "  from generate_series(1, %(number)s) n returning id, name)"
            " select count(*) from h, p where false",
            {"area": area, "number": number},
        )
        cursor.execute(
            "insert into registry_membership (area, household_id, person_id, relationship, starts)"
            " select h.area, h.id, p.id, '01', '2020-01-01' from registry_household h join registry_person p on p.name = '李' || substr(h.number, 2) and p.area = h.area"
            " where h.area = %s and h.number like 'T%%'",
            [area],
        )
    with scopes.acting(scopes.Scope(area=area[:6], duty="worker", acts=frozenset({"community.derive"}))):
        derive(area=area[:6], on=ON, now=NOW)


def test_7_5_a_need_of_medicine_is_suggested_to_the_care_contact_and_the_plans_pharmacy(village: Village) -> None:
    care, contact = village.old_man(), village.contact()
    approved(village)
    with scopes.acting(village.town):
        assign_contact(care_id=care.pk, version=care.version, contact_id=contact.pk, now=NOW)
        need = raise_need(
            uuid=uuid4(), about=About(person=care.person_id), kind="medicine", what="降压药只剩两天", urgency="red", source="officer", now=NOW
        )
        found = answerers.suggest(need)
        assert [(each.kind, each.name) for each in found] == [("contact", "李桂英"), ("shop", "仁和药店")] and found[1].phone is not None
        assert [each.name for each in answerers.suggest(raise_need(
            uuid=uuid4(), about=About(household=care.household_id), kind="repairs", what="屋顶漏雪要修", urgency="yellow", source="officer", now=NOW
        ))] == ["李桂英"]  # fmt: skip


def test_7_2_the_walk_on_the_pages(village: Village, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    village.old_man()
    row = approved(village)
    town, visitor = client_of(village.town), client_of(village.visitor)
    with time_machine.travel(NOW, tick=False):
        assert town.post(reverse("community:plans"), {"act": "draft", "area": VILLAGE}).status_code == 302
        assert "仁和药店" in town.get(reverse("community:plan", args=[row.pk])).content.decode()
        start = reverse("community:plans_activate")
        with django_assert_max_num_queries(40):
            preview = town.get(start, {"areas": [VILLAGE]}).content.decode()
        assert "王长顺" in preview and "上门，每 1 天一次" in preview and "13800002222" not in preview
        with scopes.acting(village.town):
            assert not Activation.objects.exists(), "a preview starts nothing"
        assert visitor.get(start, {"areas": [VILLAGE]}).status_code == 403
        given = {"areas": [VILLAGE], "reason": "强降雪，道路不通", "document": "牟应急〔2022〕9号", "until": "2022-12-01"}
        assert town.post(start, given | {"areas": []}).status_code == 422 and town.post(start, given | {"reason": "雪"}).status_code == 422
        done = town.post(start, given)
        assert done.status_code == 302
        assert town.get(start, {"areas": [VILLAGE, "4101", "x"]}).status_code == 302, "nothing is left to start"
        with django_assert_max_num_queries(40):
            assert "王长顺" in visitor.get(done["Location"]).content.decode()
        with scopes.acting(village.visitor):
            entry = ActivationPerson.objects.get()
        page = reverse("community:plan_entry", args=[entry.pk])
        assert visitor.get(page).status_code == 200 and visitor.post(page, {"outcome": ""}).status_code == 422
        assert f"person={entry.person_id}" in visitor.post(page, {"outcome": "need", "note": "降压药快没了"})["Location"]
        assert client_of(officer(Duty.VISITOR, NEXT_VILLAGE)).get(page).status_code == 404


def test_7_2_a_county_chooses_townships_and_sees_whom_they_would_list(village: Village, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    village.old_man()
    approved(village)
    village.home("赵大年", born=date(1940, 1, 1), area=NEXT_VILLAGE)
    approved(village, NEXT_VILLAGE)
    village.derive()
    county, start = client_of(village.reviewer), reverse("community:plans_activate")
    with time_machine.travel(NOW, tick=False):
        with django_assert_max_num_queries(40):
            listed = county.get(reverse("community:plans")).content.decode()
        assert f'name="towns" value="{VILLAGE[:9]}"' in listed
        assert "还没有预案" in county.get(reverse("community:plans"), {"area": "410122102"}).content.decode()
        with django_assert_max_num_queries(40):
            preview = county.get(start, {"towns": [VILLAGE[:9]]}).content.decode()
        assert preview.count("上门，每 1 天一次") == 2 and VILLAGE in preview and NEXT_VILLAGE in preview
        given = {"areas": [VILLAGE, NEXT_VILLAGE], "reason": "强降雪，道路不通", "document": "牟应急〔2022〕9号", "until": "2022-12-01"}
        assert county.post(start, given)["Location"] == reverse("community:plans")
    with scopes.acting(village.reviewer):
        assert Activation.objects.filter(state="active").count() == 2
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410123")).get(start, {"towns": [VILLAGE[:9]]}).status_code == 302


def test_7_2_phones_of_a_plan_are_masked_and_shown_after_a_record(village: Village) -> None:
    village.old_man(phone="13700001234")
    row = approved(village)
    with scopes.acting(village.town):
        item = PlanItem.objects.get(plan=row, name="东片")
        (run,) = activating.activate(areas=[VILLAGE], **START)
        entry = ActivationPerson.objects.get(activation=run)
    page, phone, whom = reverse("community:plan", args=[row.pk]), reverse("community:plan_phone", args=[row.pk, item.pk]), reverse("community:plan_entry_phone", args=[entry.pk])
    visitor = client_of(village.visitor)
    shown = visitor.get(page).content.decode()
    assert "138****2222" in shown and "13800002222" not in shown and "0371-62180001" in shown, "a supplier's number is public"
    assert "13800002222" in visitor.post(phone).content.decode() and visitor.get(phone).status_code == 405
    assert "13800003333" in visitor.post(page, {"act": "phones"}).content.decode()
    assert "13700001234" not in visitor.get(reverse("community:plan_entry", args=[entry.pk])).content.decode()
    assert "13700001234" in visitor.post(whom).content.decode()
    officers = village.visitor, officer(Duty.COUNTY_APPROVER), officer(Duty.VISITOR, NEXT_VILLAGE)
    _visitor, watcher, away = (client_of(each) for each in officers)
    assert watcher.post(phone).status_code == watcher.post(page, {"act": "phones"}).status_code == watcher.post(whom).status_code == 403
    assert [away.post(each).status_code for each in (phone, whom)] == [404, 404]
    with scopes.acting(scopes.Scope(area="41")):
        mine = [each.account_id for each in officers]  # records outlive the tests that made them
        kept = AccessRecord.objects.filter(what="reveal", area=VILLAGE, account_id__in=mine).values_list("subject", "field")
        assert sorted(kept) == [("person", "phone"), ("service_plan", "phone"), ("service_plan", "phones")]


def test_7_2_a_village_whose_missed_visits_go_up_to_the_township_can_be_activated(village: Village) -> None:
    village.old_man()
    approved(village)
    for days in (0, 17):
        with scopes.acting(scopes.Scope(area="41", duty="worker", acts=frozenset({"visits.due"}))):
            make_due(area="410122", on=ON + timedelta(days=days), now=NOW + timedelta(days=days))
    later = NOW + timedelta(days=40)
    with scopes.acting(village.town):
        before = Visit.objects.get(state="missed").escalated
        activating.activate(**(START | {"areas": [VILLAGE], "now": later, "until": later.date()}))
        assert Visit.objects.get(state="missed").escalated == before + 1
