"""The public report, and reports for those who work on cases."""

from django.urls import path

from doudi.protection.views import public

urlpatterns = [
    path("report/minor/", public.report, name="public_report"),
    path("protection/reports/", public.Reports.as_view(), name="reports"),
    path("protection/reports/<int:report_id>/", public.show, name="report"),
    path("protection/reports/<int:report_id>/reporter/", public.reporter, name="reporter"),
]
