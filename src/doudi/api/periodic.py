"""What the API does every day."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.api import services
from doudi.api.spdci import callbacks, watching
from doudi.core import periodic


def forget(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Old call logs and answers go."""
    return {"removed": services.forget(now=now)}


periodic.daily("api.forget", _("清理过期的接口调用记录"), forget, figures={"removed": _("已清理")})
periodic.every_round("api.spdci.look", watching.look)
periodic.every_round("api.spdci.callbacks", callbacks.deliver_due, quick=True)
