"""What this room does every round and every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.resources.services import answering, register


def ask(*, now: datetime) -> dict[str, int]:
    """Recipients are asked whether what was recorded is so; one query by index where nothing waits."""
    return {"asked": answering.send_codes(now=now)}


def remind(*, area: str, on: date, now: datetime) -> dict[str, int]:
    return register.remind(area=area, on=on, now=now)


periodic.every_round("resources.ask", ask)
periodic.daily(
    "resources.remind",
    _("社会资源核实提醒"),
    remind,
    level=6,
    acts=frozenset({"resources.remind"}),
    figures={"ended": _("到期撤下"), "told": _("待核实")},
)
