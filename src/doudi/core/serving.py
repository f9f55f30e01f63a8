"""Web and worker as children of one process that stops both (`doudi serve`)."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from doudi.core import postgres
from doudi.core.home import SetupError

GRACE_SECONDS = 30
QUICKEST_RESTART = 3.0
DATABASE_SECONDS = 2.0


def refuse_taken_port(host: str, port: int) -> None:
    """Raise SetupError when nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise SetupError(f"无法监听 {host}:{port}（{error}）；可能已有程序占用，请用 --port 换一个端口。") from None


def _die_with_parent() -> None:
    """In the child on Linux: SIGTERM when the parent dies, even by kill -9, so that nothing is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@dataclass
class Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        # A session of its own: Ctrl-C in the terminal reaches the parent alone, which stops the children in order.
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent)


@dataclass
class Supervisor:
    """Keeps the children running until told to stop: a dead worker is started again, a dead web server ends it all."""

    web: Child
    worker: Child
    say: Callable[[str], None]
    database: Callable[[], bool] = lambda: False
    """Starts the embedded server where it is down; True if it was. Raises SetupError where it does not start."""
    asked: bool = field(default=False, init=False)
    looked: float = field(default=0.0, init=False)

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        if self.asked:
            self._signal(signal.SIGKILL)
        self.asked = True

    def _signal(self, number: signal.Signals) -> None:
        for child in (self.web, self.worker):
            if child.process and child.process.poll() is None:
                try:
                    os.killpg(child.process.pid, number)
                except ProcessLookupError:
                    continue

    def run(self) -> int:
        """Run until SIGINT or SIGTERM (0) or until the web server fails (1)."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.worker.start()
            self.web.start()
            while not self.asked:
                time.sleep(0.2)
                assert self.web.process and self.worker.process
                if (code := self.web.process.poll()) is not None:
                    self.say(f"网页服务已退出（{code}）")
                    return 1
                if (code := self.worker.process.poll()) is not None and time.monotonic() - self.worker.started > QUICKEST_RESTART:
                    self.say(f"后台进程已退出（{code}），正在重新启动")
                    self.worker.start()
                self._look_after_database()
            return 0
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _look_after_database(self) -> None:
        """A database that was killed (by the kernel when memory ran out, or by hand) is started again; pages and tasks go on by themselves."""
        if time.monotonic() - self.looked < DATABASE_SECONDS:
            return
        try:
            if self.database():
                self.say("内置数据库曾停止，已重新启动；未完成的任务将自动重做")
        except SetupError as error:
            self.say(f"内置数据库已停止，无法重新启动，稍后再试：{error}")
        self.looked = time.monotonic()

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in (self.web, self.worker):
            if child.process:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._signal(signal.SIGKILL)
                    child.process.wait()


def serve(host: str, port: int, workers: int, say: Callable[[str], None]) -> int:
    """Run gunicorn and one worker on the database that is up; returns the exit code."""
    refuse_taken_port(host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if "DOUDI_HOSTS" not in os.environ:
        name = socket.gethostname()
        os.environ["DOUDI_HOSTS"] = ",".join(dict.fromkeys(["127.0.0.1", "localhost", "[::1]", "testserver", name, host, *_addresses(name, host)]))
    gunicorn = [sys.executable, "-m", "gunicorn", "doudi.config.wsgi:application", "--bind", address, "--workers", str(workers)]
    gunicorn += ["--worker-class", "gthread", "--threads", "4", "--timeout", "120", "--graceful-timeout", "20"]
    gunicorn += ["--log-level", "warning", "--no-control-socket"]
    web = Child("web", gunicorn)
    worker = Child("worker", [sys.executable, "-m", "doudi.cli", "worker"])
    server = postgres.server()
    return Supervisor(web, worker, say, lambda: not postgres.external() and not server.status() and server.start()).run()


def _addresses(name: str, host: str) -> list[str]:
    """This machine's own addresses, when it listens on all of them."""
    if host not in ("0.0.0.0", "::"):
        return []
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(name, None)]
    except OSError:
        return []
