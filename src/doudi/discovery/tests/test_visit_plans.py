"""1.7, 7.3: who is visited how often, what falls due when, what is missed and goes up; set-based and safe to repeat."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Posting, Todo
from doudi.core.services.emergencies import confirm_step, declare_emergency
from doudi.core.tests.officers import officer
from doudi.discovery.models.visits import Visit, VisitPlan
from doudi.discovery.services.visit_plans import DEFAULTS, Due, densities, make_due, set_plan
from doudi.discovery.services.visits import Result, record_visit
from doudi.registry.models import Household, Membership
from doudi.registry.services import NewFact, record_death, record_fact
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE, household, id_number

CHINA = ZoneInfo("Asia/Shanghai")
ON = date(2022, 11, 28)  # a Monday
NOW = datetime(2022, 11, 28, 9, tzinfo=CHINA)
TOWN, COUNTY, CITY = VILLAGE[:9], VILLAGE[:6], VILLAGE[:4]
DAYS = count()
ROBOT = scopes.Scope(area=COUNTY, duty=WORKER, page="daily", acts=frozenset({"visits.due"}))


def at(on: date, hour: int = 6) -> datetime:
    return datetime(on.year, on.month, on.day, hour, tzinfo=CHINA)


def rounds(on: date, *, area: str = COUNTY) -> Due:
    with scopes.acting(ROBOT):
        return make_due(area=area, on=on, now=at(on))


def emergency(on: date, *areas: str) -> None:
    """An emergency declared by the county for its places, by two officers."""
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        row = declare_emergency(kind="epidemic", areas=areas, starts=on, ends=None, document="牟政〔2022〕9号", now=at(on))
        step = row.steps.get()
    with scopes.acting(officer(Duty.COUNTY_APPROVER, COUNTY)):
        confirm_step(step_id=step.pk, now=at(on))


def plan(scope: scopes.Scope, group: str, every: int, unit: str, dense: tuple[int, str] = (0, "day"), **given: Any) -> VisitPlan:
    with scopes.acting(scope):
        values = {"area": scope.area, "group": group, "starts": ON, "every": every, "unit": unit, "now": NOW} | given
        return set_plan(**values, emergency_every=dense[0], emergency_unit=dense[1])


def fact(scope: scopes.Scope, home: Household, kind: str, number: int = 1, text: str = "") -> None:
    with scopes.acting(scope):
        person = Membership.objects.filter(household=home).order_by("id").values_list("person_id", flat=True)[0]
        record_fact(
            fact=NewFact(kind=kind, starts=date(2022, 1, 1), source="document", person_id=person, number=Decimal(number), text=text), on=ON, now=NOW
        )


def ill(scope: scopes.Scope, **given: Any) -> Household:
    """A household with a seriously ill head (born in 1970) and a grown child, so that no other group is theirs."""
    born = date(1990, 1, 1) + timedelta(days=next(DAYS))
    child = {"relationship": "20", "name": "王小明", "id_number": id_number(born), "residence_area": given.get("area", VILLAGE)}
    home = household(scope, id_number=id_number(date(1970, 1, 1)), members=[child], **given)
    fact(scope, home, "serious_illness")
    return home


def visits(home: Household) -> list[Visit]:
    with scopes.acting(ROBOT):
        return list(Visit.objects.filter(household=home).order_by("id"))


def done(scope: scopes.Scope, home: Household, on: date) -> None:
    with scopes.acting(scope):
        record_visit(uuid=uuid4(), household_id=home.pk, done_at=at(on, 10), result=Result("self", "steady"), now=at(on, 11))


def test_7_3_a_household_falls_due_within_its_interval_and_is_owed_one_visit(town: scopes.Scope) -> None:
    home = ill(town)
    plan(town, "ill", 1, "month")
    assert rounds(ON).made == 1 and rounds(ON) == Due(0, 0, 0, 0, 0)
    (owed,) = visits(home)
    assert ON + timedelta(days=2) <= owed.due <= date(2022, 12, 28) and (owed.state, owed.groups, owed.area) == ("due", ["ill"], VILLAGE)
    # in several groups at once: one visit, on the day of the densest
    fact(town, home, "special_difficulty")
    plan(town, "listed", 1, "week")
    assert rounds(ON).made == 0
    (owed,) = visits(home)
    assert set(owed.groups) == {"ill", "listed"} and owed.due <= ON + timedelta(days=7)


@pytest.mark.parametrize(
    ("visited", "every", "due"),
    [
        (date(2023, 1, 31), (1, "month"), date(2023, 2, 28)),
        (date(2024, 1, 31), (1, "month"), date(2024, 2, 29)),
        (date(2024, 2, 29), (12, "month"), date(2025, 2, 28)),
        (date(2022, 12, 26), (1, "week"), date(2023, 1, 2)),
        (date(2022, 12, 28), (10, "day"), date(2023, 1, 7)),
    ],
)
def test_7_3_the_next_visit_counts_from_the_last_over_short_and_leap_months(
    town: scopes.Scope, visited: date, every: tuple[int, str], due: date
) -> None:
    home = ill(town)
    plan(town, "ill", *every)
    done(town, home, visited)
    rounds(visited + timedelta(days=1))
    assert visits(home)[-1].due == due


def test_7_3_an_emergency_brings_open_visits_nearer_and_only_in_its_places(town: scopes.Scope) -> None:
    home, other = ill(town), ill(town, area=OTHER_VILLAGE, name="李四")
    plan(town, "ill", 3, "month", (1, "week"))
    for each in (home, other):
        done(town, each, ON)
    rounds(ON + timedelta(days=1))
    assert {visits(each)[-1].due for each in (home, other)} == {date(2023, 2, 28)}
    later = date(2022, 12, 20)  # a week after the last visit is long over: there is notice all the same
    emergency(later, VILLAGE)
    assert rounds(later).nearer == 1
    (near,), (far,) = visits(home)[1:], visits(other)[1:]
    assert (near.due, near.urgent) == (later + timedelta(days=2), True) and (far.due, far.urgent) == (date(2023, 2, 28), False)
    assert rounds(later).nearer == 0 and near.version == visits(home)[1].version


def test_7_3_a_county_sets_its_density_a_township_its_own_and_dates_count(town: scopes.Scope) -> None:
    county = officer(Duty.COUNTY_REVIEWER, COUNTY)
    plan(county, "ill", 2, "month")
    plan(town, "ill", 1, "week", starts=ON + timedelta(days=10))
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)):  # a village reads what stands above it
        found = {each.group: each for each in densities(VILLAGE, ON)}
        assert (found["ill"].every, found["ill"].unit, found["ill"].area) == (2, "month", COUNTY)
        assert (found["tekun"].every, found["tekun"].unit) == DEFAULTS["tekun"][0]
        later = {each.group: each for each in densities(VILLAGE, ON + timedelta(days=10))}
        assert (later["ill"].every, later["ill"].area) == (1, TOWN)
    with scopes.acting(officer(Duty.VISITOR, ELSEWHERE)):
        assert not VisitPlan.objects.exists()
    same = plan(county, "ill", 2, "month")
    with scopes.acting(county):
        assert VisitPlan.objects.filter(area=COUNTY).get().pk == same.pk


def test_7_3_a_plan_is_refused_by_field_beyond_the_area_and_by_other_duties(town: scopes.Scope) -> None:
    for given, field in (
        ({"group": "rich"}, "group"), ({"area": COUNTY}, "area"), ({"area": ELSEWHERE}, "area"), ({"starts": ON - timedelta(days=1)}, "starts"),
        ({"every": -1}, "every"), ({"every": 13}, "every"), ({"unit": "year"}, "every"),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as error:
            plan(town, **({"group": "ill", "every": 1, "unit": "month"} | given))
        assert field in error.value.message_dict, given
    with pytest.raises(PermissionDenied):
        plan(officer(Duty.VISITOR, VILLAGE), "ill", 1, "month")
    with scopes.acting(town), pytest.raises(PermissionDenied):
        make_due(area=TOWN, on=ON, now=NOW)


def test_7_3_who_leaves_all_groups_is_owed_nothing_and_a_group_can_be_left_out(town: scopes.Scope) -> None:
    home, alone = ill(town), household(town, name="李四", id_number=id_number(date(1940, 2, 2)))
    rounds(ON)
    assert visits(home)[0].state == visits(alone)[0].state == "due" and visits(alone)[0].groups == ["alone"]
    plan(town, "ill", 0, "month")
    with scopes.acting(town):
        person = Membership.objects.get(household=alone).person
        record_death(person_id=person.pk, version=person.version, died_on=ON, on=ON, now=NOW)
    assert rounds(ON + timedelta(days=1)).ended == 2
    assert {visits(home)[0].state, visits(alone)[0].state} == {"cancelled"}


def test_5_1_children_are_found_and_visited_by_the_child_director(town: scopes.Scope) -> None:
    visitor, director = officer(Duty.VISITOR, VILLAGE), officer(Duty.CHILD_DIRECTOR, VILLAGE)
    child = {"relationship": "20", "name": "王小小", "id_number": id_number(date(2015, 1, 1)), "residence_area": VILLAGE}
    home = household(town, id_number=id_number(date(1985, 1, 1)), members=[child])
    fact(town, home, "works_away")  # the only adult works away
    stays = household(
        town, name="李四", id_number=id_number(date(1985, 1, 1)), members=[child | {"name": "李小小", "id_number": id_number(date(2015, 1, 1))}]
    )
    sick = ill(town, name="赵六")
    rounds(ON)
    assert visits(home)[0].groups == ["left_behind"] and visits(home)[0].posting_id == director.posting_id
    assert visits(stays) == [] and visits(sick)[0].posting_id == visitor.posting_id
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=director.posting_id).update(ends=ON)
    rounds(ON)
    assert visits(home)[0].posting_id == visitor.posting_id


def test_7_3_supplied_in_an_institution_is_not_visited_at_home(town: scopes.Scope) -> None:
    home = household(town, id_number=id_number(date(1940, 1, 1)))
    fact(town, home, "in_institution")
    assert rounds(ON).made == 0


def test_1_7_missed_visits_stay_owed_are_seen_by_the_township_and_go_up(town: scopes.Scope) -> None:
    home = ill(town)
    plan(town, "ill", 1, "week")
    rounds(ON)
    due = visits(home)[0].due
    assert rounds(due).missed == 0
    monday = date(2022, 12, 12)
    assert (rounds(monday).missed, visits(home)[0].state, visits(home)[0].escalated) == (1, "missed", 1)

    def todos() -> set[tuple[str, str]]:
        with scopes.acting(scopes.Scope(area="41")):
            return set(Todo.objects.filter(kind="visit.missed", done_at=None).values_list("duty", "area"))

    assert todos() == {("township_officer", VILLAGE)} and rounds(monday).escalated == 0
    assert rounds(monday + timedelta(days=3)).escalated == 1
    assert todos() == {("township_officer", VILLAGE), ("county_reviewer", TOWN)}
    assert rounds(date(2022, 12, 18)).escalated == 0  # a Sunday
    rounds(date(2022, 12, 21))
    assert ("supervisor", COUNTY) in todos() and visits(home)[0].escalated == 3
    done(town, home, date(2022, 12, 21))
    assert ("township_officer", VILLAGE) not in todos()
    rounds(date(2022, 12, 22))
    assert todos() == set() and [each.state for each in visits(home)] == ["done", "due"]


def test_7_3_two_open_visits_of_one_household_are_refused_by_the_table(town: scopes.Scope) -> None:
    home = ill(town)
    rounds(ON)
    values = {"area": VILLAGE, "household": home, "origin": "own", "due": ON, "made_at": NOW}
    with scopes.acting(town):
        for wrong in ({}, {"state": "missed"}, {"state": "done"}, {"state": "cancelled"}, {"state": "due", "closed_at": NOW}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Visit.objects.create(**values | wrong)
        with pytest.raises(IntegrityError), transaction.atomic():
            Visit.objects.create(**values | {"area": OTHER_VILLAGE, "state": "cancelled", "closed_at": NOW})
            scopes.check_constraints()


def many(scope: scopes.Scope, size: int, villages: int) -> None:
    """Households of one old person each, registered in bulk."""
    with scopes.acting(scope), connection.cursor() as cursor:
        cursor.execute(
            "insert into registry_household (number, name, residence, area, made_at, version)"
            " select 'T' || lpad(n::text, 15, '0'), '张三', 'rural', %s || lpad((1 + n %% %s)::text, 3, '0'), %s, 1 from generate_series(1, %s) n",
            [TOWN, villages, NOW, size],
        )
        cursor.execute(
            "insert into registry_person (token, name, pinyin, initials, sex, birth_date, ethnicity, registered_area, residence_area, bank, area, made_at,"
            " version) select gen_random_uuid(), '张三', '', '', '1', '1940-01-01', '01', area, area, '', area, %s, 1 from registry_household"
            " where number like 'T%%'",
            [NOW],
        )
        cursor.execute(
            "insert into registry_membership (household_id, person_id, relationship, starts, area) select h.id, p.id, '02', '2022-01-01', h.area"
            " from (select id, area, row_number() over (partition by area order by id) n from registry_household where number like 'T%%') h"
            " join (select id, area, row_number() over (partition by area order by id) n from registry_person where birth_date = '1940-01-01') p"
            " on p.area = h.area and p.n = h.n"
        )
        cursor.execute("discard plans")  # those of foreign keys were made when the tables were empty, and would read them whole for each row


def test_7_3_twenty_thousand_households_fall_due_in_few_statements(town: scopes.Scope) -> None:
    size = 20_000
    many(town, size, 20)
    with scopes.acting(ROBOT), CaptureQueriesContext(connection) as seen:
        assert make_due(area=COUNTY, on=ON, now=NOW).made == size
    assert len(seen) < 45
    with scopes.acting(ROBOT):
        days = Visit.objects.values_list("due", flat=True)
        assert min(days) >= ON + timedelta(days=2) and max(days) <= ON + timedelta(days=7) and len(set(days)) > 4
