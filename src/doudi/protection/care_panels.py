"""What care and referrals add to the case page: the line of time, the summary at the side, words of events; and what stands against closing a case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import panels
from doudi.protection import care_queries, events, timeline
from doudi.protection.models import Care, ProtectionCase
from doudi.protection.sections import may_read
from doudi.protection.services import closing

for what, label in (
    ("care_began", gettext_lazy("开始临时生活照料")), ("guardian_proposed", gettext_lazy("提出临时监护")), ("guardian_began", gettext_lazy("决定临时监护")),
    ("guardian_refused", gettext_lazy("不同意临时监护")), ("guardian_withdrawn", gettext_lazy("撤回临时监护")), ("handed_over", gettext_lazy("填写交接记录")),
    ("carer_changed", gettext_lazy("变更照料人")), ("care_extended", gettext_lazy("延长照料")), ("care_reviewed", gettext_lazy("照料评估")),
    ("allowance_claimed", gettext_lazy("登记照料补贴")), ("allowance_paid", gettext_lazy("照料补贴已发放")), ("care_ended", gettext_lazy("照料结束")),
):  # fmt: skip
    events.add(what, label, "guardianship")
for what, label in (
    ("referral_offered", gettext_lazy("转介：提出")), ("referral_accepted", gettext_lazy("转介：对方接收")), ("referral_declined", gettext_lazy("转介：对方退回")),
    ("referral_done", gettext_lazy("转介：完成")), ("referral_revoked", gettext_lazy("转介：撤回")), ("referral_expired", gettext_lazy("转介：逾期未接收")),
    ("transfer_offered", gettext_lazy("移交：提出")), ("transfer_declined", gettext_lazy("移交：对方退回")), ("transfer_revoked", gettext_lazy("移交：撤回")),
    ("transfer_expired", gettext_lazy("移交：逾期未接收")), ("transfer_done", gettext_lazy("移交：对方接收")), ("transferred", gettext_lazy("个案移交到本地")),
):  # fmt: skip
    events.add(what, label)


def spans(case: ProtectionCase) -> Iterable[timeline.Span]:
    """Who cares and who is the guardian, by what was arranged."""
    found = []
    for care in Care.objects.filter(case=case, state__in=[Care.State.ACTIVE, Care.State.ENDED]).order_by("starts"):
        if care.kind == Care.Kind.LIVING:
            found.append(timeline.Span(timeline.CARE, care.starts, care.ended_at, care.carer, "living"))
        else:
            found.append(timeline.Span(timeline.CARE, care.starts, care.ended_at, f"{care.relation} {care.carer}".strip(), "carer"))
            found.append(timeline.Span(timeline.GUARDIAN, care.starts, care.ended_at, _("%(body)s（临时监护）") % {"body": care.body}, "guardian"))
    return found


def in_care(case: ProtectionCase) -> str | None:
    """No case is closed over a child in temporary care or guardianship."""
    row = Care.objects.filter(case=case, state__in=[Care.State.ACTIVE, Care.State.PROPOSED]).first()
    return _("孩子的%(kind)s尚未结束；请先办理结束并交接。") % {"kind": row.get_kind_display()} if row else None


def summary(request: HttpRequest, case: ProtectionCase) -> dict[str, Any] | None:
    """The care that runs or waits, in short."""
    if not may_read("guardianship", request.scope.duty):  # type: ignore[attr-defined]
        return None
    now = timezone.now()
    rows = Care.objects.filter(case=case, state__in=[Care.State.ACTIVE, Care.State.PROPOSED]).select_related("case", "proposed_by", "decided_by").order_by("-state")
    found = [(row, care_queries.description(row, now, short=True), care_queries.CARE_COLOURS[row.state]) for row in rows]
    open_ = case.state in ProtectionCase.OPEN
    if not found and not (case.unattended_from and open_):
        return None
    alone = timeline.words(now - case.unattended_from) if case.unattended_from and open_ else ""
    return {"cares": found, "alone": alone, "row": case}


def referred(request: HttpRequest, case: ProtectionCase) -> dict[str, Any] | None:
    found = care_queries.referrals_of(case)
    return {**found, "row": case} if found["referrals"] else None


timeline.add_source(spans)
closing.add_blocker(in_care)
panels.add("protection_case", gettext_lazy("临时照料和监护"), summary, "protection/_care_summary.html", act="protection.care_view", order=10, place="side")
panels.add("protection_case", gettext_lazy("转介"), referred, "protection/_referral_rows.html", act="protection.view", order=30)
