"""7.5: a need found anywhere is one record, answered by whoever can, until the recipient or the contact confirms; no more answer it than are wanted."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Posting, Todo
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.needs import answerers, queries, services
from doudi.needs.models import Need, NeedAnswer, NeedEvent, NeedPrivate
from doudi.needs.posted import posted_above
from doudi.needs.services import About
from doudi.needs.tests.world import NOW, TOWN, VILLAGE, Place, now_at
from doudi.registry.tests.helpers import OTHER_VILLAGE, household


def todos(kind: str) -> list[tuple[str, str]]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(Todo.objects.filter(kind=kind, done_at=None).values_list("duty", "area"))


@pytest.fixture
def place(db: None) -> Place:
    return Place()


def test_7_5_where_a_village_has_no_visitor_the_township_is_told(place: Place) -> None:
    place.raised(acting=place.town, about=About(area=OTHER_VILLAGE), source="officer")
    assert todos("need.answer") == [("township_officer", OTHER_VILLAGE)], "a to-do for nobody would wait for ever"


def test_7_5_a_need_is_raised_once_answered_and_confirmed_by_another(place: Place) -> None:
    uuid = uuid4()
    need = place.raised(uuid=uuid)
    assert place.raised(uuid=uuid, what="第二次提交的表单").pk == need.pk and todos("need.answer") == [("visitor", VILLAGE)]
    answer = place.taken(need)
    assert answer.state == "accepted" and now_at(need, place.town).state == "in_hand" and not todos("need.answer")
    answer = place.reported(answer)
    with scopes.acting(place.visitor), pytest.raises(PermissionDenied, match="不能自己确认"):
        services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=NOW)
    with scopes.acting(place.second):
        answer = services.not_done(answer_id=answer.pk, version=answer.version, reason="本人说没有收到", now=NOW)
    answer = place.reported(answer)
    with scopes.acting(place.second):
        services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=NOW)
    row = now_at(need, place.town)
    assert (row.state, row.taken, row.met, row.clock) == ("done", 1, 1, None)
    with scopes.acting(place.town):
        assert not Todo.objects.filter(subject="need", subject_id=need.pk, done_at=None).exists()
        assert list(NeedEvent.objects.filter(need=need).order_by("id").values_list("what", flat=True)) == [
            "登记", "接下", "已办，待确认", "未确认，继续办理", "已办，待确认", "确认完成",
        ]  # fmt: skip


def test_7_5_several_answer_until_the_number_wanted_and_the_database_counts_too(place: Place) -> None:
    need = place.raised(wanted=3, what="村里三户老人要送饭")
    place.taken(need, quantity=2)
    assert now_at(need, place.town).state == "open"
    offer = place.offered(need)
    with scopes.acting(place.other_helper), pytest.raises(PermissionDenied):
        services.accept(answer_id=offer.pk, version=offer.version, now=NOW)
    with scopes.acting(place.second):
        services.accept(answer_id=offer.pk, version=offer.version, now=NOW)
    assert now_at(need, place.town).state == "in_hand"
    with scopes.acting(place.second), pytest.raises(ValidationError, match="接满"):
        services.offer(uuid=uuid4(), need_id=need.pk, kind="officer", now=NOW)
    with scopes.acting(place.visitor), pytest.raises(IntegrityError, match="more answers"), transaction.atomic():
        NeedAnswer.objects.create(
            uuid=uuid4(), need=need, area=need.area, kind="shop", name="越过服务写入", state="accepted", made_at=NOW, reply_due=NOW, accepted_at=NOW
        )


def test_7_5_two_accept_the_last_place_at_once_and_the_second_is_told(committed_db: None) -> None:
    place = Place()
    need = place.raised()
    first, second = place.offered(need), place.offered(need, place.other_helper)
    made, told = together(
        as_(place.visitor, services.accept, answer_id=first.pk, version=first.version, now=NOW),
        as_(place.second, services.accept, answer_id=second.pk, version=second.version, now=NOW),
    )
    assert len(made) == 1 and len(told) == 1 and "接满" in told[0]
    row = now_at(need, place.town)
    assert (row.taken, row.state) == (1, "in_hand")
    # and two who take one with several places at the same moment both get theirs
    many = place.raised(wanted=2)
    made, told = together(*(as_(each, services.offer, uuid=uuid4(), need_id=many.pk, kind="officer", now=NOW) for each in (place.visitor, place.second)))
    assert len(made) == 2 and now_at(many, place.town).taken == 2


def test_7_5_assigned_declined_with_reason_lapsed_withdrawn_and_open_again(place: Place) -> None:
    need = place.raised()
    with scopes.acting(place.town):
        asked = services.assign(uuid=uuid4(), need_id=need.pk, version=need.version, kind="contact", account_id=place.second.account_id, now=NOW)
    assert todos("need.asked") == [("visitor", VILLAGE)]
    with scopes.acting(place.visitor), pytest.raises(PermissionDenied, match="被交办的人"):
        services.accept(answer_id=asked.pk, version=asked.version, now=NOW)
    with scopes.acting(place.second):
        with pytest.raises(ValidationError, match="写明原因"):
            services.decline(answer_id=asked.pk, version=asked.version, reason=" ", now=NOW)
        services.decline(answer_id=asked.pk, version=asked.version, reason="当天在县医院陪护", now=NOW)
    assert todos("need.answer") and not todos("need.asked")
    # a pharmacy without an account, reached by phone: the officer records what it says
    with scopes.acting(place.town):
        shop = services.assign(uuid=uuid4(), need_id=need.pk, version=now_at(need, place.town).version, kind="shop", name="东街便民店", phone="13812345678", now=NOW)
        shop = services.accept(answer_id=shop.pk, version=shop.version, now=NOW)
        assert now_at(need, place.town).state == "in_hand"
        services.withdraw(answer_id=shop.pk, version=shop.version, reason="店里面粉卖完", now=NOW)
    row = now_at(need, place.town)
    assert (row.state, row.taken) == ("open", 0) and row.answer_due > NOW
    with scopes.acting(place.town):
        late = services.assign(uuid=uuid4(), need_id=need.pk, version=row.version, kind="contact", account_id=place.second.account_id, now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker", acts=frozenset({"needs.clocks"}))):
        assert services.run_clocks(now=NOW + timedelta(days=4))["lapsed"] == 1 and services.run_clocks(now=NOW + timedelta(days=4))["lapsed"] == 0
    with scopes.acting(place.second), pytest.raises(ValidationError, match="逾期未接受"):
        services.accept(answer_id=late.pk, version=late.version, now=NOW + timedelta(days=4))


def test_7_5_the_township_gives_a_need_to_a_visitor_posted_by_the_county_and_to_nobody_of_another_county(place: Place) -> None:
    county = VILLAGE[:6]
    above, elsewhere = officer(Duty.VISITOR, county, name="郭志强"), officer(Duty.VISITOR, "410123", name="外县人")
    finance, left = officer(Duty.FINANCE_OFFICER, county, name="钱会计"), officer(Duty.VISITOR, county, name="离任人")
    with scopes.acting(place.county):
        Posting.objects.filter(pk=left.posting_id).update(ends=NOW.date())
    need = place.raised()
    with scopes.acting(place.town):
        words = [text for _key, text, _each in queries.candidates(need, NOW.date())]
        assert sum("郭志强" in text for text in words) == 1 and not any(name in text for text in words for name in ("外县人", "钱会计", "离任人"))
        for wrong in (elsewhere, finance, left):
            with pytest.raises(ValidationError, match="没有在任岗位"):
                services.assign(uuid=uuid4(), need_id=need.pk, version=need.version, kind="contact", account_id=wrong.account_id, now=NOW)
        asked = services.assign(uuid=uuid4(), need_id=need.pk, version=need.version, kind="contact", account_id=above.account_id, now=NOW)
    with scopes.acting(above):
        (waits,) = Todo.objects.filter(kind__startswith="need.asked", done_at__isnull=True)
        assert waits.posting_id == above.posting_id
        services.accept(answer_id=asked.pk, version=asked.version, now=NOW)
    assert now_at(need, place.town).state == "in_hand"
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410123001")):
        assert [each.name for each in posted_above("410123001002", NOW.date())] == ["外县人"] and posted_above(VILLAGE, NOW.date()) == []


def test_7_5_contacts_are_shown_to_the_accepted_answerer_only_and_only_while_it_lasts(place: Place) -> None:
    need = place.raised(name="王建国之女", address="东街3号院内")
    with scopes.acting(place.helper):
        assert not NeedPrivate.objects.filter(need=need).exists()
        with pytest.raises(PermissionDenied):
            services.reveal_contact(need_id=need.pk)
    answer = place.offered(need)
    with scopes.acting(place.helper):
        assert not NeedPrivate.objects.filter(need=need).exists(), "an offer shows nothing yet"
    with scopes.acting(place.visitor):
        answer = services.accept(answer_id=answer.pk, version=answer.version, now=NOW)
    with scopes.acting(place.helper):
        assert services.reveal_contact(need_id=need.pk) == ("王建国之女", "13800001111", "东街3号院内")
        answer = services.report_done(answer_id=answer.pk, version=answer.version, note="面粉已送到", now=NOW)
    with scopes.acting(place.other_helper), pytest.raises(PermissionDenied):
        services.reveal_contact(need_id=need.pk)
    with scopes.acting(place.visitor):
        services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=NOW)
    with scopes.acting(place.helper):
        assert not NeedPrivate.objects.filter(need=need).exists()
        with pytest.raises(PermissionDenied, match="办理期间"):
            services.reveal_contact(need_id=need.pk)
    with scopes.acting(scopes.Scope(area="41")):
        assert AccessRecord.objects.filter(subject="need", subject_id=need.pk, what="reveal").count() >= 1


def test_7_5_the_board_says_nothing_that_points_at_a_person(place: Place) -> None:
    place.raised(name="王建国之女", phone="13912345678", address="东街3号院内", what="王建国家的面粉吃完了", skills=["driving"])
    with scopes.acting(place.helper):
        shown = queries.board()
    assert len(shown) == 1 and shown[0].place == TOWN and shown[0].skills == ("driving",)
    assert {each.name for each in fields(shown[0])} == {"number", "kind", "urgency", "place", "by", "left", "skills"}
    for secret in ("王建国", "13912345678", "东街", VILLAGE):
        assert secret not in repr(shown)
    with connection.cursor() as cursor, scopes.acting(place.visitor):
        cursor.execute("select what::text, address::text from needs_needprivate")
        assert not any("面粉" in value or "东街" in value for value in cursor.fetchone())


def test_7_5_wrong_area_nested_ids_and_malformed_input(place: Place) -> None:
    need = place.raised()
    away = officer(Duty.VISITOR, OTHER_VILLAGE)
    with scopes.acting(away):
        assert not Need.objects.exists() and not queries.board()
        for call in (
            lambda: services.offer(uuid=uuid4(), need_id=need.pk, kind="officer", now=NOW),
            lambda: services.raise_need(uuid=uuid4(), about=About(household=place.home.pk), kind="food", what="别村的人家", urgency="red", source="officer", now=NOW),
        ):
            with pytest.raises(ValidationError, match="没有"):
                call()
    other = household(place.town, name="赵六")
    with scopes.acting(place.visitor):
        stranger = other.memberships.get().person_id
        for words, field in (
            ({"about": About(household=place.home.pk, person=stranger)}, "person"), ({"kind": "drugs"}, "kind"), ({"wanted": 0}, "wanted"), ({"what": "药"}, "what"),
            ({"what": "要药\x00要药"}, "what"), ({"by": date(2022, 11, 24)}, "by"), ({"fixed": True}, "by"), ({"phone": "12345"}, "phone"),
            ({"source": "visit", "source_id": 999999}, "source"), ({"skills": ["flying"]}, "skills"), ({"about": About(area="410122999")}, "area"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as refused:
                place.raised(**words)
            assert field in refused.value.message_dict, words
        assert Need.objects.count() == 1


@pytest.mark.parametrize(
    ("urgency", "now", "answer", "due"),
    [
        # by the clock, over midnight and the holiday
        ("red", datetime(2022, 9, 30, 15, 30, tzinfo=UTC), "2022-10-01 01:30", "2022-10-01 23:30"),
        # the evening before National Day: the first working day is 8 October (a Saturday worked in exchange)
        ("orange", datetime(2022, 9, 30, 15, 59, 59, tzinfo=UTC), "2022-10-08 23:59", "2022-10-10 23:59"),
        # a second later is the holiday itself
        ("orange", datetime(2022, 9, 30, 16, 0, 0, tzinfo=UTC), "2022-10-08 23:59", "2022-10-10 23:59"),
        # the leap day counts
        ("yellow", datetime(2024, 2, 28, 1, 0, tzinfo=UTC), "2024-03-04 23:59", "2024-03-13 23:59"),
    ],
)
def test_7_5_clocks_run_over_midnight_and_holidays(place: Place, urgency: str, now: datetime, answer: str, due: str) -> None:
    need = place.raised(urgency=urgency, now=now)
    assert [f"{timezone.localtime(each):%Y-%m-%d %H:%M}" for each in (need.answer_due, need.due)] == [answer, due]


def test_7_5_what_nobody_takes_goes_up_urgent_ones_on_holidays_too(place: Place) -> None:
    eve = datetime(2022, 9, 30, 12, 0, tzinfo=UTC)
    red, orange = place.raised(urgency="red", now=eve), place.raised(urgency="orange", now=eve)
    worker = scopes.Scope(area="41", duty="worker", acts=frozenset({"needs.clocks"}))

    def clocks(at: datetime) -> int:
        with scopes.acting(worker):
            return services.run_clocks(now=at)["escalated"]

    assert clocks(eve + timedelta(hours=1)) == 0 and clocks(eve + timedelta(hours=3)) == 1 and clocks(eve + timedelta(hours=3)) == 0
    assert clocks(eve + timedelta(hours=5, minutes=1)) == 1, "two hours later the county, in the night of the holiday"
    assert sorted(todos("need.late")) == [("county_reviewer", VILLAGE), ("township_officer", VILLAGE)]
    assert clocks(datetime(2022, 10, 3, 2, tzinfo=UTC)) == 0 and now_at(orange, place.town).escalated == 0
    assert clocks(datetime(2022, 10, 9, 2, tzinfo=UTC)) == 1 and now_at(orange, place.town).escalated == 1
    place.taken(red)
    assert todos("need.late") == [("township_officer", VILLAGE)], "only the other one still"


def test_7_5_expired_with_reminder_renewed_and_cancelled_with_reason(place: Place) -> None:
    appointment = place.raised(kind="accompaniment", what="陪同到县医院复查", by=date(2022, 11, 28), fixed=True)
    plain = place.raised()
    worker = scopes.Scope(area="41", duty="worker", acts=frozenset({"needs.clocks"}))
    with scopes.acting(worker):
        assert services.expire(area="41", on=date(2022, 11, 28), now=NOW)["expired"] == 0
        assert services.expire(area="41", on=date(2022, 11, 29), now=NOW)["expired"] == 1
        reminded = plain.expires_on - timedelta(days=3)
        assert [services.expire(area="41", on=day, now=NOW)["reminded"] for day in (reminded - timedelta(days=1), reminded, reminded)] == [0, 1, 0]
    row = now_at(appointment, place.town)
    with scopes.acting(place.town):
        assert row.state == "expired"
        with pytest.raises(ValidationError):
            services.renew_need(need_id=row.pk, version=row.version, by=None, now=NOW + timedelta(days=5))
        assert todos("need.expired") == [("township_officer", VILLAGE)]
        row = services.renew_need(need_id=row.pk, version=row.version, by=date(2022, 12, 5), now=NOW + timedelta(days=5))
        assert row.state == "open" and todos("need.expired") == []
        answer = place.offered(row)
        with pytest.raises(ValidationError, match="刚由他人办理"):
            services.cancel_need(need_id=row.pk, version=row.version, reason="医院改期", now=NOW)
        services.cancel_need(need_id=row.pk, version=now_at(row, place.town).version, reason="医院改期", now=NOW)
        answer.refresh_from_db()
        assert answer.state == "withdrawn" and "医院改期" in answer.reason
        with pytest.raises(ValidationError, match="已取消"):
            services.offer(uuid=uuid4(), need_id=row.pk, kind="officer", now=NOW)


def test_7_5_a_move_takes_the_open_need_along(db: None) -> None:
    """Keys carry the area from the household to its needs, their words and answers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select conname, confupdtype::text, condeferrable from pg_constraint where contype = 'f' and confupdtype = 'c' and conrelid::regclass::text like 'needs\\_%' order by 1"
        )
        found = cursor.fetchall()
    assert len(found) == 6 and all(row[1:] == ("c", True) for row in found)


