"""While migrations run as the owner, what they write without naming a connection goes to the owner too.

Some libraries' data migrations use the default connection: there it would wait for ever behind the owner's own locks.
"""

from __future__ import annotations

from typing import Any

_migrating: str | None = None


def begin(using: str, **_kwargs: Any) -> None:
    """Receiver of pre_migrate."""
    global _migrating
    _migrating = using


def end(**_kwargs: Any) -> None:
    """Receiver of post_migrate."""
    global _migrating
    _migrating = None


class OwnerWhileMigrating:
    """Database router: silent except between pre_migrate and post_migrate."""

    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return _migrating

    def db_for_write(self, model: Any, **_hints: Any) -> str | None:
        return _migrating
