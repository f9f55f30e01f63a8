"""Needs on a volunteer's own pages; below `/volunteer/`, where their cookie goes."""

from django.urls import path

from doudi.volunteering.views import own_needs

urlpatterns = [
    path("volunteer/needs/", own_needs.needs, name="own_needs"),
    path("volunteer/needs/act/", own_needs.act, name="own_needs_act"),
    path("volunteer/needs/<int:answer_id>/contact/", own_needs.contact, name="own_contact"),
]
