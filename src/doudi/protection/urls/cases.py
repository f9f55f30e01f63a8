"""Cases of minors: list, opening, page, file."""

from django.urls import path

from doudi.protection.views import cases, file, visits

urlpatterns = [
    path("protection/visits/", visits.visits, name="visits"),
    path("protection/cases/", cases.Cases.as_view(), name="cases"),
    path("protection/cases/new/", cases.new, name="new"),
    path("protection/cases/<int:case_id>/", cases.case, name="case"),
    path("protection/cases/<int:case_id>/act/", cases.act, name="act"),
    path("protection/cases/<int:case_id>/sections/<slug:code>/", file.section, name="section"),
]
