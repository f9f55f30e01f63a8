"""Transfers of residents (应急转移安置): planned with a list and vehicles, agreed to by the receiving house, cancelled; where beds are free (6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_for_each, raise_todo
from doudi.institutions.models import Institution, Request, Transfer, TransferEvent, TransferPerson, TransferVehicle
from doudi.institutions.models.places import Bed
from doudi.institutions.services.base import clerk_postings, needed, one_of, phone_needed, refused, today_of
from doudi.institutions.services.request_base import note_event as request_event

SUBJECT = "institution_transfer"
S = Transfer.State
P = TransferPerson.State
MOST = 500  # people on one list


@dataclass(frozen=True)
class Free:
    """Free beds of one kind in one house of the province: neither lived in nor kept for somebody on a list."""

    institution_id: int
    name: str
    area: str
    kind: str
    phone: str
    bed: str
    free: int


@dataclass(frozen=True)
class Vehicle:
    kind: str
    plate: str
    seats: int
    driver: str
    phone: str


def free_beds(*, within: str, leave_out: int = 0) -> list[Free]:
    """Where beds are free within a county, city or the province, also outside of the acting scope: houses and numbers, nobody's name."""
    duties.require("transfers.plan")
    with connection.cursor() as cursor:
        cursor.execute("select id, name, area, house, phone, bed, free from doudi.free_beds(%s)", [within])
        return [Free(*row) for row in cursor.fetchall() if row[0] != leave_out]


