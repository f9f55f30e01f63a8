"""What the law and the place's own settings say: ceilings of one grant, how soon the explanation is owed, how long a stay lasts.

Ceilings come from the law (`temporary_assistance_ceiling`, `temporary_assistance_township_ceiling`, `temporary_assistance_times`) with the
settings that count on the day; a declared emergency multiplies the township's share, never beyond the ceiling itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import law
from doudi.core import emergencies
from doudi.core.models import Emergency
from doudi.core.parameters import Procedure, declare
from doudi.core.settings_overlay import get_setting, overlay
from doudi.relief.models import ReliefCase

EXPLAIN_DAYS = "procedure.relief.explanation_days"
REMIND_DAYS = "procedure.relief.remind_days"
ESCALATE_DAYS = "procedure.relief.escalate_days"
DECIDE_DAYS = "procedure.relief.decide_days"
EMERGENCY_TIMES = "procedure.relief.emergency_multiple"
STAY_DAYS = "procedure.vagrants.stay_days"
FUNERAL_MONTHS = "procedure.tekun.funeral_months"
declare(
    Procedure(EXPLAIN_DAYS, gettext_lazy("先行救助补充说明期限"), "working days", Decimal(10), "豫政〔2015〕32号", False, 1, 60),
    Procedure(REMIND_DAYS, gettext_lazy("先行救助补充说明提前提醒"), "working days", Decimal(2), "系统默认", False, 0, 30),
    Procedure(ESCALATE_DAYS, gettext_lazy("先行救助补充说明逾期督办间隔"), "working days", Decimal(3), "系统默认", False, 1, 30),
    Procedure(DECIDE_DAYS, gettext_lazy("临时救助审批期限"), "working days", Decimal(10), "国发〔2014〕47号", False, 1, 60),
    Procedure(EMERGENCY_TIMES, gettext_lazy("应急状态下乡镇审批上限倍数"), "multiple", Decimal(1), "系统默认", False, 1, 10, whole=False),
    Procedure(STAY_DAYS, gettext_lazy("流浪乞讨人员在站救助期限"), "days", Decimal(10), "国务院令第381号实施细则", False, 1, 60),
    Procedure(FUNERAL_MONTHS, gettext_lazy("特困人员丧葬费上限（基本生活标准月数）"), "months", Decimal(6), "国发〔2016〕14号", False, 0, 24),
)

OUTPUTS = ("temporary_assistance_ceiling", "temporary_assistance_township_ceiling", "temporary_assistance_times")


@dataclass(frozen=True)
class Ceilings:
    """Of one grant, yuan: what the township may decide, what the county may; grants within a year (None: no limit); settings used."""

    township: Decimal
    county: Decimal
    times: int | None
    settings: str
    emergency: Emergency | None
    multiple: Decimal


def _fen(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal("0.01"), ROUND_HALF_UP)


@lru_cache(maxsize=512)
def _of_law(county: str, kind: str, people: int, month: str, settings: law.Settings) -> tuple[float, float, float]:
    found = law.run(
        {"birth_date": [np.datetime64("1980-01-01")]},
        {"county": [county], "residence": ["urban"], "temporary_residents_in_need": [people], "temporary_assistance_type": [kind]},
        [0], [True], month, OUTPUTS, settings,
    )  # fmt: skip
    return tuple(float(found[name][0]) for name in OUTPUTS)  # type: ignore[return-value]


def ceilings(*, area: str, kind: str, people: int, on: date) -> Ceilings:
    """The ceilings of one grant where the emergency is, on a day. Raises ValidationError where the law knows no standard of the place."""
    settings = overlay(on)
    try:
        county, township, times = _of_law(area[:6], kind, people, f"{on:%Y-%m}", settings)
    except law.LawInputError as error:
        raise ValidationError(_("无法计算临时救助上限：%(why)s；请联系系统管理员核对行政区划。") % {"why": error}) from None
    if not county:
        raise ValidationError(_("当地没有可用的城市低保标准，无法计算临时救助上限；请先在“标准与参数”登记。"))
    declared = emergencies.in_force(area, on)
    multiple = get_setting(EMERGENCY_TIMES, area, on) if declared else Decimal(1)
    return Ceilings(
        township=min(_fen(county), (_fen(township) * multiple).quantize(Decimal("0.01"), ROUND_HALF_UP)),
        county=_fen(county),
        times=None if np.isnan(times) else int(times),
        settings=settings.hash,
        emergency=declared[0] if declared else None,
        multiple=multiple,
    )


def may_help_first(*, kind: str, emergency: bool) -> bool:
    """Relief first (先行救助, 3.2): of the emergency type always; of the expenditure type, which is verified first, only in a declared emergency."""
    return kind == ReliefCase.Kind.EMERGENCY or emergency


def emergency_effect(emergency: Emergency, on: date) -> str:
    """What a declared emergency changes in temporary assistance where it was declared."""
    place = emergency.places.order_by("area").values_list("area", flat=True).first() or "41"
    multiple = get_setting(EMERGENCY_TIMES, place, on)
    words: dict[str, Any] = {"days": int(get_setting(EXPLAIN_DAYS, place, on)), "times": f"{multiple.normalize():f}"}
    if multiple > 1:
        return _("急难型、支出型均可先行救助，%(days)s 个工作日内补充说明；乡镇审批上限为平时的 %(times)s 倍") % words
    return _("急难型、支出型均可先行救助，%(days)s 个工作日内补充说明；乡镇审批上限不变") % words
