"""Clauses that community care serves."""

from doudi.community import counselling_queries, queries
from doudi.core import measures

measures.serve(
    "7.5", "community:assign", act="community.contacts", counts={"with": queries.with_contact, "all": queries.in_care}, says=queries.contact_figure,
    rows=queries.with_contact, rows_act="community.view", part=True,
)  # fmt: skip
measures.serve("7.1", "community:people", act="community.view", counts=queries.found, says=queries.found_figure, rows=queries.found, rows_act="discovery.view")
measures.serve(
    "7.4", "community:cards", act="community.cards", counts={"hold": queries.cards_that_hold, "all": queries.in_care}, says=queries.cards_figure,
    rows=queries.cards_that_hold, rows_act="community.view", part=True,
)  # fmt: skip
measures.serve(
    "7.6", "community:counselling", act="counselling.list", counts=counselling_queries.comforted, says=counselling_queries.comfort_figure,
    rows=counselling_queries.comforted, rows_act="visits.view",
)  # fmt: skip
measures.serve("7.2", "community:plans", act="plans.view", counts=queries.plans_in_force, says=queries.plans_figure, rows=queries.plans_in_force)
