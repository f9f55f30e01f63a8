"""What is told to partners by itself (回调): answers of asynchronous calls, and changes of people whom they watch. Signed, tried again, once by id."""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from doudi.api.models import ApiClient
from doudi.api.rights import RIGHTS, Caller
from doudi.api.spdci import envelope, exchange, records
from doudi.api.spdci.models import SpdciCallback, SpdciPartner, SpdciSubscription
from doudi.core import audit, numbers, outgoing, places
from doudi.core import scope as scopes
from doudi.registry.models import Person

logger = logging.getLogger(__name__)
State = SpdciCallback.State
WORKER = scopes.Scope(area=places.PROVINCE, page="worker spdci")
RIGHT = "registry:search"
BATCH, ATTEMPTS = 50, 10
LEASE, LONGEST = timedelta(minutes=10), timedelta(hours=6)
LOOK_EVERY = timedelta(minutes=5)
# Where the standard's receiver hears each action, below the partner's address.
PATHS = {
    "on-search": "/registry/on-search", "on-subscribe": "/registry/on-subscribe", "on-unsubscribe": "/registry/on-unsubscribe",
    "txn-on-status": "/registry/txn/on-status", "notify": "/registry/notify",
}  # fmt: skip


def queue(partner: SpdciPartner, message: dict[str, Any], *, action: str, now: datetime) -> SpdciCallback:
    """Tell a partner something, in the transaction of the work."""
    return SpdciCallback.objects.create(
        area=partner.area, client_id=partner.client_id, message_id=str(uuid4()), action=action, message=json.dumps(message, ensure_ascii=False), next_at=now, made_at=now
    )


def _holds(client: ApiClient, on: date) -> bool:
    return client.revoked_at is None and on < client.expires and RIGHT in client.scopes


def caller_of(client: ApiClient) -> Caller:
    return Caller(
        client.pk, client.area, client.account_id, client.organisation, frozenset(client.scopes) & RIGHTS.keys(), frozenset(client.datasets), client.per_minute
    )


def deliver_due(*, now: datetime) -> int:
    """Send what waits; the number that arrived. Claimed in a short transaction, told outside of any, noted; two workers take different ones."""
    with scopes.acting(WORKER):
        due = list(
            SpdciCallback.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("client", "client__spdci")
            .filter(state=State.QUEUED, next_at__lte=now)
            .order_by("next_at", "pk")[:BATCH]
        )
        SpdciCallback.objects.filter(pk__in=[row.pk for row in due]).update(attempts=F("attempts") + 1, next_at=now + LEASE)
    arrived = 0
    for row in due:
        row.attempts += 1
        error, final = "revoked", True  # a client that ended is told nothing more
        if _holds(row.client, timezone.localdate(now)):
            error, final = _tell(row, now)
        with scopes.acting(WORKER):
            waiting = SpdciCallback.objects.filter(pk=row.pk, state=State.QUEUED)
            if not error:
                arrived += waiting.update(state=State.SENT, sent_at=now, next_at=None, error="", message=None)
            elif final or row.attempts >= ATTEMPTS:
                waiting.update(state=State.FAILED, next_at=None, error=error, message=None)
            else:
                waiting.update(next_at=now + min(timedelta(minutes=2**row.attempts), LONGEST), error=error)
    return arrived


def _tell(row: SpdciCallback, now: datetime) -> tuple[str, bool]:
    """(what went wrong, whether for good); nothing where it arrived."""
    partner = row.client.spdci
    if not partner.callback_url or outgoing.problem_of(partner.callback_url, within=settings.CALLBACKS_WITHIN):
        return "no callback address", True
    message = json.loads(row.message or "{}")
    body = envelope.wrapped(message, action=row.action, receiver=partner.sender_id, now=now, message_id=row.message_id, status="succ", **envelope.counted(message))
    try:
        given = outgoing.call(
            partner.callback_url.rstrip("/") + PATHS[row.action], headers={"Content-Type": "application/json; charset=utf-8"},
            body=json.dumps(body, ensure_ascii=False).encode(), timeout=10, within=settings.CALLBACKS_WITHIN,
        )  # fmt: skip
    except outgoing.Unreachable as error:
        return str(error), False
    if 200 <= given.status < 300:
        return "", False
    return f"http {given.status}", False


# --- watching -------------------------------------------------------------------------------------------------------


def look(*, now: datetime) -> int:
    """Tell partners whose watched people changed; the number told. Each subscription is looked at every five minutes, the longest waiting first."""
    with scopes.acting(WORKER):
        due = list(
            SpdciSubscription.objects.filter(ended_at__isnull=True, looked_at__lte=now)
            .order_by("looked_at", "pk")
            .values_list("pk", "client_id")[: BATCH * 10]
        )
        clients = {client.pk: client for client in ApiClient.objects.select_related("spdci").filter(pk__in={client for _pk, client in due})}
    told = 0
    for number, client in clients.items():
        mine = [pk for pk, owner in due if owner == number]
        if _holds(client, timezone.localdate(now)):
            with scopes.acting(caller_of(client).acting("spdci notify")):
                told += _look_at(client, mine, now)
        else:
            with scopes.acting(WORKER):
                SpdciSubscription.objects.filter(pk__in=mine).update(looked_at=now + LOOK_EVERY)
    return told


def _look_at(client: ApiClient, numbers_of: list[int], now: datetime) -> int:
    """Under the client's own scope: what it may not be told of is as if it were not there."""
    on, told = timezone.localdate(now), 0
    with transaction.atomic():
        rows = list(SpdciSubscription.objects.select_for_update(skip_locked=True, of=("self",)).select_related("purpose").filter(pk__in=numbers_of))
        groups: dict[tuple[int, str], list[SpdciSubscription]] = {}
        for row in rows:
            groups.setdefault((row.purpose_id, row.entity), []).append(row)
        for (_purpose, entity), mine in groups.items():
            purpose = mine[0].purpose
            people = {} if purpose.ended_at else {each.token: each for each in records.open_people(purpose, on).filter(token__in=[row.token for row in mine])}
            named = {person.pk: numbers.plain(token) or "" for token, person in people.items()} if entity == "Member" else {}
            found = records.by_person(purpose, list(people.values()), entity=entity, numbers=named, on=on)
            for row in mine:
                person = people.get(row.token)
                told += _tell_change(client, row, person, found.get(person.pk, []) if person else [], on, now)
        SpdciSubscription.objects.filter(pk__in=[row.pk for row in rows]).update(looked_at=now + LOOK_EVERY)
    return told


def _tell_change(client: ApiClient, row: SpdciSubscription, person: Person | None, found: list[dict[str, Any]], on: date, now: datetime) -> bool:
    digest = records.digest_of(found)
    if (row.digest is None and not found) or (row.digest is not None and bytes(row.digest) == digest):
        return False
    event = "REGISTER" if row.digest is None else "UPDATE" if found else "DELETE"
    if person:
        reason = f"spdci {client.spdci.sender_id} {row.purpose.code}"
        audit.record_opened(subject=exchange.SUBJECT, rows=records.told_people(row.purpose, [person], entity=row.entity, on=on), reason=reason)
    message = {
        "transaction_id": row.transaction_id,
        "notify_event": [
            {
                "reference_id": row.code, "timestamp": now.isoformat(), "subscription_code": row.code,
                "data": records.data(row.entity) | {"reg_event_type": event, "reg_records": found[0] if found else {}},
            }
        ],
    }  # fmt: skip
    queue(client.spdci, message, action="notify", now=now)
    SpdciSubscription.objects.filter(pk=row.pk).update(digest=digest if found else None, told_at=now, told=F("told") + 1)
    return True
