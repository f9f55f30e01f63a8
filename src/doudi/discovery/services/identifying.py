"""Who a lead is about, found out later (measures 1.3): a report about somebody unknown is linked to a household of the registry."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.discovery.models import Lead, LeadEvent
from doudi.discovery.services.leads import finish, locked, next_todos
from doudi.registry.models import Household


def identify_lead(*, lead_id: int, version: int | None, household_number: str, now: datetime) -> Lead:
    """Link a lead to a household of its village (关联家庭). Where that household has an open lead, this one is merged into it; that one is returned.

    Raises StaleLead, ValidationError, Lead.DoesNotExist.
    """
    scope = duties.require("discovery.assign")
    lead = locked(lead_id=lead_id, version=version)
    if lead.household_id or lead.state not in Lead.OPEN:
        raise ValidationError(_("该线索已关联家庭或已办结。"))
    household = Household.objects.filter(number=household_number.strip()).first()
    if household is None:
        raise ValidationError({"household_number": _("辖区内没有这个家庭编号；请先在“救助家庭”中查询或登记。")})
    if household.area != lead.area:
        raise ValidationError({"household_number": _("该家庭不由线索所在村（社区）管理；请核对家庭编号，或把线索转往管理该家庭的村。")})
    key = f"h{household.pk}"
    root = Lead.objects.select_for_update().filter(merge_key=key, merged_into=None, state__in=Lead.OPEN).first()
    signals = Lead.objects.filter(merged_into=lead)
    if root is None:
        signals.update(household=household, merge_key=key)
        Lead.objects.filter(pk=lead.pk).update(household=household, merge_key=key, version=lead.version + 1)
        root, what, note = lead, "identified", f"关联家庭 {household.number}"
    else:
        signals.update(household=household, merge_key=key, merged_into=root, state=root.state)
        Lead.objects.filter(pk=lead.pk).update(household=household, merge_key=key, merged_into=root, state=root.state, version=lead.version + 1)
        earliest = {name: min(filter(None, (getattr(root, name), getattr(lead, name))), default=None) for name in ("contact_due", "verify_due")}
        urgency = min(root.urgency, lead.urgency, key=Lead.Urgency.values.index)
        Lead.objects.filter(pk=root.pk).update(**earliest, urgency=urgency, version=root.version + 1)
        finish([lead.pk], now=now)
        if root.state in (*Lead.UNCONTACTED, Lead.State.CONTACTED):
            next_todos([root.pk], now=now)
        what, note = "merged", f"并入线索 {lead.number}"
    LeadEvent.objects.create(
        lead=root, area=root.area, residence_area=root.residence_area, at=now, account_id=scope.account_id or None, before=root.state,
        after=root.state, what=what, note=note,
    )  # fmt: skip
    scopes.check_constraints()
    root.refresh_from_db()
    return root
