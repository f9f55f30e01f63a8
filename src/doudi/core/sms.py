"""A gateway for short messages (短信网关) over HTTP, described in `sms.toml` of the data folder (docs/administrator.md); DOUDI_SMS names another file.

Nothing of one gateway stands in the program: address, headers, body, signature, what an answer means, reports and replies are all written there.
Credentials come from the environment (`{env:NAME}`). A message goes out under an id of its own, also when it is told again; where the gateway can be asked
about an id (`[status]`), it is asked before anything is told a second time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from doudi.core.channels import Never, NotNow, Parcel, Report, Sent
from doudi.core.home import home
from doudi.core.outgoing import Answer, Unreachable, call, problem_of

PLACE = re.compile(r"\{([a-z]+)\}")
ENV = re.compile(r"\{env:([A-Z][A-Z0-9_]*)\}")
# What may be kept of a gateway's own code: short, and no phone number.
CODE = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9._:-]{1,40}")
FINAL = {400, 404, 405, 410, 413, 414, 415, 422}
STOP = ("退订", "TD", "T", "N", "STOP")
START = ("恢复", "HF", "START")


class Unset(NotNow):
    """There is no usable description of a gateway: messages wait."""


@dataclass(frozen=True)
class Signature:
    """HMAC of a text with places. `encoding`: hex or base64."""

    key: str
    text: str = "{body}"
    algorithm: str = "sha256"
    encoding: str = "hex"

    def of(self, values: Mapping[str, str]) -> str:
        found = hmac.new(self.key.encode(), filled(self.text, values).encode(), getattr(hashlib, self.algorithm)).digest()
        return found.hex() if self.encoding == "hex" else base64.b64encode(found).decode()


@dataclass(frozen=True)
class Call:
    """One call as it is described. `form`: json, form or none; `path`, `good`, `final`, `number`: what its answer means."""

    url: str
    method: str = "POST"
    form: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=dict)
    signature: Signature | None = None
    path: str = ""
    good: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    number: str = ""
    timeout: float = 10

    def ask(self, values: Mapping[str, str]) -> Answer:
        """Raises NotNow where nobody answers."""
        given = dict(values)
        if self.signature and "{body}" not in self.signature.text:
            given["signature"] = self.signature.of(given)
        body = None if self.form == "none" else self._encoded(filled(self.body, given))
        if self.signature and "{body}" in self.signature.text:
            given["signature"] = self.signature.of({**given, "body": (body or b"").decode()})
        headers = {name: filled(value, given) for name, value in self.headers.items()}
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8" if self.form == "json" else "application/x-www-form-urlencoded; charset=utf-8"
        url = filled(self.url, {name: quote(value, safe="") for name, value in given.items()})
        try:
            return call(url, method=self.method, headers=headers, body=body, timeout=self.timeout)
        except Unreachable as error:
            raise NotNow(str(error)) from None

    def _encoded(self, body: Any) -> bytes:
        return json.dumps(body, ensure_ascii=False).encode() if self.form == "json" else urlencode(body).encode()


@dataclass(frozen=True)
class Reading:
    """How reports or replies are read out of a call of the gateway, and how it proves that it is the gateway."""

    signature: Signature
    header: str
    prefix: str = ""
    items: str = ""
    id: str = ""
    number: str = ""
    state: str = ""
    code: str = ""
    phone: str = ""
    text: str = ""
    delivered: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    stop: tuple[str, ...] = STOP
    start: tuple[str, ...] = START
    answer: str = "OK"

    def genuine(self, body: bytes, given: str) -> bool:
        """Whether the header holds the signature of the body, by a comparison that takes the same time."""
        try:
            wanted = self.prefix + self.signature.of({"body": body.decode()})
        except UnicodeDecodeError:
            return False
        return hmac.compare_digest(wanted.encode(), given.strip().encode())

    def each(self, body: bytes) -> list[Any]:
        """The items of a call. Raises ValueError for what is no such call."""
        found = at(json.loads(body), self.items)
        items = found if isinstance(found, list) else [found]
        if len(items) > 1000 or not all(isinstance(each, dict) for each in items):
            raise ValueError("items")
        return items

    def reports(self, body: bytes) -> list[Report]:
        """Reports whose outcome is known. Raises ValueError."""
        return [found for each in self.each(body) if (found := self.report(each))]

    def report(self, item: Any) -> Report | None:
        state = said(at(item, self.state))
        if not state or state in self.pending:
            return None
        return Report(
            id=said(at(item, self.id)) if self.id else "", number=said(at(item, self.number))[:80] if self.number else "",
            delivered=state in self.delivered, code=code_of(at(item, self.code) if self.code else state),
        )  # fmt: skip


@dataclass(frozen=True)
class Gateway:
    send: Call
    status: Call | None
    polled: Reading | None
    reports: Reading | None
    replies: Reading | None
    most_parts: int
    at_once: int


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """A description with its places filled. A place that there is not stays as it is written."""
    if isinstance(value, str):
        return PLACE.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: filled(each, values) for name, each in value.items()}
    return [filled(each, values) for each in value] if isinstance(value, list) else value


def at(value: Any, path: str) -> Any:
    """What stands at `data.0.code`; None where nothing does."""
    for step in filter(None, path.split(".")):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return None
    return value


def said(value: Any) -> str:
    """A code as text: 0 -> "0", true -> "true"; nothing for what is no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def code_of(value: Any) -> str:
    found = said(value)
    return found if CODE.fullmatch(found) else "?"


def parts_of(text: str) -> int:
    """Short messages that a text takes: 70 signs in one, 67 each in several (signs beyond the basic plane count twice)."""
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else math.ceil(length / 67)


def file() -> Path:
    return Path(os.environ.get("DOUDI_SMS") or home() / "sms.toml")


