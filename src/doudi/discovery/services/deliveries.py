"""Deliveries of departments' files (measures 1.1): checked against the contract, kept encrypted, recognised when they come again."""

from __future__ import annotations

import hashlib
import io
import tempfile
from datetime import date, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import DeliveryRefused, read_delivery
from doudi.batch.lake import Lake, LakeError
from doudi.batch.sealed import open_file, seal_file
from doudi.core import audit, duties, postgres
from doudi.core import scope as scopes
from doudi.core.keys import keyring, sealing_digest
from doudi.core.models import Division
from doudi.core.numbers import token_key
from doudi.discovery.models import Delivery
from doudi.discovery.services.expecting import finish_late

REASONS = 20  # kinds of faults kept with a delivery; the sheet has them all


SUBJECTS = "linkage subjects"  # names the key of their fingerprints; never changes, or decided pairs would be asked again


class DeliveryError(ValidationError):
    """The file was not taken; the message says what the department should do."""


def lake() -> Lake:
    """The lake of this deployment; only tasks and commands open it."""
    return Lake(postgres.home() / "lake")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def deliver(*, path: Path, dataset: str, area: str, now: datetime, name: str = "", period: str = "") -> tuple[Delivery, bool]:
    """Take in a department's file. Returns the delivery and whether it is new: the same file of the same area again changes nothing. One that was refused
    is checked anew by the contract as it is now.

    Accepted rows become Parquet in the lake (tokens in place of numbers), rejected rows a sheet (encrypted), the original is kept encrypted
    with its SHA-256. A file that is refused whole is recorded with the reason and raises nothing.
    """
    scope = duties.require("discovery.deliver")
    day = timezone.localdate(now)
    period = check_delivery(dataset=dataset, area=area, period=period, on=day)
    digest = _digest(path)
    before = Delivery.objects.filter(area=area, dataset=dataset, sha256=digest)
    if known := before.filter(state=Delivery.State.ACCEPTED).first():
        return known, False
    delivery = Delivery(area=area, dataset=dataset, period=period, sha256=digest, received_at=now, name=(name or path.name)[:200])
    delivery.received_by_id = scope.account_id or None
    try:
        _into_lake(path, delivery, day)
    except DeliveryRefused as refusal:
        delivery.state, delivery.reason = Delivery.State.REFUSED, str(refusal)[:400]
        delivery.reasons = [_counted(words) for words in refusal.reasons[:REASONS]]
        if known := before.filter(reason=delivery.reason).first():
            return known, False
    try:
        with transaction.atomic():
            delivery.save(force_insert=True)
    except IntegrityError:
        # the same file came in at the same moment by another hand
        return before.get(state=delivery.state, **({"reason": delivery.reason} if delivery.reason else {})), False
    if delivery.state == Delivery.State.ACCEPTED:
        finish_late(area=area, dataset=dataset, now=now)
    scopes.check_constraints()
    return delivery, True


def check_delivery(*, dataset: str, area: str, period: str, on: date) -> str:
    """What can be said of a delivery before its file is read: its month, where none was given that of `on`. Raises DeliveryError."""
    if dataset not in CONTRACTS:
        raise DeliveryError(_("没有名为“%(code)s”的数据目录；请从目录清单中选择。"), params={"code": dataset})
    if not scopes.current().covers(area) or not Division.objects.filter(pk=area).exists():
        raise DeliveryError(_("所选地区不在您的辖区内。"))
    period = period or f"{on:%Y-%m}"
    try:
        lake().folder(dataset, period)
    except LakeError:
        raise DeliveryError(_("数据月份“%(period)s”不正确；请按“年-月”填写，如 2022-11。"), params={"period": period}) from None
    return period


def known_delivery(*, path: Path, dataset: str, area: str) -> Delivery | None:
    """The delivery that took in this very file before."""
    return Delivery.objects.filter(area=area, dataset=dataset, sha256=_digest(path), state=Delivery.State.ACCEPTED).first()


def open_rejects(delivery: Delivery, *, reason: str) -> bytes | None:
    """The sheet of a delivery's rejected rows, with numbers in full: the access record is written first. None where there is none."""
    path = lake().root / delivery.rejects_path
    if not delivery.rejects_path or not path.exists():
        return None
    audit.record_access(what="export", subject="delivery", subject_id=delivery.pk, area=delivery.area, field="rejects", reason=reason)
    open_file(keyring(), path, plain := io.BytesIO())
    return plain.getvalue()


def _into_lake(path: Path, delivery: Delivery, day: date) -> None:
    """Put the file into the lake. An entry that a crash left there without its row in the database is taken up again.

    Raises DeliveryRefused; the sheet of bad rows of a file that is refused whole is kept all the same, encrypted.
    """
    identifier = f"{delivery.area}-{delivery.sha256[:24]}"
    entry = next((each for each in lake().entries(delivery.dataset) if (each.delivery, each.period) == (identifier, delivery.period)), None)
    if entry is None:
        with tempfile.TemporaryDirectory(dir=_made(lake().root), prefix=".incoming-") as work:
            try:
                accepted = read_delivery(path, CONTRACTS[delivery.dataset], out=Path(work), key=token_key(), on=day, linking=sealing_digest(SUBJECTS))
            except DeliveryRefused as refusal:
                if refusal.rejects is not None and refusal.rejects.exists():
                    sheet = _made(lake().folder(delivery.dataset, delivery.period)) / f"{identifier}.refused.sealed"
                    seal_file(keyring(), refusal.rejects, sheet)
                    delivery.rejects_path = str(sheet.relative_to(lake().root))
                raise
            delivery.reasons = [list(each) for each in accepted.reasons[:REASONS]]
            came = delivery.received_at.isoformat()
            entry = lake().put(accepted, path, keys=keyring(), period=delivery.period, delivery=identifier, came=came)
    delivery.state, delivery.accepted, delivery.rejected = Delivery.State.ACCEPTED, entry.accepted, entry.rejected
    delivery.kept = entry.kept
    delivery.lake_path, delivery.original_path, delivery.rejects_path = entry.parquet, entry.original, entry.rejects


def _counted(words: str) -> list[str | int]:
    """“字段”原因：3 处 -> ["“字段”原因", 3]"""
    reason, _colon, count = words.rpartition("：")
    digits = count.removesuffix(" 处")
    return [reason, int(digits)] if digits.isdigit() else [words, 0]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def latest(*, area: str, until: date) -> list[Delivery]:
    """Accepted deliveries of an area up to a day, in the order in which they came."""
    return list(
        Delivery.objects.filter(area__gte=area, area__lt=area + ":", state=Delivery.State.ACCEPTED, received_at__date__lte=until).order_by(
            "dataset", "id"
        )
    )
