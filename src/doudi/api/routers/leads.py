"""Leads of other systems (线索报送): an institution, a portal or another hotline reports somebody in difficulty and hears how far it is (measures 1.3, 1.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status
from pydantic import BaseModel

from doudi.api.errors import REFUSALS, ErrorOut
from doudi.api.fields import KEY, LINES, PLAIN
from doudi.api.rights import Caller, needs
from doudi.discovery import lead_reports
from doudi.discovery.models import Lead, Need
from doudi.discovery.services import Subject

router = Router()

REFERENCE = r"[0-9A-Za-z._-]{1,40}"
NEEDS = tuple(Need.values)
Reference = Annotated[
    str, Field(pattern=f"^{REFERENCE}$", description="报送单位自己的编号，一个编号只登记一次 / the sender's own number, reported once")
]


class SubjectIn(BaseModel, extra="forbid"):
    """困难群众；知道多少填多少 / who is in difficulty, as far as known."""

    name: Annotated[str, Field(max_length=60, pattern=PLAIN)] = ""
    phone: Annotated[str, Field(pattern=r"^[0-9+ -]{0,20}$", description="本人或家人的电话 / of the person or family")] = ""
    id_number: Annotated[str, Field(pattern=r"^([0-9]{15}|[0-9]{17}[0-9Xx])?$", description="公民身份号码")] = ""
    registered_area: Annotated[str, Field(pattern=r"^([0-9]{6}([0-9]{3}){0,2})?$", description="户籍地行政区划代码")] = ""
    address: Annotated[str, Field(max_length=200, pattern=PLAIN, description="现住址")] = ""


class LeadIn(BaseModel, extra="forbid"):
    reference: Reference
    channel: Annotated[Literal["institution", "portal", "hotline"], Field(description="服务机构、网上申报、其他热线")]
    area: Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3}){0,2}$", description="所在县、乡镇或村的行政区划代码 / where the person is")]
    need: Annotated[Literal[NEEDS], Field(description="需求类别")]  # type: ignore[valid-type]
    text: Annotated[str, Field(min_length=4, max_length=2000, pattern=LINES, description="情况说明，加密保存 / what is known, stored encrypted")]
    urgency: Annotated[Literal["red", "orange", "yellow"], Field(description="红色、橙色、黄色")] = "yellow"
    subject: SubjectIn = SubjectIn()


class LeadOut(Schema):
    """`state`: received, working, passed_on (to another office), closed. What was decided about the people is not told."""

    reference: str
    number: str
    state: Literal["received", "working", "passed_on", "closed"]
    received_at: datetime
    closed_at: datetime | None
    new: bool


def _out(lead: Lead, *, new: bool = False) -> dict[str, object]:
    return {
        "reference": lead_reports.reference_of(lead), "number": lead.number, "state": lead_reports.progress(lead), "received_at": lead.signal_at,
        "closed_at": lead.closed_at, "new": new,
    }  # fmt: skip


@router.post(
    "", response={201: LeadOut, 200: LeadOut, REFUSALS: ErrorOut}, summary="报告一条救助线索 / Report somebody in difficulty",
    **needs("leads:report", parameters=[KEY]),
)  # fmt: skip
def report(request: HttpRequest, given: LeadIn) -> Status:
    """线索按紧急程度计时，自动分派给所在村（社区）。首次报告答复 201；同一 reference 再次报告答复 200，不另行登记、不改动原内容。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    lead, new = lead_reports.report(
        client=caller.client_id, reference=given.reference, channel=given.channel, area=given.area, need=given.need, text=given.text,
        urgency=given.urgency, subject=Subject(**given.subject.model_dump()), organisation=caller.organisation, now=timezone.now(),
    )  # fmt: skip
    return Status(201 if new else 200, _out(lead, new=new))


class Page(Schema):
    after: Annotated[str, Field(pattern=r"^(XS[0-9]{8}-[0-9]{6,12})?$", description="上一页最后一条的 number / number of the last one seen")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 100


@router.get("", response={200: list[LeadOut], REFUSALS: ErrorOut}, summary="本单位报告的线索 / One's own reports", **needs("leads:report"))
def listed(request: HttpRequest, given: Query[Page]) -> list[dict[str, object]]:
    """按报告先后列出本令牌报告的线索和办理进度。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return [_out(lead) for lead in lead_reports.reports(account_id=caller.account_id, after=given.after)[: given.limit]]


@router.get("/{str:reference}", response={200: LeadOut, REFUSALS: ErrorOut}, summary="一条线索的进度 / Progress of a report", **needs("leads:report"))
def show(request: HttpRequest, reference: Reference) -> dict[str, object]:
    """按本单位自己的编号查询；其他单位报告的线索与没有的编号答复相同。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    lead = lead_reports.find(client=caller.client_id, account_id=caller.account_id, reference=reference)
    if lead is None:
        raise Http404
    return _out(lead)
