"""Pages of organisations."""

from django.urls import path

from doudi.volunteering.views import organisations

urlpatterns = [
    path("volunteering/organisations/", organisations.Organisations.as_view(), name="organisations"),
]
