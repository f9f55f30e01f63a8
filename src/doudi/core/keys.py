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
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from doudi.core.home import SetupError, home, read_private, write_private

if TYPE_CHECKING:
    from doudi.batch.tokens import Keyring, TokenKey

PURPOSES = ("token", "text", "sealing", "django")
LOST_WITH_KEYS = "没有原密钥，证件号码、电话、银行账号、加密文字和文件都无法读出。"


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
    if from_environment() or key_file().exists():
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


def from_environment() -> bool:
    """Whether the keys come from DOUDI_KEYS: then Doudi cannot write them."""
    return bool(os.environ.get("DOUDI_KEYS"))


def _source() -> str:
    return "环境变量 DOUDI_KEYS" if from_environment() else f"密钥文件 {key_file()}"


def _stored() -> dict[str, Any]:
    """The keys as they are written down."""
    if given := os.environ.get("DOUDI_KEYS"):
        try:
            return json.loads(given if given.lstrip().startswith("{") else base64.b64decode(given, validate=True))
        except (ValueError, binascii.Error):
            raise SetupError(f"{_source()} 不是有效的 JSON（或其 base64 编码）；请核对后重试。") from None
    try:
        return read_private(key_file())
    except FileNotFoundError:
        raise SetupError(
            f"没有{_source()}；请先运行 doudi init，或设置环境变量 DOUDI_KEYS。若原有密钥丢失，请从备份恢复，切勿重建：{LOST_WITH_KEYS}"
        ) from None


@cache
def load() -> dict[str, Keys]:
    """Keys by purpose. Raises SetupError when there are none, they are damaged, or others could read them."""
    value = _stored()
    try:
        return _read(value)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise SetupError(f"{_source()}内容不完整或已损坏；请从备份恢复。") from None


def keyring() -> Keyring:
    """Token key and text keys, as batch work takes them."""
    return _keyring()


def token_key(version: int) -> TokenKey:
    """The token key of one version. Raises KeyError for one that is not there."""
    from doudi.batch.tokens import TokenKey

    key = load()["token"].versions[version]
    cipher: Literal["aes256", "sm4"] = "aes256" if len(key) == 32 else "sm4"
    return TokenKey(key, version, cipher)


@cache
def _keyring() -> Keyring:
    from doudi.batch.tokens import Keyring

    token, text = load()["token"], load()["text"]
    return Keyring(token_key(token.current), text.versions, text.current)


def forget() -> None:
    """Drop what is loaded (after the key file changed)."""
    load.cache_clear()
    _keyring.cache_clear()


def _rotating(value: dict[str, Any]) -> dict[str, Any]:
    """The stored keys with a version newer than the current one for tokens and for texts; what is current stays."""
    for purpose in ("token", "text"):
        versions, current = value[purpose]["versions"], int(value[purpose]["current"])
        newest = max(int(number) for number in versions)
        if newest == current:
            size = len(base64.b64decode(versions[str(current)]))  # a key for SM4 is followed by one for SM4
            versions[str(current + 1)] = base64.b64encode(secrets.token_bytes(size)).decode()
    return value


def _switched(value: dict[str, Any], token_version: int) -> dict[str, Any]:
    """The stored keys with this token key and the newest text key in use."""
    value["token"]["current"] = token_version
    value["text"]["current"] = max(int(number) for number in value["text"]["versions"])
    return value


def next_token_version() -> int | None:
    """Version that a rotation would go to; None where the stored keys hold none newer than the current one."""
    token = load()["token"]
    newest = max(token.versions)
    return newest if newest > token.current else None


def prepare_rotation() -> int:
    """Have a newer version of the token key and the text key in the key file, not in use yet; the token key's version.

    A version left by a rotation that did not happen is used: no token was ever made with it.
    Raises SetupError when the keys come from the environment and hold none.
    """
    load()
    if not from_environment():
        write_private(key_file(), _rotating(_stored()))
        forget()
    version = next_token_version()
    if version is None:
        raise SetupError(
            "密钥来自环境变量 DOUDI_KEYS，其中没有比当前版本更新的标记密钥，无法自动写入。请先运行 doudi rotate-keys --new-keys 文件，"
            "把文件内容设为 DOUDI_KEYS，再运行 doudi rotate-keys。"
        )
    return version


