"""The YAML tests, run as a user runs them: ``openfisca test``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import openfisca_henan

TESTS = Path(__file__).parent / "yaml"
OPENFISCA = [sys.executable, "-c", "from openfisca_core.scripts.openfisca_command import main; main()"]


def openfisca_test(folder):
    """Run in a folder outside the repository: ``openfisca test`` is pytest underneath and would take the repository's settings."""
    environment = os.environ | {"PYTHONPATH": str(Path(openfisca_henan.__file__).parent.parent)}
    for name in ("DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    command = [*OPENFISCA, "test", "--country-package", "openfisca_henan", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=300)


def test_openfisca_test_passes(tmp_path):
    shutil.copytree(TESTS, tmp_path / "yaml")
    done = openfisca_test(tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    written = sum(len(re.findall(r"^- name:", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in TESTS.glob("*.yaml"))
    assert f"{written} passed" in done.stdout


def test_openfisca_test_fails_on_a_wrong_amount(tmp_path):
    text = (TESTS / "disability.yaml").read_text(encoding="utf-8").replace("disability_living_subsidy: 75,", "disability_living_subsidy: 75.01,", 1)
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    done = openfisca_test(tmp_path)
    assert done.returncode != 0
    assert "1 failed" in done.stdout
