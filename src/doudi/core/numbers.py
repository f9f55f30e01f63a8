"""Sensitive numbers and their tokens, under this deployment's keys (architecture, decision 5).

The one bridge between `core.keys` (where the keys come from) and `batch.tokens` (what they do). Opening a token is a
reveal: callers that show the number write an access record first (`core.audit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa

from doudi.batch.tokens import Keyring, Kind, TokenKey
from doudi.core import keys


def keyring() -> Keyring:
    """Token key and data keys for batch work."""
    return keys.keyring()


def token_key() -> TokenKey:
    return keyring().token


def token_of(kind: Kind, number: str) -> UUID:
    """Token of a number that was checked and normalised before (`batch.idnumber`)."""
    return token_key().seal(kind, number)


def tokens_of(kind: Kind, numbers: Sequence[str | None]) -> list[UUID | None]:
    """Tokens of many numbers at once, None for None; as `token_of` one by one, a hundred times quicker."""
    tokens = token_key().seal_many(kind, pa.array(numbers, pa.string()))
    return [None if token is None else UUID(bytes=token) for token in tokens.to_pylist()]


def id_token(number: str) -> UUID:
    """Token of a citizen ID number of 18 characters."""
    return token_of(Kind.CITIZEN_ID, number)


def plain(token: UUID | None) -> str | None:
    """The number behind a token; raises TokenError for one that another key made."""
    return None if token is None else token_key().open(token)[1]


__all__ = ["Kind", "id_token", "keyring", "plain", "token_key", "token_of", "tokens_of"]
