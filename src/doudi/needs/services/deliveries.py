"""Medicine deliveries (药品配送): prepared, bought, handed over; the money to the fen, the papers as pictures (7.5)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Attachment
from doudi.core.services import attachments
from doudi.needs.models import MedicineDelivery, Need, NeedAnswer
from doudi.needs.services.answering import _own_or_manage, finish
from doudi.needs.services.base import A, locked_answer, note_event

PRESCRIPTION, HANDOVER = "delivery_prescription", "delivery_handover"
MOST_MEDICINES, MOST_MONEY = 30, Decimal("99999.99")
D = MedicineDelivery.State


@dataclass(frozen=True)
class Medicine:
    name: str
    quantity: str = ""
    use: str = ""


def medicines_of(row: MedicineDelivery) -> list[Medicine]:
    return [Medicine(*each) for each in json.loads(row.medicines)]


def _list(medicines: Iterable[Medicine]) -> str:
    found = [Medicine(*(part.strip()[:80] for part in (each.name, each.quantity, each.use))) for each in medicines if each.name.strip()]
    if not 1 <= len(found) <= MOST_MEDICINES:
        raise ValidationError({"medicines": _("请填写药品清单，每行一种，1 至 %(most)d 种。") % {"most": MOST_MEDICINES}})
    return json.dumps([[each.name, each.quantity, each.use] for each in found], ensure_ascii=False)


def _locked(delivery_id: int, version: int, *states: str) -> tuple[Need, NeedAnswer, MedicineDelivery]:
    answer_id = MedicineDelivery.objects.filter(pk=delivery_id).values_list("answer_id", flat=True).first()
    if answer_id is None:
        raise ValidationError(_("没有这次药品配送，或它不由您办理。"))
    need, answer = locked_answer(answer_id, None, A.ACCEPTED)
    row = MedicineDelivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    if row.version != version or row.state not in states:
        raise ValidationError(_("这次药品配送刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    _own_or_manage(answer)
    return need, answer, row


def _moved(need: Need, row: MedicineDelivery, what: str, note: str, now: datetime, *fields: str) -> None:
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    note_event(need, what, note, now)
    scopes.check_constraints()


@transaction.atomic
def prepare(
    *, answer_id: int, source: str, source_name: str, medicines: Iterable[Medicine], prescription: bool, now: datetime
) -> MedicineDelivery:
    """What is to be brought, and from where. Once for an accepted answer; again changes the list until the medicines are bought."""
    acting = duties.require("needs.answer")
    need, answer = locked_answer(answer_id, None, A.ACCEPTED)
    _own_or_manage(answer)
    if not need.delivery:
        raise ValidationError(_("这项需求不是药品配送。"))
    if source not in MedicineDelivery.Source.values:
        raise ValidationError({"source": _("请重新选择。")})
    if len(source_name.strip()) < 2:
        raise ValidationError({"source_name": _("请写明药店、医院或卫生室的名称。")})
    listed = _list(medicines)
    row = MedicineDelivery.objects.select_for_update(of=("self",)).filter(answer=answer).first()
    if row is None:
        try:
            with transaction.atomic():
                row = MedicineDelivery.objects.create(
                    answer=answer, area=need.area, source=source, source_name=source_name.strip()[:80], medicines=listed, prescription=prescription,
                    made_by_id=acting.account_id or None, made_at=now,
                )  # fmt: skip
        except IntegrityError:
            raise ValidationError(_("这次药品配送刚由他人登记；请刷新页面。")) from None
        note_event(need, "备药", "", now)
        scopes.check_constraints()
        return row
    if row.state != D.PREPARING:
        raise ValidationError(_("药已取，清单不能再改。"))
    row.source, row.source_name, row.medicines, row.prescription = source, source_name.strip()[:80], listed, prescription
    _moved(need, row, "修改药品清单", "", now, "source", "source_name", "medicines", "prescription")
    return row


@transaction.atomic
def add_picture(*, delivery_id: int, subject: str, name: str, content: bytes, now: datetime) -> Attachment:
    """A photo of the prescription or of the hand-over. Raises ValidationError for what is no picture."""
    duties.require("needs.answer")
    row = MedicineDelivery.objects.filter(pk=delivery_id).first()
    if row is None or subject not in (PRESCRIPTION, HANDOVER):
        raise ValidationError(_("没有这次药品配送，或它不由您办理。"))
    return attachments.attach(subject=subject, subject_id=row.pk, area=row.area, name=name, content=content, now=now, pictures_only=True)


def _money(field: str, value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value <= MOST_MONEY or value != value.quantize(Decimal("0.01")):
        raise ValidationError({field: _("金额应为 0 至 99,999.99 元，精确到分。")})
    return value.quantize(Decimal("0.01"))


@transaction.atomic
def bought(*, delivery_id: int, version: int, received: Decimal, paid: Decimal, now: datetime) -> MedicineDelivery:
    """The medicines are there: what the recipient gave and what the pharmacy took. What is over goes back at the hand-over; what is short was laid out."""
    duties.require("needs.answer")
    need, _answer, row = _locked(delivery_id, version, D.PREPARING)
    if row.prescription and not attachments.attachments_of(subject=PRESCRIPTION, subject_id=row.pk).exists():
        raise ValidationError(_("清单中有处方药，请先上传处方照片。"))
    row.received, row.paid = _money("received", received), _money("paid", paid)
    row.returned, row.advanced = max(row.received - row.paid, Decimal(0)), max(row.paid - row.received, Decimal(0))
    row.state, row.bought_at = D.BOUGHT, now
    _moved(need, row, "取药", "", now, "received", "paid", "returned", "advanced", "state", "bought_at")
    return row


@transaction.atomic
def hand_over(
    *, delivery_id: int, version: int, proof: str, taker: str, returned: Decimal, now: datetime, witness: str = "", picture: tuple[str, bytes] | None = None
) -> MedicineDelivery:
    """Handed to `taker`, who signed (`signature`), was photographed with it (`photo`) or was seen by a `witness`; the change in money given back.

    `returned` must be what is over, to the fen. The answer is done with it; so is the need with its last one.
    """
    acting = duties.require("needs.answer")
    need, answer, row = _locked(delivery_id, version, D.BOUGHT)
    proofs = NeedAnswer.Confirmed
    problems: dict[str, str] = {}
    if proof not in (proofs.SIGNATURE, proofs.PHOTO, proofs.WITNESS):
        problems["proof"] = _("请选择签收方式。")
    if len(taker.strip()) < 2:
        problems["taker"] = _("请填写签收人姓名。")
    if proof == proofs.WITNESS and (len(witness.strip()) < 2 or witness.strip() == taker.strip()):
        problems["witness"] = _("请填写见证人姓名；见证人不能是签收人。")
    if _money("returned", returned) != row.returned:
        problems["returned"] = _("应退 %(right)s 元（收 %(received)s 元，付 %(paid)s 元）；请核对后填写。") % {
            "right": row.returned, "received": row.received, "paid": row.paid,
        }  # fmt: skip
    if problems:
        raise ValidationError(problems)
    if picture is not None:
        try:
            add_picture(delivery_id=row.pk, subject=HANDOVER, name=picture[0], content=picture[1], now=now)
        except ValidationError as error:
            raise ValidationError({"picture": error.messages}) from None
    if proof in (proofs.SIGNATURE, proofs.PHOTO) and not attachments.attachments_of(subject=HANDOVER, subject_id=row.pk).exists():
        raise ValidationError({"picture": _("请拍摄签收单或送达照片；没有照片的，请填写见证人。")})
    row.state, row.handed_at, row.handed_by_id = D.HANDED, now, acting.account_id or None
    row.proof, row.taker, row.witness = proof, taker.strip()[:60], witness.strip()[:60]
    _moved(need, row, "送达", "", now, "state", "handed_at", "handed_by", "proof", "taker", "witness")
    answer.reported_at, answer.reported_by_id = now, acting.account_id or None
    answer.save(update_fields=["reported_at", "reported_by"])
    finish(need, answer, proof, now)
    return row
