"""Who is watched for partners (订阅), and what changed since they were told last: by ID number, or by a condition.

A condition's people are compared part by part in the order of their numbers, one statement a part, with what the partner was told of them
(`SpdciMatch`). While a message of a subscription is on its way it is not looked at again: what a partner hears comes in order and once, however
often it is tried, and the queue cannot grow past MOST_QUEUED.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from doudi.api.models import ApiClient
from doudi.api.spdci import asking, callbacks, comparing, records
from doudi.api.spdci.models import SpdciCallback, SpdciPurpose, SpdciSubscription
from doudi.api.spdci.notices import Change, event_of, settle
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.registry.models import Person

logger = logging.getLogger(__name__)
LOOK_EVERY = timedelta(minutes=5)
# Numbers and conditions looked at in one round; events of one message.
NUMBERS, CONDITIONS, PAGE = 500, 20, 50
# Messages that may wait for one partner.
MOST_QUEUED = 1_000


def look(*, now: datetime) -> int:
    """Tell partners what changed of whom they watch; the number of messages. Each subscription is looked at every five minutes, the longest waiting first."""
    with scopes.acting(callbacks.WORKER):
        open_ = _unanswered(SpdciSubscription.objects.filter(ended_at__isnull=True, looked_at__lte=now)).order_by("looked_at", "pk")
        due = [
            row
            for kinds, most in ((Q(token__isnull=False), NUMBERS), (Q(token__isnull=True), CONDITIONS))
            for row in open_.filter(kinds).values_list("pk", "client_id")[:most]
        ]
        clients = {client.pk: client for client in ApiClient.objects.select_related("spdci").filter(pk__in={client for _pk, client in due})}
        waiting = SpdciCallback.objects.filter(client_id__in=clients, state=SpdciCallback.State.QUEUED, subscription__isnull=False)
        queued = dict(waiting.values_list("client_id").annotate(count=Count("pk")))
    told = 0
    for number, client in clients.items():
        mine = [pk for pk, owner in due if owner == number]
        room = MOST_QUEUED - queued.get(number, 0)
        if callbacks.holds(client, timezone.localdate(now)) and client.spdci.callback_url and room > 0:
            with scopes.acting(callbacks.caller_of(client).acting("spdci notify")):
                told += _look_at(client, mine, room, now)
        else:
            with scopes.acting(callbacks.WORKER):
                SpdciSubscription.objects.filter(pk__in=mine).update(looked_at=now + LOOK_EVERY)
    return told


def _unanswered(rows: QuerySet[SpdciSubscription]) -> QuerySet[SpdciSubscription]:
    """Those of which no message is on its way."""
    return rows.exclude(Exists(SpdciCallback.objects.filter(client_id=OuterRef("client_id"), subscription=OuterRef("pk"), state=SpdciCallback.State.QUEUED)))


def _look_at(client: ApiClient, mine: Sequence[int], room: int, now: datetime) -> int:
    """Under the client's own scope: what it may not be told of is as if it were not there."""
    on, told = timezone.localdate(now), 0
    with transaction.atomic():
        found = SpdciSubscription.objects.select_for_update(skip_locked=True, of=("self",)).select_related("purpose")
        rows = list(_unanswered(found.filter(pk__in=mine, ended_at__isnull=True, looked_at__lte=now)).order_by("looked_at", "pk"))
        groups: dict[tuple[int, str], list[SpdciSubscription]] = {}
        for row in (each for each in rows if each.token):
            groups.setdefault((row.purpose_id, row.entity), []).append(row)
        for watched in groups.values():
            told += _numbers(client, watched[: max(0, room - told)], on, now)
        SpdciSubscription.objects.filter(pk__in=[row.pk for row in rows if row.token]).update(looked_at=now + LOOK_EVERY)
        for row in (each for each in rows if not each.token):
            if told < room:
                told += _condition(client, row, on, now)
    return told


# --- by ID number ---------------------------------------------------------------------------------------------------


