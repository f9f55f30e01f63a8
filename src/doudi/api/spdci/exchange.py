"""Messages of the standard and their answers: search, subscribe, unsubscribe, status. Each answer about somebody is an access record first.

`receive` proves who speaks and that it was not said before; `answer` does the work. Whoever is unknown, elsewhere, dead or has not agreed is
answered alike: no record.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from doudi.api.errors import ApiError
from doudi.api.rights import Caller
from doudi.api.spdci import asking, envelope, records
from doudi.api.spdci.asking import Rejected, is_name
from doudi.api.spdci.models import SpdciMessage, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.core import audit, duties, keys, numbers
from doudi.registry.models import Person

SUBJECT = "person"
MOST_REQUESTS, MOST_WATCHED, MOST_CONDITIONS = 20, 10_000, 50
WORDS: dict[str, Any] = {
    "err.sender_id.invalid": _("sender_id 不是本令牌登记的标识；请联系系统管理员。"),
    "err.signature.missing": _("缺少 signature。"),
    "err.signature.invalid": _("签名不正确、已过期或时钟相差过多；请核对密钥、签名内容和时间。"),
    "err.request.bad": _("请求无法读取；请对照接口文档核对格式。"),
    "err.request.forbidden": _("这一客户端没有登记为社会登记接口的使用单位；请联系系统管理员。"),
    "err.receiver_id.invalid": _("receiver_id 不是本系统。"),
    "err.encryption.invalid": _("不接收加密的 message；传输由 TLS 加密。"),
    "err.version.not_supported": _("不支持这一版本；本系统的版本为 1.0.0。"),
    "err.sender_uri.invalid": _("没有登记回调地址，不能使用异步接口；请联系系统管理员，或使用 sync 接口。"),
}


@dataclass(frozen=True)
class Received:
    """A message that is its sender's and new. `rejected`: the code of what its header lacks; then nothing is done."""

    partner: SpdciPartner
    header: dict[str, Any]
    message: dict[str, Any]
    correlation_id: str
    rejected: str = ""


def refusal(code: str, status: int = 400) -> ApiError:
    return ApiError(status, code, WORDS[code])


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
    return Received(partner, header, message, correlation, _kept(caller, header, message, action, correlation, now))


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


def _each(received: Received, name: str, work: Callable[[dict[str, Any]], dict[str, Any]], now: datetime) -> tuple[list[dict[str, Any]], list[Any]]:
    """Every request of a batch by itself: one that is refused does not stop the others."""
    requests = received.message.get(name)
    if not isinstance(requests, list) or not 0 < len(requests) <= MOST_REQUESTS or not all(isinstance(each, dict) for each in requests):
        raise refusal("err.request.bad")
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for each in requests:
        reference = each.get("reference_id")
        about = {"reference_id": reference if is_name(reference) else "", "timestamp": now.isoformat()}
        try:
            if not is_name(reference):
                raise Rejected("rjct.reference_id.invalid", "reference_id")
            if reference in seen:
                raise Rejected("rjct.reference_id.duplicate", "reference_id")
            if _moment(each.get("timestamp")) is None:
                raise Rejected("rjct.timestamp.invalid", "timestamp")
            if "locale" in each and not (isinstance(each["locale"], str) and asking.LOCALE.fullmatch(each["locale"])):
                raise Rejected("rjct.search_criteria.invalid", "locale: ISO 639-3, as zho or eng")
            seen.add(reference)
            with transaction.atomic():
                found.append(about | {"status": "succ"} | work(each))
        except Rejected as error:
            found.append(about | {"status": "rjct", "status_reason_code": error.code, "status_reason_message": error.words})
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
    raise Rejected("rjct.search_criteria.invalid", "consent.purpose.code: not a purpose of this client")


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
        raise Rejected("rjct.search_criteria.invalid", "query_type: idtype-value, predicate or expression")
    size, page = asking.paging(criteria.get("pagination"))
    order = asking.order(criteria.get("sort"), purpose)
    total = people.count()
    chosen = list(people.order_by(*order)[(page - 1) * size : page * size])
    _record(received, purpose, chosen, asked, entity, on)
    numbers_of = {person.pk: asked[person.token] for person in chosen if person.token in asked}
    return {
        "data": records.data(entity) | {"reg_records": records.records(purpose, chosen, entity=entity, numbers=numbers_of, on=on)},
        "pagination": {"page_size": size, "page_number": page, "total_count": total},
    }  # fmt: skip


