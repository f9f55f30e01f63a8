"""Calls to other systems over HTTP (对外调用): one way out, with a time limit, no redirects, no proxy of the environment and a bounded answer.

What goes wrong is told as its kind alone: neither address nor content nor credentials reach a log.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

LARGEST = 1 << 20
LOCAL = ("localhost", "127.0.0.1", "::1")


class Unreachable(RuntimeError):
    """No answer, or none that can be read: `timeout`, `no connection`, `tls`, `broken answer`. The other side may have taken the call all the same."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the answer 3xx is handed back as it is


_opener = build_opener(_NoRedirect, ProxyHandler({}))


def problem_of(url: str, *, plain: bool = False) -> str:
    """Why an address may not be called, or nothing: https, or http within this machine (`plain`: http within a network of one's own)."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "address"
    if not host or parts.username or parts.password or any(sign <= " " for sign in url):
        return "address"
    if parts.scheme == "https" or (parts.scheme == "http" and (plain or host in LOCAL)):
        return ""
    return "https"


def call(url: str, *, method: str = "POST", headers: Mapping[str, str] | None = None, body: bytes | None = None, timeout: float = 10) -> Answer:
    """The answer, whatever its status. `timeout` in seconds, for each wait. Raises Unreachable."""
    try:
        with _opener.open(Request(url, data=body, headers=dict(headers or {}), method=method), timeout=timeout) as found:
            return Answer(found.status, _read(found))
    except HTTPError as error:
        with error:
            return Answer(error.code, _read(error))
    except URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise Unreachable("tls") from None
        raise Unreachable("timeout" if isinstance(error.reason, TimeoutError | socket.timeout) else "no connection") from None
    except TimeoutError:
        raise Unreachable("timeout") from None
    except http.client.HTTPException:
        raise Unreachable("broken answer") from None
    except (OSError, ValueError):
        raise Unreachable("no connection") from None


def _read(found: Any) -> bytes:
    body: bytes = found.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Unreachable("broken answer")
    return body
