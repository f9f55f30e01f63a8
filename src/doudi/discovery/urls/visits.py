"""Pages of visits."""

from django.urls import path

from doudi.discovery.views import visit_office, visit_phone, visit_sync, visits

urlpatterns = [
    path("visits/", visit_office.Visits.as_view(), name="visits"),
    path("visits/today/", visits.today, name="visits_today"),
    path("visits/phone/", visit_phone.shell, name="visit_phone"),
    path("visits/phone/worker.js", visit_phone.worker, name="visit_phone_worker"),
    path("visits/phone/app.webmanifest", visit_phone.manifest, name="visit_phone_manifest"),
    path("visits/phone/state/", visit_sync.state, name="visit_phone_state"),
    path("visits/phone/open/", visit_sync.open_device, name="visit_phone_open"),
    path("visits/phone/list/", visit_sync.pull, name="visit_phone_list"),
    path("visits/phone/record/", visit_sync.push, name="visit_phone_record"),
    path("visits/phone/photo/", visit_sync.push_photo, name="visit_phone_photo"),
    path("visits/phone/wiped/", visit_sync.wiped, name="visit_phone_wiped"),
    path("visits/devices/", visit_phone.Devices.as_view(), name="visit_devices"),
    path("visits/devices/<uuid:device_id>/", visit_phone.device, name="visit_device"),
    path("visits/devices/<uuid:device_id>/revoke/", visit_phone.revoke, name="visit_device_revoke"),
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
    path("visits/<int:visit_id>/detail/", visits.reveal, name="visit_detail"),
    path("visits/<int:visit_id>/cancel/", visits.cancel, name="visit_cancel"),
    path("visits/<int:visit_id>/assign/", visits.assign, name="visit_assign"),
]
