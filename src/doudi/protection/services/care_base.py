"""What every act on care shares: dates, the row locked, what a form brings, one child in one care."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core.settings_overlay import get_setting
from doudi.protection.models import Care, ProtectionCase
from doudi.protection.services import gaps
from doudi.protection.services.base import locked

ADULT = 18
NONE = ("无", "没有", "none")


@dataclass(frozen=True)
class Arranged:
    """What a form says of a care: why and by which ground, who looks after the child, until when, who agreed."""

    basis: str
    reason: str
    situation: str
    organiser: str
    body: str
    way: str
    carer: str
    contact: str
    consent: str
    expected_end: date
    relation: str = ""
    consent_note: str = ""


@dataclass(frozen=True)
class Handed:
    """What a hand-over sheet says. `belongings` and `documents`: one thing a line, 无 where there is nothing."""

    at: datetime
    given_by: str
    taken_by: str
    belongings: str
    health: str
    documents: str
    given_signed: bool
    taken_signed: bool
    witness: str = ""


def add_months(day: date, months: int) -> date:
    """The same day some months later, the last of the month where it has no such day: a year after 29 February is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def adult_on(born: date) -> date:
    """The eighteenth birthday; of who was born on 29 February 1 March."""
    if (born.month, born.day) == (2, 29) and not calendar.isleap(born.year + ADULT):
        return date(born.year + ADULT, 3, 1)
    return born.replace(year=born.year + ADULT)


def latest_end(row: ProtectionCase, kind: str, starts: date) -> date:
    """The last day that a care may be planned to: days or months that the place has set, never beyond the eighteenth birthday."""
    if kind == Care.Kind.LIVING:
        latest = starts + timedelta(days=int(get_setting("procedure.protection.care_days", row.area, starts)))
    else:
        latest = add_months(starts, int(get_setting("procedure.protection.guardianship_months", row.area, starts)))
    return min(latest, adult_on(row.birth_date)) if row.birth_date else latest


def review_due(row: ProtectionCase, kind: str, on: date) -> date:
    return on + timedelta(days=int(get_setting(f"procedure.protection.care_review_days.{kind}", row.area, on)))


def locked_care(care_id: int, version: int, *states: str) -> tuple[Care, ProtectionCase]:
    """The care and its case, both locked, the case first. What the officer may not see is told like what does not exist."""
    case_id = Care.objects.filter(pk=care_id).values_list("case_id", flat=True).first()
    if case_id is None:
        raise ValidationError(_("没有这项照料或监护，或它不由您办理。"))
    case = locked(case_id, None)
    row = Care.objects.select_for_update(of=("self",)).get(pk=care_id)
    if row.version != version or row.state not in states:
        raise ValidationError(
            _("这项%(kind)s刚由他人办理，现为“%(state)s”；请刷新页面。") % {"kind": row.get_kind_display(), "state": row.get_state_display()}
        )
    return row, case


def guardian_of(row: ProtectionCase) -> str:
    """The civil-affairs department that is the guardian of a minor whose case lies here."""
    return f"{places.name(row.area[:6])}民政局"


def guarded_elsewhere(care: Care, row: ProtectionCase) -> bool:
    """Whether a guardianship runs whose guardian is another county's department: the case was transferred here, its guardian not."""
    return care.kind == Care.Kind.GUARDIANSHIP and care.state == Care.State.ACTIVE and care.body != guardian_of(row)


@contextmanager
def one_care_of_a_child(case: ProtectionCase) -> Iterator[None]:
    """Two officers, in whatever counties, arrange for one child at once: one does it, the other is told. The database excludes the second."""
    with connection.cursor() as cursor:  # in turn: two exclusion constraints that wait for each other would be a deadlock
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('care ' || %s, 0))", [str(case.token or case.person_id or case.pk)])
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "protection_never_two_cares" in str(error):
            raise ValidationError(
                _("这名孩子在这段时间已有临时生活照料或临时监护，不能同时安排两处；请先结束原来的安排，或与县级未成年人救助保护机构联系。")
            ) from None
        raise


def checked(given: Arranged, row: ProtectionCase, kind: str, starts: date) -> date:
    """What is wrong with an arrangement, as ValidationError by field; else its latest end."""
    allowed: dict[str, list[str]] = {
        "basis": [each for each in Care.Basis.values if (each == Care.Basis.CIVIL_34) == (kind == Care.Kind.LIVING)],
        "reason": Care.Reason.values, "organiser": Care.Organiser.values, "way": Care.Way.values, "consent": Care.Consent.values,
    }  # fmt: skip
    for field, values in allowed.items():
        if getattr(given, field) not in values:
            raise ValidationError({field: _("请重新选择。")})
    for field, label, least in (
        ("situation", _("监护人的情况"), 4), ("body", _("组织照料的单位"), 2), ("carer", _("照料人"), 2), ("contact", _("照料人电话和住址"), 5),
    ):  # fmt: skip
        if len(getattr(given, field).strip()) < least:
            raise ValidationError({field: _("“%(label)s”必须写明，不少于 %(least)d 个字。") % {"label": label, "least": least}})
    if kind == Care.Kind.GUARDIANSHIP and given.way == Care.Way.COMMITTEE:
        raise ValidationError({"way": _("临时监护由亲属、寄养家庭或机构照料；村（居）委会人员照料的按临时生活照料办理。")})
    if given.consent != Care.Consent.NOT_NEEDED and len(given.consent_note.strip()) < 4:
        raise ValidationError({"consent_note": _("请写明何人何时以何种方式同意；无法联系的，写明已怎样寻找。")})
    latest = latest_end(row, kind, starts)
    if not starts <= given.expected_end <= latest:
        raise ValidationError(
            {
                "expected_end": _("“预计结束日期”应在 %(first)s 至 %(last)s 之间（本地规定的最长期限，且不超过十八周岁生日）。")
                % {"first": starts, "last": latest}
            }
        )
    return latest


def fields_of(given: Arranged) -> dict[str, object]:
    return {
        "basis": given.basis, "reason": given.reason, "situation": given.situation.strip()[:2000], "organiser": given.organiser, "body": given.body.strip()[:80],
        "way": given.way, "carer": given.carer.strip()[:60], "relation": given.relation.strip()[:40], "contact": given.contact.strip()[:200],
        "consent": given.consent, "consent_note": given.consent_note.strip()[:500] or None, "expected_end": given.expected_end,
    }  # fmt: skip


def attend(case: ProtectionCase, *, at: datetime, who: str, guardian: str = "") -> None:
    """Somebody looks after the child from `at` on, and is its `guardian` where one is named: what was without is over. The caller saves `unattended_from`."""
    gaps.end(case, gaps.ALONE, at=at, how=who)
    if guardian:
        gaps.end(case, gaps.GUARDIAN, at=at, how=guardian)


def to_the_minute(at: datetime) -> datetime:
    """As forms write moments: what happens within a minute is not before itself."""
    return at.replace(second=0, microsecond=0)


def not_later(at: datetime, now: datetime, field: str) -> None:
    if at > now:
        raise ValidationError({field: _("时间不能晚于现在（%(now)s）。") % {"now": f"{timezone.localtime(now):%Y-%m-%d %H:%M}"}})
