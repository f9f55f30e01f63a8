"""From which month a programme is paid: data with its source, not code in services; a county sets its own as a dated setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from doudi.assessment.facts import month_after
from doudi.registry.models import Programme


class Start(TextChoices):
    MONTH_AFTER_DECISION = "month_after_decision", _("作出决定的次月起")
    MONTH_OF_APPLICATION = "month_of_application", _("提出申请的当月起")


@dataclass(frozen=True)
class StartRule:
    """`verified`: read in an official text (domain.md V); else an assumption that the pages mark."""

    start: Start
    reference: str
    verified: bool = True


START_RULES: dict[str, StartRule] = {
    Programme.DIBAO: StartRule(Start.MONTH_AFTER_DECISION, "豫民〔2022〕4号"),
    Programme.DIBAO_SINGLE: StartRule(Start.MONTH_AFTER_DECISION, "豫民〔2022〕4号"),
    Programme.TEKUN: StartRule(Start.MONTH_AFTER_DECISION, "豫民〔2021〕7号", verified=False),
    Programme.MARGINAL: StartRule(Start.MONTH_AFTER_DECISION, "豫民〔2022〕4号", verified=False),
    Programme.RIGID: StartRule(Start.MONTH_AFTER_DECISION, "《刚性支出困难家庭认定办法》", verified=False),
    Programme.ORPHAN: StartRule(Start.MONTH_AFTER_DECISION, "民发〔2010〕161号", verified=False),
    Programme.UNSUPPORTED_CHILD: StartRule(Start.MONTH_AFTER_DECISION, "民发〔2019〕62号", verified=False),
    Programme.DISABILITY_LIVING: StartRule(Start.MONTH_OF_APPLICATION, "国发〔2015〕52号"),
    Programme.DISABILITY_NURSING: StartRule(Start.MONTH_OF_APPLICATION, "国发〔2015〕52号"),
}


def start_parameter(programme: str) -> str:
    """The setting that says 1 for the month of application, 0 for the month after the decision."""
    return f"procedure.case.{programme}.start_month"


def start_at(programme: str, get: Callable[[str], Decimal]) -> str:
    """The start rule of a programme at a place (`get`: value of a parameter there on a day)."""
    return str((Start.MONTH_OF_APPLICATION if get(start_parameter(programme)) else Start.MONTH_AFTER_DECISION).value)


def first_month(start: str, *, applied_on: date, decided_on: date) -> date:
    """First month of an award under a start rule."""
    return applied_on.replace(day=1) if start == Start.MONTH_OF_APPLICATION else month_after(decided_on)
