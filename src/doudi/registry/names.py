"""Names for search (姓名检索): pinyin without tones and pinyin initials, with the readings that surnames have."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

# Readings that a character has as a surname only (GB/T 28039-2011 transcribes names by them).
SURNAMES = {
    "单": "shan", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "曾": "zeng", "任": "ren", "盖": "ge", "朴": "piao", "翟": "zhai", "乐": "yue",
    "缪": "miao", "覃": "qin", "种": "chong", "逄": "pang", "员": "yun", "秘": "bi", "冼": "xian", "宁": "ning", "召": "shao", "折": "she",
    "黑": "he", "重": "chong", "繁": "po", "车": "che", "那": "na", "洗": "xian", "祭": "zhai", "牟": "mu", "尹": "yin", "郝": "hao", "应": "ying",
    "尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun", "单于": "chanyu", "令狐": "linghu", "澹台": "tantai",
}  # fmt: skip
MIDDLE_DOTS = "·•・‧∙⋅．."
_DOTS = re.compile(f"[{re.escape(MIDDLE_DOTS)}]")
_BLANKS = re.compile(r"\s+")
_COMMON = re.compile("[\u4e00-\u9fa5]{1,20}")  # nearly every name: there is nothing to clean
_LATIN = re.compile(r"[^a-z0-9]")
LONGEST = 60


class BadName(ValueError):
    """A name that cannot stand on an identity card; the message is in Chinese."""


def clean_name(text: str) -> str:
    """A name as the registry keeps it: without blanks in Chinese names, one kind of middle dot (GB/T 2312's ·). Raises BadName."""
    if _COMMON.fullmatch(text):
        return text
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise BadName(_("姓名为空，请补填"))
    if any(char >= "\u4e00" for char in name):
        name = _DOTS.sub("·", _BLANKS.sub("", name))
    else:
        name = _BLANKS.sub(" ", name)
    if len(name) > LONGEST:
        raise BadName(_("姓名超过 %(most)d 个字，请核对证件") % {"most": LONGEST})
    for char in name:
        if unicodedata.category(char)[0] not in "LM" and char not in "·' -.":
            raise BadName(_("姓名中含有不允许的字符“%(char)s”，请按证件填写") % {"char": char})
    return name.strip("·")


@cache
def _reading(char: str) -> str:
    """Reading of one character; a character that the dictionary lacks (rare ones of the extensions) has none."""
    from pypinyin import Style, lazy_pinyin  # its dictionaries take long to load; most processes never ask

    found = lazy_pinyin(char, style=Style.NORMAL, errors=lambda rest: rest.lower() if rest.isascii() else "")
    return _LATIN.sub("", "".join(found).replace("ü", "v"))


@cache
def _surname(start: str) -> str | None:
    return SURNAMES.get(start)


def pinyin_of(name: str) -> tuple[str, str]:
    """(pinyin, initials) in lower case: 单小明 -> shanxiaoming, sxm; 欧阳·𠮷 -> ouyang..., a character without reading is left out."""
    head, rest = ([], name)
    if len(name) > 2 and (two := _surname(name[:2])):
        # initials of both characters: the reading is split where the second begins
        return two + "".join(_reading(char) for char in name[2:]), _two_initials(name[:2]) + "".join(_reading(char)[:1] for char in name[2:])
    if name and (one := _surname(name[0])):
        head, rest = [one], name[1:]
    parts = head + [_reading(char) for char in rest]
    return "".join(parts)[:200], "".join(part[:1] for part in parts)[:LONGEST]


def _two_initials(surname: str) -> str:
    return {"尉迟": "yc", "万俟": "mq", "长孙": "zs", "单于": "cy", "令狐": "lh", "澹台": "tt"}[surname]


def pinyin_columns(names: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """(pinyin, initials) of a column of names; each distinct name is read once."""
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    coded = pc.dictionary_encode(names)
    pairs = [pinyin_of(name) for name in coded.dictionary.to_pylist()]
    full, short = (pa.array([pair[at] for pair in pairs], pa.string()) for at in (0, 1))
    return full.take(coded.indices), short.take(coded.indices)
