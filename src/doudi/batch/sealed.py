"""Encrypted texts and files: AES-256-GCM with the key's version in front.

Text: version (2 bytes), nonce (12), ciphertext with tag. A `context` (table, column, row) is bound to it, so that a ciphertext copied to another
row does not open. Files: magic, version, salt; then blocks of 1 MiB under a key derived for that file, each block bound to its number and
to whether it is the last, so that blocks cannot be cut off, swapped or repeated unnoticed, and memory stays bounded.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .tokens import Keyring

MAGIC = b"DOUDI\x01"
BLOCK = 1 << 20
_VERSION = struct.Struct(">H")
_SALT = 32
_TAG = 16


class SealError(ValueError):
    """Ciphertext that does not open: damaged, cut off, of another context, or its key is not in the ring."""


def _key(keys: Keyring, version: int) -> bytes:
    try:
        return keys.data[version]
    except KeyError:
        raise SealError(f"the data key of version {version} is not in the key ring") from None


def key_version(ciphertext: bytes) -> int:
    """Version of the key that a text ciphertext was made with."""
    if len(ciphertext) < 2 + 12 + _TAG:
        raise SealError("too short for a ciphertext")
    return int(_VERSION.unpack_from(ciphertext)[0])


def seal_text(keys: Keyring, text: str, context: str = "") -> bytes:
    """Encrypts a text under the newest data key."""
    nonce = os.urandom(12)
    head = _VERSION.pack(keys.data_version)
    body = AESGCM(_key(keys, keys.data_version)).encrypt(nonce, text.encode(), head + context.encode())
    return head + nonce + body


def seal_texts(keys: Keyring, texts: Iterable[str | None]) -> list[bytes | None]:
    """`seal_text` for many texts without a context, None for None; each with a nonce of its own."""
    head, cipher = _VERSION.pack(keys.data_version), AESGCM(_key(keys, keys.data_version))
    given = list(texts)
    nonces = os.urandom(12 * len(given))
    return [
        None if text is None else b"".join((head, nonce := nonces[12 * at : 12 * at + 12], cipher.encrypt(nonce, text.encode(), head)))
        for at, text in enumerate(given)
    ]


def open_text(keys: Keyring, ciphertext: bytes, context: str = "") -> str:
    """Decrypts `seal_text`. Raises SealError."""
    ciphertext = bytes(ciphertext)
    version = key_version(ciphertext)
    try:
        plain = AESGCM(_key(keys, version)).decrypt(ciphertext[2:14], ciphertext[14:], ciphertext[:2] + context.encode())
    except InvalidTag:
        raise SealError("ciphertext does not open: damaged, another key or another context") from None
    return plain.decode()


def _file_key(keys: Keyring, version: int, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"doudi sealed file").derive(_key(keys, version)))


def _nonce(number: int, last: bool) -> bytes:
    return struct.pack(">QI", number, last)


def seal_stream(keys: Keyring, source: BinaryIO, target: BinaryIO) -> int:
    """Encrypts a stream in blocks; returns the number of plain bytes."""
    salt = os.urandom(_SALT)
    head = MAGIC + _VERSION.pack(keys.data_version) + salt
    cipher = _file_key(keys, keys.data_version, salt)
    target.write(head)
    total, number, block = 0, 0, source.read(BLOCK)
    while True:
        following = source.read(BLOCK) if len(block) == BLOCK else b""
        target.write(cipher.encrypt(_nonce(number, not following), block, head))
        total += len(block)
        if not following:
            return total
        number, block = number + 1, following


def open_stream(keys: Keyring, source: BinaryIO) -> Iterator[bytes]:
    """The plain blocks of `seal_stream`, each checked before it is given out. Raises SealError."""
    head = source.read(len(MAGIC) + 2 + _SALT)
    if len(head) < len(MAGIC) + 2 + _SALT or not head.startswith(MAGIC):
        raise SealError("not a sealed file")
    version = int(_VERSION.unpack_from(head, len(MAGIC))[0])
    cipher = _file_key(keys, version, head[len(MAGIC) + 2 :])
    number, block = 0, source.read(BLOCK + _TAG)
    while True:
        following = source.read(BLOCK + _TAG) if len(block) == BLOCK + _TAG else b""
        try:
            yield cipher.decrypt(_nonce(number, not following), block, head)
        except InvalidTag:
            raise SealError(f"block {number} of the sealed file does not open: damaged, cut off or another key") from None
        if not following:
            return
        number, block = number + 1, following


def keep_stream(keys: Keyring, source: BinaryIO, target: Path) -> int:
    """Encrypts a stream into a new file readable by its owner only; written beside and renamed, so that a crash leaves no half file."""
    part = target.with_name(target.name + ".part")
    with open(part, "wb", opener=_private) as out:
        total = seal_stream(keys, source, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, target)
    return total


def seal_file(keys: Keyring, source: Path, target: Path) -> int:
    """Encrypts a file as `keep_stream` does."""
    with open(source, "rb") as plain:
        return keep_stream(keys, plain, target)


def open_file(keys: Keyring, source: Path, target: BinaryIO) -> int:
    """Decrypts a sealed file into an open stream; returns the number of bytes. On SealError what was written is incomplete."""
    total = 0
    with open(source, "rb") as sealed:
        for block in open_stream(keys, sealed):
            total += target.write(block)
    return total


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
