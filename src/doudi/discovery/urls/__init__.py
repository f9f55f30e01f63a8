"""URLs of discovery; one file per part."""

from doudi.discovery.urls import deliveries, hotline, indicators, leads

app_name = "discovery"
urlpatterns = [
    *leads.urlpatterns,
    *deliveries.urlpatterns,
    *indicators.urlpatterns,
    *hotline.urlpatterns,
]
