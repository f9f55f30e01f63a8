"""What discovery does every day and in every round of the worker."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.discovery import services


def escalate(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Overdue leads go up a level."""
    done = services.escalate(on=on, now=now, area=area)
    return {"escalated": done.escalated, "released": done.released}


periodic.daily("discovery.escalate", _("督办超期线索"), escalate, acts=["discovery.escalate"])
