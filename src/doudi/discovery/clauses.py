"""Clauses that discovery serves."""

from doudi.core import measures
from doudi.discovery import hotline_queries, queries, sweep_queries, team_queries, visit_queries

measures.serve("1.1", "discovery:deliveries", act="discovery.deliver", counts=queries.taken_in, says=queries.deliveries_figure, given="state=accepted")
measures.serve(
    "1.2", "discovery:comparisons", act="discovery.compare", counts=queries.compared_leads, says=queries.leads_figure, rows=queries.compared_leads,
    rows_act="discovery.view",
)  # fmt: skip
measures.serve("1.3", "discovery:team", act="discovery.roster", counts=team_queries.serving, says=team_queries.roster_figure, rows=team_queries.serving)
measures.serve("1.4", "discovery:calls", act="hotline.view", counts=hotline_queries.registered, says=hotline_queries.hotline_figure, given="state=done")
measures.serve(
    "1.5", "discovery:leads", act="discovery.view", counts={"in_time": queries.contacted_in_time, "contacted": queries.contacted}, says=queries.in_time_figure,
    rows=queries.contacted_in_time, part=True,
)  # fmt: skip
measures.serve("1.6", "discovery:sweeps", act="sweeps.view", counts=sweep_queries.answered, says=sweep_queries.sweep_figure, rows=sweep_queries.answered)
measures.serve("1.7", "discovery:visits", act="visits.view", counts=visit_queries.made_lately, says=visit_queries.visits_figure, rows=visit_queries.made_lately)
measures.serve(
    "7.3", "discovery:visit_progress", act="visits.view", counts={"visited": visit_queries.visited_households, "owed": visit_queries.owed_households},
    says=visit_queries.households_figure, rows=visit_queries.visited_households, part=True,
)  # fmt: skip
