"""Short ways to ask the law about one household in tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from doudi.batch.law import Settings, run
from doudi.batch.law.settings import system

HUOJIA, ZHONGMU, LUOYANG_RURAL = "410724", "410122", "410323"


def ask(month: str, variables: Any, settings: Settings | None = None, people: int = 1, **facts: Any) -> Any:
    """The value (or, for several people, the list) of one variable, or a dictionary of several; facts are input variables."""
    persons: dict[str, Any] = {"birth_date": ["1975-01-01"] * people}
    households: dict[str, Any] = {"county": [HUOJIA], "residence": ["urban"]}
    for name, value in facts.items():
        if system().variables[name].entity.key == "household":
            households[name] = [value]
        else:
            persons[name] = value if isinstance(value, list) else [value] * people
    names = [variables] if isinstance(variables, str) else variables
    results = run(persons, households, np.zeros(people, dtype=int), None, month, names, settings)
    values = {name: (result[0] if len(result) == 1 else list(result)) for name, result in results.items()}
    return values[variables] if isinstance(variables, str) else values


def laid(*rows: tuple[Any, ...], start: str = "2010-01-01") -> Settings:
    """Settings from (parameter, area, value) or (parameter, area, value, start)."""
    return Settings.of(
        {"parameter": row[0], "area": row[1], "value": row[2], "start": row[3] if len(row) > 3 else start, "document": "test"} for row in rows
    )
