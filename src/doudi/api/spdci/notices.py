"""Notices of changes (变化通知) on their way: which event a change is, whether it may still be told when it is sent, what is noted when it has arrived."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F

from doudi.api.spdci import records
from doudi.api.spdci.models import SpdciCallback, SpdciMatch, SpdciSubscription
from doudi.core import audit
from doudi.core.models import AccessRecord

# The standard's types for social registries, and the end of what may be told.
REGISTER, UPDATE, DELETE, MEMBER = "REGISTER", "UPDATE", "DELETE", "NewHouseHoldMember"
EVENTS = (DELETE, MEMBER, REGISTER, UPDATE)
AFTER_FAILURE = timedelta(hours=6)


@dataclass(frozen=True)
class Change:
    """A change of one subject (person or household; 0: who has the subscription's number). `mark`: hex of how it is now, empty where it may not be told any more."""

    subject: int
    mark: str
    members: list[str]
    people: list[int]

    def kept(self) -> dict[str, Any]:
        return asdict(self)


def event_of(row: SpdciSubscription, change: Change, known: bool, members: Sequence[str]) -> str:
    """The type of a change, empty where the partner did not ask for it. Who joins a household is told as such, or as an update."""
    wanted = row.events.split(",")
    if not known or not change.mark:
        found = REGISTER if change.mark else DELETE
    else:
        found = MEMBER if MEMBER in wanted and set(change.members) - set(members) else UPDATE
    return found if found in wanted else ""


def allowed(row: SpdciCallback, message: dict[str, Any], on: date, now: datetime) -> tuple[dict[str, Any] | None, list[Change]]:
    """What of a notice may be told now, and its changes; None where nothing may. Under the client's scope.

    Between looking and sending a consent may be withdrawn, somebody move or die, the subscription or its purpose end. Access records first.
    What may not be told any more goes out of the notice for good; the next look tells how it is then.
    """
    changes = [Change(**each) for each in row.changes or []]
    subscription = SpdciSubscription.objects.select_related("purpose").filter(pk=row.subscription_id or 0, ended_at__isnull=True).first()
    if subscription is None or subscription.purpose.ended_at:
        return None, []
    among = {person for change in changes for person in change.people}
    still = dict(records.open_people(subscription.purpose, on).filter(pk__in=among).values_list("pk", "area"))
    kept = [(change, event) for change, event in zip(changes, message["notify_event"], strict=True) if still.keys() >= set(change.people)]
    left, told = message | {"notify_event": [event for _change, event in kept]}, [change for change, _event in kept]
    reason = f"spdci {row.client.spdci.sender_id} {subscription.purpose.code}"
    values: dict[str, Any] = {}
    if len(kept) < len(changes):
        gone = sorted(among - still.keys())
        audit.record_opened(subject=records.SUBJECT, rows=[(person, row.area) for person in gone], reason=f"{reason}: no more", what=AccessRecord.What.REFUSED)
        values |= {"message": json.dumps(left, ensure_ascii=False), "changes": [change.kept() for change in told], "left_out": row.left_out + len(gone)}
    if kept and row.recorded_at is None:
        audit.record_opened(subject=records.SUBJECT, rows=[(person, still[person]) for person in sorted({person for change in told for person in change.people})], reason=reason)
        values["recorded_at"] = now
    if values:
        SpdciCallback.objects.filter(pk=row.pk).update(**values)
    return (left, told) if kept else (None, [])


def arrived(row: SpdciCallback, changes: Sequence[Change], now: datetime) -> None:
    """Note what the partner knows now, and go on with what waits."""
    subscription = SpdciSubscription.objects.get(pk=row.subscription_id or 0)
    settle(subscription, changes)
    going_on = {"looked_at": now} if subscription.token is None else {}
    SpdciSubscription.objects.filter(pk=subscription.pk).update(told_at=now, told=F("told") + len(changes), **going_on)


def failed(row: SpdciCallback, now: datetime) -> None:
    """The partner was not told: it is looked at again, later."""
    SpdciSubscription.objects.filter(pk=row.subscription_id or 0).update(looked_at=now + AFTER_FAILURE)


def settle(row: SpdciSubscription, changes: Sequence[Change]) -> None:
    """Keep how the subjects are as what the partner knows. Two statements."""
    if row.token is not None:
        for change in changes:  # one at most
            SpdciSubscription.objects.filter(pk=row.pk).update(digest=bytes.fromhex(change.mark) or None, members=change.members)
        return
    SpdciMatch.objects.filter(subscription=row, subject__in=[change.subject for change in changes if not change.mark]).delete()
    SpdciMatch.objects.bulk_create(
        [
            SpdciMatch(area=row.area, subscription=row, subject=change.subject, mark=bytes.fromhex(change.mark), members=change.members)
            for change in changes
            if change.mark
        ],
        update_conflicts=True, update_fields=["mark", "members"], unique_fields=["subscription", "subject"],
    )  # fmt: skip

