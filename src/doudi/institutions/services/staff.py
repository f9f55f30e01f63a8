"""Who works in an institution: on the rolls, with or without an account of the system."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.institutions.models import IsolationStay, StaffMember
from doudi.institutions.services.base import between, locked, needed, note_event, one_of, phone_token, today_of


@transaction.atomic
def add_staff(*, institution_id: int, name: str, role: str, phone: str = "", account_id: int | None = None, starts: date, now: datetime) -> StaffMember:
    """Put somebody on the rolls (在册人员); who is on them with the same name and work is given back. `account_id`: a clerk of this house."""
    house = locked(institution_id, "institutions.keep")
    needed(name=name)
    one_of("role", role, StaffMember.Role.values)
    between("starts", _("到岗日期"), starts, None, today_of(now))
    if account_id is not None and not house.clerks.filter(account_id=account_id, ended_at__isnull=True).exists():
        raise ValidationError({"account": _("只能选择本机构的填报员账号。")})
    found = StaffMember.objects.filter(institution=house, name=name.strip()[:60], role=role, ends__isnull=True).first()
    if found is not None:
        return found
    row = StaffMember.objects.create(
        institution=house, area=house.area, name=name.strip()[:60], role=role, phone=phone_token(phone), account_id=account_id, starts=starts,
        made_by_id=scopes.current().account_id or None, made_at=now,
    )  # fmt: skip
    note_event(house, "staff_added", f"{row.get_role_display()} {row.name}", now)
    scopes.check_constraints()
    return row


@transaction.atomic
def end_staff(*, institution_id: int, staff_id: int, on: date, now: datetime) -> StaffMember:
    """Take somebody off the rolls (离岗) from a day on."""
    house = locked(institution_id, "institutions.keep", closed=True)
    row = StaffMember.objects.select_for_update(of=("self",)).filter(pk=staff_id, institution=house, ends__isnull=True).first()
    if row is None:
        raise ValidationError(_("此人已不在册；请刷新页面。"), code="stale")
    row.ends = between("on", _("离岗日期"), on, row.starts, today_of(now))
    row.save(update_fields=["ends"])
    IsolationStay.objects.filter(staff_id=row.pk, ended_at__isnull=True).update(ended_at=now)
    note_event(house, "staff_ended", f"{row.get_role_display()} {row.name}", now)
    return row
