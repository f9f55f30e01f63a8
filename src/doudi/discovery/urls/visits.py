"""Pages of visits."""

from django.urls import path

from doudi.discovery.views import visit_office, visits

urlpatterns = [
    path("visits/", visit_office.Visits.as_view(), name="visits"),
    path("visits/today/", visits.today, name="visits_today"),
    path("visits/plans/", visit_office.plans, name="visit_plans"),
    path("visits/progress/", visit_office.progress, name="visit_progress"),
    path("visits/print/", visit_office.printed, name="visit_print"),
    path("visits/conflicts/", visit_office.Conflicts.as_view(), name="visit_conflicts"),
    path("visits/conflicts/<int:conflict_id>/", visit_office.conflict, name="visit_conflict"),
    path("visits/household/<int:household_id>/", visits.record_new, name="visit_new"),
    path("visits/household/<int:household_id>/ask/", visit_office.ask, name="visit_ask"),
    path("visits/household/<int:household_id>/phone/", visits.phone, name="visit_phone"),
    path("visits/<int:visit_id>/", visits.visit, name="visit"),
    path("visits/<int:visit_id>/record/", visits.record, name="visit_record"),
    path("visits/<int:visit_id>/cancel/", visits.cancel, name="visit_cancel"),
    path("visits/<int:visit_id>/assign/", visits.assign, name="visit_assign"),
]
