"""Why an award ends (停发原因), and what of it a suspension of exits holds back (2.6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.assessment.facts import EXIT_SUSPENSION
from doudi.core.emergencies import switched, switched_areas
from doudi.registry.models import Programme

DIBAO = (Programme.DIBAO, Programme.DIBAO_SINGLE)


class Ground(TextChoices):
    """Why an award ends (停发原因)."""

    DEATH = "death", gettext_lazy("死亡")
    VOLUNTARY = "voluntary", gettext_lazy("本人自愿放弃")
    DOUBLE = "double", gettext_lazy("重复享受")
    FRAUD = "fraud", gettext_lazy("查实骗取")
    INCOME = "income", gettext_lazy("收入超过标准")
    PROPERTY = "property", gettext_lazy("财产不符合规定")
    MOVED = "moved", gettext_lazy("户籍或居住地迁出")
    AGE = "age", gettext_lazy("年龄不再符合")
    OTHER = "other", gettext_lazy("其他")


# What ends an award of dibao while exits are suspended (2.6).
ALWAYS = (Ground.DEATH, Ground.VOLUNTARY, Ground.DOUBLE, Ground.FRAUD)


def exit_problem(*, programme: str, ground: str, area: str, on: date) -> str | None:
    """Why an exit from dibao cannot go on here now: exits are suspended and its ground is none of the exceptions. None: nothing against it."""
    if programme not in DIBAO or ground in ALWAYS or not switched(EXIT_SUSPENSION, area, on):
        return None
    return _("本地已启用暂停退出：只有死亡、自愿放弃、重复享受和查实骗取可以停发；其他情况待停用后再办理。")


def suspended(rows: Iterable[tuple[int, str, str, str]], on: date) -> set[int]:
    """Of (id, programme, ground, area) those whose exit is suspended on a day; one query."""
    areas = switched_areas(EXIT_SUSPENSION, on, on)
    return {
        row for row, programme, ground, area in rows
        if programme in DIBAO and ground not in ALWAYS and any(area.startswith(code) for code in areas)
    }  # fmt: skip
