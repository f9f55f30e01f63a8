"""People and households for tests, arranged through the services."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.registry import services
from doudi.registry.models import Household

ON, NOW = date(2022, 11, 25), datetime(2022, 11, 25, 2, tzinfo=UTC)
VILLAGE, OTHER_VILLAGE = "410122001001", "410122001003"
ELSEWHERE = "410102001002"
_sequence = count(101)


def id_number(born: date = date(1960, 5, 4), *, male: bool = True, division: str = "410122") -> str:
    """A valid number that no other call gave."""
    number = next(_sequence)
    first = f"{division}{born:%Y%m%d}{(number * 2 + (1 if male else 0)) % 1000:03d}"
    return first + check_character(first)


def household(
    scope: scopes.Scope, *, area: str = VILLAGE, name: str = "王建国", members: list[dict[str, Any]] | None = None, **head: Any
) -> Household:
    """A household registered by `scope`; its head is a man of 1960 with an ID number unless said otherwise."""
    values = {"name": name, "id_number": id_number(), **head}
    with scopes.acting(scope):
        return services.register_household(area=area, residence="rural", address="东街3号", head=values, members=members or [], on=ON, now=NOW)
