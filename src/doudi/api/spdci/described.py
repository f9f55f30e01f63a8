"""The standard's messages as the OpenAPI description tells them. What a message must hold is judged by `exchange`, request by request, in the standard's codes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

from doudi.api.spdci.asking import ATTRIBUTES, LOOKUPS, MOST_PAGE, MOST_PAGES
from doudi.api.spdci.exchange import STATED
from doudi.api.spdci.notices import EVENTS

ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 99, "pattern": r"^[\x20-\x7e]+$"}
MOMENT = {"type": "string", "format": "date-time"}
VALUE = {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 20}]}


def _of(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


CONDITION = _of(
    ["attribute_name", "operator", "attribute_value"], attribute_name={"enum": list(ATTRIBUTES)}, operator={"enum": list(LOOKUPS)}, attribute_value=VALUE
)
UIN = _of(["type", "value"], type={"const": "UIN"}, value={"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_PAGE}]})
PREDICATES = {
    "type": "array", "minItems": 1, "maxItems": 10, "items": _of(["expression1"], expression1=CONDITION, condition={"enum": ["and", "or", "not"]}, expression2=CONDITION),
}  # fmt: skip
TREE = {"type": "object", "minProperties": 1, "maxProperties": 5, "properties": dict.fromkeys(ATTRIBUTES, VALUE), "additionalProperties": False}
EXPRESSION = _of(["value"], type={"type": "string"}, value=_of(["expression"], expression=_of(["query"], collection={"enum": ["Member", "Group"]}, query=TREE)))
PURPOSE = _of(["purpose"], purpose=_of(["code"], code=ID))
ENTITY = {"enum": ["Member", "Group"]}
RECORD = {"type": "string", "pattern": "^([A-Za-z:._-]{1,80}:)?(Member|Group)$"}
# What the standard has and we do not look at.
NOT_READ = {"description": "不使用 / not looked at"}
UNREAD = {name: {"type": "string"} | NOT_READ for name in ("version", "reg_type", "reg_record_type")}
LOCALE = {"type": "string", "pattern": "^[a-z]{3}$"}
CRITERIA = _of(
    ["query_type", "query"], query_type={"enum": ["idtype-value", "predicate", "expression"]}, query={"anyOf": [UIN, PREDICATES, EXPRESSION]},
    response_entity=ENTITY, consent=PURPOSE, authorize=PURPOSE, **UNREAD,
    sort={"type": "array", "maxItems": 2, "items": _of(["attribute_name"], attribute_name={"enum": ["birth_date", "registration_date"]}, sort_order={"enum": ["asc", "desc"]})},
    pagination=_of(["page_size"], page_size={"type": "integer", "minimum": 1, "maximum": MOST_PAGE}, page_number={"type": "integer", "minimum": 1, "maximum": MOST_PAGES}),
) | {"anyOf": [{"required": ["consent"]}, {"required": ["authorize"]}]}  # fmt: skip
WATCHED = _of(
    ["reg_event_type", "filter", "notify_record_type", "authorize"],
    reg_event_type={"anyOf": [{"enum": list(EVENTS)}, {"type": "array", "items": {"enum": list(EVENTS)}, "minItems": 1, "maxItems": len(EVENTS)}]},
    filter_type={"enum": ["idtype-value", "predicate", "expression"]}, filter={"anyOf": [UIN, PREDICATES, EXPRESSION]},
    notify_record_type=RECORD, authorize=PURPOSE, frequency={"type": "object"} | NOT_READ, **UNREAD,
)  # fmt: skip


def _requests(name: str, criteria: dict[str, Any]) -> dict[str, Any]:
    request = _of(["reference_id", "timestamp", name], reference_id=ID, timestamp=MOMENT, locale=LOCALE, **{name: criteria})
    return {"type": "array", "minItems": 1, "maxItems": 20, "items": request}


SEARCH = _of(["transaction_id", "search_request"], transaction_id=ID, search_request=_requests("search_criteria", CRITERIA))
SUBSCRIBE = _of(["transaction_id", "subscribe_request"], transaction_id=ID, subscribe_request=_requests("subscribe_criteria", WATCHED))
UNSUBSCRIBE = _of(
    ["transaction_id", "timestamp", "subscription_codes"], transaction_id=ID, timestamp=MOMENT,
    subscription_codes={"type": "array", "minItems": 1, "maxItems": 1000, "items": ID},
)  # fmt: skip
STATUS = _of(
    ["transaction_id", "txnstatus_request"], transaction_id=ID,
    txnstatus_request=_of(
        ["reference_id", "txn_type", "attribute_type", "attribute_value"], reference_id=ID, txn_type={"enum": list(STATED)}, locale=LOCALE,
        attribute_type={"enum": ["transaction_id", "correlation_id", "reference_id_list"]},
        attribute_value={"anyOf": [ID, {"type": "array", "minItems": 1, "maxItems": 20, "items": ID}]},
    ),
)  # fmt: skip

# --- answers --------------------------------------------------------------------------------------------------------

LATER: dict[str, Any] = {"type": "string", "maxLength": 99}


def _reasons(*codes: str) -> dict[str, Any]:
    return {"status_reason_code": {"enum": [f"rjct.{code}" for code in codes]}, "status_reason_message": {"type": "string", "maxLength": 999}}


OUTCOME = {
    "reference_id": LATER, "timestamp": MOMENT, "status": {"enum": ["succ", "rjct"]},
    **_reasons(
        "reference_id.invalid", "reference_id.duplicate", "timestamp.invalid", "search_criteria.invalid", "filter.invalid", "sort.invalid", "pagination.invalid"
    ),
}  # fmt: skip
COUNT = {"type": "integer", "minimum": 0}
FOUND = _of(
    ["reference_id", "timestamp", "status"], **OUTCOME,
    data=_of(
        ["reg_records"], version={"const": "1.0.0"}, reg_type={"type": "string"}, reg_record_type=RECORD, reg_records={"type": "array", "items": {"type": "object"}}
    ),
    pagination=_of(["page_size", "page_number", "total_count"], page_size=COUNT, page_number=COUNT, total_count=COUNT),
)  # fmt: skip
BACK = {"transaction_id": LATER, "correlation_id": LATER}
FOUND_ALL = _of([*BACK, "search_response"], **BACK, search_response={"type": "array", "items": FOUND})
WHAT_BECAME = {"type": "array", "items": _of(["reference_id", "timestamp", "status"], **OUTCOME)}
STATED_ALL = _of(
    [*BACK, "txnstatus_response"], **BACK,
    txnstatus_response=_of(
        ["txn_type", "txn_status"], txn_type={"enum": list(STATED)},
        txn_status=_of([*BACK, "search_response"], **BACK, search_response=WHAT_BECAME, subscribe_response=WHAT_BECAME),
    ),
)  # fmt: skip


def _header(action: str) -> dict[str, Any]:
    return _of(
        ["version", "message_id", "message_ts", "action", "status", "total_count", "completed_count", "sender_id", "receiver_id"],
        version={"const": "1.0.0"}, message_id=ID, message_ts=MOMENT, action={"const": action}, status={"enum": ["succ", "rjct"]},
        **_reasons("message_id.duplicate", "message_ts.invalid", "action.invalid"),
        total_count=COUNT, completed_count=COUNT, sender_id={"const": "doudi"}, receiver_id=ID, is_msg_encrypted={"const": False},
    )  # fmt: skip


ACK = _of(
    ["ack_status", "timestamp", "correlation_id"], ack_status={"enum": ["ACK", "ERR"]}, timestamp=MOMENT, correlation_id=ID,
    error=_of(["code", "message"], code={"const": "err.request.bad"}, message={"type": "string", "maxLength": 999}),
)  # fmt: skip
Search = Annotated[dict[str, Any], WithJsonSchema(SEARCH)]
Subscribe = Annotated[dict[str, Any], WithJsonSchema(SUBSCRIBE)]
Unsubscribe = Annotated[dict[str, Any], WithJsonSchema(UNSUBSCRIBE)]
Status = Annotated[dict[str, Any], WithJsonSchema(STATUS)]
OnSearchHeader = Annotated[dict[str, Any], WithJsonSchema(_header("on-search"))]
OnStatusHeader = Annotated[dict[str, Any], WithJsonSchema(_header("txn-on-status"))]
OnSearch = Annotated[dict[str, Any], WithJsonSchema(FOUND_ALL)]
OnStatus = Annotated[dict[str, Any], WithJsonSchema(STATED_ALL)]
Ack = Annotated[dict[str, Any], WithJsonSchema(ACK)]
