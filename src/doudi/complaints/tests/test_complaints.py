"""Objections and complaints: two officers, clocks, who sees whom, what closing changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from doudi.complaints import services
from doudi.complaints.models import Complainant, Complaint, ComplaintEvent, MassClose
from doudi.complaints.services import Links
from doudi.complaints.tests.world import ANSWER, NOW, ON, Office
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Setting, Todo
from doudi.core.tests.officers import officer
from doudi.discovery.models import Lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return Office()


def open_todos(kind: str) -> int:
    with scopes.acting(scopes.Scope(area="41")):
        return Todo.objects.filter(kind=kind, done_at=None).count()


def test_a_complaint_goes_from_the_desk_to_the_answer(office: Office) -> None:
    row = office.opened()
    assert (row.state, row.due, row.area) == ("new", date(2022, 12, 19), office.given.household.area)  # ten working days
    assert open_todos("complaints.assign") == 1
    done = office.closed(row)
    assert (done.state, done.closed_by_id, done.handler_id) == ("closed", office.approver.account_id, office.second.account_id)
    assert open_todos("complaints.assign") + open_todos("complaints.handle") + open_todos("complaints.approve") == 0
    with scopes.acting(office.reviewer):
        assert list(row.events.order_by("id").values_list("what", flat=True)) == ["登记", "分派", "签收办理", "提出办理意见", "审批办结"]


def test_the_same_form_twice_is_one_complaint(office: Office) -> None:
    uuid = uuid4()
    assert office.opened(uuid=uuid).pk == office.opened(uuid=uuid, content="另一段文字").pk


def test_the_clock_is_by_category_and_place_and_dated(office: Office) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        for starts, value in ((date(2022, 1, 1), "3"), (date(2023, 1, 1), "8")):
            Setting.objects.create(
                area="410122", parameter="procedure.complaint.days.payment", starts=starts, value=value, document="x", state="confirmed",
                proposed_by_id=office.reviewer.account_id, proposed_at=NOW, decided_by_id=office.approver.account_id, decided_at=NOW,
            )  # fmt: skip
    assert office.opened(category="payment").due == date(2022, 12, 8)
    later = datetime.fromisoformat("2023-01-03T10:00+08:00")
    assert office.opened(category="payment", now=later).due == date(2023, 1, 13)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410181")) as far:
        assert office.opened(by=far, category="payment", links=Links(), area="410181").due == date(2022, 12, 12)


def test_who_handled_it_does_not_close_it(office: Office) -> None:
    row = office.proposed()
    both = scopes.Scope(area="410122", account_id=office.second.account_id, duty=Duty.COUNTY_APPROVER)
    with scopes.acting(both), pytest.raises(PermissionDenied):
        services.approve_close(complaint_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(office.second), pytest.raises(PermissionDenied):
        services.approve_close(complaint_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(office.approver), pytest.raises(IntegrityError), transaction.atomic():  # nor does the database let it
        Complaint.objects.filter(pk=row.pk).update(state="closed", closed_by=office.second.account_id, closed_at=NOW)


def test_closed_twice_is_told_and_changes_nothing(office: Office) -> None:
    row = office.closed()
    with scopes.acting(office.other_approver):
        with pytest.raises(ValidationError, match="已办结"):
            services.approve_close(complaint_id=row.pk, version=row.version, now=NOW)
        with pytest.raises(ValidationError, match="刚由他人办理"):
            services.send_back(complaint_id=row.pk, version=row.version - 1, note="再查", now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            Complaint.objects.filter(pk=row.pk).update(finding="unfounded")


def test_the_officer_complained_about_sees_nothing_of_it_and_cannot_handle_it(office: Office) -> None:
    row = office.opened(by=office.town, kind="complaint", category="conduct", about_account=office.second.account_id)
    with scopes.acting(office.city):
        assert Todo.objects.get(kind="complaints.assign").duty == Duty.SUPERVISOR  # the county's own reviewers do not even see that there is one
    with scopes.acting(office.second):
        assert not Complaint.objects.exists() and not Complainant.objects.exists() and not ComplaintEvent.objects.exists()
        with pytest.raises(ValidationError, match="没有这件异议投诉"):
            services.begin(complaint_id=row.pk, version=1, now=NOW)
    with pytest.raises(ValidationError, match=r"请另选承办人|不能办理"):
        office.assigned(row, office.second)
    with scopes.acting(office.reviewer), pytest.raises(IntegrityError), transaction.atomic():
        Complaint.objects.filter(pk=row.pk).update(handler=office.second.account_id)
    with pytest.raises(ValidationError, match="您本人"):
        office.opened(by=office.second, about_account=office.second.account_id)


def test_a_complaint_about_the_countys_reviewer_goes_to_the_city_and_one_about_a_township_to_the_county(office: Office) -> None:
    for by in (office.town, office.reviewer):
        for about, duty in ((office.second, Duty.SUPERVISOR), (officer(Duty.CHILD_SUPERVISOR, office.town.area), Duty.COUNTY_REVIEWER)):
            row = office.opened(by=by, kind="complaint", category="conduct", about_account=about.account_id)
            with scopes.acting(office.city):
                assert Todo.objects.get(kind="complaints.assign", subject_id=row.pk).duty == duty


def test_who_decided_what_is_objected_to_does_not_handle_it(office: Office) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        decision = office.given.award.decision
        proposer = decision.proposed_by_id
    row = office.opened(links=Links(decision=decision.pk))
    assert row.household_id == office.given.household.pk
    with scopes.acting(office.reviewer), pytest.raises(ValidationError, match="不能办理"):
        services.assign(complaint_id=row.pk, version=1, account_id=proposer, now=NOW)


def test_the_complainant_is_sealed_and_a_look_is_recorded(office: Office) -> None:
    row = office.working()
    with scopes.acting(scopes.Scope(area="41")), connection.cursor() as cursor:
        cursor.execute("select name from complaints_complainant where complaint_id = %s", [row.pk])
        assert "张三".encode() not in bytes(cursor.fetchone()[0])
        cursor.execute("select content from complaints_complaint where id = %s", [row.pk])
        assert "低保金".encode() not in bytes(cursor.fetchone()[0])
    for nobody in (office.town, office.reviewer, office.approver):
        with scopes.acting(nobody), pytest.raises(PermissionDenied):
            services.reveal_complainant(complaint_id=row.pk, reason="看看")
    for somebody in (office.second, office.city):
        with scopes.acting(somebody):
            with pytest.raises(ValidationError):
                services.reveal_complainant(complaint_id=row.pk, reason=" ")
            assert services.reveal_complainant(complaint_id=row.pk, reason="回访核实").name == "张三"
            assert AccessRecord.objects.filter(what="reveal", subject="complaint", subject_id=row.pk, account_id=somebody.account_id).count() == 1


def test_an_anonymous_report_has_no_identity(office: Office) -> None:
    row = office.opened(kind="report", category="wrong_receipt", name="", channel="phone")
    with scopes.acting(office.city):
        assert row.anonymous and not Complainant.objects.exists()
        with pytest.raises(PermissionDenied):
            services.reveal_complainant(complaint_id=row.pk, reason="查")
    with pytest.raises(ValidationError, match=r"手机|电话|号码"), scopes.acting(office.town):
        services.open_complaint(
            uuid=uuid4(), kind="report", category="other", channel="phone", content="反映情况如下", identity=services.Identity("李四", "12345"), now=NOW
        )


def test_on_hold_the_clock_stands_and_runs_again_by_itself(office: Office) -> None:
    row = office.working()
    with scopes.acting(office.second):
        for until in (ON, ON + timedelta(days=61)):
            with pytest.raises(ValidationError, match="暂停至"):
                services.hold(complaint_id=row.pk, version=row.version, reason="等待银行核查", until=until, now=NOW)
        row = services.hold(complaint_id=row.pk, version=row.version, reason="等待银行核查", until=date(2022, 12, 12), now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker", acts=frozenset({"complaints.escalate"}))):
        assert services.escalate(area="41", on=date(2022, 12, 30), now=NOW) == 0  # late by the calendar, but the clock stands
        later = datetime.fromisoformat("2022-12-12T08:00+08:00")
        assert services.end_holds(on=date(2022, 12, 11), now=later) == 0
        assert services.end_holds(on=date(2022, 12, 12), now=later) == 1
        row.refresh_from_db()
    assert (row.state, row.due, row.hold_until) == ("in_progress", date(2022, 12, 26), None)  # five working days later


def test_what_is_overdue_goes_up_once_a_level(office: Office) -> None:
    row = office.opened(category="payment")  # due on 12 December
    worker = scopes.Scope(area="41", duty="worker", acts=frozenset({"complaints.escalate"}))
    with scopes.acting(worker):
        steps = [(date(2022, 12, 12), 0), (date(2022, 12, 13), 1), (date(2022, 12, 13), 0), (date(2022, 12, 17), 0), (date(2022, 12, 16), 1), (date(2022, 12, 30), 0)]
        for on, expected in steps:
            assert services.escalate(area="41", on=on, now=NOW) == expected, on
        assert list(Todo.objects.filter(kind="complaints.overdue").order_by("id").values_list("duty", "area")) == [
            (Duty.COUNTY_REVIEWER, row.area), (Duty.SUPERVISOR, row.area)
        ], "at the complaint's own place: the county that closes it may finish the city's too"  # fmt: skip


def test_closing_suspends_the_award_and_opens_a_review(office: Office) -> None:
    done = office.closed(action="suspend")
    with scopes.acting(office.reviewer):
        office.given.award.refresh_from_db()
        assert office.given.award.suspended
        lead = Lead.objects.get(programme="review")
        assert lead.household_id == done.household_id
        assert lead.number in done.events.order_by("-id")[0].note
    with scopes.acting(office.reviewer):
        again = services.reopen(complaint_id=done.pk, version=done.version, reason="家庭提出新证据", now=NOW)
    assert office.closed(again, action="suspend").reopened == 1  # suspended already: no error


def test_closing_a_payment_matter_and_a_referral_raise_the_work(office: Office) -> None:
    office.closed(action="payment")
    assert open_todos("complaints.payment") == 1
    office.closed(action="refer", department="police")
    assert open_todos("complaints.refer") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"action": "refer"}, "请选择部门"), ({"department": "police"}, "请选择部门"), ({"finding": "unfounded", "action": "suspend"}, "不能暂停发放"),
        ({"finding": "yes"}, "调查结论"),
    ],
)  # fmt: skip
def test_a_closing_that_does_not_fit_is_refused(office: Office, words: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        office.proposed(**words)  # type: ignore[arg-type]


def test_sent_back_it_goes_on_with_its_handler(office: Office) -> None:
    row = office.proposed()
    with scopes.acting(office.approver):
        with pytest.raises(ValidationError, match="理由"):
            services.send_back(complaint_id=row.pk, version=row.version, note="", now=NOW)
        row = services.send_back(complaint_id=row.pk, version=row.version, note="请补充银行流水", now=NOW)
    assert (row.state, row.finding, row.handler_id) == ("in_progress", "", office.second.account_id)


def test_many_are_closed_for_one_reason_by_two_officers_and_one_is_reopened(office: Office) -> None:
    rows = [office.opened(category="payment") for _ in range(3)]
    rows.append(office.assigned(office.opened(category="payment"), office.town))
    ids = [row.pk for row in rows]
    words = {"finding": "upheld", "reason": "银行系统升级延迟到账", "answer": ANSWER, "now": NOW}
    with scopes.acting(office.reviewer):
        with pytest.raises(ValidationError, match="2 至"):
            services.propose_mass_close(complaint_ids=ids[:1], **words)
        batch = services.propose_mass_close(complaint_ids=[*ids, ids[0]], **words)
        with pytest.raises(ValidationError, match="待审批"):
            services.propose_mass_close(complaint_ids=ids, **words)
    with scopes.acting(scopes.Scope(area="41", duty="worker", acts=frozenset({"complaints.escalate"}))):
        assert services.escalate(area="41", on=date(2022, 12, 13), now=NOW) == 4
    with scopes.acting(scopes.Scope(area="410122", account_id=office.reviewer.account_id, duty=Duty.COUNTY_APPROVER)), pytest.raises(PermissionDenied):
        services.approve_mass_close(mass_id=batch.pk, now=NOW)
    with scopes.acting(office.approver):
        assert services.approve_mass_close(mass_id=batch.pk, now=NOW) == 4
        assert not Todo.objects.filter(kind="complaints.overdue", done_at=None).exists(), "nothing is overdue any more"
        with pytest.raises(ValidationError, match="已由他人办理"):
            services.approve_mass_close(mass_id=batch.pk, now=NOW)
    with scopes.acting(office.reviewer):
        row = Complaint.objects.get(pk=ids[0])
        assert row.state == "closed"
        row = services.reopen(complaint_id=row.pk, version=row.version, reason="实际没有到账", now=NOW)
        assert (row.state, row.mass_id, row.finding, row.due) == ("reopened", None, "", date(2022, 12, 12))
        assert MassClose.objects.get().state == "approved"
    assert office.closed(row).state == "closed"


def test_a_batch_with_something_out_of_reach_closes_nothing(office: Office) -> None:
    mine = [office.opened(), office.opened()]
    far = officer(Duty.COUNTY_REVIEWER, "410181")
    other = office.opened(by=far, links=Links(), area="410181")
    about = office.opened(kind="complaint", about_account=office.reviewer.account_id)
    with scopes.acting(office.reviewer):
        for foreign in (other, about):
            with pytest.raises(ValidationError, match="不在您的办理范围内"):
                services.propose_mass_close(complaint_ids=[*(row.pk for row in mine), foreign.pk], finding="upheld", reason="同一原因", answer=ANSWER, now=NOW)
        assert set(Complaint.objects.values_list("state", flat=True)) == {"new"}


def test_a_mass_close_sent_back_gives_each_to_be_handled(office: Office) -> None:
    ids = [office.opened().pk for _ in range(2)]
    with scopes.acting(office.reviewer):
        batch = services.propose_mass_close(complaint_ids=ids, finding="unfounded", reason="同一原因造成", answer=ANSWER, now=NOW)
    with scopes.acting(office.approver):
        services.send_back_mass_close(mass_id=batch.pk, note="逐件核实", now=NOW)
        assert set(Complaint.objects.values_list("state", "mass", "proposed_by")) == {("in_progress", None, None)}
    row = office.assigned(Complaint(pk=ids[0]))
    assert row.state == "assigned"


def test_many_at_once_take_as_many_statements_as_two(office: Office, django_assert_max_num_queries) -> None:
    ids = [office.opened(category="payment").pk for _ in range(9)]
    words = {"finding": "upheld", "reason": "银行系统升级延迟到账", "answer": ANSWER, "now": NOW}
    with scopes.acting(office.reviewer):
        late = date(2022, 12, 30)
        with django_assert_max_num_queries(24):
            assert services.escalate(area="410122", on=late, now=NOW) == 9
        assert Todo.objects.filter(kind="complaints.overdue", done_at=None).count() == ComplaintEvent.objects.filter(what="县级督办").count() == 9
        with django_assert_max_num_queries(16):
            batch = services.propose_mass_close(complaint_ids=ids, **words)
        assert not Todo.objects.filter(subject="complaint", done_at=None).exists()
    with scopes.acting(office.approver), django_assert_max_num_queries(16):
        assert services.approve_mass_close(mass_id=batch.pk, now=NOW) == 9
    with scopes.acting(office.reviewer):
        assert ComplaintEvent.objects.filter(complaint=ids[0]).count() == 4 and Complaint.objects.get(pk=ids[0]).version == 4


def test_another_county_sees_and_links_nothing(office: Office) -> None:
    row = office.opened()
    far = officer(Duty.COUNTY_REVIEWER, "410181")
    with scopes.acting(far):
        assert not Complaint.objects.exists() and not Complainant.objects.exists()
        with pytest.raises(ValidationError, match="没有这件"):
            services.assign(complaint_id=row.pk, version=1, account_id=far.account_id, now=NOW)
        with pytest.raises(ValidationError, match="不存在"):
            services.open_complaint(
                uuid=uuid4(), kind="objection", category="amount", channel="phone", content="想看别县的家庭", links=Links(household=office.given.household.pk), now=NOW
            )
        with pytest.raises(ValidationError, match="管辖范围"):
            services.open_complaint(uuid=uuid4(), kind="report", category="other", channel="phone", content="想登记到别县", area="410122", now=NOW)
    with scopes.acting(office.reviewer), pytest.raises(ValidationError, match="没有在此地"):
        services.assign(complaint_id=row.pk, version=1, account_id=far.account_id, now=NOW)


def test_two_approvers_at_once_one_wins_and_the_other_is_told(committed_db: None) -> None:
    office = Office()
    row = office.proposed(action="suspend")
    barrier, told, won = Barrier(2), [], []

    def go(scope: scopes.Scope) -> None:
        barrier.wait()
        try:
            with scopes.acting(scope):
                services.approve_close(complaint_id=row.pk, version=row.version, now=NOW)
            won.append(scope.account_id)
        except ValidationError as error:
            told.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=go, args=(each,)) for each in (office.approver, office.other_approver)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and "刚由他人办理" in told[0]
    with scopes.acting(scopes.Scope(area="41")):
        assert Lead.objects.filter(programme="review").count() == 1
