"""Households, memberships and facts."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.registry import services
from doudi.registry.models import Fact, Household, Membership, Person
from doudi.registry.services import NewFact
from doudi.registry.tests.helpers import ELSEWHERE, NOW, ON, OTHER_VILLAGE, VILLAGE, household, id_number

WIFE = {"relationship": "配偶", "name": "李秀英", "id_number": ""}


@pytest.fixture
def township(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410122001")


def _wife() -> dict[str, str]:
    return {**WIFE, "id_number": id_number(male=False)}


def test_a_household_is_registered_whole_or_not_at_all(township: scopes.Scope) -> None:
    with pytest.raises(ValidationError) as caught:
        household(township, members=[_wife(), {**_wife(), "id_number": "1"}])
    assert caught.value.member == 2 and "id_number" in caught.value.message_dict  # type: ignore[attr-defined]
    with scopes.acting(township):
        assert not Household.objects.exists() and not Person.objects.exists()
    found = household(township, members=[_wife()])
    with scopes.acting(township):
        assert [m.relationship for m in Membership.objects.order_by("id")] == ["02", "10"]
        assert Household.objects.get().address == "东街3号" and found.number.startswith("410122")
        with connection.cursor() as cursor:
            cursor.execute("select address from registry_household")
            assert "东街".encode() not in bytes(cursor.fetchone()[0])


def test_one_person_is_in_one_household_at_a_time(township: scopes.Scope) -> None:
    first = household(township, members=[_wife()])
    second = household(township, name="赵铁柱", id_number=id_number())
    with scopes.acting(township):
        wife = Person.objects.get(name="李秀英")
        with pytest.raises(ValidationError) as caught:
            services.add_member(household_id=second.pk, relationship="10", person={"person_id": wife.pk}, on=ON, now=NOW)
        assert "先在原家庭办理转出" in caught.value.messages[0]
        left = Membership.objects.get(person=wife, household=first)
        with pytest.raises(ValidationError):
            services.end_membership(membership_id=left.pk, ends=left.starts, on=ON, now=NOW)
        later = date(2022, 12, 1)
        services.end_membership(membership_id=left.pk, ends=later, on=later, now=NOW)
        services.add_member(household_id=second.pk, relationship="10", person={"person_id": wife.pk}, on=later, now=NOW)
        assert Membership.objects.filter(person=wife).count() == 2


def test_a_person_of_another_village_joins_only_by_a_move(township: scopes.Scope) -> None:
    household(township, members=[_wife()])
    other = household(township, area=OTHER_VILLAGE, name="赵铁柱", id_number=id_number())
    with scopes.acting(township):
        wife = Person.objects.get(name="李秀英")
        membership = Membership.objects.get(person=wife)
        services.end_membership(membership_id=membership.pk, ends=date(2022, 12, 1), on=date(2022, 12, 1), now=NOW)
        with pytest.raises(ValidationError) as caught:
            services.add_member(household_id=other.pk, relationship="10", person={"person_id": wife.pk}, on=date(2022, 12, 1), now=NOW)
    assert "办理家庭转入" in caught.value.messages[0]


def test_the_head_does_not_leave_before_the_others(township: scopes.Scope) -> None:
    household(township, members=[_wife()])
    with scopes.acting(township):
        head = Membership.objects.get(relationship="02")
        with pytest.raises(ValidationError):
            services.end_membership(membership_id=head.pk, ends=date(2022, 12, 1), on=date(2022, 12, 1), now=NOW)


def test_nobody_outside_the_area_reaches_a_household_by_its_id(township: scopes.Scope) -> None:
    found = household(township)
    stranger = officer(Duty.TOWNSHIP_OFFICER, "410102001")
    with scopes.acting(stranger):
        with pytest.raises(Household.DoesNotExist):
            services.add_member(household_id=found.pk, relationship="10", person=_wife(), on=ON, now=NOW)
        with pytest.raises(services.Stale):
            services.change_household(household_id=found.pk, version=1, residence="urban", address="", on=ON, now=NOW)
        with pytest.raises(ValidationError):
            services.record_fact(fact=_cash(found.pk, "1"), on=ON, now=NOW)
    assert household(stranger, area=ELSEWHERE).area == ELSEWHERE


# --- facts


def _cash(household_id: int, number: str, starts: date = date(2022, 11, 1), **more: object) -> NewFact:
    return NewFact("financial_assets", starts, "declared", household_id=household_id, number=Decimal(number), **more)  # type: ignore[arg-type]


def test_a_new_fact_supersedes_and_nothing_is_overwritten(township: scopes.Scope) -> None:
    found = household(township)
    with scopes.acting(township):
        first = services.record_fact(fact=_cash(found.pk, "12000"), on=ON, now=NOW)
        second = services.record_fact(fact=_cash(found.pk, "8000.50", ON), on=ON, now=NOW)
        assert services.record_fact(fact=_cash(found.pk, "8000.50", ON), on=ON, now=NOW) is None
        older = services.record_fact(fact=_cash(found.pk, "99", date(2021, 1, 1)), on=ON, now=NOW)
        assert first and second and older
        assert list(Fact.objects.order_by("id").values_list("number", "superseded_at")) == [
            (Decimal("12000.00"), NOW), (Decimal("8000.50"), None), (Decimal("99.00"), NOW),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"number": Decimal("-1")}, "number"),
        ({"number": Decimal("1.005")}, "number"),
        ({"number": Decimal("NaN")}, "number"),
        ({"number": Decimal("Infinity")}, "number"),
        ({"number": Decimal("1e12")}, "number"),
        ({"number": None}, "number"),
        ({"kind": "disability"}, "kind"),
        ({"kind": "hacked"}, "kind"),
        ({"kind": "vehicles", "number": Decimal("1.5")}, "number"),
        ({"starts": date(2022, 11, 26)}, "starts"),
        ({"source": "rumour"}, "source"),
    ],
)
def test_wrong_facts_are_refused_by_field(township: scopes.Scope, values: dict[str, object], field: str) -> None:
    found = household(township)
    given = {"kind": "financial_assets", "starts": ON, "source": "declared", "household_id": found.pk, "number": Decimal(1), **values}
    with scopes.acting(township), pytest.raises(ValidationError) as caught:
        services.record_fact(fact=NewFact(**given), on=ON, now=NOW)  # type: ignore[arg-type]
    assert field in caught.value.message_dict


def test_many_facts_take_a_bounded_number_of_statements(township: scopes.Scope, django_assert_max_num_queries: object) -> None:
    ids = [household(township, name=f"王{chr(0x5EFA + n)}", id_number=id_number()).pk for n in range(12)]
    with scopes.acting(township):
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            services.record_facts(facts=[_cash(pk, "5") for pk in ids], on=ON, now=NOW)
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            services.record_facts(facts=[_cash(pk, "6") for pk in ids], on=ON, now=NOW)
        assert Fact.objects.filter(superseded_at=None).count() == 12 == Fact.objects.exclude(superseded_at=None).count()


def test_of_two_officers_who_record_the_same_fact_at_once_one_wins(committed_db: None) -> None:
    township = officer(Duty.TOWNSHIP_OFFICER, "410122001")
    found = household(township)
    with scopes.acting(township):
        first = services.record_fact(fact=_cash(found.pk, "1"), on=ON, now=NOW)
    assert first
    start, outcomes = threading.Barrier(2), []

    def record(number: str) -> None:
        try:
            start.wait(10)
            with scopes.acting(township):
                services.record_fact(fact=_cash(found.pk, number, ON, replaces=first.pk), on=ON, now=NOW)
            outcomes.append("won")
        except ValidationError as error:
            outcomes.append("told" if "刷新" in error.messages[0] else error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=record, args=(number,)) for number in ("2", "3")]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert sorted(outcomes) == ["told", "won"]
    with scopes.acting(township):
        assert Fact.objects.filter(superseded_at=None).count() == 1


def test_a_scope_of_one_village_holds_for_facts_too(township: scopes.Scope) -> None:
    found = household(township)
    other = officer(Duty.TOWNSHIP_OFFICER, OTHER_VILLAGE)
    with scopes.acting(township):
        services.record_fact(fact=_cash(found.pk, "1"), on=ON, now=NOW)
    with scopes.acting(other):
        assert not Fact.objects.exists() and not Household.objects.exists()
    assert found.area == VILLAGE
