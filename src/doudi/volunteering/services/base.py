"""What the services of volunteering share: rows under lock, the record of who did what, checks of codes and areas."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.institutions.services.base import needed, one_of, phone_needed, phone_token, refused
from doudi.registry.names import BadName, clean_name
from doudi.volunteering.codes import Codes
from doudi.volunteering.models import Activity, Organisation, Volunteer, VolunteeringEvent

ADULT = 18


def require_one(*acts: str) -> scopes.Scope:
    """The acting scope, where its duty may do one of the acts."""
    if not any(duties.may(act) for act in acts):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    return scopes.current()


def account_id() -> int | None:
    return scopes.current().account_id or None


def number_of(prefix: str, area: str) -> str:
    """ZY4101220000123: kind, county, running number."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.volunteering_number')")
        return f"{prefix}{area[:6]:0<6}{cursor.fetchone()[0]:07d}"


def note_event(row: Organisation | Volunteer | Activity, what: str, note: str, now: datetime) -> None:
    subject = {Organisation: "organisation", Volunteer: "volunteer", Activity: "activity"}[type(row)]
    # what a public session writes it may not read again: no RETURNING
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {VolunteeringEvent._meta.db_table} (area, {subject}_id, at, account_id, what, note) values (%s, %s, %s, %s, %s, %s)",
            [row.area, row.pk, now, account_id(), what, note.strip()[:300]],
        )


def stale() -> ValidationError:
    return ValidationError(_("这份资料刚被他人修改；您的操作没有保存，请刷新页面后再办。"), code="stale")


def locked_organisation(organisation_id: int, *, version: int | None = None) -> Organisation:
    """The organisation, locked, of the own area; one that only serves here is not changed here."""
    row = Organisation.objects.select_for_update(of=("self",)).filter(pk=organisation_id).first()
    if row is None or not row.area.startswith(scopes.current().area):
        raise ValidationError(_("没有这家组织，或它不由您这里登记。"))
    if version is not None and row.version != version:
        raise stale()
    return row


def locked_volunteer(volunteer_id: int, *, version: int | None = None) -> Volunteer:
    row = Volunteer.objects.select_for_update(of=("self",)).filter(pk=volunteer_id).first()
    if row is None or not row.area.startswith(scopes.current().area):
        raise ValidationError(_("没有这名志愿者，或不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise stale()
    return row


def save(row: Organisation | Volunteer | Activity, *fields: str) -> None:
    row.version += 1
    row.save(update_fields=["version", *fields])


def chosen(field: str, given: Iterable[str], known: Codes | Iterable[str]) -> list[str]:
    """Codes in the list's own order, each once. Raises ValidationError for one that is unknown."""
    wanted = set(given)
    found = [code for code in known if code in wanted]
    if len(found) != len(wanted):
        raise ValidationError({field: _("请重新选择。")})
    return found


def reason_of(text: str) -> str:
    if len(text.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    return text.strip()[:200]


def place_of(area: str, *, least: int, field: str = "area") -> str:
    """A division that there is, inside the acting scope, from a level on."""
    if len(area) < least or not scopes.current().covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({field: _("请在列表中重新选择地区。")})
    return area


def name_of(text: str, field: str = "name") -> str:
    try:
        return clean_name(text)
    except BadName as error:
        raise ValidationError({field: _("“姓名”：%(problem)s。") % {"problem": error}}) from None


def is_minor(birth_date: date, on: date) -> bool:
    """Under eighteen on a day; who was born on 29 February is of age on 1 March."""
    try:
        of_age = birth_date.replace(year=birth_date.year + ADULT)
    except ValueError:
        of_age = date(birth_date.year + ADULT, 3, 1)
    return on < of_age


def day(now: datetime) -> date:
    return timezone.localdate(now)


__all__ = [
    "account_id", "chosen", "day", "is_minor", "locked_organisation", "locked_volunteer", "name_of", "needed", "note_event", "number_of", "one_of",
    "phone_needed", "phone_token", "place_of", "reason_of", "refused", "require_one", "save", "stale",
]  # fmt: skip
