"""Whom the community knows that could answer a need: the person's care contact (or who stands in), then shops and pharmacies of the village's plan in force."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.community.models import CarePerson, PlanItem
from doudi.community.services import standing_in
from doudi.core import numbers
from doudi.core.numbers import Kind
from doudi.needs import answerers
from doudi.needs.answerers import Suggestion
from doudi.needs.models import Need

# kind of need -> kinds of suppliers that bring it, the nearest to it first
SUPPLY = {"medicine": ("pharmacy", "hospital"), "food": ("meals", "shop"), "supplies": ("shop",)}


def contacts(need: Need) -> Iterator[Suggestion]:
    """The care contacts of the person or household; two queries."""
    rows = CarePerson.objects.filter(ends__isnull=True, contact__isnull=False)
    rows = rows.filter(Q(person=need.person_id) if need.person_id else Q(household_id=need.household_id))
    found = {row.contact.pk: row.contact for row in rows.select_related("contact") if row.contact}
    away = standing_in(timezone.localdate(), list(found)) if found else {}
    for pk, contact in found.items():
        who = away.get(pk, contact)
        yield Suggestion("contact", who.name, account_id=who.account_id, phone=who.phone, external_id=who.pk, note=_("帮扶责任人"))


def _token(line: str) -> UUID | None:
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(line))
    except ValueError:
        return None


def suppliers(need: Need) -> Iterator[Suggestion]:
    """Suppliers of the plan in force at the need's village; one query."""
    kinds = SUPPLY.get(need.kind, ())
    if not kinds:
        return
    rows = PlanItem.objects.filter(plan__area=need.area, plan__state="approved", section=PlanItem.Section.SUPPLIER, kind__in=kinds)
    for row in sorted(rows, key=lambda row: (kinds.index(row.kind), row.position)):
        yield Suggestion("shop", row.name, phone=_token(row.line), external_id=row.pk, note=f"{row.get_kind_display()} {row.line}")


answerers.add("community.contacts", contacts)
answerers.add("community.suppliers", suppliers)
