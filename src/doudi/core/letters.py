"""Letters as PDF (文书): templates of the rooms in Typst, filled with plain data, with a Chinese font inside the file.

    letters.pdf("enrolment/typst/notice.typ", [{"number": "…", "name": "…"}, …])      one file, one letter a page or more

Needs the extra `doudi[pdf]` (typst, pylopdf-fonts-zh-cn); `available()` says whether it is there, pages then offer printing alone.
Data reach the template as JSON and are set as text: nothing in a name or a reason is read as markup. Characters that the font lacks (rare ones
in names) are taken from the machine's fonts and from the folder that `DOUDI_FONTS` names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _

ROOT = Path(__file__).resolve().parents[1]
MOST = 200


def available() -> bool:
    """Whether PDF can be made here."""
    return find_spec("typst") is not None and find_spec("pylopdf_fonts_zh_cn") is not None


def _fonts() -> list[str]:
    import pylopdf_fonts_zh_cn

    own = os.environ.get("DOUDI_FONTS")
    return [str(Path(pylopdf_fonts_zh_cn.__file__).parent), *([own] if own else [])]


@cache
def _compiler(template: str) -> Any:
    """A compiler keeps its fonts: reading them takes longer than setting a letter."""
    import typst

    return typst.Compiler(str(ROOT / template), root=str(ROOT), font_paths=_fonts(), ignore_system_fonts=False)


def pdf(template: str, letters: Sequence[Mapping[str, Any]]) -> bytes:
    """One PDF with all letters. `template`: path below the package. Raises ValidationError where PDF cannot be made or there are too many."""
    if not available():
        raise ValidationError(_("本机没有安装 PDF 组件；请用“打印”，或请管理员安装 doudi[pdf]。"))
    if not 0 < len(letters) <= MOST:
        raise ValidationError(_("一次最多生成 %(most)s 份；请缩小范围，分批打印。") % {"most": MOST})
    made: bytes = _compiler(template).compile(sys_inputs={"data": json.dumps({"letters": list(letters)}, ensure_ascii=False)})
    return made


def answer(content: bytes, name: str) -> HttpResponse:
    """A PDF as a download that no cache keeps."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