def switch(token_version: int) -> None:
    """Write to the key file that this version of the token key is in use, and the newest text key; safe to repeat."""
    load()
    write_private(key_file(), _switched(_stored(), token_version))
    forget()


def write_rotating(path: Path) -> None:
    """Write the keys with their next versions, not in use yet, to a new file of mode 0600."""
    load()
    _write_new(path, _rotating(_stored()))


def write_switched(path: Path, token_version: int) -> None:
    """Write the keys with this token version in use to a new file of mode 0600."""
    load()
    _write_new(path, _switched(_stored(), token_version))


def write_copy(path: Path) -> None:
    """Write the keys as they are to a new file of mode 0600."""
    load()
    _write_new(path, _stored())


def proofs(found: dict[str, Keys]) -> dict[str, dict[str, str]]:
    """purpose -> version -> digest of a fixed text under that key, which shows later whether keys are the same and nothing of them."""
    kept = [purpose for purpose in PURPOSES if purpose != "django"]  # who signs in again loses nothing
    return {
        purpose: {str(number): hmac.digest(key, f"doudi: {purpose} {number}".encode(), "sha256").hex() for number, key in found[purpose].versions.items()}
        for purpose in kept
    }


def install(given: Path | None) -> dict[str, Keys]:
    """Read keys for a data folder that has none yet, of a file or of DOUDI_KEYS; `write_installed` puts them there. Raises SetupError."""
    if given is None and not from_environment():
        raise SetupError(f"恢复需要与备份分开存放的密钥：请用 --keys 指定密钥文件，或设置环境变量 DOUDI_KEYS。{LOST_WITH_KEYS}")
    try:
        return _read(read_private(given) if given is not None else _stored())
    except FileNotFoundError:
        raise SetupError(f"没有密钥文件 {given}；请用 --keys 指定备份时另存的密钥文件。") from None
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise SetupError(f"{given or _source()}内容不完整或已损坏；请换一份密钥备份。") from None


def write_installed(given: Path | None) -> None:
    """Put the keys of a file into the data folder; nothing to do where they come from DOUDI_KEYS."""
    if given is not None and not from_environment():
        write_private(key_file(), read_private(given))
    forget()


def _write_new(path: Path, value: dict[str, Any]) -> None:
    if path.exists():
        raise SetupError(f"文件 {path} 已存在，不予覆盖；请换一个文件名。")
    try:
        write_private(path, value)
    except OSError as error:
        raise SetupError(f"无法写入 {path}（{error.strerror}）；请换一个位置。") from None


def django_secret() -> str:
    """Django's SECRET_KEY. Before `doudi init` there is nothing to sign: a value that ends with the process."""
    if not from_environment() and not key_file().exists():
        return secrets.token_hex(32)
    return load()["django"].key.hex()


def seal_text(plain: str, context: str = "") -> bytes:
    """Encrypt text (AES-256-GCM, version of the key in front); `context` must be the same when opening."""
    from doudi.batch import sealed

    return sealed.seal_text(keyring(), plain, context)


def seal_texts(texts: Iterable[str | None]) -> list[bytes | None]:
    """Encrypt many texts without a context, None for None."""
    from doudi.batch import sealed

    return sealed.seal_texts(keyring(), texts)


def open_text(ciphertext: bytes, context: str = "") -> str:
    """Decrypt what `seal_text` made; raises doudi.batch.sealed.SealError."""
    from doudi.batch import sealed

    return sealed.open_text(keyring(), ciphertext, context)


def sealing_digest(plain: str | bytes) -> bytes:
    """Keyed digest (HMAC-SHA-256, 32 bytes) of a plain number under the key that never rotates (integrity.md, tokens)."""
    return hmac.digest(load()["sealing"].key, plain.encode() if isinstance(plain, str) else plain, "sha256")
