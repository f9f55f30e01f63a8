"""Load of the public pages: so many requests a second on loopback, errors counted, percentiles, and a plain page under the same load beside it.

    python bench/portal.py [--rate 200] [--seconds 30] [--home FOLDER] [--json]

Requests are sent when they are due, whether or not earlier ones have been answered, and timed from when they were due: a server that falls behind
shows it. The mix is what visitors open (first page with and without a county, policies, hotlines, publicity, the forms), half of them in English. The
baseline is a page of the same size that a bare WSGI function returns, from the same server with as many processes: it leaves out Django,
languages, templates, the database and the law's parameters. Sender and server share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from home import prepare

WORKERS = 2
SIZE = 20_000  # of the baseline's page, about that of the first page
COUNTY = "410122"
# Address -> how often of twenty.
MIX = {
    "/portal/": 4, f"/portal/?county={COUNTY}": 5, f"/portal/policies/?county={COUNTY}": 2, f"/portal/policies/dibao/?county={COUNTY}": 2,
    f"/portal/hotlines/?county={COUNTY}": 2, f"/portal/publicity/?county={COUNTY}": 2, "/portal/report/?place=410122101": 1, "/portal/check/": 1,
    "/portal/follow/": 1,
}  # fmt: skip
PAGES = [page for page, times in MIX.items() for _n in range(times)]
PLAIN = f"""
def application(environ, start_response):
    body = b"x" * {SIZE}
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, log: Path = Path(os.devnull)) -> Iterator[int]:
    """A server of a command that listens on the port, until the block ends; what it says goes into `log`."""
    with log.open("w") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        for _try in range(240):
            if server.poll() is not None:
                raise SystemExit(f"the server ended with code {server.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/portal/", timeout=5).read()
                break
            except OSError:
                time.sleep(0.25)
        else:
            raise SystemExit("the server did not answer within a minute")
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


class Sender:
    """Sends to one port; connections are kept and used again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self.times: list[float] = []
        self.errors: dict[str, int] = {}

    async def ask(self, page: str, language: str, due: float) -> None:
        try:
            status = await asyncio.wait_for(self._answer(page, language), 20)
            why = "" if status == 200 else f"status {status}"
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            why = type(error).__name__
        self.times.append(time.perf_counter() - due)
        if why:
            self.errors[why] = self.errors.get(why, 0) + 1

    async def _answer(self, page: str, language: str) -> int:
        request = f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept-Language: {language}\r\n\r\n".encode()
        while self.free:  # a kept connection that the server has closed meanwhile answers nothing
            kept = self.free.popleft()
            try:
                return await self._over(*kept, request)
            except (OSError, asyncio.IncompleteReadError):
                kept[1].close()
        return await self._over(*await asyncio.open_connection("127.0.0.1", self.port), request)

    async def _over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {name.lower(): value.strip() for name, _sign, value in (line.partition(":") for line in head.split("\r\n")[1:])}
        await reader.readexactly(int(fields["content-length"]))
        if fields.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.free.append((reader, writer))
        return int(head.split(" ", 2)[1])


async def load(port: int, rate: int, seconds: float) -> dict[str, Any]:
    """The figures of one load: milliseconds from when each request was due."""
    sender = Sender(port)
    for page in MIX:  # each process has read its texts and parameters before it counts
        await asyncio.gather(*(sender.ask(page, language, time.perf_counter()) for language in ("zh-CN", "en") for _worker in range(WORKERS)))
    sender.times, sender.errors = [], {}
    start, tasks = time.perf_counter() + 0.1, []
    for number in range(round(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(sender.ask(PAGES[number * 7 % len(PAGES)], "en" if number % 2 else "zh-CN", due)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - start
    times = sorted(sender.times)

    def at(share: float) -> float:
        return round(times[min(int(len(times) * share), len(times) - 1)] * 1000, 1)

    return {
        "requests": len(times), "per_second": round(len(times) / took, 1), "errors": sum(sender.errors.values()), "kinds": sender.errors,
        "median_ms": round(statistics.median(times) * 1000, 1), "p95_ms": at(0.95), "p99_ms": at(0.99), "most_ms": at(1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", "--people", type=int, default=200, help="requests a second (the suite names every size --people)")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--home", type=Path, help="a data folder to use again")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doudi-load-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded server's own user must reach its folder
        prepare(given.home or Path(folder) / "home")
        port, plain = free_port(), Path(folder) / "plain.py"
        with serving([sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", str(WORKERS)], port):
            pages = asyncio.run(load(port, given.rate, given.seconds))
        plain.write_text(PLAIN)
        port = free_port()
        gunicorn = [sys.executable, "-m", "gunicorn", "plain:application", "--chdir", folder, "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        with serving([*gunicorn, "--worker-class", "gthread", "--threads", "4", "--log-level", "warning", "--no-control-socket"], port):
            base = asyncio.run(load(port, given.rate, given.seconds))
    figures = {
        "rate": given.rate, "seconds": pages["median_ms"] / 1000, "pages": pages, "plain": base, "ratio": round(pages["median_ms"] / max(base["median_ms"], 0.1), 1),
        "peak_mb": 0,
    }  # fmt: skip
    if given.json:
        print(json.dumps(figures))  # noqa: T201
    else:
        for name, row in (("public pages", pages), ("plain page", base)):
            print(  # noqa: T201
                f"{name:13} {row['requests']:>7,} requests, {row['per_second']:.0f} a second, {row['errors']} errors {row['kinds'] or ''}  "
                f"median {row['median_ms']} ms, 95 % {row['p95_ms']} ms, 99 % {row['p99_ms']} ms, most {row['most_ms']} ms"
            )
        print(f"ratio of the medians: {figures['ratio']}")  # noqa: T201
    if pages["errors"]:
        raise SystemExit(f"{pages['errors']} of {pages['requests']} requests failed: {pages['kinds']}")


if __name__ == "__main__":
    main()
