"""Pages of the public door, and the township's side of them."""

from django.urls import path

from doudi.portal.views import apply, check, follow, pages, receive, report

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
    path("portal/check/", check.check, name="check"),
    path("portal/apply/", apply.apply, name="apply"),
    path("portal/follow/", follow.follow, name="follow"),
    path("portal/follow/code/", follow.code, name="follow_code"),
    path("portal/applications/", receive.OnlineApplications.as_view(), name="online_applications"),
    path("portal/applications/<int:pk>/", receive.online, name="online"),
    path("portal/applications/<int:pk>/decline/", receive.decline, name="decline"),
    path("portal/applications/<int:pk>/reveal/<slug:what>/", receive.reveal, name="reveal"),
]
