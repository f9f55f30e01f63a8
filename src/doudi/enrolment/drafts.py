"""What a proposal says: members, amounts by month, payee, taken from the law's results. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from doudi.assessment import services as assessing
from doudi.assessment.facts import month_after
from doudi.assessment.models import Assessment
from doudi.assessment.outputs import CONFIRMATIONS, HOUSEHOLD_PROGRAMMES, PERSON_PROGRAMMES
from doudi.core.settings_overlay import settings_at
from doudi.enrolment.rules import Start, first_month, start_at
from doudi.registry.models import Membership, Person, Programme

ADULT = 18


@dataclass(frozen=True)
class Granted:
    """What the law gives: `person_id` for a programme of one person, `shares` (yuan, by member) where members have amounts of their own."""

    person_id: int | None
    members: tuple[int, ...]
    amount: Decimal | None
    shares: Mapping[int, Decimal] = field(default_factory=dict)


@dataclass
class Draft:
    """One decision to be proposed. `amounts`: (first month, yuan a month), oldest first."""

    household_id: int
    area: str
    programme: str
    kind: str
    person_id: int | None
    members: list[dict[str, Any]]
    amounts: list[tuple[date, Decimal]]
    starts: date
    assessment_id: int | None = None
    award_id: int | None = None
    lead_id: int | None = None
    start_rule: str = ""
    applied_on: date | None = None
    payee: dict[str, Any] | None = None
    law_amount: Decimal | None = None
    differs: bool = False
    reason: str = ""
    document: str = ""
    basis: dict[str, Any] | None = None
    valid_months: int = 0
    ground: str = ""
    gradual_exit: dict[str, Any] | None = None

    @property
    def amount(self) -> Decimal | None:
        return self.amounts[-1][1] if self.amounts else None

    def content(self) -> dict[str, Any]:
        """What the approval freezes, as JSON. It holds no token: account and bank are read from the payee at approval."""
        return {
            "household_id": self.household_id, "area": self.area, "programme": self.programme, "kind": self.kind, "person_id": self.person_id,
            "members": self.members, "amounts": [{"from": month.isoformat(), "amount": str(amount)} for month, amount in self.amounts],
            "starts": self.starts.isoformat(), "start_rule": self.start_rule, "applied_on": self.applied_on.isoformat() if self.applied_on else None,
            "payee": self.payee, "assessment_id": self.assessment_id, "award_id": self.award_id,
            "law_amount": None if self.law_amount is None else str(self.law_amount), "differs": self.differs, "reason": self.reason,
            "document": self.document, "ground": self.ground, **({"gradual_exit": self.gradual_exit} if self.gradual_exit else {}),
            **({"basis": self.basis} if self.basis is not None else {}), **({"valid_months": self.valid_months} if self.valid_months else {}),
        }  # fmt: skip


def fen(value: float | Decimal) -> Decimal:
    """An amount of the law as exact yuan (the law has rounded it already; float64 carries it within 1e-9)."""
    return Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def granted(results: Mapping[str, Any], person_ids: Sequence[int], programme: str) -> list[Granted]:
    """What the law's results give under a programme: one entry for the household's programmes, one per person for the others."""
    household, persons = results["household"], results["persons"]
    size = len(person_ids)
    counted = [person for person, counts in zip(person_ids, persons.get("counts_in_dibao_household") or [False] * size, strict=True) if counts]
    if programme in CONFIRMATIONS:
        return [Granted(None, tuple(counted), None)] if household.get(CONFIRMATIONS[programme]) else []
    if programme == Programme.DIBAO:
        amount = fen(household["dibao_amount"])
        if not household["dibao_eligible"] or amount <= 0:
            return []
        bands, uplift = persons.get("dibao_band_amount") or [0] * size, persons.get("dibao_uplift") or [0] * size
        shares = {p: fen(b + u) for p, b, u in zip(person_ids, bands, uplift, strict=True) if p in counted} if any(bands) else {}
        return [Granted(None, tuple(counted), amount, shares if sum(shares.values()) == amount else {})]
    names = PERSON_PROGRAMMES[programme]
    columns = [persons.get(name) or [0] * size for name in names]
    totals = [fen(sum(values)) for values in zip(*columns, strict=True)]
    return [Granted(person, (person,), amount, {person: amount}) for person, amount in zip(person_ids, totals, strict=True) if amount > 0]


class People:
    """Members as the proposal needs them, read once for many households."""

    def __init__(self, person_ids: Iterable[int], household_ids: Iterable[int], on: date) -> None:
        self.on = on
        columns = ("id", "name", "birth_date", "died_on", "account", "bank")
        self.of = {row["id"]: row for row in Person.objects.filter(id__in=set(person_ids)).values(*columns)}
        self.heads: dict[int, list[int]] = {}
        rows = Membership.objects.filter(household__in=set(household_ids), starts__lte=on).exclude(ends__lte=on)
        for household, person in rows.order_by("relationship", "id").values_list("household_id", "person_id"):
            self.heads.setdefault(household, []).append(person)
        missing = {person for persons in self.heads.values() for person in persons} - self.of.keys()
        self.of |= {row["id"]: row for row in Person.objects.filter(id__in=missing).values(*columns)}

    def adult(self, person_id: int) -> bool:
        born = self.of[person_id]["birth_date"]
        return self.on.year - born.year - ((self.on.month, self.on.day) < (born.month, born.day)) >= ADULT

    def payee(self, household_id: int, person_id: int | None) -> dict[str, Any] | None:
        """Who is paid: the grown-up person, else of the household the head or the next grown-up with an account, else whoever is first."""
        living = [p for p in self.heads.get(household_id, []) if p in self.of and self.of[p]["died_on"] is None]
        if person_id in living and (self.adult(person_id) or len(living) == 1):
            living = [person_id]
        choice = (
            next((p for p in living if self.adult(p) and self.of[p]["account"]), None)
            or next((p for p in living if self.adult(p)), None)
            or next(iter(living), None)
        )
        return None if choice is None else {"person_id": choice, "name": self.of[choice]["name"]}


def members_of(given: Granted, people: People, bands: Mapping[int, int] | None = None) -> list[dict[str, Any]]:
    made = []
    for person in given.members:
        share = given.shares.get(person)
        made.append({
            "person_id": person, "name": people.of[person]["name"] if person in people.of else "",
            "share": None if share is None else str(share), "band": (bands or {}).get(person),
        })  # fmt: skip
    return made


def starts_in(counties: Iterable[str], programmes: Iterable[str], on: date) -> dict[tuple[str, str], str]:
    """The start rule by county and programme as it is set on a day; one query a county."""
    wanted = list(programmes)
    found: dict[tuple[str, str], str] = {}
    for county in sorted(counties):
        get = settings_at("procedure.case.", county, on)
        found |= {(county, programme): start_at(programme, get) for programme in wanted}
    return found


def grant_drafts(
    assessments: Sequence[Assessment],
    programmes: Iterable[str],
    *,
    on: date,
    leads: Mapping[int, int] | None = None,
    bands: Mapping[int, int] | None = None,
    applied_on: date | None = None,
    start: str = "",
) -> list[Draft]:
    """Drafts of everything that the law gives in these assessments (all of one month) under the programmes.

    `applied_on`: the day of application, where it is not `on`, the day of the proposal. `start`: the start rule that a running case keeps;
    without it the one that the household's county has set on the day.

    Where a programme starts before the assessed month, the law runs over the same frozen facts for each month before, so that a
    month is never paid at another month's amount (4.5: 60 yuan in 2022-11, 75 from 2022-12).
    """
    rows = list(assessments)
    if not rows:
        return []
    month = rows[0].month
    if any(row.month != month for row in rows):
        raise ValueError("assessments of several months")
    now_results = [row.results for row in rows]
    if bands:
        now_results = assessing.results_again(rows, month=month, settings=assessing.settings_of(rows[0].settings), bands=bands)
    earlier: list[tuple[date, list[dict[str, Any]]]] = []
    programmes = [p for p in programmes if p in PERSON_PROGRAMMES or p in HOUSEHOLD_PROGRAMMES]
    applied = applied_on or on
    first_of_application = applied.replace(day=1)
    starts_by = {} if start else starts_in({row.area[:6] for row in rows}, programmes, on)
    if first_of_application < month and Start.MONTH_OF_APPLICATION in {start, *starts_by.values()}:
        at = first_of_application
        while at < month:
            earlier.append((at, assessing.results_again(rows, month=at, settings=assessing.law_settings(at))))
            at = month_after(at)
    people = People((p for row in rows for p in row.facts["person_ids"]), (row.household_id for row in rows), on)
    drafts = []
    for position, row in enumerate(rows):
        ids = row.facts["person_ids"]
        for programme in programmes:
            rule = start or starts_by[row.area[:6], programme]
            first = first_month(rule, applied_on=applied, decided_on=on)
            for given in granted(now_results[position], ids, programme):
                amounts: list[tuple[date, Decimal]] = []
                starts = first
                if given.amount is not None:
                    if rule == Start.MONTH_OF_APPLICATION:
                        for at, results in earlier:
                            before = next((g for g in granted(results[position], ids, programme) if g.person_id == given.person_id), None)
                            if before is not None and before.amount is not None and (not amounts or amounts[-1][1] != before.amount):
                                amounts.append((at, before.amount))
                            elif before is None:
                                amounts.clear()
                    if not amounts or amounts[-1][1] != given.amount:
                        amounts.append((month if amounts else max(starts, month), given.amount))
                    starts = amounts[0][0]
                drafts.append(Draft(
                    household_id=row.household_id, area=row.area, programme=programme, kind="grant", person_id=given.person_id,
                    members=members_of(given, people, bands), amounts=amounts, starts=starts, assessment_id=row.pk,
                    lead_id=(leads or {}).get(row.household_id), start_rule=rule, applied_on=applied,
                    payee=people.payee(row.household_id, given.person_id), law_amount=given.amount,
                ))  # fmt: skip
    return drafts
