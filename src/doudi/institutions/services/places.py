"""The institution itself: registered and changed by the county, its beds and isolation rooms, its clerks and contacts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.tokens import Kind
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Posting, Todo
from doudi.institutions.models import BedCapacity, Institution, InstitutionClerk, InstitutionContact, IsolationRoom, Request, Transfer
from doudi.institutions.models.places import Bed
from doudi.institutions.services.base import locked, needed, note_event, one_of, phone_token, refused, today_of

CODE = re.compile(r"[0-9A-Z]{6,18}")
PHONE = re.compile(r"[0-9+() -]{5,20}")


def _account(account: str, bank: str) -> dict[str, Any]:
    """The house's own bank account, as a token; nothing where none is given."""
    if not account.strip():
        return {"account": None, "bank": ""}
    try:
        return {"account": numbers.token_of(Kind.ACCOUNT, idnumber.check_account(account, luhn=False)), "bank": bank.strip()[:14]}
    except ValueError as error:
        raise ValidationError({"account": str(error)}) from None


def _beds(row: Institution, beds: Mapping[str, int], now: datetime) -> None:
    """Set the number of beds of each kind. Fewer beds than residents are refused."""
    before = {capacity.kind: capacity for capacity in row.capacities.all()}
    told = []
    for kind, number in beds.items():
        if kind not in Bed.values or not 0 <= number <= 5000:
            raise ValidationError({"beds": _("床位数应在 0 至 5000 之间。")})
        was = before.get(kind)
        if (was is not None and was.beds == number) or (was is None and not number):
            continue
        full = ValidationError({"beds": _("“%(kind)s”现住人数多于 %(beds)s，不能减到这个数；请先为老人调床或转出。") % {"kind": Bed(kind).label, "beds": number}})
        with refused({"institution_beds_in_use": full}):
            if was is None:
                BedCapacity.objects.create(institution=row, area=row.area, kind=kind, beds=number)
            else:
                BedCapacity.objects.filter(pk=was.pk).update(beds=number)
        told.append(f"{Bed(kind).label} {was.beds if was else 0}→{number}")
    if told:
        note_event(row, "beds", "；".join(told), now)


