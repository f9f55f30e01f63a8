"""Statements made once: a QuerySet is put into words at its first use; later uses fill in other values.

    @prepared
    def _running(household: int, on: date) -> QuerySet[Award]:
        return Award.objects.filter(household=household, starts__lte=on).select_related("decision").order_by("-starts")

    rows = _running(household.pk, today)      # list[Award]

Making a QuerySet and its text takes longer than PostgreSQL needs for most statements of a page. Only text is kept, never a row: every use asks the
database under its own scope. Arguments are numbers, texts, days, moments, tokens, or short lists of them. What they become in the statement is found
by building it twice with marks in their place, so the function must pass them on as they are and look at nothing else: not at them, the clock or the
scope. TypeError (or NoScope) where it does: a value worked out, a day of its own. None, empty and long lists, which change the text, are asked the long way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from doudi.core import scope as scopes

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
R = TypeVar("R")

LONGEST = 32
"""Longer lists are asked the long way: each length is a text of its own."""
MOST = 1 << 63


@dataclass(frozen=True)
class _Text:
    """One text: where each argument goes. A place of `slots` is (None, constant) or (number of the argument or list element, type to wrap it in)."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    slots: tuple[tuple[int | None, Any], ...]


def _shape(value: Any) -> Any:
    """What of an argument changes the text, None where this argument must be asked the long way."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int if -MOST <= value < MOST else None
    if isinstance(value, str):
        return str
    if isinstance(value, datetime | date | UUID):
        return type(value)
    if isinstance(value, list | tuple):
        inside = {_shape(each) for each in value}
        if len(inside) == 1 and len(value) <= LONGEST and isinstance(kind := inside.pop(), type):
            return (kind, len(value))
    return None


def _mark(shape: Any, number: int, turn: int) -> Any:
    """A value of this shape that nobody uses; of the second turn another one."""
    at = 20 * number + turn
    if shape is int:
        return 2_000_000_011 + at
    if shape is str:
        return f"\ue000{at}\ue000"
    if shape is date:
        return date(1801, 1, 1) + timedelta(days=at)
    if shape is datetime:
        return datetime(1801, 1, 1, 1, 1, 1, 1, tzinfo=UTC) + timedelta(days=at)
    if shape is UUID:
        return UUID(int=0xD0D1 << 100 | at)
    return shape  # a truth value stands in the text itself


def _flat(values: list[Any]) -> list[Any]:
    return [each for value in values for each in (value if isinstance(value, list | tuple) else [value])]


def _made(build: Callable[..., QuerySet[Any, Any]], shapes: list[Any], names: tuple[str, ...]) -> _Text | None:
    """The text for arguments of these shapes; None where it depends on more than that."""
    turns = []
    for turn in (0, 1):
        number, marks = 0, []
        for shape in shapes:
            many = isinstance(shape, tuple)
            fresh = [_mark(shape[0] if many else shape, number + n, turn) for n in range(shape[1] if many else 1)]
            number += len(fresh)
            marks.append(fresh if many else fresh[0])
        plain = len(marks) - len(names)
        with scopes.unread():
            queryset = build(*marks[:plain], **dict(zip(names, marks[plain:], strict=True)))
            if queryset._prefetch_related_lookups:  # type: ignore[attr-defined]
                raise TypeError(f"{build.__qualname__}: prefetch the rows afterwards")
            compiler = queryset.query.get_compiler(queryset.db)
            try:
                sql, params = compiler.as_sql()
            except (EmptyResultSet, FullResultSet):
                return None
        turns.append((queryset, compiler, sql, params, _flat(marks)))
    (queryset, compiler, sql, first, marks), (_again, _other, same, second, others) = turns
    if sql != same or len(first) != len(second):
        raise TypeError(f"{build.__qualname__}: its text depends on what it is asked with")
    slots: list[tuple[int | None, Any]] = []
    for one, two in zip(first, second, strict=True):
        at = next((n for n, mark in enumerate(marks) if not isinstance(mark, bool) and type(one) is type(two) and one == mark and two == others[n]), None)
        if at is None and (one != two or isinstance(one, date)):
            raise TypeError(f"{build.__qualname__}: a value is worked out, or is no argument: {one!r}")
        slots.append((None, one) if at is None else (at, None if type(one) is type(marks[at]) else type(one)))
    return _Text(queryset, compiler, sql, tuple(slots))


def _asked(text: _Text, values: list[Any]) -> list[Any]:
    given = _flat(values)
    params = tuple(kind if at is None else given[at] if kind is None else kind(given[at]) for at, kind in text.slots)
    rows = text.queryset._chain()  # type: ignore[attr-defined]
    compiler = copy.copy(text.compiler)
    compiler.connection = connections[rows.db]
    compiler.as_sql = lambda *_args, **_more: (text.sql, params)  # type: ignore[method-assign]
    rows.query.get_compiler = lambda *_args, **_more: compiler
    return list(rows)


def prepared(build: Callable[P, QuerySet[M, R]]) -> Callable[P, list[R]]:
    """The function as one that gives the rows, its text made once for each shape of arguments."""
    texts: dict[Any, _Text | None] = {}

    @wraps(build)
    def ask(*args: P.args, **more: P.kwargs) -> list[R]:
        values, names = [*args, *more.values()], tuple(more)
        shapes = [_shape(value) for value in values]
        if None in shapes:
            return list(build(*args, **more))
        key = (names, *shapes)
        if key not in texts:
            texts[key] = _made(build, shapes, names)
        text = texts[key]
        return list(build(*args, **more)) if text is None else _asked(text, values)

    return ask
