"""Pages of organisations."""

from django.urls import path

from doudi.volunteering.views import organisations

urlpatterns = [
    path("volunteering/organisations/", organisations.Organisations.as_view(), name="organisations"),
    path("volunteering/organisations/new/", organisations.new, name="organisation_new"),
    path("volunteering/organisations/<int:pk>/", organisations.organisation, name="organisation"),
    path("volunteering/organisations/<int:pk>/state/", organisations.state, name="organisation_state"),
    path("volunteering/organisations/<int:pk>/credentials/", organisations.credential, name="credential"),
    path("volunteering/organisations/<int:pk>/credentials/<int:credential_id>/end/", organisations.credential_end, name="credential_end"),
    path("volunteering/organisations/<int:pk>/reveal/", organisations.reveal, name="organisation_reveal"),
]
