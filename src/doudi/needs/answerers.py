"""Who could answer a need: rooms suggest whom they know (care contacts, shops of a service plan, volunteers), best first.

answerers.add("community.contacts", lambda need: [Suggestion("contact", "王芳", account_id=7, note="帮扶责任人")])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from doudi.needs.models import Need


@dataclass(frozen=True)
class Suggestion:
    """`kind`: of `NeedAnswer.Kind`. `account_id` for somebody who signs in, else `phone` (a token) to call; `external_id` in the register of their room."""

    kind: str
    name: str
    account_id: int | None = None
    phone: UUID | None = None
    external_id: int | None = None
    note: str = ""

    @property
    def key(self) -> str:
        return f"a{self.account_id}" if self.account_id else f"{self.kind}-{self.external_id or self.name}"


_known: dict[str, Callable[[Need], Iterable[Suggestion]]] = {}


def add(name: str, suggest: Callable[[Need], Iterable[Suggestion]]) -> None:
    """Register a room's suggestions; the function bounds its queries."""
    _known[name] = suggest


def suggest(need: Need) -> list[Suggestion]:
    """All suggestions, each answerer once."""
    found: dict[str, Suggestion] = {}
    for function in _known.values():
        for each in function(need):
            found.setdefault(each.key, each)
    return list(found.values())
