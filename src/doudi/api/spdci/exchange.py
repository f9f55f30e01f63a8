"""Messages of the standard and their answers: search, subscribe, unsubscribe, status. Each answer about somebody is an access record first.

`receive` proves who speaks and that it was not said before; `answer` does the work. Whoever is unknown, elsewhere, dead or has not agreed is
answered alike: no record.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from doudi.api.errors import Text
from doudi.api.rights import Caller
from doudi.api.spdci import answers, asking, callbacks, envelope, records, words
from doudi.api.spdci.asking import Rejected, is_name
from doudi.api.spdci.models import SpdciMessage, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.api.spdci.words import refusal
from doudi.core import audit, duties, keys, numbers
from doudi.registry.models import Person

MOST_REQUESTS, MOST_WATCHED, MOST_CONDITIONS = 20, 10_000, 50
# Where a message of several requests holds them; of which messages the status is told.
REQUESTS = {"search": "search_request", "subscribe": "subscribe_request"}
STATED = ("search", "subscribe", "unsubscribe")


@dataclass(frozen=True)
class Received:
    """A message that is its sender's and new. `rejected`: the code of what it lacks, and `detail` where; then nothing is done.

    `later`: it is answered by a callback, and `told` notes of whom that tells, to be looked at again when it leaves.
    """

    partner: SpdciPartner
    header: dict[str, Any]
    message: dict[str, Any]
    correlation_id: str
    rejected: str = ""
    detail: Text = ""
    later: bool = False
    told: list[answers.Told] = field(default_factory=list)


def receive(body: bytes, *, action: str, caller: Caller, asynchronous: bool, now: datetime) -> Received:
    """Read a message and prove it. Raises ApiError with the standard's code for what is not the partner's, or not readable."""
    duties.require("spdci.answer")
    partner = SpdciPartner.objects.filter(client_id=caller.client_id).first()
    if partner is None:
        raise refusal("err.request.forbidden", 403)
    try:
        given = json.loads(body)
        header, message, signature = given["header"], given["message"], given.get("signature") or ""
        if not isinstance(header, dict) or not isinstance(message, dict) or not isinstance(signature, str):
            raise ValueError("shape")
        envelope.canonical(header, message)  # what cannot be written as text has no signature
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise refusal("err.request.bad") from None
    if header.get("sender_id") != partner.sender_id:
        raise refusal("err.sender_id.invalid", 401)
    try:
        envelope.verify(
            signature, sender=partner.sender_id, key_id=partner.key_id, public_key=bytes(partner.public_key), header=header, message=message, now=now
        )
    except envelope.Wrong as error:
        raise refusal(str(error), 401) from None
    if header.get("receiver_id") not in (None, "", envelope.OURS):
        raise refusal("err.receiver_id.invalid")
    if header.get("is_msg_encrypted") or "ciphertext" in message:
        raise refusal("err.encryption.invalid")
    if header.get("version", envelope.VERSION) != envelope.VERSION:
        raise refusal("err.version.not_supported")
    if asynchronous and not partner.callback_url:
        raise refusal("err.sender_uri.invalid")
    message_id, transaction = header.get("message_id"), message.get("transaction_id")
    if not is_name(message_id) or not is_name(transaction):
        raise refusal("err.request.bad")
    correlation = secrets.token_hex(16)
    rejected: tuple[str, Text] = (_kept(caller, header, message, action, correlation, now), "")
    if asynchronous and not rejected[0]:
        code, where = _without_form(message.get(REQUESTS.get(action, "")))
        rejected = (OF_SUBSCRIPTIONS.get(code, code) if action == "subscribe" else code, where)
    return Received(partner, header, message, correlation, *rejected, later=asynchronous)


def _kept(caller: Caller, header: dict[str, Any], message: dict[str, Any], action: str, correlation: str, now: datetime) -> str:
    """Keep the message; the code of why it is not taken: said before, another time, another action."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into api_spdcimessage (area, client_id, message_id, action, transaction_id, correlation_id, outcomes, made_at)"
            " values (%s, %s, %s, %s, %s, %s, '[]', %s) on conflict (client_id, message_id) do nothing",
            [caller.area, caller.client_id, header["message_id"], action, message["transaction_id"], correlation, now],
        )
        if cursor.rowcount == 0:
            return "rjct.message_id.duplicate"
    said = _moment(header.get("message_ts"))
    if said is None or abs((said - now).total_seconds()) > envelope.DRIFT.total_seconds():
        return "rjct.message_ts.invalid"
    if header.get("action") != action:
        return "rjct.action.invalid"
    return ""


