"""URLs of discovery."""

from django.urls import path

from doudi.discovery.views import deliveries, leads

app_name = "discovery"
urlpatterns = [
    path("leads/", leads.Leads.as_view(), name="leads"),
    path("leads/steps/", leads.steps, name="lead_steps"),
    path("leads/report/<int:household_id>/", leads.report, name="lead_report"),
    path("leads/<int:lead_id>/", leads.lead, name="lead"),
    path("leads/<int:lead_id>/step/", leads.step, name="lead_step"),
    path("deliveries/", deliveries.Deliveries.as_view(), name="deliveries"),
    path("deliveries/new/", deliveries.new, name="delivery_new"),
    path("deliveries/<int:delivery_id>/rejects/", deliveries.rejects, name="delivery_rejects"),
    path("contracts/", deliveries.contracts, name="contracts"),
    path("contracts/<slug:code>/template/", deliveries.template, name="contract_template"),
    path("comparisons/", deliveries.Comparisons.as_view(), name="comparisons"),
    path("comparisons/start/", deliveries.start, name="comparison_start"),
]