@transaction.atomic
def register_institution(
    *, code: str, name: str, kind: str, area: str, address: str, phone: str, public: bool = True, account: str = "", bank: str = "",
    beds: Mapping[str, int] | None = None, now: datetime,
) -> Institution:
    """Register a care home, welfare home or aid station (民政服务机构) in the officer's area. Its code is one in the province.

    `beds`: kind of bed (`Bed`) -> number. Raises ValidationError by field.
    """  # fmt: skip
    acting = duties.require("institutions.manage")
    needed(name=name, address=address, phone=phone)
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        raise ValidationError({"code": _("机构代码应为 6 至 18 位数字或大写字母（统一社会信用代码）。")})
    if not PHONE.fullmatch(phone.strip()):
        raise ValidationError({"phone": _("“值班电话”只能有数字、空格、括号和横线。")})
    if not acting.covers(area) or len(area) < 6 or not Division.objects.filter(code=area).exists():
        raise ValidationError({"area": _("请选择您管辖范围内的县、乡镇或村。")})
    taken = ValidationError({"code": _("这个机构代码已经登记过；请核对代码，或到机构列表中查找。")})
    with refused({"institutions_institution_code_key": taken}):
        row = Institution.objects.create(
            code=code, name=name.strip()[:60], kind=one_of("kind", kind, Institution.Kind.values), area=area, address=address.strip()[:120],
            phone=phone.strip(), public=public, made_by_id=acting.account_id or None, made_at=now, **_account(account, bank),
        )  # fmt: skip
    note_event(row, "registered", row.name, now)
    _beds(row, beds or {}, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def change_institution(
    *, institution_id: int, version: int, name: str, address: str, phone: str, state: str, reason: str, public: bool = True,
    beds: Mapping[str, int] | None = None, now: datetime,
) -> Institution:
    """Change what is registered, with the reason. A house in which people live is not closed (撤销) before they have moved."""  # fmt: skip
    row = locked(institution_id, "institutions.manage", version=version, closed=True)
    needed(name=name, address=address, phone=phone, reason=reason)
    if not PHONE.fullmatch(phone.strip()):
        raise ValidationError({"phone": _("“值班电话”只能有数字、空格、括号和横线。")})
    one_of("state", state, Institution.State.values)
    if state == Institution.State.CLOSED and row.residents.filter(ends__isnull=True).exists():
        raise ValidationError({"state": _("还有人住在这家机构，不能撤销；请先办理离院或转移。")})
    row.name, row.address, row.phone, row.state, row.public = name.strip()[:60], address.strip()[:120], phone.strip(), state, public
    row.version += 1
    row.save(update_fields=["name", "address", "phone", "state", "public", "version"])
    note_event(row, "changed", reason, now)
    _beds(row, beds or {}, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def set_account(*, institution_id: int, version: int, account: str, bank: str, now: datetime) -> Institution:
    """Name the bank account of the house, by which awards paid to it are recognised. It pays nobody: payees change by `enrolment` alone."""
    row = locked(institution_id, "institutions.manage", version=version)
    for field, value in _account(account, bank).items():
        setattr(row, field, value)
    row.version += 1
    row.save(update_fields=["account", "bank", "version"])
    note_event(row, "account", "", now)
    return row


@transaction.atomic
def appoint_clerk(*, institution_id: int, account_id: int, now: datetime) -> InstitutionClerk:
    """Let an account report for the institution (机构填报员): one that is posted today as institution clerk at a place which the house lies in."""
    row = locked(institution_id, "institutions.manage")
    on = today_of(now)
    posted = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account_id=account_id, account__is_active=True, duty=Duty.INSTITUTION_CLERK, starts__lte=on)
    if not any(row.area.startswith(area) for area in posted.values_list("area", flat=True)):
        raise ValidationError({"account": _("该账号在机构所在地没有机构填报员岗位；请先由系统管理员任职。")})
    found = row.clerks.filter(account_id=account_id, ended_at__isnull=True).first()
    if found is None:
        found = InstitutionClerk.objects.create(
            institution=row, area=row.area, account_id=account_id, started_at=now, made_by_id=scopes.current().account_id or None
        )
        note_event(row, "clerk", found.account.name, now)
    return found


@transaction.atomic
def release_clerk(*, institution_id: int, account_id: int, now: datetime) -> None:
    """End an account's reporting; its sight of the house ends with it, and so does what waited for it there."""
    row = locked(institution_id, "institutions.manage", closed=True)
    if not row.clerks.filter(account_id=account_id, ended_at__isnull=True).update(ended_at=now):
        raise ValidationError({"account": _("该账号不是这家机构的填报员。")})
    _leave_todos(row.pk, account_id, now)
    note_event(row, "clerk_released", str(account_id), now)


def _leave_todos(institution_id: int, account_id: int, now: datetime) -> None:
    """End the clerk's own to-dos of the house: its pages are closed to them, and the house's other clerks have theirs."""
    sent = Q(subject="institution_transfer", kind__contains=".from#", subject_id__in=Transfer.objects.filter(from_institution_id=institution_id).values("pk"))
    taken = Q(subject="institution_transfer", kind__contains=".to#", subject_id__in=Transfer.objects.filter(to_institution_id=institution_id).values("pk"))
    asked = Q(subject="institution_request", subject_id__in=Request.objects.filter(institution_id=institution_id).values("pk"))
    report = Q(subject="institution_clerk", subject_id__in=InstitutionClerk.objects.filter(institution_id=institution_id, account_id=account_id).values("pk"))
    own = Todo.objects.filter(posting__account_id=account_id, duty=Duty.INSTITUTION_CLERK, done_at__isnull=True)
    own.filter(sent | taken | asked | report).update(done_at=now, done_by=scopes.current().account_id or None)


@transaction.atomic
def set_contact(*, institution_id: int, role: str, name: str, phone: str, now: datetime) -> InstitutionContact:
    """Name somebody to call, or give the same person's new phone number."""
    row = locked(institution_id, "institutions.keep")
    one_of("role", role, InstitutionContact.Role.values)
    needed(name=name, phone=phone)
    token = phone_token(phone)
    found = row.contacts.filter(role=role, name=name.strip()[:60], ended_at__isnull=True).first()
    if found is None:
        found = InstitutionContact(institution=row, area=row.area, role=role, name=name.strip()[:60])
    found.phone = token  # type: ignore[assignment]
    found.save()
    note_event(row, "contact", f"{found.get_role_display()} {found.name}", now)
    return found


@transaction.atomic
def end_contact(*, institution_id: int, contact_id: int, now: datetime) -> None:
    row = locked(institution_id, "institutions.keep")
    if not row.contacts.filter(pk=contact_id, ended_at__isnull=True).update(ended_at=now):
        raise ValidationError(_("没有这位联系人。"))
    note_event(row, "contact_ended", str(contact_id), now)


@transaction.atomic
def set_room(*, institution_id: int, name: str, beds: int, now: datetime) -> IsolationRoom:
    """Name an isolation room (隔离观察室) with its places, or change them. Not below those who are in it."""
    row = locked(institution_id, "institutions.keep")
    needed(name=name)
    if not 1 <= beds <= 50:
        raise ValidationError({"beds": _("隔离观察室床位应在 1 至 50 之间。")})
    found = IsolationRoom.objects.select_for_update().filter(institution=row, name=name.strip()[:40]).first()
    if found is None:
        found = IsolationRoom.objects.create(institution=row, area=row.area, name=name.strip()[:40], beds=beds)
    elif found.stays.filter(ended_at__isnull=True).count() > beds:
        raise ValidationError({"beds": _("室内现有人数多于这个数；请先解除隔离或调换房间。")})
    else:
        found.beds, found.closed_at = beds, None
        found.save(update_fields=["beds", "closed_at"])
    note_event(row, "room", f"{found.name} {beds}", now)
    return found
