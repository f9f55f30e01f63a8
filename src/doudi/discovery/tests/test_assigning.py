"""1.5: leads are given to people of the place, passed on, taken from elsewhere, and go up when they are late."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Posting, Todo
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.services.todos import raise_todo
from doudi.core.tests.officers import officer
from doudi.discovery.models import Lead, LeadEvent, LeadReferral
from doudi.discovery.services import (
    StaleLead,
    Subject,
    advance_lead,
    assign_lead,
    assign_leads,
    escalate,
    raise_lead,
    refer_lead,
    take_referral,
)
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE, household

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2022, 11, 28, 9, 0, tzinfo=CHINA)  # a Monday
TOWN, COUNTY, CITY = VILLAGE[:9], VILLAGE[:6], VILLAGE[:4]
PROVINCE = scopes.Scope(area="41", duty=WORKER, page="worker", acts=frozenset({"discovery.escalate"}))


def signal(scope: scopes.Scope, source: str = "call:1", **given: Any) -> Lead:
    with scopes.acting(scope):
        return raise_lead(**{"channel": "hotline", "source": source, "area": VILLAGE, "reason": "生活困难", "urgency": "red", "now": NOW} | given)


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


def day(on: date) -> dict[str, Any]:
    return {"on": on, "now": datetime(on.year, on.month, on.day, 6, tzinfo=CHINA), "area": "41"}


def rounds(on: date, area: str = "41") -> int:
    with scopes.acting(PROVINCE):
        return escalate(**day(on) | {"area": area}).escalated


def open_todos() -> set[tuple[str, str, str]]:
    with scopes.acting(PROVINCE):
        return set(Todo.objects.filter(done_at=None).values_list("kind", "duty", "area"))


@pytest.mark.django_db
def test_1_5_a_lead_is_given_to_somebody_reassigned_and_taken_back_with_one_open_to_do(town: scopes.Scope) -> None:
    lead = signal(town)
    first, second = officer(Duty.VISITOR, VILLAGE, name="杨建国"), officer(Duty.DISCOVERY_MEMBER, VILLAGE)
    with scopes.acting(town):
        assign_lead(lead_id=lead.pk, version=1, posting_id=first.posting_id, note="请今天上门", now=NOW)
        assert LeadEvent.objects.filter(lead=lead, what="assigned").get().note.startswith("分派给杨建国")
        assert open_todos() == {("lead", Duty.VISITOR, VILLAGE)}
        assign_lead(lead_id=lead.pk, version=2, posting_id=second.posting_id, note="", now=NOW)
        assert open_todos() == {("lead", Duty.DISCOVERY_MEMBER, VILLAGE)}
        back = assign_lead(lead_id=lead.pk, version=3, posting_id=None, note="", now=NOW)
        assert (back.state, open_todos()) == ("new", {("lead", Duty.TOWNSHIP_OFFICER, VILLAGE)})
        with pytest.raises(ValidationError):
            assign_lead(lead_id=lead.pk, version=4, posting_id=None, note="", now=NOW)


@pytest.mark.django_db
def test_1_5_only_people_who_are_posted_here_today_can_be_given_a_lead(town: scopes.Scope) -> None:
    lead = signal(town)
    gone, finance, far = officer(Duty.VISITOR, VILLAGE), officer(Duty.FINANCE_OFFICER, COUNTY), officer(Duty.VISITOR, ELSEWHERE)
    with scopes.acting(PROVINCE):
        Posting.objects.filter(pk=gone.posting_id).update(ends=NOW.date())
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="在任岗位"):
            assign_lead(lead_id=lead.pk, version=1, posting_id=gone.posting_id, note="", now=NOW)
        for unseen in (finance, far):
            with pytest.raises(Posting.DoesNotExist):
                assign_lead(lead_id=lead.pk, version=1, posting_id=unseen.posting_id, note="", now=NOW)
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)), pytest.raises(PermissionDenied):
        assign_lead(lead_id=lead.pk, version=1, posting_id=None, note="", now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])), pytest.raises(Lead.DoesNotExist):
        assign_lead(lead_id=lead.pk, version=1, posting_id=far.posting_id, note="", now=NOW)


@pytest.mark.django_db
def test_1_5_a_visitor_sees_the_leads_of_the_own_village_only_and_those_given_to_them_from_another(town: scopes.Scope) -> None:
    other = officer(Duty.VISITOR, OTHER_VILLAGE)
    lead = signal(town)
    signal(town, "call:2")
    with scopes.acting(other):
        assert not Lead.objects.exists()
    with scopes.acting(town):
        assign_lead(lead_id=lead.pk, version=1, posting_id=other.posting_id, note="现住在该村", now=NOW)
    with scopes.acting(other):
        assert list(Lead.objects.values_list("id", flat=True)) == [lead.pk]
        assert advance_lead(lead_id=lead.pk, version=2, after="verified", note="已上门核实", now=NOW).state == "verified"


@pytest.mark.django_db
def test_1_5_what_the_visitor_of_the_village_settles_waits_for_nobody_at_the_township(town: scopes.Scope) -> None:
    """A to-do at the township's own posting lies above the village: its visitor does not see it."""
    lead, other = signal(town), signal(town, "call:2")
    with scopes.acting(town):
        for each in (lead, other):
            assign_lead(lead_id=each.pk, version=1, posting_id=town.posting_id, note="", now=NOW)
        assert open_todos() == {("lead", Duty.TOWNSHIP_OFFICER, TOWN)}
        raise_todo(
            kind="lead.urged", area=TOWN, duty=Duty.TOWNSHIP_OFFICER, title="群众再次来电", url=f"/leads/{lead.pk}/", subject="lead", subject_id=lead.pk, now=NOW
        )  # fmt: skip
    with scopes.acting(officer(Duty.VISITOR, ELSEWHERE)), connection.cursor() as cursor:
        cursor.execute("select doudi.end_lead_todos(%s, '', %s)", [[lead.pk, other.pk], NOW])
        assert cursor.fetchone() == (0,), "who does not work on a lead ends nothing of it"
    visitor = officer(Duty.VISITOR, VILLAGE)
    with scopes.acting(visitor):
        advance_lead(lead_id=lead.pk, version=2, after="contacted", note="", now=NOW)
        advance_lead(lead_id=other.pk, version=2, after="verified", note="已上门核实，情况属实", now=NOW)
    with scopes.acting(town):
        assert [row.title for row in Todo.objects.filter(done_at=None)] == [f"救助线索 {lead.number}：核实"]
        assert set(Todo.objects.exclude(done_at=None).filter(area=TOWN).values_list("done_at", "done_by")) == {(NOW, visitor.account_id)}
    with scopes.acting(visitor):
        advance_lead(lead_id=lead.pk, version=3, after="not_in_need", note="子女已接走照料", now=NOW)
    assert open_todos() == set()


