"""One desk: what waits at it, rows worked off one by one, each in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from doudi.core.models import Todo
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


def total(*found: tuple[int, int]) -> tuple[int, int]:
    """Of several rounds of `worked`."""
    return sum(each[0] for each in found), sum(each[1] for each in found)


def subjects(kind: str) -> list[int]:
    """Subjects of the open to-dos of a kind, within the scope."""
    return list(Todo.objects.filter(kind=kind, done_at__isnull=True).values_list("subject_id", flat=True))
