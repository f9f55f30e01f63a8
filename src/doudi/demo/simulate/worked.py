"""One desk: rows worked off one by one, each in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from doudi.demo.simulate.life import Life

Desk = Callable[[Life, date, datetime], tuple[int, int]]
"""(month, day, what has waited since before then) -> (dealt with, refused)."""


def worked(rows: Iterable[Any], act: Callable[[Any], Any]) -> tuple[int, int]:
    """(dealt with, refused by its rules): what is refused waits for an officer who looks closer."""
    done = left = 0
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
            done += 1
        except (ValidationError, PermissionDenied):
            left += 1
    return done, left
