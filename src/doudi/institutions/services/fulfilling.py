"""A request fulfilled in parts: sent by the department, confirmed by the institution, booked into its stock once (6.3)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_for_each, raise_todos
from doudi.institutions.models import Request, RequestDelivery
from doudi.institutions.models.requests import shown
from doudi.institutions.services.base import clerk_postings, needed, refused, today_of
from doudi.institutions.services.request_base import SUBJECT, S, locked, moved, todo, url_of
from doudi.institutions.services.requests import close_done, require_worker
from doudi.institutions.services.stock import amount, move_stock

D = RequestDelivery.State
SOURCE = "request_delivery"


def _over(field: str) -> ValidationError:
    return ValidationError({field: _("加上已发出的，超过了需要的数量；确需多给的，请在说明中写明原因。")})


@transaction.atomic
def send(*, request_id: int, version: int, key: UUID, quantity: Decimal, now: datetime, carrier: str = "", note: str = "") -> RequestDelivery:
    """Send a part of what is wanted (发出): supplies, testers, places, carers. The same form (`key`) again gives back the first.

    All parts together never exceed what is wanted unless `note` says why. Raises ValidationError by field.
    """
    acting = duties.require("requests.handle")
    before = RequestDelivery.objects.filter(key=key, request_id=request_id).first()
    if before is not None:
        return before
    row = locked(request_id, version, S.WORKING)
    require_worker(row)
    if row.kind == Request.Kind.TRANSFER:
        raise ValidationError(_("应急转移安置请在“转移安置”中办理：列名单、定车辆和接收机构，两端逐人确认。"))
    if not amount(quantity) or (row.item_id is None and quantity != quantity.to_integral_value()):
        raise ValidationError({"quantity": _("数量应大于 0；人数、床位数应为整数。")})
    try:
        with refused({"request_over_wanted": _over("quantity")}):
            made = RequestDelivery.objects.create(
                request=row, area=row.area, key=key, quantity=quantity, carrier=carrier.strip()[:120], note=note.strip()[:200],
                sent_by_id=acting.account_id or None, sent_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError(_("这张表单已用于另一件协调事项；请重新打开页面。")) from None
    kind, title, clerks = f"request.receive.{made.pk}", f"确认收到：协调事项 {row.number}，{row.what}"[:200], clerk_postings(row.institution_id, row.area, today_of(now))
    if clerks:
        raise_for_each(
            postings=clerks, kind=kind, area=row.area, duty=Duty.INSTITUTION_CLERK, title=title, url=url_of(row), subject=SUBJECT, subject_id=row.pk,
            due=today_of(now), now=now,
        )  # fmt: skip
    else:
        todo(row, kind, Duty.COUNTY_REVIEWER, title, now, due=now)
    moved(row, "sent", f"{shown(quantity)}{row.unit} {carrier} {note}", now)
    return made


def _delivery(row: Request, delivery_id: int) -> RequestDelivery:
    found = row.deliveries.filter(pk=delivery_id).first()
    if found is None or found.state != D.SENT:
        raise ValidationError(_("这一批已确认过，或不属于这件协调事项；请刷新页面。"), code="stale")
    return found


@transaction.atomic
def receive(*, request_id: int, version: int, delivery_id: int, received: Decimal, now: datetime, note: str = "") -> RequestDelivery:
    """The institution confirms what really came (确认收到), never by who sent it. Supplies enter its stock as one movement.

    What came differs from what was sent only with a note. When all that is wanted has come and nothing is on its way any more, the request is done.
    """
    acting = duties.require("requests.receive")
    row = locked(request_id, version, S.WORKING, S.RAISED, S.ASSIGNED)
    found = _delivery(row, delivery_id)
    duties.require_apart("requests.receive", done={"requests.handle": found.sent_by_id})
    if not amount(received, "received") and not note.strip():
        raise ValidationError({"note": _("一件也没有收到的，请写明原因。")})
    if row.item_id is None and received != received.to_integral_value():
        raise ValidationError({"received": _("人数、床位数应为整数。")})
    if received != found.quantity and not note.strip():
        raise ValidationError({"note": _("实收与发出的数量不同，请写明原因。")})
    if row.item is not None and received:
        found.movement = move_stock(
            institution_id=row.institution_id, item=row.item.code, kind="received", quantity=received, key=found.key, on=today_of(now), note=f"协调事项 {row.number}",
            source=SOURCE, source_id=found.pk, now=now,
        )  # fmt: skip
    found.state, found.received, found.received_by_id, found.received_at, found.received_note = D.RECEIVED, received, acting.account_id or None, now, note.strip()[:200]
    with refused({"request_over_wanted": _over("note")}):
        found.save(update_fields=["state", "received", "received_by", "received_at", "received_note", "movement"])
    finish_todos(subject="institution_request", subject_id=row.pk, now=now, kind=f"request.receive.{found.pk}")
    moved(row, "received", f"{shown(received)}{row.unit} {note}", now)
    _done_when_all_came(row, now)
    return found


def _done_when_all_came(row: Request, now: datetime) -> None:
    """A part that is on its way is still to be confirmed; that of a closed request could not be."""
    if row.state == S.WORKING and received_of(row) >= row.quantity and not row.deliveries.filter(state=D.SENT).exists():
        close_done(row, "已全部收到", now)


@transaction.atomic
def not_delivered(*, request_id: int, version: int, delivery_id: int, reason: str, now: datetime) -> RequestDelivery:
    """What was sent did not come (未送达), with the reason: by who sent it or by the institution. It is wanted still."""
    if not (duties.may("requests.receive") or duties.may("requests.handle")):
        duties.require("requests.receive")
    row = locked(request_id, version, *Request.OPEN)
    found = _delivery(row, delivery_id)
    if not duties.may("requests.receive"):
        require_worker(row)
    needed(reason=reason)
    found.state, found.received_note = D.CANCELLED, reason.strip()[:200]
    found.save(update_fields=["state", "received_note"])
    finish_todos(subject="institution_request", subject_id=row.pk, now=now, kind=f"request.receive.{found.pk}")
    moved(row, "not_delivered", f"{shown(found.quantity)}{row.unit} {reason}", now)
    _done_when_all_came(row, now)
    return found


# A part on its way is waited for by who is named for the house after it was sent too; raised by the worker, each once.
NAMED_LATER = """
select r.area, 'institution_clerk', k.kind, left('确认收到：协调事项 ' || r.number || '，' || r.what, 200), '/institutions/requests/' || r.id || '/', 'institution_request', r.id,
  (d.sent_at at time zone 'Asia/Shanghai')::date, p.id