def _numbers(client: ApiClient, mine: Sequence[SpdciSubscription], on: date, now: datetime) -> int:
    """Subscriptions of one purpose and kind of record, with as many queries as for one."""
    if not mine:
        return 0
    purpose, entity, told = mine[0].purpose, mine[0].entity, 0
    people = {} if purpose.ended_at else {each.token: each for each in records.open_people(purpose, on).filter(token__in=[row.token for row in mine])}
    named = {person.pk: numbers.plain(token) or "" for token, person in people.items()} if entity == "Member" else {}
    found = records.by_person(purpose, list(people.values()), entity=entity, numbers=named, on=on)
    among = records.people_of(purpose, list(people.values()), entity=entity, on=on)
    for row in mine:
        person = people.get(row.token) if row.token else None
        now_told = found.get(person.pk, []) if person else []
        digest = records.digest_of(now_told)
        if (row.digest is None and not now_told) or (row.digest is not None and bytes(row.digest) == digest):
            continue
        change = Change(0, digest.hex() if now_told else "", _members(now_told), among.get(person.pk, []) if person else [])
        told += _tell(client, row, [(change, row.digest is not None, row.members, now_told[0] if now_told else {})], now)
    return told


def _members(found: Sequence[dict[str, Any]]) -> list[str]:
    return [member["@id"] for member in found[0].get("member_list", [])] if found else []


# --- by condition ---------------------------------------------------------------------------------------------------


def _condition(client: ApiClient, row: SpdciSubscription, on: date, now: datetime) -> int:
    """Compare the next part of a condition's people and tell what is new, changed and gone among them."""
    purpose, told = row.purpose, 0
    try:
        people = asking.narrowed(records.open_people(purpose, on), row.kind, row.query, purpose, on)
    except asking.Rejected:
        logger.error("subscription %s: its condition is not understood any more", row.pk)
        people = Person.objects.none()
    last, differing = comparing.differing(row, people, on)
    after = differing[-1][0] if len(differing) == comparing.MOST else last or 0
    subjects = [subject for subject, mark, _known, _members in differing if mark]
    found, among = _told_of(purpose, people, subjects, row.entity, on)
    changes = []
    for subject, mark, known, members in differing:
        if mark and subject not in found:
            continue  # gone since the statement; the next round sees it
        name = {"@id": records.pseudonym(purpose, "household" if row.entity == "Group" else "person", subject)}
        record = found[subject] if mark else {"@type": f"spdci:{row.entity}"} | name
        changes.append((Change(subject, bytes(mark).hex() if mark else "", _members([record]), among.get(subject, [])), known, members or [], record))
    for at in range(0, len(changes), PAGE):
        told += _tell(client, row, changes[at : at + PAGE], now)
    SpdciSubscription.objects.filter(pk=row.pk).update(after=after, looked_at=now + (LOOK_EVERY if told or not after else timedelta(0)))
    return told


def _tell(client: ApiClient, row: SpdciSubscription, changes: Sequence[tuple[Change, bool, list[str], dict[str, Any]]], now: datetime) -> int:
    """One message with an event for each change whose type the partner wants; the others are only noted. 1 where something is told."""
    events, told, noted = [], [], []
    for change, known, members, record in changes:
        event = event_of(row, change, known, members)
        if not event:
            noted.append(change)
            continue
        told.append(change)
        events.append(
            {
                "reference_id": row.code, "timestamp": now.isoformat(), "subscription_code": row.code,
                "data": records.data(row.entity) | {"response_entity": row.entity, "reg_event_type": event, "reg_records": record},
            }
        )  # fmt: skip
    settle(row, noted)
    if not events:
        return 0
    message = {"transaction_id": row.transaction_id, "notify_event": events}
    callbacks.queue(client.spdci, message, action="notify", now=now, subscription=row, changes=[change.kept() for change in told])
    return 1


def _told_of(
    purpose: SpdciPurpose, people: QuerySet[Person], subjects: Sequence[int], entity: str, on: date
) -> tuple[dict[int, dict[str, Any]], dict[int, list[int]]]:
    """Subject -> its record, and -> whom that tells of. As many queries as for one."""
    if not subjects:
        return {}, {}
    if entity != "Group":
        chosen = list(people.filter(pk__in=subjects))
        found = records.records(purpose, chosen, entity=entity, numbers={}, on=on)
        return {person.pk: record for person, record in zip(chosen, found, strict=True)}, {person.pk: [person.pk] for person in chosen}
    inside = records.running(on).filter(household_id__in=subjects)
    asked = list(people.filter(pk__in=inside.values("person_id")))
    homes = dict(inside.filter(person_id__in=[each.pk for each in asked]).values_list("person_id", "household_id"))
    groups = records.by_person(purpose, asked, entity=entity, numbers={}, on=on)
    told = records.people_of(purpose, asked, entity=entity, on=on)
    among: dict[int, set[int]] = {}
    for person, household in homes.items():
        among.setdefault(household, set()).update(told[person])
    return {homes[person]: group[0] for person, group in groups.items()}, {household: sorted(each) for household, each in among.items()}
