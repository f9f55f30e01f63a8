"""Tokens: a sensitive number as 16 bytes (decision 5 of the architecture).

One token is one block: byte 0 = kind (high half) and packing (low half), byte 1 = length, bytes 2 to 15 = the number (digits and X as
BCD, up to 28; else ASCII, up to 14), enciphered with AES-256 (or SM4) under a key used for nothing else. One block under a secret key is a
permutation: equal numbers, and only equal numbers, give equal tokens; the key's holder reads them back. What does not fit (long or
non-Latin document numbers) holds 14 bytes of HMAC-SHA256 instead and cannot be read back.

What a token does not hide: that two rows hold the same number. It is no proof against someone who holds the key or may ask for
tokens of chosen numbers. ECB is right here and only here: the plaintext is exactly one block, and equality is wanted.

Stored as `uuid` in PostgreSQL and DuckDB, as 16 plain bytes in Parquet.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .columns import as_string_array, from_byte_matrix, from_padded_matrix, offsets_and_bytes, padded_matrix

TOKEN = pa.binary(16)
CHUNK = 1 << 18
_WIDTH, _BODY = 28, 14
_BCD, _ASCII, _DIGEST = 1, 2, 3
_NIBBLES = np.full(256, 255, np.uint8)
_NIBBLES[48:58] = np.arange(10)
_NIBBLES[88] = 10
# Two characters -> one packed byte (256 = not packable), and back: (n, 9) look-ups of pairs are several times faster than 18 of characters.
_pair = np.arange(65536, dtype=np.uint16)
_high, _low = _NIBBLES[_pair & 255].astype(np.uint16), _NIBBLES[_pair >> 8].astype(np.uint16)
_PACK_PAIR = np.where((_high <= 10) & (_low <= 10), _high << 4 | _low, 256).astype(np.uint16)
_UNPACK_PAIR = np.zeros(256, np.uint16)
_UNPACK_PAIR[_PACK_PAIR[_PACK_PAIR < 256]] = np.flatnonzero(_PACK_PAIR < 256)


class Kind(IntEnum):
    """What a token stands for; tokens of different kinds never match. Values are stored for good: never renumber."""

    CITIZEN_ID = 1  # 公民身份号码, always the 18 characters
    DOCUMENT = 2  # passports, permits, any other document number
    PHONE = 3
    ACCOUNT = 4  # bank account
    CERTIFICATE = 5  # disability certificate: holds an ID number
    NONE = 6  # a person without any number: made from the person's id


class TokenError(ValueError):
    """A token that was not made with this key (or was damaged), or a number that cannot be one."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """The key of all tokens: 32 bytes for AES-256, 16 for SM4 (where national ciphers are required). One is in use at any
    time; `version` says which."""

    key: bytes = field(repr=False)
    version: int = 1
    cipher: Literal["aes256", "sm4"] = "aes256"
    _digest_key: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        size = {"aes256": 32, "sm4": 16}[self.cipher]
        if len(self.key) != size:
            raise ValueError(f"a key for {self.cipher} has {size} bytes, not {len(self.key)}")
        object.__setattr__(self, "_digest_key", HKDF(SHA256(), 32, None, b"doudi token digest").derive(self.key))

    def _ecb(self) -> Cipher[modes.ECB]:
        return Cipher(AES(self.key) if self.cipher == "aes256" else SM4(self.key), modes.ECB())

    def digest(self, kind: Kind, text: str) -> bytes:
        """Keyed digest (14 bytes) of a number that does not fit the block."""
        return hmac.digest(self._digest_key, bytes([kind]) + text.encode(), hashlib.sha256)[:_BODY]

    def seal(self, kind: Kind, text: str) -> UUID:
        """The token of a number. The text is taken as it stands: normalise first. Raises TokenError for an empty text and for a citizen ID
        number that is not in its 18-character form (its 15-digit form would give another token)."""
        block = self._pack(Kind(kind), text)
        return UUID(bytes=self._ecb().encryptor().update(block))

    def _pack(self, kind: Kind, text: str) -> bytes:
        if not text:
            raise TokenError("an empty number has no token")
        raw = text.encode()
        packable = len(raw) <= _WIDTH and not raw.strip(b"0123456789X")
        if kind is Kind.CITIZEN_ID and not (packable and len(raw) == 18):
            raise TokenError("a citizen ID number is sealed in its form of 18 characters")
        if packable:
            nibbles = raw.replace(b"X", b":")
            body = bytes((nibbles[at] - 48) << 4 | ((nibbles[at + 1] - 48) if at + 1 < len(raw) else 0) for at in range(0, len(raw), 2))
            head = bytes([kind << 4 | _BCD, len(raw)])
        elif len(raw) <= _BODY and raw.isascii() and text.isprintable():
            body, head = raw, bytes([kind << 4 | _ASCII, len(raw)])
        else:
            body, head = self.digest(kind, text), bytes([kind << 4 | _DIGEST, _BODY])
        return head + body.ljust(_BODY, b"\0")

    def open(self, token: UUID | bytes) -> tuple[Kind, str]:
        """(kind, number) of a token. Raises TokenError for a foreign or damaged token and for one that holds a digest only."""
        raw = token.bytes if isinstance(token, UUID) else bytes(token)
        if len(raw) != 16:
            raise TokenError("a token has 16 bytes")
        kinds, texts = self.open_many(pa.array([raw], TOKEN))
        text = texts[0].as_py()
        if text is None:
            raise TokenError("this token holds a digest: its number is kept as encrypted text")
        return Kind(int(kinds[0])), text

    def seal_many(self, kind: Kind, numbers: Any) -> pa.FixedSizeBinaryArray:
        """Tokens of a column of strings (Arrow, NumPy, Polars, list), null for null. Same rules and errors as `seal`."""
        column = as_string_array(numbers)
        out = np.empty(16 * len(column) + 15, np.uint8)  # update_into asks for 15 bytes of room
        encryptor = self._ecb().encryptor()
        valid = None if column.null_count == 0 else pc.is_valid(column).to_numpy(zero_copy_only=False)
        if valid is not None:
            column = column.fill_null("0" * 18)  # keeps the rows in step; masked again below
        for start in range(0, len(column), CHUNK):
            blocks = self._pack_many(Kind(kind), column.slice(start, CHUNK))
            encryptor.update_into(blocks.data.cast("B"), out[16 * start : 16 * (start + len(blocks)) + 15].data)
        return tokens_from_matrix(out[: 16 * len(column)].reshape(-1, 16), valid)

    def _pack_many(self, kind: Kind, column: pa.Array) -> np.ndarray:
        if (quick := _pack_alike(kind, column)) is not None:
            return quick
        sizes = pc.binary_length(column).to_numpy(zero_copy_only=False)
        if len(sizes) and sizes.min() == 0:
            raise TokenError("an empty number has no token")
        blocks = np.zeros((len(column), 16), np.uint8)
        fits = sizes <= _WIDTH
        inner = column if fits.all() else column.filter(pa.array(fits))
        matrix, lengths = padded_matrix(inner, _WIDTH, fill=48)
        width = max(1, (int(lengths.max(initial=1)) + 1) // 2)
        nibbles = _NIBBLES[matrix[:, : 2 * width]]
        packable = nibbles.max(axis=1) <= 10 if nibbles.max(initial=0) > 10 else np.ones(len(inner), bool)
        inside = np.zeros((len(inner), 16), np.uint8)
        inside[:, 0] = kind << 4 | _BCD
        inside[:, 1] = lengths
        inside[:, 2 : 2 + width] = nibbles[:, 0::2] << 4 | nibbles[:, 1::2]
        if kind is Kind.CITIZEN_ID and not (fits.all() and packable.all() and (lengths == 18).all()):
            raise TokenError("a citizen ID number is sealed in its form of 18 characters")
        if packable.all() and fits.all():
            return inside
        rest = np.ones(len(column), bool)
        rest[np.flatnonzero(fits)[packable]] = False
        blocks[fits] = inside
        # Documents that are not plain digits are few; they go one by one.
        for row in np.flatnonzero(rest):
            blocks[row] = np.frombuffer(self._pack(kind, column[int(row)].as_py()), np.uint8)
        return blocks

    def open_many(self, tokens: Any) -> tuple[np.ndarray, pa.StringArray]:
        """(kinds as uint8, numbers as strings) of tokens (fixed 16-byte Arrow array, list of bytes or of UUID); kind 0 and null for null, null for a
        digest. Raises TokenError if any token was not made with this key."""
        matrix, valid = matrix_from_tokens(tokens)
        kinds = np.zeros(len(matrix), np.uint8)
        decryptor = self._ecb().decryptor()
        parts = []
        plain = np.empty(16 * min(CHUNK, len(matrix)) + 15, np.uint8)
        for start in range(0, len(matrix), CHUNK):
            part = matrix[start : start + CHUNK]
            decryptor.update_into(part.data.cast("B"), plain.data)
            blocks = plain[: 16 * len(part)].reshape(-1, 16)
            kinds[start : start + CHUNK], texts = _unpack_many(blocks, valid[start : start + CHUNK])
            parts.append(texts)
        return kinds, pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _pack_alike(kind: Kind, column: pa.Array) -> np.ndarray | None:
    """Blocks of numbers that all have the same length and are plain digits, which is the common case; else None."""
    offsets, data = offsets_and_bytes(column)
    size = int(offsets[1]) if len(column) else 0
    if not 1 <= size <= _WIDTH or (kind is Kind.CITIZEN_ID and size != 18) or not (np.diff(offsets) == size).all():
        return None
    matrix = data.reshape(len(column), size)
    if size % 2:
        matrix = np.pad(matrix, ((0, 0), (0, 1)), constant_values=48)
    packed = _PACK_PAIR[np.ascontiguousarray(matrix).view("<u2")]
    if packed.max() > 255:
        return None
    blocks = np.zeros((len(column), 16), np.uint8)
    blocks[:, 0] = kind << 4 | _BCD
    blocks[:, 1] = size
    blocks[:, 2 : 2 + packed.shape[1]] = packed
    return blocks


def _unpack_alike(blocks: np.ndarray) -> tuple[np.ndarray, pa.Array] | None:
    """The way back of `_pack_alike`; None unless every block is good and of one kind and length."""
    heads = blocks.view("<u2")[:, 0]
    kind, packing, size = int(blocks[0, 0]) >> 4, int(blocks[0, 0]) & 15, int(blocks[0, 1])
    if packing != _BCD or not 1 <= size <= _WIDTH or not 1 <= kind <= max(Kind) or not (heads == heads[0]).all():
        return None
    used = (size + 1) // 2
    pairs = _UNPACK_PAIR[blocks[:, 2 : 2 + used]]
    if not pairs.all() or blocks[:, 2 + used :].any() or (size % 2 and (blocks[:, 1 + used] & 15).any()):
        return None
    chars = pairs.astype("<u2", copy=False).view(np.uint8)[:, :size]
    return np.full(len(blocks), kind, np.uint8), from_byte_matrix(chars)


def _unpack_many(blocks: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, pa.Array]:
    if len(blocks) and valid.all() and (quick := _unpack_alike(blocks)) is not None:
        return quick
    kind, packing, lengths = blocks[:, 0] >> 4, blocks[:, 0] & 15, blocks[:, 1].astype(np.int64)
    chars = np.zeros((len(blocks), _WIDTH), np.uint8)
    chars[:, 0::2] = blocks[:, 2:] >> 4
    chars[:, 1::2] = blocks[:, 2:] & 15
    inside = np.arange(_WIDTH) < lengths[:, None]
    bcd, ascii_, digest = packing == _BCD, packing == _ASCII, packing == _DIGEST
    good = (kind >= 1) & (kind <= max(Kind)) & (lengths >= 1)
    good &= (bcd & (lengths <= _WIDTH) & (chars <= 10).all(axis=1) & ((chars == 0) | inside).all(axis=1)) | (
        ~bcd & (lengths <= _BODY) & (digest | (ascii_ & _is_padded_ascii(blocks[:, 2:], lengths)))
    )
    if not (good | ~valid).all():
        raise TokenError(f"{int((~good & valid).sum())} of {len(blocks)} tokens were not made with this key")
    chars = np.where(chars == 10, np.uint8(88), chars + np.uint8(48))
    if ascii_.any():
        chars[ascii_, :_BODY] = blocks[ascii_, 2:]
    kept = valid & ~digest
    lengths[~kept] = 0
    texts = from_padded_matrix(chars, lengths)
    if not kept.all():
        texts = pc.if_else(pa.array(kept), texts, pa.scalar(None, pa.string()))
    return np.where(valid, kind, 0).astype(np.uint8), texts


def _is_padded_ascii(body: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    inside = np.arange(_BODY) < lengths[:, None]
    return np.asarray(np.where(inside, (body >= 32) & (body < 127), body == 0).all(axis=1))


def tokens_from_matrix(matrix: np.ndarray, valid: np.ndarray | None = None) -> pa.FixedSizeBinaryArray:
    """Fixed 16-byte Arrow array over an (n, 16) byte matrix."""
    validity = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.FixedSizeBinaryArray.from_buffers(TOKEN, len(matrix), [validity, pa.py_buffer(np.ascontiguousarray(matrix))])


def matrix_from_tokens(tokens: Any) -> tuple[np.ndarray, np.ndarray]:
    """((n, 16) byte matrix, valid rows) of tokens in any of their forms."""
    if isinstance(tokens, pa.ChunkedArray):
        tokens = tokens.combine_chunks()
    if not isinstance(tokens, pa.Array):
        tokens = pa.array([each.bytes if isinstance(each, UUID) else each for each in tokens], TOKEN)
    if tokens.type != TOKEN:
        tokens = tokens.cast(TOKEN)
    valid = pc.is_valid(tokens).to_numpy(zero_copy_only=False)
    buffer = tokens.buffers()[1]
    if buffer is None:
        return np.zeros((len(tokens), 16), np.uint8), valid
    matrix = np.frombuffer(buffer, np.uint8, count=16 * len(tokens), offset=16 * tokens.offset)
    return matrix.reshape(len(tokens), 16), valid


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys that batch work needs, passed in by the caller: the token key and the keys of encrypted texts and files by version."""

    token: TokenKey
    data: dict[int, bytes] = field(repr=False)
    data_version: int = 1

    def __post_init__(self) -> None:
        if self.data_version not in self.data:
            raise ValueError(f"no data key of version {self.data_version}")
        if any(len(key) != 32 for key in self.data.values()):
            raise ValueError("a data key has 32 bytes")
        if self.token.key in self.data.values():
            raise ValueError("the token key is used for nothing else")