from institutions_request r join institutions_requestdelivery d on d.request_id = r.id and d.state = 'sent'
join institutions_institutionclerk c on c.institution_id = r.institution_id and c.ended_at is null
join core_posting p on p.account_id = c.account_id and p.duty = 'institution_clerk' and starts_with(r.area, p.area) and p.starts <= %s and (p.ends is null or p.ends > %s)
cross join lateral (select 'request.receive.' || d.id || '#' || p.id as kind) k
where r.state = any(%s)
  and not exists (select from core_todo o where o.subject = 'institution_request' and o.subject_id = r.id and o.kind = k.kind
    and o.duty = 'institution_clerk' and o.done_at is null)
"""


def tell_named_later(*, now: datetime) -> int:
    """Tell clerks of parts that were sent before they were named; one round of the worker, safe to repeat. Returns the to-dos raised."""
    return raise_todos(NAMED_LATER, [today_of(now), today_of(now), list(Request.OPEN)], for_postings=True, now=now)


def received_of(row: Request) -> Decimal:
    """What has come: parts confirmed, or people who arrived by the transfers of the request."""
    if row.kind == Request.Kind.TRANSFER:
        return Decimal(row.transfers.filter(people__state="arrived").count())
    return row.deliveries.filter(state=D.RECEIVED).aggregate(n=Sum("received"))["n"] or Decimal(0)


@transaction.atomic
def finish(*, request_id: int, version: int, reason: str, now: datetime) -> Request:
    """End a request that is fulfilled (办结); where less came than was wanted, the reason says why that is enough."""
    duties.require("requests.handle")
    row = locked(request_id, version, S.WORKING)
    require_worker(row)
    if row.deliveries.filter(state=D.SENT).exists() or row.transfers.filter(state__in=["planned", "agreed", "moving"]).exists():
        raise ValidationError(_("还有在途、两端没有确认的；请确认后再办结。"))
    if received_of(row) < row.quantity and len(reason.strip()) < 2:
        raise ValidationError({"reason": _("收到的少于需要的，请写明为什么可以办结。")})
    scopes.check_constraints()
    return close_done(row, reason.strip() or "已全部收到", now)
