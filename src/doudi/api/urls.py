from django.urls import path

from doudi.api import views
from doudi.api.application import api
from doudi.api.spdci import views as spdci

app_name = "api"
urlpatterns = [
    path("api/v1/", api.urls),
    path("api-clients/", views.Clients.as_view(), name="clients"),
    path("api-clients/new/", views.new, name="client_new"),
    path("api-clients/<int:client_id>/", views.show, name="client"),
    path("api-clients/<int:client_id>/renew/", views.renew, name="client_renew"),
    path("api-clients/<int:client_id>/houses/", views.houses, name="client_houses"),
    path("api-clients/<int:client_id>/revoke/", views.revoke, name="client_revoke"),
    path("api-clients/<int:client_id>/registry/", spdci.show, name="spdci"),
    path("api-clients/purposes/<int:purpose_id>/end/", spdci.end_purpose, name="spdci_purpose_end"),
    path("api-clients/consents/", spdci.Consents.as_view(), name="consents"),
    path("api-clients/consents/note/", spdci.consent, name="consent"),
    path("api-clients/consents/<int:consent_id>/withdraw/", spdci.withdraw, name="consent_withdraw"),
    path("api/docs", views.docs, name="docs"),
]
