"""The social registry interface of SPDCI (社会登记接口): signed messages of the standard, answered at once (`sync`) or at the partner's own address."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import BaseModel, ConfigDict

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.rights import Caller, needs
from doudi.api.spdci import callbacks, described, envelope, exchange, words

router = Router()
Id = Annotated[str, Field(min_length=1, max_length=99, pattern=r"^[\x20-\x7e]+$")]


class HeaderIn(BaseModel):
    model_config = ConfigDict(extra="allow")

    version: Annotated[str, Field(max_length=20, description="1.0.0")] = "1.0.0"
    message_id: Annotated[Id, Field(description="每条消息不同；同一编号只受理一次 / taken once")]
    message_ts: Annotated[str, Field(description="ISO 8601，与本系统时钟相差不超过 5 分钟 / within five minutes")]
    action: str
    sender_id: Annotated[Id, Field(description="登记的标识 / as registered")]
    total_count: int = 1
    receiver_id: str = ""
    is_msg_encrypted: bool = False


class EnvelopeIn(BaseModel):
    """标准的信封：signature 是对 header 和 message 的签名（Ed25519），见接口文档 / the standard's envelope."""

    signature: Annotated[str, Field(description='Signature: namespace="spdci", kidId="sender|key|ed25519", …')] = ""
    header: HeaderIn
    message: dict[str, Any]


class SearchIn(EnvelopeIn):
    message: described.Search


class SubscribeIn(EnvelopeIn):
    message: described.Subscribe


class UnsubscribeIn(EnvelopeIn):
    message: described.Unsubscribe


class StatusIn(EnvelopeIn):
    message: described.Status


class EnvelopeOut(Schema):
    signature: str
    header: dict[str, Any]
    message: dict[str, Any]


class Ack(Schema):
    """`ack_status`: ACK (an answer comes to the callback address), ERR (`error` says why)."""

    message: dict[str, Any]


class Jwks(Schema):
    keys: list[dict[str, str]]


def _sync(request: HttpRequest, action: str) -> dict[str, Any]:
    now, caller = timezone.now(), _caller(request)
    found = exchange.receive(request.body, action=action, caller=caller, asynchronous=False, now=now)
    if found.rejected:
        message: dict[str, Any] = {"transaction_id": found.message["transaction_id"], "correlation_id": found.correlation_id}
        status = words.rejection(found.rejected)
    else:
        message, status = exchange.answer(found, action=action, now=now), {"status": "succ"}
    return envelope.wrapped(message, action=exchange.REPLIES[action], receiver=found.partner.sender_id, now=now, **envelope.counted(message), **status)

def _async(request: HttpRequest, action: str) -> dict[str, Any]:
    now, caller = timezone.now(), _caller(request)
    found = exchange.receive(request.body, action=action, caller=caller, asynchronous=True, now=now)
    ack: dict[str, Any] = {"ack_status": "ACK", "timestamp": now.isoformat(), "correlation_id": found.correlation_id}
    if found.rejected:
        ack |= {"ack_status": "ERR", "error": {"code": "err.request.bad", "message": f"{found.rejected}: {words.message(found.rejected)}"}}
    else:
        exchange.answer_later(found, action=action, now=now)
    return {"message": ack}

def _caller(request: HttpRequest) -> Caller:
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return caller

SYNC: dict[str, Any] = {"response": {200: EnvelopeOut, REFUSALS: ErrorOut}, **needs(callbacks.RIGHT)}
ASYNC: dict[str, Any] = {"response": {200: Ack, REFUSALS: ErrorOut}, **needs(callbacks.RIGHT)}

@router.post("/sync/search", summary="查询（当即答复） / Search, answered at once", **SYNC)
def sync_search(request: HttpRequest, given: SearchIn) -> dict[str, Any]:
    """按身份证号（idtype-value）或条件（predicate、expression）查询，只答复用途允许、本人同意的人员和内容；查不到与不能告知的答复相同。"""
    return _sync(request, "search")

@router.post("/search", summary="查询（回调答复） / Search, answered by callback", **ASYNC)
def search(request: HttpRequest, given: SearchIn) -> dict[str, Any]:
    """答复送到登记的回调地址 /registry/on-search，带本系统签名。"""
    return _async(request, "search")

@router.post("/subscribe", summary="订阅变化 / Subscribe", **ASYNC)
def subscribe(request: HttpRequest, given: SubscribeIn) -> dict[str, Any]:
    """按身份证号或条件（predicate、expression）订阅；新符合、有变化、不再符合时通知到 /registry/notify。"""
    return _async(request, "subscribe")

@router.post("/unsubscribe", summary="取消订阅 / Unsubscribe", **ASYNC)
def unsubscribe(request: HttpRequest, given: UnsubscribeIn) -> dict[str, Any]:
    """按 subscription_codes 取消本单位的订阅。"""
    return _async(request, "unsubscribe")

@router.post("/txn/status", summary="办理状态（回调答复） / Status, by callback", **ASYNC)
def status(request: HttpRequest, given: StatusIn) -> dict[str, Any]:
    """答复送到 /registry/txn/on-status。"""
    return _async(request, "txn-status")

@router.post("/sync/txn/status", summary="办理状态（当即答复） / Status, at once", **SYNC)
def sync_status(request: HttpRequest, given: StatusIn) -> dict[str, Any]:
    """按 transaction_id、correlation_id 或 reference_id 查询本单位消息的结果，不含人员信息。"""
    return _sync(request, "txn-status")

@router.get("/jwks.json", response={200: Jwks, REFUSALS: ErrorOut}, summary="本系统的公钥 / Public key of this system", **needs(callbacks.RIGHT))
def jwks(request: HttpRequest) -> dict[str, Any]:
    """用来核对本系统的签名。"""
    return {"keys": [envelope.own_jwk()]}
