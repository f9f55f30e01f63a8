"""Pages of the needs board and of calls for volunteers."""

from django.urls import path

from doudi.volunteering.views import board, calls, public_board

urlpatterns = [
    path("board/", public_board.board, name="public_board"),
    path("volunteering/board/", board.Board.as_view(), name="board"),
    path("volunteering/board/<int:need_id>/", board.need, name="board_need"),
    path("volunteering/board/<int:need_id>/act/", board.act, name="board_act"),
    path("volunteering/calls/", calls.Calls.as_view(), name="calls"),
    path("volunteering/calls/new/", calls.new, name="call_new"),
    path("volunteering/calls/<int:call_id>/", calls.call, name="call"),
]
