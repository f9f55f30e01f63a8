"""Fixtures of the tests of payments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doudi.payments import layouts
from doudi.payments.tests.world import Officers


@pytest.fixture
def officers() -> Officers:
    """The officers of a payroll."""
    return Officers()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layout in fen with two lines a file, so that a few lines make several."""
    monkeypatch.setitem(layouts.LAYOUTS, "bank_fen", replace(layouts.LAYOUTS["bank_fen"], most_lines=2))
