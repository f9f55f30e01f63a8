"""Pages of the public door, and the township's side of them."""

from django.urls import path

from doudi.portal.views import pages, report

app_name = "portal"
urlpatterns = [
    path("portal/", pages.home, name="home"),
    path("portal/policies/", pages.listing, name="policies"),
    path("portal/policies/<slug:code>/", pages.policy, name="policy"),
    path("portal/hotlines/", pages.hotlines, name="hotlines"),
    path("portal/publicity/", pages.publicity, name="publicity"),
    path("portal/publicity/<str:village>/", pages.posted, name="posted"),
    path("portal/report/", report.report, name="report"),
    path("portal/reports/<int:report_id>/reporter/", report.reporter, name="reporter"),
    path("portal/check/", pages.home, name="check"),
    path("portal/apply/", pages.home, name="apply"),
    path("portal/follow/", pages.home, name="follow"),
]
