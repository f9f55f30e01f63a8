"""Files of households and people; whether a person wants messages."""

from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, panels
from doudi.registry.models import Household, Person
from doudi.registry.views import messages

attachable.add("household", model=Household, view="registry.view", change="registry.edit")
attachable.add("person", model=Person, view="registry.view", change="registry.edit")
panels.add("person", _("短信"), messages.panel, "registry/_messages.html", act="registry.view", order=90, place="side")
