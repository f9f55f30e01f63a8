"""What the protection of minors adds to other rooms' pages: where a case is opened from. Who has a case is never shown there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import panels
from doudi.core.services import todos
from doudi.protection.models import ProtectionCase
from doudi.registry.queries import age_on

LABEL = _("登记未成年人个案")
todos.page_shows("protection_case", ProtectionCase.objects.all)


def _from(name: str) -> Any:
    return lambda _request, row: f"{reverse('protection:new')}?{name}={row.pk}"


def _person(_request: HttpRequest, person: Any) -> str | None:
    if person.died_on or age_on(person.birth_date, timezone.localdate()) >= 18:
        return None
    return f"{reverse('protection:new')}?person={person.pk}"


panels.action("lead", LABEL, _from("lead"), act="protection.report", order=70)
panels.action("visit", LABEL, _from("visit"), act="protection.report", order=70)
panels.action("call", LABEL, _from("call"), act="protection.report", order=70)
panels.action("household", LABEL, _from("household"), act="protection.report", order=70)
panels.action("person", LABEL, _person, act="protection.report", order=70)
import_module("doudi.protection.care_panels")
