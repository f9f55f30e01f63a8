"""1.6: a sweep lists every household concerned once, its answers are visits and leads, and its end names who was not reached."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.discovery import services
from doudi.discovery.models import Lead
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepConflict, SweepEntry, SweepEvent
from doudi.discovery.models.visits import Visit, VisitConflict
from doudi.discovery.services import OwnQuestion
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.sweep_answers import Answered
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.test_visit_plans import COUNTY, NOW, ON, TOWN, at, ill, rounds
from doudi.registry.models import Membership
from doudi.registry.services import ask_move, carry_out_move, record_death, release_move
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE, household, id_number

ENDS = ON + timedelta(days=13)
ASKED = ("needs", "food_days", "heating", "insured", "members", "contact")
ROBOT = scopes.Scope(area=COUNTY, duty=WORKER, page="daily", acts=frozenset({"sweeps.due", "sweeps.view", "visits.view"}))


def begin(scope: scopes.Scope, **given: Any) -> Sweep:
    values = {
        "key": uuid4(), "area": scope.area, "title": "入冬困难群众排查", "starts": ON, "ends": ENDS, "places": (), "groups": ("ill",),
        "everybody": False, "asked": ASKED, "own": (), "now": NOW,
    } | given  # fmt: skip
    with scopes.acting(scope):
        return services.open_sweep(**values)


def answer(
    scope: scopes.Scope, entry: SweepEntry, result: Result = Result("self", "steady"), answers: dict[str, Any] | None = None, **given: Any
) -> Answered:
    """Answers are given by the question's field or label."""
    with scopes.acting(scope):
        asked = {each.field or each.label: each.pk for each in entry.sweep.questions.all()}
        values = {"uuid": uuid4(), "done_at": NOW + timedelta(days=1), "now": NOW + timedelta(days=1, minutes=5)} | given
        said = {asked[name]: value for name, value in (answers or {}).items()}
        return services.answer_sweep(entry_id=entry.pk, result=result, answers=said, **values)


def entries(sweep: Sweep, scope: scopes.Scope = ROBOT) -> list[SweepEntry]:
    with scopes.acting(scope):
        return list(SweepEntry.objects.filter(sweep=sweep).select_related("sweep").order_by("id"))


def daily(on: date, area: str = COUNTY) -> Any:
    with scopes.acting(ROBOT):
        return services.run_sweeps(area=area, on=on, now=at(on))


def todos(kind: str) -> list[tuple[str, str]]:
    with scopes.acting(scopes.Scope(area="41")):
        return sorted(Todo.objects.filter(kind=kind, done_at=None).values_list("duty", "area"))