def test_7_5_a_register_holds_its_rules_whichever_way_its_own_are_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    barred, seen = {8}, []

    def check(need: Need, answer: NeedAnswer, now: datetime) -> None:
        if answer.external_id in barred:
            raise ValidationError("不能派给此人")

    monkeypatch.setitem(answerers._registers, "shop", (check, lambda need, answer, now: seen.append((answer.external_id, answer.state))))
    need = place.raised(wanted=2)

    def asked(external_id: int) -> NeedAnswer:
        return services.assign(
            uuid=uuid4(), need_id=need.pk, version=Need.objects.get(pk=need.pk).version, kind="shop", name="刘洋", external_id=external_id, now=NOW
        )

    with scopes.acting(place.town):
        with pytest.raises(ValidationError, match="不能派给此人"):
            asked(8)
        answer = asked(7)
        with pytest.raises(ValidationError, match="已在响应"):
            asked(7)
        barred.add(7)
        with pytest.raises(ValidationError, match="不能派给此人"):
            services.accept(answer_id=answer.pk, version=answer.version, now=NOW)
        barred.clear()
        services.accept(answer_id=answer.pk, version=answer.version, now=NOW)
        services.offer(uuid=uuid4(), need_id=need.pk, kind="shop", name="赵敏", external_id=9, now=NOW)
        services.cancel_need(need_id=need.pk, version=Need.objects.get(pk=need.pk).version, reason="家人已赶到", now=NOW)
    assert seen == [(7, "offered"), (7, "accepted"), (9, "accepted"), (7, "withdrawn"), (9, "withdrawn")]
    with scopes.acting(place.town):
        assert list(NeedAnswer.objects.filter(need=need, external_id=9).values_list("name", "account")) == [("赵敏", None)]