def _without_form(requests: Any) -> tuple[str, Text]:
    """(code, where) if no request of a message has the standard's form: it is refused at once, where otherwise one request by itself is, in the answer."""
    first: tuple[str, Text] = ("", "")
    for each in requests if isinstance(requests, list) else []:
        try:
            _form(each if isinstance(each, dict) else {})
            return "", ""
        except Rejected as error:
            first = first if first[0] else (error.code, error.detail)
    return first


def _form(request: dict[str, Any]) -> None:
    """What every request of a batch must bear, whatever it asks."""
    if not is_name(request.get("reference_id")):
        raise Rejected("rjct.reference_id.invalid")
    if _moment(request.get("timestamp")) is None:
        raise Rejected("rjct.timestamp.invalid")
    if "locale" in request and not (isinstance(request["locale"], str) and asking.LOCALE.fullmatch(request["locale"])):
        raise Rejected("rjct.search_criteria.invalid", "locale: ISO 639-3 (zho, eng)")


def _moment(value: Any) -> datetime | None:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


# --- work -----------------------------------------------------------------------------------------------------------


def answer(received: Received, *, action: str, now: datetime) -> dict[str, Any]:
    """The message that answers; its outcomes are kept beside the message, without anybody in them."""
    told, outcomes = ACTIONS[action](received, now)
    if outcomes:
        SpdciMessage.objects.filter(correlation_id=received.correlation_id).update(outcomes=outcomes)
    return {"transaction_id": received.message["transaction_id"], "correlation_id": received.correlation_id, **told}


def answer_later(received: Received, *, action: str, now: datetime) -> None:
    """Queue the message that answers for the partner's own address; what it tells of people is looked at again when it leaves."""
    message = answer(received, action=action, now=now)
    callbacks.queue(received.partner, message, action=REPLIES[action], now=now, changes=[each.kept() for each in received.told] if action == "search" else None)


