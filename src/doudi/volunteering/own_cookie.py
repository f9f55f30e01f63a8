"""The cookie of the public pages of volunteers: who has proved a phone by a one-time code, for two hours, sealed and signed.

It holds the phone's token and whom it chose; whether they still have that phone and have not ended is asked at each request. Not to be read
by scripts, sent to these pages alone, of no use once its time is over, whatever clock the browser has.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from doudi.batch.sealed import SealError
from doudi.core import keys

NAME, PATH, SALT = "doudi_volunteer", "/volunteer/", "doudi.volunteering.own"
LASTS, TO_PROVE = 2 * 60 * 60, 15 * 60  # seconds


@dataclass(frozen=True)
class Ticket:
    """`proved`: the code was right; before that the phone is only what somebody typed. `subject`: `volunteer:7` once chosen. `after`: where they wanted to go."""

    phone: str
    proved: bool = False
    subject: str = ""
    after: str = ""

    @property
    def token(self) -> UUID:
        return UUID(self.phone)


def give(response: HttpResponse, ticket: Ticket) -> HttpResponse:
    sealed = base64.urlsafe_b64encode(keys.seal_text(json.dumps(asdict(ticket)), SALT)).decode()
    lasts = LASTS if ticket.proved else TO_PROVE
    response.set_cookie(NAME, signing.dumps([sealed, lasts], salt=SALT), max_age=lasts, path=PATH, httponly=True, secure=settings.BEHIND_TLS, samesite="Lax")
    return response


def of(request: HttpRequest) -> Ticket | None:
    """The ticket of a request; None for none, one that is too old, or one that we did not make."""
    given = request.COOKIES.get(NAME, "")
    if not given or len(given) > 2000:
        return None
    try:
        sealed, lasts = signing.loads(given, salt=SALT, max_age=LASTS)
        signing.loads(given, salt=SALT, max_age=int(lasts))
        ticket = Ticket(**json.loads(keys.open_text(base64.urlsafe_b64decode(sealed), SALT)))
        UUID(ticket.phone)
    except (signing.BadSignature, SealError, binascii.Error, ValueError, TypeError):
        return None
    return ticket


def take_back(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(NAME, path=PATH, samesite="Lax")
    return response
