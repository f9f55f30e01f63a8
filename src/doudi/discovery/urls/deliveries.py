"""Pages of deliveries, contracts and comparison runs."""

from django.urls import path

from doudi.discovery.views import deliveries

urlpatterns = [
    path("deliveries/", deliveries.Deliveries.as_view(), name="deliveries"),
    path("deliveries/new/", deliveries.new, name="delivery_new"),
    path("deliveries/<int:delivery_id>/rejects/", deliveries.rejects, name="delivery_rejects"),
    path("contracts/", deliveries.contracts, name="contracts"),
    path("contracts/<slug:code>/template/", deliveries.template, name="contract_template"),
    path("comparisons/", deliveries.Comparisons.as_view(), name="comparisons"),
    path("comparisons/start/", deliveries.start, name="comparison_start"),
]
