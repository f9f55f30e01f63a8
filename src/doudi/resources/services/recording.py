"""Services that a provider gave (服务记录): recorded one by one or by a sheet, confirmed by the recipient or a care contact."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community.models import CarePerson, CounsellingSession
from doudi.community.services import standing_in
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.services.attachments import attach
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.registry.models import Person
from doudi.resources.models import ContractLine, PurchasedService, ServiceContract
from doudi.resources.procedures import CONFIRM_DAYS
from doudi.resources.services.base import FEN, due_in, locked, phone_token, reason_of, save, told

S = PurchasedService.State
KINDS = ContractLine.Kind.choices
SUBJECT = "purchased_service"
PLACE = "service_place"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12  # 58 random bits


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _at in range(LENGTH))


@dataclass(frozen=True)
class Given:
    """One service as it is recorded. `area`: where the recipient lives; without `person_id` a group of `people` with its name."""

    uuid: UUID
    line_id: int
    day: date
    quantity: Decimal
    worker: str
    area: str
    recipient: str
    person_id: int | None = None
    people: int = 1
    phone: UUID | None = None
    note: str = ""
    session_id: int | None = None


def left_of(contract: ServiceContract) -> dict[int, Decimal]:
    """line id -> units that may still be recorded; two queries."""
    with connection.cursor() as cursor:
        cursor.execute("select line_id, used from doudi.line_used(%s)", [contract.pk])
        used = dict(cursor.fetchall())
    return {line.pk: line.quantity - used.get(line.pk, Decimal(0)) for line in ContractLine.objects.filter(contract=contract)}


def write(contract: ServiceContract, rows: Sequence[Given], *, now: datetime) -> list[PurchasedService]:
    """Write checked rows of one contract, those already written left out; who confirms is told by the worker's next round."""
    acting = scopes.current()
    known = set(PurchasedService.objects.filter(uuid__in=[row.uuid for row in rows]).values_list("uuid", flat=True))
    lines = {line.pk: line for line in ContractLine.objects.filter(contract=contract)}
    with told():
        made = PurchasedService.objects.bulk_create(
            [
                PurchasedService(
                    area=row.area, uuid=row.uuid, contract=contract, line_id=row.line_id, day=row.day, quantity=row.quantity,
                    unit_price=lines[row.line_id].unit_price, amount=(row.quantity * lines[row.line_id].unit_price).quantize(FEN, ROUND_HALF_UP),
                    worker=row.worker.strip()[:60], person_id=row.person_id, session_id=row.session_id, recipient=row.recipient.strip()[:60], people=row.people,
                    phone=row.phone, note=row.note.strip()[:2000] or None, code=new_code(), entered_by_id=acting.account_id, entered_at=now,
                )
                for row in rows
                if row.uuid not in known
            ],
            batch_size=500,
        )  # fmt: skip
        scopes.check_constraints()
    if made:
        _ask_contacts([row.pk for row in made], contract, now=now)
    return made


def _ask_contacts(ids: list[int], contract: ServiceContract, *, now: datetime) -> None:
    """One to-do a place (its code is the subject): its records wait for confirmation, by its visitor or, where it has none, the township."""
    raise_todos(
        "select r.area, case when length(r.area) = 12 and exists (select from core_posting p where p.duty = 'visitor' and starts_with(r.area, p.area)"
        " and p.starts <= %s::date and (p.ends is null or p.ends > %s::date)) then 'visitor' else 'township_officer' end,"
        " 'purchases.confirm', '购买服务待确认（' || %s::text || '）',"
        " '/purchases/services/?state=recorded', %s::text, r.area::bigint, %s::date from (select distinct area from resources_purchasedservice where id = any(%s)) r"
        " where length(r.area) >= 9",
        [timezone.localdate(now), timezone.localdate(now), contract.provider, PLACE, due_in(CONFIRM_DAYS, contract.area, now), ids],
        now=now,
    )  # fmt: skip


@transaction.atomic
def record_service(
    *, uuid: UUID, line_id: int, day: date, quantity: Decimal, worker: str, now: datetime, area: str = "", person_id: int | None = None, recipient: str = "",
    people: int = 1, phone: str = "", note: str = "", session_id: int | None = None,
) -> PurchasedService:  # fmt: skip
    """Record one service under a contract in force. A person of the registry, or a group by its name; the same form (`uuid`) is one record.

    Raises ValidationError by field; beyond the contracted quantity with what is left.
    """
    acting = duties.require("purchases.record")
    before = PurchasedService.objects.filter(uuid=uuid).first()
    if before is not None:
        return before
    line = ContractLine.objects.select_related("contract").filter(pk=line_id).first()
    if line is None or line.contract.state != ServiceContract.State.ACTIVE:
        raise ValidationError({"line": _("没有这项服务，或合同不在执行中；请重新选择。")})
    contract = line.contract
    if not contract.starts <= day <= min(contract.until, timezone.localdate(now)):
        raise ValidationError(
            {"day": _("服务日期应在合同期内（%(starts)s 至 %(until)s），且不能晚于今天。") % {"starts": contract.starts, "until": contract.until}}
        )
    if quantity <= 0 or quantity != quantity.quantize(FEN):
        raise ValidationError({"quantity": _("数量应为正数，最多两位小数。")})
    left = left_of(contract).get(line.pk, Decimal(0))
    if quantity > left:
        raise ValidationError(
            {"quantity": _("这项服务合同余量为 %(left)s %(unit)s，不能登记 %(given)s。") % {"left": left, "unit": line.unit, "given": quantity}}
        )
    if session_id is not None:
        session = CounsellingSession.objects.filter(pk=session_id, state=CounsellingSession.State.HELD).first()
        if session is None or person_id not in (None, session.person_id):
            raise ValidationError({"session": _("没有这次已开展的心理疏导，或不是这名服务对象的。")})
        person_id = session.person_id
    token = phone_token(phone)
    if person_id is not None:
        person = Person.objects.filter(pk=person_id).first()
        if person is None:
            raise ValidationError({"person": _("没有这名服务对象，或不在您的管辖范围内。")})
        area, recipient, token, people = person.area, person.name, token or person.phone, 1
    elif (
        len(area) < 9
        or not acting.covers(area)
        or not area.startswith(contract.area)
        or not Division.objects.filter(code=area, ends__isnull=True).exists()
    ):
        raise ValidationError({"area": _("请选择服务所在的乡镇（街道）或村（社区）。")})
    if len(recipient.strip()) < 2:
        raise ValidationError({"recipient": _("请填写服务对象；集体活动填写活动或小组名称。")})
    if len(worker.strip()) < 2:
        raise ValidationError({"worker": _("请填写服务人员姓名。")})
    given = Given(uuid, line.pk, day, quantity, worker, area, recipient, person_id, people, token, note, session_id)
    return write(contract, [given], now=now)[0]


