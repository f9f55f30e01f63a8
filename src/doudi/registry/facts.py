"""What kinds of facts hold: how they are entered, checked and said."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import places
from doudi.registry.models import HOUSEHOLD_FACTS, Fact, FactKind

Shape = Literal["money", "flag", "count", "number", "word", "place", "disability", "certificate"]

# GB/T 26341-2010, seven kinds of disability
DISABILITY_KINDS: dict[str, str | Promise] = {
    "visual": gettext_lazy("视力"), "hearing": gettext_lazy("听力"), "speech": gettext_lazy("言语"), "physical": gettext_lazy("肢体"),
    "intellectual": gettext_lazy("智力"), "mental": gettext_lazy("精神"), "multiple": gettext_lazy("多重"),
}  # fmt: skip
GRADES = ("", gettext_lazy("一级"), gettext_lazy("二级"), gettext_lazy("三级"), gettext_lazy("四级"))
WORDS: dict[str, dict[str, str | Promise]] = {
    FactKind.LABOUR_CAPACITY: {
        "none": gettext_lazy("无劳动能力"), "partial": gettext_lazy("部分丧失劳动能力"), "full": gettext_lazy("有劳动能力"),
    },
    FactKind.SUPPORT_OBLIGOR: {
        "none": gettext_lazy("没有"), "unable": gettext_lazy("有，但无履行能力"), "able": gettext_lazy("有履行能力"),
    },
}  # fmt: skip
FLAGS = {
    FactKind.WORKS_AWAY, FactKind.NEEDS_LONG_CARE, FactKind.WORK_INJURY_NURSING, FactKind.SERIOUS_ILLNESS, FactKind.IN_INSTITUTION, FactKind.IN_SCHOOL,
    FactKind.ORPHAN, FactKind.UNSUPPORTED_CHILD, FactKind.CHILD_WITH_HIV, FactKind.SPECIAL_DIFFICULTY,
}  # fmt: skip
COUNTS = {FactKind.VEHICLES, FactKind.DWELLINGS, FactKind.NON_RESIDENTIAL, FactKind.SELF_CARE}
MEASURES = {FactKind.DWELLING_AREA, FactKind.FARMLAND}

# Classes of facts as a household page groups them.
CLASSES: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (
        gettext_lazy("收入"),
        ("wage_income", "business_income", "property_income", "transfer_income", "land_income", "maintenance_income", "disregarded_income",
         "disregarded_income_tekun"),
    ),
    (gettext_lazy("务工"), ("works_away", "workplace_area", "workplace_urban_dibao_standard")),
    (
        gettext_lazy("健康与能力"),
        ("disability", "disability_certificate", "needs_long_care", "work_injury_nursing", "serious_illness", "labour_capacity", "support_obligor",
         "self_care_failures", "in_institution"),
    ),
    (gettext_lazy("儿童与就学"), ("in_school", "orphan", "de_facto_unsupported_child", "child_with_hiv", "special_difficulty")),
    (
        gettext_lazy("家庭财产与支出"),
        ("financial_assets", "company_capital", "vehicles", "dwellings", "non_residential_property", "dwelling_area_per_head", "farmland_per_head",
         "rigid_expenditure"),
    ),
)  # fmt: skip


def shape(kind: str) -> Shape:
    """How a kind is entered. Raises ValueError for what is no kind."""
    kind = FactKind(kind)
    if kind in FLAGS:
        return "flag"
    if kind in COUNTS:
        return "count"
    if kind in MEASURES:
        return "number"
    if kind in WORDS:
        return "word"
    return {FactKind.WORKPLACE_AREA: "place", FactKind.DISABILITY: "disability", FactKind.DISABILITY_CERTIFICATE: "certificate"}.get(kind, "money")  # type: ignore[return-value]


def of_household(kind: str) -> bool:
    return kind in HOUSEHOLD_FACTS


def say(fact: Fact) -> str:
    """A fact's value in words; a certificate's number stays hidden."""
    form, number = shape(fact.kind), fact.number
    if form == "flag":
        return _("否") if number == 0 else _("是")
    if form == "disability":
        if not number:
            return _("无")
        return _("%(kind)s残疾 %(grade)s") % {
            "kind": DISABILITY_KINDS.get(fact.text, ""),
            "grade": GRADES[int(number)] if number in (1, 2, 3, 4) else number,
        }
    if form == "word":
        return str(WORDS[fact.kind].get(fact.text, fact.text))
    if form == "place":
        return "".join(places.path(fact.text, above=4)) or places.name(fact.text) if fact.text else ""
    if form == "certificate":
        return "********"
    if number is None:
        return fact.text
    return f"{number:,.2f}" if form == "money" else f"{number.normalize():f}" if form == "number" else f"{int(number)}"


def zero(fact: Fact) -> bool:
    """Whether the fact says that there is nothing (no car, not disabled): known, and hidden behind the others."""
    return fact.number == Decimal(0) and not fact.text
