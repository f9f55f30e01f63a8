"""What community care adds to other rooms' pages."""

from django.utils.translation import gettext_lazy as _

from doudi.community import counselling_queries, queries
from doudi.community.models import CarePerson
from doudi.core import panels
from doudi.needs import sources
from doudi.needs.services import About

panels.add(
    "household", _("社区关爱"), queries.household_panel, "community/_household.html", act="community.view", order=34,
    there=lambda household: queries.in_care().filter(household_id=household.pk),
)  # fmt: skip
panels.action("person", _("社区关爱"), queries.person_action, act="community.view", order=60)
panels.add("person", _("心理疏导"), counselling_queries.person_panel, "community/_counselling.html", act="counselling.view", order=36)
panels.action("person", _("申请心理疏导"), counselling_queries.ask_action, act="counselling.ask", order=58)
panels.dashboard(_("社区关爱"), queries.dashboard_card, "community/_dashboard.html", act="community.view", order=30, bare=True, wide=True)
sources.add("card", model=CarePerson, act="community.view", url_name="community:person", about=lambda row: About(person=row.person_id))
panels.dashboard(_("心理疏导"), counselling_queries.dashboard_card, "community/_dashboard.html", act="counselling.numbers", order=31, bare=True, wide=True)
