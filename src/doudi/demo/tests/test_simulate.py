"""Three months of a thousand people: the books hold, a run that was cut off goes on, and what does not hold is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from doudi.core import clock
from doudi.core import scope as scopes
from doudi.core.models import DailyRun
from doudi.demo import discovery, funding, job
from doudi.demo.simulate import checks, money, run, work
from doudi.enrolment.models import Award, Decision
from doudi.payments.models import Payroll, PayrollLine
from doudi.registry.models import Person
from doudi.testing import TestDatabase

PEOPLE, SEED = 1_000, 7
# check -> what breaks it
SPOILT = {
    "发放人数与已发月份登记不符": "delete from payments_paidmonth where ctid = (select min(ctid) from payments_paidmonth where month = '2023-01-01') and month = '2023-01-01'",
    "没有决定的待遇": "update enrolment_award set decision_id = -1 where id = (select max(id) from enrolment_award where not void)",
    "没有决定的金额": "update enrolment_awardamount set decision_id = -1 where id = (select max(id) from enrolment_awardamount)",
    "线索无人办理": "with gone as (delete from core_todo where subject = 'lead') update discovery_lead"
    " set state = 'new', merged_into_id = null, contact_due = null, verify_due = null, retry_due = null where id = (select min(id) from discovery_lead)",
    "线索并入了不存在或又被并入的线索": "update discovery_lead set merged_into_id = -1 where id = (select min(id) from discovery_lead)",
}


@pytest.fixture
def county(committed_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> job.Demo:
    """A county that has its people, awards, money and team. No clock is moved: every service is told the time."""
    for name in ("set_back", "move_to"):
        monkeypatch.setattr(clock, name, lambda to: None)
    monkeypatch.setattr(work, "APPLICATIONS", 1)
    monkeypatch.setattr(work, "VISITS", 2)
    demo = job.Demo(folder=tmp_path, people=PEOPLE, seed=SEED)
    job.county(demo)
    job.registry(demo)
    funding.funding(demo)
    discovery.team(next(each for each in demo.staff if each.username == "town"), number=0, on=date(2022, 11, 1), now=job.at(date(2022, 11, 1)))
    return demo


@pytest.fixture
def superuser(test_database: TestDatabase, django_db_setup: None) -> Iterator[Any]:
    """Who may pass all guards."""
    with test_database.inside() as connection:
        connection.execute("set search_path = doudi, public")
        yield connection


def _live(months: int) -> list[run.Month]:
    return list(run.simulate(area=job.AREA, seed=SEED, months=months, today=job.TODAY))


def _rows() -> dict[str, Any]:
    with scopes.acting(scopes.Scope(area=job.AREA)):
        return {
            "dead": Person.objects.exclude(died_on=None).count(),
            "people": Person.objects.count(),
            "decisions": Decision.objects.count(),
            "lines": PayrollLine.objects.count(),
            "steps": DailyRun.objects.filter(name__startswith=run.PREFIX).count(),
        }


def test_months_go_by_through_all_rooms_and_everything_holds(
    county: job.Demo, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _rows()
    first = _live(1)
    assert [each.month for each in first] == [date(2023, 1, 1)]
    assert first[0].figures["lines"] > 0 and first[0].figures["paid"] + first[0].figures["returned"] >= first[0].figures["lines"]
    after = _rows()
    assert after["people"] >= before["people"] and after["decisions"] > before["decisions"]

    released = money.release

    def cut_off(life: Any, on: date) -> Any:
        released(life, on)
        raise RuntimeError("cut off")

    monkeypatch.setattr(money, "release", cut_off)
    with pytest.raises(run.DoesNotHold, match=r"2023-02.*payroll\.release.*cut off"):
        _live(2)
    with scopes.acting(scopes.Scope(area=job.AREA)):
        assert Payroll.objects.get(month=date(2023, 2, 1), kind="regular").state == "approved", "the step that failed left nothing"
    monkeypatch.setattr(money, "release", released)
    later = _live(3)
    assert [each.month for each in later] == [date(2023, 2, 1), date(2023, 3, 1)], "it goes on where it stood"
    assert _live(3) == [], "months that were lived are not lived again"
    assert [each.month.month for each in run.months_done(job.AREA)] == [1, 2, 3]
    assert later[-1].state.bytes > 0 and later[-1].state.leads >= first[0].state.leads
    with scopes.acting(scopes.Scope(area=job.AREA)):
        assert Award.objects.filter(starts__gte=date(2023, 1, 1)).exists(), "somebody who applied was granted"
    _spoilt_is_named(superuser)


def _spoilt_is_named(owner: Any) -> None:
    """What somebody past all guards does to the tables is found by the check that is for it."""
    asked = dict(checks.NEVER)
    for what, statement in SPOILT.items():
        with owner.transaction(force_rollback=True):
            assert owner.execute(asked[what]).fetchall() == [], what
            owner.execute("set local session_replication_role = replica")
            assert owner.execute(statement).rowcount == 1, what
            assert len(owner.execute(asked[what]).fetchall()) >= 1, what
