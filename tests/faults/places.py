"""A demo's data folder in a test: its server, its commands, its tables."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from doudi.core.postgres import Server
from doudi.core.tests.servers import doudi, environment

DOING = Path(__file__).with_name("doing.py")
PATIENCE = 240  # seconds: for machines that do other things too


class Place:
    """A copy of the demo, its server, and what one does to both."""

    def __init__(self, home: Path) -> None:
        self.home, self.server = home, Server(home)

    def doudi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return doudi(self.home, *arguments, **more)

    def doing(self, *arguments: str) -> str:
        """Run `doing.py`; what it printed last."""
        done = subprocess.run([sys.executable, str(DOING), *arguments], env=environment(self.home), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def held(self, sql: str, *arguments: str) -> subprocess.Popen[str]:
        """The `doudi` command, stopped right after a statement that holds `sql`."""
        process = subprocess.Popen(
            [sys.executable, str(DOING), "held", sql, "--", *arguments], env=environment(self.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        if not ready or process.stdout.readline() != "held\n":
            process.kill()
            raise AssertionError(f"not held: {process.stderr.read()[-3000:]}")
        return process

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.conninfo("superuser")) as connection:
            return connection.execute(query, values or None).fetchall()  # type: ignore[call-overload,no-any-return]

    def counts(self) -> dict[str, Any]:
        """What must neither be lost nor doubled."""
        tables = (
            "registry_person", "registry_household", "registry_membership", "discovery_lead", "discovery_comparisonrun", "assessment_assessment",
            "enrolment_review", "enrolment_monitoringrun", "payments_payroll", "payments_payrollline", "payments_paidmonth", "payments_bankresult",
            "payments_bankreturn", "payments_ledgerentry",
        )  # fmt: skip
        return {table: self.ask(f"select count(*) from doudi.{table}")[0][0] for table in tables}

    def task(self, identifier: str) -> tuple[str, str]:
        """(state, error) of a task."""
        return self.ask("select state, error from doudi.core_taskprogress where id = %s", identifier)[0]  # type: ignore[return-value]

    def worked(self, identifier: str, seconds: float = PATIENCE) -> tuple[str, str]:
        """Let a worker work until the task has ended."""
        worker = subprocess.Popen([sys.executable, "-m", "doudi.cli", "worker"], env=environment(self.home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait(lambda: self.task(identifier)[0] in ("done", "failed", "cancelled"), seconds)
        finally:
            worker.terminate()
            worker.communicate(timeout=60)
        return self.task(identifier)

    def books_hold(self) -> None:
        done = self.doudi("payroll", "--check")
        assert done.returncode == 0, done.stdout + done.stderr


def wait(what: Callable[[], Any], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)
