"""The key file: who may read it, and what happens without it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from doudi.batch.sealed import SealError
from doudi.core import keys
from doudi.core.home import SetupError


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DOUDI_HOME", str(tmp_path))
    monkeypatch.delenv("DOUDI_KEYS")
    keys.forget()
    yield tmp_path
    keys.forget()


def test_the_file_is_made_once_and_only_for_its_owner(own_home: Path) -> None:
    assert keys.create() is True
    path = own_home / "keys.json"
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.create() is False
    assert path.read_bytes() == before
    assert list(own_home.iterdir()) == [path], "nothing left beside it"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(own_home: Path, mode: int) -> None:
    keys.create()
    keys.forget()
    (own_home / "keys.json").chmod(mode)
    with pytest.raises(SetupError, match="chmod 600"):
        keys.load()


def test_without_keys_nothing_is_sealed_and_the_message_warns_against_new_ones(own_home: Path) -> None:
    with pytest.raises(SetupError, match=r"doudi init.*切勿重建"):
        keys.seal_text("x")
    assert keys.django_secret() != keys.django_secret(), "before init there is nothing to sign"


def spoil(value: dict[str, dict[str, object]], how: str) -> None:
    if how == "missing purpose":
        del value["sealing"]
    elif how == "short key":
        value["text"]["versions"] = {"1": base64.b64encode(b"short").decode()}
    elif how == "no such version":
        value["token"]["current"] = 2
    elif how == "one key twice":
        value["text"]["versions"] = value["token"]["versions"]
    elif how == "not base64":
        value["text"]["versions"] = {"1": "?" * 44}


@pytest.mark.parametrize("how", ["missing purpose", "short key", "no such version", "one key twice", "not base64"])
def test_damaged_keys_are_refused_without_being_shown(own_home: Path, how: str) -> None:
    value = keys.fresh()
    spoil(value, how)
    path = own_home / "keys.json"
    path.write_text(json.dumps(value))
    path.chmod(0o600)
    with pytest.raises(SetupError, match="不完整或已损坏") as caught:
        keys.load()
    assert value["token"]["versions"]["1"] not in str(caught.value)


def test_a_file_that_is_no_json_is_refused(own_home: Path) -> None:
    (own_home / "keys.json").write_text("{")
    (own_home / "keys.json").chmod(0o600)
    with pytest.raises(SetupError, match="已损坏"):
        keys.load()


@pytest.mark.parametrize("encoded", [False, True])
def test_keys_from_the_environment(own_home: Path, monkeypatch: pytest.MonkeyPatch, encoded: bool) -> None:
    text = json.dumps(keys.fresh())
    monkeypatch.setenv("DOUDI_KEYS", base64.b64encode(text.encode()).decode() if encoded else text)
    keys.forget()
    assert keys.open_text(keys.seal_text("高血压")) == "高血压"
    assert keys.create() is False
    assert not (own_home / "keys.json").exists()


def test_keys_never_appear_in_a_representation(own_home: Path) -> None:
    keys.create()
    shown = repr(keys.load()) + repr(keys.keyring())
    assert not any(repr(key)[2:-1] in shown for purpose in keys.load().values() for key in purpose.versions.values())


def test_sealed_text_opens_only_whole_and_in_its_place() -> None:
    sealed = keys.seal_text("低保金", "person:1")
    assert keys.open_text(sealed, "person:1") == "低保金"
    assert keys.seal_text("低保金", "person:1") != sealed
    for wrong, place in ((sealed[:-1] + bytes([sealed[-1] ^ 1]), "person:1"), (sealed, "person:2"), (b"", "person:1")):
        with pytest.raises(SealError):
            keys.open_text(wrong, place)


def test_the_sealing_digest_outlives_a_rotation_of_the_token_key(own_home: Path) -> None:
    keys.create()
    before = keys.sealing_digest("410122199001011234")
    path = own_home / "keys.json"
    value = json.loads(path.read_text())
    value["token"] = {"current": 2, "versions": {**value["token"]["versions"], "2": base64.b64encode(b"n" * 32).decode()}}
    path.write_text(json.dumps(value))
    keys.forget()
    assert keys.keyring().token.version == 2
    assert keys.sealing_digest("410122199001011234") == before
    assert len(before) == 32
