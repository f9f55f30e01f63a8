"""Clauses that relief serves."""

from __future__ import annotations

from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.relief.services.price_proposals import paid_figures


def price_subsidies() -> tuple[object, str]:
    """3.3: people with an approved price subsidy in the latest month of payment."""
    found = paid_figures(scopes.current().area)
    if found["month"] is None:
        return 0, _("人（尚未启动）")
    return found["people"], _("人（%(month)s）") % {"month": f"{found['month']:%Y-%m}"}


measures.serve("3.3", "relief:prices", act="prices.view", figure=price_subsidies)
