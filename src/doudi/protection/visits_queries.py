"""Visits to minors (5.1): contacts that cases owe, and household visits to scattered orphans, unsupported and left-behind children, side by side."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, F, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core.measures import Numbers
from doudi.discovery.models.visits import CHILDREN, Visit
from doudi.protection.models import CaseContact, CaseGap, ProtectionCase

MOST = 100


def owed_contacts(*, until: date) -> list[CaseContact]:
    """Contacts that the reader's cases owe until a day, the earliest first."""
    rows = CaseContact.objects.filter(state="due", due__lte=until, case__state__in=ProtectionCase.OPEN)
    return list(rows.select_related("case").order_by("due", "id")[:MOST])


def owed_visits(*, until: date) -> list[Visit]:
    """Household visits that are owed to children until a day, the earliest first."""
    return list(_of_children().filter(state__in=Visit.OPEN, due__lte=until).select_related("household").order_by("due", "id")[:MOST])


def _of_children() -> QuerySet[Visit]:
    return Visit.objects.filter(groups__overlap=[str(group) for group in CHILDREN])


def figures(now: datetime) -> list[dict[str, Any]]:
    """Row of figures over the page; four queries."""
    on, since = timezone.localdate(now), now - timedelta(days=30)
    late = CaseContact.objects.filter(state="due", due__lt=on, case__state__in=ProtectionCase.OPEN).count()
    made = CaseContact.objects.filter(state="done", done_at__gte=since).count()
    visits = _of_children().filter(Q(state="done", done_at__gte=since) | Q(state="missed")).values_list("state")
    found = [state for (state,) in visits[:10_000]]
    return [
        {"label": _("个案回访超期"), "value": f"{late:,}", "unit": _("次")}, {"label": _("近30天个案回访"), "value": f"{made:,}", "unit": _("次")},
        {"label": _("儿童家庭走访逾期"), "value": f"{found.count('missed'):,}", "unit": _("户")},
        {"label": _("近30天走访儿童家庭"), "value": f"{found.count('done'):,}", "unit": _("次")},
    ]  # fmt: skip


def made_lately() -> QuerySet[Any, Any]:
    """5.1: visits to children in the last thirty days, of households and of cases; one walked for both counts once. Rows: household or case, area, day."""
    none = Value(None, output_field=BigIntegerField())
    contacts = contacts_lately().values("area", "done_at", "pk", visit=none, number=F("case__number"), file=F("case_id"))
    visits = homes_lately().values("area", "done_at", "pk", visit=F("pk"), number=F("household__name"), file=none)
    return visits.union(contacts, all=True)


def homes_lately() -> QuerySet[Visit]:
    return _of_children().filter(state="done", done_at__gte=timezone.now() - timedelta(days=30))


def contacts_lately() -> QuerySet[CaseContact]:
    return CaseContact.objects.filter(visit_id__isnull=True, state="done", done_at__gte=timezone.now() - timedelta(days=30))


def visited_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["homes"] + numbers["cases"]), _("次走访（近30天）")


def gaps_closed() -> QuerySet[ProtectionCase]:
    """5.2: cases in which a guardianship gap was found and has ended."""
    gaps = CaseGap.objects.filter(kind="guardian", ends__isnull=False)
    return ProtectionCase.objects.filter(pk__in=gaps.values("case_id"))


def gaps_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("件监护缺失已解决")


def in_hand() -> QuerySet[ProtectionCase]:
    """5.4: cases in hand."""
    return ProtectionCase.objects.filter(state__in=ProtectionCase.OPEN)


def open_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("件个案在办")
