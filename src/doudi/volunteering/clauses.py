"""Clauses that organisations and volunteers serve."""

from doudi.core import measures
from doudi.volunteering import board_queries, queries

measures.serve("8.1", "volunteering:organisations", act="volunteering.view", figure=queries.taking_part, given="state=active")
measures.serve("8.3", "volunteering:board", act="board.view", counts=board_queries.done_lately, says=board_queries.taken_figure, rows=board_queries.done_lately)
