"""Notices of temporary assistance (告知书): made of decided cases, each time with a step in the case's record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import audit, duties, letters
from doudi.core import scope as scopes
from doudi.relief.letters import notices
from doudi.relief.models import ReliefCase, ReliefStep


@transaction.atomic
def issue_notices(*, case_ids: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """The notices of decided cases, as `relief.letters.notices` has them; who made them is written. Raises ValidationError where one is not decided here."""
    acting = duties.require("relief.notice")
    wanted = sorted(set(case_ids))
    if not 0 < len(wanted) <= letters.MOST:
        raise ValidationError(_("没有可制发告知书的救助，或超过一次 %(most)s 份；请调整筛选条件。") % {"most": letters.MOST})
    rows = list(ReliefCase.objects.filter(pk__in=wanted, state__in=(ReliefCase.State.GRANTED, ReliefCase.State.REFUSED)).order_by("id"))
    if len(rows) != len(wanted):
        raise ValidationError(_("所选的有的还没有决定，或不在您的管辖范围内；请刷新页面。"))
    audit.record_access(what="export", subject="relief", reason="临时救助告知书", field="pdf")
    ReliefStep.objects.bulk_create(
        [ReliefStep(area=row.area, case=row, at=now, account_id=acting.account_id or None, before=row.state, after=row.state, what="notice", note="") for row in rows]
    )
    scopes.check_constraints()
    return notices(rows)
