"""Two months of some hundred people: the books hold, a run that was cut off goes on, and what does not hold is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from doudi.core import clock
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import DailyRun
from doudi.demo import discovery, funding, job
from doudi.demo.simulate import cases, checks, money, run, work
from doudi.enrolment.models import Award, Decision
from doudi.payments.models import BankReturn, LedgerEntry, Payroll, PayrollLine
from doudi.registry.models import Person
from doudi.reports import queries, services
from doudi.testing import TestDatabase

PEOPLE, SEED = 600, 7
LINE = "(select max(id) from payments_payrollline where kind = 'regular' and month_entitled = '2023-01-01')"
TODO = "insert into core_todo (area, duty, kind, title, url, subject, subject_id, made_at) values ('410122', "
# check -> what breaks it
SPOILT = {
    "同一人同一项目同一月份发放两次": "with two as (select min(id) a, max(id) b from payments_payrollline where kind = 'regular' and beneficiary is not null"
    " and month_entitled = '2023-01-01') update payments_payrollline l set beneficiary = o.beneficiary, programme = o.programme, area = o.area"
    " from two, payments_payrollline o where l.id = two.b and o.id = two.a",
    "发放人数与已发月份登记不符": "delete from payments_paidmonth where ctid = (select min(ctid) from payments_paidmonth where month = '2023-01-01') and month = '2023-01-01'",
    "退票未退回或重复补发": f"update payments_payrollline set kind = 'reissue', cause = -1, returned_line = -1 where id = {LINE}",
    "没有决定的待遇": "update enrolment_award set decision_id = -1 where id = (select max(id) from enrolment_award where not void)",
    "没有决定的金额": "update enrolment_awardamount set decision_id = -1 where id = (select max(id) from enrolment_awardamount)",
    "发放明细没有对应的待遇或一次性补助": f"update payments_payrollline set entitlement_id = -1 where id = {LINE}",
    "去世后的月份仍发放本人且未列入多发": "update registry_person set died_on = '2022-12-01' where id = (select min(person_id) from payments_paidmonth where month = '2023-01-01')",
    "终止后的月份仍发放且未列入多发": f"update enrolment_award set void = true where id = (select entitlement_id from payments_payrollline where id = {LINE})",
    "已报送的明细没有进入银行结果或资金台账": "delete from payments_bankresult where id = (select max(id) from payments_bankresult)",
    "线索无人办理": "with gone as (delete from core_todo where subject = 'lead') update discovery_lead"
    " set state = 'new', merged_into_id = null, contact_due = null, verify_due = null, retry_due = null where id = (select min(id) from discovery_lead)",
    "线索并入了不存在或又被并入的线索": "update discovery_lead set merged_into_id = -1 where id = (select min(id) from discovery_lead)",
    "已结线索没有办理记录": "delete from discovery_leadevent where lead_id = (select min(id) from discovery_lead where state = 'helped' and merged_into_id is null)",
    "待审批的决定没有待办": "with gone as (delete from core_todo where subject = 'decision') update enrolment_decision"
    " set state = 'proposed', decided_by_id = null, decided_at = null where id = (select max(id) from enrolment_decision d"
    " where state = 'approved' and not exists (select from enrolment_case c where c.decision_id = d.id))",
    "待办所指的事项已不存在或已办结": TODO + "'county_reviewer', 'x', 'x', '/', 'lead', -1, now())",
    "待办没有可办的岗位": TODO + "'nobody', 'x', 'x', '/', 'x', 1, now())",
    "待办的接办人已不在岗": TODO.replace("made_at)", "made_at, posting_id)") + "'county_reviewer', 'x', 'x', '/', 'x', 2, now(), -1)",
    "待办久未办结": TODO.replace("made_at)", "made_at, due)").replace("values (", "select ")
    + "'county_reviewer', 'x', 'x', '/', 'x', n, now(), '2022-05-01' from generate_series(3, 13) n",
    "办理中的申请没有待办": "with gone as (delete from core_todo where subject in ('case', 'decision'))"
    " update enrolment_case set state = 'open', outcome = '', closed_at = null where id = (select max(id) from enrolment_case)",
    "办结的申请没有已审批的决定": "update enrolment_decision set state = 'proposed', decided_by_id = null, decided_at = null"
    " where id = (select max(decision_id) from enrolment_case where state = 'closed')",
    "办理中的临时救助没有待办": "with gone as (delete from core_todo where subject = 'relief')"
    " update relief_reliefcase set state = 'open' where id = (select max(id) from relief_reliefcase)",
    "临时救助久未办结": "update relief_reliefcase set state = 'open', made_at = '2022-06-01' where id = (select max(id) from relief_reliefcase)",
    "临时救助批准金额与资金不符": "update relief_reliefcase set amount = amount - 1 where id = (select max(id) from relief_reliefcase where state = 'granted')",
    "备用金支出没有领款凭据": "delete from core_attachment where subject = 'reserve_payout'",
    "资金文件与台账不符": "update payments_fundmovement set amount = amount + 1 where id = (select max(id) from payments_fundmovement where kind = 'receipt')",
    "需求已满足但没有确认": "delete from needs_needanswer where state = 'done'",
    "人员的历史版本不全": "delete from registry_personhistoryevent where pgh_obj_id = (select min(id) from registry_person)",
    "家庭的历史版本不全": "delete from registry_householdhistoryevent where pgh_obj_id = (select min(id) from registry_household)",
    "家庭成员关系的历史不全": "delete from registry_membershiphistoryevent where pgh_obj_id = (select min(id) from registry_membership)",
    "没有今后三个月的发放分区": "update payments_payroll set month = '2040-01-01' where id = (select max(id) from payments_payroll)",
    "查阅记录久未封存": "insert into core_accessrecord (at, area, account_id, posting_id, what, subject, field, reason, page)"
    " values (now() - interval '2 hours', '410122', 1, 1, 'open', 'x', '', '', '')",
}  # fmt: skip
# what `problems` says, and what breaks it (past the lists of statements)
LOST = {
    "对账不符": "update payments_ledgerentry set amount = amount + 1 where id = (select max(id) from payments_ledgerentry where account = 'paid')",
    "线索丢失": "delete from discovery_lead where id = (select max(id) from discovery_lead)",
    "查阅记录：": "update core_accessrecord set reason = 'changed' where id = (select min(id) from core_accessrecord)",
}


@pytest.fixture
def county(committed_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> job.Demo:
    """A county that has its people, awards, money and team. No clock is moved: every service is told the time."""
    for name in ("set_back", "move_to"):
        monkeypatch.setattr(clock, name, lambda to: None)
    monkeypatch.setattr(cases, "TOWNSHIPS", 1)
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
    with transaction.atomic():  # lived once and taken back: what follows from the seed follows from it alone, not from ids or what is kept beside
        tried = run.digest(_live(1))
        transaction.set_rollback(True)
    first = _live(1)
    assert [each.month for each in first] == [date(2023, 1, 1)]
    assert run.digest(first) == tried, "the same seed, the same month"
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
    later = _live(2)
    assert [each.month for each in later] == [date(2023, 2, 1)], "it goes on where it stood"
    assert _live(2) == [], "months that were lived are not lived again"
    assert [each.month.month for each in run.months_done(job.AREA)] == [1, 2]
    assert later[-1].state.leads >= first[0].state.leads and later[-1].state.tables["payments_payrollline"][0] > 0
    with scopes.acting(scopes.Scope(area=job.AREA)):
        assert Award.objects.filter(starts__gte=date(2023, 1, 1)).exists(), "somebody who applied was granted"
    _table_says_what_the_ledger_says()
    assert set(SPOILT) == {what for what, _query in checks.NEVER}, "each check has what breaks it"
    _spoilt_is_named(superuser)
    _lost_is_named(superuser, later[-1].state)


def _table_says_what_the_ledger_says() -> None:
    """The monthly table adds up lines and returns; the ledger was booked step by step. Temporary assistance is told as decided, whoever paid it."""
    acts = frozenset({"reports.count", "payments.view"})
    with scopes.acting(scopes.Scope(area=job.AREA, duty=WORKER, page="test", acts=acts)):
        for month in (date(2023, 1, 1), date(2023, 2, 1)):
            services.count_month(area=job.AREA, month=month, now=job.at(date(2023, 3, 1)))
            found = queries.sums(job.AREA, month)
            booked = LedgerEntry.objects.filter(payroll__month=month, account__in=("in_payment", "paid")).aggregate(yuan=Sum("amount"))["yuan"]
            temporary = PayrollLine.objects.filter(payroll__month=month, payroll__state__in=("released", "booked"), programme="temporary")
            returned = BankReturn.objects.filter(payroll__month=month, programme="temporary").aggregate(yuan=Sum("amount"))["yuan"] or 0
            booked -= (temporary.aggregate(yuan=Sum("amount"))["yuan"] or 0) - returned
            assert queries.spent(found) - found.get("temporary.yuan", 0) == booked > 0, month


def _spoilt_is_named(owner: Any) -> None:
    """What somebody past all guards does to the tables is found by the check that is for it."""
    asked = dict(checks.NEVER)
    for what, statement in SPOILT.items():
        with owner.transaction(force_rollback=True):
            assert owner.execute(asked[what]).fetchall() == [], what
            owner.execute("set local session_replication_role = replica")
            assert owner.execute(statement).rowcount >= 1, what
            assert len(owner.execute(asked[what]).fetchall()) >= 1, what


def _lost_is_named(owner: Any, before: checks.State) -> None:
    """What the checks say beside the lists: books, leads that are gone, seals over access records."""
    with owner.transaction():
        owner.execute("set local session_replication_role = replica")
        # old enough to be sealed; on a slow machine the first ones are already
        owner.execute("update core_accessrecord set at = at - interval '10 minutes' where id > coalesce((select max(last_id) from core_accessseal), 0)")
    assert checks.problems(area=job.AREA, before=before) == []
    with owner.transaction():
        owner.execute("set local session_replication_role = replica")
        for what, statement in LOST.items():
            assert owner.execute(statement).rowcount == 1, what
    found = checks.problems(area=job.AREA, before=before)
    for what in LOST:
        assert any(each.startswith(what) for each in found), (what, found)
