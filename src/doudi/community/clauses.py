"""Clauses that community care serves."""

from doudi.community import queries
from doudi.core import measures

measures.serve("7.5", "community:assign", act="community.contacts", figure=queries.contact_figure)
