"""4.4: checked by finance, submitted by the approver, accepted or returned by the level above; frozen between; two officers at once."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.budget.models import Figure, Scenario
from doudi.budget.services import course, scenarios
from doudi.budget.tests.world import NOW, World
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.payments.models import Fund

State = Scenario.State


def ready(world: World, name: str = "基本方案") -> Scenario:
    row = world.scenario(name)
    world.assume(row, "temporary", "year", "120000")
    return world.calculated(row)


def decided(world: World, row: Scenario, accepted: bool, note: str = "") -> Scenario:
    with scopes.acting(world.city):
        fresh = Scenario.objects.get(pk=row.pk)
        return course.decide_scenario(scenario_id=row.pk, version=fresh.version, accepted=accepted, note=note, now=NOW)


@pytest.mark.django_db
def test_4_4_checked_submitted_returned_changed_and_submitted_again() -> None:
    world = World()
    row = ready(world)
    with scopes.acting(world.reviewer):
        course.ask_check(scenario_id=row.pk, now=NOW)
        course.ask_check(scenario_id=row.pk, now=NOW)
        assert Todo.objects.filter(subject="budget", subject_id=row.pk, done_at=None, duty=Duty.FINANCE_OFFICER).count() == 1
    with scopes.acting(world.finance):
        assert course.send_back_scenario(scenario_id=row.pk, version=row.version, note="临时救助依据不足", now=NOW).state == State.DRAFT
    with scopes.acting(world.reviewer):
        assert not Todo.objects.filter(kind="budget.check", done_at=None).exists()
        assert Todo.objects.filter(kind="budget.return", done_at=None).count() == 1
    first = world.submitted(row)
    assert first.state == State.SUBMITTED and len(first.content_hash) == 64
    with scopes.acting(world.city):
        assert Todo.objects.filter(kind="budget.decide", subject_id=row.pk, done_at=None).count() == 1
    with pytest.raises(ValidationError, match="原因"):
        decided(world, row, False)
    assert decided(world, row, False, "请补充说明").remark == "请补充说明"
    with scopes.acting(world.reviewer):
        assert Todo.objects.filter(kind="budget.return", done_at=None).count() == 1
        scenarios.drop_assumption(assumption_id=row.assumptions.get().pk, now=NOW)
    world.assume(row, "temporary", "year", "150000")
    world.calculated(row)
    again = world.submitted(row)
    assert again.content_hash != first.content_hash and again.amount == 150000
    assert decided(world, row, True).state == State.ACCEPTED
    with pytest.raises(ValidationError, match="已由他人办理"):
        decided(world, row, True)
    with scopes.acting(world.reviewer):
        kinds = list(row.events.order_by("id").values_list("kind", flat=True))
    assert kinds == ["made", "calculated", "sent_back", "checked", "submitted", "returned", "calculated", "checked", "submitted", "accepted"]


@pytest.mark.django_db
def test_4_4_three_officers_and_the_level_above_each_their_own_step() -> None:
    world = World()
    row = ready(world)
    with scopes.acting(world.reviewer), pytest.raises(PermissionDenied):
        course.check_scenario(scenario_id=row.pk, version=row.version, now=NOW)
    both = scopes.Scope(area=world.county, account_id=world.reviewer.account_id, posting_id=world.finance.posting_id, duty=Duty.FINANCE_OFFICER)
    with scopes.acting(both), pytest.raises(PermissionDenied, match="另一名"):
        course.check_scenario(scenario_id=row.pk, version=row.version, now=NOW)
    checked = world.checked(row)
    same = scopes.Scope(area=world.county, account_id=world.finance.account_id, posting_id=world.approver.posting_id, duty=Duty.COUNTY_APPROVER)
    with scopes.acting(same), pytest.raises(PermissionDenied, match="另一名"):
        course.submit_scenario(scenario_id=row.pk, version=checked.version, now=NOW)
    with scopes.acting(officer(Duty.FINANCE_OFFICER, "410181")), pytest.raises(ValidationError, match="管辖范围"):
        course.send_back_scenario(scenario_id=row.pk, version=checked.version, note="x", now=NOW)
    with scopes.acting(world.city), pytest.raises(ValidationError, match="已由他人办理"):
        course.decide_scenario(scenario_id=row.pk, version=checked.version, accepted=True, now=NOW)
    with scopes.acting(officer(Duty.SUPERVISOR, world.county)), pytest.raises(ValidationError, match="上一级"):
        course.decide_scenario(scenario_id=row.pk, version=checked.version, accepted=True, now=NOW)
    with scopes.acting(world.approver):
        back = course.send_back_scenario(scenario_id=row.pk, version=checked.version, note="口径不对", now=NOW)
    assert back.state == State.RETURNED and back.open


@pytest.mark.django_db
def test_4_4_what_was_checked_stays_and_only_one_scenario_of_a_year_is_on_its_way() -> None:
    world = World()
    row, other = ready(world), ready(world, "另一方案")
    world.checked(row)
    with pytest.raises(ValidationError, match="内容不能再改"):
        world.assume(row, "recipients", "percent", "3", programmes=["dibao"])
    with pytest.raises(ValidationError, match="内容不能再改"):
        world.calculated(row)
    with pytest.raises(ValidationError, match="已有方案“基本方案”"):
        world.checked(other)
    with scopes.acting(world.reviewer):
        for wrong in (
            lambda: Figure.objects.filter(scenario=row).delete(),
            lambda: row.assumptions.all().delete(),
            lambda: Scenario.objects.filter(pk=row.pk).update(amount=1),
            lambda: Scenario.objects.filter(pk=row.pk).update(state="accepted"),
            lambda: Scenario.objects.filter(pk=row.pk).update(state="draft"),
            lambda: Scenario.objects.filter(pk=other.pk).update(state="checked"),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                wrong()


@pytest.mark.django_db
def test_4_4_content_that_differs_from_its_hash_is_not_submitted(owner_connection: object) -> None:
    world = World()
    row = ready(world)
    checked = world.checked(row)
    with scopes.acting(world.approver):
        fresh = Scenario.objects.get(pk=row.pk)
        fresh.note = "改过"
        assert course.content_hash(fresh) != checked.content_hash
        assert course.content_hash(Scenario.objects.get(pk=row.pk)) == checked.content_hash


@pytest.mark.django_db
def test_4_2_levels_pay_shares_or_amounts_and_the_gap_is_what_nobody_pays() -> None:
    from doudi.budget import queries

    world = World()
    row = ready(world)
    with scopes.acting(world.reviewer):
        fund = Fund.objects.get(code="assistance")

        def put(level: str, **more: object) -> None:
            scenarios.set_source(scenario_id=row.pk, fund_id=fund.pk, level=level, basis="分担办法", now=NOW, **more)  # type: ignore[arg-type]

        (before,) = queries.by_fund(row)
        assert before["gap"] == before["total"] == 120000
        put("central", share=Decimal("33.3333"))
        put("province", amount=Decimal("20000.01"))
        (after,) = queries.by_fund(row)
        assert [paid.amount for paid in after["levels"]] == [Decimal("39999.96"), Decimal("20000.01"), 0, 0]
        assert after["gap"] == Decimal("60000.03")
        for more, field in (
            ({"share": Decimal(101)}, "share"),
            ({"share": Decimal(5), "amount": Decimal(5)}, "share"),
            ({"amount": Decimal("0.001")}, "amount"),
        ):
            with pytest.raises(ValidationError) as error:
                put("city", **more)
            assert field in error.value.message_dict
        with pytest.raises(ValidationError, match="超过 100"):
            put("city", share=Decimal(70))
        scenarios.set_source(scenario_id=row.pk, fund_id=fund.pk, level="central", now=NOW)
        assert queries.by_fund(row)[0]["gap"] == Decimal("99999.99")


def test_4_4_two_check_at_once_and_the_second_is_told(committed_db: None) -> None:
    world = World()
    row = ready(world)
    officers = [world.finance, officer(Duty.FINANCE_OFFICER, world.county)]
    gate, said = threading.Barrier(2), []

    def run(scope: scopes.Scope) -> None:
        gate.wait()
        try:
            with scopes.acting(scope):
                course.check_scenario(scenario_id=row.pk, version=row.version, now=NOW)
            said.append("ok")
        except ValidationError as error:
            said.append(error.messages[0])
        connection.close()

    threads = [threading.Thread(target=run, args=(scope,)) for scope in officers]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(len(each) > 2 for each in said) == [False, True] and any("由他人办理过" in each for each in said)


@pytest.mark.django_db
def test_4_4_from_november_on_a_county_that_has_not_submitted_is_reminded_until_it_has() -> None:
    from doudi.budget.periodic import remind

    world = World()
    with scopes.acting(world.reviewer):
        assert remind(area=world.county, on=date(2022, 10, 31), now=NOW) == {"raised": 0}
        assert remind(area=world.county, on=date(2022, 11, 1), now=NOW) == {"raised": 1}
        assert remind(area=world.county, on=date(2022, 11, 2), now=NOW) == {"raised": 0}
        (todo,) = Todo.objects.filter(kind="budget.due", done_at=None)
        assert todo.due == date(2022, 11, 30) and todo.duty == Duty.COUNTY_REVIEWER
    world.submitted(ready(world))
    with scopes.acting(world.reviewer):
        assert not Todo.objects.filter(kind="budget.due", done_at=None).exists()
        assert remind(area=world.county, on=date(2022, 11, 3), now=NOW) == {"raised": 0}
