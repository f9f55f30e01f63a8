"""A request that ended is opened again (重新办理), with the reason: what came was not enough, or the need is back (6.3)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core.models import Duty
from doudi.institutions.models import Institution, Request, RequestOffer
from doudi.institutions.models.requests import shown
from doudi.institutions.services.base import needed, refused
from doudi.institutions.services.fulfilling import received_of
from doudi.institutions.services.request_base import S, clock, locked, moved, todo
from doudi.institutions.services.requests import sent_of
from doudi.institutions.services.stock import amount

ENDED = (S.DONE, S.DECLINED, S.WITHDRAWN)
O = RequestOffer.State


def may_reopen(row: Request) -> bool:
    """What was declined is opened again by who assigns; what was fulfilled or withdrawn by the institution too."""
    return row.state in ENDED and (duties.may("requests.assign") or (row.state != S.DECLINED and duties.may("requests.raise")))


@transaction.atomic
def reopen(*, request_id: int, version: int, reason: str, more: Decimal, now: datetime) -> Request:
    """Open an ended request again: it waits to be given out, on a new clock. `more`: how much is wanted beside what was wanted before (0: no more).

    Where all that was wanted has come, `more` must be given. Raises ValidationError by field, and where the house has another open request for the supply.
    """
    row = locked(request_id, version, *ENDED)
    if not may_reopen(row):
        raise PermissionDenied(_("不予办理的事项由交办人员重新办理；您可以另行提出。"))
    needed(reason=reason)
    amount(more, "more")
    if row.item_id is None and more != more.to_integral_value():
        raise ValidationError({"more": _("人数、床位数应为整数。")})
    if row.quantity + more <= (received_of(row) if row.kind == Request.Kind.TRANSFER else sent_of(row)):
        raise ValidationError({"more": _("需要的 %(n)s 已全部收到；请填写还需要多少。") % {"n": row.amount}})
    if row.institution.state == Institution.State.CLOSED:
        raise ValidationError(_("这家机构已撤销，不能再办理。"))
    row.offers.filter(state=O.ACCEPTED).update(state=O.LAPSED)
    row.accept_due, row.due = clock(urgency=row.urgency, area=row.area, now=now)
    row.state, row.quantity, row.held_by, row.escalated_at, row.wanted_by = S.RAISED, row.quantity + more, row.area[:6], None, None
    row.department, row.unit_name, row.accepted_by_id, row.accepted_at = "", "", None, None
    row.closed_by_id, row.closed_at, row.close_reason = None, None, ""
    note = f"{reason.strip()}（+{shown(more)}{row.unit}）" if more else reason
    with refused({"request_one_open_item": ValidationError(_("这种物资已另有未办结的协调事项；数量不够的请在其中调整。"))}):
        moved(
            row, "reopened", note, now, "state", "quantity", "held_by", "escalated_at", "wanted_by", "department", "unit_name", "accepted_by", "accepted_at",
            "accept_due", "due", "closed_by", "closed_at", "close_reason",
        )  # fmt: skip
    todo(row, "request.assign", Duty.COUNTY_REVIEWER, f"协调事项 {row.number} 重新办理，待交办：{row.institution.name}，{row.what}"[:200], now, due=row.accept_due)
    return row
