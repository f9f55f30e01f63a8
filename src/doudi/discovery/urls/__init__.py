"""URLs of discovery; one file per part."""

from doudi.discovery.urls import deliveries, hotline, indicators, leads, linkage, sweeps, team, visits

app_name = "discovery"
urlpatterns = [
    *leads.urlpatterns,
    *deliveries.urlpatterns,
    *indicators.urlpatterns,
    *linkage.urlpatterns,
    *hotline.urlpatterns,
    *team.urlpatterns,
    *visits.urlpatterns,
    *sweeps.urlpatterns,
]