def gateway() -> Gateway:
    """The gateway as described now. Raises Unset, which says what is wrong and no secret."""
    path = file()
    try:
        return _loaded(path, path.stat().st_mtime_ns, tuple(sorted(os.environ.items())))
    except OSError:
        raise Unset("no sms.toml") from None


@lru_cache(maxsize=1)
def _loaded(path: Path, changed: int, environment: tuple[tuple[str, str], ...]) -> Gateway:
    try:
        given = _with_secrets(tomllib.loads(path.read_text(encoding="utf-8")), dict(environment))
        plain = bool(given.get("plain_http", False))
        signature = Signature(**given["signature"]) if "signature" in given else None
        return Gateway(
            send=_call(given["send"], signature, plain), status=_call(given["status"], signature, plain) if "status" in given else None,
            polled=_reading(given["status"], Signature(key="")) if "status" in given else None,
            reports=_reading(given["reports"]) if "reports" in given else None, replies=_reading(given["replies"]) if "replies" in given else None,
            most_parts=int(given.get("most_parts", 3)), at_once=int(given.get("at_once", 8)),
        )  # fmt: skip
    except KeyError as error:
        raise Unset(f"sms.toml: {error.args[0]}"[:100]) from None
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError):
        raise Unset("sms.toml: content") from None


def _with_secrets(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return ENV.sub(lambda found: environment[found[1]], value)  # KeyError names the variable
    if isinstance(value, dict):
        return {name: _with_secrets(each, environment) for name, each in value.items()}
    return [_with_secrets(each, environment) for each in value] if isinstance(value, list) else value


_CALL = {"url", "method", "form", "headers", "body", "path", "good", "final", "number", "timeout"}


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(said(each) for each in value) if isinstance(value, list) else value for name, value in given.items()}


def _call(given: Mapping[str, Any], signature: Signature | None, plain: bool) -> Call:
    if problem_of(PLACE.sub("x", given["url"]), plain=plain) or given.get("form", "json") not in ("json", "form", "none"):
        raise ValueError("url")
    own = {name: value for name, value in given.items() if name in _CALL}
    return Call(**{**_tuples(own), "body": own.get("body", {}), "signature": signature})


def _reading(given: Mapping[str, Any], signature: Signature | None = None) -> Reading:
    """A reading needs a key; the answer to a question of ours (`signature`) proves itself."""
    known = Reading.__dataclass_fields__.keys() - {"signature"}
    own = {name: value for name, value in _tuples(given).items() if name in known}
    if signature is None:
        signature = Signature(**given["signature"])
        if len(signature.key) < 16 or "header" not in own:
            raise ValueError("signature")
    return Reading(**{"header": "", **own, "signature": signature})


class SmsChannel:
    """Sends to phones through the gateway."""

    @property
    def at_once(self) -> int:
        """Calls beside each other."""
        try:
            return gateway().at_once
        except Unset:
            return 1

    @property
    def polls(self) -> bool:
        """Whether the gateway can be asked what became of a message."""
        try:
            return gateway().status is not None
        except Unset:
            return False

    def send(self, parcel: Parcel) -> Sent:
        """Raises NotNow, Never. The outcome of a call without a readable answer is unknown: told again, it has the same id."""
        found = gateway()
        if parcel.kind != "phone" or not re.fullmatch(r"1[0-9]{10}", parcel.to):
            raise Never("no mobile number")
        if (parts := parts_of(parcel.text)) > found.most_parts:
            raise Never("too long")
        if parcel.uncertain and found.status and (before := self._known(found, parcel)) is not None:
            return Sent(number=before, parts=parts)
        given = found.send.ask(_values(parcel))
        return Sent(number=self._accepted(found.send, given), parts=parts)

    def _accepted(self, called: Call, given: Answer) -> str:
        """The gateway's own number of what it took. Raises NotNow, Never."""
        if given.status in FINAL and not called.path:
            raise Never(f"http {given.status}")
        if not 200 <= given.status < 300:
            raise NotNow(f"http {given.status}")
        if not called.path and not called.number:
            return ""
        try:
            answer = json.loads(given.body)
        except ValueError:
            raise NotNow("malformed answer") from None
        code = said(at(answer, called.path)) if called.path else ""
        if called.path and not code:
            raise NotNow("malformed answer")
        if called.path and code not in called.good:
            raise (Never if code in called.final else NotNow)(f"gateway {code_of(code)}")
        return said(at(answer, called.number))[:80] if called.number else ""

    def _known(self, found: Gateway, parcel: Parcel) -> str | None:
        """Number of a message that the gateway already has; None where it does not know it. Raises NotNow where it does not say."""
        asked = found.status
        assert asked is not None
        given = asked.ask(_values(parcel))
        if given.status == 404:
            return None
        try:
            return self._accepted(asked, given)
        except Never:
            return None

    def status(self, parcel: Parcel) -> Report | None:
        """What became of one that was sent; None while nothing is known. Raises NotNow."""
        found = gateway()
        if found.status is None or found.polled is None:
            return None
        given = found.status.ask(_values(parcel))
        try:
            item = at(json.loads(given.body), found.polled.items) if given.status == 200 else None
        except ValueError:
            raise NotNow("malformed answer") from None
        item = item[0] if isinstance(item, list) and item else item
        return found.polled.report(item) if isinstance(item, dict) else None


def _values(parcel: Parcel) -> dict[str, str]:
    return {
        "id": parcel.id, "to": parcel.to, "text": parcel.text, "language": parcel.language, "number": parcel.number,
        "timestamp": str(int(parcel.told_at.timestamp())), "milliseconds": str(int(parcel.told_at.timestamp() * 1000)),
    }  # fmt: skip
