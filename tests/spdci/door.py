"""A door before the server for a suite that knows nothing of our purposes and cannot sign: it signs what bears a placeholder, and changes nothing else.

Header and message go on as they came, but for the purpose that a criteria lacks and the names under which the suite asks for what a registry under test
is to hold (`stands_for`). Messages without a header or a message, with another signature, without or with another token pass untouched: those are refused by the server itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from doudi.api.spdci import envelope

PLACEHOLDERS = ("unsigned-stub", "unsigned")
CRITERIA = {"search_request": ("search_criteria", "consent"), "subscribe_request": ("subscribe_criteria", "authorize")}
OF_THE_CONNECTION = ("connection", "transfer-encoding", "content-length", "keep-alive", "date", "server")


@dataclass(frozen=True)
class Signer:
    key: Ed25519PrivateKey
    sender: str
    key_id: str
    purpose: str
    stands_for: Mapping[str, str]

    def signed(self, body: bytes) -> bytes:
        """A message with a placeholder for its signature, signed now; anything else as it is."""
        try:
            given = json.loads(body)
        except ValueError:
            return body
        parts = [given.get(name) for name in ("header", "message")] if isinstance(given, dict) else []
        if not parts or not all(isinstance(part, dict) for part in parts) or given.get("signature") not in PLACEHOLDERS:
            return body
        header, message = parts
        for name, (criteria, authority) in CRITERIA.items():
            for request in message.get(name) or []:
                self._complete(request[criteria], authority)
        signature = envelope.line(self.key, sender=self.sender, key_id=self.key_id, header=header, message=message, now=datetime.now(UTC))
        return json.dumps({"signature": signature, "header": header, "message": message}).encode()

    def _complete(self, criteria: dict[str, Any], authority: str) -> None:
        criteria.setdefault(authority, {"purpose": {"code": self.purpose}})
        for name in ("query", "filter"):
            asked = criteria.get(name)
            if isinstance(asked, dict) and isinstance(asked.get("value"), str):
                asked["value"] = self.stands_for.get(asked["value"], asked["value"])


@contextmanager
def door(port: int, *, to: int, below: str, signer: Signer) -> Iterator[str]:
    """Open on a port of this machine for calls of the server on another, whose addresses lie `below`; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = signer.signed(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in (*OF_THE_CONNECTION, "host")}
            server = HTTPConnection("127.0.0.1", to, timeout=60)
            server.request(self.command, below + self.path, body=body, headers=headers)
            answer = server.getresponse()
            content = answer.read()
            server.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OF_THE_CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass_on

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
