"""Pages of price linkage."""

from django.urls import path

from doudi.relief.views import prices

urlpatterns = [
    path("prices/", prices.months, name="prices"),
    path("prices/enter/", prices.enter, name="price_enter"),
    path("prices/entries/<int:entry_id>/", prices.entry, name="price_entry"),
    path("prices/proposals/<int:proposal_id>/", prices.proposal, name="price_proposal"),
    path("prices/proposals/<int:proposal_id>/people/", prices.Claims.as_view(), name="price_claims"),
    path("prices/<str:text>/", prices.month_page, name="price_month"),
    path("prices/<str:text>/propose/", prices.propose, name="price_propose"),
]
