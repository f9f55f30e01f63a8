"""What the portal adds to other rooms' pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from doudi.core import panels
from doudi.discovery.models import Lead
from doudi.portal import queries


def _reports(request: HttpRequest, lead: Lead) -> dict[str, Any] | None:
    rows = queries.reports_of(lead.pk)
    return {"rows": rows} if rows else None


panels.add("lead", _("网上报告"), _reports, "portal/_reports.html", act="discovery.handle", order=20)
