"""Who could answer a need: rooms suggest whom they know (care contacts, shops of a service plan, volunteers), best first.

answerers.add("community.contacts", lambda need: [Suggestion("contact", "王芳", account_id=7, note="帮扶责任人")])

A room that keeps a register of answerers (`external_id`) may hold its own rules over them, whichever way they are asked:

answerers.register("volunteer", check=may_answer, changed=note)   # check(need, answer, now) raises ValidationError; changed(need, answer, now)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from doudi.needs.models import Need, NeedAnswer


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


Rule = Callable[["Need", "NeedAnswer", datetime], None]
_registers: dict[str, tuple[Rule, Rule]] = {}


def register(kind: str, *, check: Rule, changed: Rule) -> None:
    """Hold a room's rules over answers of a kind that name somebody of its register. Both are called under the lock of the need, in its transaction.

    `check` before one is made (not saved yet, no `pk`) and before one is accepted; `changed` after one was made or went to another state.
    """
    _registers[kind] = (check, changed)


def check(need: Need, answer: NeedAnswer, now: datetime) -> None:
    """Raises ValidationError where the register does not let its own answer."""
    if answer.external_id is not None and answer.kind in _registers:
        _registers[answer.kind][0](need, answer, now)


def changed(need: Need, answer: NeedAnswer, now: datetime) -> None:
    if answer.external_id is not None and answer.kind in _registers:
        _registers[answer.kind][1](need, answer, now)
