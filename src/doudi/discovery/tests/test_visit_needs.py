"""7.5: what a visitor found missing is a need by itself, once, and both lead to each other."""

from __future__ import annotations

from uuid import uuid4

import pytest

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models.visits import VisitConflict
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.test_visit_plans import TOWN, ill, rounds
from doudi.discovery.tests.test_visits import ON, owed, record
from doudi.needs.models import Need, NeedEvent, NeedPrivate
from doudi.registry.models import Household

FOUND = Result("self", "hard", needs=("medicine", "heating", "school"), medicine_days=2, note="腿疼下不了床")


@pytest.fixture
def home(visitor: scopes.Scope) -> Household:
    found = ill(officer(Duty.TOWNSHIP_OFFICER, TOWN))
    rounds(ON)
    return found


def test_7_5_a_recorded_visit_raises_its_needs_once_and_each_leads_to_the_other(visitor: scopes.Scope, home: Household) -> None:
    uuid = uuid4()
    made = record(visitor, FOUND, uuid=uuid, household_id=home.pk)
    assert record(visitor, FOUND, uuid=uuid, household_id=home.pk).outcome == "known"
    with scopes.acting(visitor):
        rows = {row.kind: row for row in Need.objects.all()}
        assert {kind: row.urgency for kind, row in rows.items()} == {"medicine": "red", "supplies": "orange"}, "two days of medicine are urgent; school stays a lead"
        medicine = rows["medicine"]
        assert (medicine.source, medicine.source_id, medicine.household_id) == ("visit", made.visit.pk, home.pk)
        said = str(NeedPrivate.objects.get(need=medicine).what)
        assert "药还能用 2 天" in said and "腿疼下不了床" in said
    client = client_of(visitor)
    assert f"/needs/{medicine.pk}/" in client.get(f"/visits/{made.visit.pk}/").content.decode()
    assert f"/visits/{made.visit.pk}/" in client.get(f"/needs/{medicine.pk}/").content.decode()


def test_7_5_what_is_told_again_is_no_second_need_but_may_be_more_urgent(visitor: scopes.Scope, home: Household) -> None:
    first = record(visitor, Result("self", "steady", needs=("medicine", "food"), medicine_days=20), household_id=home.pk)
    with scopes.acting(visitor):
        before = Need.objects.get(kind="medicine")
        assert before.urgency == "yellow"
    record(visitor, Result("family", "steady", needs=("food",)), household_id=home.pk)
    record(visitor, Result("family", "steady", needs=("medicine",), medicine_days=1, note="药瓶快空了"), household_id=home.pk)
    with scopes.acting(visitor):
        assert Need.objects.count() == 2
        after = Need.objects.get(kind="medicine")
        assert after.urgency == "red" and after.due < before.due and after.answer_due < before.answer_due and after.source_id == first.visit.pk
        told = NeedEvent.objects.get(need=after, what="再次反映，更加紧急")
        assert "药瓶快空了" in str(told.note) and NeedEvent.objects.filter(need__kind="food", what="再次反映").count() == 1


def test_7_5_a_record_that_conflicts_still_says_what_is_needed_and_nobody_met_says_nothing(visitor: scopes.Scope, home: Household) -> None:
    visit = owed(visitor, home)
    record(visitor, Result("absent", needs=("food",)), visit_id=visit.pk, base_version=visit.version)
    with scopes.acting(visitor):
        assert not Need.objects.exists()
    late = record(visitor, Result("self", "hard", needs=("food",)), visit_id=visit.pk, base_version=visit.version)
    with scopes.acting(visitor):
        assert late.outcome == "conflict" and VisitConflict.objects.count() == 1 and Need.objects.get().source_id == visit.pk
