"""Pages of service plans."""

from django.urls import path

from doudi.community.views import activations, plans

urlpatterns = [
    path("plans/", plans.listing, name="plans"),
    path("plans/activate/", activations.activate, name="plans_activate"),
    path("plans/<int:plan_id>/", plans.plan, name="plan"),
    path("plans/<int:plan_id>/lines/<int:item_id>/phone/", plans.line_phone, name="plan_phone"),
    path("plans/activations/<int:activation_id>/", activations.activation, name="activation"),
    path("plans/entries/<int:entry_id>/", activations.entry, name="plan_entry"),
    path("plans/entries/<int:entry_id>/phone/", activations.entry_phone, name="plan_entry_phone"),
]
