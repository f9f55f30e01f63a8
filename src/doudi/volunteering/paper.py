"""Papers of volunteering: the certificate of service as PDF, the sheet that hangs at a shift."""

from __future__ import annotations

import io
import json
from typing import Any

import segno
from django.utils import timezone

from doudi.core import letters
from doudi.volunteering.models import ServiceCertificate, Shift
from doudi.volunteering.services.activities import when
from doudi.volunteering.services.certificates import fingerprint

CERTIFICATE, SHEET = "volunteering/typst/certificate.typ", "volunteering/typst/shift.typ"


def qr_svg(url: str) -> str:
    picture = io.BytesIO()
    segno.make(url, error="m", micro=False).save(picture, kind="svg", border=0, xmldecl=False, omitsize=True)
    return picture.getvalue().decode()


def check_url(base: str, code: str) -> str:
    """Where anybody checks a certificate."""
    return f"{base.rstrip('/')}/volunteer/certificate/{code}/"


def certificate(row: ServiceCertificate, base: str) -> bytes:
    """The certificate as it was issued. Raises ValidationError where PDF cannot be made here."""
    said: dict[str, Any] = json.loads(row.content)
    url = check_url(base, row.code)
    said |= {"seal": fingerprint(row), "code": " ".join(row.code[at : at + 5] for at in range(0, len(row.code), 5)), "qr": qr_svg(url), "url": url.split("?")[0]}
    said["issued"] = f"{timezone.localdate(row.issued_at):%Y年%-m月%-d日}"
    return letters.pdf(CERTIFICATE, [said])


def shift_sheet(shift: Shift, base: str) -> bytes:
    """The sheet with the code for checking in and out, to hang at the spot."""
    url = f"{base.rstrip('/')}/volunteer/shifts/{shift.pk}/?code={shift.code}"
    letter = {"title": shift.activity.title, "post": shift.post, "when": when(shift), "place": shift.activity.place, "code": shift.code, "qr": qr_svg(url)}
    return letters.pdf(SHEET, [letter])
