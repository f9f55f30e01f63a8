"""What the register of resources has for a need: suggested beside care contacts, shops of the village's plan and volunteers."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.needs import answerers
from doudi.needs.answerers import Suggestion
from doudi.needs.models import Need, NeedAnswer
from doudi.resources import queries
from doudi.resources.models import Resource

SHOPS = (Resource.Holder.SHOP, Resource.Holder.CLINIC)


def resources(need: Need) -> Iterator[Suggestion]:
    """Resources that serve the need's place, the nearest first; one query. A stale one says so."""
    on = timezone.localdate()
    for row in queries.for_need(need.kind, need.area, on):
        note = f"{row.what}，{queries.amount_words(row)}，{queries.distance_words(row.distance)}"  # type: ignore[attr-defined]
        if row.confirm_by < on:
            note += "，" + _("超期未核实")
        kind = NeedAnswer.Kind.SHOP if row.holder in SHOPS else NeedAnswer.Kind.DEPARTMENT
        yield Suggestion(kind, row.name[:60], phone=row.phone, note=note)


answerers.add("resources.register", resources)
