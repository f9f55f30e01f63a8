"""Sensitive numbers and their tokens, under this deployment's keys (architecture, decision 5).

The one bridge between `core.keys` (where the keys come from) and `batch.tokens` (what they do). Opening a token is a
reveal: callers that show the number write an access record first (`core.audit`).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from doudi.batch.columns import from_byte_matrix
from doudi.batch.tokens import Keyring, Kind, TokenKey, matrix_from_tokens
from doudi.core import keys


def keyring() -> Keyring:
    """Token key and data keys for batch work."""
    return keys.keyring()


def token_key() -> TokenKey:
    return keyring().token


def token_of(kind: Kind, number: str) -> UUID:
    """Token of a number that was checked and normalised before (`batch.idnumber`)."""
    return token_key().seal(kind, number)


def token_texts(kind: Kind, numbers: Any) -> pa.Array:
    """Tokens of a column of numbers as hexadecimal text, which PostgreSQL reads as uuid; null for null."""
    matrix, valid = matrix_from_tokens(token_key().seal_many(kind, numbers))
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((len(matrix), 32), np.uint8)
    text[:, 0::2], text[:, 1::2] = digits[matrix >> 4], digits[matrix & 15]
    return from_byte_matrix(text, None if valid.all() else ~valid)


def id_token(number: str) -> UUID:
    """Token of a citizen ID number of 18 characters."""
    return token_of(Kind.CITIZEN_ID, number)


def plain(token: UUID | None) -> str | None:
    """The number behind a token; raises TokenError for one that another key made."""
    return None if token is None else token_key().open(token)[1]


def text_to_keep(token: UUID | None, number: str) -> str | None:
    """The number itself where its token is a mere digest (a long document number): kept encrypted beside it, or a rotation could not make it again."""
    try:
        plain(token)
    except ValueError:
        return number
    return None


__all__ = ["Kind", "id_token", "keyring", "plain", "text_to_keep", "token_key", "token_of", "token_texts"]
