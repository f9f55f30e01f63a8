"""Collect and compile the texts of the pages: `python tools/messages.py` (needs GNU gettext: xgettext, msgmerge, msgfmt).

The texts in the code are Chinese; `src/doudi/locale/en` holds their English. The compiled file is committed, so that
nobody who only runs the system needs gettext. With `--check` nothing is written: it fails where a text of the code has
no English, or where the compiled file is not that of the catalogue. Guesses (fuzzy entries) are never made.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import makemessages

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "doudi"
CATALOGUE = Path("locale", "en", "LC_MESSAGES", "django.po")


class Collect(makemessages.Command):
    # a guessed translation of another sentence is worse than none
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]


LABELLED = {"Line": 1, "Figure": 1, "Benefit": 1, "Refusal": 1}
CHINESE = re.compile("[\u4e00-\u9fff]")


def declared() -> list[str]:
    """Labels declared where no Django is: the law's parameters and explanation, datasets, indicators. Pages show them through `declared`."""
    sys.path.insert(0, str(PACKAGE.parent))
    from doudi.batch.datasets import CONTRACTS
    from doudi.batch.datasets.handout import TYPES_ZH
    from doudi.batch.indicators import INDICATORS
    from doudi.batch.law.settings import list_parameters

    found = [parameter.label for parameter in list_parameters()] + [indicator.title_zh for indicator in INDICATORS.values()] + ["城镇"]
    found += [threshold.label_zh for indicator in INDICATORS.values() for threshold in indicator.parameters.values()] + ["启用", *TYPES_ZH.values()]
    for contract in CONTRACTS.values():
        found += [contract.name_zh, contract.department_zh]
        for column in contract.columns:
            found += [column.header_zh, *(column.labels.values() if column.labels and len(column.labels) < 20 else ())]  # not the 70 relationships
    for path in sorted((PACKAGE / "batch" / "law").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            at = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in LABELLED and len(node.args) > 1:
                at = node.args[1]
            elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.elts[0], ast.Constant) and str(node.elts[0].value).isidentifier():
                at = node.elts[1]
            if isinstance(at, ast.Constant) and CHINESE.search(str(at.value)):
                found.append(at.value)
    return sorted({text for text in found if CHINESE.search(text)})


def collect(package: Path) -> None:
    """Bring the catalogue of `package` up to date with its code."""
    (package / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
    options = {"locale": ["en"], "no_location": True, "no_obsolete": True, "no_wrap": True, "ignore_patterns": ["tests/*"]}
    passing = package / "_declared.py"
    passing.write_text("\n".join(f"gettext({text!r})" for text in declared()), encoding="utf-8")
    try:
        with contextlib.chdir(package), contextlib.redirect_stdout(io.StringIO()):
            call_command(Collect(), **options)
    finally:
        passing.unlink()
    lines = (package / CATALOGUE).read_text(encoding="utf-8").splitlines(keepends=True)
    # the day of collection would differ, and conflict, on every run
    (package / CATALOGUE).write_text("".join(line for line in lines if not line.startswith('"POT-Creation-Date')), encoding="utf-8")


def compiled(catalogue: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "django.mo")
        subprocess.run(["msgfmt", "--check-format", "-o", str(target), str(catalogue)], check=True)
        return target.read_bytes()


def missing(catalogue: Path) -> list[str]:
    """The texts without English."""
    found = subprocess.run(["msgattrib", "--untranslated", "--no-wrap", str(catalogue)], check=True, capture_output=True, text=True).stdout
    return [line[len("msgid ") :] for line in found.splitlines() if line.startswith("msgid ") and line != 'msgid ""']


def check() -> int:
    if not all(shutil.which(tool) for tool in ("xgettext", "msgmerge", "msgfmt")):
        sys.stdout.write("GNU gettext is not installed: English texts not checked\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "doudi")
        shutil.copytree(PACKAGE, copy, ignore=lambda _at, names: [name for name in names if name in ("data", "static", "__pycache__", "tests")])
        collect(copy)
        gone = missing(copy / CATALOGUE)
    for text in gone:
        sys.stdout.write(f"no English: {text}\n")
    stale = compiled(PACKAGE / CATALOGUE) != (PACKAGE / CATALOGUE).with_suffix(".mo").read_bytes()
    if stale:
        sys.stdout.write("django.mo is not compiled from django.po: run `make messages`\n")
    return 1 if gone or stale else 0


def main() -> int:
    settings.configure(USE_I18N=True)
    if "--check" in sys.argv:
        return check()
    collect(PACKAGE)
    catalogue = PACKAGE / CATALOGUE
    catalogue.with_suffix(".mo").write_bytes(compiled(catalogue))
    sys.stdout.write(f"{len(missing(catalogue))} texts without English\n")
    return 0


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    raise SystemExit(main())
