"""A demo's data folder in a test: its server, its commands, its tables."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doudi.core.postgres import Server
from doudi.core.tests.servers import doudi, environment

DOING = Path(__file__).with_name("doing.py")
PATIENCE = 240  # seconds: for machines that do other things too


def _folder_of(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


class Worker:
    def __init__(self, home: Path, surroundings: dict[str, str]) -> None:
        self.surroundings, self.log = surroundings, home.parent / "worker.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.goes_on()

    def goes_on(self) -> bool:
        if self.process is None or self.ended():
            with self.log.open("ab") as log:
                self.process = subprocess.Popen([sys.executable, "-m", "doudi.cli", "worker"], env=self.surroundings, stdout=log, stderr=log)
        return True

    def ended(self) -> bool:
        assert self.process
        return self.process.poll() is not None

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        self.process.wait(60)


class Place:
    """A copy of the demo, its server, and what one does to both.

    `server` and `urls` (DATABASE_URL and the like): a server beside the data folder, which Doudi knows only by its address.
    """

    def __init__(self, home: Path, server: Server | None = None, **urls: str) -> None:
        self.home, self.server, self.urls = home, server or Server(home), urls
        self._held: list[subprocess.Popen[str]] = []
        self._open: psycopg.Connection | None = None

    def let_go(self) -> None:
        """End what a failed test left held: it would keep its task, and the server up."""
        for process in self._held:
            process.kill()

    def crash(self) -> None:
        """Kill the server with -9 and wait until its orphans have gone: one that lives on for a moment may still commit what comes in, rightly."""
        self.server.kill()
        data = os.path.realpath(self.server.data)
        wait(lambda: not any(_folder_of(pid) == data for pid in os.listdir("/proc") if pid.isdigit()))

    def doudi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return doudi(self.home, *arguments, **self.urls, **more)

    def doing(self, *arguments: str) -> str:
        """Run `doing.py`; what it printed last."""
        done = subprocess.run([sys.executable, str(DOING), *arguments], env=environment(self.home, **self.urls), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def held(self, sql: str, *arguments: str) -> subprocess.Popen[str]:
        """The `doudi` command, stopped right after a statement that holds `sql`."""
        process = subprocess.Popen(
            [sys.executable, str(DOING), "held", sql, "--", *arguments], env=environment(self.home, **self.urls), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._held.append(process)
        assert process.stdout is not None and process.stderr is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        if not ready or process.stdout.readline() != "held\n":
            process.kill()
            raise AssertionError(f"not held: {process.stderr.read()[-3000:]}")
        return process

    @contextmanager
    def connected(self) -> Iterator[None]:
        """One connection for all questions inside: on a full disk the server may refuse new ones."""
        with psycopg.connect(self.server.conninfo("superuser"), autocommit=True) as self._open:
            try:
                yield
            finally:
                self._open = None

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._open:
            found = self._open.execute(query, values or None)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []
        with psycopg.connect(self.server.conninfo("superuser")) as connection:
            return connection.execute(query, values or None).fetchall()  # type: ignore[call-overload,no-any-return]

    def counts(self) -> dict[str, Any]:
        """What must neither be lost nor doubled."""
        tables = (
            "registry_person", "registry_household", "registry_membership", "discovery_lead", "discovery_linkagepair", "discovery_comparisonrun", "assessment_assessment",
            "enrolment_review", "enrolment_monitoringrun", "payments_payroll", "payments_payrollline", "payments_paidmonth", "payments_bankresult",
            "payments_bankreturn", "payments_ledgerentry",
        )  # fmt: skip
        return dict(self._of_each("count(*)", tables))  # type: ignore[arg-type]

    def _of_each(self, what: str, tables: Iterable[str]) -> list[tuple[Any, ...]]:
        return self.ask(" union all ".join(f"select '{table}', {what} from doudi.{table}" for table in tables))

    def stands(self) -> dict[str, Any]:
        """table -> (rows, the newest transaction that wrote one), of every table but those of queue, records and messages, which live on by themselves."""
        tables = self.ask(
            "select relname::text from pg_class where relnamespace = 'doudi'::regnamespace and relkind in ('r', 'p') and not relispartition"
            " and relname !~ '^(core|django|api)_' order by 1"
        )
        return {table: (rows, newest) for table, rows, newest in self._of_each("count(*), coalesce(max(xmin::text::bigint), 0)", [name for (name,) in tables])}

    def task(self, identifier: str) -> tuple[str, str]:
        """(state, error) of a task."""
        return self.ask("select state, error from doudi.core_taskprogress where id = %s", identifier)[0]  # type: ignore[return-value]

    @contextmanager
    def working(self) -> Iterator[Worker]:
        """A worker, started again where it ends, as `doudi serve` does. What it says goes to a file: nobody reads a pipe meanwhile."""
        worker = Worker(self.home, environment(self.home, **self.urls))
        try:
            yield worker
        finally:
            worker.stop()

    def worked(self, identifier: str, seconds: float = PATIENCE) -> tuple[str, str]:
        """Let a worker work until the task has ended."""
        with self.working() as worker:
            wait(lambda: worker.goes_on() and self.task(identifier)[0] in ("done", "failed", "cancelled"), seconds)
        return self.task(identifier)

    def books_hold(self) -> None:
        done = self.doudi("payroll", "--check")
        assert done.returncode == 0, done.stdout + done.stderr


def wait(what: Callable[[], Any], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


@contextmanager
def small_disk(folder: Path, spare: int) -> Iterator[None]:
    """A filesystem of its own in place of a folder, its files moved in and so many megabytes free. Skips where mounting is not allowed."""
    beside = folder.with_name(folder.name + ".large")
    folder.rename(beside)
    folder.mkdir()
    found = beside.stat()
    size = spare + int(subprocess.run(["du", "-s", "-m", str(beside)], capture_output=True, text=True, check=True).stdout.split()[0])
    options = f"size={size}m,mode={found.st_mode & 0o777:o},uid={found.st_uid},gid={found.st_gid}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        folder.rmdir()
        beside.rename(folder)
        pytest.skip(f"no small filesystem: {done.stderr.strip()}")
    try:
        subprocess.run(["cp", "-a", f"{beside}/.", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()
        beside.rename(folder)


def fill(filler: Path, *, leave: int = 0) -> None:
    """Fill the disk of a file: to so many bytes, or to the last page."""
    with filler.open("ab", buffering=0) as out:
        try:
            while shutil.disk_usage(filler.parent).free > leave:
                out.write(bytes(max(4096, min(2**20, shutil.disk_usage(filler.parent).free - leave))))
        except OSError:
            pass
