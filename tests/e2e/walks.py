"""All walks of this folder, each on its own copy of one demo.

    python tests/e2e/walks.py [--short] [WALK ...]

The demo takes longer than a walk: it is made once.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from browser import demo

HERE = Path(__file__).parent
WALKS = ("main_job", "offline_visit", "applications", "relief", "oversight", "monitoring")


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("walks", nargs="*", metavar="WALK", help=f"some of {', '.join(WALKS)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="a small county, the same walks (run by .ci/run)")
    given = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory(prefix="doudi-e2e-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded server's own user must reach its folder
        made, began = Path(folder) / "made", time.monotonic()
        made.mkdir()
        demo(made, 6000 if given.short else None)
        say(f"the demo: {time.monotonic() - began:.0f} s")
        for walk in given.walks or WALKS:
            home, began = Path(folder) / walk, time.monotonic()
            subprocess.run(["cp", "-a", str(made), str(home)], check=True)  # with its owners, which the server asks for
            done = subprocess.run([sys.executable, str(HERE / f"{walk}.py"), "--home", str(home), *(["--short"] if given.short else [])])
            say(f"{walk}: {'done' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s")
            failed += [walk] if done.returncode else []
            shutil.rmtree(home, ignore_errors=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
