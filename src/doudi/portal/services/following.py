"""Following a case with its number and a code to its phone (查询进度): nobody learns anything from a number alone, or from a wrong one.

Ask: number and phone are compared with the case; the code goes out only where both are right, and the answer is the same. Look: the code opens
the case that number and phone name; a wrong code, a wrong phone and a number that there is not are one and the same refusal.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import codes, numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.enrolment import case_queries, letters
from doudi.enrolment.models import Application, Case, CaseStep, Publicity
from doudi.portal.models import OnlineApplication
from doudi.portal.places import machine, said

PURPOSE = "follow"
LONGEST = 24


@dataclass(frozen=True)
class Found:
    """A case that number and phone both name."""

    kind: str
    pk: int
    area: str
    phone: UUID


@dataclass(frozen=True)
class Progress:
    """One programme as the applicant reads it: steps as the page draws them, `next` what comes and by when, `decided` what was decided."""

    title: str
    state: str
    colour: str
    steps: list[dict[str, Any]]
    next: str
    due: date | None
    decided: str = ""
    amount: Decimal | None = None
    starts: date | None = None
    reasons: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Followed:
    number: str
    place: str
    sent_on: date
    cases: list[Progress]
    note: str = ""
    owed: list[str] = field(default_factory=list)
    owed_by: date | None = None


def _token(phone: str) -> UUID | None:
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(phone))
    except ValueError:
        return None


def find(*, number: str, phone: str) -> Found | None:
    """The case of a number whose phone this is; None for anything else."""
    wanted = idnumber.normalise(number).strip().upper()[:LONGEST]
    token = _token(phone)
    with connection.cursor() as cursor:
        cursor.execute("select kind, id, area, phone from doudi.followed_case(%s)", [wanted])
        row = cursor.fetchone()
    held = row[3] if row else None
    same = hmac.compare_digest((held or UUID(int=0)).bytes, (token or UUID(int=1)).bytes)
    return Found(row[0], row[1], row[2], held) if row and held is not None and same else None


def send_code(*, number: str, phone: str, request: HttpRequest, now: datetime) -> None:
    """A code to the phone where number and phone name a case; nothing otherwise, and nothing tells. Raises codes.TooMany for the network."""
    found = find(number=number, phone=phone)
    codes.send_to_token(token=found.phone if found else None, purpose=PURPOSE, request=request, now=now)


def look(*, number: str, phone: str, code: str, now: datetime) -> Followed | None:
    """The case, where the code is right; None otherwise, whatever was wrong."""
    found = find(number=number, phone=phone)
    if not codes.check_token(token=found.phone if found else None, purpose=PURPOSE, code=code, now=now) or found is None:
        return None
    with scopes.acting(machine(found.area, "portal.read")):
        if found.kind == "online":
            return _online(found.pk, timezone.localdate(now))
        return _application(Application.objects.filter(pk=found.pk).first())


def _online(pk: int, today: date) -> Followed | None:
    row = OnlineApplication.objects.filter(pk=pk).select_related("application").first()
    if row is None:
        return None
    sent_on = timezone.localdate(row.sent_at)
    if row.application_id:
        with scopes.acting(machine(row.area[:9], "portal.read")):  # the household's village, which the citizen did not have to know
            followed = _application(Application.objects.filter(pk=row.application_id).first())
        return Followed(row.number, said(row.area), sent_on, followed.cases, owed=followed.owed, owed_by=followed.owed_by) if followed else None
    if row.state == OnlineApplication.State.MERGED:
        with_it = OnlineApplication.objects.filter(token=row.token, state=OnlineApplication.State.REGISTERED, handled_at__gte=row.handled_at).order_by("handled_at", "id")
        if (into := with_it.first()) is not None and (found := _online(into.pk, today)) is not None:
            return replace(found, number=row.number, sent_on=sent_on, note=row.reason)
    declined = row.state in (OnlineApplication.State.DECLINED, OnlineApplication.State.MERGED)
    steps = [{"label": _("已提交"), "state": "done", "small2": f"{sent_on:%m-%d}"}, {"label": _("乡镇（街道）核对登记"), "state": "bad" if declined else "now"}]
    progress = Progress(
        title=_("网上申请"), state=str(row.get_state_display()), colour="gray" if declined else "orange", steps=steps,
        next="" if declined else _("乡镇（街道）与您联系，核对身份和材料"), due=None if declined else row.due,
    )  # fmt: skip
    return Followed(row.number, said(row.area), sent_on, [progress], note=row.reason)


def _application(application: Application | None) -> Followed | None:
    if application is None:
        return None
    along = ("decision__assessment", "decision__person", "decision__household", "application__applicant", "person")
    rows = Case.objects.filter(application=application).select_related(*along).order_by("id")
    return Followed(
        application.number, said(application.area), application.applied_on, [_progress(case) for case in rows], owed=list(application.supplements or []),
        owed_by=application.supplements_due,
    )  # fmt: skip


def _progress(case: Case) -> Progress:
    state, colour = case_queries.said(case)
    state = str(case.get_outcome_display()) if case.outcome else state  # who reads it here is being told
    steps = [{name: value for name, value in step.items() if name != "small"} for step in case_queries.steps(case)]  # never who did it
    publicity = Publicity.objects.filter(case_id=case.pk, state=Publicity.State.RUNNING).first()
    open_ = CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).first()
    nexts = str(open_.get_step_display()) if open_ else ""
    if publicity is not None:
        nexts = _("公示至 %(day)s") % {"day": (publicity.ends - timedelta(days=1)).isoformat()}
    granted = case.outcome == Case.Outcome.GRANTED
    return Progress(
        title=str(case.get_programme_display()), state=state, colour=colour, steps=steps, next=nexts, due=case.due if open_ else None,
        decided=str(case.get_outcome_display()) if case.outcome else "", amount=case.amount if granted else None,
        starts=case.decision.starts if granted and case.decision else None, **_why_not(case),
    )  # fmt: skip


def _why_not(case: Case) -> dict[str, list[str]]:
    """Reasons of a refusal with the document they rest on, and what can be done against it: as its notice says them."""
    if case.outcome == Case.Outcome.REFUSED and case.decision is not None:
        notice = letters.notices([case.decision])[0]
    elif case.outcome == Case.Outcome.NOT_ACCEPTED:
        notice = letters.not_accepted(case)
    else:
        return {}
    return {"reasons": notice["reasons"], "remedies": notice["remedies"]}
