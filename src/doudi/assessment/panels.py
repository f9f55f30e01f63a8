"""What assessment adds to the household page, and to a proposed parameter: the dry run of its effect."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.assessment import queries, whatif
from doudi.assessment.facts import EXIT_SUSPENSION
from doudi.assessment.models import WhatIf
from doudi.core import panels
from doudi.core.emergencies import switches


def of_household(_request: HttpRequest, household: Any) -> dict[str, Any] | None:
    return {"rows": queries.of_household(household.pk), "household": household}


def of_setting(_request: HttpRequest, setting: Any) -> dict[str, Any] | None:
    """The last dry run of a proposed value of the law; None for what is no parameter of the law."""
    reform = whatif.dry_run_reform(setting)
    if reform is None:
        return None
    asked = WhatIf.objects.filter(area=setting.area, reform=reform).order_by("-made_at").first()
    return {"setting": setting, "asked": asked, "result": asked.result if asked else None}


switches.declare(
    EXIT_SUSPENSION,
    _("暂停退出低保"),
    _("启用期间，不因收入、财产变化停发或减发低保；死亡、本人放弃、重复享受和查实的骗保除外。停用后，暂缓的核查重新列出。"),
)
panels.add("setting", _("影响试算"), of_setting, "assessment/_dry_run.html", act="assessment.whatif", order=10)
panels.add("household", _("待遇测算"), of_household, "assessment/_panel.html", act="assessment.view", order=20)
panels.action(
    "household",
    _("测算待遇"),
    lambda _request, household: reverse("assessment:run", args=[household.pk]),
    act="assessment.run",
    order=20,
    style="pri",
)
