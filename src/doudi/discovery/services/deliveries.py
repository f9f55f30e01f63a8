"""Deliveries of departments' files (measures 1.1): checked against the contract, kept encrypted, recognised when they come again."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import date, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import DeliveryRefused, read_delivery
from doudi.batch.lake import Entry, Lake, LakeError
from doudi.core import duties, postgres
from doudi.core import scope as scopes
from doudi.core.keys import keyring
from doudi.core.numbers import token_key
from doudi.discovery.models import Delivery


class DeliveryError(ValidationError):
    """The file was not taken; the message says what the department should do."""


def lake() -> Lake:
    """The lake of this deployment; only tasks and commands open it."""
    return Lake(postgres.home() / "lake")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def deliver(*, path: Path, dataset: str, area: str, now: datetime, name: str = "", period: str = "") -> tuple[Delivery, bool]:
    """Take in a department's file. Returns the delivery and whether it is new: the same file of the same area again changes nothing.

    Accepted rows become Parquet in the lake (tokens in place of numbers), rejected rows a sheet (encrypted), the original is kept encrypted
    with its SHA-256. A file that is refused whole is recorded with the reason and raises nothing.
    """
    scope = duties.require("discovery.deliver")
    if dataset not in CONTRACTS:
        raise DeliveryError(_("没有名为“%(code)s”的数据目录；请从目录清单中选择。") % {"code": dataset})
    if not scope.covers(area):
        raise DeliveryError(_("所选地区不在您的辖区内。"))
    digest = _digest(path)
    known = Delivery.objects.filter(area=area, dataset=dataset, sha256=digest).first()
    if known:
        return known, False
    day = timezone.localdate(now)
    delivery = Delivery(area=area, dataset=dataset, period=period or f"{day:%Y-%m}", sha256=digest, received_at=now, name=(name or path.name)[:200])
    delivery.received_by_id = scope.account_id or None
    try:
        entry = _into_lake(path, delivery, day)
    except LakeError:
        raise DeliveryError(_("数据月份“%(period)s”不正确；请按“年-月”填写，如 2022-11。") % {"period": delivery.period}) from None
    except DeliveryRefused as refusal:
        delivery.state, delivery.reason = Delivery.State.REFUSED, str(refusal)[:400]
    else:
        delivery.state, delivery.accepted, delivery.rejected = Delivery.State.ACCEPTED, entry.accepted, entry.rejected
        delivery.lake_path, delivery.original_path, delivery.rejects_path = entry.parquet, entry.original, entry.rejects
    try:
        with transaction.atomic():
            delivery.save(force_insert=True)
    except IntegrityError:
        # the same file came in at the same moment by another hand
        return Delivery.objects.get(area=area, dataset=dataset, sha256=digest), False
    scopes.check_constraints()
    return delivery, True


def _into_lake(path: Path, delivery: Delivery, day: date) -> Entry:
    """The file's entry in the lake. One that a crash left there without its row in the database is taken up again."""
    identifier = f"{delivery.area}-{delivery.sha256[:24]}"
    for entry in lake().entries(delivery.dataset):
        if entry.delivery == identifier and entry.period == delivery.period:
            return entry
    with tempfile.TemporaryDirectory(dir=_made(lake().root), prefix=".incoming-") as work:
        accepted = read_delivery(path, CONTRACTS[delivery.dataset], out=Path(work), key=token_key(), on=day)
        return lake().put(accepted, path, keys=keyring(), period=delivery.period, delivery=identifier)


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
