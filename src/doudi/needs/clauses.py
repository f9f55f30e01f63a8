"""Clauses that needs serve."""

from doudi.core import measures
from doudi.needs import queries

measures.serve("7.5", "needs:list", act="needs.view", counts=queries.met_lately, says=queries.met_figure)
