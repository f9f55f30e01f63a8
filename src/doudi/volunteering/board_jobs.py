"""What the needs board does by itself: publish by rule, ask the next ones, end calls whose time is over."""

from __future__ import annotations

from datetime import datetime

from doudi.core import periodic, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.volunteering.services import board
from doudi.volunteering.services.board import register
from doudi.volunteering.services.board.base import ASKING


def round_(*, now: datetime) -> dict[str, int]:
    """Every round of the worker; safe to repeat, and by two workers at once."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="worker board", acts=ASKING)):
        published = board.publish_by_rule(now=now)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="worker board", acts=ASKING)):
        ended = board.end_calls(now=now)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="worker board", acts=ASKING)):
        return {"published": published, "ended": ended, **board.run_offers(now=now)}


register.join()
periodic.every_round("volunteering.board", round_)
