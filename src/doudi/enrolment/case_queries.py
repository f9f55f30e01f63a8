"""Reads of applications and cases for pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch.datasets import CONTRACTS
from doudi.core.prepared import prepared
from doudi.enrolment.models import Application, Authorisation, Case, CaseEvent, CaseStep, HouseholdVisit, Objection, Publicity, Relative
from doudi.enrolment.procedure import Step, When
from doudi.enrolment.services.papers import valid
from doudi.registry.models import Membership

STATE_COLOURS = {"open": "", "supplements": "orange", "paused": "orange", "closed": "gray"}
OUTCOME_COLOURS = {"granted": "green", "refused": "red", "not_accepted": "red", "withdrawn": "gray", "ended": "gray"}


# Decided, and not told yet (待告知): the case stays open until the notice has reached the applicant, within the limit of that step alone.
TELLING = ~Q(outcome="") & ~Q(state=Case.State.CLOSED)


def overdue(on: date) -> Q:
    """Open cases whose step or whole is past its limit and whose clock runs; what is decided has only the limit of its notice."""
    return Q(state=Case.State.OPEN) & (Q(due__lt=on) | Q(decide_by__lt=on, outcome=""))


def said(case: Case) -> tuple[str, str]:
    """(words, colour) of where a case stands."""
    if case.outcome:
        words = str(case.get_outcome_display())
        return words if case.state == Case.State.CLOSED else _("%(outcome)s，待告知") % {"outcome": words}, OUTCOME_COLOURS[case.outcome]
    if case.state != Case.State.OPEN:
        return str(case.get_state_display()), STATE_COLOURS[case.state]
    return str(case.get_step_display()), {"publicity": "purple", "approval": "orange"}.get(case.step, "")


def cases() -> QuerySet[Case]:
    return Case.objects.select_related("household", "person", "application").defer("procedure")


def one(pk: int) -> Case | None:
    rows = Case.objects.select_related("household", "person", "application", "application__applicant", "application__made_by", "decision")
    return rows.filter(pk=pk).first()


def steps(case: Case) -> list[dict[str, Any]]:
    """The case's way as the page draws it: taken, now, to come; what depends on the case only where it came up."""
    rows = {row.step: row for row in CaseStep.objects.filter(case_id=case.pk).exclude(state="void").select_related("done_by")}
    made = []
    for entry in case.procedure["steps"]:
        row = rows.get(entry["step"])
        if row is None and (case.outcome or entry["when"] not in (When.ALWAYS, When.GRANT)):
            continue  # of a case that has its outcome nothing is to come but what is open
        if row is None and entry["when"] == When.GRANT and case.decision is not None and case.decision.kind == "refuse":
            continue
        item: dict[str, Any] = {"label": str(Step(entry["step"]).label), "state": ""}
        if row is not None and row.state == "done":
            item |= {"state": "done", "small": row.done_by.name if row.done_by else _("系统"), "small2": f"{timezone.localtime(row.done_at):%m-%d}" if row.done_at else ""}
        elif row is not None:
            item |= {"state": "bad" if case.state != Case.State.OPEN else "now", "small2": _("%(day)s 前") % {"day": f"{row.due:%m-%d}"}}
        made.append(item)
    return made


def timeline(case: Case) -> list[dict[str, Any]]:
    rows = CaseEvent.objects.filter(case_id=case.pk).select_related("account").order_by("-id")[:100]
    return [{"at": row.at, "title": row.what, "who": row.account.name if row.account else _("系统"), "note": row.note} for row in rows]


def members(case: Case, on: date) -> list[Membership]:
    rows = Membership.objects.filter(household_id=case.household_id, starts__lte=on).exclude(ends__lte=on).select_related("person")
    return list(rows.order_by("relationship", "id"))


def authorisations(household_id: int) -> list[Authorisation]:
    return list(Authorisation.objects.filter(household_id=household_id).select_related("person").order_by("-id")[:40])


def holding(household_id: int, on: date) -> list[Authorisation]:
    """Authorisations that hold on a day, each with the names of what it covers as `scope` (none: everything)."""
    rows = list(valid(household_id, on=on).select_related("person").order_by("id")[:12])
    for row in rows:
        row.scope = [CONTRACTS[code].name_zh if code in CONTRACTS else code for code in row.datasets]
    return rows


def relatives(household_id: int) -> list[Relative]:
    return list(Relative.objects.filter(household_id=household_id, ended_at__isnull=True).select_related("person").order_by("id")[:20])


def visits(application: Application) -> list[HouseholdVisit]:
    return list(HouseholdVisit.objects.filter(application=application).select_related("first", "second").order_by("-id")[:10])


def publicities(case: Case) -> list[Publicity]:
    return list(Publicity.objects.filter(case_id=case.pk).select_related("posted_by", "case").defer("case__procedure").order_by("-id")[:10])


def objections(case: Case) -> list[Objection]:
    return list(Objection.objects.filter(case_id=case.pk).order_by("-id")[:10])


def sorted_report(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a data check for the page: what departments know first, then the names of those that know nothing or have sent nothing."""
    sets = report.get("datasets", [])
    return report | {
        "told": [each for each in sets if each["known"]],
        "silent": [each["name"] for each in sets if not each["known"] and each["period"]],
        "absent": [each["name"] for each in sets if not each["period"]],
    }


def by_step(on: date) -> list[dict[str, Any]]:
    """Open cases by step with how many are past their limit, in the order of the way; one query."""
    rows = Case.objects.exclude(state=Case.State.CLOSED).values("step").annotate(count=Count("pk"), late=Count("pk", filter=overdue(on)))
    found = {row["step"]: row for row in rows}
    return [{"step": step.value, "label": str(step.label), **found[step]} for step in Step if step in found]


@prepared
def _of_household(household: int) -> QuerySet[Case]:
    return Case.objects.filter(household_id=household).select_related("application", "person").defer("procedure").order_by("-id")[:12]


def of_household(household_id: int) -> list[tuple[Case, str, str]]:
    return [(row, *said(row)) for row in _of_household(household_id)]
