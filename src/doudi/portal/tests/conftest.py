from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from django.test import Client

from doudi.portal.views.base import forget

_networks = count(1)


@pytest.fixture
def visitor() -> Client:
    """Somebody at a network of their own: sendings are counted for good, over the tests' rolled-back transactions."""
    number = next(_networks)
    return Client(REMOTE_ADDR=f"10.{number // 250}.{number % 250}.7")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Pages are kept for a minute: a test sees none of another one's."""
    forget()
    yield
    forget()
