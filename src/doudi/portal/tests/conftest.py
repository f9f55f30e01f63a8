from __future__ import annotations

from itertools import count

import pytest
from django.test import Client

_networks = count(1)


@pytest.fixture
def visitor() -> Client:
    """Somebody at a network of their own: sendings are counted for good, over the tests' rolled-back transactions."""
    number = next(_networks)
    return Client(REMOTE_ADDR=f"10.{number // 250}.{number % 250}.7")
