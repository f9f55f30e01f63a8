"""What the services of institutions share: the house under lock, what the database refuses told in words, the record of who did what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.tokens import Kind
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.institutions.models import Institution, InstitutionClerk, InstitutionEvent

SUBJECT = "institution"


def today_of(now: datetime) -> date:
    """The day in China."""
    return timezone.localdate(now)


def locked(institution_id: int, act: str, *, version: int | None = None, closed: bool = False) -> Institution:
    """The institution, locked. One that the officer may not see is told like one that does not exist; `closed` takes one that was closed too."""
    duties.require(act)
    row = Institution.objects.select_for_update(of=("self",)).filter(pk=institution_id).first()
    if row is None:
        raise ValidationError(_("没有这家机构，或它不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这家机构的资料刚被他人修改；您的操作没有保存，请刷新页面后再改。"), code="stale")
    if row.state == Institution.State.CLOSED and not closed:
        raise ValidationError(_("这家机构已撤销，不能再办理。"))
    return row


def clerk_postings(institution_id: int, area: str, on: date) -> list[int]:
    """The postings of all who are named for a house: to-dos of theirs are not seen by the clerks of other houses at the same place."""
    clerks = InstitutionClerk.objects.filter(institution_id=institution_id, ended_at__isnull=True).values("account_id")
    rows = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account_id__in=clerks, account__is_active=True, duty=Duty.INSTITUTION_CLERK, starts__lte=on)
    return [row.pk for row in rows.order_by("pk") if area.startswith(row.area)]


def note_event(row: Institution, what: str, note: str, now: datetime) -> None:
    InstitutionEvent.objects.create(
        institution=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:400]
    )


@contextmanager
def refused(words: Mapping[str, ValidationError]) -> Iterator[None]:
    """Within a savepoint: what the constraint or guard of that name refuses becomes the sentence; anything else is raised as it is."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
        if name in words:
            raise words[name] from None
        raise


def needed(**texts: str) -> None:
    """Raise for the first field that is empty."""
    for field, text in texts.items():
        if not text.strip():
            raise ValidationError({field: _("此项必填。")})


def one_of(field: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise ValidationError({field: _("请重新选择。")})
    return value


def phone_token(text: str, field: str = "phone") -> UUID | None:
    """Token of a phone number as written; None for nothing. Raises ValidationError at the field."""
    if not text.strip():
        return None
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text))
    except ValueError as error:
        raise ValidationError({field: str(error)}) from None


def phone_needed(text: str, field: str = "phone") -> UUID:
    """`phone_token` where a number must be given."""
    token = phone_token(text, field)
    if token is None:
        raise ValidationError({field: _("请填写联系电话，应急时要用。")})
    return token


def between(field: str, label: str | Promise, on: date, least: date | None, most: date) -> date:
    if on > most:
        raise ValidationError({field: _("“%(label)s”不能晚于今天。") % {"label": label}})
    if least is not None and on < least:
        raise ValidationError({field: _("“%(label)s”不能早于 %(least)s。") % {"label": label, "least": least}})
    return on