def is_contact_of(row: PurchasedService, account_id: int, on: date) -> bool:
    """Whether an account is the recipient's care contact today, or stands in for them."""
    if row.person_id is None:
        return False
    cared = CarePerson.objects.filter(person_id=row.person_id, ends__isnull=True, contact__isnull=False).select_related("contact").first()
    if cared is None or cared.contact is None:
        return False
    holder = standing_in(on, [cared.contact.pk]).get(cared.contact.pk, cared.contact)
    return account_id in (holder.account_id, cared.contact.account_id)


@transaction.atomic
def confirm_service(
    *,
    service_id: int,
    version: int,
    how: str,
    satisfaction: int | None = None,
    picture: tuple[str, bytes] | None = None,
    note: str = "",
    now: datetime,
) -> PurchasedService:
    """Confirm a record for the recipient: with their signature (photo of the signed slip), or as the care contact; an officer who does not know them
    asks for the signature. Never by who entered it. `note` says what was cleared up where the recipient had objected."""
    acting = duties.require("purchases.confirm")
    row = locked(PurchasedService, service_id, version, S.RECORDED, S.DISPUTED)
    duties.require_apart("purchases.confirm", done={"purchases.record": row.entered_by_id})
    if how == PurchasedService.Confirmed.SIGNATURE:
        if picture is None:
            raise ValidationError({"picture": _("请拍下服务对象签字的服务单。")})
    elif how != PurchasedService.Confirmed.CONTACT:
        raise ValidationError({"how": _("请选择确认方式。")})
    elif row.person_id is not None and not is_contact_of(row, acting.account_id, timezone.localdate(now)):
        raise PermissionDenied(_("您不是这名服务对象的帮扶责任人；请由帮扶责任人确认，或请本人签字。"))
    if row.state == S.DISPUTED:
        row.reason = reason_of(note, "note")
    row.state, row.confirmed, row.confirmed_by_id, row.confirmed_at, row.satisfaction = S.CONFIRMED, how, acting.account_id, now, satisfaction
    save(row, "state", "confirmed", "confirmed_by", "confirmed_at", "satisfaction", "reason")
    if picture is not None:
        attach(subject=SUBJECT, subject_id=row.pk, area=row.area, name=picture[0], content=picture[1], now=now, pictures_only=True)
    area_done(row, now=now)
    return row


@transaction.atomic
def dispute(*, service_id: int, version: int, words: str, now: datetime) -> PurchasedService:
    """The recipient or the care contact says that it was not so: it does not count until it is cleared up."""
    duties.require("purchases.confirm")
    row = locked(PurchasedService, service_id, version, S.RECORDED)
    row.state, row.objection = S.DISPUTED, reason_of(words, "note")
    save(row, "state", "objection")
    area_done(row, now=now)
    return row


@transaction.atomic
def drop(*, service_id: int, version: int, reason: str, now: datetime) -> PurchasedService:
    """Void a record that was entered by mistake (by the provider's side), or refuse one that the recipient objects to (by the county)."""
    acting = scopes.current()
    row = locked(PurchasedService, service_id, version, S.RECORDED, S.DISPUTED, S.CONFIRMED)
    if row.state == S.RECORDED or (row.state == S.DISPUTED and row.entered_by_id == acting.account_id):
        duties.require("purchases.record")
        row.state = S.VOID
    else:
        duties.require("purchases.accept")
        if row.acceptance_id is not None:
            raise ValidationError(_("这条记录已纳入验收；请在验收中登记抽查结果。"))
        row.state = S.REFUSED
    row.reason = reason_of(reason)
    save(row, "state", "reason")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    area_done(row, now=now)
    return row


def area_done(row: PurchasedService, *, now: datetime) -> None:
    """The place's to-do ends when nothing there waits any more."""
    if not PurchasedService.objects.filter(area=row.area, state=S.RECORDED).exists():
        finish_todos(subject=PLACE, subject_id=int(row.area), now=now)


def open_contracts(on: date) -> list[ServiceContract]:
    """Contracts under which services may be recorded in the reader's county; one query."""
    return list(ServiceContract.objects.filter(state=ServiceContract.State.ACTIVE, starts__lte=on).order_by("-id")[:100])
