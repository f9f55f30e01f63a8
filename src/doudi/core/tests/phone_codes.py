"""Codes to phones for tests of pages that send them. What is sent is committed beside the test's transaction: use a fresh phone in each test."""

from __future__ import annotations

from itertools import count

from doudi.core import numbers, places
from doudi.core import scope as scopes
from doudi.core.messaging import values_of
from doudi.core.models import Message
from doudi.core.numbers import Kind

_numbers = count(1)


def fresh_phone() -> str:
    """A mobile number that no other test of this run has."""
    return f"199{next(_numbers):08d}"


def codes_to(phone: str) -> list[str]:
    """The codes queued for a phone, the newest last."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE)):
        rows = Message.objects.filter(template="phone.code", phone=numbers.token_of(Kind.PHONE, phone)).order_by("pk")
        return [values_of(row)["code"] for row in rows]
