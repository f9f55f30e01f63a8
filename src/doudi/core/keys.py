"""Keys: one file of mode 0600 made by `doudi init`, or the environment variable DOUDI_KEYS (the same JSON, or base64 of it).

Four purposes, each with a key of its own: `token` (sensitive numbers to tokens; one version in use at any time), `text`
(encrypted free text and files), `sealing` (digests under seals and frozen hashes; never rotated) and `django`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from doudi.core.home import SetupError, home, read_private, write_private

if TYPE_CHECKING:
    from doudi.batch.tokens import Keyring

PURPOSES = ("token", "text", "sealing", "django")


@dataclass(frozen=True)
class Keys:
    """Keys of one purpose by version, and the version in use."""

    current: int
    versions: dict[int, bytes] = field(repr=False)

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
    forget()
    return True


def _read(value: dict[str, Any]) -> dict[str, Keys]:
    found = {}
    for purpose in PURPOSES:
        versions = {int(number): base64.b64decode(key, validate=True) for number, key in value[purpose]["versions"].items()}
        keys = Keys(int(value[purpose]["current"]), versions)
        # 32 bytes each; a token key of 16 is one for SM4 (architecture, decision 5).
        sizes = {16, 32} if purpose == "token" else {32}
        if keys.current not in versions or not all(len(key) in sizes and 1 <= number < 65536 for number, key in versions.items()):
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


def keyring() -> Keyring:
    """Token key and text keys, as batch work takes them."""
    return _keyring()


@cache
def _keyring() -> Keyring:
    from doudi.batch.tokens import Keyring, TokenKey

    token, text = load()["token"], load()["text"]
    cipher: Literal["aes256", "sm4"] = "aes256" if len(token.key) == 32 else "sm4"
    return Keyring(TokenKey(token.key, token.current, cipher), text.versions, text.current)


def forget() -> None:
    """Drop what is loaded (after the key file changed)."""
    load.cache_clear()
    _keyring.cache_clear()


def django_secret() -> str:
    """Django's SECRET_KEY. Before `doudi init` there is nothing to sign: a value that ends with the process."""
    if not os.environ.get("DOUDI_KEYS") and not key_file().exists():
        return secrets.token_hex(32)
    return load()["django"].key.hex()


def seal_text(plain: str, context: str = "") -> bytes:
    """Encrypt text (AES-256-GCM, version of the key in front); `context` must be the same when opening."""
    from doudi.batch import sealed

    return sealed.seal_text(keyring(), plain, context)


def open_text(ciphertext: bytes, context: str = "") -> str:
    """Decrypt what `seal_text` made; raises doudi.batch.sealed.SealError."""
    from doudi.batch import sealed

    return sealed.open_text(keyring(), ciphertext, context)


def sealing_digest(plain: str | bytes) -> bytes:
    """Keyed digest (HMAC-SHA-256, 32 bytes) of a plain number under the key that never rotates (integrity.md, tokens)."""
    return hmac.digest(load()["sealing"].key, plain.encode() if isinstance(plain, str) else plain, "sha256")
