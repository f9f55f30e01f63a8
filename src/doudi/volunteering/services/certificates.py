"""Certificates of service (志愿服务记录证明): sealed as issued, checked by anybody who has the paper, void where the hours were corrected (8.1)."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch.idnumber import mask_id
from doudi.core import keys, numbers, places
from doudi.core import scope as scopes
from doudi.volunteering import codes
from doudi.volunteering.models import ServiceCertificate, ServiceRecord, Volunteer
from doudi.volunteering.services import session
from doudi.volunteering.services.base import account_id, day, number_of, reason_of, require_one

# Without 0, 1, I, O: five bits a letter, 130 in all; a code may be typed by hand.
ALPHABET, LENGTH = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 26
LINES = 40


@dataclass(frozen=True)
class Shown:
    """What the public page tells of a genuine code: nothing beyond the paper, the name masked, since pages on the internet name nobody."""

    number: str
    name: str
    starts: date
    ends: date
    times: int
    minutes: int
    issued_on: date
    office: str
    fingerprint: str
    void: bool


def digest_of(content: str) -> bytes:
    return keys.sealing_digest(f"certificate of service:{content}")


def hours(minutes: int) -> str:
    """125 -> 2.1: hours with one place, cut off, never rounded up."""
    return f"{minutes // 6 / 10:,.1f}"


def _lines(records: list[ServiceRecord]) -> list[list[str]]:
    return [
        [
            f"{timezone.localtime(row.starts):%Y-%m-%d}", row.title, row.organisation.name if row.organisation else row.place,
            hours(row.minutes or 0),
        ]
        for row in records[:LINES]
    ]  # fmt: skip


@transaction.atomic
def issue(*, volunteer_id: int, starts: date, ends: date, now: datetime) -> ServiceCertificate:
    """Issue a certificate over the finished records between two days (both included). By the volunteer or an officer.

    Raises ValidationError where there is nothing to certify. The same content again today is the same certificate.
    """
    require_one("volunteering.self", "volunteering.hours")
    row = Volunteer.objects.select_for_update(of=("self",)).filter(pk=volunteer_id).first()
    if row is None or row.verified_at is None or not row.area.startswith(scopes.current().area):
        raise ValidationError(_("证件核验通过的志愿者才能开具证明。"))
    if ends < starts or ends > day(now):
        raise ValidationError({"ends": _("起止日期不对：结束日期不能早于开始日期，也不能晚于今天。")})
    with session.machine(row.area[:6]):  # served in another township too
        found = ServiceRecord.objects.filter(volunteer=row, state=ServiceRecord.State.DONE, minutes__gt=0, starts__date__gte=starts, starts__date__lte=ends)
        records = list(found.select_related("organisation").order_by("-starts"))
    if not records:
        raise ValidationError(_("这段时间没有已完成的服务记录，不能开具证明。"))
    minutes = sum(each.minutes or 0 for each in records)
    said: dict[str, Any] = {
        "name": row.name, "document": mask_id(numbers.plain(row.document) or ""), "volunteer": row.number, "starts": f"{starts}", "ends": f"{ends}",
        "times": len(records), "minutes": minutes, "hours": hours(minutes), "lines": _lines(records), "more": max(len(records) - LINES, 0),
        "services": codes.words({each.kind for each in records}, codes.SERVICES), "office": f"{places.name(row.area[:6])}民政局", "day": f"{day(now)}",
    }  # fmt: skip
    for before in ServiceCertificate.objects.filter(volunteer=row, starts=starts, ends=ends, void_at__isnull=True, minutes=minutes, times=len(records)).order_by("-id")[:3]:
        if {**json.loads(before.content), "number": ""} == {**said, "number": ""}:
            return before
    said["number"] = number_of("ZM", row.area)
    content = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return ServiceCertificate.objects.create(
        number=said["number"], code="".join(secrets.choice(ALPHABET) for _sign in range(LENGTH)), volunteer=row, area=row.area, starts=starts, ends=ends,
        minutes=minutes, times=len(records), content=content, digest=digest_of(content), issued_at=now, issued_by_id=account_id(),
    )  # fmt: skip


@transaction.atomic
def void_certificate(*, certificate_id: int, reason: str, now: datetime) -> ServiceCertificate:
    """Declare a certificate void, with a reason; whoever checks its code is told that it does not hold."""
    require_one("volunteering.hours")
    row = ServiceCertificate.objects.select_for_update(of=("self",)).filter(pk=certificate_id).first()
    if row is None or row.void_at is not None:
        raise ValidationError(_("没有这份证明，或它已作废。"))
    row.void_at, row.void_reason = now, reason_of(reason)
    row.save(update_fields=["void_at", "void_reason"])
    return row


def genuine(row: ServiceCertificate) -> bool:
    """Whether the content is what was sealed."""
    return hmac.compare_digest(bytes(row.digest), digest_of(row.content))


def find(code: str) -> Shown | None:
    """What a certificate's code tells anybody; None for a code that nobody issued or whose seal is broken."""
    wanted = "".join(code.split()).upper()
    if len(wanted) != LENGTH or set(wanted) - set(ALPHABET):
        return None
    with connection.cursor() as cursor:
        cursor.execute("select id, area, volunteer_id from doudi.certificate_of(%s)", [wanted])
        found = cursor.fetchone()
    if found is None:
        return None
    with session.acting(session.Who("volunteer", found[2], found[1], "")):
        row = ServiceCertificate.objects.filter(pk=found[0]).first()
        if row is None or not genuine(row):
            return None
        said = json.loads(row.content)
        return Shown(
            number=row.number, name=said["name"], starts=row.starts, ends=row.ends, times=row.times, minutes=row.minutes, issued_on=timezone.localdate(row.issued_at),
            office=said["office"], fingerprint=fingerprint(row), void=row.void_at is not None,
        )  # fmt: skip


def fingerprint(row: ServiceCertificate) -> str:
    """Sixteen signs of the seal, on the paper and on the page: whoever compares them sees whether the paper's words were changed."""
    plain = bytes(row.digest).hex()[:16].upper()
    return " ".join(plain[at : at + 4] for at in range(0, 16, 4))


__all__ = ["Shown", "find", "fingerprint", "genuine", "hours", "issue", "void_certificate"]
