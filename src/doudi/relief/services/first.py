"""Relief first in the field (先行救助): case, grant and payout in one go, so that help is in the hand within two minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from doudi.core.services.todos import finish_todos
from doudi.payments.models import Grant, ReservePayout
from doudi.payments.services import reserves
from doudi.relief.models import ReliefCase, ReliefHelp
from doudi.relief.services.base import today_of
from doudi.relief.services.cases import Help, open_case
from doudi.relief.services.deciding import grant_by_township


@dataclass(frozen=True)
class Helped:
    """`payout` is None where nothing was paid: the province helped the same emergency before, and the case waits for a meeting."""

    case: ReliefCase
    payout: ReservePayout | None
    fresh: bool


@transaction.atomic
def help_first(
    *,
    means: str,
    amount: Decimal,
    goods: str = "",
    received_by: str = "",
    relation: str = ReservePayout.Relation.SELF,
    receipts: Sequence[tuple[str, bytes]] = (),
    signature: bytes | None = None,
    now: datetime,
    **given: Any,
) -> Helped:
    """Open a case, grant it within the township's ceiling and pay it out of the reserve; all of it or nothing. The same form twice is once.

    `given` goes to `open_case`. Raises ValidationError by field where one of the three refuses.
    """
    case, fresh = open_case(**given, relief_first=True, now=now)
    if fresh:
        kind = ReliefHelp.Kind.GOODS if means == ReservePayout.Means.GOODS else ReliefHelp.Kind.CASH
        case = grant_by_township(case_id=case.pk, version=None, helps=[Help(kind, amount, Grant.Way.RESERVE, what=goods)], now=now)
    if case.state != ReliefCase.State.GRANTED:
        return Helped(case, None, fresh)
    one = case.helps.exclude(grant=None).order_by("part").first()
    payout = ReservePayout.objects.filter(grant_id=one.grant_id).first() if one else None
    if payout is None and one is not None and fresh:
        payout = pay(
            case=case, help_id=one.pk, means=means, goods=goods, received_by=received_by or case.name, relation=relation, receipts=receipts,
            signature=signature, now=now,
        )  # fmt: skip
    return Helped(case, payout, fresh)


@transaction.atomic
def pay(*, case: ReliefCase, help_id: int, means: str, received_by: str, relation: str, now: datetime, goods: str = "",
        receipts: Sequence[tuple[str, bytes]] = (), signature: bytes | None = None) -> ReservePayout:  # fmt: skip
    """Pay one help of a granted case out of the reserve; the case's to-do is done when nothing is left to pay."""
    one = case.helps.exclude(grant=None).get(pk=help_id)
    payout = reserves.pay_out(
        entitlement_id=one.grant_id or 0, means=means, goods=goods, received_by=received_by, relation=relation, on=today_of(now), now=now,
        receipts=receipts, signature=signature,
    )  # fmt: skip
    left = case.helps.filter(way=Grant.Way.RESERVE, grant__payout__isnull=True).exists()
    if not left:
        finish_todos(subject="relief", subject_id=case.pk, kind="relief.pay", now=now)
    return payout
