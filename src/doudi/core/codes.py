"""One-time codes to phones (短信验证码), for people without an account: to report with a phone that is theirs, to follow a case, to sign up.

    codes.send(phone=phone, purpose="volunteer", request=request, now=now)            # the same answer for every phone
    if codes.check(phone=phone, purpose="volunteer", code=code, now=now): ...         # once

Where the asker must not learn whether there is a phone (a case followed by its number), `send_to_token` takes the token or None and answers
alike, and `check_token` never says yes to None.

A code has six digits and counts for ten minutes, five tries and one use; the newest of a purpose and phone alone counts. Digests, tries and
limits are committed beside the request (`core.side`): what fails later takes none of them back.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import keys, numbers, places, side
from doudi.core import scope as scopes
from doudi.core.network import network_of
from doudi.core.numbers import Kind
from doudi.core.services.messages import send_message
from doudi.core.settings_overlay import settings_at

DIGITS = 6
LASTS = timedelta(minutes=10)  # as `doudi.code_tried` holds it, with the five tries
PAGE = "phone code"
HERE = scopes.Scope(area=places.PROVINCE, page=PAGE)


class TooMany(ValidationError):
    """Sent too often, to this phone or from this network: told to wait, whoever it is."""


def send(*, phone: str, purpose: str, request: HttpRequest, now: datetime) -> None:
    """Send a code to a mobile number for one purpose (`volunteer`, `report`; up to the caller, it only keeps codes apart).

    Raises ValidationError for what is no mobile number, TooMany over the limits of the phone or the network. Whether anybody knows the
    phone plays no part.
    """
    token = _token(phone)
    limit = _from_network(request, now)
    if not _send(token, purpose, limit, now):
        raise TooMany(_("这个手机号收取验证码过于频繁；请使用已收到的验证码，或者过一小时再试。"))


def send_to_token(*, token: UUID | None, purpose: str, request: HttpRequest, now: datetime) -> None:
    """Send a code to a phone that the asker has not named; with None nothing goes out, and nothing tells. Raises TooMany for the network alone."""
    _send(token, purpose, _from_network(request, now), now)


def check(*, phone: str, purpose: str, code: str, now: datetime) -> bool:
    """Whether this is the code that was sent there for the purpose. A try counts at once; a code that was right is used up."""
    try:
        return check_token(token=_token(phone), purpose=purpose, code=code, now=now)
    except ValidationError:
        return False


def check_token(*, token: UUID | None, purpose: str, code: str, now: datetime) -> bool:
    """`check` for a code that `send_to_token` sent; False for None, after the same work."""
    given = "".join(idnumber.normalise(code).split())
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return False  # cannot be one: costs no try
    subject = _subject(purpose, _phone(token))
    with side.committed(scopes.NOTHING) as cursor:
        # the row stays locked until this transaction ends: of two at once the second finds the code used
        cursor.execute("select * from doudi.code_tried(%s, %s)", [subject, now])
        found, digest, made_at = cursor.fetchone()
        right = hmac.compare_digest(bytes(digest or b""), _digest(subject, made_at or now, given))
        if right:
            cursor.execute("select doudi.code_used(%s, %s)", [found, now])
    return right


def _token(phone: str) -> UUID:
    try:
        plain = idnumber.check_phone(phone)
    except ValueError as error:
        raise ValidationError(_("“手机号”：%(problem)s。") % {"problem": error}) from None
    if not plain.startswith("1"):
        raise ValidationError(_("固定电话收不到短信，请填写手机号。"))
    return numbers.token_of(Kind.PHONE, plain)


def _phone(token: UUID | None) -> bytes:
    """Digest of the number behind a token, under the key that never rotates; for none, one that nothing has."""
    return keys.sealing_digest(f"{PAGE}:{numbers.plain(token)}") if token else secrets.token_bytes(32)


def _subject(purpose: str, phone: bytes) -> bytes:
    return keys.sealing_digest(phone + purpose.encode())


def _digest(subject: bytes, made_at: datetime, code: str) -> bytes:
    return keys.sealing_digest(b"%b %b %b" % (subject, made_at.astimezone(UTC).isoformat().encode(), code.encode()))


def _from_network(request: HttpRequest, now: datetime) -> tuple[int, int]:
    """Count a sending of this network. Raises TooMany; returns the limits of one phone: an hour, a day."""
    with scopes.acting(HERE):
        limit = settings_at("procedure.code.", places.PROVINCE, timezone.localdate(now))
    with side.committed(scopes.NOTHING) as cursor:
        cursor.execute("select * from doudi.public_use(%s, %s, %s)", [PAGE, network_of(request), now])
        mine, everybodys = cursor.fetchone()
    if mine > limit("procedure.code.network_hour") or everybodys > limit("procedure.code.all_hour"):
        raise TooMany(_("发送验证码过于频繁；请过一小时再试，或者拨打服务热线。"))
    return int(limit("procedure.code.phone_hour")), int(limit("procedure.code.phone_day"))


def _send(token: UUID | None, purpose: str, limit: tuple[int, int], now: datetime) -> bool:
    """Keep a new code and queue its message; False where the phone has had its number of them."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    phone = _phone(token)
    subject = _subject(purpose, phone)
    with side.committed(scopes.NOTHING) as cursor:
        cursor.execute("select doudi.code_made(%s, %s, %s, %s, %s, %s)", [phone, subject, _digest(subject, now, code), now, *limit])
        if not cursor.fetchone()[0]:
            return False
    with scopes.acting(HERE):
        send_message(
            template="phone.code", area=places.PROVINCE, key=secrets.token_hex(8), values={"code": code, "minutes": LASTS.seconds // 60}, phone=token,
            language="en" if (get_language() or "").startswith("en") else "zh-hans", until=now + LASTS, now=now,
        )  # fmt: skip
    return True
