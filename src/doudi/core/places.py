"""Names of divisions, kept in memory: a code's name never changes in place (integrity.md, recode)."""

from __future__ import annotations

from collections.abc import Iterable

from doudi.core.models import Division
from doudi.core.models.divisions import ancestors

PROVINCE = "41"

_names: dict[str, str] = {}


def preload(codes: Iterable[str]) -> None:
    """Read the names of all `codes` and of their ancestors with one query; pages with many rows call it once."""
    wanted = {part for code in codes if code for part in ancestors(code)} - _names.keys()
    if wanted:
        _names.update(Division.objects.filter(code__in=wanted).values_list("code", "name"))


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
