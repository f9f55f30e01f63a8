"""What assessment adds to the household page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.assessment import queries
from doudi.core import panels


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    return {"rows": queries.of_household(household.pk, limit=4), "household": household}


panels.add("household", _("待遇测算"), of_household, "assessment/_panel.html", act="assessment.view", order=20)
panels.action(
    "household",
    _("测算待遇"),
    lambda _request, household: reverse("assessment:run", args=[household.pk]),
    act="assessment.run",
    order=20,
    style="pri",
)
