"""Measure 7: whom the community looks after, derived from the registry, with what is done by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction

from doudi.community import services
from doudi.community.models import CareEvent, CarePerson, GroupByHand, Recheck
from doudi.community.tests.world import ELSEWHERE, NEXT_VILLAGE, NOW, ON, VILLAGE, Village
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting
from doudi.core.tests.officers import officer
from doudi.registry.models import Person
from doudi.registry.services import end_membership, record_death

pytestmark = pytest.mark.django_db
CHILD = {"name": "王小雨", "birth_date": date(2014, 6, 1), "sex": "2", "relationship": "20", "document": ""}


def child(name: str = "王小雨", born: date = date(2014, 6, 1)) -> dict[str, object]:
    from doudi.registry.tests.helpers import id_number

    return {"name": name, "id_number": id_number(born), "relationship": "20"}


def test_7_4_the_registry_says_who_belongs_to_which_group() -> None:
    village = Village()
    village.home("王长顺")  # alone and old
    village.home("赵二妮", born=date(1963, 11, 26))  # sixty tomorrow... fifty-nine today
    pair = village.home("李老汉", born=date(1945, 2, 2), members=[{"name": "李老太", "id_number": _id(date(1946, 1, 1)), "relationship": "10"}])
    away = village.home("孙大勇", born=date(1985, 1, 1), members=[child("孙小勇")])
    village.fact(away, "works_away")
    blind = village.home("周志明", born=date(1980, 1, 1))
    village.fact(blind, "disability", number=4, text="visual")
    orphan = village.home("郑奶奶", born=date(1950, 1, 1), members=[child("郑小豆")])
    village.fact(orphan, "orphan", person_id=village.members(orphan)[1])
    homed = village.home("吴爷爷", born=date(1940, 1, 1))
    village.fact(homed, "in_institution")
    childless = village.home("冯老汉", born=date(1941, 1, 1), members=[{"name": "冯弟", "id_number": _id(date(1975, 1, 1)), "relationship": "70"}])
    village.fact(childless, "support_obligor", text="none")
    done = village.derive()
    assert village.all() == {
        "王长顺": ["old_alone"], "孙小勇": ["left_behind"], "周志明": ["disabled"], "郑小豆": ["orphan"], "冯老汉": ["old_alone"],
    }  # fmt: skip
    assert done.joined == 5 and pair.pk
    assert village.derive() == services.Derived(0, 0, 0)
    assert village.derive(on=date(2023, 11, 26)).joined == 1  # the sixtieth birthday has come


def _id(born: date) -> str:
    from doudi.registry.tests.helpers import id_number

    return id_number(born)


def test_7_4_a_birth_on_29_february_is_sixteen_on_1_march() -> None:
    village = Village()
    home = village.home("孙大勇", born=date(1985, 1, 1), members=[child("孙小勇", date(2008, 2, 29))])
    village.fact(home, "works_away")
    village.derive(on=date(2024, 2, 28))
    assert village.all() == {"孙小勇": ["left_behind"]}
    assert village.derive(on=date(2024, 2, 29)).left == 1


def test_7_4_places_set_their_own_ages_and_grades() -> None:
    village = Village()
    blind = village.home("周志明", born=date(1980, 1, 1))
    village.fact(blind, "disability", number=3, text="visual")
    village.home("王长顺", born=date(1955, 1, 1))
    made = officer(Duty.COUNTY_APPROVER)
    with scopes.acting(scopes.Scope(area="41")):
        for parameter, value in (("procedure.community.old_age", "70"), ("procedure.community.disability_grade", "2")):
            Setting.objects.create(
                parameter=parameter, area="410122101", starts=ON, value=value, document="牟民〔2022〕1号", state="confirmed", proposed_by_id=made.account_id,
                proposed_at=NOW, decided_by_id=village.reviewer.account_id, decided_at=NOW,
            )  # fmt: skip
    village.derive()
    assert village.all() == {}


def test_7_4_a_changed_fact_counts_in_the_next_round_and_a_whole_load_is_one_county() -> None:
    village = Village()
    home = village.home("周志明", born=date(1980, 1, 1))
    services.derive_changed(now=NOW)
    village.fact(home, "disability", number=1, text="physical")
    assert village.all() == {}
    assert services.derive_changed(now=NOW) == 1
    assert village.all() == {"周志明": ["disabled"]}
    village.fact(home, "disability", number=0, text="", now=NOW + timedelta(hours=1))
    services.derive_changed(now=NOW)
    assert village.all() == {}
    with scopes.acting(village.worker):
        assert not Recheck.objects.exists()


def test_7_4_added_and_taken_out_by_hand_stands_against_the_registry() -> None:
    village = Village()
    row = village.old_man()
    other = village.home("钱有才", born=date(1970, 1, 1))
    with scopes.acting(village.visitor):
        with pytest.raises(ValidationError, match="理由"):
            services.add_by_hand(person_id=other.memberships.get().person_id, group="disabled", reason="", on=ON, now=NOW)
        added = services.add_by_hand(person_id=other.memberships.get().person_id, group="disabled", reason="正在评残", on=ON, now=NOW)
        with pytest.raises(ValidationError, match="没有重复"):
            services.add_by_hand(person_id=added.person_id, group="disabled", reason="正在评残", on=ON, now=NOW)
        gone = services.take_out(care_id=row.pk, version=row.version, group="old_alone", reason="女儿已接去同住", on=ON, now=NOW)
        assert gone.ends == ON
        with pytest.raises(ValidationError, match="退出"):
            services.take_out(care_id=row.pk, version=row.version, group="old_alone", reason="女儿已接去同住", on=ON, now=NOW)
    village.derive()
    assert village.all() == {"钱有才": ["disabled"]}
    with scopes.acting(village.visitor):
        services.lift(hand_id=GroupByHand.objects.get(kind="out", ended_at=None).pk, reason="又回来独住", on=ON, now=NOW)
        services.lift(hand_id=GroupByHand.objects.get(kind="added", ended_at=None).pk, reason="评残没有通过", on=ON, now=NOW)
        assert set(CareEvent.objects.filter(what="lifted").values_list("note", flat=True)) == {"又回来独住", "评残没有通过"}
    assert village.all() == {"王长顺": ["old_alone"]}


def test_7_4_an_area_adds_a_group_of_its_own_for_a_time() -> None:
    village = Village()
    ill, young = village.home("孙病", born=date(1970, 1, 1)), village.home("孙青", born=date(2000, 1, 1))
    for home in (ill, young):
        village.fact(home, "serious_illness")
    with scopes.acting(village.town):
        made = services.define_group(area="410122101", name="大病困难老人", fact="serious_illness", age_from=50, starts=ON, on=ON, now=NOW)
        assert services.groups_at(VILLAGE, ON)[-1] == (made.code, "大病困难老人")
        with pytest.raises(ValidationError, match="同名"):
            services.define_group(area="410122101", name="大病困难老人", starts=ON, on=ON, now=NOW)
        with pytest.raises(ValidationError, match="管辖"):
            services.define_group(area="410122", name="全县重病", starts=ON, on=ON, now=NOW)
    assert village.all() == {"孙病": [made.code]}
    with scopes.acting(village.visitor):
        by_hand = services.add_by_hand(person_id=young.memberships.get().person_id, group=made.code, reason="透析", on=ON, now=NOW)
        assert by_hand.groups == [made.code]
    with scopes.acting(village.town):
        services.end_group(group_id=made.pk, ends=ON, on=ON, now=NOW)
    assert village.all() == {}


def test_7_4_who_dies_leaves_at_once_and_a_move_or_leaving_the_household_ends_it_too() -> None:
    village = Village()
    first, second = village.old_man("王长顺"), village.old_man("王长福")
    with scopes.acting(village.town):
        person = Person.objects.get(pk=first.person_id)
        record_death(person_id=person.pk, version=person.version, died_on=ON, on=ON, now=NOW)
        first.refresh_from_db()
        assert (first.ends, first.end_reason) == (ON, "died")
        later = ON + timedelta(days=1)
        end_membership(membership_id=second.person.memberships.get().pk, ends=later, on=later, now=NOW)
    services.derive_changed(now=NOW + timedelta(days=1))
    with scopes.acting(village.town):
        second.refresh_from_db()
        assert (second.ends, second.end_reason) == (later, "left")


def test_7_4_other_areas_see_and_change_nothing() -> None:
    village = Village()
    row = village.old_man()
    village.home("邻村老人", area=NEXT_VILLAGE)
    village.derive()
    with scopes.acting(village.visitor):
        assert [each.person.name for each in CarePerson.objects.select_related("person")] == ["王长顺"]
    for elsewhere in (officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE), officer(Duty.VISITOR, NEXT_VILLAGE)):
        with scopes.acting(elsewhere):
            with pytest.raises(ValidationError, match="管辖范围"):
                services.take_out(care_id=row.pk, version=row.version, group="old_alone", reason="不是本村", on=ON, now=NOW)
            with pytest.raises(ValidationError, match="管辖范围"):
                services.add_by_hand(person_id=row.person_id, group="disabled", reason="不是本村", on=ON, now=NOW)
            with pytest.raises(DatabaseError), transaction.atomic():
                CareEvent.objects.create(care_id=row.pk, area=VILLAGE, at=NOW, what="joined")
    with scopes.acting(officer(Duty.FINANCE_OFFICER)), pytest.raises(PermissionDenied):
        services.take_out(care_id=row.pk, version=row.version, group="old_alone", reason="无权", on=ON, now=NOW)


def test_7_4_an_event_cannot_hang_on_a_person_of_another_area() -> None:
    village = Village()
    row = village.old_man()
    neighbour = officer(Duty.TOWNSHIP_OFFICER, "410122102")
    with scopes.acting(neighbour), pytest.raises(DatabaseError), transaction.atomic():
        CareEvent.objects.create(care_id=row.pk, area="410122102201", at=NOW, what="joined")
        scopes.check_constraints()
