"""Channels that carry messages out of the system: DOUDI_MESSAGE_CHANNEL names that to phones (`file` by default, `sms`), DOUDI_STAFF_CHANNEL that to
officers (`file` by default, `mail`).

A channel is told the same parcel again where a worker was killed between sending and noting it: it sends by the parcel's id once.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from doudi.core.home import home, write_private

KEPT = ("id", "kind", "to", "language", "text")


class NotNow(RuntimeError):
    """The channel cannot take it now; it is tried again. The text holds no personal data."""


class Never(RuntimeError):
    """The channel will not take it, whenever. The text holds no personal data."""


class NoAddress(RuntimeError):
    """There is nowhere to send it, and that is no failure: an officer reads it on the page."""


@dataclass(frozen=True)
class Parcel:
    """`to`: phone number, or the name of an account (`address`: its mail address). `kind`: phone or account. `number`: what the channel calls it.

    `uncertain`: it may have been sent before, by a worker that was killed or without a readable answer. `told_at`: this attempt.
    """

    id: str
    kind: str
    to: str
    language: str
    text: str
    made_at: datetime
    address: str = ""
    number: str = ""
    uncertain: bool = False
    told_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """`number`: what the channel calls it, in reports. `parts`: how many messages it was cut into."""

    number: str = ""
    parts: int | None = None


@dataclass(frozen=True)
class Report:
    """What became of a message on its way (回执): by our `id` or the channel's `number`."""

    id: str
    number: str
    delivered: bool
    code: str = ""


class Channel(Protocol):
    """Beside `send` a channel may have `at_once` (calls beside each other) and `polls` with `status(parcel)`, which gives a Report or None."""

    def send(self, parcel: Parcel) -> Sent | None:
        """Send or hand over, once per id. Raises NotNow, Never, NoAddress."""


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
            write_private(target, {name: getattr(parcel, name) for name in KEPT} | {"made_at": parcel.made_at.isoformat()})
        except OSError as error:
            raise NotNow(error.strerror or type(error).__name__) from None


def _sms() -> Channel:
    from doudi.core.sms import SmsChannel

    return SmsChannel()


def _mail() -> Channel:
    from doudi.core.mail import MailChannel

    return MailChannel()


_known: dict[str, Any] = {"file": FileChannel, "sms": _sms, "mail": _mail}


def register(name: str, factory: Any) -> None:
    """Let a room offer a channel under a name."""
    _known[name] = factory


def name_in_use(kind: str) -> str:
    """The channel to phones (`phone`) or to officers (`account`)."""
    return os.environ.get("DOUDI_MESSAGE_CHANNEL" if kind == "phone" else "DOUDI_STAFF_CHANNEL") or "file"


def channel(name: str) -> Channel:
    """The channel of a name. Raises Never for one that there is not."""
    if name not in _known:
        raise Never("channel")
    return _known[name]()  # type: ignore[no-any-return]
