"""Where needs come from in other rooms (a visit, a call, a case): each room names its own, so that a need can lead back to it.

sources.add("visit", model=Visit, act="visits.view", url_name="discovery:visit", about=lambda visit: About(household=visit.household_id))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.urls import reverse

from doudi.core import duties


@dataclass(frozen=True)
class About:
    """Whose need it is: a person or household of the registry, an institution, or a place (`area`) alone.

    `kinds`, `what`: what the source already says is missing, to begin a form with.
    """

    person: int | None = None
    household: int | None = None
    institution: int | None = None
    area: str = ""
    kinds: Iterable[str] = ()
    what: str = ""


@dataclass(frozen=True)
class Origin:
    model: type[models.Model]
    act: str
    url_name: str
    about: Callable[[Any], About]


_known: dict[str, Origin] = {}


def add(source: str, *, model: type[models.Model], act: str, url_name: str, about: Callable[[Any], About]) -> None:
    """Let needs come from rows of `model`; `act` opens its page. Raises KeyError for an act that there is not."""
    if act not in duties.MAY:
        raise KeyError(act)
    _known[source] = Origin(model, act, url_name, about)


def about(source: str, source_id: int) -> About | None:
    """What a row that the officer sees is about; None for a source without rows and for what is not visible."""
    origin = _known.get(source)
    row = origin.model._default_manager.filter(pk=source_id).first() if origin else None
    return origin.about(row) if origin and row is not None else None


def url(source: str, source_id: int | None) -> str:
    """Address of the row's page for an officer who may open it; empty otherwise."""
    origin = _known.get(source)
    if origin is None or source_id is None or not duties.may(origin.act) or not origin.model._default_manager.filter(pk=source_id).exists():
        return ""
    return reverse(origin.url_name, args=[source_id])
