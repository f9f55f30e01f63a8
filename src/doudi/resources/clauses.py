"""Clauses that this room serves."""

from doudi.core import measures
from doudi.resources import queries

measures.serve("8.2", "resources:services", act="purchases.view", counts=queries.confirmed_services, says=queries.services_figure, rows=queries.confirmed_services)
