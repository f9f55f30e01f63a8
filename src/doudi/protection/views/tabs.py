"""The tabs of a case page: what each needs to be read, and what it shows. Other parts add theirs as panels of the page `protection_case` with a tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

from doudi.protection.models import ProtectionCase


@dataclass(frozen=True)
class Tab:
    """`section`: the section that one must be able to read; empty for all who see the case. `forms`: what was sent and refused, shown again."""

    code: str
    label: str | Promise
    section: str
    loader: Callable[[HttpRequest, ProtectionCase, datetime, dict[str, Any]], dict[str, Any]]
    template: str


TABS: dict[str, Tab] = {}


def add(tab: Tab) -> None:
    TABS[tab.code] = tab
