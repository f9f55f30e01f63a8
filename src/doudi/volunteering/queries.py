"""Reads of organisations and volunteers: lists and figures of the reader's scope."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.volunteering.models import Organisation

ORGANISATION_COLOURS = {"pending": "orange", "active": "green", "suspended": "gray", "blacklisted": "red", "ended": "gray"}


def here(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of the reader's own area, said once more for the index: policies of this room let some of elsewhere through."""
    acting = scopes.current()
    return rows.filter(area__gte=acting.low, area__lt=acting.high)


def taking_part() -> tuple[object, str]:
    """8.1: organisations that take part."""
    return Organisation.objects.filter(state=Organisation.State.ACTIVE).count(), _("家慈善、志愿等组织")
