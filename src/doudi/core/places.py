"""Names of divisions, kept in memory: a code's name never changes in place (integrity.md, recode)."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from doudi.core.models import Division
from doudi.core.models.divisions import ancestors

PROVINCE = "41"

# a code without a division is asked for again after this many seconds
UNKNOWN = 60.0
_names: dict[str, str] = {}
_unknown: dict[str, float] = {}


def preload(codes: Iterable[str]) -> None:
    """Read the names of all `codes` and of their ancestors with one query; pages with many rows call it once."""
    now = monotonic()
    wanted = {part for code in codes if code for part in ancestors(code)} - _names.keys()
    wanted = {part for part in wanted if _unknown.get(part, 0.0) < now}
    if wanted:
        _names.update(Division.objects.filter(code__in=wanted).values_list("code", "name"))
        if len(_unknown) > 10_000:
            _unknown.clear()
        _unknown.update(dict.fromkeys(wanted - _names.keys(), now + UNKNOWN))


def name(code: str) -> str:
    """Name of one division; the code itself where it is not known."""
    preload([code])
    return _names.get(code, code)


def path(code: str, *, above: int = 0) -> list[str]:
    """Names from the province down to `code`. `above` leaves out levels whose code is that short (4: province and city)."""
    preload([code])
    return [_names.get(part, part) for part in ancestors(code) if len(part) > above]


def children(code: str) -> list[tuple[str, str]]:
    """(code, name) of the divisions directly below, today's ones, in the order of the codes."""
    rows = list(Division.objects.filter(parent_id=code, ends__isnull=True).order_by("code").values_list("code", "name"))
    _names.update(rows)
    return rows
