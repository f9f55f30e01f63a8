"""Pages of leads."""

from django.urls import path

from doudi.discovery.views import leads

urlpatterns = [
    path("leads/", leads.Leads.as_view(), name="leads"),
    path("leads/steps/", leads.steps, name="lead_steps"),
    path("leads/report/<int:household_id>/", leads.report, name="lead_report"),
    path("leads/<int:lead_id>/", leads.lead, name="lead"),
    path("leads/<int:lead_id>/step/", leads.step, name="lead_step"),
]