def _each(
    received: Received, name: str, work: Callable[[dict[str, Any]], dict[str, Any]], now: datetime, codes: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Every request of a batch by itself: one that is refused does not stop the others. `codes`: reasons that the standard calls otherwise here."""
    requests = received.message.get(name)
    if not isinstance(requests, list) or not 0 < len(requests) <= MOST_REQUESTS or not all(isinstance(each, dict) for each in requests):
        raise refusal("err.request.bad")
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for each in requests:
        reference = each.get("reference_id")
        about = {"reference_id": reference if is_name(reference) else "", "timestamp": now.isoformat()}
        try:
            if is_name(reference) and reference in seen:
                raise Rejected("rjct.reference_id.duplicate")
            _form(each)
            seen.add(str(reference))
            with transaction.atomic():
                found.append(about | {"status": "succ"} | work(each))
        except Rejected as error:
            found.append(about | words.rejection(codes.get(error.code, error.code), error.detail))
    return found, [[each["reference_id"], each["status"]] for each in found]


def _purpose(received: Received, criteria: dict[str, Any]) -> SpdciPurpose:
    """The purpose that a request names, in its consent or its authority."""
    for name in ("consent", "authorize"):
        part = criteria.get(name)
        purpose = part.get("purpose") if isinstance(part, dict) else None
        code = purpose.get("code") if isinstance(purpose, dict) else None
        if is_name(code):
            found = SpdciPurpose.objects.filter(partner=received.partner, code=code, ended_at__isnull=True).first()
            if found is not None:
                return found
    raise Rejected("rjct.search_criteria.invalid", words.PURPOSE)


def _criteria(request: dict[str, Any], name: str) -> dict[str, Any]:
    found = request.get(name)
    if not isinstance(found, dict):
        raise Rejected("rjct.search_criteria.invalid", name)
    return found


def _search(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    found, outcomes = _each(received, "search_request", lambda each: _found(received, each, now), now)
    return {"search_response": found}, outcomes


def _found(received: Received, request: dict[str, Any], now: datetime) -> dict[str, Any]:
    criteria, on = _criteria(request, "search_criteria"), timezone.localdate(now)
    purpose, entity = _purpose(received, criteria), asking.entity(criteria.get("response_entity"))
    asked: dict[UUID, str] = {}
    people = records.open_people(purpose, on)
    kind = criteria.get("query_type")
    if kind == "idtype-value":
        asked = {numbers.id_token(number): number for number in asking.identifiers(criteria.get("query"))}
        people = people.filter(token__in=asked)
    elif kind in ("predicate", "expression"):
        people = asking.narrowed(people, kind, criteria.get("query"), purpose, on)
    else:
        raise Rejected("rjct.search_criteria.invalid", "query_type: idtype-value, predicate, expression")
    size, page = asking.paging(criteria.get("pagination"))
    order = asking.order(criteria.get("sort"), purpose)
    total = people.count()
    chosen = list(people.order_by(*order)[(page - 1) * size : page * size])
    numbers_of = {person.pk: asked[person.token] for person in chosen if person.token in asked}
    found = records.by_person(purpose, chosen, entity=entity, numbers=numbers_of, on=on)
    told = records.told_people(purpose, chosen, entity=entity, on=on)
    if received.later:
        received.told.append(answers.noted(request["reference_id"], purpose, found, told))
    _record(received, purpose, [] if received.later else told, {number for token, number in asked.items() if token not in {each.token for each in chosen}})
    return {
        "data": records.data(entity) | {"reg_records": [record for record, _through in records.once(found)]},
        "pagination": {"page_size": size, "page_number": page, "total_count": total},
    }  # fmt: skip


def _record(received: Received, purpose: SpdciPurpose, told: list[tuple[int, str]], in_vain: set[str]) -> None:
    """Access records of everybody who is told of, and of each number that was asked for in vain; committed before the answer."""
    reason = f"spdci {received.partner.sender_id} {purpose.code}"
    audit.record_opened(subject=records.SUBJECT, rows=told, reason=reason)
    for number in sorted(in_vain):
        audit.record_access(what="lookup", subject=records.SUBJECT, digest=keys.sealing_digest(number), reason=reason)


# --- subscriptions --------------------------------------------------------------------------------------------------


# The standard has reason codes of its own for subscriptions.
OF_SUBSCRIPTIONS = {"rjct.search_criteria.invalid": "rjct.notify_details.invalid", "rjct.filter.invalid": "rjct.notify_details.invalid"}


def _subscribe(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    found, outcomes = _each(received, "subscribe_request", lambda each: _watch(received, each, now), now, OF_SUBSCRIPTIONS)
    return {"subscribe_response": found}, outcomes


def _watch(received: Received, request: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Watch who has the numbers, or whoever answers a condition; the same again is the subscription that there is. What they are now is told first, by the next round."""
    criteria = _criteria(request, "subscribe_criteria")
    if not received.partner.callback_url:
        raise Rejected("rjct.notify_details.invalid", _("没有登记回调地址"))
    purpose = _purpose(received, criteria)
    entity = asking.entity(criteria.get("notify_record_type", criteria.get("response_entity")), "rjct.notify_types.invalid")
    kind, query, events = criteria.get("filter_type", "idtype-value"), criteria.get("filter"), asking.events(criteria.get("reg_event_type"))
    rows = SpdciSubscription.objects.filter(client_id=received.partner.client_id, ended_at__isnull=True)
    wanted: list[dict[str, Any]]
    if kind == "idtype-value":
        try:
            wanted = [{"token": numbers.id_token(number)} for number in asking.identifiers(query)]
        except Rejected as error:
            raise Rejected("rjct.person_id.invalid", error.detail) from None
        known = rows.filter(purpose=purpose, entity=entity, events=",".join(events), token__in=[each["token"] for each in wanted]).count()
        if rows.filter(token__isnull=False).count() + len(wanted) - known > MOST_WATCHED:
            raise Rejected("rjct.notify_details.invalid", _("最多订阅 %(most)s 个号码") % {"most": MOST_WATCHED})
    elif kind in ("predicate", "expression"):
        asking.narrowed(Person.objects.none(), kind, query, purpose, timezone.localdate(now))  # is it understood, and open to the purpose
        query = asking.kept(kind, query)
        wanted = [{"query_digest": asking.digest_of(kind, query)}]
        known = rows.filter(purpose=purpose, entity=entity, events=",".join(events), query_digest=wanted[0]["query_digest"]).count()
        if rows.filter(token__isnull=True).count() + 1 - known > MOST_CONDITIONS:
            raise Rejected("rjct.notify_details.invalid", _("最多订阅 %(most)s 个条件") % {"most": MOST_CONDITIONS})
    else:
        raise Rejected("rjct.notify_details.invalid", "filter_type: idtype-value, predicate, expression")
    codes = []
    for each in wanted:
        given = {"client_id": received.partner.client_id, "purpose": purpose, "entity": entity, "events": ",".join(events), "ended_at": None, **each}
        row, _fresh = SpdciSubscription.objects.get_or_create(
            **given, defaults={
                "area": received.partner.area, "code": secrets.token_hex(16), "transaction_id": received.message["transaction_id"], "made_at": now,
                "looked_at": now, "kind": kind, "query": None if "token" in each else query,
            },
        )  # fmt: skip
        codes.append({"code": row.code, "status": "subscribe", "timestamp": now.isoformat(), "reg_event_type": row.events})
    return {"subscriptions": codes}


def _unsubscribe(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    """End subscriptions by their codes; somebody else's are not there."""
    codes = received.message.get("subscription_codes")
    if not isinstance(codes, list) or not 0 < len(codes) <= 1000 or not all(is_name(code) for code in codes):
        raise refusal("err.request.bad")
    mine = SpdciSubscription.objects.filter(client_id=received.partner.client_id, code__in=codes)
    known = set(mine.values_list("code", flat=True))
    ended = mine.filter(ended_at__isnull=True).update(ended_at=now)
    statuses = [{"code": code, "status": "unsubscribe"} for code in codes if code in known]
    status: dict[str, Any] = {"timestamp": now.isoformat(), "status": "succ" if ended else "rjct", "subscription_status": statuses}
    if not ended:
        status |= words.rejection("rjct.event.already_unsubscribed" if statuses else "rjct.subscription_code.invalid")
    return status, [["", status["status"]]]


def _status(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    """What became of earlier messages of the partner: references and outcomes, nobody's data."""
    asked = received.message.get("txnstatus_request")
    if not isinstance(asked, dict) or asked.get("txn_type") not in STATED:
        raise refusal("err.request.bad")
    kind, value = asked.get("attribute_type"), asked.get("attribute_value")
    rows = SpdciMessage.objects.filter(client_id=received.partner.client_id, action=asked["txn_type"]).exclude(correlation_id=received.correlation_id)
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= MOST_REQUESTS or not all(is_name(each) for each in values):
        raise refusal("err.request.bad")
    if kind in ("transaction_id", "correlation_id"):
        rows = rows.filter(**{f"{kind}__in": values})
    elif kind == "reference_id_list":
        wanted = Q()
        for each in values:
            wanted |= Q(outcomes__contains=[[each, "succ"]]) | Q(outcomes__contains=[[each, "rjct"]])
        rows = rows.filter(wanted)
    else:
        raise refusal("err.request.bad")
    met = list(rows.order_by("made_at", "pk")[:MOST_REQUESTS])
    found = [{"reference_id": reference, "timestamp": row.made_at.isoformat(), "status": status} for row in met for reference, status in row.outcomes]
    status = {"transaction_id": met[-1].transaction_id if met else received.message["transaction_id"], "correlation_id": met[-1].correlation_id if met else ""}
    # the standard asks for `search_response` whatever it was that was asked about
    shown = {"subscribe_response": found, "search_response": []} if asked["txn_type"] == "subscribe" else {"search_response": found}
    return {"txnstatus_response": {"txn_type": asked["txn_type"], "txn_status": status | shown}}, []


def nothing(received: Received, *, action: str) -> dict[str, Any]:
    """The message that answers one that was not taken: in the standard's form, with nothing in it."""
    about = {"transaction_id": received.message["transaction_id"], "correlation_id": received.correlation_id}
    if action == "search":
        return about | {"search_response": []}
    asked = received.message.get("txnstatus_request")
    kind = asked.get("txn_type") if isinstance(asked, dict) else None
    status = {"transaction_id": received.message["transaction_id"], "correlation_id": "", "search_response": []}
    return about | {"txnstatus_response": {"txn_type": kind if kind in STATED else STATED[0], "txn_status": status}}


ACTIONS: dict[str, Callable[[Received, datetime], tuple[dict[str, Any], list[Any]]]] = {
    "search": _search, "subscribe": _subscribe, "unsubscribe": _unsubscribe, "txn-status": _status,
}  # fmt: skip
# What the standard calls the answer of each.
REPLIES = {"search": "on-search", "subscribe": "on-subscribe", "unsubscribe": "on-unsubscribe", "txn-status": "txn-on-status"}
