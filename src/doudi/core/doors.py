"""Doors of the public site (公众服务入口): what anybody can open without signing in. Each room adds its own; the portal shows them.

    doors.add("volunteer", _("志愿服务"), _("查看附近的需求信息，报名参加。"), "user-group", "volunteering:signup", order=40)

A room does so in `<room>/menu.py` (imported at start-up). The first four in order are the large doors of the first page, the others stand in its list.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

HOME = "portal:home"
LARGE = 4


@dataclass(frozen=True)
class Door:
    """`code` names it once; `hint` is a short sentence; `icon` a heroicon; `url_name` a page without arguments that needs no sign-in."""

    code: str
    label: str | Promise
    hint: str | Promise
    icon: str
    url_name: str
    order: int

    @property
    def url(self) -> str:
        return reverse(self.url_name)


_doors: dict[str, Door] = {}


def add(code: str, label: str | Promise, hint: str | Promise, icon: str, url_name: str, order: int = 100) -> None:
    """Add a door, or replace the one of the same code."""
    _doors[code] = Door(code, label, hint, icon, url_name, order)


def shown() -> tuple[list[Door], list[Door]]:
    """(large doors, the others), in order."""
    found = sorted(_doors.values(), key=lambda door: (door.order, door.code))
    return found[:LARGE], found[LARGE:]


def home() -> str | None:
    """Address of the public first page; None in a house without a portal."""
    try:
        return reverse(HOME)
    except NoReverseMatch:
        return None
