"""Channels that carry messages out of the system. The default writes files; others are named by DOUDI_MESSAGE_CHANNEL.

A channel is told the same parcel again where a worker was killed between sending and noting it: it sends by the parcel's id once.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from doudi.core.home import home, write_private


class NotNow(RuntimeError):
    """The channel cannot take it now; it is tried again. The text holds no personal data."""


class Never(RuntimeError):
    """The channel will not take it, whenever. The text holds no personal data."""


@dataclass(frozen=True)
class Parcel:
    """`to`: phone number, or the name of an account. `kind`: phone or account."""

    id: str
    kind: str
    to: str
    language: str
    text: str
    made_at: datetime


class Channel(Protocol):
    def send(self, parcel: Parcel) -> None:
        """Send or hand over, once per id. Raises NotNow, Never."""


class FileChannel:
    """One file per message under DOUDI_HOME/messages/<day>/<id>.json, mode 0600: written again, it has the same name and content."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def path(self, parcel: Parcel) -> Path:
        if not re.fullmatch("[0-9]{1,20}", parcel.id):
            raise Never("id")
        return (self._folder or home() / "messages") / f"{parcel.made_at:%Y%m%d}" / f"{parcel.id}.json"

    def send(self, parcel: Parcel) -> None:
        target = self.path(parcel)
        try:
            for folder in (target.parent.parent, target.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            write_private(target, {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(parcel).items()})
        except OSError as error:
            raise NotNow(error.strerror or type(error).__name__) from None


_known: dict[str, Any] = {"file": FileChannel}


def register(name: str, factory: Any) -> None:
    """Let a room offer a channel under a name."""
    _known[name] = factory


def name_in_use() -> str:
    return os.environ.get("DOUDI_MESSAGE_CHANNEL", "file")


def channel(name: str) -> Channel:
    """The channel of a name. Raises Never for one that there is not."""
    if name not in _known:
        raise Never("channel")
    return _known[name]()  # type: ignore[no-any-return]
