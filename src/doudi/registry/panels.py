"""Files of households and people."""

from doudi.core import attachable
from doudi.registry.models import Household, Person

attachable.add("household", model=Household, view="registry.view", change="registry.edit")
attachable.add("person", model=Person, view="registry.view", change="registry.edit")
