"""Collect and compile the texts of the pages: `python tools/messages.py` (needs GNU gettext: xgettext, msgmerge, msgfmt).

The texts in the code are Chinese; `src/doudi/locale/en` holds their English. The compiled file is committed, so that
nobody who only runs the system needs gettext. With `--check` nothing is written: it fails where English texts are missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "doudi"
CATALOGUE = PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po"


def main() -> int:
    if "--check" not in sys.argv:
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        command = [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location", "--no-obsolete", "--no-wrap", "-i", "tests/*"]
        subprocess.run(command, cwd=PACKAGE, env=environment, check=True)
        subprocess.run(["msgfmt", "--check-format", "-o", str(CATALOGUE.with_suffix(".mo")), str(CATALOGUE)], check=True)
    done = subprocess.run(["msgattrib", "--untranslated", str(CATALOGUE)], check=True, capture_output=True, text=True).stdout
    missing = max(done.count("\nmsgid ") - 1, 0) if done else 0
    sys.stdout.write(f"{missing} texts without English\n")
    return 1 if missing and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
