"""Statistics (统计): how many are helped by which programme where, and with how much; groups of fewer than five people have no figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja import Field, Query, Router, Schema

from doudi.api import statistics
from doudi.api.errors import REFUSALS, ApiError, ErrorOut
from doudi.api.rights import Caller, needs

router = Router()
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="月份 / month, as 2022-12")]


class StatisticsQuery(Schema):
    month: Month
    level: Annotated[Literal["province", "city", "county", "township"], Field(description="按哪一级汇总 / level of the places")] = "county"
    area: Annotated[str, Field(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?$", description="只看这一地区，默认令牌的地区 / within this place")] = ""
    after: Annotated[str, Field(pattern=r"^([0-9]{2,9} [a-z_]{2,20})?$", description="上一页最后一行：area 空格 programme / last row seen")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class FigureOut(Schema):
    """`amount`: yuan of the month. `suppressed`: fewer than five people, no figures."""

    area: str
    programme: str
    households: int | None
    people: int | None
    amount: Decimal | None
    suppressed: bool


@router.get("", response={200: list[FigureOut], REFUSALS: ErrorOut}, summary="保障统计 / Figures of assistance", **needs("statistics:read"))
def listed(request: HttpRequest, given: Query[StatisticsQuery]) -> list[dict[str, object]]:
    """当月生效的待遇按地区和项目汇总：户数、人数、金额（元）。少于 5 人的组不给数字。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    area = given.area or caller.area
    if not area.startswith(caller.area):
        raise ApiError(404, "not_found", _("没有这一地址或这一记录，或它不在令牌的范围内。"))
    return statistics.figures(month=date.fromisoformat(f"{given.month}-01"), level=given.level, area=area, after=given.after, limit=given.limit)
