"""8.3: needs are published without anything that identifies the person; who suits is asked, best first, with reasons; the number wanted is held."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Message, Setting
from doudi.core.tests.together import together
from doudi.needs import services as needs
from doudi.needs.models import Need, NeedAnswer, NeedEvent
from doudi.needs.services import About
from doudi.needs.tests.world import NOW
from doudi.registry.tests.helpers import household
from doudi.volunteering.models import Feedback, Notice, Offer, ServiceRecord, Volunteer
from doudi.volunteering.services import board
from doudi.volunteering.services.board import matching
from doudi.volunteering.services.board.base import as_machine
from doudi.volunteering.tests.board_world import COUNTY, ELSEWHERE, MACHINE, NEXT_TOWN, VILLAGE, Board, organisation, volunteer, who


@pytest.fixture
def place(db: None) -> Board:
    return Board()


def setting(place: Board, name: str, value: int) -> None:
    with scopes.acting(place.county):
        Setting.objects.create(
            parameter=f"procedure.board.{name}", area=COUNTY, value=str(value), starts=date(2022, 1, 1), state="confirmed", document="测试〔2022〕1号",
            proposed_by_id=place.county.account_id, proposed_at=NOW, decided_by_id=place.coordinator.account_id, decided_at=NOW,
        )  # fmt: skip


def listed(need: Need, place: Board, **more: object) -> list[matching.Match]:
    with scopes.acting(place.town):
        return board.suggestions(need, times=[], now=NOW, **more)  # type: ignore[arg-type]


def test_8_3_matching_ranks_by_skills_distance_time_and_load_with_reasons(place: Board) -> None:
    near = volunteer("同村会做饭")
    far = volunteer("邻镇会做饭", area=NEXT_TOWN)
    one_skill = volunteer("同村只会开车", skills=["driving"])
    volunteer("不愿走远", area=NEXT_TOWN, distance=5)
    volunteer("只愿慰问", services=["comfort"])
    volunteer("不会", skills=["legal"])
    volunteer("外县", area=ELSEWHERE, distance=200)
    volunteer("待核验", state="pending", verified_at=None, state_reason="")
    volunteer("黑名单", state="blacklisted")
    busy = volunteer("同村手头有事")
    other = place.published(what="另一家的三餐")
    with scopes.acting(place.coordinator):
        board.offer_to(uuid=uuid4(), need_id=other.pk, kind="volunteer", external_id=busy.pk, now=NOW)
    place.accepts(other, busy)
    need = place.raised(skills=["cooking", "driving"])
    found = listed(need, place)
    assert [each.id for each in found] == [near.pk, busy.pk, far.pk, one_skill.pk]
    assert [each.place for each in found] == [1, 2, 3, 4] and found[0].points > found[1].points
    assert matching.in_words(found[0].reasons) == ["技能符合 2/2 项", "约 1 公里（愿行 20 公里）", "手头 0 件，近30天完成 0 件"]
    assert matching.in_words(found[1].reasons)[-1] == "手头 1 件，近30天完成 0 件" and "约 20 公里" in matching.in_words(found[2].reasons)[1]
    # the township officer sees volunteers of the next township through the list, and nowhere else
    with scopes.acting(place.town):
        assert not Volunteer.objects.filter(pk=far.pk).exists()
        weekend, weekday = volunteer("周末", times=["6m", "7m"]), volunteer("工作日", times=["1m"])
        timed = [each.id for each in board.suggestions(need, times=["6m"], now=NOW)]
    assert timed[0] == weekend.pk and weekday.pk not in timed


def test_8_3_ten_thousand_volunteers_are_matched_by_one_query(place: Board) -> None:
    need = place.raised(skills=["cooking"])
    row = volunteer()
    with connection.cursor() as cursor, scopes.acting(scopes.Scope(area="41")):
        columns = ", ".join(f.column for f in Volunteer._meta.local_concrete_fields if f.column not in ("id", "number", "key", "document", "distance"))
        cursor.execute(
            f"insert into volunteering_volunteer ({columns}, number, key, document, distance) select {columns}, 'N' || g, gen_random_uuid(), gen_random_uuid(), g %% 30"
            " from volunteering_volunteer, generate_series(1, 10000) g where id = %s", [row.pk],
        )  # fmt: skip
    with scopes.acting(MACHINE), CaptureQueriesContext(connection) as seen:
        found = matching.volunteers_for(need, times=[], now=NOW, most=20)
    assert len(found) == 20 and len([each for each in seen.captured_queries if "volunteering_volunteer" in each["sql"]]) == 1
    assert len(seen.captured_queries) <= 3  # the query, the settings, names of places


def test_8_3_published_by_rule_after_the_hours_that_the_county_sets_cases_never(place: Board) -> None:
    red, orange = place.raised(urgency="red"), place.raised(urgency="orange")
    case = place.raised(urgency="red", source="case")
    with scopes.acting(MACHINE):
        assert board.publish_by_rule(now=NOW) == 1 and board.publish_by_rule(now=NOW) == 0
        assert Notice.objects.filter(need=red, by_rule=True).exists() and not Notice.objects.filter(need=orange).exists()
        board.publish_by_rule(now=NOW + timedelta(hours=4))
        assert Notice.objects.filter(need=orange).exists() and not Notice.objects.filter(need=case).exists()
        assert NeedEvent.objects.filter(need=red, what="按规则公布").count() == 1
    setting(place, "by_rule", 0)
    off = place.raised(urgency="red")
    with scopes.acting(MACHINE):
        assert board.publish_by_rule(now=NOW + timedelta(days=3)) == 0 and not Notice.objects.filter(need=off).exists()


def test_8_3_the_next_ones_are_asked_after_a_refusal_and_after_the_time_to_answer(place: Board) -> None:
    people = [volunteer(name) for name in ("刘一", "刘二", "刘三", "刘四")]
    need = place.published(skills=["cooking"])
    assert place.round() == {"looked": 1, "asked": 2} and place.round()["asked"] == 0, "two for one place, the county's setting"
    first, second = place.offers(need)
    assert [each.volunteer_id for each in (first, second)] == [people[0].pk, people[1].pk] and first.by == "rule" and first.place == 1 and first.reasons
    with scopes.acting(MACHINE):
        texts = Message.objects.filter(template="board.offer")
        assert texts.count() == 2 and "王建国" not in str(texts[0].values)
    place.does(people[0], board.decline_offer, answer_id=first.answer_id, version=first.answer.version, reason="")
    assert place.round()["asked"] == 1
    late = NOW + timedelta(days=5)
    with scopes.acting(scopes.Scope(area="41", duty="worker", acts=frozenset({"needs.clocks"}))):
        needs.run_clocks(now=late)
    with pytest.raises(ValidationError, match="逾期未接受"):
        place.accepts(need, people[1], late)
    with pytest.raises(ValidationError, match="未接受"):
        place.accepts(need, people[0])
    assert place.round(late)["asked"] == 1
    assert [each.volunteer_id for each in place.offers(need)] == [each.pk for each in people]


def test_8_3_an_offer_past_its_time_is_refused_before_the_clock_has_run(place: Board) -> None:
    row = volunteer()
    need = place.published(urgency="red")
    place.round()
    with pytest.raises(ValidationError, match="已过答复期限"):
        place.accepts(need, row, NOW + timedelta(hours=1, minutes=1))
    assert place.accepts(need, row, NOW + timedelta(minutes=59)).state == "accepted"


def test_8_3_two_accept_the_last_place_at_once_and_the_second_is_told(committed_db: None) -> None:
    place = Board()
    people = [volunteer("张甲"), volunteer("张乙")]
    need = place.published()
    place.round()
    answers = [place.answer_of(need, each) for each in people]

    def taking(row: Volunteer, answer: NeedAnswer) -> object:
        with as_machine(row.area, page="test"):
            return board.accept_offer(who=who(row), answer_id=answer.pk, version=answer.version, now=NOW)

    made, told = together(*(lambda row=row, answer=answer: taking(row, answer) for row, answer in zip(people, answers, strict=True)))
    assert len(made) == 1 and len(told) == 1 and "接满" in told[0]
    with scopes.acting(place.town):
        row = Need.objects.get(pk=need.pk)
        assert (row.taken, row.state) == (1, "in_hand")
    # and one volunteer who takes two at the same moment keeps to the county's limit
    setting(place, "live_each", 1)
    free = volunteer("张丙")
    others = [place.published(what="别家的饭"), place.published(what="另一家的饭")]

    def coming(need: Need) -> object:
        with as_machine(free.area, page="test"):
            return board.take(who=who(free), uuid=uuid4(), number=Notice.objects.get(need=need).number, now=NOW)

    made, told = together(*(lambda need=need: coming(need) for need in others))
    assert len(made) == 1 and len(told) == 1 and "上限" in told[0]


def test_8_3_accepted_twice_is_one_and_the_limits_of_hands_and_places_hold(place: Board) -> None:
    row, other = volunteer("张甲"), volunteer("张乙")
    need = place.published(wanted=3, what="三户要送饭")
    assert place.takes(need, row).pk == place.takes(need, row).pk
    with scopes.acting(place.town):
        assert Need.objects.get(pk=need.pk).taken == 1
    setting(place, "live_place", 1)
    with pytest.raises(ValidationError, match="达到上限"):
        place.takes(need, other)
    setting(place, "live_each", 1)
    second = place.published(what="另一家的饭", about=About(area=VILLAGE))
    with pytest.raises(ValidationError, match="同时办理的上限"):
        place.takes(second, row)


def test_8_3_strangers_minors_blacklisted_and_volunteers_of_another_county_are_refused(place: Board) -> None:
    medicine = place.published(kind="medicine", what="降压药只剩两天")
    for row, words in (
        (volunteer("外县", area=ELSEWHERE), "不在需求信息中|所在县"), (volunteer("黑名单", state="blacklisted"), "黑名单"),
        (volunteer("未成年", born=date(2006, 5, 1)), "成年志愿者"), (volunteer("明天成年", born=date(2004, 11, 26)), "成年志愿者"),
    ):  # fmt: skip
        with pytest.raises(ValidationError, match=words):
            place.takes(medicine, row)
    assert place.takes(medicine, volunteer("今天成年", born=date(2004, 11, 25))).state == "accepted"
    food = place.published(wanted=2)
    minor = volunteer("未成年", born=date(2006, 5, 1))
    assert place.takes(food, minor).state == "accepted", "with the guardian's consent, where the kind allows it"
    # an officer who names them by the need's own page, or code that goes around the services, is refused too
    barred = volunteer("黑名单", state="blacklisted")
    with scopes.acting(place.town):
        with pytest.raises(ValidationError, match="黑名单"):
            needs.assign(
                uuid=uuid4(), need_id=food.pk, version=Need.objects.get(pk=food.pk).version, kind="volunteer", name="黑名单", external_id=barred.pk, now=NOW
            )
        with pytest.raises(IntegrityError, match="not active"), transaction.atomic():
            NeedAnswer.objects.create(
                uuid=uuid4(), need=food, area=food.area, kind="volunteer", external_id=barred.pk, name="绕过", state="accepted", made_at=NOW, reply_due=NOW
            )
    # somebody else's offer is not theirs
    place.round()
    stranger = volunteer("别人", services=["comfort"])
    answer = place.answer_of(food, minor)
    for call in (board.accept_offer, board.decline_offer, board.check_in):
        given = {"answer_id": answer.pk} | ({} if call is board.check_in else {"version": answer.version}) | ({"reason": "没空"} if call is board.decline_offer else {})
        with pytest.raises(ValidationError, match="没有这项邀请"):
            place.does(stranger, call, **given)


def test_8_3_contact_only_for_the_accepted_only_while_it_lasts_and_each_opening_is_recorded(place: Board) -> None:
    row = volunteer()
    need = place.published(name="王建国之女", phone="13912345678", address="东街3号院内")
    place.round()
    answer = place.answer_of(need, row)

    def opened() -> tuple[str, str, str]:
        with as_machine(row.area, page="test"):
            return board.open_contact(who=who(row), answer_id=answer.pk)

    with pytest.raises(PermissionDenied, match="办理期间"):
        opened()
    place.accepts(need, row)
    assert opened() == ("王建国之女", "13912345678", "东街3号院内") and opened()[1] == "13912345678"
    with scopes.acting(scopes.Scope(area="41")):
        assert AccessRecord.objects.filter(subject="need", subject_id=need.pk, what="reveal", reason__startswith=row.number).count() == 2
        assert Offer.objects.get(answer=answer).opened == 2 and NeedEvent.objects.filter(need=need, what="查看联系方式").count() == 2
        Volunteer.objects.filter(pk=row.pk).update(state="paused", state_reason="投诉核查中")
    with pytest.raises(PermissionDenied, match="已暂停"):
        opened()
    with scopes.acting(scopes.Scope(area="41")):
        Volunteer.objects.filter(pk=row.pk).update(state="active")
    done = place.served(need, row)
    with scopes.acting(place.town):
        board.confirm_done(answer_id=done.pk, version=done.version, confirmed="recipient", now=NOW + timedelta(hours=4))
    with pytest.raises(PermissionDenied, match="办理期间"):
        opened()


def test_8_3_done_with_feedback_of_both_sides_and_the_hours_are_booked(place: Board) -> None:
    row = volunteer()
    need = place.published()
    place.takes(need, row)
    answer = place.answer_of(need, row)
    with pytest.raises(ValidationError, match="先签到"):
        place.does(row, board.check_out, answer_id=answer.pk, note="做了饭")
    answer = place.served(need, row)
    assert answer.state == "reported"
    with scopes.acting(place.town):
        with pytest.raises(ValidationError) as refused:
            board.confirm_done(answer_id=answer.pk, version=answer.version, confirmed="recipient", rating=9, now=NOW)
        assert "rating" in refused.value.message_dict
        board.confirm_done(answer_id=answer.pk, version=answer.version, confirmed="contact", rating=5, words="饭菜热的", now=NOW + timedelta(hours=5))
    place.does(row, board.say, answer_id=answer.pk, rating=4, words="老人很好")
    with pytest.raises(ValidationError, match="已经评价过"):
        place.does(row, board.say, answer_id=answer.pk, rating=1)
    with scopes.acting(place.county):
        record = ServiceRecord.objects.get(answer_id=answer.pk)
        assert (record.minutes, record.state, record.recorded, record.evaluation, record.volunteer_id) == (120, "done", "need", 5, row.pk)
        assert dict(Feedback.objects.filter(offer__answer=answer).values_list("side", "rating")) == {"contact": 5, "volunteer": 4}
        assert Need.objects.get(pk=need.pk).state == "done"
    # a second need at the same hours counts no time twice
    again = place.published(what="同一时间的另一家")
    place.takes(again, row)
    answer = place.served(again, row)
    with scopes.acting(place.town):
        board.confirm_done(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=NOW + timedelta(hours=5))
        assert not ServiceRecord.objects.filter(answer_id=answer.pk).exists() and NeedEvent.objects.filter(need=again, what="未计服务时长").exists()


def test_8_3_no_shows_are_counted_and_after_some_nobody_is_asked(place: Board) -> None:
    setting(place, "no_shows", 1)
    row = volunteer("张甲")
    need = place.published()
    answer = place.takes(need, row)
    with scopes.acting(place.coordinator):
        board.no_show(answer_id=answer.pk, version=answer.version, reason="约好十点，没有来", now=NOW + timedelta(hours=3))
        with pytest.raises(ValidationError):
            board.no_show(answer_id=answer.pk, version=answer.version, reason="约好十点，没有来", now=NOW)
    assert place.offers(need)[0].no_show_at and not listed(place.raised(), place)
    with pytest.raises(ValidationError, match="没有到场"):
        place.takes(need, row)
    with pytest.raises(ValidationError, match="未到"):
        place.takes(place.published(what="别家的饭"), row)
    with scopes.acting(place.town):
        assert Need.objects.get(pk=need.pk).state == "open"


def test_8_3_urgent_needs_go_at_once_to_organisations_on_call(place: Board) -> None:
    ready, far = organisation(), organisation("市外救援队", served=ELSEWHERE[:6])
    organisation("不值守", on_call=False)
    organisation("不送饭", abilities=["legal"])
    need = place.published(urgency="red")
    place.round()
    assert [each.organisation_id for each in place.offers(need)] == [ready.pk]
    answer = place.answer_of(need, ready)
    with scopes.acting(place.coordinator):
        assert board.answer_for(answer_id=answer.pk, version=answer.version, yes=True, now=NOW).state == "accepted"
    with as_machine(COUNTY, page="test"):
        assert board.open_contact(who=who(ready), answer_id=answer.pk)[1] == "13800001111"
        with pytest.raises(ValidationError, match="不是给您的"):
            board.open_contact(who=who(far), answer_id=answer.pk)


def test_8_3_a_cancelled_need_tells_whoever_was_on_the_way(place: Board) -> None:
    row = volunteer()
    need = place.published()
    place.takes(need, row)
    with scopes.acting(place.town):
        needs.cancel_need(need_id=need.pk, version=Need.objects.get(pk=need.pk).version, reason="家人已赶到", now=NOW)
    with scopes.acting(MACHINE):
        assert Message.objects.filter(template="board.ended").count() == 1


def test_8_3_where_the_county_wants_it_an_officer_agrees_first(place: Board) -> None:
    setting(place, "self_take", 0)
    row = volunteer()
    need = place.published()
    answer = place.takes(need, row)
    assert answer.state == "offered" and not answer.asked
    with pytest.raises(ValidationError, match="等待工作人员"):
        place.accepts(need, row)
    with scopes.acting(place.coordinator):
        board.answer_for(answer_id=answer.pk, version=answer.version, yes=True, now=NOW)
    with scopes.acting(MACHINE):
        assert Message.objects.filter(template="board.taken").count() == 1


def test_8_3_taken_off_the_board_with_a_reason_and_back_again(place: Board) -> None:
    need = place.published()
    with scopes.acting(place.coordinator):
        with pytest.raises(ValidationError, match="原因"):
            board.take_off(need_id=need.pk, reason=" ", now=NOW)
        board.take_off(need_id=need.pk, reason="家属要求", now=NOW)
        with pytest.raises(ValidationError, match="没有公布"):
            board.take_off(need_id=need.pk, reason="家属要求", now=NOW)
    assert place.round() == {"looked": 0, "asked": 0}
    with scopes.acting(MACHINE):
        board.publish_by_rule(now=NOW + timedelta(days=2))
        assert not Notice.objects.get(need=need).shown, "the rule does not bring it back"
    with scopes.acting(place.coordinator):
        assert board.publish(need_id=need.pk, times=["6m"], now=NOW).shown
        with pytest.raises(ValidationError):
            board.publish(need_id=need.pk, times=["8m"], now=NOW)
    home = household(place.town, name="赵六")
    with scopes.acting(place.visitor), pytest.raises(PermissionDenied):
        board.publish(need_id=place.raised(about=About(household=home.pk)).pk, now=NOW)
