"""The law package stands alone: a wheel of it installs in an empty environment, its tests pass there, and its web API answers.

    python tests/law/alone.py [--no-serve]

Builds the wheel in a temporary folder, makes a new virtual environment, installs the wheel with what it needs from the package index (with the
``web-api`` extra unless ``--no-serve``), and asks ``/spec``, ``/calculate`` and ``/trace``. Nothing of the calling environment is used.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "openfisca_henan"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "DJANGO_SETTINGS_MODULE")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def build(work: Path) -> Path:
    """A wheel from a copy of the package, so that no build folder is left in the source."""
    source = work / "source" / "openfisca_henan"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", work / "wheels", source, cwd=work)
    (wheel,) = (work / "wheels").glob("openfisca_henan-*.whl")
    return wheel


def post(url: str, data: object) -> dict:
    request = urllib.request.Request(url, json.dumps(data).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def serve(bin_: Path, work: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(bin_ / "openfisca"), "serve", "--country-package", "openfisca_henan", "--port", str(port), "--workers", "1"]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE")}
    log = (work / "serve.log").open("w")
    server = subprocess.Popen(command, cwd=work, env=environment, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                with urllib.request.urlopen(base + "/spec", timeout=5) as answer:
                    spec = json.load(answer)
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit((work / "serve.log").read_text()) from None
                time.sleep(0.5)
        else:
            raise SystemExit("the server does not answer")
        assert "/calculate" in spec["paths"], spec["paths"].keys()
        case = {
            "persons": {"a": {"birth_date": {"ETERNITY": "1975-01-01"}, "wage_income": {"2022-12": 300}}},
            "households": {"h": {"head": "a", "county": {"2022-12": "410724"}, "residence": {"2022-12": "urban"}, "dibao_amount": {"2022-12": None}}},
        }
        answer = post(base + "/calculate", case)
        assert answer["households"]["h"]["dibao_amount"]["2022-12"] == 330, answer
        trace = post(base + "/trace", case)
        assert trace["trace"]["dibao_amount<2022-12>"]["value"] == [330], trace
        with urllib.request.urlopen(base + "/parameter/dibao/standard/urban/41", timeout=30) as reply:
            assert json.load(reply)["values"]["2022-01-01"] == 630
        say("serve: /spec, /calculate, /trace and /parameter answer")
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-serve", action="store_true", help="without the web API")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel = build(work)
        say(f"built {wheel.name}")
        venv.create(work / "empty", with_pip=True)
        bin_ = work / "empty" / ("Scripts" if os.name == "nt" else "bin")
        run(bin_ / "python", "-m", "pip", "install", "--quiet", f"{wheel}{'' if options.no_serve else '[web-api]'}", cwd=work)
        where = run(bin_ / "python", "-c", "import openfisca_henan as law; law.CountryTaxBenefitSystem(); print(law.__file__)", cwd=work).strip()
        assert Path(where).is_relative_to(work / "empty"), where
        tests = Path(where).parent / "tests" / "yaml"
        assert any(tests.glob("*.yaml")), "the tests are not in the wheel"
        output = run(bin_ / "openfisca", "test", "--country-package", "openfisca_henan", tests, cwd=work)
        say("openfisca test: " + output.strip().splitlines()[-1].strip("= "))
        if not options.no_serve:
            serve(bin_, work)


if __name__ == "__main__":
    main()
