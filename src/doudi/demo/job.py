"""The main job on the synthetic county, step by step through the same services that officers' pages call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Sum

from doudi.batch import synth
from doudi.core import clock
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo import (
    applying,
    banking,
    board,
    budgets,
    caring,
    caring_community,
    complaints,
    coordinating,
    counting,
    delegated,
    departments,
    discovery,
    funding,
    hotline,
    institutions,
    needing,
    paying,
    phones,
    planning,
    policy,
    portal,
    prices,
    protecting,
    raising,
    recovering,
    relieving,
    resources,
    sharing,
    sweeping,
    visiting,
    volunteering,
)
from doudi.demo.staff import SignIn, by_duty, make_staff

AREA = "410122"
PEOPLE = 20_000
SEED = 7
ON = date(2022, 11, 28)  # the day on which departments' files have come
MONTH = date(2022, 12, 1)
TODAY = date(2022, 12, 9)  # where the pages stand when the walk is done: the month is paid, leads and returns wait
CHINA = ZoneInfo("Asia/Shanghai")
Tell = Callable[[str, int, int], None]
"""Called with the step in words, what is done of it and how much there is (0: not known)."""


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), CHINA)


@dataclass
class Demo:
    """One demo: where it stands, who acts, and what happened so far."""

    folder: Path
    seed: int = SEED
    people: int = PEOPLE
    area: str = AREA
    tell: Tell = lambda step, done, total: None
    staff: list[SignIn] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def synthetic(self) -> Path:
        return self.folder / f"county-{self.area}-{self.people}-{self.seed}"

    def acting(self, duty: Duty, page: str = "doudi demo") -> Any:
        return scopes.acting(by_duty(self.staff, duty).scope(page))


def run(demo: Demo) -> dict[str, Any]:
    """All steps; each is safe to run again and starts from what is there. Returns the figures that `doudi demo --json` prints."""
    for step in (
        county,
        registry,
        funding.funding,
        november,
        team,
        deliveries,
        comparison,
        visits,
        sweeping.closed,
        visiting.visiting,
        phones.phones,
        hotline.calls,
        assessment,
        decisions,
        applying.applications,
        delegated.confirmations,
        december,
        prices.prices,
        raising.raising,
        complaints.complaints,
        sweeping.running,
        caring_community.care,
        needing.needs,
        planning.plans,
        overdue,
        results,
        relieving.relief,
        banking.layouts,
        policy.questions,
        budgets.budgets,
        recovering.recovery,
        protecting.protecting,
        caring.caring,
        institutions.institutions,
        coordinating.coordination,
        volunteering.volunteering,
        resources.resources,
        portal.portal,
        board.board,
        counting.statistics,
        sharing.sharing,
    ):
        step(demo)
    return demo.figures


def county(demo: Demo) -> None:
    """Accounts, and the synthetic county on disk."""
    clock.set_back(at(TODAY))
    demo.tell("岗位与账号", 0, 0)
    demo.staff = make_staff(area=demo.area, on=ON)
    if not (demo.synthetic / "summary.json").exists():
        synth.generate(demo.area, demo.people, demo.seed, demo.synthetic, on=ON, progress=lambda done, total: demo.tell("生成模拟县", done, total))
    summary = json.loads((demo.synthetic / "summary.json").read_text())
    demo.figures |= {"people": summary["people"], "households": summary["households"]}


def registry(demo: Demo) -> None:
    """People, households, facts and running awards."""
    from doudi.enrolment.loading import load_awards, load_refusals
    from doudi.registry.loading import load_area

    with demo.acting(Duty.COUNTY_REVIEWER):
        load_area(demo.synthetic, on=ON, now=at(date(2022, 10, 8)), progress=demo.tell)
    demo.tell("导入在享待遇", 0, 0)
    proposer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(proposer.scope()):
        load_awards(demo.synthetic, proposer_id=proposer.account_id, approver_id=approver.account_id, now=at(date(2022, 10, 8)))
        load_refusals(demo.synthetic, proposer_id=proposer.account_id, approver_id=approver.account_id, now=at(date(2022, 10, 8), 10))


def deliveries(demo: Demo) -> None:
    """Departments' files, as they come in life."""
    from doudi.discovery import services

    manifest = json.loads((demo.synthetic / "deliveries" / "manifest.json").read_text())
    files = manifest["files"] if isinstance(manifest, dict) else manifest
    counts = {"files": 0, "accepted": 0, "rejected": 0}
    for number, entry in enumerate(files, 1):
        demo.tell("接收部门数据", number, len(files))
        path = demo.synthetic / "deliveries" / entry["file"]
        came, period = departments.EARLIER.get(entry["dataset"], (ON, f"{ON:%Y-%m}"))
        with demo.acting(Duty.DATA_CHECKER, "doudi deliver"):
            delivery, _new = services.deliver(
                path=path, dataset=entry["dataset"], area=demo.area, now=at(came, 9, number), name=path.name, period=period
            )
        counts["files"] += 1
        counts["accepted"] += delivery.accepted
        counts["rejected"] += delivery.rejected
    demo.figures["deliveries"] = counts
    departments.contacts(scope=by_duty(demo.staff, Duty.DATA_CHECKER).scope(), now=at(ON, 10))
    departments.client(scope=by_duty(demo.staff, Duty.ADMINISTRATOR).scope(), now=at(ON, 11))


