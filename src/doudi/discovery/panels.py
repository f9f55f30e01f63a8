"""What discovery adds to other rooms' pages."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, checks_registry, emergencies, panels, places
from doudi.core import scope as scopes
from doudi.core.checks_registry import Finding
from doudi.discovery import queries, sweep_queries, visit_queries
from doudi.discovery.models import Call, Delivery, Lead, Visit, VisitConflict
from doudi.discovery.services.deliveries import lake
from doudi.discovery.services.visit_needs import AS_NEED
from doudi.needs import sources
from doudi.needs.sources import About


def _of_visit(visit: Visit) -> About:
    return About(household=visit.household_id, kinds=[AS_NEED[need] for need in visit.needs if need in AS_NEED], what=str(visit.note or ""))


def _of_call(call: Call) -> About:
    return About(person=call.person_id, area=call.area, what=str(call.detail or ""))


sources.add("visit", model=Visit, act="visits.view", url_name="discovery:visit", about=_of_visit)
sources.add("hotline", model=Call, act="hotline.view", url_name="discovery:call", about=_of_call)
attachable.add("lead", model=Lead, view="discovery.view", change="discovery.report")
panels.add("household", _("救助线索"), queries.household_panel, "discovery/_household.html", act="discovery.view", order=30, there=queries.of_household)
panels.action(
    "household", _("登记线索"), lambda request, household: reverse("discovery:lead_report", args=[household.pk]), act="discovery.report", order=50
)
attachable.add("visit", model=Visit, view="visits.view", change="visits.record")
attachable.add("visit_conflict", model=VisitConflict, view="visits.view", change="visits.manage")
panels.add("household", _("入户走访"), visit_queries.household_panel, "discovery/_household_visits.html", act="visits.view", order=32, there=visit_queries.of_household)
panels.add("household", _("集中排查"), sweep_queries.household_panel, "discovery/_household_sweeps.html", act="sweeps.view", order=33, there=sweep_queries.of_household)
panels.action(
    "household", _("安排走访"), lambda request, household: reverse("discovery:visit_ask", args=[household.pk]), act="visits.manage", order=52
)
panels.action(
    "household", _("登记走访"), lambda request, household: reverse("discovery:visit_new", args=[household.pk]), act="visits.record", order=51
)
panels.dashboard(_("入户走访"), visit_queries.dashboard_card, "discovery/_dashboard.html", act="visits.view", order=12, bare=True, wide=True)
panels.dashboard(_("救助线索"), queries.dashboard_card, "discovery/_dashboard.html", act="discovery.view", order=10, bare=True, wide=True)
emergencies.effects.add("discovery.visits", _("走访密度"), visit_queries.emergency_effect, url_name="discovery:visit_plans", act="visits.view")


@checks_registry.add
def delivered_files(now: datetime) -> Iterator[Finding]:
    """What accepted deliveries name stands in the lake: after a recovery to a moment it may be of an earlier one than the database."""
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doudi doctor")):
        named = list(Delivery.objects.filter(state=Delivery.State.ACCEPTED).values_list("lake_path", "original_path"))
    root = lake().root
    missing = sum(not (root / path).is_file() for paths in named for path in paths if path)
    advice = f"{missing} 个已接收的数据文件不在数据湖中；请从备份中补回 lake/ 目录下较新的文件"
    yield Finding("部门数据文件", "error" if missing else "ok", advice if missing else f"{len(named)} 批数据的文件都在")
