"""The social registry interface of SPDCI (社会登记接口): signed messages of the standard, answered at once (`sync`) or at the partner's own address."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import BaseModel, ConfigDict, WithJsonSchema

from doudi.api.errors import REFUSALS, StandardErrorOut
from doudi.api.rights import Caller, needs
from doudi.api.spdci import callbacks, described, envelope, exchange, words

router = Router()
Id = Annotated[str, Field(min_length=1, max_length=99, pattern=r"^[\x20-\x7e]+$")]


def _also(*required: str, **properties: dict[str, Any]) -> ConfigDict:
    """What only the description tells: what the standard requires, and its absence is answered in the standard's own words or borne; what is not looked at."""

    def tell(schema: dict[str, Any]) -> None:
        schema["required"] = sorted({*schema.get("required", []), *required})
        schema["properties"] |= properties

    return ConfigDict(extra="allow", json_schema_extra=tell)


class HeaderIn(BaseModel):
    model_config = _also(
        "total_count",
        sender_uri={"type": "string", "format": "uri", "description": "不使用；答复送到登记的回调地址 / not followed: answers go to the registered address"},
        meta={"type": "object", "description": "不使用 / not looked at"},
    )

    version: Annotated[str, Field(max_length=20, description="1.0.0")] = "1.0.0"
    message_id: Annotated[Id, Field(description="每条消息不同；同一编号只受理一次 / taken once")]
    message_ts: Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="ISO 8601，与本系统时钟相差不超过 5 分钟 / within five minutes")]
    action: str
    sender_id: Annotated[Id, Field(description="登记的标识 / as registered")]
    total_count: int = 1
    receiver_id: Annotated[str, Field(description="doudi")] = ""
    is_msg_encrypted: bool = False


class SearchHeader(HeaderIn):
    action: Annotated[str, WithJsonSchema({"const": "search"})]


class SubscribeHeader(HeaderIn):
    action: Annotated[str, WithJsonSchema({"const": "subscribe"})]


class UnsubscribeHeader(HeaderIn):
    action: Annotated[str, WithJsonSchema({"const": "unsubscribe"})]


class StatusHeader(HeaderIn):
    action: Annotated[str, WithJsonSchema({"const": "txn-status"})]


class EnvelopeIn(BaseModel):
    """标准的信封：signature 是对 header 和 message 的签名（Ed25519），见接口文档 / the standard's envelope."""

    model_config = _also("signature")

    signature: Annotated[str, Field(description='Signature: namespace="spdci", kidId="sender|key|ed25519", …')] = ""


class SearchIn(EnvelopeIn):
    header: SearchHeader
    message: described.Search


class SubscribeIn(EnvelopeIn):
    header: SubscribeHeader
    message: described.Subscribe


class UnsubscribeIn(EnvelopeIn):
    header: UnsubscribeHeader
    message: described.Unsubscribe


class StatusIn(EnvelopeIn):
    header: StatusHeader
    message: described.Status


class Answer(Schema):
    signature: str


class Found(Answer):
    header: described.OnSearchHeader
    message: described.OnSearch


class Stated(Answer):
    header: described.OnStatusHeader
    message: described.OnStatus


class Ack(Schema):
    """`ack_status`: ACK (an answer comes to the callback address), ERR (`error` says why, and no answer comes)."""

    message: described.Ack


class Jwks(Schema):
    keys: list[dict[str, str]]


def _sync(request: HttpRequest, action: str) -> dict[str, Any]:
    now, caller = timezone.now(), _caller(request)
    found = exchange.receive(request.body, action=action, caller=caller, asynchronous=False, now=now)
    if found.rejected:
        message, status = exchange.nothing(found, action=action), words.rejection(found.rejected)
    else:
        message, status = exchange.answer(found, action=action, now=now), {"status": "succ"}
    return envelope.wrapped(message, action=exchange.REPLIES[action], receiver=found.partner.sender_id, now=now, **envelope.counted(message), **status)


def _async(request: HttpRequest, action: str) -> dict[str, Any]:
    now, caller = timezone.now(), _caller(request)
    found = exchange.receive(request.body, action=action, caller=caller, asynchronous=True, now=now)
    ack: dict[str, Any] = {"ack_status": "ACK", "timestamp": now.isoformat(), "correlation_id": found.correlation_id}
    if found.rejected:
        ack |= {"ack_status": "ERR", "error": {"code": "err.request.bad", "message": f"{found.rejected}: {words.message(found.rejected, found.detail)}"}}
    else:
        exchange.answer_later(found, action=action, now=now)
    return {"message": ack}


def _caller(request: HttpRequest) -> Caller:
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return caller


def _answers(with_: type[Schema]) -> dict[str, Any]:
    return {"response": {200: with_, REFUSALS: StandardErrorOut}, **needs(callbacks.RIGHT)}


@router.post("/sync/search", summary="查询（当即答复） / Search, answered at once", **_answers(Found))
def sync_search(request: HttpRequest, given: SearchIn) -> dict[str, Any]:
    """按身份证号（idtype-value）或条件（predicate、expression）查询，只答复用途允许、本人同意的人员和内容；查不到与不能告知的答复相同。"""
    return _sync(request, "search")


@router.post("/search", summary="查询（回调答复） / Search, answered by callback", **_answers(Ack))
def search(request: HttpRequest, given: SearchIn) -> dict[str, Any]:
    """答复送到登记的回调地址 /registry/on-search，带本系统签名。"""
    return _async(request, "search")


@router.post("/subscribe", summary="订阅变化 / Subscribe", **_answers(Ack))
def subscribe(request: HttpRequest, given: SubscribeIn) -> dict[str, Any]:
    """按身份证号或条件（predicate、expression）订阅；新符合、有变化、不再符合时通知到 /registry/notify。"""
    return _async(request, "subscribe")


@router.post("/unsubscribe", summary="取消订阅 / Unsubscribe", **_answers(Ack))
def unsubscribe(request: HttpRequest, given: UnsubscribeIn) -> dict[str, Any]:
    """按 subscription_codes 取消本单位的订阅。"""
    return _async(request, "unsubscribe")


@router.post("/txn/status", summary="办理状态（回调答复） / Status, by callback", **_answers(Ack))
def status(request: HttpRequest, given: StatusIn) -> dict[str, Any]:
    """答复送到 /registry/txn/on-status。"""
    return _async(request, "txn-status")


@router.post("/sync/txn/status", summary="办理状态（当即答复） / Status, at once", **_answers(Stated))
def sync_status(request: HttpRequest, given: StatusIn) -> dict[str, Any]:
    """按 transaction_id、correlation_id 或 reference_id 查询本单位消息的结果，不含人员信息。"""
    return _sync(request, "txn-status")


@router.get("/jwks.json", summary="本系统的公钥 / Public key of this system", **_answers(Jwks))
def jwks(request: HttpRequest) -> dict[str, Any]:
    """用来核对本系统的签名。"""
    return {"keys": [envelope.own_jwk()]}
