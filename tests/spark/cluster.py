"""A real standalone Spark cluster on this machine: a master and two workers, processes of their own with the classes of pyspark's wheel.

python tests/spark/cluster.py pytest ...      runs a command on it (`DOUDI_SPARK_MASTER`); all processes are gone afterwards
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = "127.0.0.1"


@dataclass
class Cluster:
    url: str
    workers: list[subprocess.Popen[bytes]]

    def kill_worker(self, number: int) -> None:
        """A machine lost: worker and executors at once."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


def _start(folder: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": HERE, "SPARK_NO_DAEMONIZE": "1", "SPARK_DAEMON_MEMORY": "256m"}
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(["bash", str(home / "bin/spark-class"), *words], stdout=log, stderr=log, env=environment, start_new_session=True)


def _wait(folder: Path, name: str, process: subprocess.Popen[bytes], words: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    log = folder / f"{name}.log"
    while words not in log.read_text("utf-8", "replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"Spark's {name} did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.2)


@contextmanager
def standalone(workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """A master and workers of one core each; gone afterwards, whatever happened."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="doudi-spark-") as name:
        folder, port = Path(name), _free_port()
        url = f"spark://{HERE}:{port}"
        try:
            own = ("--host", HERE, "--webui-port", "0")
            started.append(_start(folder, "master", "org.apache.spark.deploy.master.Master", *own, "--port", str(port)))
            _wait(folder, "master", started[0], "I have been elected leader")
            for number in range(workers):
                more = ("--cores", "1", "--memory", memory, "--work-dir", str(folder / f"work{number}"))
                started.append(_start(folder, f"worker{number}", "org.apache.spark.deploy.worker.Worker", *own, *more, url))
            for number, process in enumerate(started[1:]):
                _wait(folder, f"worker{number}", process, "Successfully registered with master")
            yield Cluster(url, started[1:])
        finally:
            for process in reversed(started):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def main() -> int:
    with standalone() as cluster:
        more = {"DOUDI_SPARK_MASTER": cluster.url, "DOUDI_SPARK_EXECUTOR_MEMORY": "700m", "SPARK_LOCAL_IP": HERE}
        return subprocess.run(sys.argv[1:], env=os.environ | more, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
