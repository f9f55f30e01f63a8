"""What places set of the needs board: when a need is published by itself, how far is near, how much is enough for one volunteer and one place."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

PREFIX = "procedure.board."
BY_RULE, OFFER, SELF = PREFIX + "by_rule", PREFIX + "offer_by_rule", PREFIX + "self_take"
HOURS = {urgency: f"{PREFIX}publish_hours.{urgency}" for urgency in ("red", "orange", "yellow")}
AT_ONCE, EACH, PLACE, NO_SHOWS = PREFIX + "offers_at_once", PREFIX + "live_each", PREFIX + "live_place", PREFIX + "no_shows"
KM = [PREFIX + "km_village", PREFIX + "km_township", PREFIX + "km_county"]


def _p(name: str, label: object, unit: str, default: int, least: int, most: int) -> Procedure:
    return Procedure(name, label, unit, Decimal(default), "系统默认", False, least, most)  # type: ignore[arg-type]


declare(
    _p(BY_RULE, _("需求无人响应时自动公布（不含姓名、住址和电话）"), "switch", 1, 0, 1),
    _p(HOURS["red"], _("紧急需求登记多久后自动公布"), "hours", 0, 0, 72),
    _p(HOURS["orange"], _("较急需求登记多久后自动公布"), "hours", 4, 0, 240),
    _p(HOURS["yellow"], _("一般需求登记多久后自动公布"), "hours", 24, 0, 720),
    _p(OFFER, _("公布后自动按匹配顺序邀请志愿者"), "switch", 1, 0, 1),
    _p(AT_ONCE, _("每个名额同时邀请几名志愿者"), "number", 2, 1, 10),
    _p(SELF, _("核验过的志愿者可以直接接下公布的需求（否则报名后由工作人员确认）"), "switch", 1, 0, 1),
    _p(EACH, _("每名志愿者同时办理的需求上限"), "number", 3, 1, 20),
    _p(PLACE, _("同一村（社区）同时有多少名志愿者服务为限"), "number", 30, 1, 500),
    _p(NO_SHOWS, _("近半年未到几次后不再邀请、不能自行接单"), "times", 3, 1, 20),
    _p(KM[0], _("供需对接：同村（社区）按几公里计"), "number", 1, 0, 50),
    _p(KM[1], _("供需对接：同乡镇（街道）不同村按几公里计"), "number", 5, 1, 100),
    _p(KM[2], _("供需对接：同县不同乡镇按几公里计"), "number", 20, 1, 200),
)
