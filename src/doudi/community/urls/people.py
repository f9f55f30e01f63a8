"""Pages of people and groups."""

from django.urls import path

from doudi.community.views import groups, people

urlpatterns = [
    path("community/", people.People.as_view(), name="people"),
    path("community/<int:pk>/", people.person, name="person"),
    path("community/<int:pk>/assign/", people.assign, name="person_assign"),
    path("community/<int:pk>/out/", people.take_out, name="take_out"),
    path("community/add/<int:person_id>/", people.add, name="add"),
    path("community/by-hand/<int:hand_id>/lift/", people.lift, name="lift"),
    path("community/groups/", groups.groups, name="groups"),
    path("community/groups/<int:pk>/end/", groups.end, name="group_end"),
]
