"""Delegated confirmation: what townships confirmed, spot checks that anybody can draw again, findings of others, wrong ones opened again."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.utils import DatabaseError

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import MONTH, NOW, case
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.enrolment import services
from doudi.enrolment.models import Award, Decision, Review, SpotCheck, SpotCheckItem, SpotCheckStratum
from doudi.enrolment.services.spot_checks import rates, same_again

pytestmark = pytest.mark.django_db
OTHER = "410122102"
STARTS, ENDS = date(2022, 11, 1), date(2022, 11, 30)
LATER = NOW + timedelta(days=12)


class Staff:
    """One township officer who proposes and an approver posted there who confirms, for two townships; the county's officers."""

    def __init__(self) -> None:
        self.town = {place: officer(Duty.TOWNSHIP_OFFICER, place, name="赵提出") for place in (TOWNSHIP, OTHER)}
        self.confirms = {place: officer(Duty.COUNTY_APPROVER, place, name="孙确认") for place in (TOWNSHIP, OTHER)}
        self.reviewer = officer(Duty.COUNTY_REVIEWER, COUNTY, name="周审核")
        self.second = officer(Duty.COUNTY_REVIEWER, COUNTY, name="吴复核")
        self.approver = officer(Duty.COUNTY_APPROVER, COUNTY, name="钱审批")

    def confirm(self, count: int, *, place: str = TOWNSHIP, programme: str = "dibao", now: datetime = NOW, by: scopes.Scope | None = None) -> list[Decision]:
        made = []
        with scopes.acting(self.town[place]):
            for _number in range(count):
                home = case({"wage_income": 1200}, {"name": "李四", "disability": (1, "physical")}, area=place + "201")
                row = assessing.assess(household=home.household, month=MONTH, trigger="officer", now=now)
                person = home.people[1].pk if programme.startswith("disability") else None
                made.append(services.propose(assessment=row, programme=programme, person_id=person, now=now))
        with scopes.acting(by or self.confirms[place]):
            services.approve_many(decisions=[(d.pk, d.version) for d in made], now=now)
        return made

    def draw(self, **options: Any) -> SpotCheck:
        with scopes.acting(self.reviewer):
            return services.draw_spot_check(**({"area": COUNTY, "starts": STARTS, "ends": ENDS, "now": LATER} | options))

    def items(self) -> list[SpotCheckItem]:
        with scopes.acting(self.reviewer):
            return list(SpotCheckItem.objects.select_related("decision").order_by("id"))

    def find(self, item: SpotCheckItem, finding: str = "in_order", text: str = "", by: scopes.Scope | None = None) -> SpotCheckItem:
        with scopes.acting(by or self.reviewer):
            return services.record_finding(item_id=item.pk, version=item.version, finding=finding, text=text, now=LATER)


@pytest.fixture
def staff() -> Staff:
    return Staff()


def test_only_what_townships_confirmed_is_in_the_frame_and_says_who(staff) -> None:
    mine = staff.confirm(2)
    staff.confirm(1, by=staff.approver)
    check = staff.draw()
    assert (check.size, check.share, check.state) == (2, 30, "open")
    assert {i.decision_id for i in staff.items()} <= {d.pk for d in mine}
    with scopes.acting(staff.reviewer):
        assert Decision.objects.filter(by_township=True).count() == 2
        assert {i.confirmed_by_id for i in staff.items()} == {staff.confirms[TOWNSHIP].account_id}


def test_the_draw_is_by_stratum_at_least_one_and_rounded_up(staff) -> None:
    staff.confirm(7)
    staff.confirm(1, programme="disability_nursing")
    staff.confirm(4, place=OTHER)
    check = staff.draw(share=30, seed=11)
    with scopes.acting(staff.reviewer):
        strata = {(s.area, s.programme): (len(s.frame), s.drawn) for s in SpotCheckStratum.objects.filter(check_of=check)}
        assert strata == {(TOWNSHIP, "dibao"): (7, 3), (TOWNSHIP, "disability_nursing"): (1, 1), (OTHER, "dibao"): (4, 2)}
    assert Counter((i.area[:9], i.programme) for i in staff.items()) == {(TOWNSHIP, "dibao"): 3, (TOWNSHIP, "disability_nursing"): 1, (OTHER, "dibao"): 2}
    assert (check.size, check.drawn) == (12, 6)


