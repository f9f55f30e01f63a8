"""What community care adds to other rooms' pages."""

from django.utils.translation import gettext_lazy as _

from doudi.community import queries
from doudi.community.models import CarePerson
from doudi.core import panels
from doudi.needs import sources
from doudi.needs.services import About

panels.add("household", _("社区关爱"), queries.household_panel, "community/_household.html", act="community.view", order=34)
panels.action("person", _("社区关爱"), queries.person_action, act="community.view", order=60)
panels.dashboard(_("社区关爱"), queries.dashboard_card, "community/_dashboard.html", act="community.view", order=30, bare=True, wide=True)
sources.add("card", model=CarePerson, act="community.view", url_name="community:person", about=lambda row: About(person=row.person_id))
