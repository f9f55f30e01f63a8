"""Sweeps (1.6): who has which village, a list of a hundred thousand, two visitors at one door."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.core.tests.officers import officer
from doudi.discovery import services, visit_offline
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepConflict, SweepEntry
from doudi.discovery.models.visits import Visit
from doudi.discovery.tests.test_sweeps import answer, begin, daily, entries
from doudi.discovery.tests.test_visit_plans import NOW, ON, TOWN, ill, many
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE


def test_1_6_a_village_is_given_to_somebody_and_dealt_out_again(town: scopes.Scope, visitor: scopes.Scope) -> None:
    for name in ("甲一", "乙二"):
        ill(town, name=name)
    sweep = begin(town)
    with scopes.acting(town):
        assert services.assign_village(sweep_id=sweep.pk, area=VILLAGE, posting_id=town.posting_id, now=NOW) == 2
    daily(ON + timedelta(days=1))
    assert {each.posting_id for each in entries(sweep)} == {town.posting_id}
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="在任岗位"):
            services.assign_village(sweep_id=sweep.pk, area=OTHER_VILLAGE, posting_id=visitor.posting_id, now=NOW)
        services.assign_village(sweep_id=sweep.pk, area=VILLAGE, posting_id=None, now=NOW)
    assert {each.posting_id for each in entries(sweep)} == {visitor.posting_id}
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=visitor.posting_id).update(ends=ON)
    follower = officer(Duty.VISITOR, VILLAGE)
    daily(ON + timedelta(days=1))
    assert {each.posting_id for each in entries(sweep)} == {follower.posting_id}


def test_1_6_a_phone_gets_the_households_that_only_a_sweep_lists(town: scopes.Scope, visitor: scopes.Scope) -> None:
    for name in ("甲一", "乙二"):
        ill(town, name=name)
    begin(town)
    with scopes.acting(visitor):
        items, places, elsewhere = visit_offline.phone_list(posting_id=visitor.posting_id, on=ON)
    assert [(item["visit"], item["lead"], item["why"]) for item in items] == [(None, None, [["集中排查", "purple"]])] * 2
    assert places == [(item["household"], VILLAGE) for item in items] and elsewhere == 0


def test_1_6_twenty_thousand_households_are_listed_by_one_statement(town: scopes.Scope) -> None:
    size = 20_000
    many(town, size, 20)
    for village in range(1, 4):
        officer(Duty.VISITOR, f"{TOWN}{village:03d}")
    with CaptureQueriesContext(connection) as seen:
        sweep = begin(town, groups=("alone",))
    assert len(seen) < 45 and sum("insert into discovery_sweepentry" in each["sql"] for each in seen) == 1
    with scopes.acting(town):
        assert SweepEntry.objects.filter(sweep=sweep).count() == size
        assert SweepEntry.objects.filter(sweep=sweep, posting__isnull=False).count() == size * 3 // 20


def test_1_6_two_visitors_at_one_door_at_once_are_both_kept(committed_db: None) -> None:
    town, one, two = officer(Duty.TOWNSHIP_OFFICER, TOWN), officer(Duty.VISITOR, VILLAGE), officer(Duty.VISITOR, VILLAGE)
    ill(town)
    sweep = begin(town)
    (entry,) = entries(sweep)
    outcomes, start = [], threading.Barrier(2)

    def work(scope: scopes.Scope, heating: str) -> None:
        try:
            start.wait(5)
            outcomes.append(answer(scope, entry, answers={"heating": heating}).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=given) for given in ((one, "coal"), (two, "gas"))]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(outcomes) == ["conflict", "recorded"]
    with scopes.acting(town):
        assert SweepAnswer.objects.count() == 1 and SweepConflict.objects.count() == 1 and Visit.objects.exclude(uuid=None).count() == 1


def test_1_6_answering_while_the_sweep_is_closed_is_one_after_the_other(committed_db: None) -> None:
    town, one = officer(Duty.TOWNSHIP_OFFICER, TOWN), officer(Duty.VISITOR, VILLAGE)
    for number in range(6):
        ill(town, name="甲" + "一二三四五六"[number])
    sweep = begin(town)
    found, start, said = entries(sweep), threading.Barrier(7), []

    def work(entry: SweepEntry | None) -> None:
        try:
            start.wait(5)
            if entry is None:
                with scopes.acting(town):
                    services.close_sweep(sweep_id=sweep.pk, version=1, note="提前完成", now=NOW + timedelta(days=1))
            else:
                answer(one, entry)
                said.append(entry.pk)
        except ValidationError as error:
            assert "已办结" in str(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in (*found, None)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    with scopes.acting(town):
        states = {each.pk: each.state for each in SweepEntry.objects.filter(sweep=sweep)}
        assert Sweep.objects.get().state == "closed" and set(states.values()) <= {"done", "unreached"}
        assert {pk for pk, state in states.items() if state == "done"} == set(said)
