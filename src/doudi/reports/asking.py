"""What pages of reports are asked for: a place within the reader's, a counted month."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest
from django.utils import timezone

from doudi.core import places
from doudi.core import scope as scopes

TREND = 12
YEARS = 36
FIRST_YEAR, LAST_YEAR = 2000, 2099


def place_of(request: HttpRequest) -> str:
    """The place asked for, within the reader's; Http404 for another."""
    own = scopes.current().area
    asked = request.GET.get("area") or own
    if not (asked.isascii() and asked.isdigit()) or len(asked) not in (2, 4, 6, 9, 12) or not asked.startswith(own):
        raise Http404
    return asked


def month_of(request: HttpRequest, counted: list[date]) -> date:
    """The month asked for, else the latest that was counted, else this one; of the first years and the last there is nothing to ask."""
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        month = date.min
    if FIRST_YEAR <= month.year <= LAST_YEAR:
        return month
    return counted[0] if counted else timezone.localdate().replace(day=1)


def above(area: str) -> list[tuple[str, str]]:
    """(code, name) of the places from the reader's own down to this one."""
    own = scopes.current().area
    codes = [area[:length] for length in (2, 4, 6, 9, 12) if len(own) <= length <= len(area)]
    places.preload(codes)
    return [(code, places.name(code)) for code in codes]
