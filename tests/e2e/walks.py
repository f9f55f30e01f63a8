"""All walks of this folder, each on its own copy of one demo.

    python tests/e2e/walks.py [--short] [WALK ...]

The demo takes longer than a walk: it is made once. Two walks go side by side, each with a server and a browser of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from browser import demo

HERE = Path(__file__).parent
WALKS = (
    "main_job", "monitoring", "applications", "offline_visit", "oversight", "temporary_care", "community", "coordination", "relief", "citizen", "volunteers",
)  # fmt: skip  # the longest first
AT_ONCE = 2


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


def walked(walk: str, made: Path, folder: Path, short: bool) -> bool:
    """One walk on its own copy of the demo; what it said, in one piece, and whether it went well."""
    home, began = folder / walk, time.monotonic()
    subprocess.run(["cp", "-a", str(made), str(home)], check=True)  # with its owners, which the server asks for
    if short:
        os.environ["DOUDI_E2E_NO_PICTURES"] = "1"  # nobody looks at them there
    command = [sys.executable, str(HERE / f"{walk}.py"), "--home", str(home), *(["--short"] if short else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    say(f"{done.stdout}{walk}: {'done' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s")
    shutil.rmtree(home, ignore_errors=True)
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("walks", nargs="*", metavar="WALK", help=f"some of {', '.join(WALKS)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="a small county, the same walks (run by .ci/run)")
    parser.add_argument("--made", type=Path, help="where the demo is made and left, for other tests; then it has a file `ready` beside it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doudi-e2e-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded server's own user must reach its folder
        made, began = given.made or Path(folder) / "made", time.monotonic()
        made.mkdir()
        demo(made, 6000 if given.short else None)
        made.with_name("ready").touch()
        say(f"the demo: {time.monotonic() - began:.0f} s")
        walks = given.walks or WALKS
        with ThreadPoolExecutor(AT_ONCE) as pool:
            went = list(pool.map(lambda walk: walked(walk, made, Path(folder), given.short), walks))
    failed = [walk for walk, well in zip(walks, went, strict=True) if not well]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
