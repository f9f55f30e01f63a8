"""Numbers in free text (自由文本中的号码): phones and ID numbers belong into sealed fields, where looking at them is recorded.

What comes from elsewhere is shown with its numbers masked; what an officer writes for others to read is refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.batch import idnumber

FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ－　", "0123456789Xx- ")
GAP = "[ -]?"
DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
# a mobile number; a citizen's number of 18 or of 15 characters: numbers of documents and cases have letters before them or no date of birth within
NUMBER = re.compile(
    rf"(?P<phone>(?<!\d)(?:\+?86{GAP})?1[3-9]\d{GAP}\d{{4}}{GAP}\d{{4}}(?!\d))"
    rf"|(?<![0-9A-Za-z])[1-8]\d{{5}}{GAP}(?:(?:18|19|20)\d\d{DAY}{GAP}\d{{3}}[0-9Xx]|\d\d{DAY}{GAP}\d{{3}})(?![0-9A-Za-z])",
    re.ASCII,
)


def masked(text: str) -> str:
    """The text with its phone and ID numbers masked as everywhere: 138****5678, 4101**********1234."""
    found, at = [], 0
    for match in NUMBER.finditer(text.translate(FULL_WIDTH)):
        mask = idnumber.mask_phone if match["phone"] else idnumber.mask_id
        found += [text[at : match.start()], mask(match.group())]
        at = match.end()
    return "".join(found) + text[at:]


def with_numbers(texts: Iterable[str | None]) -> list[str]:
    """Of some texts those in which a whole phone or ID number stands, each once: what a reader asks to see, and what is recorded."""
    return [text for text in dict.fromkeys(texts) if text and masked(text) != text]


def no_numbers(**texts: str) -> None:
    """Raise ValidationError for the first field in which a whole phone or ID number stands."""
    for field, text in texts.items():
        if NUMBER.search(text.translate(FULL_WIDTH)):
            raise ValidationError({field: _("文字里有完整的手机号或身份证号：请删去，或只写后四位；号码请登记在专门的栏目，查看时留有记录。")})
