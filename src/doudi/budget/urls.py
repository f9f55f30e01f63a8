"""Pages of the budget."""

from django.urls import path

from doudi.budget.views import counties, running, scenarios, sheets

app_name = "budget"
urlpatterns = [
    path("budget/", scenarios.index, name="index"),
    path("budget/new/", scenarios.new, name="new"),
    path("budget/compare/", scenarios.compare, name="compare"),
    path("budget/counties/", counties.overview, name="counties"),
    path("budget/counties/xlsx/", sheets.counties_xlsx, name="counties_xlsx"),
    path("budget/running/", running.running, name="running"),
    path("budget/<int:pk>/", scenarios.show, name="scenario"),
    path("budget/<int:pk>/act/", scenarios.act, name="act"),
    path("budget/<int:pk>/copy/", scenarios.copy, name="copy"),
    path("budget/<int:pk>/assume/<slug:kind>/", scenarios.assume, name="assume"),
    path("budget/<int:pk>/drop/<int:assumption>/", scenarios.drop, name="drop"),
    path("budget/<int:pk>/source/<int:fund>/<slug:level>/", scenarios.source, name="source"),
    path("budget/<int:pk>/figures/<int:fund>/<slug:item>/", scenarios.item, name="item"),
    path("budget/<int:pk>/print/", sheets.printed, name="print"),
    path("budget/<int:pk>/pdf/", sheets.pdf, name="pdf"),
    path("budget/<int:pk>/xlsx/", sheets.xlsx, name="xlsx"),
]
