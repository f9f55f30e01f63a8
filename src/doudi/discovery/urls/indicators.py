"""Pages of indicators."""

from django.urls import path

from doudi.discovery.views import indicators

urlpatterns = [
    path("indicators/", indicators.index, name="indicators"),
    path("indicators/<slug:code>/", indicators.indicator, name="indicator"),
]