@pytest.mark.django_db
def test_1_5_who_cannot_be_reached_is_tried_again_by_a_day_that_the_place_sets(town: scopes.Scope) -> None:
    lead = signal(town)
    with scopes.acting(town):
        advance_lead(lead_id=lead.pk, version=1, after="unreachable", note="无人应门", now=NOW)
        todo = Todo.objects.get(done_at=None)
        assert (todo.due, todo.title[-4:]) == (date(2022, 11, 29), "再次联系")
        again = advance_lead(lead_id=lead.pk, version=2, after="unreachable", note="仍无人", now=NOW + timedelta(days=1))
        assert (again.attempts, again.retry_due) == (2, date(2022, 11, 30))
        assert advance_lead(lead_id=lead.pk, version=3, after="contacted", note="", now=NOW + timedelta(days=2)).retry_due is None
        assert Todo.objects.get(done_at=None).due == lead.verify_due


@pytest.mark.django_db
def test_1_5_an_overdue_contact_goes_up_township_county_city_one_to_do_each_and_then_rests(town: scopes.Scope) -> None:
    officer(Duty.VISITOR, VILLAGE)
    lead = signal(town)  # due on Tuesday the 29th
    assert [rounds(date(2022, 11, each)) for each in (29, 30, 30)] == [0, 1, 0]
    assert rounds(date(2022, 12, 1)) == 1
    assert [rounds(date(2022, 12, each)) for each in (2, 3, 4, 5, 6)] == [1, 0, 0, 0, 0]
    overdue = {(duty, area) for kind, duty, area in open_todos() if kind == "lead_overdue"}
    assert overdue == {(Duty.TOWNSHIP_OFFICER, TOWN), (Duty.COUNTY_REVIEWER, COUNTY), (Duty.SUPERVISOR, CITY)}
    with scopes.acting(PROVINCE):
        notes = list(LeadEvent.objects.filter(lead=lead, what="escalated").order_by("id").values_list("note", flat=True))
        assert notes == ["超期未联系，乡镇督办", "超期未联系，县级督办", "超期未联系，市级督办"]
    with scopes.acting(town):
        advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
    assert {kind for kind, _duty, _area in open_todos()} == {"lead"}
    assert rounds(date(2022, 12, 7)) == 1  # verification was due on the 5th: it begins again at the township


@pytest.mark.django_db
def test_1_5_what_the_township_itself_leaves_lying_goes_to_the_county_and_not_on_a_holiday(town: scopes.Scope) -> None:
    signal(town, now=datetime(2022, 9, 29, 9, tzinfo=CHINA))  # Thursday; due on Friday the 30th, before the holiday week
    assert [rounds(date(2022, 10, each)) for each in (1, 5, 7)] == [0, 0, 0]
    assert rounds(date(2022, 10, 8)) == 1  # a Saturday that is worked
    assert ("lead_overdue", Duty.COUNTY_REVIEWER, COUNTY) in open_todos()


