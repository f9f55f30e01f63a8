"""Which institutions another system reports for: its account stands among their clerks, and sees no other institution (6.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account
from doudi.institutions.models import Institution, InstitutionClerk
from doudi.institutions.services.base import note_event

MOST = 2_000


def houses_of(account_id: int) -> list[Institution]:
    """The institutions that a system reports for now, by name."""
    return list(Institution.objects.filter(clerks__account_id=account_id, clerks__ended_at__isnull=True).order_by("name", "pk"))


@transaction.atomic
def set_houses(*, account: Account, area: str, codes: Iterable[str], now: datetime) -> int:
    """Say by their codes which institutions within `area` a system reports for; the number that changed. Its sight of others ends at once.

    Raises ValidationError that names the codes which are none, lie elsewhere, or were closed.
    """
    acting = duties.require("api.manage")
    wanted = sorted({code.strip().upper() for code in codes if code.strip()})
    if len(wanted) > MOST:
        raise ValidationError({"houses": _("一个客户端最多 %(most)d 家机构。") % {"most": MOST}})
    rows = Institution.objects.filter(code__in=wanted, area__gte=area, area__lt=area + ":").exclude(state=Institution.State.CLOSED)
    houses = {row.code: row for row in rows}
    if unknown := [code for code in wanted if code not in houses]:
        raise ValidationError({"houses": _("这一地区没有这些机构代码，或机构已撤销：%(codes)s") % {"codes": "、".join(unknown[:5])}})
    there = {clerk.institution_id: clerk for clerk in InstitutionClerk.objects.filter(account=account, ended_at__isnull=True).select_related("institution")}
    keep = {house.pk for house in houses.values()}
    changed = 0
    for row in houses.values():
        if row.pk not in there:
            InstitutionClerk.objects.create(institution=row, area=row.area, account=account, started_at=now, made_by_id=acting.account_id or None)
            note_event(row, "clerk", account.name, now)
            changed += 1
    for pk, clerk in there.items():
        if pk not in keep:
            clerk.ended_at = now
            clerk.save(update_fields=["ended_at"])
            note_event(clerk.institution, "clerk_released", account.name, now)
            changed += 1
    scopes.check_constraints()
    return changed
