"""The public compliance suite of the SPDCI standard against a server of its own.

    python tests/spdci/suite.py SUITE [--home DIR] [--port N]

SUITE: a clone of OpenSPP/spdci-compliance in which `npm ci --ignore-scripts` was run; nothing of it is kept here. Runs its scenarios for social
registries through a door that signs (`door.py`), on loopback only, and prints what passed and what did not. Fails where a scenario fails that
`DECLARED` does not name, where one passes that it does, and where a callback is not as the standard describes it. `--port`: the first of three ports in a row; free ones otherwise.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from arrange import KEY_ID, PURPOSE, SENDER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from door import Signer, door

from doudi.api.spdci import envelope

HERE = Path(__file__).parent
# The suite's name for somebody whom the registry under test is to hold.
SOMEBODY = "TEST-001"
# Registries alone: what the standard's clients and subscribers must do is not ours.
TAGS = "not @profile=spmis-client and not @profile=spmis-subscriber"
# Requirement of a scenario that fails -> why it may.
_BESIDE = "the suite's mistake: it puts `pagination` beside `search_criteria`, where the standard has none; inside of it the page is refused (test_spdci)"
_UNDEFINED = "the suite's mistake: it has no steps for this scenario; {} (api/tests)"
DECLARED: dict[str, str] = {
    **dict.fromkeys(("DCI-VAL-PAG-01", "DCI-VAL-PAG-02", "DCI-VAL-PAG-03"), _BESIDE),
    **dict.fromkeys(("SPDCI-SEC-AUTH-01", "SPDCI-SEC-AUTH-02"), _UNDEFINED.format("we answer 401")),
    "SPDCI-SEC-AUTH-03": _UNDEFINED.format("a token that holds is let in"),
    "SPDCI-SEC-CONTENT-01": _UNDEFINED.format("we answer 415"),
    "SPDCI-SEC-CONTENT-02": _UNDEFINED.format("JSON is read"),
}
# What the suite's callback server says of a message of ours that is not as the standard's description tells.
NOT_AS_DESCRIBED = "[callback-server] OpenAPI validation failed"


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def free_ports() -> list[int]:
    probes = [socket.socket() for _ in range(3)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def doudi(home: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DOUDI_HOME": str(home), "DOUDI_CALLBACKS_WITHIN": "1"}
    return subprocess.run([sys.executable, *arguments], env=environment, text=True, check=True, **options)


@contextmanager
def served(home: Path, port: int) -> Iterator[None]:
    """The server with its worker; callbacks to this machine allowed, as for trials."""
    environment = os.environ | {"DOUDI_HOME": str(home), "DOUDI_CALLBACKS_WITHIN": "1"}
    command = [sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if server.poll() is not None:
                raise SystemExit(f"doudi serve ended with code {server.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/openapi.json", timeout=5).read()
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise SystemExit("the server did not answer")
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(120)


def run(suite: Path, *, base: str, token: str, callback: int, report: Path) -> None:
    """The suite as its own page tells to run it; what it found is written to `report`."""
    settings = {
        "DOMAIN": "social", "API_BASE_URL": base, "DCI_AUTH_TOKEN": token, "DCI_SENDER_ID": SENDER, "SENDER_ID": SENDER, "DCI_RECEIVER_ID": envelope.OURS,
        "RECEIVER_ID": envelope.OURS, "CALLBACK_SERVER_ENABLED": "true", "CALLBACK_SERVER_PORT": str(callback), "QUIET_LOGS": "1",
    }  # fmt: skip
    command = [str(suite / "node_modules/.bin/cucumber-js"), "--tags", TAGS, "--format", f"json:{report}"]
    with (report.parent / "suite.log").open("w") as log:
        subprocess.run(command, cwd=suite, env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT, check=False)


def outcomes(report: Path) -> Iterator[tuple[str, str, str]]:
    """(requirement, scenario, what went wrong or nothing) of each scenario."""
    for feature in json.loads(report.read_text()):
        for scenario in feature["elements"]:
            tags = [tag["name"] for tag in scenario["tags"]]
            requirement = next(tag.removeprefix("@req=") for tag in tags if tag.startswith("@req="))
            wrong = [step for step in scenario["steps"] if step["result"]["status"] != "passed"]
            said = [f"{step['result']['status']}: {step['name']}: {step['result'].get('error_message', '')}" for step in wrong[:1] if "name" in step]
            yield requirement, f"{feature['name'].strip()}: {scenario['name'].strip()}", "; ".join(said) if wrong else ""


def judged(found: list[tuple[str, str, str]], log: str) -> int:
    """Print what was found; the number of scenarios and callbacks that went otherwise than declared."""
    failed = {requirement: wrong for requirement, _name, wrong in found if wrong}
    for requirement, name, wrong in found:
        if not wrong:
            say(f"passed    {requirement}  {name}" + ("  (declared as failing)" if requirement in DECLARED else ""))
        elif requirement in DECLARED:
            say(f"declared  {requirement}  {name}\n            {DECLARED[requirement]}")
        else:
            say(f"FAILED    {requirement}  {name}\n            {wrong[:800]}")
    unforeseen = failed.keys() ^ DECLARED.keys()
    say(f"{len(found)} scenarios: {len(found) - len(failed)} passed, {len(failed)} failed, {len(failed.keys() & DECLARED.keys())} of them declared")
    callbacks = [NOT_AS_DESCRIBED + part[:300] for part in log.split(NOT_AS_DESCRIBED)[1:]]
    for each in callbacks:
        say(each)
    say(f"{len(callbacks)} callbacks not as described")
    return len(unforeseen) + len(callbacks)


def commit_of(suite: Path) -> str:
    done = subprocess.run(["git", "-C", str(suite), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", type=Path, help="clone of the suite, with its packages installed")
    parser.add_argument("--home", type=Path, help="data folder to keep, also one that is there already")
    parser.add_argument("--port", type=int, help="first of three ports")
    given = parser.parse_args()
    suite = given.suite.resolve()
    if not (suite / "node_modules/.bin/cucumber-js").exists():
        raise SystemExit(f"no suite in {suite}: clone it and run `npm ci --ignore-scripts` there")
    server, outside, callback = range(given.port, given.port + 3) if given.port else free_ports()
    with tempfile.TemporaryDirectory(prefix="doudi-spdci-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded server's own user must reach its folder
        home, report = (given.home or Path(folder) / "home").absolute(), Path(folder) / "report.json"
        doudi(home, "-m", "doudi.cli", "init", stdout=subprocess.DEVNULL)
        key = Ed25519PrivateKey.generate()
        public = base64.b64encode(envelope.public_of(key)).decode()
        made = doudi(home, str(HERE / "arrange.py"), public, f"http://127.0.0.1:{callback}", stdout=subprocess.PIPE)
        held = json.loads(made.stdout.splitlines()[-1])
        signer = Signer(key, SENDER, KEY_ID, PURPOSE, {SOMEBODY: held["person"]})
        with served(home, server), door(outside, to=server, below="/api/v1", signer=signer) as base:
            run(suite, base=base, token=held["token"], callback=callback, report=report)
        log = (Path(folder) / "suite.log").read_text()
        if not report.exists() or not report.stat().st_size:
            raise SystemExit(log[-4000:])
        say(f"SPDCI compliance suite at {commit_of(suite)}, social registry")
        return 1 if judged(list(outcomes(report)), log) else 0


if __name__ == "__main__":
    sys.exit(main())