@pytest.mark.django_db
def test_1_5_a_county_sets_how_long_each_level_has(town: scopes.Scope) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        row = propose_setting(
            parameter="procedure.lead.escalate_days", area=COUNTY, starts=date(2022, 11, 1), value="3", document="牟民文〔2022〕9号", now=NOW
        )
    with scopes.acting(officer(Duty.COUNTY_APPROVER, COUNTY)):
        confirm_setting(setting_id=row.pk, now=NOW)
    signal(town)
    assert [rounds(date(2022, *each)) for each in ((11, 30), (12, 1), (12, 2), (12, 5))] == [1, 0, 0, 1]


@pytest.mark.django_db
def test_1_5_the_round_of_one_county_leaves_others_alone(town: scopes.Scope) -> None:
    signal(town)
    assert rounds(date(2022, 11, 30), area="410102") == 0 and rounds(date(2022, 11, 30), area=COUNTY) == 1


@pytest.mark.django_db
def test_1_5_a_visitor_who_left_leaves_the_leads_to_the_successor_or_the_township(town: scopes.Scope) -> None:
    first = officer(Duty.VISITOR, VILLAGE)
    lead = signal(town)
    with scopes.acting(PROVINCE):
        Posting.objects.filter(pk=first.posting_id).update(ends=NOW.date())
        assert escalate(**day(NOW.date())).released == 1
        lead.refresh_from_db()
        assert (lead.state, lead.posting_id, open_todos()) == ("new", None, {("lead", Duty.TOWNSHIP_OFFICER, VILLAGE)})
        assert LeadEvent.objects.filter(lead=lead, what="released").count() == 1
    second, third = officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.VISITOR, OTHER_VILLAGE)
    lead = signal(town, "call:2", area=OTHER_VILLAGE)
    had, has = (second, third) if lead.posting_id == second.posting_id else (third, second)
    with scopes.acting(PROVINCE):
        Posting.objects.filter(pk=had.posting_id).update(ends=NOW.date())
        assert escalate(**day(NOW.date())).released == 1
        lead.refresh_from_db()
        assert (lead.state, lead.posting_id) == ("assigned", has.posting_id)


@pytest.mark.django_db
def test_1_5_a_lead_passed_on_to_a_department_ends_its_clock_and_is_finished_by_the_answer(town: scopes.Scope) -> None:
    lead = signal(town)
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="二选一"):
            refer_lead(lead_id=lead.pk, version=1, note="请协助", now=NOW)
        passed = refer_lead(lead_id=lead.pk, version=1, department="medical", note="已符合医疗救助条件", now=NOW)
        assert passed.state == "referred" and not Todo.objects.filter(done_at=None).exists()
        assert LeadEvent.objects.filter(lead=lead, after="referred").get().note == "转医疗保障：已符合医疗救助条件"
        with pytest.raises(StaleLead):
            refer_lead(lead_id=lead.pk, version=1, department="medical", note="已符合", now=NOW)
        assert advance_lead(lead_id=lead.pk, version=2, after="helped", note="医保局已报销", now=NOW).state == "helped"


