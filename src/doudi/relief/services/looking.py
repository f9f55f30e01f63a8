"""The look-up across areas (integrity.md, "Relief", "Look-ups and records"): an exact number only, recorded before it is answered, rate-limited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.utils.translation import gettext as _

from doudi.core import audit, duties, keys, numbers, places
from doudi.relief.models import Cause
from doudi.relief.services.base import number_of, today_of

SUBJECT = "relief"


@dataclass(frozen=True)
class Given:
    """One grant of temporary assistance found: the county to ask, its cause, the event and the day of the grant."""

    county: str
    cause: str
    event_on: date
    granted_on: date


def asked(*, token: UUID, reason: str, on: date) -> list[Given]:
    """What the province gave to the holder of a token within the year before `on`. Writes the record first, on a connection of its own."""
    digest = keys.sealing_digest(numbers.plain(token) or "")
    record = audit.record_access(what="lookup", subject=SUBJECT, digest=digest, reason=reason)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select * from doudi.relief_elsewhere(%s, %s, %s, %s)", [token, digest, record, on])
            rows = cursor.fetchall()
    except ProgrammingError as error:
        if "too many look-ups" in str(error):
            raise ValidationError(_("一小时内跨地区查询已达 30 次；请稍后再查，或联系县级民政部门。"), code="rate") from None
        raise
    places.preload(row[0] for row in rows)
    return [Given(places.name(county), str(Cause(cause).label), event_on, granted_on) for county, cause, event_on, granted_on in rows]


def look_up_relief(*, id_number: str, reason: str, now: datetime) -> list[Given]:
    """Whether the holder of a number was given temporary assistance in the last year, and by which county."""
    duties.require("relief.apply")
    on = today_of(now)
    number = number_of(id_number, on=on)
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("“查询事由”必须写明，不少于 4 个字；查询会留下记录。")})
    return asked(token=numbers.id_token(number.number18), reason=reason.strip(), on=on)


def said(found: list[Given]) -> str:
    return "；".join(f"{one.county}民政部门 {one.granted_on} 因{one.cause}（{one.event_on}）已救助" for one in found)
