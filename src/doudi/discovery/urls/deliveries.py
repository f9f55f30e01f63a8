"""Pages of deliveries, contracts and comparison runs."""

from django.urls import path

from doudi.discovery.views import contracts, deliveries, departments

urlpatterns = [
    path("deliveries/", deliveries.Deliveries.as_view(), name="deliveries"),
    path("deliveries/new/", deliveries.new, name="delivery_new"),
    path("deliveries/departments/", departments.index, name="delivery_departments"),
    path("deliveries/departments/<str:department>/", departments.show, name="delivery_department"),
    path("deliveries/departments/<str:department>/contact/", departments.contact, name="delivery_contact"),
    path("deliveries/<int:delivery_id>/rejects/", deliveries.rejects, name="delivery_rejects"),
    path("contracts/", contracts.index, name="contracts"),
    path("contracts/<slug:code>/", contracts.show, name="contract"),
    path("contracts/<slug:code>/handout/", contracts.handout, name="contract_handout"),
    path("contracts/<slug:code>/schema/", contracts.schema, name="contract_schema"),
    path("comparisons/", deliveries.Comparisons.as_view(), name="comparisons"),
    path("comparisons/start/", deliveries.start, name="comparison_start"),
]
