"""Opening a case (立案), from whatever way the report comes (5.1, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.protection.models import ProtectionCase
from doudi.protection.services.base import contact_due, note_event, todo
from doudi.protection.services.gaps import begin
from doudi.registry.models import Membership, Person, Sex

ADULT = 18


@dataclass(frozen=True)
class Minor:
    """Whom the case is about: a person of the registry in the officer's area, or what is known of somebody who is not in it."""

    person: int | None = None
    name: str = ""
    id_number: str = ""
    sex: str = ""
    birth_date: date | None = None


def _adult_on(born: date, on: date) -> bool:
    """Eighteen is reached on the birthday; who was born on 29 February reaches it on 1 March."""
    return (on.year - born.year - ((on.month, on.day) < (born.month, born.day))) >= ADULT


def _known(minor: Minor, area: str, on: date) -> dict[str, object]:
    """What the case keeps of the minor. Raises ValidationError by field."""
    if minor.person is not None:
        person = Person.objects.filter(pk=minor.person).first()
        if person is None:
            raise ValidationError({"person": _("没有这个人员，或不在您的管辖范围内。")})
        household = Membership.objects.filter(person=person, ends__isnull=True).values_list("household_id", flat=True).first()
        found: dict[str, object] = {
            "person_id": person.pk, "household_id": household, "token": person.token, "name": person.name, "sex": person.sex,
            "birth_date": person.birth_date, "area": person.area,
        }  # fmt: skip
    else:
        found = {"name": minor.name.strip()[:60], "sex": minor.sex, "birth_date": minor.birth_date, "area": area}
        if minor.id_number.strip():
            try:
                parsed = idnumber.parse(minor.id_number, on)
            except ValueError as error:
                raise ValidationError({"id_number": str(error)}) from None
            found |= {"token": numbers.id_token(parsed.number18), "sex": Sex.MALE if parsed.sex == "male" else Sex.FEMALE, "birth_date": parsed.birth_date}
    born = found.get("birth_date")
    if isinstance(born, date) and _adult_on(born, on):
        raise ValidationError({"birth_date": _("已满 18 周岁，不能按未成年人个案办理；请登记救助线索。")})
    return found


@transaction.atomic
def open_case(
    *, uuid: UUID, minor: Minor, category: str, source: str, urgency: str, reported: str, now: datetime, area: str = "", source_id: int | None = None,
    unattended: bool = False,
) -> ProtectionCase:
    """Open a case; the same form (`uuid`) again gives back the first. `unattended`: nobody looks after the minor right now.

    `area`: where the minor is, for one who is not in the registry. A minor has one open case in the whole province: a second one is refused,
    in words that do not say where. Raises ValidationError by field.
    """  # fmt: skip
    acting = duties.require("protection.report")
    known = ProtectionCase.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    for field, value, allowed in (
        ("category", category, ProtectionCase.Category.values), ("source", source, ProtectionCase.Source.values), ("urgency", urgency, ProtectionCase.Urgency.values),
    ):  # fmt: skip
        if value not in allowed:
            raise ValidationError({field: _("请重新选择。")})
    if len(reported.strip()) < 4:
        raise ValidationError({"reported": _("请写明孩子的情况，至少 4 个字。")})
    found = _known(minor, area or acting.area, timezone.localdate(now))
    place = str(found["area"])
    if not acting.covers(place) or len(place) < 6 or not Division.objects.filter(code=place).exists():
        raise ValidationError({"area": _("请选择您管辖范围内的县、乡镇或村。")})
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.protection_number')")
        serial = cursor.fetchone()[0]
    try:
        with transaction.atomic():
            row = ProtectionCase.objects.create(
                number=f"WB{timezone.localdate(now):%Y%m%d}{serial:05d}", uuid=uuid, category=category, source=source, source_id=source_id,
                reported=reported.strip()[:4000], urgency=urgency, opened_by_id=acting.account_id or None, opened_at=now,
                contact_due=contact_due(urgency=urgency, area=place, now=now), unattended_from=now if unattended else None, **found,
            )  # fmt: skip
    except IntegrityError:
        again = ProtectionCase.objects.filter(uuid=uuid).first()
        if again is not None:
            return again
        raise ValidationError(_("这名未成年人已有未结的个案，不能重复立案；请与县未成年人救助保护机构联系。")) from None
    note_event(row, "opened", reported, now)
    if unattended:
        begin(row, "alone", since=now)
    if category == ProtectionCase.Category.GAP:
        begin(row, "guardian", since=now)
    for duty in (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR):
        todo(row, "protection_take", duty, f"未成年人个案 {row.number} 待接案（{row.get_urgency_display()}）", now, due=row.contact_due)
    scopes.check_constraints()
    return row