def _record(received: Received, purpose: SpdciPurpose, chosen: list[Person], asked: dict[UUID, str], entity: str, on: date) -> None:
    """Access records of everybody who is told of, and of each number that was asked for in vain; committed before the answer."""
    reason = f"spdci {received.partner.sender_id} {purpose.code}"
    audit.record_opened(subject=SUBJECT, rows=records.told_people(purpose, chosen, entity=entity, on=on), reason=reason)
    for token in asked.keys() - {person.token for person in chosen}:
        audit.record_access(what="lookup", subject=SUBJECT, digest=keys.sealing_digest(asked[token]), reason=reason)


# --- subscriptions --------------------------------------------------------------------------------------------------


# The standard has reason codes of its own for subscriptions.
OF_SUBSCRIPTIONS = {"rjct.search_criteria.invalid": "rjct.notify_details.invalid", "rjct.filter.invalid": "rjct.notify_details.invalid"}


def _subscribe(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    found, outcomes = _each(received, "subscribe_request", lambda each: _watch(received, each, now), now)
    for each in found:
        if each["status"] == "rjct":
            each["status_reason_code"] = OF_SUBSCRIPTIONS.get(each["status_reason_code"], each["status_reason_code"])
    return {"subscribe_response": found}, outcomes


def _watch(received: Received, request: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Watch who has the numbers, or whoever answers a condition; the same again is the subscription that there is. What they are now is told first, by the next round."""
    criteria = _criteria(request, "subscribe_criteria")
    if not received.partner.callback_url:
        raise Rejected("rjct.notify_details.invalid", "no callback address is registered")
    purpose = _purpose(received, criteria)
    entity = asking.entity(criteria.get("notify_record_type", criteria.get("response_entity")), "rjct.notify_types.invalid")
    kind, query, events = criteria.get("filter_type", "idtype-value"), criteria.get("filter"), asking.events(criteria.get("reg_event_type"))
    rows = SpdciSubscription.objects.filter(client_id=received.partner.client_id, ended_at__isnull=True)
    wanted: list[dict[str, Any]]
    if kind == "idtype-value":
        try:
            wanted = [{"token": numbers.id_token(number)} for number in asking.identifiers(query)]
        except Rejected as error:
            raise Rejected("rjct.person_id.invalid", error.words) from None
        if rows.filter(token__isnull=False).count() + len(wanted) > MOST_WATCHED:
            raise Rejected("rjct.notify_details.invalid", f"at most {MOST_WATCHED} numbers")
    elif kind in ("predicate", "expression"):
        asking.narrowed(Person.objects.none(), kind, query, purpose, timezone.localdate(now))  # is it understood, and open to the purpose
        query = asking.kept(kind, query)
        wanted = [{"query_digest": asking.digest_of(kind, query)}]
        if rows.filter(token__isnull=True).count() + 1 > MOST_CONDITIONS:
            raise Rejected("rjct.notify_details.invalid", f"at most {MOST_CONDITIONS} conditions")
    else:
        raise Rejected("rjct.notify_details.invalid", "filter_type: idtype-value, predicate or expression")
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
        status["status_reason_code"] = "rjct.event.already_unsubscribed" if statuses else "rjct.subscription_code.invalid"
    return status, [["", status["status"]]]


def _status(received: Received, now: datetime) -> tuple[dict[str, Any], list[Any]]:
    """What became of earlier messages of the partner: references and outcomes, nobody's data."""
    asked = received.message.get("txnstatus_request")
    if not isinstance(asked, dict) or asked.get("txn_type") not in ("search", "subscribe", "unsubscribe"):
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
    status = {
        "transaction_id": met[-1].transaction_id if met else received.message["transaction_id"], "correlation_id": met[-1].correlation_id if met else "",
        f"{'subscribe' if asked['txn_type'] == 'subscribe' else 'search'}_response": found,
    }  # fmt: skip
    return {"txnstatus_response": {"txn_type": asked["txn_type"], "txn_status": status}}, []


ACTIONS: dict[str, Callable[[Received, datetime], tuple[dict[str, Any], list[Any]]]] = {
    "search": _search, "subscribe": _subscribe, "unsubscribe": _unsubscribe, "txn-status": _status,
}  # fmt: skip