def comparison(demo: Demo) -> None:
    """Leads, measured against the truth table."""
    from doudi.demo import linking
    from doudi.discovery import services
    from doudi.discovery.models import Lead

    with demo.acting(Duty.DATA_CHECKER, "doudi compare"):
        services.compare(area=demo.area, on=ON, now=at(ON, 15), progress=lambda done, total, step: demo.tell(step, done, total))
    decided = linking.review(demo.staff, now=at(ON, 16))
    with demo.acting(Duty.DATA_CHECKER, "doudi compare"):
        if decided:  # what the officer said counts from the next comparison on
            services.compare(area=demo.area, on=ON, now=at(ON, 16, 30), progress=lambda done, total, step: demo.tell(step, done, total))
        demo.figures["linkage"] = linking.figures()
    with demo.acting(Duty.COUNTY_REVIEWER):
        from doudi.registry.loading import stage_ids

        stage_ids(demo.synthetic)
        with connection.cursor() as cursor:
            cursor.execute(
                "select s.person_no, l.indicator from discovery_lead l join pg_temp.synthetic_person s using (person_id) where l.run_id is not null"
            )
            found = cursor.fetchall()
        by_indicator = dict(Lead.objects.filter(run__isnull=False).values_list("indicator").annotate(Count("id")).order_by("indicator"))
    scored = synth.score(demo.synthetic / "truth.parquet", [row[0] for row in found], [row[1] for row in found])
    demo.figures["leads"] = {
        "total": sum(by_indicator.values()),
        "by_reason": by_indicator,
        "recall": round(scored.recall, 4),
        "precision": round(scored.precision, 4),
    }


def team(demo: Demo) -> None:
    """The discovery team and what it reported before the files came."""
    demo.tell("主动发现队伍报告", 0, 0)
    demo.figures["team"] = discovery.find(demo.staff, seed=demo.seed, start=date(2022, 10, 31), until=at(ON, 8))


def visits(demo: Demo) -> None:
    """What the village visitor of the first township did with the leads that came by themselves."""
    discovery.visits(by_duty(demo.staff, Duty.VISITOR), now=at(date(2022, 11, 29), 10))


def overdue(demo: Demo) -> None:
    """The daily jobs on the day where the pages stand: leads past their limit, departments that are late."""
    demo.tell("每日定时任务", 0, 0)
    departments.day(on=TODAY, now=at(TODAY, 7))
    demo.figures["escalated"] = discovery.escalated(area=demo.area)


def money(value: Any) -> str:
    return f"{Decimal(value or 0):.2f}"


def next_working_day(day: date, days: int) -> date:
    from doudi.core.workdays import add_working_days

    return add_working_days(day, days)


