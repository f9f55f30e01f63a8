"""Reads of decisions and awards for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, prefetch_related_objects
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from doudi.core.lists import PrefixFilter
from doudi.core.prepared import prepared
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Case, Decision
from doudi.enrolment.procedure import Step
from doudi.registry.models import Household, MoveRequest, Programme

DISABILITY = (Programme.DISABILITY_LIVING, Programme.DISABILITY_NURSING)
"""The two disability subsidies (残疾人两项补贴)."""
COLOURS = {"proposed": "orange", "approved": "green", "sent_back": "red", "withdrawn": "gray"}


def with_head(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of a household with its head's name (`head`), without a join: one that has moved away is not seen here any more, what was decided is."""
    here = Household.objects.filter(pk=OuterRef("household_id")).values("name")[:1]
    gone = MoveRequest.objects.filter(household_id=OuterRef("household_id"), done_at__isnull=False).order_by("-done_at").values("household_name")[:1]
    return rows.annotate(head=Coalesce(Subquery(here), Subquery(gone), output_field=CharField()))


class HeadFilter(PrefixFilter):
    """Name of the household's head begins with; the households that have moved away among them."""

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        value = (value or "").strip()
        if not value:
            return qs
        here = Household.objects.filter(name__gte=value, name__lt=value + "\U0010ffff").values("pk")
        gone = MoveRequest.objects.filter(done_at__isnull=False, household_name__startswith=value).values("household_id")
        return qs.filter(Q(household_id__in=here) | Q(household_id__in=gone))


def awaiting() -> QuerySet[Decision]:
    """Proposals that can be decided now: a decision of an application only once its case has come to its approval."""
    elsewhere = Case.objects.filter(decision=OuterRef("pk")).exclude(step=Step.APPROVAL, state=Case.State.OPEN)
    return Decision.objects.filter(~Exists(elsewhere), state=Decision.State.PROPOSED)


def history(decision: Decision) -> list[dict[str, Any]]:
    """What happened to a decision, newest first."""
    made = [{"at": decision.proposed_at, "title": _("提出：%(kind)s") % {"kind": decision.get_kind_display()}, "who": decision.proposed_by.name, "note": decision.reason}]
    if decision.signed_at:
        made.append({"at": decision.signed_at, "title": _("会签"), "who": decision.signed_by.name if decision.signed_by else "", "note": ""})
    if decision.decided_at:
        who = decision.decided_by.name if decision.decided_by else ""
        made.append({"at": decision.decided_at, "title": str(decision.get_state_display()), "who": who, "note": decision.decision_note})
    return made[::-1]


def steps(decision: Decision) -> list[dict[str, Any]]:
    """The way of a decision: proposed, approved, award."""
    done, waits = decision.state == "approved", decision.state == "proposed"
    over = decision.state in ("sent_back", "withdrawn")
    second = "done" if done else "now" if waits else "bad"
    last = {"grant": _("待遇生效"), "change": _("变更生效"), "stop": _("停发生效"), "refuse": _("告知申请人")}[decision.kind]
    return [
        {"label": _("乡镇提出"), "state": "done", "small": decision.proposed_by.name, "small2": f"{decision.proposed_at:%Y-%m-%d}"},
        {"label": str(decision.get_state_display()) if over else _("县级审批"), "state": second, "small": decision.decided_by.name if decision.decided_by else ""},
        {"label": last, "state": "done" if done else "", "small": f"{decision.starts:%Y-%m}" if done else ""},
    ]


@prepared
def _awards(household: int) -> QuerySet[Award]:
    return Award.objects.filter(household_id=household).select_related("decision").order_by("-starts", "-pk")


def awards_of(household_id: int) -> list[Award]:
    """The household's awards with amounts and members, newest first; three queries."""
    rows = _awards(household_id)
    prefetch_related_objects(
        rows, Prefetch("amounts", AwardAmount.objects.order_by("from_month")), Prefetch("members", AwardMember.objects.select_related("person").order_by("id"))
    )
    return rows


@prepared
def decided(household: int) -> QuerySet[Decision]:
    """The household's last twelve decisions."""
    return Decision.objects.filter(household_id=household).select_related("proposed_by", "decided_by", "person").order_by("-id")[:12]
