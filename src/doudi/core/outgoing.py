"""Calls to other systems over HTTP (对外调用): one way out, with a time limit, no redirects, no proxy of the environment and a bounded answer.

What goes wrong is told as its kind alone: neither address nor content nor credentials reach a log.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

LARGEST = 1 << 20
LOCAL = ("localhost", "127.0.0.1", "::1")


class Unreachable(RuntimeError):
    """No answer, or none that can be read: `timeout`, `no connection`, `tls`, `broken answer`, `inside`. The other side may have taken the call all the same."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the answer 3xx is handed back as it is


class Inside(OSError):
    """An address that others named leads to this machine or its link."""


def _inside(address: str) -> bool:
    """Whether an IP address is this machine, its link (where clouds keep their secrets) or nobody. Networks of one's own are outside: offices are reached there."""
    found = ipaddress.ip_address(address.split("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified


def _outside(*args: Any, **kwargs: Any) -> socket.socket:
    """A connection that was made to the outside: the address is looked at after the name was resolved, so that no name leads around it."""
    found = socket.create_connection(*args, **kwargs)
    if _inside(found.getpeername()[0]):
        found.close()
        raise Inside("inside")
    return found


class _Http(http.client.HTTPConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = _outside


class _Https(http.client.HTTPSConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = _outside


class _HttpOutside(HTTPHandler):
    def http_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(_Http, req)


class _HttpsOutside(HTTPSHandler):
    def https_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(_Https, req)


_opener = build_opener(_NoRedirect, ProxyHandler({}))
_opener_outside = build_opener(_NoRedirect, ProxyHandler({}), _HttpOutside, _HttpsOutside)


def problem_of(url: str, *, plain: bool = False, within: bool = True) -> str:
    """Why an address may not be called, or nothing: https, or http within this machine (`plain`: http within a network of one's own).

    Without `within` not this machine: for addresses that others name.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "address"
    if not host or parts.username or parts.password or any(sign <= " " for sign in url):
        return "address"
    if not within and _names_inside(host):
        return "inside"
    if parts.scheme == "https" or (parts.scheme == "http" and (plain or host in LOCAL)):
        return ""
    return "https"


def _names_inside(host: str) -> bool:
    try:
        return host == "localhost" or host.endswith(".localhost") or _inside(host)
    except ValueError:  # a name: looked at when it is called
        return False


def call(
    url: str, *, method: str = "POST", headers: Mapping[str, str] | None = None, body: bytes | None = None, timeout: float = 10, within: bool = True
) -> Answer:
    """The answer, whatever its status. `timeout` in seconds, for each wait. Without `within` never from this machine itself. Raises Unreachable."""
    try:
        with (_opener if within else _opener_outside).open(Request(url, data=body, headers=dict(headers or {}), method=method), timeout=timeout) as found:
            return Answer(found.status, _read(found))
    except HTTPError as error:
        with error:
            return Answer(error.code, _read(error))
    except URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise Unreachable("tls") from None
        if isinstance(error.reason, Inside):
            raise Unreachable("inside") from None
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
