"""Long work on accounts in the background."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core.tasks import Run, background
from doudi.payments.services import account_checks


@background
def check(run: Run, *, area: str) -> dict[str, Any]:
    """Check the accounts of all running awards of an area."""
    run.progress(0, 1, _("核查账户"))
    return dict(account_checks.check_accounts(area=area, on=timezone.localdate(), now=timezone.now()))