def assessment(demo: Demo) -> None:
    """The law over all households, for the month of payment; also over those with leads, whatever it gives them."""
    from doudi.assessment.models import Assessment, AssessmentRun
    from doudi.assessment.services import assess_all
    from doudi.discovery.models import Lead

    with demo.acting(Duty.COUNTY_REVIEWER, "doudi assess"):
        led = set(Lead.objects.exclude(household=None).values_list("household_id", flat=True))
        if not AssessmentRun.objects.filter(area=demo.area, month=MONTH, finished_at__isnull=False).exists():
            assess_all(area=demo.area, month=MONTH, now=at(ON, 17), also=led, progress=lambda done, total: demo.tell("待遇测算", done, total))
        demo.figures["assessments"] = Assessment.objects.filter(month=MONTH).count()


def decisions(demo: Demo) -> None:
    """Townships verify leads and propose what the law gives; the county approves. The first township's leads are left for whoever tries the demo."""
    from doudi.enrolment.models import Award

    officers = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value]
    for number, officer in enumerate(officers, 1):
        demo.tell("乡镇核实与提出", number, len(officers))
        if officer.username != "town":
            with scopes.acting(officer.scope()):
                _verify(at(date(2022, 11, 29)))
                _propose(at(date(2022, 11, 29), 15))
    with demo.acting(Duty.COUNTY_APPROVER):
        _approve(at(date(2022, 11, 30)))
        demo.figures["awards"] = Award.objects.filter(void=False).count()


def _verify(now: datetime) -> None:
    """A township's open leads: contacted, visited, verified; deaths are recorded, so that the payroll leaves the dead out."""
    from doudi.discovery.models import Lead
    from doudi.discovery.services import advance_leads
    from doudi.registry.services import record_death

    new = list(Lead.objects.filter(state__in=Lead.UNCONTACTED, merged_into=None, signal_at__lt=now).values_list("id", flat=True))
    advance_leads(lead_ids=new, after=Lead.State.CONTACTED, note="已电话联系", now=now)
    advance_leads(lead_ids=new, after=Lead.State.VERIFIED, note="两名工作人员入户核实，情况属实", now=now)
    dead = Lead.objects.filter(state=Lead.State.VERIFIED, indicator="recipient_death", person__died_on__isnull=True).select_related("person")
    for lead in dead:
        person = lead.person
        assert person is not None
        record_death(
            person_id=person.pk, version=person.version, died_on=date.fromisoformat(lead.evidence["died_on"][:10]), on=now.date(), now=now
        )  # fmt: skip


def _propose(now: datetime) -> None:
    from doudi.assessment.models import AssessmentRun
    from doudi.discovery.models import Lead
    from doudi.enrolment.services import propose_from_run
    from doudi.registry.models import Programme

    leads = dict(Lead.objects.filter(state=Lead.State.VERIFIED).exclude(household=None).exclude(programme="review").values_list("household_id", "id"))
    run = AssessmentRun.objects.filter(month=MONTH).order_by("-id").first() or AssessmentRun(month=MONTH)
    wanted = (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.DISABILITY_NURSING, Programme.DISABILITY_LIVING)
    propose_from_run(run=run, programmes=[programme.value for programme in wanted], leads=leads, households=set(leads), now=now)


def _approve(now: datetime) -> None:
    from doudi.enrolment.models import Decision
    from doudi.enrolment.services import approve_many

    waiting = list(Decision.objects.filter(state=Decision.State.PROPOSED).order_by("id").values_list("id", "version"))
    for first in range(0, len(waiting), 200):
        approve_many(decisions=waiting[first : first + 200], note="同意", now=now)


def november(demo: Demo) -> None:
    """The month before the files came: November's payroll."""
    _pay(demo, date(2022, 11, 1), first_day=date(2022, 11, 3))