def locked(transfer_id: int, act: str, version: int | None, *states: str) -> Transfer:
    """The transfer, locked, in one of the states. One that the officer may not see is told like one that does not exist."""
    duties.require(act)
    row = Transfer.objects.select_for_update(of=("self",)).filter(pk=transfer_id).first()
    if row is None:
        raise ValidationError(_("没有这次转移安置，或它不在您的范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这次转移安置刚由他人办理，现为“%(state)s”；您的操作没有保存，请刷新页面。") % {"state": row.get_state_display()}, code="stale")
    if states and row.state not in states:
        raise ValidationError(_("这次转移安置现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()}, code="stale")
    return row


def sends(row: Transfer) -> bool:
    """Whether the acting officer stands at the end that the residents leave."""
    return Institution.objects.filter(pk=row.from_institution_id).exists()


def receives(row: Transfer) -> bool:
    """Whether the acting officer stands at the end where they arrive."""
    return Institution.objects.filter(pk=row.to_institution_id).exists()


def require_end(ok: bool, end: str) -> None:
    if not ok:
        raise ValidationError(_("由%(end)s办理。") % {"end": end})


def note_event(row: Transfer, what: str, note: str, now: datetime) -> None:
    TransferEvent.objects.create(transfer=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, note=note.strip()[:2000] or None)


def moved(row: Transfer, what: str, note: str, now: datetime, *fields: str) -> Transfer:
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(row, what, note, now)
    scopes.check_constraints()
    return row


def tell(row: Transfer, kind: str, title: str, now: datetime, *, clerk: bool = True) -> None:
    """To-dos at the end of the acting officer: of the county's reviewer and the house's clerks. The other end sees the list itself."""
    acting = scopes.current()
    for end, area, house in (("from", row.area, row.from_institution_id), ("to", row.to_area, row.to_institution_id)):
        if not acting.covers(area) or not kind.endswith(end):
            continue
        given = {
            "kind": kind, "area": area, "title": title[:200], "url": f"/institutions/transfers/{row.pk}/", "subject": SUBJECT, "subject_id": row.pk,
            "due": today_of(row.leaves_at), "now": now,
        }  # fmt: skip
        raise_todo(duty=Duty.COUNTY_REVIEWER, **given)  # type: ignore[arg-type]
        if clerk:
            raise_for_each(postings=clerk_postings(house, area, today_of(now)), duty=Duty.INSTITUTION_CLERK, **given)  # type: ignore[arg-type]


COPY = """
insert into institutions_transferperson (area, transfer_id, to_institution_id, resident_id, name, sex, birth_date, bed, kin_name, kin_relation, kin_phone, health,
  state, note, told_whom, told_how)
select r.area, %s, %s, r.id, r.name, r.sex, r.birth_date, coalesce(nullif(%s, ''), r.bed), r.kin_name, r.kin_relation, r.kin_phone, r.health, 'listed', '', '', ''
from institutions_resident r where r.id = any(%s) and r.institution_id = %s and r.ends is null order by r.id
"""


@transaction.atomic
def plan(
    *, key: UUID, from_id: int, to_id: int, resident_ids: Sequence[int], reason: str, leaves_at: datetime, now: datetime, bed: str = "",
    request_id: int | None = None,
) -> Transfer:
    """Plan a transfer: the list, the receiving house, when; the same form (`key`) again gives back the first. Beds are kept from now on.

    `bed`: the kind of bed that all get there; empty: the kind that each has here. The receiving house may lie in another county.
    Raises ValidationError: no beds left of a kind, somebody on another open list, somebody who left. Set-based, whatever the number.
    """  # fmt: skip
    acting = duties.require("transfers.plan")
    before = Transfer.objects.filter(key=key).first()
    if before is not None:
        return before
    needed(reason=reason)
    house = Institution.objects.select_for_update(of=("self",)).filter(pk=from_id).first()
    if house is None:
        raise ValidationError(_("没有这家机构，或它不在您的管辖范围内。"))
    there = next((each for each in free_beds(within=places.PROVINCE) if each.institution_id == to_id), None)
    if there is None or to_id == from_id:
        raise ValidationError({"to": _("接收机构没有空床位，或不能接收；请另选。")})
    if bed and bed not in Bed.values:
        raise ValidationError({"bed": _("请重新选择。")})
    chosen = sorted(set(resident_ids))
    if not chosen or len(chosen) > MOST:
        raise ValidationError({"people": _("请选择要转移的人员，一次最多 %(most)s 人。") % {"most": MOST}})
    if not now - timedelta(hours=12) <= leaves_at <= now + timedelta(days=60):
        raise ValidationError({"leaves_at": _("计划出发时间应在现在至 60 天之内。")})
    wanted = _request_of(request_id, house)
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.transfer_number')")
        serial = cursor.fetchone()[0]
    row = Transfer.objects.create(
        number=f"ZY{today_of(now):%Y%m%d}{serial:05d}", key=key, request=wanted, from_institution=house, from_name=house.name, area=house.area, to_institution_id=to_id,
        to_name=there.name, to_area=there.area, reason=reason.strip()[:200], leaves_at=leaves_at, made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    words = {
        "transfer_bed_free": ValidationError({"to": _("接收机构这类床位不够（含已为他人预留的）；请减少人数、换床位类别或另选机构。")}),
        "transfer_one_open_list": ValidationError({"people": _("所选人员中有人已在另一份未完成的转移名单上；请先完成或取消那一次。")}),
        "transfer_person_of_house": ValidationError({"people": _("所选人员中有人已不在这家机构；请刷新页面。")}),
    }
    with refused(words), connection.cursor() as cursor:
        cursor.execute(COPY, [row.pk, to_id, bed, chosen, house.pk])
        listed = cursor.rowcount
    if listed != len(chosen):
        raise ValidationError({"people": _("所选人员中有人已不在这家机构；请刷新页面。")})
    note_event(row, "planned", f"{listed} 人：{house.name} → {there.name}。{reason}", now)
    if wanted is not None:
        request_event(wanted, "transfer", f"{row.number}：{listed} 人 → {there.name}", now)
    tell(row, "transfer.depart.from", f"转移安置 {row.number}：{listed} 人待出发，逐人确认并告知家属", now)
    tell(row, "transfer.agree.to", f"转移安置 {row.number}：{house.name} {listed} 人，请确认能否接收", now)
    scopes.check_constraints()
    return row


def _request_of(request_id: int | None, house: Institution) -> Request | None:
    if request_id is None:
        return None
    found = Request.objects.filter(pk=request_id, institution=house, kind=Request.Kind.TRANSFER, state=Request.State.WORKING).first()
    if found is None:
        raise ValidationError(_("协调事项不是这家机构正在办理的转移安置；请从协调事项页面重新进入。"))
    return found


@transaction.atomic
def agree(*, transfer_id: int, version: int, now: datetime) -> Transfer:
    """The receiving end takes them (同意接收): a bed is kept for each already."""
    row = locked(transfer_id, "transfers.confirm", version, S.PLANNED)
    require_end(receives(row), _("接收机构或当地民政部门"))
    row.state, row.agreed_by_id, row.agreed_at = S.AGREED, scopes.current().account_id or None, now
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="transfer.agree.to")
    return moved(row, "agreed", "", now, "state", "agreed_by", "agreed_at")


@transaction.atomic
def refuse(*, transfer_id: int, version: int, reason: str, now: datetime) -> Transfer:
    """The receiving end cannot take them, with the reason; the beds are free again."""
    row = locked(transfer_id, "transfers.confirm", version, S.PLANNED)
    require_end(receives(row), _("接收机构或当地民政部门"))
    return _ended(row, S.REFUSED, "refused", reason, now)


@transaction.atomic
def cancel(*, transfer_id: int, version: int, reason: str, now: datetime) -> Transfer:
    """Not carried out, with the reason; nobody has left yet. The beds are free again."""
    row = locked(transfer_id, "transfers.plan", version, S.PLANNED, S.AGREED)
    require_end(sends(row), _("转出方民政部门"))
    return _ended(row, S.CANCELLED, "cancelled", reason, now)


def _ended(row: Transfer, state: str, what: str, reason: str, now: datetime) -> Transfer:
    needed(reason=reason)
    row.people.filter(state=P.LISTED).update(state=P.STAYED, note=reason.strip()[:200])
    row.state, row.ended_at, row.end_reason = state, now, reason.strip()[:200]
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return moved(row, what, reason, now, "state", "ended_at", "end_reason")


@transaction.atomic
def add_vehicle(*, transfer_id: int, vehicle: Vehicle, now: datetime) -> TransferVehicle:
    """A vehicle for a transfer; one of that plate that is there already is left as it is."""
    row = locked(transfer_id, "transfers.confirm", None, *Transfer.OPEN)
    require_end(sends(row), _("转出方"))
    one_of("kind", vehicle.kind, TransferVehicle.Kind.values)
    needed(plate=vehicle.plate, driver=vehicle.driver, phone=vehicle.phone)
    if not 1 <= vehicle.seats <= 80:
        raise ValidationError({"seats": _("可乘坐人数应在 1 至 80 之间。")})
    plate = vehicle.plate.strip().upper()[:12]
    found = row.vehicles.filter(plate=plate).first()
    if found is None:
        found = TransferVehicle.objects.create(
            transfer=row, area=row.area, kind=vehicle.kind, plate=plate, seats=vehicle.seats, driver=vehicle.driver.strip()[:60], phone=phone_needed(vehicle.phone)
        )
        note_event(row, "vehicle", plate, now)
    scopes.check_constraints()
    return found
