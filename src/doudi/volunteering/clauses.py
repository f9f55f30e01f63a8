"""Clauses that organisations and volunteers serve."""

from doudi.core import measures
from doudi.volunteering import queries

measures.serve("8.1", "volunteering:organisations", act="volunteering.view", figure=queries.taking_part)
