"""What `doudi doctor` looks at. A room adds its own check in its `AppConfig.ready`: `checks_registry.add(my_check)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its name, how it is, and what to do (Chinese)."""

    name: str
    state: State
    message: str


Check = Callable[[datetime], Iterable[Finding]]
_checks: list[Check] = []
_of_running: set[Check] = set()


def add(check: Check) -> Check:
    """Register a check: called with the time now, outside any scope and transaction. Usable as a decorator."""
    if check not in _checks:
        _checks.append(check)
    return check


def add_running(check: Check) -> Check:
    """Register a check of a system at work, not of its data: what was just restored is not asked. Usable as a decorator."""
    _of_running.add(check)
    return add(check)


def run(now: datetime, *, restored: bool = False) -> Iterator[Finding]:
    """All findings. A check that breaks is a finding itself, so that the others still run."""
    for check in _checks:
        if restored and check in _of_running:
            continue
        try:
            yield from check(now)
        except Exception as error:
            yield Finding(check.__name__, "error", f"检查未能完成：{type(error).__name__}: {error}")
