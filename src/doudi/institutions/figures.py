"""The figures of a daily report: one list for the page, the sheet, the interface and the checks; and the reasons for which a house is at risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from doudi.institutions.models import Institution


@dataclass(frozen=True)
class Figure:
    """`of_day`: happened on that day, so that yesterday's value is no start for today's."""

    name: str
    label: str | Promise
    group: str
    of_day: bool = False
    required: bool = False
    help: str | Promise = ""


GROUPS: dict[str, str | Promise] = {"people": _("在院和在岗"), "health": _("症状和检测"), "apart": _("隔离和转运")}
FIGURES: tuple[Figure, ...] = (
    Figure("residents", _("在院人数"), "people", required=True),
    Figure("away", _("请假、住院人数"), "people", help=_("床位保留，今天不在院")),
    Figure("staff", _("在册工作人员"), "people", required=True),
    Figure("staff_on_site", _("在岗工作人员"), "people", required=True),
    Figure("symptoms_residents", _("有症状入住人员"), "health", help=_("发热、咳嗽等")),
    Figure("symptoms_staff", _("有症状工作人员"), "health"),
    Figure("tested", _("今日检测人数"), "health"),
    Figure("positive_residents", _("今日新增阳性入住人员"), "health", of_day=True),
    Figure("positive_staff", _("今日新增阳性工作人员"), "health", of_day=True),
    Figure("isolated_residents", _("隔离观察入住人员"), "apart"),
    Figure("isolated_staff", _("隔离观察工作人员"), "apart"),
    Figure("to_hospital", _("今日转院就医"), "apart", of_day=True),
    Figure("deaths", _("今日去世"), "apart", of_day=True),
)
BY_NAME = {figure.name: figure for figure in FIGURES}
MOST = {figure.name: 5000 if figure.name.startswith("staff") else 10000 for figure in FIGURES}
# (figure, figures whose sum it does not exceed)
WITHIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("staff_on_site", ("staff",)),
    ("symptoms_residents", ("residents",)),
    ("symptoms_staff", ("staff",)),
    ("tested", ("residents", "staff")),
    ("positive_residents", ("residents",)),
    ("positive_staff", ("staff",)),
    ("isolated_residents", ("residents",)),
    ("isolated_staff", ("staff",)),
)


def impossible(given: Mapping[str, int]) -> dict[str, str]:
    """Figure -> why it cannot be. `given` holds all figures."""
    wrong: dict[str, str] = {}
    for name, value in given.items():
        if not 0 <= value <= MOST[name]:
            wrong[name] = _g("应在 0 至 %(most)s 之间") % {"most": MOST[name]}
    for name, bounds in WITHIN:
        most = sum(given[each] for each in bounds)
        if name not in wrong and given[name] > most:
            labels = "、".join(str(BY_NAME[each].label) for each in bounds)
            wrong[name] = _g("%(value)s 多于%(labels)s（%(most)s），请核对") % {"value": given[name], "labels": labels, "most": most}
    return wrong


def complete(given: Mapping[str, int]) -> dict[str, int]:
    """All figures, those not given as 0. Raises ValidationError by figure for one that is unknown, missing or cannot be."""
    if unknown := set(given) - set(BY_NAME):
        raise ValidationError({name: _g("没有这一项") for name in sorted(unknown)})
    if missing := [figure.name for figure in FIGURES if figure.required and given.get(figure.name) is None]:
        raise ValidationError({name: _g("此项必填。") for name in missing})
    found = {figure.name: int(given.get(figure.name) or 0) for figure in FIGURES}
    if wrong := impossible(found):
        raise ValidationError({name: f"“{BY_NAME[name].label}”{text}" for name, text in wrong.items()})
    return found


Risk = Institution.Risk
ORDER = [Risk.NONE, Risk.YELLOW, Risk.ORANGE, Risk.RED]
# reason -> (how grave, in words); the gravest colours the house
REASONS: dict[str, tuple[str, str | Promise]] = {
    "infected": (Risk.RED, _("有新增阳性")),
    "symptoms": (Risk.ORANGE, _("有症状人员")),
    "staff": (Risk.ORANGE, _("在岗人手不足")),
    "supplies": (Risk.ORANGE, _("物资不足")),
    "incident": (Risk.ORANGE, _("有突发情况")),
    "unreported": (Risk.YELLOW, _("连续未上报")),
    "closed_long": (Risk.YELLOW, _("封闭管理时间长")),
}
COLOURS: dict[str, str] = {Risk.NONE: "gray", Risk.YELLOW: "", Risk.ORANGE: "orange", Risk.RED: "red"}


def gravest(reasons: list[str]) -> str:
    return max((REASONS[reason][0] for reason in reasons), key=lambda level: ORDER.index(Risk(level)), default=Risk.NONE)


def reason_words(house: Institution) -> str:
    return "、".join(str(REASONS[reason][1]) for reason in house.risk_reasons if reason in REASONS)