def test_anybody_can_draw_again_from_seed_and_frame_even_without_the_database(staff) -> None:
    staff.confirm(9)
    check = staff.draw(seed=20221130, share=50)
    with scopes.acting(staff.reviewer):
        assert same_again(check)
        frame = SpotCheckStratum.objects.get().frame
        wanted = sorted(frame, key=lambda i: (hashlib.sha256(f"20221130:{i}".encode()).digest(), i))[:5]
        assert {i.decision_id for i in staff.items()} == set(wanted)
        SpotCheck.objects.get()
        assert not same_again(SpotCheck(pk=check.pk, seed=1)) or len(frame) == 5


def test_drawn_twice_is_drawn_once_and_nobody_draws_until_it_pleases(staff) -> None:
    staff.confirm(4)
    check = staff.draw(seed=5)
    assert staff.draw(seed=5).pk == staff.draw().pk == check.pk and len(staff.items()) == check.drawn
    for other in ({"seed": 6}, {"starts": date(2022, 11, 20)}, {"ends": date(2022, 12, 5)}):
        with pytest.raises(ValidationError, match="不能重抽"):
            staff.draw(**other)


def test_the_share_is_a_dated_setting_of_the_county(staff) -> None:
    staff.confirm(4)
    with scopes.acting(scopes.Scope(area="41")):
        Setting.objects.create(
            area=COUNTY, parameter="procedure.spot_check.share", starts=date(2022, 12, 1), value="100", document="牟民〔2022〕9号", state="confirmed",
            proposed_by_id=staff.reviewer.account_id, proposed_at=NOW, decided_by_id=staff.approver.account_id, decided_at=NOW,
        )  # fmt: skip
    check = staff.draw()
    assert (check.share, check.drawn) == (100, 4)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"starts": date(2022, 12, 1)}, "不能早于起始"), ({"ends": date(2022, 12, 7)}, "早于今天"), ({"seed": -1}, "随机种子"), ({"share": 0}, "抽查比例"),
        ({"share": 101}, "抽查比例"), ({"area": "410103"}, "管辖范围"), ({"area": TOWNSHIP}, "按县级"), ({"starts": date(2021, 1, 1), "ends": date(2021, 2, 1)}, "没有乡镇确认"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(staff, options, why) -> None:
    staff.confirm(1)
    with pytest.raises(ValidationError, match=why):
        staff.draw(**options)
    with scopes.acting(staff.reviewer):
        assert not SpotCheck.objects.exists() and not SpotCheckStratum.objects.exists()


def test_a_decision_of_the_last_minute_of_the_period_is_in_and_of_midnight_is_not(staff) -> None:
    midnight = datetime.fromisoformat("2022-12-01T00:00:00+08:00")
    (last,) = staff.confirm(1, now=midnight - timedelta(seconds=1))
    staff.confirm(1, now=midnight)
    staff.draw()
    assert [i.decision_id for i in staff.items()] == [last.pk]


def test_the_confirmer_the_proposer_and_townships_do_not_check(staff) -> None:
    staff.confirm(1)
    staff.draw()
    (item,) = staff.items()
    with pytest.raises(PermissionDenied):
        staff.find(item, by=staff.town[TOWNSHIP])
    for account in (item.confirmed_by_id, item.decision.proposed_by_id):
        posted = scopes.Scope(area=COUNTY, account_id=account, duty=Duty.COUNTY_APPROVER, page="test")
        with pytest.raises(PermissionDenied, match="另一名"):
            staff.find(item, by=posted)
    with scopes.acting(staff.reviewer), pytest.raises(DatabaseError), transaction.atomic():
        SpotCheckItem.objects.filter(pk=item.pk).update(finding="in_order", checked_by=item.confirmed_by_id, checked_at=LATER)


def test_a_finding_needs_its_words_and_the_second_officer_is_told(staff) -> None:
    staff.confirm(1)
    staff.draw()
    (item,) = staff.items()
    for finding, text, why in (("wrong", " ", "写明"), ("incomplete", "", "写明"), ("", "x", "请选择"), ("fine", "x", "请选择")):
        with pytest.raises(ValidationError, match=why):
            staff.find(item, finding, text)
    staff.find(item, "incomplete", "缺收入声明")
    with pytest.raises(ValidationError, match="周审核填写（材料不齐）"):
        staff.find(item, by=staff.second)
    (item,) = staff.items()
    assert (item.finding, item.text, item.version) == ("incomplete", "缺收入声明", 2)


def test_what_was_confirmed_wrongly_is_opened_again_and_nothing_approved_is_altered(staff) -> None:
    (decision,) = staff.confirm(1)
    staff.draw()
    (item,) = staff.items()
    with scopes.acting(staff.approver), pytest.raises(ValidationError, match="确认错误"):
        services.reopen_confirmed(item_id=item.pk, version=item.version, pause=False, now=LATER)
    item = staff.find(item, "wrong", "户主名下有经营门面，未计收入")
    with scopes.acting(staff.reviewer), pytest.raises(PermissionDenied):
        services.reopen_confirmed(item_id=item.pk, version=item.version, pause=True, now=LATER)
    with scopes.acting(staff.approver):
        review = services.reopen_confirmed(item_id=item.pk, version=item.version, pause=True, now=LATER)
    with scopes.acting(staff.town[TOWNSHIP]):
        award, todo = Award.objects.get(decision=decision), Todo.objects.get(kind="review.spot", done_at__isnull=True)
        assert award.suspended and todo.duty == Duty.TOWNSHIP_OFFICER and review.award_id == award.pk
        before = Decision.objects.get(pk=decision.pk)
        assert before.state == "approved" and before.content == decision.content
        with pytest.raises(PermissionDenied):
            services.keep_review(review_id=review.pk, version=review.version, reason="我们认为没错", now=LATER)
        stop = services.propose_from_review(
            review_id=review.pk, version=review.version, what="stop", ground="other", from_month=date(2023, 1, 1), reason="核实有门面收入", now=LATER
        )
    with scopes.acting(staff.approver):
        services.approve(decision_id=stop.pk, version=1, now=LATER)
        assert Review.objects.get(pk=review.pk).state == "changed" and Award.objects.get(decision=decision).ends == date(2023, 1, 1)
    with pytest.raises(ValidationError, match="不能再改"):
        staff.find(staff.items()[0], "in_order")


def test_monitoring_leaves_what_a_spot_check_opened(staff) -> None:
    staff.confirm(1)
    staff.draw()
    item = staff.find(staff.items()[0], "wrong", "材料虚假")
    with scopes.acting(staff.reviewer):
        services.reopen_confirmed(item_id=item.pk, version=item.version, pause=False, now=LATER)
        services.monitor(area=COUNTY, month=date(2023, 1, 1), now=LATER)
        assert Review.objects.get(kind="spot").state == "open"
        review = Review.objects.get(kind="spot")
        services.keep_review(review_id=review.pk, version=review.version, reason="复核后认定无误", now=LATER)


def test_closed_it_is_frozen_with_the_rates_of_each_township(staff) -> None:
    staff.confirm(4)
    staff.confirm(1, place=OTHER)
    check = staff.draw(share=50)
    with scopes.acting(staff.reviewer), pytest.raises(ValidationError, match="还有 3 件"):
        services.close_spot_check(check_id=check.pk, now=LATER)
    first, second, third = (i for i in sorted(staff.items(), key=lambda i: i.area))
    staff.find(first)
    wrong = staff.find(second, "wrong", "收入少算")
    staff.find(third, "incomplete", "缺签字")
    with scopes.acting(staff.reviewer):
        with pytest.raises(ValidationError, match="没有重启"):
            services.close_spot_check(check_id=check.pk, now=LATER)
        services.reopen_confirmed(item_id=wrong.pk, version=wrong.version, pause=False, now=LATER)
        closed = services.close_spot_check(check_id=check.pk, note="已通报", now=LATER)
        assert services.close_spot_check(check_id=check.pk, now=LATER).closed_at == closed.closed_at
        assert [(r["area"], r["drawn"], r["in_order"], r["incomplete"], r["wrong"], r["reopened"]) for r in closed.figures] == [
            (TOWNSHIP, 2, 1, 0, 1, 1), (OTHER, 1, 0, 1, 0, 0),
        ]  # fmt: skip
        assert rates(check.pk) == closed.figures and not Todo.objects.filter(subject="spot_check", done_at__isnull=True).exists()
        with pytest.raises(ValidationError, match="已办结"):
            services.record_finding(item_id=first.pk, version=2, finding="in_order", text="", now=LATER)
        for attack in (
            lambda: SpotCheckItem.objects.filter(pk=first.pk).update(text="改一改"), lambda: SpotCheck.objects.filter(pk=check.pk).update(note="改一改"),
            lambda: SpotCheck.objects.filter(pk=check.pk).update(state="open", closed_at=None),
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction.atomic():
                attack()


def test_an_unfinished_one_reminds_the_approver_once(staff) -> None:
    staff.confirm(1)
    check = staff.draw()
    with scopes.acting(staff.reviewer):
        assert services.remind_spot_checks(area=COUNTY, on=check.due, now=LATER) == 0
        assert services.remind_spot_checks(area=COUNTY, on=check.due + timedelta(days=1), now=LATER) == 1
        assert services.remind_spot_checks(area=COUNTY, on=check.due + timedelta(days=2), now=LATER) == 0
        assert "还有 1 件" in Todo.objects.get(kind="spot_check.late").title


def test_another_county_sees_and_changes_nothing(staff) -> None:
    staff.confirm(1)
    check = staff.draw()
    (item,) = staff.items()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410103")):
        assert not SpotCheck.objects.exists() and not SpotCheckItem.objects.exists() and not SpotCheckStratum.objects.exists()
        with pytest.raises(ValidationError, match="管辖范围"):
            services.record_finding(item_id=item.pk, version=1, finding="in_order", text="", now=LATER)
        with pytest.raises(ValidationError, match="管辖范围"):
            services.close_spot_check(check_id=check.pk, now=LATER)


def _together(*calls: Callable[[], Any]) -> tuple[list[Any], list[str]]:
    made: list[Any] = []
    told: list[str] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> None:
        try:
            gate.wait()
            made.append(call())
        except ValidationError as error:
            told.append("；".join(error.messages))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made, told


@pytest.mark.django_db(transaction=True)
def test_two_officers_draw_and_find_at_once(committed_db) -> None:
    staff = Staff()
    staff.confirm(3)

    def draw(scope: scopes.Scope, seed: int) -> Callable[[], Any]:
        def do() -> Any:
            with scopes.acting(scope):
                return services.draw_spot_check(area=COUNTY, starts=STARTS, ends=ENDS, seed=seed, now=LATER).seed

        return do

    made, told = _together(draw(staff.reviewer, 1), draw(staff.second, 2))
    assert len(made) == len(told) == 1 and "不能重抽" in told[0]
    (item,) = staff.items()

    def find(scope: scopes.Scope, finding: str) -> Callable[[], Any]:
        return lambda: staff.find(item, finding, "理由", by=scope).finding

    made, told = _together(find(staff.reviewer, "in_order"), find(staff.second, "wrong"))
    assert len(made) == len(told) == 1 and "本次操作未保存" in told[0]
    assert staff.items()[0].finding == made[0]


def test_as_many_queries_for_many_decisions_as_for_one(staff, django_assert_max_num_queries) -> None:
    staff.confirm(6)
    with django_assert_max_num_queries(40):
        staff.draw()


def test_pages_of_spot_checks(staff) -> None:
    (decision, *_rest) = staff.confirm(2)
    county = client_of(staff.reviewer)
    listed = county.get("/enrolment/confirmed/").content.decode()
    assert decision.number in listed and "孙确认" in listed
    page = county.get("/enrolment/spot-checks/new/").content.decode()
    assert "抽取" in page
    answer = county.post("/enrolment/spot-checks/new/", {"starts": "2022-11-01", "ends": "2022-11-30", "seed": "7"})
    assert answer.status_code == 302
    check = staff.draw(seed=7)
    shown = county.get(f"/enrolment/spot-checks/{check.pk}/").content.decode()
    assert "一致" in shown and check.number in shown and check.number in county.get("/enrolment/spot-checks/").content.decode()
    (item,) = staff.items()
    assert "抽查结果" in county.get(f"/enrolment/spot-checks/items/{item.pk}/").content.decode()
    url = f"/enrolment/spot-checks/items/{item.pk}/"
    assert county.post(url + "find/", {"version": 1, "finding": "wrong", "text": ""}).status_code == 422
    assert county.post(url + "find/", {"version": 1, "finding": "wrong", "text": "少算收入"}).status_code == 302
    assert county.post(url + "find/", {"version": 1, "finding": "wrong", "text": "少算收入"}).status_code == 422
    assert county.post(f"/enrolment/spot-checks/{check.pk}/close/", {"note": ""}).status_code == 422
    assert county.post(url + "reopen/", {"version": 2}).status_code == 302
    with scopes.acting(staff.reviewer):
        review = Review.objects.get(kind="spot")
    assert "少算收入" in client_of(staff.town[TOWNSHIP]).get(f"/enrolment/reviews/{review.pk}/").content.decode()
    assert county.post(f"/enrolment/spot-checks/{check.pk}/close/", {"note": "通报"}).status_code == 302
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410103")).get(f"/enrolment/spot-checks/{check.pk}/").status_code == 404
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410103")).get(url).status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/enrolment/spot-checks/").status_code == 403
    assert client_of(staff.town[TOWNSHIP]).post(url + "find/", {"version": 3, "finding": "in_order"}).status_code == 403
