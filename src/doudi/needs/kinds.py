"""Kinds of needs: data, not code. A kind more is a line here (or `add` of a room), no migration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Kind:
    """`skills`: what an answerer should be able to do, offered when it is raised; `delivery`: handed over by a medicine delivery with its papers;
    `adults`: no work for minors (medicines and money in hand, bodily care, somebody on a journey).
    """

    label: str | Promise
    skills: tuple[str, ...] = ()
    delivery: bool = False
    adults: bool = False


KINDS: dict[str, Kind] = {
    "food": Kind(_("吃饭、食品"), ("cooking", "driving")),
    "medicine": Kind(_("药品配送"), ("driving",), delivery=True, adults=True),
    "care": Kind(_("照料护理"), ("nursing",), adults=True),
    "accompaniment": Kind(_("陪同就医、办事"), ("driving",), adults=True),
    "repairs": Kind(_("维修、家政"), ("repairs",)),
    "comfort": Kind(_("走访慰问"), ("counselling",)),
    "supplies": Kind(_("生活物资、取暖"), ("driving",)),
    "other": Kind(_("其他")),
}

# Skills that a need may ask for; volunteers are matched by the same codes.
SKILLS: dict[str, str | Promise] = {
    "driving": _("驾车"),
    "nursing": _("护理"),
    "medical": _("医疗"),
    "cooking": _("做饭"),
    "repairs": _("水电维修"),
    "counselling": _("心理疏导"),
    "sign_language": _("手语"),
    "dialect": _("方言"),
    "lifting": _("搬抬重物"),
}


def add(code: str, kind: Kind) -> None:
    """Declare a kind more, at start-up. Raises KeyError for one that there is."""
    if code in KINDS:
        raise KeyError(code)
    KINDS[code] = kind


def for_adults(code: str) -> bool:
    return code in KINDS and KINDS[code].adults


def label(code: str) -> str:
    return str(KINDS[code].label) if code in KINDS else code


def skill_words(codes: Iterable[str]) -> str:
    return "、".join(str(SKILLS[code]) for code in codes if code in SKILLS)


def choices() -> list[tuple[str, str | Promise]]:
    return [(code, kind.label) for code, kind in KINDS.items()]
