"""The structure of an explanation (测算说明): what a page, a printed sheet or the terminal shows.

``Explanation.as_dict()`` is plain JSON. Texts are whole sentences, Chinese and English; amounts are numbers (yuan, unrounded where the law
does not round) that the page formats.

* ``figures``: the boxes on top: one for each group of benefits, with verdict or amount and one line of text.
* ``sections``: the calculation, section by section; ``Line.number`` runs through all sections, subtotals have none. ``Line.cites`` are the
  numbers of the lines that
  the value is made of, so the lines form a tree. ``Line.value`` is signed (deductions are negative); where ``verdict`` is not None the page
shows 符合 or 不符合 in its place.
* ``benefits``: every benefit that the household or a member has this month; ``total`` their sum.
* ``refusals``: every benefit that is not given, why, and the nearest threshold: what would change the answer. ``pending``: not known yet,
  rather than refused.
* ``parameters``: every dated row that was used, with place, date, source and whether it is verified.
* ``values``: all intermediate variables by name, for the record and for comparing two months.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Line:
    """One line of the calculation.

    ``member`` is the index of the person it is about (None: the household); ``parameters`` are indices into ``Explanation.parameters``.
    """

    code: str
    label: str
    formula: str
    formula_en: str
    value: float | None
    number: int | None = None
    note: str = ""
    member: int | None = None
    member_name: str = ""
    reference: str = ""
    verdict: bool | None = None
    subtotal: bool = False
    unverified: bool = False
    cites: list[int] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)


@dataclass
class Section:
    code: str
    title: str
    title_en: str
    lines: list[Line] = field(default_factory=list)


@dataclass
class Benefit:
    """A benefit of this month. ``amount`` is None for a status without money (marginal family)."""

    code: str
    label: str
    amount: float | None
    member: int | None = None
    member_name: str = ""
    line: int | None = None
    note: str = ""


@dataclass
class Refusal:
    """A benefit not given.

    ``short_by`` is the distance to the nearest threshold in yuan a month where it is one of money (how much less income, for example).
    """

    code: str
    label: str
    reason: str
    reason_en: str
    threshold: str
    threshold_en: str
    short_by: float | None = None
    member: int | None = None
    member_name: str = ""
    pending: bool = False
    applicable: bool = True


@dataclass
class ParameterUsed:
    """A dated row as used: ``value`` is what the document says, in ``unit``."""

    name: str
    label: str
    area: str
    area_name: str
    start: str
    value: float | str | None
    unit: str
    reference: str
    unverified: bool
    setting: bool


@dataclass
class Figure:
    """A box at the head of the page: ``eligible`` None where there is an amount to show instead of a verdict."""

    code: str
    label: str
    amount: float | None
    eligible: bool | None
    text: str


@dataclass
class Explanation:
    month: str
    law_version: str
    settings_hash: str
    county: str
    county_name: str
    residence: str
    residence_label: str
    members: list[str]
    figures: list[Figure]
    sections: list[Section]
    benefits: list[Benefit]
    total: float
    refusals: list[Refusal]
    parameters: list[ParameterUsed]
    values: dict[str, list[Any]]

    @property
    def unverified(self) -> list[ParameterUsed]:
        return [parameter for parameter in self.parameters if parameter.unverified]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: dictionaries, lists, texts, numbers, true, false, null. Carries ``unverified`` as well."""
        return asdict(self) | {"unverified": [asdict(parameter) for parameter in self.unverified]}
