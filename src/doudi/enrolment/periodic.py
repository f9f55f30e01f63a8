"""Daily jobs of enrolment."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.enrolment.services.publicising import close_due

periodic.daily(
    "enrolment.publicity", _("公示期满"), close_due, level=6, acts=["enrolment.publicise"], figures={"closed": _("期满")}
)
