"""Statistics (统计): how many are helped by which programme where, and with how much, as counted each night; exactly, and of the running month, by
`statistics:full` alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Field, Query, Router, Schema

from doudi.api import statistics
from doudi.api.errors import REFUSALS, ApiError, ErrorOut
from doudi.api.fields import Month
from doudi.api.rights import Caller, needs

router = Router()


class StatisticsQuery(Schema):
    month: Month
    level: Annotated[Literal["province", "city", "county", "township"], Field(description="按哪一级汇总 / level of the places")] = "county"
    area: Annotated[str, Field(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?$", description="只看这一地区，默认令牌的地区 / within this place")] = ""
    after: Annotated[str, Field(pattern=r"^([0-9]{2,9} [a-z_]{2,20})?$", description="上一页最后一行：area 空格 programme / last row seen")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class FigureOut(Schema):
    """`amount`: yuan paid in the month. `households`, `amount`: null where a programme has none. `suppressed`: a small group, or one that would tell of it.
    By statistics:read people and households are in tens, yuan in ten thousands."""

    area: str
    programme: str
    households: int | None
    people: int | None
    amount: Decimal | None
    suppressed: bool


@router.get("", response={200: list[FigureOut], REFUSALS: ErrorOut}, summary="保障统计 / Figures of assistance", **needs("statistics:read", "statistics:full"))
def listed(request: HttpRequest, given: Query[StatisticsQuery]) -> list[dict[str, object]]:
    """当月对象人数、户数和支出（元），按地区和项目，取自每晚的统计；当月还在统计的数字会变动。
    statistics:read 与公开数据一致：只给次月11日后已定的月份（之前答复 404 not_published），人数、户数四舍五入到十位，金额到万元，不给少于 10 人或 10 户的组和
    能据以推算的组；statistics:full 给当月和全部准确数字。没有统计过的月份答复 404 not_counted。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    area, month = given.area or caller.area, date.fromisoformat(f"{given.month}-01")
    if not area.startswith(caller.area):
        raise ApiError(404, "not_found", _("没有这一地址或这一记录，或它不在令牌的范围内。"))
    if statistics.counted_at(month=month, area=caller.area) is None:
        raise ApiError(404, "not_counted", _("这一月份还没有统计；当月和上月的数字每晚统计，请次日再查。"))
    full = "statistics:full" in caller.scopes
    if not full and not statistics.published(month, timezone.localdate()):
        raise ApiError(404, "not_published", _("这一月份的数字还没有公布；每月数据在次月11日后公布。"))
    return statistics.figures(month=month, level=given.level, own=caller.area, area=area, full=full, after=given.after, limit=given.limit)
