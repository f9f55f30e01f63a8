"""Statements of comparisons, kept in this process. Ibis takes seconds to write what the engine then runs in a fraction of one: a household's data
check is almost nothing but that. A comparison of the same shape runs the statements of the one before.

A shape is everything that words depend on: the indicators with their figures, which datasets have come (once or more often), their columns; the day
only where the engine cannot be told it by name. What is in the files is not part of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Any, NamedTuple

MOST = 64
"""Plans that are kept: a province's thresholds differ by county, an authorisation may cover some datasets only."""


class Step(NamedTuple):
    """`rows`, `links`, `files`: a source of that name is to be there (`of`: datasets); `keep`: a table made by `sql`; `leads`: the leads of the
    indicator `name`; `moment`: a day that statements name (`of`: what of `MOMENTS`, and how many)."""

    what: str
    name: str
    of: tuple[str, ...] = ()
    sql: str = ""


class Plans:
    """The newest plans by their shape."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._kept, self._lock = most, OrderedDict[Hashable, tuple[Step, ...]](), Lock()

    def get(self, shape: Hashable) -> tuple[Step, ...] | None:
        with self._lock:
            if shape in self._kept:
                self._kept.move_to_end(shape)
            return self._kept.get(shape)

    def put(self, shape: Hashable, steps: tuple[Step, ...]) -> None:
        with self._lock:
            self._kept[shape] = steps
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)


def frozen(value: Any) -> Hashable:
    """Figures as a part of a shape. Written out: 1, 1.0 and True are equal, but not the same words."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, frozen(each)) for key, each in value.items()))
    return repr(value)
