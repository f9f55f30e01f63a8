"""Calls of a call centre (来电): what its system reports while they ring, are answered and end (measures 1.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status
from pydantic import AwareDatetime, BaseModel

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.fields import KEY
from doudi.api.rights import Caller, needs
from doudi.discovery import hotline_queries
from doudi.discovery.models import Call
from doudi.discovery.services import hotline

router = Router()

Desk = Annotated[str, Field(pattern=r"^[0-9]{2}([0-9]{2}){0,2}$", description="受理台所在省、市、县的行政区划代码 / division code of the desk")]
External = Annotated[str, Field(pattern=r"^[!-~]{1,60}$", description="呼叫中心的通话编号 / the call centre's own id of the call")]


class CallEventIn(BaseModel, extra="forbid"):
    desk: Desk
    external: External
    event: Annotated[Literal["ringing", "answered", "ended", "missed"], Field(description="振铃、接听、结束、未接")]
    at: Annotated[AwareDatetime, Field(description="发生时间，含时区，如 2022-12-06T10:30:00+08:00 / when, with time zone")]
    phone: Annotated[str, Field(pattern=r"^[0-9+ -]{0,20}$", description="来电号码；不显示号码的留空 / caller's number, empty where withheld")] = ""


class CallOut(Schema):
    """`registered`: an operator has written down what the call was about. Nothing about the caller or the matter comes back."""

    number: str
    desk: str
    external: str
    state: str
    rang_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    registered: bool
    call_back_due: datetime | None


def _out(call: Call, desk: str) -> dict[str, object]:
    fields = ("number", "external", "state", "rang_at", "answered_at", "ended_at")
    return {name: getattr(call, name) for name in fields} | {
        "desk": desk, "registered": bool(call.outcome), "call_back_due": hotline_queries.call_back_due(call),
    }  # fmt: skip


@router.post(
    "",
    response={200: CallOut, REFUSALS: ErrorOut},
    summary="报告一通来电的变化 / Report what happened to a call",
    **needs("calls:write", parameters=[KEY]),
)
def report(request: HttpRequest, given: CallEventIn) -> Status:
    """来电振铃、接听、结束或未接时各报一次；重复、迟到、乱序的报告不会改动已有的进展。未接来电自动列入回电清单。"""
    call = hotline.call_event(desk_area=given.desk, external=given.external, event=given.event, phone=given.phone, at=given.at, now=timezone.now())
    return Status(200, _out(call, given.desk))


class CallQuery(Schema):
    desk: Desk
    external: External


@router.get("", response={200: CallOut, REFUSALS: ErrorOut}, summary="一通来电的状态 / State of a call", **needs("calls:write"))
def show(request: HttpRequest, given: Query[CallQuery]) -> dict[str, object]:
    """按受理台和呼叫中心的通话编号查询。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    call = hotline_queries.call_of_centre(desk_area=given.desk, external=given.external) if given.desk.startswith(caller.area) else None
    if call is None:
        raise Http404
    return _out(call, given.desk)