def test_1_6_sweep_lists_every_household_concerned_once_and_gives_it_to_its_visitor(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home, other = ill(town), ill(town, area=OTHER_VILLAGE, name="李四")
    household(town, name="赵健", id_number=id_number(date(1980, 1, 1)))  # in no group
    sweep = begin(town)
    found = entries(sweep)
    assert [(each.household_id, each.name, each.area, each.state, each.origin) for each in found] == [
        (home.pk, home.name, VILLAGE, "listed", "listed"), (other.pk, "李四", OTHER_VILLAGE, "listed", "listed"),
    ]  # fmt: skip
    assert [each.posting_id for each in found] == [visitor.posting_id, None] and found[0].groups == ["ill"]
    assert todos("sweep.village") == [("visitor", VILLAGE)] and todos("sweep.unposted"), "where a village has no visitor its township is told"
    assert daily(ON) == daily(ON) and len(entries(sweep)) == 2  # safe to repeat
    whole = begin(town, title="全部家庭", everybody=True, groups=())
    assert len(entries(whole)) == 3


def test_1_6_a_household_that_becomes_concerned_joins_and_one_that_ended_is_left_out(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = household(town, id_number=id_number(date(1940, 2, 2)))
    sweep = begin(town, groups=("ill", "alone"))
    later = ill(town, name="后来的")
    day = ON + timedelta(days=2)
    assert daily(day).listed == 1
    assert {each.household_id: each.origin for each in entries(sweep)} == {home.pk: "listed", later.pk: "joined"}
    with scopes.acting(town):
        person = Membership.objects.get(household=home).person
        record_death(person_id=person.pk, version=person.version, died_on=ON, on=day, now=at(day))
    assert daily(day + timedelta(days=1)).left == 1
    assert {each.household_id: each.state for each in entries(sweep)} == {home.pk: "left", later.pk: "listed"}
    assert daily(ENDS + timedelta(days=1)).listed == 0 and todos("sweep.close") == [("township_officer", TOWN)]


def test_1_6_an_answer_is_the_households_visit_raises_the_lead_and_tells_what_changed(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = ill(town)
    rounds(ON)
    own = OwnQuestion("家里有没有手电筒", "choice", options=("有", "没有"), alarm="2", need="food")
    sweep = begin(town, own=(own,))
    (entry,) = entries(sweep)
    made = answer(
        visitor, entry, Result("self", "hard", note="炉子坏了"),
        {"food_days": "9", "heating": "bedding", "insured": "no", "members": "5", "contact": "李四，外甥", "家里有没有手电筒": "2"},
    )  # fmt: skip
    assert made.outcome == "recorded" and made.lead is not None
    with scopes.acting(visitor):
        visit = Visit.objects.get(household=home)
        assert (visit.state, visit.needs, visit.pk) == ("done", ["heating", "food"], made.entry.visit_id)
        lead = Lead.objects.get()
        assert (lead.channel, lead.reason, lead.state, lead.detail) == ("sweep", "走访发现需要：吃饭、取暖", "contacted", "炉子坏了")
        assert (made.entry.state, made.entry.lead_id, made.entry.recorder_id) == ("done", lead.pk, visitor.account_id)
        kept = {each.question.field or each.question.label: each for each in SweepAnswer.objects.select_related("question")}
        assert kept["food_days"].number == 9 and kept["heating"].choice == "bedding" and kept["contact"].text == "李四，外甥"
    with connection.cursor() as cursor, scopes.acting(visitor):
        cursor.execute("select text::text from discovery_sweepanswer where text is not null")
        assert "外甥" not in cursor.fetchone()[0]
    with scopes.acting(town):
        title = Todo.objects.get(kind="sweep.change", done_at=None).title
        assert "有人未参加基本医疗保险" in title and "家里 5 口人，登记为 2 口人" in title
        services.settle_change(entry_id=entry.pk, note="已登记参保情况", now=NOW)
        with pytest.raises(StaleLead):
            services.settle_change(entry_id=entry.pk, note="已登记参保情况", now=NOW)
    assert todos("sweep.change") == [] and todos("sweep.village") == []
    rounds(ON + timedelta(days=2))  # the plan counts from this visit
    with scopes.acting(town):
        assert Visit.objects.filter(household=home, state="due").get().due > ON + timedelta(days=3)


def test_1_6_absent_stays_open_for_another_attempt_and_refused_counts_as_answered(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    sweep = begin(town)
    (entry,) = entries(sweep)
    assert answer(visitor, entry, Result("absent")).entry.state == "absent"
    with scopes.acting(visitor):
        assert Visit.objects.filter(state="due", origin="again").count() == 1 and not SweepAnswer.objects.exists()
    made = answer(visitor, entry, Result("refused"), done_at=NOW + timedelta(days=2), now=NOW + timedelta(days=2))
    assert (made.outcome, made.entry.state, made.entry.attempts) == ("recorded", "refused", 2) and todos("visit.refused")
    with scopes.acting(visitor):
        assert not Visit.objects.filter(state__in=Visit.OPEN).exists()


def test_1_6_the_same_form_sent_twice_counts_once_and_a_second_visitor_is_kept_beside(town: scopes.Scope, visitor: scopes.Scope) -> None:
    colleague = officer(Duty.VISITOR, VILLAGE)
    ill(town)
    sweep = begin(town)
    (entry,) = entries(sweep)
    uuid = uuid4()
    assert [answer(visitor, entry, answers={"heating": "coal"}, uuid=uuid).outcome for _turn in range(2)] == ["recorded", "known"]
    second = uuid4()
    late = answer(colleague, entry, Result("self", "very_hard", needs=("food",)), {"heating": "bedding"}, uuid=second)
    assert late.outcome == "conflict" and late.lead is not None and todos("visit.conflict") == [("township_officer", VILLAGE)]
    assert answer(colleague, entry, uuid=second).outcome == "known"
    with scopes.acting(town):
        assert SweepAnswer.objects.get(question__field="heating").choice == "coal" and Visit.objects.count() == 1
        kept, conflict = SweepConflict.objects.get(), VisitConflict.objects.get()
        assert kept.visit_conflict_id == conflict.pk and SweepEvent.objects.filter(what="second").count() == 1
        with pytest.raises(ValidationError, match="走访记录冲突"):
            services.decide_conflict(conflict_id=kept.pk, choice="second", now=NOW)
        services.resolve_conflict(conflict_id=conflict.pk, choice="second", note="", now=NOW + timedelta(days=2))
        kept.refresh_from_db()
        assert kept.state == "second" and "coal" in str(kept.replaced) and SweepAnswer.objects.get().choice == "bedding"
        assert Visit.objects.get().living == "very_hard"


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"food_days": "-1"}, "food_days"), ({"food_days": "367"}, "food_days"), ({"food_days": "1.5"}, "food_days"), ({"food_days": "NaN"}, "food_days"),
        ({"food_days": "三"}, "food_days"), ({"heating": "sun"}, "heating"), ({"insured": "maybe"}, "insured"), ({"contact": "李" * 201}, "contact"),
        ({"contact": "李\x00四"}, "contact"), ({"members": "31"}, "members"),
    ],
)  # fmt: skip
def test_1_6_a_wrong_answer_is_named_at_its_question_and_nothing_is_written(
    town: scopes.Scope, visitor: scopes.Scope, answers: dict[str, str], field: str
) -> None:
    ill(town)
    (entry,) = entries(begin(town))
    with pytest.raises(ValidationError) as error:
        answer(visitor, entry, answers=answers)
    with scopes.acting(town):
        assert list(error.value.message_dict) == [f"q{entry.sweep.questions.get(field=field).pk}"]
        assert not Visit.objects.exists() and SweepEntry.objects.get().version == 1


