"""What discovery adds to other rooms' pages."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.discovery import queries
from doudi.discovery.models import Lead

attachable.add("lead", model=Lead, view="discovery.view", change="discovery.report")
panels.add("household", _("救助线索"), queries.household_panel, "discovery/_household.html", act="discovery.view", order=30)
panels.action(
    "household", _("登记线索"), lambda request, household: reverse("discovery:lead_report", args=[household.pk]), act="discovery.report", order=50
)
panels.dashboard(_("救助线索"), queries.dashboard_card, "discovery/_dashboard.html", act="discovery.view", order=10, bare=True, wide=True)
