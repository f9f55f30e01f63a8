"""Clauses that community care serves."""

from doudi.community import counselling_queries, queries
from doudi.core import measures

measures.serve("7.5", "community:assign", act="community.contacts", figure=queries.contact_figure)
measures.serve("7.1", "community:people", act="community.view", figure=queries.found_figure)
measures.serve("7.4", "community:cards", act="community.cards", figure=queries.cards_figure)
measures.serve("7.6", "community:counselling", act="counselling.list", figure=counselling_queries.comfort_figure)
measures.serve("7.2", "community:plans", act="plans.view", figure=queries.plans_figure)
