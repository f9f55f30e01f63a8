"""Leads that other systems report, and how far their own reports are (measures 1.3, 1.5)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.discovery.models import Lead, Need
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.registry.models import Person

S = Lead.State
# What a reporting system may know of its report: how far it is, never what was found or decided about the people.
PROGRESS = {S.NEW: "received", S.ASSIGNED: "received", S.REFERRED: "passed_on", S.HELPED: "closed", S.NOT_IN_NEED: "closed"}


def _source(client: int, reference: str) -> str:
    return f"api:{client}:{reference}"


def reference_of(lead: Lead) -> str:
    """The sender's own number of a lead that it reported."""
    return lead.situation.split(":", 2)[2]


def progress(lead: Lead) -> str:
    return PROGRESS.get(S(lead.state), "working")


def reports(*, account_id: int, after: str = "") -> QuerySet[Lead]:
    """Leads reported by a client's account, in the order of their reports; those after the lead of a number."""
    rows = Lead.objects.filter(reporter_id=account_id, situation__startswith="api:").order_by("signal_at", "id")
    if after:
        last = rows.filter(number=after).first()
        if last is None:
            return rows.none()
        rows = rows.filter(signal_at__gte=last.signal_at).exclude(signal_at=last.signal_at, id__lte=last.pk)
    return rows


def find(*, client: int, account_id: int, reference: str) -> Lead | None:
    return Lead.objects.filter(reporter_id=account_id, situation=_source(client, reference)).first()


def report(
    *,
    client: int,
    reference: str,
    channel: str,
    area: str,
    need: str,
    text: str,
    urgency: str,
    subject: Subject,
    organisation: str,
    now: datetime,
) -> tuple[Lead, bool]:
    """A lead of another system, and whether it is new. Whoever is in the registry is recognised by number and name; the answer does not tell."""
    known = Lead.objects.filter(situation=_source(client, reference), indicator__in=("institution", "portal", "hotline")).first()
    if known is not None:
        return known, False
    lead = raise_lead(
        channel=channel, source=_source(client, reference), area=area, person_id=_registered(subject, now), subject=subject,
        residence_area=area,
        reason=in_chinese(Need(need).label), need=need, detail=text, urgency=urgency, note=f"{organisation}报告", now=now,
    )  # fmt: skip
    return lead, True


def _registered(subject: Subject, now: datetime) -> int | None:
    """Who carries this number in the registry of the scope, if the name is the same: a wrong number must not point at somebody else."""
    try:
        number = idnumber.parse(subject.id_number, on=timezone.localdate(now)).number18
    except idnumber.IdNumberError:
        return None
    person = Person.objects.filter(token=numbers.id_token(number), died_on__isnull=True).first()
    return person.pk if person is not None and person.name == "".join(subject.name.split()) else None
