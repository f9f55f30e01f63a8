"""The recipient's own word (8.2): a code on their phone opens one record, once; nobody learns from a wrong code whether anybody is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.services.messages import send_message
from doudi.core.services.todos import raise_todo
from doudi.resources.models import PurchasedService
from doudi.resources.services.recording import ALPHABET, LENGTH, SUBJECT, area_done

S = PurchasedService.State
A_ROUND = 100
WRONG_AN_HOUR = 30
ACTS = frozenset({"purchases.answer"})


@dataclass(frozen=True)
class Shown:
    """What the page behind a code shows: the service, never who received it."""

    provider: str
    name: str
    day: date
    quantity: Decimal
    unit: str
    state: str


def _scope(area: str) -> scopes.Scope:
    return scopes.Scope(area=area, duty=WORKER, page="service", acts=ACTS)


def find(code: str) -> tuple[int, str] | None:
    """(record, area) behind a whole code; None where there is none."""
    wanted = code.strip().upper()
    if len(wanted) != LENGTH or set(wanted) - set(ALPHABET):
        return None
    with connection.cursor() as cursor:
        cursor.execute("select service_id, area from doudi.service_of(%s)", [wanted])
        return cursor.fetchone()


def shown(found: tuple[int, str]) -> Shown:
    with scopes.acting(_scope(found[1])):
        row = PurchasedService.objects.select_related("contract", "line").get(pk=found[0])
        return Shown(row.contract.provider, row.line.name, row.day, row.quantity, row.line.unit, row.state)


def answer(found: tuple[int, str], *, right: bool, satisfaction: int | None = None, words: str = "", now: datetime) -> None:
    """The recipient says whether it was so. The first answer stays; the same one again is harmless. Raises ValidationError for one that comes too late."""
    with scopes.acting(_scope(found[1])):
        duties.require("purchases.answer")
        with transaction.atomic():
            row = PurchasedService.objects.select_for_update(of=("self",)).get(pk=found[0])
            if row.state != S.RECORDED:
                if (row.confirmed == PurchasedService.Confirmed.CODE and right) or (row.state == S.DISPUTED and not right):
                    return
                raise ValidationError(_("这条记录已经处理过，不能再更改；有疑问请拨打服务热线。"))
            row.version += 1
            if right:
                row.state, row.confirmed, row.confirmed_at, row.satisfaction = S.CONFIRMED, PurchasedService.Confirmed.CODE, now, satisfaction
            else:
                row.state, row.objection = S.DISPUTED, "".join(sign for sign in words.strip()[:300] if sign >= " ") or "本人说没有接受这次服务"
                raise_todo(
                    kind="purchases.dispute", area=row.area, duty="township_officer", title="购买服务记录有异议，请核实", url=f"/purchases/services/{row.pk}/",
                    subject=SUBJECT, subject_id=row.pk, now=now,
                )  # fmt: skip
            row.save(update_fields=["state", "confirmed", "confirmed_at", "satisfaction", "objection", "version"])
            area_done(row, now=now)
            scopes.check_constraints()


def send_codes(*, now: datetime) -> int:
    """Ask recipients with a phone whether what was recorded is so; a hundred a round of the worker. One message a record, ever."""
    base = (settings.CSRF_TRUSTED_ORIGINS or ["http://127.0.0.1"])[0]
    with scopes.acting(_scope(places.PROVINCE)):
        rows = (
            PurchasedService.objects.filter(asked_at__isnull=True, phone__isnull=False, state=S.RECORDED)
            .select_related("contract")
            .order_by("id")[:A_ROUND]
        )
        for row in rows:
            send_message(
                template="service.confirm", area=row.area, key=f"service:{row.uuid}", person_id=row.person_id, phone=row.phone,
                values={"provider": row.contract.provider, "day": f"{row.day:%Y-%m-%d}", "url": f"{base}/service/{row.code}/"}, now=now,
            )  # fmt: skip
        PurchasedService.objects.filter(pk__in=[row.pk for row in rows]).update(asked_at=now)
        return len(rows)
