"""Pages of counselling."""

from django.urls import path

from doudi.community.views import counselling

urlpatterns = [
    path("counselling/", counselling.Sessions.as_view(), name="counselling"),
    path("counselling/ask/<int:person_id>/", counselling.ask, name="counselling_ask"),
    path("counselling/<int:session_id>/", counselling.session, name="counselling_session"),
    path("counselling/<int:session_id>/note/", counselling.note, name="counselling_note"),
]
