"""The demo's clock: its county lives in December 2022, so the pages of a demo say so and count from there.

Only a data folder that `doudi demo` made has the file; everywhere else time is what it is. Rules and services never read a
clock (architecture, decision 10): views, commands and tasks do, through `django.utils.timezone`, which is set back here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from django.utils import timezone

from doudi.core.home import home


def _file() -> Path:
    return home() / "demo" / "clock"


def set_back(to: datetime) -> None:
    """Let the time of this data folder begin at `to` now; kept as it is where it was set before."""
    if not _file().exists():
        _file().parent.mkdir(mode=0o700, exist_ok=True)
        _file().write_text(str((to - datetime.now(UTC)).total_seconds()))
    install()


def move_to(to: datetime) -> None:
    """Let the time of a demo's data folder be `to` now (the simulation's months); refused where `set_back` never made one."""
    if not _file().exists():
        raise ValueError("not a demo's data folder")
    beside = _file().with_name("clock.new")
    beside.write_text(str((to - datetime.now(UTC)).total_seconds()))
    beside.replace(_file())
    install()


def shift() -> timedelta | None:
    """How far the clock of this data folder is set back, or None."""
    try:
        return timedelta(seconds=float(_file().read_text()))
    except (FileNotFoundError, ValueError):
        return None


def install() -> None:
    """Called when Django starts. `timezone.now` stays the same function (models name it as a default): only its source moves."""
    found = shift()
    if found is None:
        return
    moved: timedelta = found

    class AnyMoment(type):
        """Templates ask this module's `datetime` whether a value is a moment to show in local time: every one is, not this kind alone."""

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class SetBack(datetime, metaclass=AnyMoment):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + moved

    timezone.datetime = SetBack  # type: ignore[attr-defined]
