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
    for step in (county, registry, deliveries, comparison, assessment, decisions, payroll, results):
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
    from doudi.enrolment.loading import load_awards
    from doudi.registry.loading import load_area

    with demo.acting(Duty.COUNTY_REVIEWER):
        load_area(demo.synthetic, on=ON, now=at(date(2022, 10, 8)), progress=demo.tell)
    demo.tell("导入在享待遇", 0, 0)
    proposer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(proposer.scope()):
        load_awards(demo.synthetic, proposed_by=proposer.account_id, approved_by=approver.account_id, now=at(date(2022, 10, 8)))


def deliveries(demo: Demo) -> None:
    """Departments' files, as they come in life."""
    from doudi.discovery import services

    manifest = json.loads((demo.synthetic / "deliveries" / "manifest.json").read_text())
    files = manifest["files"] if isinstance(manifest, dict) else manifest
    counts = {"files": 0, "accepted": 0, "rejected": 0}
    for number, entry in enumerate(files, 1):
        demo.tell("接收部门数据", number, len(files))
        path = demo.synthetic / "deliveries" / entry["file"]
        with demo.acting(Duty.DATA_CHECKER, "doudi deliver"):
            delivery, _new = services.deliver(
                path=path, dataset=entry["dataset"], area=demo.area, now=at(ON, 9, number), name=path.name, period=f"{ON:%Y-%m}"
            )
        counts["files"] += 1
        counts["accepted"] += delivery.accepted
        counts["rejected"] += delivery.rejected
    demo.figures["deliveries"] = counts


def comparison(demo: Demo) -> None:
    """Leads, measured against the truth table."""
    from doudi.discovery import services
    from doudi.discovery.models import Lead

    with demo.acting(Duty.DATA_CHECKER, "doudi compare"):
        services.compare(area=demo.area, on=ON, now=at(ON, 15), progress=lambda done, total, step: demo.tell(step, done, total))
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


def money(value: Any) -> str:
    return f"{Decimal(value or 0):.2f}"


def next_working_day(day: date, days: int) -> date:
    from doudi.core.workdays import add_working_days

    return add_working_days(day, days)


def assessment(demo: Demo) -> None:
    """The law over all households, for the month of payment."""


def decisions(demo: Demo) -> None:
    """Townships verify leads and propose; the county approves."""


def payroll(demo: Demo) -> None:
    """November's and December's payroll: prepared, checked, approved, released by different people; the bank's results booked."""
    from doudi.payments.services.ledger import receive_appropriation

    with demo.acting(Duty.FINANCE_OFFICER):
        for fund, amount in (("assistance", Decimal("3000000")), ("disability", Decimal("600000"))):
            receive_appropriation(
                fund=fund,
                area=demo.area,
                year=2022,
                amount=amount,
                document=f"牟财预〔2022〕{fund[:1].upper()}118号",
                on=date(2022, 11, 1),
                now=at(date(2022, 11, 1)),
            )
    _pay(demo, date(2022, 11, 1), first_day=date(2022, 11, 3))
    _pay(demo, MONTH, first_day=date(2022, 12, 2))


def _pay(demo: Demo, month: date, *, first_day: date) -> None:
    """One month's payroll through all hands, and the simulated bank's answer. What is done already is left as it is."""
    from doudi.payments.models import Payroll
    from doudi.payments.services import payrolls

    day = first_day
    demo.tell(f"{month:%Y年%-m月}发放批次", 0, 4)
    with demo.acting(Duty.COUNTY_REVIEWER, "doudi payroll"):
        made = payrolls.prepare_payroll(area=demo.area, month=month, now=at(day, 10), arrears_from=date(2022, 11, 1)).payroll
        if made.state == Payroll.State.DRAFT:
            payrolls.check_payroll(payroll_id=made.pk, now=at(day, 16))
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
    from doudi.payments import layouts
    from doudi.payments.models import Payroll
    from doudi.payments.services import files, results

    with demo.acting(Duty.FINANCE_OFFICER, "doudi bank-results"):
        made = files.export_file(payroll_id=payroll_id, layout="one_card_csv", now=at(day, 8))
        files.export_file(payroll_id=payroll_id, layout="bank_batch", now=at(day, 8))
        if Payroll.objects.get(pk=payroll_id).state != Payroll.State.RELEASED:
            return
        sheet = layouts.read(layouts.LAYOUTS["one_card_csv"], files.read_whole(file_id=made.file.pk))
        lines = [int(row["明细编号"]) for row in sheet.rows]
        fen = [int(Decimal(row["金额"]) * 100) for row in sheet.rows]
        answer = synth.bank_results(
            lines, [row["领款人"] for row in sheet.rows], [row["账号"] for row in sheet.rows], fen, seed=demo.seed, return_share=0.012
        )
        back = [
            (line, amount, code, reason)
            for line, amount, ok, code, reason in zip(lines, fen, answer.ok, answer.code, answer.reason, strict=True)
            if not ok
        ]
        head = [
            f"批次号,{sheet.number},总笔数,{sheet.lines},总金额,{sheet.amount:.2f},退票笔数,{len(back)},退票金额,{Decimal(sum(row[1] for row in back)) / 100:.2f}",
            "明细编号,金额,代码,原因",
        ]
        body = [f"{line},{Decimal(amount) / 100:.2f},{code},{reason}" for line, amount, code, reason in back]
        text = "\r\n".join([*head, *body]) + "\r\n"
        results.book_results(data=[(f"{sheet.number}-results.csv", text.encode("utf-8-sig"))], on=day, now=at(day, 15))


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
        demo.figures["ledger"] = {"balance": money(total), "agrees": bool(proof.get("ok", proof.get("agrees", False)))}


__all__ = ["Demo", "run"]
