"""Keys: one file of mode 0600 made by `doudi init`, or the environment variable DOUDI_KEYS (the same JSON, or base64 of it).

Four purposes, each with a key of its own: `token` (sensitive numbers to tokens; one version in use at any time), `text`
(AES-GCM of free text and files), `sealing` (digests under seals and frozen hashes; never rotated) and `django`.
Every ciphertext begins with the version of its key, so that old text opens after a rotation.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doudi.core.home import SetupError, home, read_private, write_private

PURPOSES = ("token", "text", "sealing", "django")
NONCE = 12


@dataclass(frozen=True)
class Keys:
    """Keys of one purpose: 32 bytes each by version, and the version in use."""

    current: int
    versions: dict[int, bytes]

    @property
    def key(self) -> bytes:
        return self.versions[self.current]


def key_file() -> Path:
    return home() / "keys.json"


def fresh() -> dict[str, Any]:
    """A new set of random keys in the form of the file."""
    return {purpose: {"current": 1, "versions": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}} for purpose in PURPOSES}


def create() -> bool:
    """Make the key file if there is none and the environment gives none; True if made."""
    if os.environ.get("DOUDI_KEYS") or key_file().exists():
        load()
        return False
    write_private(key_file(), fresh())
    load.cache_clear()
    return True


def _read(value: dict[str, Any]) -> dict[str, Keys]:
    found = {}
    for purpose in PURPOSES:
        versions = {int(number): base64.b64decode(key, validate=True) for number, key in value[purpose]["versions"].items()}
        keys = Keys(int(value[purpose]["current"]), versions)
        if keys.current not in versions or any(len(key) != 32 or not 1 <= number <= 255 for number, key in versions.items()):
            raise ValueError(purpose)
        found[purpose] = keys
    if len({keys.key for keys in found.values()}) != len(PURPOSES):
        raise ValueError("one key for two purposes")
    return found


@cache
def load() -> dict[str, Keys]:
    """Keys by purpose. Raises SetupError when there are none, they are damaged, or others could read them."""
    if given := os.environ.get("DOUDI_KEYS"):
        source = "环境变量 DOUDI_KEYS"
        try:
            value = json.loads(given if given.lstrip().startswith("{") else base64.b64decode(given, validate=True))
        except (ValueError, binascii.Error):
            raise SetupError(f"{source} 不是有效的 JSON（或其 base64 编码）；请核对后重试。") from None
    else:
        source = f"密钥文件 {key_file()}"
        try:
            value = read_private(key_file())
        except FileNotFoundError:
            raise SetupError(f"没有{source}；请先运行 doudi init，或设置环境变量 DOUDI_KEYS。若原有密钥丢失，请从备份恢复，切勿重建。") from None
    try:
        return _read(value)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise SetupError(f"{source}内容不完整或已损坏；请从备份恢复。") from None


def token_keys() -> Keys:
    """Keys of the tokens (architecture, decision 5)."""
    return load()["token"]


def django_secret() -> str:
    """Django's SECRET_KEY. Before `doudi init` there is nothing to sign: a value that ends with the process."""
    if not os.environ.get("DOUDI_KEYS") and not key_file().exists():
        return secrets.token_hex(32)
    return load()["django"].key.hex()


def seal_bytes(plain: bytes, *, context: bytes = b"") -> bytes:
    """Encrypt (AES-256-GCM): version byte, nonce, ciphertext with tag. `context` must be the same when opening."""
    keys = load()["text"]
    nonce = secrets.token_bytes(NONCE)
    head = bytes([keys.current])
    return head + nonce + AESGCM(keys.key).encrypt(nonce, plain, head + context)


def open_bytes(sealed: bytes, *, context: bytes = b"") -> bytes:
    """Decrypt what `seal_bytes` made; raises ValueError when it was changed or its key is not here."""
    head, nonce, body = sealed[:1], sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
    try:
        return AESGCM(load()["text"].versions[head[0]]).decrypt(nonce, body, head + context)
    except (IndexError, KeyError, InvalidTag, ValueError):
        raise ValueError("ciphertext was changed, or its key is not in the key file") from None


def seal_text(plain: str) -> bytes:
    return seal_bytes(plain.encode())


def open_text(sealed: bytes) -> str:
    return open_bytes(sealed).decode()


def sealing_digest(plain: str | bytes) -> bytes:
    """Keyed digest (HMAC-SHA-256, 32 bytes) of a plain number under the key that never rotates (integrity.md, tokens)."""
    return hmac.new(load()["sealing"].key, plain.encode() if isinstance(plain, str) else plain, sha256).digest()