@pytest.mark.django_db
def test_1_5_3_1_a_lead_for_another_county_crosses_as_a_frozen_copy_and_its_result_comes_back(town: scopes.Scope) -> None:
    there = officer(Duty.COUNTY_REVIEWER, ELSEWHERE[:6])
    lead = signal(town, subject=Subject(name="陈大山", phone="13800001234"), detail="母亲独自在那边")
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="分派"):
            refer_lead(lead_id=lead.pk, version=1, to_area=OTHER_VILLAGE, note="人在外县", now=NOW)
        refer_lead(lead_id=lead.pk, version=1, to_area=ELSEWHERE[:6], note="人在外县", now=NOW)
    with scopes.acting(there):
        assert not Lead.objects.exists()
        copy = LeadReferral.objects.get()
        assert (copy.subject_name, copy.detail, copy.area) == ("陈大山", "母亲独自在那边", ELSEWHERE[:6])
        assert Todo.objects.get(done_at=None).kind == "lead_referral"
        taken = take_referral(referral_id=copy.pk, area=ELSEWHERE, now=NOW)
        assert take_referral(referral_id=copy.pk, area=ELSEWHERE, now=NOW).pk == taken.pk
        assert (taken.channel, taken.shown_name, taken.area) == ("referral", "陈大山", ELSEWHERE)
        advance_lead(lead_id=taken.pk, version=None, after="verified", note="已上门核实", now=NOW)
        advance_lead(lead_id=taken.pk, version=None, after="helped", note="已给予临时救助", now=NOW)
    with scopes.acting(town):
        assert LeadReferral.objects.get().result == "helped" and not Lead.objects.filter(pk=taken.pk).exists()
        with pytest.raises(LeadReferral.DoesNotExist):
            take_referral(referral_id=copy.pk, area=VILLAGE, now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410102002")):
        assert not LeadReferral.objects.exists()


@pytest.mark.django_db
def test_1_5_a_referral_cannot_name_a_lead_of_another_place(town: scopes.Scope) -> None:
    lead = signal(town)
    with pytest.raises(IntegrityError, match="discovery_leadreferral_lead_area"), scopes.acting(town):
        LeadReferral.objects.create(
            area=ELSEWHERE, from_area=OTHER_VILLAGE, lead=lead, urgency="red", reason="x", note="x", sent_by_id=town.account_id, sent_at=NOW
        )
        scopes.check_constraints()


def test_1_5_two_officers_who_give_one_lead_to_two_visitors_at_once_one_is_told(committed_db: None) -> None:
    towns = [officer(Duty.TOWNSHIP_OFFICER, TOWN) for _ in range(2)]
    home = household(towns[0])
    lead = signal(towns[0], household_id=home.pk)
    visitors = [officer(Duty.VISITOR, VILLAGE) for _ in range(2)]
    start, results = threading.Barrier(2), []

    def give(number: int) -> None:
        try:
            with scopes.acting(towns[number]):
                start.wait(10)
                assign_lead(lead_id=lead.pk, version=1, posting_id=visitors[number].posting_id, note="", now=NOW)
            results.append("done")
        except StaleLead:
            results.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["done", "told"]
    with scopes.acting(towns[0]):
        assert LeadEvent.objects.filter(lead=lead, what="assigned").count() == 1


@pytest.mark.django_db
def test_1_5_many_leads_are_given_at_once_and_what_cannot_be_given_is_named_with_its_reason(town: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    visitor, elsewhere, finance = officer(Duty.VISITOR, VILLAGE, name="杨建国"), officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.FINANCE_OFFICER, TOWN)
    leads = [signal(town, f"call:{number}", area=place) for number, place in enumerate((VILLAGE[:9], VILLAGE[:9], VILLAGE, OTHER_VILLAGE))]
    stay = signal(town, "call:9", area=OTHER_VILLAGE, residence_area=VILLAGE)
    far = signal(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9]), "call:8", area=ELSEWHERE)
    closed = signal(town, "call:7", area=VILLAGE)
    with scopes.acting(town):
        assign_lead(lead_id=stay.pk, version=None, posting_id=None, note="", now=NOW)
        advance_lead(lead_id=closed.pk, version=None, after="contacted", note="", now=NOW)
        advance_lead(lead_id=closed.pk, version=None, after="not_in_need", note="子女已返家照料", now=NOW)
        here = [lead.pk for lead in leads]
        for place in here[:2]:
            Lead.objects.filter(pk=place).update(residence_area=VILLAGE)
        with django_assert_max_num_queries(14):
            outcome = assign_leads(lead_ids=[*here, stay.pk, far.pk, closed.pk, 10**12], posting_id=visitor.posting_id, note="本周上门", now=NOW)
        assert outcome.done == [here[0], here[1], stay.pk]
        assert {pk: reason[:4] for pk, reason in outcome.refused.items()} == {
            here[2]: "已由此人", here[3]: "不在此人", far.pk: "不存在或", closed.pk: "目前为“", 10**12: "不存在或",
        }  # fmt: skip
        assert set(Lead.objects.filter(posting=visitor.posting_id, state="assigned").values_list("pk", flat=True)) == {*outcome.done, here[2]}
        assert LeadEvent.objects.filter(what="assigned", note__contains="杨建国（").filter(note__endswith="；本周上门").count() == 3
        assert Todo.objects.filter(done_at=None, posting=visitor.posting_id, kind="lead").count() == 4
        back = assign_leads(lead_ids=here, posting_id=None, note="", now=NOW)
        assert back.done == here and Todo.objects.filter(done_at=None, duty=Duty.TOWNSHIP_OFFICER, kind="lead").count() == 4
        again = assign_leads(lead_ids=here, posting_id=None, note="", now=NOW)
        assert again.done == [] and set(again.refused.values()) == {"已由乡镇办理"}
        with pytest.raises(ValidationError, match="在任岗位"):
            assign_leads(lead_ids=here, posting_id=finance.posting_id, note="", now=NOW)
    with scopes.acting(visitor), pytest.raises(PermissionDenied):
        assign_leads(lead_ids=here, posting_id=elsewhere.posting_id, note="", now=NOW)
