"""The standard's envelope: header, message, signature of both.

The signature is the standard's header line (HTTP signature over `(created) (expires) digest`, Ed25519); the digest is SHA-256 over the JSON of
`{"header": …, "message": …}` with sorted names and no blanks, so that it does not depend on how the JSON was written.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from doudi.core import keys

VERSION = "1.0.0"
ALGORITHM = "ed25519"
KEY_ID = "doudi-1"
OURS = "doudi"
# How far clocks may differ, and how long a signature of ours holds.
DRIFT = timedelta(minutes=5)
HEADERS = "(created) (expires) digest"
FIELD = re.compile(r'([A-Za-z]+)="([^"]*)"')


class Wrong(Exception):
    """A signature that does not hold; the standard's error code."""


def canonical(header: Any, message: Any) -> bytes:
    return json.dumps({"header": header, "message": message}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signed(header: Any, message: Any, created: str, expires: str) -> bytes:
    digest = base64.b64encode(sha256(canonical(header, message)).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: SHA-256={digest}".encode()


def line(key: Ed25519PrivateKey, *, sender: str, key_id: str, header: Any, message: Any, now: datetime) -> str:
    """The signature of a message as the standard writes it."""
    created, expires = str(int(now.timestamp())), str(int((now + DRIFT).timestamp()))
    signature = base64.b64encode(key.sign(_signed(header, message, created, expires))).decode()
    return (
        f'Signature: namespace="spdci", kidId="{sender}|{key_id}|{ALGORITHM}", algorithm="{ALGORITHM}", created="{created}", expires="{expires}",'
        f' headers="{HEADERS}", signature="{signature}"'
    )


def verify(given: str, *, sender: str, key_id: str, public_key: bytes, header: Any, message: Any, now: datetime) -> None:
    """Raise Wrong where a line is not the sender's signature of this header and message, made now."""
    if not given:
        raise Wrong("err.signature.missing")
    found = dict(FIELD.findall(given))
    try:
        created, expires = int(found["created"]), int(found["expires"])
        if found["kidId"] != f"{sender}|{key_id}|{ALGORITHM}" or found["algorithm"] != ALGORITHM or found["headers"] != HEADERS:
            raise Wrong("err.signature.invalid")
        seconds, drift = now.timestamp(), DRIFT.total_seconds()
        if not seconds - drift <= created <= seconds + drift or not seconds < expires <= created + 2 * drift:
            raise Wrong("err.signature.invalid")
        signature = base64.b64decode(found["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _signed(header, message, found["created"], found["expires"]))
    except (KeyError, ValueError, OverflowError, binascii.Error, InvalidSignature):
        raise Wrong("err.signature.invalid") from None


@cache
def _derived(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def own_key() -> Ed25519PrivateKey:
    """The key with which this system signs: follows from the key that never rotates."""
    return _derived(keys.sealing_digest("spdci signing 1"))


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def own_jwk() -> dict[str, str]:
    """The public key of this system, for partners."""
    x = base64.urlsafe_b64encode(public_of(own_key())).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "use": "sig", "alg": "EdDSA", "x": x}


def counted(message: dict[str, Any]) -> dict[str, Any]:
    """How many requests a message answers, for its header; all are done when it is sent."""
    total = max([1, *(len(part) for part in message.values() if isinstance(part, list))])
    return {"total_count": total, "completed_count": total}


def wrapped(message: dict[str, Any], *, action: str, receiver: str, now: datetime, message_id: str = "", **more: Any) -> dict[str, Any]:
    """A signed message of this system."""
    header = {
        "version": VERSION, "message_id": message_id or str(uuid4()), "message_ts": now.isoformat(), "action": action, "sender_id": OURS,
        "receiver_id": receiver, "is_msg_encrypted": False, **more,
    }  # fmt: skip
    return {"signature": line(own_key(), sender=OURS, key_id=KEY_ID, header=header, message=message, now=now), "header": header, "message": message}
