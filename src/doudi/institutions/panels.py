"""What institutions add to other rooms' pages, and what an emergency asks of them."""

from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, emergencies, panels
from doudi.core.services import todos
from doudi.institutions import queries, request_queries
from doudi.institutions.models import Institution, InstitutionClerk, Request, Transfer

attachable.add("institution", model=Institution, view="institutions.view", change="institutions.keep")
todos.page_shows("institution_transfer", Transfer.objects.all)
todos.page_shows("institution_request", Request.objects.all)
todos.page_shows("institution_clerk", lambda: InstitutionClerk.objects.filter(ended_at__isnull=True))
panels.add("person", _("入住机构"), queries.person_panel, "institutions/_person.html", act="institutions.oversee", order=60)
panels.dashboard(_("民政服务机构"), queries.dashboard_card, "institutions/_dashboard.html", act="institutions.oversee", order=45)
emergencies.effects.add("institutions.reports", _("机构上报"), queries.emergency_effect, url_name="institutions:reports", act="institutions.oversee")
panels.add("institution", _("协调事项和转移安置"), request_queries.house_panel, "institutions/_house_coordination.html", act="requests.raise", order=20)
panels.add("institutions_day", _("协调事项"), request_queries.day_panel, "institutions/_day_requests.html", act="requests.view", order=20)