def test_1_6_own_questions_that_must_be_answered_are(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    own = (OwnQuestion("有几床被子", "number", most=20, required=True), OwnQuestion("想说的话", "text"))
    (entry,) = entries(begin(town, own=own))
    with pytest.raises(ValidationError, match="有几床被子"):
        answer(visitor, entry)
    assert answer(visitor, entry, Result("absent")).outcome == "recorded"  # nobody to ask
    assert answer(visitor, entry, answers={"有几床被子": 4}).outcome == "recorded"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ends": ON - timedelta(days=1)}, "ends"), ({"starts": ON - timedelta(days=9), "ends": ON - timedelta(days=2)}, "ends"),
        ({"ends": ON + timedelta(days=185)}, "ends"), ({"title": "冬"}, "title"), ({"groups": ()}, "groups"), ({"groups": ("rich",)}, "groups"),
        ({"asked": ("money",)}, "asked"), ({"places": (ELSEWHERE,)}, "places"), ({"area": ELSEWHERE[:9]}, "area"), ({"area": COUNTY}, "area"),
        ({"own": (OwnQuestion("煤", "yesno"),)}, "own"), ({"own": (OwnQuestion("有没有煤", "json"),)}, "own"),
        ({"own": (OwnQuestion("有没有煤", "choice", options=("有",)),)}, "own"), ({"own": (OwnQuestion("有没有煤", "choice", options=("有", "有")),)}, "own"),
        ({"own": (OwnQuestion("几床被子", "number", least=5, most=5),)}, "own"), ({"own": (OwnQuestion("有没有煤", "yesno", alarm="no"),)}, "own"),
        ({"own": (OwnQuestion("有没有煤", "yesno", alarm="2", need="heating"),)}, "own"),
        ({"own": (OwnQuestion("有没有煤", "yesno", alarm="no", need="gold"),)}, "own"), ({"own": (OwnQuestion("有没有煤", "yesno"),) * 11}, "own"),
    ],
)  # fmt: skip
def test_1_6_a_sweep_that_makes_no_sense_is_refused_by_field(town: scopes.Scope, given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        begin(town, **given)
    assert field in error.value.message_dict
    with scopes.acting(town):
        assert not Sweep.objects.exists()


def test_1_6_opened_twice_is_one_sweep_and_the_same_name_is_told(town: scopes.Scope) -> None:
    key = uuid4()
    assert begin(town, key=key).pk == begin(town, key=key).pk
    with pytest.raises(ValidationError, match="同名"):
        begin(town)
    with scopes.acting(town):
        assert Sweep.objects.count() == 1


def test_1_6_the_list_is_held_by_the_table(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = ill(town)
    sweep = begin(town)
    with scopes.acting(town):
        for wrong in (
            {"household": home},
            {"household": None},
            {"household": None, "origin": "found"},
            {"household": ill(town, name="李四"), "state": "done"},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                SweepEntry.objects.create(**{"sweep": sweep, "area": VILLAGE, "name": "王", "made_at": NOW} | wrong)


def test_1_6_its_end_names_the_unreached_owes_them_a_visit_and_freezes_the_rest(town: scopes.Scope, visitor: scopes.Scope) -> None:
    homes = [ill(town, name=name) for name in ("甲一", "乙二", "丙三")]
    sweep = begin(town)
    first, second, third = entries(sweep)
    answer(visitor, first, answers={"heating": "coal"})
    answer(visitor, second, Result("absent"))
    with scopes.acting(town), pytest.raises(ValidationError, match="提前办结"):
        services.close_sweep(sweep_id=sweep.pk, version=1, note="", now=at(ENDS))
    with scopes.acting(town):
        services.close_sweep(sweep_id=sweep.pk, version=1, note="", now=at(ENDS + timedelta(days=1)))
        with pytest.raises(StaleLead):
            services.close_sweep(sweep_id=sweep.pk, version=1, note="", now=at(ENDS + timedelta(days=1)))
    assert [each.state for each in entries(sweep)] == ["done", "unreached", "unreached"]
    with scopes.acting(town):
        owed = {each.household_id: each for each in Visit.objects.filter(state="due")}
        assert set(owed) == {homes[1].pk, homes[2].pk}
        assert owed[homes[2].pk].origin == "asked" and "未排查到" in owed[homes[2].pk].reason and owed[homes[2].pk].posting_id == visitor.posting_id
    assert todos("sweep.unreached") == [("township_officer", VILLAGE)] and todos("sweep.village") == []
    for again in (Result("self", "steady"), Result("absent")):
        with pytest.raises(ValidationError, match="已办结"):
            answer(visitor, third, again)
    with scopes.acting(town):
        for broken in (
            lambda: SweepEntry.objects.filter(pk=third.pk).update(state="done"),
            lambda: SweepAnswer.objects.create(entry=first, question=sweep.questions.get(field="heating"), area=VILLAGE, choice="coal"),
            lambda: SweepAnswer.objects.filter(entry=first).delete(),
            lambda: Sweep.objects.filter(pk=sweep.pk).update(state="open", closed_at=None),
            lambda: SweepEntry.objects.create(sweep=sweep, household=ill(town, name="迟来"), area=VILLAGE, name="迟来", made_at=NOW),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                broken()
    day = ENDS + timedelta(days=2)
    daily(day)
    assert todos("sweep.unreached")
    for home in homes[1:]:
        with scopes.acting(visitor):
            services.record_visit(uuid=uuid4(), household_id=home.pk, done_at=at(day), result=Result("self", "steady"), now=at(day, 9))
    daily(day)
    assert todos("sweep.unreached") == []


def test_1_6_answers_count_by_their_own_day_over_midnight_and_late_ones_until_the_end(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    ill(town, name="李四")
    sweep = begin(town, starts=ON + timedelta(days=1))
    first, second = entries(sweep)
    assert todos("sweep.village") == []
    midnight = at(ON + timedelta(days=1), 0)
    with pytest.raises(ValidationError, match="开始"):
        answer(visitor, first, done_at=midnight - timedelta(minutes=1), now=midnight + timedelta(minutes=1))
    assert answer(visitor, first, done_at=midnight, now=midnight + timedelta(minutes=1)).outcome == "recorded"
    daily(ON + timedelta(days=1))
    assert todos("sweep.village") == [("visitor", VILLAGE)]
    after = at(ENDS + timedelta(days=1), 0)
    assert answer(visitor, second, done_at=after + timedelta(minutes=1), now=after + timedelta(hours=1)).outcome == "recorded"
    with scopes.acting(town):
        services.close_sweep(sweep_id=sweep.pk, version=1, note="", now=after + timedelta(hours=2))


def test_1_6_extension_and_cancel_say_why_and_two_officers_are_told(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    sweep = begin(town)
    daily(ENDS - timedelta(days=2))
    assert todos("sweep.remind") == [("township_officer", TOWN)]
    daily(ENDS + timedelta(days=1))
    later = ENDS + timedelta(days=7)
    now = at(ENDS + timedelta(days=1))
    with scopes.acting(town):
        for given, field in (({"reason": ""}, "reason"), ({"ends": ENDS}, "ends"), ({"ends": ON + timedelta(days=190)}, "ends")):
            with pytest.raises(ValidationError) as error:
                services.extend_sweep(**{"sweep_id": sweep.pk, "version": 1, "ends": later, "reason": "大雪封路", "now": now} | given)
            assert field in error.value.message_dict
        services.extend_sweep(sweep_id=sweep.pk, version=1, ends=later, reason="大雪封路", now=now)
        with pytest.raises(StaleLead):
            services.cancel_sweep(sweep_id=sweep.pk, version=1, reason="不再需要", now=now)
        assert todos("sweep.close") == [] and Todo.objects.get(kind="sweep.village", done_at=None).due == later
        services.cancel_sweep(sweep_id=sweep.pk, version=2, reason="并入县里的排查", now=now)
        assert [each.what for each in SweepEvent.objects.filter(sweep=sweep, entry=None).order_by("id")] == [
            "opened",
            "listed",
            "extended",
            "cancelled",
        ]
    assert todos("sweep.village") == todos("sweep.remind") == []
    with pytest.raises(ValidationError, match="已取消"):
        answer(visitor, entries(sweep)[0])


def test_1_6_a_county_sweeps_some_townships_and_other_places_see_nothing(town: scopes.Scope, visitor: scopes.Scope) -> None:
    county = officer(Duty.COUNTY_REVIEWER, COUNTY)
    home, outside = ill(town), ill(county, area="410122003001", name="外镇")
    sweep = begin(county, places=(TOWN, VILLAGE))
    assert [each.household_id for each in entries(sweep)] == [home.pk] and outside.pk
    with scopes.acting(visitor):
        assert Sweep.objects.get() == sweep and list(sweep.questions.all())
    with scopes.acting(town), pytest.raises(ValidationError, match="由上级开展"):
        services.close_sweep(sweep_id=sweep.pk, version=1, note="办结", now=NOW)
    stranger, far = officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])
    (entry,) = entries(sweep)
    for other in (stranger, far):
        with scopes.acting(other):
            assert not SweepEntry.objects.exists()
            with pytest.raises(SweepEntry.DoesNotExist):
                services.answer_sweep(entry_id=entry.pk, uuid=uuid4(), done_at=NOW, result=Result("self", "steady"), answers={}, now=NOW)
    with scopes.acting(far):
        assert not Sweep.objects.exists()
    for duty in (Duty.VISITOR, Duty.FINANCE_OFFICER, Duty.SUPERVISOR):
        with pytest.raises(PermissionDenied):
            begin(officer(duty, TOWN))


def test_1_6_who_stays_elsewhere_in_the_sweep_goes_to_the_visitor_there(town: scopes.Scope, visitor: scopes.Scope) -> None:
    there = officer(Duty.VISITOR, OTHER_VILLAGE)
    home = household(town, id_number=id_number(date(1940, 2, 2)), residence_area=OTHER_VILLAGE)
    sweep = begin(town, groups=("alone",))
    (entry,) = entries(sweep, there)
    assert (entry.household_id, entry.area, entry.residence_area, entry.posting_id) == (home.pk, VILLAGE, OTHER_VILLAGE, there.posting_id)
    made = answer(there, entry, Result("self", "hard", note="没有厚被子"), {"heating": "bedding"})
    assert made.outcome == "recorded" and made.entry.visit_id is None and made.lead is not None
    with scopes.acting(there):
        assert Lead.objects.get().area == OTHER_VILLAGE and Lead.objects.get().subject_name == home.name
    second = answer(visitor, entry, Result("self", "steady"))  # who manages the household visits it too
    assert second.outcome == "conflict" and todos("sweep.conflict") == [("township_officer", VILLAGE)]
    with scopes.acting(town):
        kept = SweepConflict.objects.get()
        services.decide_conflict(conflict_id=kept.pk, choice="first", now=NOW)
        with pytest.raises(StaleLead):
            services.decide_conflict(conflict_id=kept.pk, choice="second", now=NOW)
    assert todos("sweep.conflict") == []


def test_1_6_a_household_that_moves_takes_its_entry_along_or_leaves_the_sweep(town: scopes.Scope, visitor: scopes.Scope) -> None:
    numbers = [id_number(date(1940, 2, 2)) for _turn in range(3)]
    home, away, listed = (household(town, name=name, id_number=number) for name, number in zip(("甲一", "乙二", "丙三"), numbers, strict=True))
    sweep = begin(town, groups=("alone",))
    answer(visitor, entries(sweep)[0], answers={"heating": "coal"})
    there = officer(Duty.VISITOR, OTHER_VILLAGE)
    for number, to in ((numbers[0], OTHER_VILLAGE), (numbers[1], ELSEWHERE), (numbers[2], OTHER_VILLAGE)):
        asks = officer(Duty.TOWNSHIP_OFFICER, to[:9])
        with scopes.acting(asks):
            request = ask_move(id_number=number, to_area=to, reason="搬迁居住", first_month=date(2023, 1, 1), on=ON, now=NOW)
        with scopes.acting(town):
            release_move(request_id=request.pk, on=ON, now=NOW)
        with scopes.acting(asks):
            carry_out_move(request_id=request.pk, now=NOW)
    found = {each.household_id: each for each in entries(sweep)}
    assert {key: (each.area, each.state) for key, each in found.items()} == {
        home.pk: (OTHER_VILLAGE, "done"), away.pk: (VILLAGE, "left"), listed.pk: (OTHER_VILLAGE, "listed"),
    }  # fmt: skip
    daily(ON + timedelta(days=1))
    with scopes.acting(there):
        mine = SweepEntry.objects.get(state="listed")
        assert (mine.household_id, mine.posting_id) == (listed.pk, there.posting_id) and SweepAnswer.objects.get().area == OTHER_VILLAGE
    assert answer(there, mine).outcome == "recorded"


def test_1_6_a_household_found_on_the_way_becomes_a_lead_once(town: scopes.Scope, visitor: scopes.Scope) -> None:
    sweep = begin(town, everybody=True, groups=())
    uuid = uuid4()

    def found(**given: Any) -> SweepEntry:
        values: dict[str, Any] = {
            "sweep_id": sweep.pk, "uuid": uuid, "area": VILLAGE, "name": "欧阳娜娜", "need": "stranded", "urgency": "orange", "phone": "13800001234",
            "registered_area": "370102", "detail": "外地来的，租住村东头", "now": NOW,
        }  # fmt: skip
        with scopes.acting(visitor):
            return services.add_found(**values | given)

    entry = found()
    assert found().pk == entry.pk and (entry.state, entry.origin, entry.household_id) == ("done", "found", None)
    with scopes.acting(visitor):
        lead = Lead.objects.get()
        assert (lead.channel, lead.subject_name, lead.registered_area, lead.pk) == ("sweep", "欧阳娜娜", "370102", entry.lead_id)
    again = found(uuid=uuid4())  # the same person by somebody else's form: another entry, one piece of work
    assert again.pk != entry.pk
    with scopes.acting(visitor):
        assert Lead.objects.filter(merged_into=None).count() == 1
    for given, field in (({"area": OTHER_VILLAGE}, "area"), ({"name": " "}, "name"), ({"phone": "12"}, "phone")):
        with pytest.raises(ValidationError) as error:
            found(uuid=uuid4(), **given)
        assert field in error.value.message_dict
