"""Pages of service plans."""

from django.urls import path

from doudi.community.views import plans

urlpatterns = [
    path("plans/", plans.listing, name="plans"),
    path("plans/<int:plan_id>/", plans.plan, name="plan"),
    path("plans/activations/<int:activation_id>/", plans.activation, name="activation"),
    path("plans/entries/<int:entry_id>/", plans.entry, name="plan_entry"),
]
