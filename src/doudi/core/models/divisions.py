"""Divisions (行政区划): the tree of five levels whose codes are the scope."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, CodeField

LEVEL_LENGTH = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}


class Division(models.Model):
    """One division. Dated: a code can end and point to its successor; nobody edits a code in place (integrity.md, recode)."""

    class Level(models.TextChoices):
        PROVINCE = "province", _("省")
        CITY = "city", _("市")
        COUNTY = "county", _("县（市、区）")
        TOWNSHIP = "township", _("乡镇（街道）")
        VILLAGE = "village", _("村（社区）")

    code = AreaField(primary_key=True)
    name = models.CharField(max_length=80)
    level = CodeField(max_length=10, choices=Level.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children", db_index=False)
    initials = CodeField(max_length=80, default="", help_text="pinyin initials, for the place picker")
    statistical_only = models.BooleanField(default=False, help_text="development zones and the like: counted by statistics, no division by law")
    starts = models.DateField(null=True)
    ends = models.DateField(null=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, related_name="predecessors")

    class Meta:
        indexes = [models.Index(fields=["parent", "code"]), models.Index(fields=["initials"])]

    def __str__(self) -> str:
        return self.name


def level_of(code: str) -> str:
    """Level of a code by its length; raises ValueError for a length that no level has."""
    for level, length in LEVEL_LENGTH.items():
        if len(code) == length:
            return level
    raise ValueError(f"no division level has a code of {len(code)} digits")


def ancestors(code: str) -> list[str]:
    """Codes from the province down to `code` itself."""
    return [code[:length] for length in LEVEL_LENGTH.values() if length <= len(code)]
