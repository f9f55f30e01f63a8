"""What is told to partners by itself (回调): answers of asynchronous calls, and changes of whom they watch (`watching`). Signed, tried again, once by id.

Whoever is named in it is looked at again at every try: `answers` and `notices` say who may be told of then.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from doudi.api.models import ApiClient
from doudi.api.rights import RIGHTS, Caller
from doudi.api.spdci import answers, envelope, notices
from doudi.api.spdci.models import SpdciCallback, SpdciPartner, SpdciSubscription
from doudi.core import outgoing, places
from doudi.core import scope as scopes

State = SpdciCallback.State
WORKER = scopes.Scope(area=places.PROVINCE, page="worker spdci")
RIGHT = "registry:search"
BATCH, ATTEMPTS = 50, 10
LEASE, LONGEST = timedelta(minutes=10), timedelta(hours=6)
# Seconds of a round that one partner's server may take; what is left for it waits a minute, so that a slow one does not hold up the others.
MOST_SECONDS, PAUSE = 20.0, timedelta(minutes=1)
# Nothing of it may be told any more when it is to be sent.
CLOSED = "not open"
# Where the standard's receiver hears each action, below the partner's address.
PATHS = {
    "on-search": "/registry/on-search", "on-subscribe": "/registry/on-subscribe", "on-unsubscribe": "/registry/on-unsubscribe",
    "txn-on-status": "/registry/txn/on-status", "notify": "/registry/notify",
}  # fmt: skip


def queue(
    partner: SpdciPartner, message: dict[str, Any], *, action: str, now: datetime,
    subscription: SpdciSubscription | None = None, changes: list[dict[str, Any]] | None = None,
) -> SpdciCallback:  # fmt: skip
    """Tell a partner something, in the transaction of the work; `changes`: of whom a notice or an answer tells."""
    return SpdciCallback.objects.create(
        area=partner.area, client_id=partner.client_id, message_id=str(uuid4()), action=action, message=json.dumps(message, ensure_ascii=False),
        subscription=subscription, changes=changes, next_at=now, made_at=now,
    )  # fmt: skip


def holds(client: ApiClient, on: date) -> bool:
    return client.revoked_at is None and on < client.expires and RIGHT in client.scopes


def caller_of(client: ApiClient) -> Caller:
    return Caller(
        client.pk, client.area, client.account_id, client.organisation, frozenset(client.scopes) & RIGHTS.keys(), frozenset(client.datasets), client.per_minute
    )


def deliver_due(*, now: datetime) -> int:
    """Send what waits; the number that arrived. Claimed in a short transaction, told outside of any, noted; two workers take different ones."""
    with scopes.acting(WORKER):
        due = list(
            SpdciCallback.objects.select_for_update(skip_locked=True)
            .filter(state=State.QUEUED, next_at__lte=now)
            .order_by("next_at", "pk")[:BATCH]
        )
        SpdciCallback.objects.filter(pk__in=[row.pk for row in due]).update(attempts=F("attempts") + 1, next_at=now + LEASE)
    arrived = 0
    spent: dict[int, float] = defaultdict(float)
    for row in due:
        began = monotonic()
        if spent[row.client_id] > MOST_SECONDS:
            _put_off(row, now)
            continue
        row.attempts += 1
        with scopes.acting(WORKER):  # a client may have ended since the round began
            row.client = ApiClient.objects.select_related("spdci").get(pk=row.client_id)
        error, final = "revoked", True  # a client that ended is told nothing more
        changes: list[notices.Change] = []
        if holds(row.client, timezone.localdate(now)):
            error, final, changes = _tell(row, now)
        with scopes.acting(WORKER):
            waiting = SpdciCallback.objects.filter(pk=row.pk, state=State.QUEUED)
            if not error:
                done = waiting.update(state=State.SENT, sent_at=now, next_at=None, error="", message=None, changes=None)
                arrived += done
                if done and row.subscription_id:
                    notices.arrived(row, changes, now)
            elif final or row.attempts >= ATTEMPTS:
                waiting.update(state=State.FAILED, next_at=None, error=error, message=None, changes=None)
                if row.subscription_id and error != CLOSED:
                    notices.failed(row, now)
            else:
                waiting.update(next_at=now + min(timedelta(minutes=2**row.attempts), LONGEST), error=error)
        spent[row.client_id] += monotonic() - began
    return arrived


def _put_off(row: SpdciCallback, now: datetime) -> None:
    """Give a message that was not tried back, and let whatever else is due for its partner wait as long."""
    with scopes.acting(WORKER):
        mine = SpdciCallback.objects.filter(client_id=row.client_id, state=State.QUEUED)
        mine.filter(pk=row.pk).update(attempts=row.attempts, next_at=now + PAUSE)
        mine.filter(next_at__lte=now).update(next_at=now + PAUSE)


def _tell(row: SpdciCallback, now: datetime) -> tuple[str, bool, list[notices.Change]]:
    """(what went wrong, whether for good, which changes were told); nothing wrong where it arrived."""
    partner = row.client.spdci
    if not partner.callback_url or outgoing.problem_of(partner.callback_url, within=settings.CALLBACKS_WITHIN):
        return "no callback address", True, []
    message = json.loads(row.message or "{}")
    changes: list[notices.Change] = []
    left: dict[str, Any] | None = message
    with scopes.acting(caller_of(row.client).acting(f"spdci {row.action}")):
        if row.action == "notify":
            left, changes = notices.allowed(row, message, timezone.localdate(now), now)
        elif row.action == "on-search":
            left = answers.allowed(row, message, timezone.localdate(now), now)
    if left is None:
        return CLOSED, True, []
    message = left
    body = envelope.wrapped(message, action=row.action, receiver=partner.sender_id, now=now, message_id=row.message_id, status="succ", **envelope.counted(message))
    try:
        given = outgoing.call(
            partner.callback_url.rstrip("/") + PATHS[row.action], headers={"Content-Type": "application/json; charset=utf-8"},
            body=json.dumps(body, ensure_ascii=False).encode(), timeout=10, within=settings.CALLBACKS_WITHIN,
        )  # fmt: skip
    except outgoing.Unreachable as error:
        return str(error), False, []
    if not 200 <= given.status < 300:
        return f"http {given.status}", False, []
    return ("not acknowledged", False, []) if _err(given.body) else ("", False, changes)


def _err(body: bytes) -> bool:
    """Whether a partner's answer says, in the standard's words, that the message could not be taken."""
    try:
        return bool(json.loads(body)["message"]["ack_status"] == "ERR")
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
