"""What the calendar of the payroll asks for (4.3): to-dos for the duty whose step it is, warnings before its day, lateness up to the county and the city."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Q

from doudi.core import duties, places, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.messages import send_to_staff
from doudi.core.services.todos import finish_todos, move_due, raise_todo
from doudi.enrolment.models import Award
from doudi.payments import calendar, watch_queries, watch_reads
from doudi.payments.calendar import ESCALATE_DAYS, WARN_DAYS, Done, Progress, Rules, days_of, month_before
from doudi.payments.models import Payroll
from doudi.payments.services.supplements import may_supplement

SUBJECT = "payroll_month"
# the steps whose to-do is raised here; that of the others comes with the payroll, from the one who hands it on
OWN = ("freeze", "prepare", "file")


def matter(area: str, month: date) -> int:
    """The id of "this county's month" as a to-do's subject."""
    return int(area) * 1_000_000 + month.year * 100 + month.month


def url_of(area: str, month: date) -> str:
    return f"/payments/calendar/{area}/?month={month:%Y-%m}"


def remind(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """The daily round of one county: the month before while it is not paid, this one, and the next, whose first steps may fall into this month.

    Returns `asked` (to-dos), `warned` (messages), `late` (steps that are late). Nothing is asked on a day that is not worked. Safe to repeat.
    """
    duties.require("payments.remind")
    this = on.replace(day=1)
    months = [month_before(this), this, month_before(this, -1)]
    rows = watch_queries.payrolls(low=area, high=area + ":", first=months[0], last=months[-1])
    paid_before = Payroll.objects.filter(area=area, month__lt=this).exists()
    rules, told = Rules(months[-1]), {"asked": 0, "warned": 0, "late": 0}
    for month in months[0 if paid_before else 1 :]:
        if (area, month) not in rows and not _owes(area, month):
            continue
        found = calendar.progress(days_of(month, area, rules), area, rows.get((area, month)), today=on)
        _finish(found, on, now)
        told["asked"] += _supplement(found, now)
        if found.next is not None and workdays.is_working_day(on):
            for name, number in _ask(found, found.next, rules, on, now).items():
                told[name] += number
    scopes.check_constraints()
    return told


def _owes(area: str, month: date) -> bool:
    """Whether any award of the county runs in the month."""
    awards = Award.objects.filter(area__gte=area, area__lt=area + ":", void=False, starts__lte=month)
    return awards.filter(Q(ends__isnull=True) | Q(ends__gt=month)).exists()


def _finish(found: Progress, on: date, now: datetime) -> None:
    """To-dos of steps that are done, and of lateness that is over."""
    subject = {"subject": SUBJECT, "subject_id": matter(found.area, found.month), "now": now}
    for one in found.steps:
        if one.done:
            finish_todos(kind=f"payroll.{one.step.name}", **subject)  # type: ignore[arg-type]
    if found.next is None or not found.next.late(on):
        finish_todos(kind="payroll.late", **subject)  # type: ignore[arg-type]


def _supplement(found: Progress, now: datetime) -> int:
    """A to-do where awards that were decided after the freeze can be paid within the month."""
    if found.payroll_id is None or found.state == "draft":
        return 0
    payroll = Payroll.objects.get(pk=found.payroll_id)
    if payroll.frozen_at is None or not may_supplement(payroll.area, payroll.month) or not (number := watch_reads.after_freeze(payroll)):
        return 0
    return raise_todo(
        kind="payroll.supplement",
        area=payroll.area,
        duty=Duty.COUNTY_REVIEWER,
        title=f"{payroll.month:%Y}年{payroll.month.month}月：冻结后审批 {number} 户，请编制补发批次",
        url=f"/payments/{payroll.pk}/",
        subject="payroll_supplement",
        subject_id=payroll.pk,
        now=now,
    )


def _ask(found: Progress, waits: Done, rules: Rules, on: date, now: datetime) -> dict[str, int]:
    area, month, step = found.area, found.month, waits.step
    told = {"asked": 0, "warned": 0, "late": 0}
    if on < workdays.add_working_days(waits.day, -max(1, rules.number(WARN_DAYS, area, month))):
        return told
    said = f"{month:%Y}年{month.month}月"
    if step.name in OWN:
        told["asked"] += raise_todo(
            kind=f"payroll.{step.name}",
            area=area,
            duty=step.duty,
            title=f"{said}发放：请于 {waits.day:%m-%d} 前{step.act}",
            url=url_of(area, month) if found.payroll_id is None else f"/payments/{found.payroll_id}/",
            subject=SUBJECT,
            subject_id=matter(area, month),
            due=waits.day,
            now=now,
        )
    elif found.payroll_id is not None:
        move_due(subject="payroll", subject_id=found.payroll_id, due=waits.day)
    late = waits.late_days(on)
    values = {"place": places.name(area), "month": said, "what": step.act, "day": f"{waits.day:%Y-%m-%d}", "due": f"{found.days.due:%Y-%m-%d}"}
    if not late:
        if rules.number(WARN_DAYS, area, month):
            told["warned"] += send_to_staff(
                template="payroll.due", areas=[area], duties_wanted=[step.duty], key=f"{area}:{month:%Y%m}:{step.name}", values=values,
                url=url_of(area, month), now=now,
            )  # fmt: skip
        return told
    told["late"] += 1
    upper = [Duty.COUNTY_APPROVER] if step.duty != Duty.COUNTY_APPROVER else []
    if late > rules.number(ESCALATE_DAYS, area, month) or found.left(on) < 0:
        upper.append(Duty.SUPERVISOR)
    for duty in upper:
        told["asked"] += raise_todo(
            kind="payroll.late",
            area=area,
            duty=duty,
            title=f"{places.name(area)}{said}发放逾期：应于 {waits.day:%m-%d} 前{step.act}",
            url=url_of(area, month),
            subject=SUBJECT,
            subject_id=matter(area, month),
            due=found.days.due,
            now=now,
        )
    told["warned"] += send_to_staff(
        template="payroll.late", areas=[area], duties_wanted=sorted({step.duty, *upper}), key=f"{area}:{month:%Y%m}:{step.name}:{on:%Y%m%d}",
        values=values, url=url_of(area, month), now=now,
    )  # fmt: skip
    return told
