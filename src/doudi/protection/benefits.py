"""What the law gives a minor of a case (资源链接: 救助待遇), from the last assessment of the household."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from doudi.assessment.models import Assessment
from doudi.assessment.outputs import PERSON_PROGRAMMES
from doudi.core import duties
from doudi.protection.models import ProtectionCase
from doudi.registry.models import BenefitStatus, Programme


@dataclass(frozen=True)
class Benefits:
    """`given`: (programme, yuan a month) by the law for this minor, dibao for the whole household; `running`: what is being paid; `missing`: given and not paid.

    `apply`: where an application is made, for duties that may; `assess`: where the law is asked, where it was not yet.
    """

    month: str
    given: list[tuple[str, float]]
    running: list[tuple[str, object]]
    missing: list[str]
    apply: str
    assess: str


def of(case: ProtectionCase, on: date) -> Benefits | None:
    """What the law would give, what runs on a day, and what is missing. None where the minor is in no household of the registry. Two queries."""
    if case.household_id is None or case.person_id is None:
        return None
    last = Assessment.objects.filter(household_id=case.household_id).order_by("-month", "-id").first()
    given: dict[str, float] = {}
    if last is not None:
        people = last.facts["person_ids"]
        at = people.index(case.person_id) if case.person_id in people else None
        persons = last.results["persons"]
        for programme, names in PERSON_PROGRAMMES.items():
            amount = sum(persons[name][at] for name in names if at is not None and len(persons.get(name, [])) > at)
            if amount > 0:
                given[programme] = round(amount, 2)
        if at is not None and last.results["household"]["dibao_eligible"]:
            given[Programme.DIBAO] = round(last.results["household"]["dibao_amount"], 2)
    status = BenefitStatus.objects.running(on).filter(person_id=case.person_id, state="active").values_list("programme", "amount")
    running = dict(status)
    apply = reverse("enrolment:apply", args=[case.household_id]) if duties.may("enrolment.apply") else ""
    assess = reverse("assessment:run", args=[case.household_id]) if duties.may("assessment.run") else ""
    return Benefits(
        f"{last.month:%Y-%m}" if last else "", [(str(Programme(name).label), amount) for name, amount in given.items()],
        [(str(Programme(name).label), amount) for name, amount in running.items()], [str(Programme(name).label) for name in given if name not in running], apply, assess,
    )  # fmt: skip