def december(demo: Demo) -> None:
    """December's payroll: prepared, checked, approved, released by different people; the bank's results booked."""
    _pay(demo, MONTH, first_day=date(2022, 12, 2))
    paying.supplement(demo.staff, area=demo.area, month=MONTH, now=at(date(2022, 12, 8), 15))


def _pay(demo: Demo, month: date, *, first_day: date) -> None:
    """One month's payroll through all hands, and the simulated bank's answer. What is done already is left as it is."""
    from doudi.payments.models import Payroll
    from doudi.payments.services import payrolls

    day = first_day
    demo.tell(f"{month:%Y年%-m月}发放批次", 0, 4)
    with demo.acting(Duty.COUNTY_REVIEWER, "doudi payroll"):
        made = payrolls.prepare_payroll(area=demo.area, month=month, now=at(day, 10), arrears_from=date(2022, 11, 1)).payroll
    if made.state == Payroll.State.DRAFT:
        paying.check(demo.staff, made, now=at(day, 16))
    demo.tell(f"{month:%Y年%-m月}发放批次", 1, 4)
    day = next_working_day(day, 1)
    with demo.acting(Duty.COUNTY_APPROVER):
        if Payroll.objects.get(pk=made.pk).state == Payroll.State.CHECKED:
            payrolls.approve_payroll(payroll_id=made.pk, now=at(day, 10))
    demo.tell(f"{month:%Y年%-m月}发放批次", 2, 4)
    day = next_working_day(day, 1)
    with demo.acting(Duty.FINANCE_OFFICER):
        if Payroll.objects.get(pk=made.pk).state == Payroll.State.APPROVED:
            payrolls.release_payroll(payroll_id=made.pk, on=day, now=at(day, 9))
    demo.tell(f"{month:%Y年%-m月}发放批次", 3, 4)
    _bank(demo, made.pk, day=next_working_day(day, 1))
    demo.tell(f"{month:%Y年%-m月}发放批次", 4, 4)


def _bank(demo: Demo, payroll_id: int, *, day: date) -> None:
    """The bank takes the one-card file and answers; its answer is booked."""
    from doudi.payments.models import Payroll
    from doudi.payments.services import files, results
    from doudi.payments.simulated import bank_answer

    with demo.acting(Duty.FINANCE_OFFICER, "doudi bank-results"):
        made = files.export_file(payroll_id=payroll_id, layout="one_card_csv", now=at(day, 8))
        files.export_file(payroll_id=payroll_id, layout="bank_batch", now=at(day, 8))
        if Payroll.objects.get(pk=payroll_id).state != Payroll.State.RELEASED:
            return
        answer = bank_answer(Payroll.objects.get(pk=payroll_id), seed=demo.seed, return_share=0.012)
        number = made.file.payroll.number
        results.book_results(data=[(f"{number}-results.csv", answer)], on=day, now=at(day, 15))


def results(demo: Demo) -> None:
    """What the month came to, and whether everything agrees to the fen."""
    from doudi.payments.models import LedgerEntry, Payroll, PayrollLine
    from doudi.payments.services.ledger import check_ledger

    with demo.acting(Duty.FINANCE_OFFICER):
        made = Payroll.objects.get(area=demo.area, month=MONTH, kind=Payroll.Kind.REGULAR)
        found = made.results.first()
        by_fund = PayrollLine.objects.filter(payroll=made).values_list("fund__code").annotate(amount=Sum("amount")).order_by("fund__code")
        total = LedgerEntry.objects.aggregate(total=Sum("amount"))["total"]
        proof = check_ledger(area=demo.area, month=MONTH)
        demo.figures["payroll"] = {
            "month": f"{MONTH:%Y-%m}",
            "lines": made.lines,
            "total": money(made.amount),
            "by_fund": {code: money(amount) for code, amount in by_fund},
            "paid": {"lines": found.paid_lines, "amount": money(found.paid_amount)} if found else None,
            "returned": {"lines": found.returned_lines, "amount": money(found.returned_amount)} if found else None,
        }
        demo.figures["ledger"] = {"balance": money(total), "agrees": bool(proof["holds"])}


__all__ = ["Demo", "run"]
