"""Messages on their way (消息发送): claimed in a short transaction, told to the channel outside of any, noted; and what became of them.

    queued --claimed--> sent --report--> delivered
                  \\---> failed (for good, or after ATTEMPTS)      sent --report--> failed

Killed between telling and noting, a message is told again after LEASE under the same id, marked uncertain. Reports come by a call of the channel or by
asking; the same one twice is one, and what is delivered stays delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from doudi.core import channels, duties, numbers, places
from doudi.core import scope as scopes
from doudi.core.channels import Parcel, Report, Sent
from doudi.core.messaging import NOTICE, templates, text_of
from doudi.core.models import Message, MessageOptOut

logger = logging.getLogger(__name__)
State = Message.State
BATCH = 100
ATTEMPTS = 6
LONGEST = timedelta(hours=6)
LEASE = timedelta(minutes=10)  # longer than a batch takes at its slowest
ASK_AFTER, ASK_UNTIL = timedelta(minutes=2), timedelta(days=3)
ROUNDS = 99
WORKER = scopes.Scope(area=places.PROVINCE, page="worker messages")


def send_due(*, now: datetime) -> int:
    """Send what is due; the number sent. Two workers at once send different ones."""
    sent = 0
    while True:
        taken, found = _claim(now)
        sent += _tell(taken, now)
        if found < BATCH:
            return sent


def _claim(now: datetime) -> tuple[list[tuple[Message, Parcel]], int]:
    """What is to be sent now, noted as begun; and how many were due."""
    taken: list[tuple[Message, Parcel]] = []
    with scopes.acting(WORKER):
        due = list(
            Message.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(state=State.QUEUED, next_at__lte=now)
            .order_by("next_at", "id")[:BATCH]
        )
        unwanted = _unwanted(due)
        for message in due:
            if message.until and message.until <= now:
                _note(message, state=State.FAILED, error="too_late", next_at=None)
            elif message.attempts > ATTEMPTS:  # workers were killed over it again and again
                _note(message, state=State.FAILED, error="killed", next_at=None, claimed=False)
            elif message.pk in unwanted:
                _note(message, state=State.REFUSED, error="opted_out", next_at=None)
            else:
                try:
                    taken.append((message, _parcel(message, now)))
                except Exception as error:  # the others still go out
                    message.attempts += 1
                    _failed(message, error, now)
        Message.objects.filter(pk__in=[message.pk for message, _parcel in taken]).update(claimed=True, attempts=F("attempts") + 1, next_at=now + LEASE)
    return taken, len(due)


def _unwanted(due: Sequence[Message]) -> set[int]:
    """Of messages to people those to somebody who wants none; one query."""
    people = [message for message in due if message.account_id is None and not _always(message)]
    if not people:
        return set()
    phones, persons = {message.phone for message in people}, {message.person_id for message in people if message.person_id}
    rows = MessageOptOut.objects.filter(Q(phone__in=phones) | Q(person_id__in=persons), ended_at__isnull=True).values_list("phone", "person_id")
    named = {each for row in rows for each in row if each is not None}
    return {message.pk for message in people if message.phone in named or message.person_id in named}


def _always(message: Message) -> bool:
    """Whether it goes to who wants no messages too; one whose template the code no longer knows does not."""
    try:
        return templates.get(message.template).always
    except KeyError:
        return False


def _parcel(message: Message, now: datetime) -> Parcel:
    form = templates.get(message.template)
    account = message.account
    kind, to = ("account", account.username) if account else ("phone", numbers.plain(message.phone) or "")
    return Parcel(
        id=f"{message.pk:010d}{message.round:02d}", kind=kind, to=to, language=message.language,
        text=NOTICE[message.language] if form.sensitive else text_of(message), made_at=timezone.localtime(message.made_at),
        address=account.mail if account else "", number=message.gateway_number, uncertain=message.attempts > 0 or message.claimed, told_at=now,
    )  # fmt: skip


def _tell(taken: Sequence[tuple[Message, Parcel]], now: datetime) -> int:
    """Tell the channels, several at once where a channel bears it; each outcome is noted as it comes."""
    sent = 0
    for name in sorted({message.channel for message, _parcel in taken}):
        mine = [each for each in taken if each[0].channel == name]
        try:
            channel: Any = channels.channel(name)
        except channels.Never as error:
            for message, _parcel in mine:
                _outcome(message, error, now)
            continue

        def tell(each: tuple[Message, Parcel], channel: Any = channel) -> Sent | Exception | None:
            try:
                found: Sent | None = channel.send(each[1])
                return found
            except Exception as error:
                return error

        asks = bool(getattr(channel, "polls", False))
        if (at_once := min(len(mine), getattr(channel, "at_once", 1))) > 1:
            with ThreadPoolExecutor(at_once) as pool:
                for (message, _parcel), found in zip(mine, pool.map(tell, mine), strict=True):
                    sent += _outcome(message, found, now, asks=asks)
        else:
            for each in mine:
                sent += _outcome(each[0], tell(each), now, asks=asks)
    return sent


def _outcome(message: Message, found: Sent | Exception | None, now: datetime, *, asks: bool = False) -> bool:
    """Note what came of one attempt. A report may have been quicker."""
    with scopes.acting(WORKER):
        if isinstance(found, Exception):
            message.attempts += 1
            _failed(message, found, now)
            return False
        given = found or Sent()
        _note(
            message, state=State.SENT, error="", sent_at=now, next_at=now + ASK_AFTER if asks else None, gateway_number=given.number[:80], parts=given.parts,
            claimed=False,
        )  # fmt: skip
        return True


def _failed(message: Message, error: Exception, now: datetime) -> None:
    if isinstance(error, channels.NoAddress):
        _note(message, state=State.REFUSED, error="no_address", next_at=None, claimed=False)
        return
    if isinstance(error, channels.Never):
        _note(message, state=State.FAILED, error=_said(error), attempts=message.attempts, next_at=None, claimed=False)
        return
    logger.warning("message %s: %s", message.template, type(error).__name__)
    if message.attempts >= ATTEMPTS:
        _note(message, state=State.FAILED, error=_said(error), attempts=message.attempts, next_at=None, claimed=False)
        return
    wait = min(timedelta(minutes=2**message.attempts), LONGEST)
    _note(message, error=_said(error), attempts=message.attempts, next_at=now + wait, claimed=False)


def _said(error: Exception) -> str:
    """What is kept of an error: the words of our own ones, of others the kind alone."""
    return (str(error) if isinstance(error, channels.Never | channels.NotNow) else type(error).__name__)[:100]


def _note(message: Message, **changes: Any) -> None:
    Message.objects.filter(pk=message.pk, state=State.QUEUED).update(**changes)


# --- what became of them --------------------------------------------------------------------------------------------


def take_reports(*, channel: str, reports: Iterable[Report], now: datetime) -> int:
    """Note reports of a channel; the number of messages whose state changed. Those of unknown messages, and known ones again, change nothing."""
    changed = 0
    given = list(reports)
    good = [report for report in given if report.delivered]
    with scopes.acting(WORKER):
        if good:
            begun = Q(state=State.QUEUED, attempts__gt=0) | Q(state__in=[State.SENT, State.FAILED])
            changed += _of(channel, good).filter(begun).update(state=State.DELIVERED, reported_at=now, next_at=None, error="", claimed=False)
        for code in sorted({report.code for report in given if not report.delivered}):
            rows = _of(channel, [report for report in given if not report.delivered and report.code == code], same_round=True)
            changed += rows.filter(Q(state=State.SENT) | Q(state=State.QUEUED, claimed=True)).update(
                state=State.FAILED, reported_at=now, next_at=None, error=f"report {code}"[:100], claimed=False
            )
    return changed


def _of(channel: str, reports: Sequence[Report], *, same_round: bool = False) -> Any:
    """The messages that reports speak of. A failure of an earlier round says nothing of the running one."""
    named = Q(gateway_number__in={report.number for report in reports if report.number})
    ids = {report.id for report in reports if len(report.id) == 12 and report.id.isascii() and report.id.isdigit()}
    if same_round:
        for each in sorted({identifier[10:] for identifier in ids}):
            named |= Q(pk__in=[int(identifier[:10]) for identifier in ids if identifier[10:] == each], round=int(each))
    else:
        named |= Q(pk__in=[int(identifier[:10]) for identifier in ids])
    return Message.objects.filter(named, channel=channel)


def ask_due(*, now: datetime) -> int:
    """Ask channels what became of messages that were sent and not reported; the number that became known. Less and less often, for three days."""
    with scopes.acting(WORKER):
        due = list(
            Message.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(state=State.SENT, next_at__lte=now)
            .order_by("next_at", "id")[:BATCH]
        )
        parcels = []
        for message in due:
            since = now - (message.sent_at or now)
            again = None if since >= ASK_UNTIL else now + max(ASK_AFTER, since)
            Message.objects.filter(pk=message.pk).update(next_at=again)
            if message.template in {form.key for form in templates.all()}:
                parcels.append((message.channel, _parcel(message, now)))
    known = 0
    for name, parcel in parcels:
        try:
            found = channels.channel(name).status(parcel)  # type: ignore[attr-defined]
        except Exception as error:
            logger.warning("report of a message: %s", type(error).__name__)
            continue
        if found is not None:
            known += take_reports(channel=name, reports=[Report(parcel.id, "", found.delivered, found.code)], now=now)
    return known


def retry_failed(*, message_ids: Sequence[int] | None = None, now: datetime) -> int:
    """Queue failed messages of one's own area again: those named, or all; the number. What is of no more use stays.

    One that was reported as not delivered goes out under a new id, since the channel has had the old one.
    """
    duties.require("messages.manage")
    rows = Message.objects.filter(Q(until__isnull=True) | Q(until__gt=now), state=State.FAILED, round__lt=ROUNDS)
    if message_ids is not None:
        rows = rows.filter(pk__in=message_ids)
    anew = Case(When(reported_at__isnull=False, then=F("round") + 1), default=F("round"), output_field=Message._meta.get_field("round"))
    number = Case(When(reported_at__isnull=False, then=Value("")), default=F("gateway_number"), output_field=Message._meta.get_field("gateway_number"))
    return rows.update(state=State.QUEUED, attempts=0, next_at=now, error="", round=anew, gateway_number=number, reported_at=None, claimed=Q(reported_at__isnull=True))
