"""Message templates (消息模板): declared in code, in both languages, with named placeholders.

    templates.add(Template("lead.assigned", _("线索分派"), to="staff", zh="分派给您的救助线索 {count} 条……", en="{count} leads …"))

A text to people outside the offices never names a programme, a benefit or a health matter: `Templates.add` refuses one, and `check_values`
the values that would bring such a word in.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

STAFF, PEOPLE = "staff", "people"
LANGUAGES = ("zh-hans", "en")
# What a text on somebody's phone must not tell those who look over their shoulder.
UNSAID = (
    "低保", "特困", "低收入", "边缘", "残疾", "重病", "疾病", "患病", "病情", "艾滋", "精神", "孤儿", "无人抚养", "补贴", "贫困", "困难群众",
    "dibao", "tekun", "allowance", "subsid", "disab", "illness", "disease", "hiv", "orphan", "poverty", "poor", "low-income",
)  # fmt: skip


def fields_of(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def unsaid_in(text: str) -> str:
    """The first word in a text that must not be said to people, or nothing."""
    low = text.lower()
    return next((word for word in UNSAID if word in low), "")


@dataclass(frozen=True)
class Template:
    """`sensitive`: its values are stored encrypted, and channels outside the system carry only the notice that there is a message.

    `secret`: stored encrypted too, but sent whole (a code). `always`: sent to who wants no messages too, since the law demands that they are told
    (a legal notice) or they asked for it just now.
    """

    key: str
    label: str | Promise
    to: str
    zh: str
    en: str
    sensitive: bool = False
    secret: bool = False
    always: bool = False

    def text(self, values: Mapping[str, Any], language: str) -> str:
        """The text in a language. Raises KeyError for a value that is missing."""
        return (self.en if language == "en" else self.zh).format_map(dict(values))

    @property
    def hidden(self) -> bool:
        """Whether its values are stored encrypted."""
        return self.sensitive or self.secret

    @property
    def fields(self) -> set[str]:
        return fields_of(self.zh)


NOTICE = {"zh-hans": "您有一条新消息，请登录兜底系统查看。", "en": "You have a new message; please sign in to Doudi to read it."}


class Templates:
    def __init__(self) -> None:
        self._known: dict[str, Template] = {}

    def add(self, *given: Template) -> None:
        """Declare templates, at start-up. Raises ValueError where the languages name different placeholders or people would be told too much."""
        for template in given:
            if template.to not in (STAFF, PEOPLE) or len(template.key) > 40:
                raise ValueError(template.key)
            if fields_of(template.zh) != fields_of(template.en) or any(not name.isidentifier() for name in template.fields):
                raise ValueError(f"{template.key}: placeholders differ")
            if template.to == PEOPLE and (word := unsaid_in(template.zh) or unsaid_in(template.en)):
                raise ValueError(f"{template.key}: people are not told {word}")
            self._known[template.key] = template

    def get(self, key: str) -> Template:
        return self._known[key]

    def all(self) -> list[Template]:
        return list(self._known.values())


def check_values(template: Template, values: Mapping[str, Any]) -> dict[str, str]:
    """The values as text. Raises ValueError for missing or surplus ones, and for words that people are not told."""
    if set(values) != template.fields:
        raise ValueError(f"{template.key}: values {sorted(set(values) ^ template.fields)}")
    texts = {name: str(value) for name, value in values.items()}
    if template.to == PEOPLE and (word := unsaid_in(" ".join(texts.values()))):
        raise ValueError(f"{template.key}: people are not told {word}")
    return texts


def values_of(message: Any) -> dict[str, Any]:
    return json.loads(message.sealed) if message.sealed else message.values


def text_of(message: Any, language: str = "") -> str:
    """Whole text of a message; its template's key where the code no longer knows it."""
    try:
        return templates.get(message.template).text(values_of(message), language or message.language)
    except KeyError:
        return str(message.template)


templates = Templates()
