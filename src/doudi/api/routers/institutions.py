"""Daily reports of institutions by their own systems (机构日报): the same report twice is one, a correction keeps what was before (measure 6.1)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Field, Query, Router, Schema, Status
from pydantic import BaseModel

from doudi.api.errors import REFUSALS, ApiError, ErrorOut
from doudi.api.fields import KEY, LINES
from doudi.api.rights import needs
from doudi.institutions import services
from doudi.institutions.figures import FIGURES
from doudi.institutions.models import DailyReport, Institution
from doudi.institutions.services import Left

router = Router()

Code = Annotated[str, Field(pattern=r"^[0-9A-Z]{6,18}$", description="机构代码（统一社会信用代码） / code of the institution")]
Count = Annotated[int, Field(ge=0, le=10000)]
Quantity = Annotated[Decimal, Field(ge=0, le=9_999_999, max_digits=9, decimal_places=2)]


class FiguresIn(BaseModel, extra="forbid"):
    """各项含义与填报页面相同 / as on the page for clerks."""

    residents: Annotated[Count, Field(description="在院人数 / residents present")]
    away: Annotated[Count, Field(description="请假、住院人数 / on leave or in hospital, bed kept")] = 0
    staff: Annotated[Count, Field(le=5000, description="在册工作人员 / staff on the rolls")]
    staff_on_site: Annotated[Count, Field(le=5000, description="在岗工作人员 / staff on site")]
    symptoms_residents: Count = 0
    symptoms_staff: Count = 0
    tested: Annotated[Count, Field(description="当日检测人数 / tested that day")] = 0
    positive_residents: Annotated[Count, Field(description="当日新增阳性入住人员 / residents found positive that day")] = 0
    positive_staff: Count = 0
    isolated_residents: Annotated[Count, Field(description="隔离观察中 / in isolation now")] = 0
    isolated_staff: Count = 0
    to_hospital: Annotated[Count, Field(description="当日转院就医 / sent to hospital that day")] = 0
    deaths: Annotated[Count, Field(description="当日去世 / died that day")] = 0


class SupplyIn(BaseModel, extra="forbid"):
    item: Annotated[str, Field(pattern=r"^[0-9a-z_]{1,20}$", description="物资目录代码 / code of the list of supplies")]
    quantity: Annotated[Quantity, Field(description="剩余数量 / left")]
    daily_use: Annotated[Quantity, Field(description="每天用量 / used a day")] = Decimal(0)


class ReportIn(BaseModel, extra="forbid"):
    code: Code
    on: Annotated[date, Field(description="日期，今天或此前七天之内 / the day, today or one of the seven before")]
    figures: FiguresIn
    supplies: Annotated[list[SupplyIn], Field(max_length=100)] = []
    incidents: Annotated[str, Field(max_length=2000, pattern=LINES, description="突发情况，加密保存 / incidents, stored encrypted")] = ""
    reason: Annotated[str, Field(max_length=200, pattern=LINES, description="更正原因；已报过的日期必填 / reason of a correction")] = ""


class ReportOut(Schema):
    """`revision`: 1 for the first report of the day, one more for each correction. `risk`: what the house is at after it."""

    code: str
    on: date
    revision: int
    new: bool
    reported_at: datetime
    figures: dict[str, int]
    risk: Literal["", "yellow", "orange", "red"]
    risk_reasons: list[str]


def _out(row: DailyReport, *, new: bool) -> dict[str, object]:
    house = Institution.objects.get(pk=row.institution_id)
    return {
        "code": house.code, "on": row.on, "revision": row.revision, "new": new, "reported_at": row.made_at,
        "figures": {figure.name: getattr(row, figure.name) for figure in FIGURES}, "risk": house.risk, "risk_reasons": house.risk_reasons,
    }  # fmt: skip


def _missing() -> Exception:
    """Not there, or not the client's; a client for which no institution was entered hears that, or it would look for the fault in its codes."""
    if Institution.objects.exists():
        return Http404()
    return ApiError(404, "no_institutions", _("令牌还没有可上报的机构；请系统管理员在“接口客户端”页面填写机构代码。"))


@router.post(
    "/reports", response={201: ReportOut, 200: ReportOut, REFUSALS: ErrorOut}, summary="上报机构日报 / Report a day of an institution",
    **needs("institutions:report", parameters=[KEY]),
)  # fmt: skip
def report(request: HttpRequest, given: ReportIn) -> Status:
    """首次上报和更正答复 201；内容相同的再次上报答复 200，不另行登记。同一天内容不同的是更正，须写明 reason，原报告保留。"""
    house = Institution.objects.filter(code=given.code).values_list("pk", flat=True).first()
    if house is None:
        raise _missing()
    row, new = services.report_day(
        institution_id=house, on=given.on, figures=given.figures.model_dump(), incidents=given.incidents, reason=given.reason,
        supplies={each.item: Left(each.quantity, each.daily_use) for each in given.supplies}, channel=DailyReport.Channel.API, now=timezone.now(),
    )  # fmt: skip
    return Status(201 if new else 200, _out(row, new=new))


class ReportQuery(Schema):
    code: Code
    on: date


@router.get("/reports", response={200: ReportOut, REFUSALS: ErrorOut}, summary="一天的机构日报 / Report of a day", **needs("institutions:report"))
def show(request: HttpRequest, given: Query[ReportQuery]) -> dict[str, object]:
    """按机构代码和日期查询现行的一份；没有上报的和不在本令牌范围内的答复相同。"""
    row = DailyReport.objects.filter(institution__code=given.code, on=given.on, superseded_at__isnull=True).first()
    if row is None:
        raise _missing()
    return _out(row, new=False)
