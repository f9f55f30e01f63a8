"""Thresholds of linkage as settings (标准与参数): dated, by place (measures 1.2)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.batch.linkage import LINK, REVIEW, Thresholds
from doudi.core.parameters import Procedure, declare
from doudi.core.settings_overlay import confirmed_rows

PREFIX = "procedure.linkage."
VERIFY_DAYS = PREFIX + "verify_days"


def in_force(on: date) -> Thresholds:
    """Thresholds as places have confirmed them by a day, with the defaults under ""; one query."""
    rows = confirmed_rows(PREFIX, on)
    given = {
        name: {"": default} | {place: float(value) / 100 for place, value in rows.get(f"{PREFIX}{name}", {}).items()}
        for name, default in (("link", LINK), ("review", REVIEW))
    }
    return Thresholds(given["link"], given["review"])


def _share(name: str, label: object, default: float, least: float) -> Procedure:
    return Procedure(PREFIX + name, label, "per cent", Decimal(str(round(default * 100, 2))), "系统默认", True, least, 100, False)  # type: ignore[arg-type]


declare(
    _share("link", _("缺号数据：自动关联的最低把握"), LINK, 90),
    _share("review", _("缺号数据：提交人工核查的最低把握"), REVIEW, 1),
    Procedure(VERIFY_DAYS, _("疑似同一人：入户核实期限"), "working days", Decimal(5), "系统默认", False, 1, 60),
)
