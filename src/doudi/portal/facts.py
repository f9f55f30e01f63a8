"""A household's few facts as a citizen tells them (自测): questions in plain words -> the law's input -> the law's answer. Nothing of it is stored.

The facts travel with the reader from page to page as one signed text; they hold no name and no number.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import law
from doudi.portal.policies import law_settings
from doudi.registry.models import Programme

SALT = "doudi.portal.facts"
LASTS = 4 * 3600
MOST = 8  # members
# How many of the six indicators of self-care (穿衣、吃饭、洗澡、上厕所、室内行走、控制大小便) a word stands for.
SELF_CARE = {"able": (gettext_lazy("能自理"), 0), "partly": (gettext_lazy("有几样要人帮"), 1), "unable": (gettext_lazy("大多要人帮"), 4)}
LABOUR = {"full": gettext_lazy("能干活"), "partial": gettext_lazy("只能干轻活"), "none": gettext_lazy("干不了活")}
SUPPORT = {
    "able": gettext_lazy("有，也有能力"), "unable": gettext_lazy("有，但没有能力"), "none": gettext_lazy("没有"),
}  # fmt: skip
CHILD = {"": gettext_lazy("不属于下面的情况"), "orphan": gettext_lazy("父母都去世或找不到"), "unsupported": gettext_lazy("父母在，但都不能抚养")}
KINDS = {
    "none": gettext_lazy("没有残疾证"), "visual": gettext_lazy("视力"), "hearing": gettext_lazy("听力"), "speech": gettext_lazy("言语"),
    "physical": gettext_lazy("肢体"), "intellectual": gettext_lazy("智力"), "mental": gettext_lazy("精神"), "multiple": gettext_lazy("多重"),
}  # fmt: skip
GRADES = {"1": gettext_lazy("一级"), "2": gettext_lazy("二级"), "3": gettext_lazy("三级"), "4": gettext_lazy("四级")}


@dataclass(frozen=True)
class MemberFacts:
    """One member: money is yuan a month."""

    born: str
    wage: float = 0.0
    works_away: bool = False
    business: float = 0.0
    transfers: float = 0.0
    maintenance: float = 0.0
    disability_kind: str = "none"
    disability_grade: int = 0
    serious_illness: bool = False
    in_school: bool = False
    labour: str = "full"
    self_care: str = "able"
    child: str = ""


@dataclass(frozen=True)
class HouseholdFacts:
    """A household: `rigid` yuan a year that it pays itself for treatment, schooling, rehabilitation; `savings` yuan in all."""

    county: str
    residence: str
    members: tuple[MemberFacts, ...] = field(default_factory=tuple)
    rigid: float = 0.0
    savings: float = 0.0
    vehicles: int = 0
    dwellings: int = 1
    support: str = "able"

    def sealed(self) -> str:
        """Signed and packed, for a hidden field."""
        return signing.dumps(asdict(self), salt=SALT, compress=True)


def opened(text: str) -> HouseholdFacts | None:
    """The facts of a hidden field; None for anything that this house did not sign, or that is too old."""
    try:
        given = signing.loads(text, salt=SALT, max_age=LASTS)
        return HouseholdFacts(**{**given, "members": tuple(MemberFacts(**each) for each in given["members"])})
    except (signing.BadSignature, TypeError, KeyError, ValueError):
        return None


@dataclass(frozen=True)
class Benefit:
    label: str
    members: str
    amount: float | None
    note: str


@dataclass(frozen=True)
class Answer:
    """What the law says: what the household may be entitled to, what not and why, and the calculation."""

    explained: law.Explanation
    fits: list[Benefit]
    total: float
    refused: list[law.Refusal]
    programmes: list[str]
    income: float
    limit: float
    marginal: float


# The law's benefits -> the programme that one applies for.
PROGRAMMES: dict[str, str] = {
    "dibao_amount": Programme.DIBAO, "single_person_dibao_amount": Programme.DIBAO_SINGLE, "marginal_family": Programme.MARGINAL,
    "rigid_expenditure_family": Programme.RIGID, "tekun_living_amount": Programme.TEKUN, "tekun_care_amount": Programme.TEKUN,
    "orphan_allowance": Programme.ORPHAN, "unsupported_child_allowance": Programme.UNSUPPORTED_CHILD,
    "disability_living_subsidy": Programme.DISABILITY_LIVING, "disability_nursing_subsidy": Programme.DISABILITY_NURSING,
}  # fmt: skip


def columns(facts: HouseholdFacts) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """(persons, household) as the law takes them."""
    rows = facts.members
    persons: dict[str, list[Any]] = {
        "birth_date": [row.born for row in rows], "wage_income": [row.wage for row in rows], "works_away": [row.works_away for row in rows],
        "business_income": [row.business for row in rows], "transfer_income": [row.transfers for row in rows],
        "maintenance_income": [row.maintenance for row in rows],
        "disability_kind": [row.disability_kind if row.disability_grade else "none" for row in rows],
        "disability_grade": [row.disability_grade if row.disability_kind != "none" else 0 for row in rows],
        "serious_illness": [row.serious_illness for row in rows], "in_school": [row.in_school for row in rows],
        "labour_capacity": [row.labour for row in rows], "self_care_failures": [SELF_CARE[row.self_care][1] for row in rows],
        "support_obligor": [facts.support for _row in rows], "orphan": [row.child == "orphan" for row in rows],
        "de_facto_unsupported_child": [row.child == "unsupported" for row in rows],
    }  # fmt: skip
    household = {
        "county": facts.county, "residence": facts.residence, "rigid_expenditure": facts.rigid / 12, "financial_assets": facts.savings,
        "vehicles": facts.vehicles, "dwellings": facts.dwellings,
    }  # fmt: skip
    return persons, household


def names(size: int) -> list[str]:
    """Members as the pages call them: nobody is asked for names."""
    return [_("本人"), *(_("家人%(number)d") % {"number": number} for number in range(2, size + 1))]


def answer(facts: HouseholdFacts, *, month: date) -> Answer:
    """The law over what was told, for a month (its first day), under the confirmed settings. Raises law.LawInputError."""
    persons, household = columns(facts)
    explained = law.explain(persons, household, f"{month:%Y-%m}", law_settings(month), names(len(facts.members)))

    def value(name: str) -> float:
        found = explained.values.get(name) or [0.0]
        return float(found[0]) if found[0] is not None else 0.0

    return Answer(
        explained=explained,
        fits=[Benefit(each.label, each.member_name, each.amount, each.note) for each in explained.benefits],
        total=explained.total,
        refused=[each for each in explained.refusals if each.applicable and not each.pending],
        programmes=list(dict.fromkeys(PROGRAMMES[each.code] for each in explained.benefits if each.code in PROGRAMMES)),
        income=value("household_income"), limit=value("dibao_income_limit"), marginal=value("marginal_income_limit"),
    )  # fmt: skip
