"""Collect and compile the texts of the pages: `python tools/messages.py` (needs GNU gettext: xgettext, msgmerge, msgfmt).

The texts in the code are Chinese; `src/doudi/locale/en` holds their English. The compiled file is committed, so that
nobody who only runs the system needs gettext. With `--check` nothing is written: it fails where a text of the code has
no English, or where the compiled file is not that of the catalogue. Guesses (fuzzy entries) are never made.
"""

from __future__ import annotations

import contextlib
import io
import os
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


def collect(package: Path) -> None:
    """Bring the catalogue of `package` up to date with its code."""
    (package / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
    options = {"locale": ["en"], "no_location": True, "no_obsolete": True, "no_wrap": True, "ignore_patterns": ["tests/*"]}
    with contextlib.chdir(package), contextlib.redirect_stdout(io.StringIO()):
        call_command(Collect(), **options)
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
