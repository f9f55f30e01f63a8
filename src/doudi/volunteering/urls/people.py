"""Pages of volunteers, activities, hours and certificates for officers."""

from django.urls import path

from doudi.volunteering.views import activities, papers, volunteers

urlpatterns = [
    path("volunteering/volunteers/", volunteers.Volunteers.as_view(), name="volunteers"),
    path("volunteering/volunteers/new/", volunteers.new, name="volunteer_new"),
    path("volunteering/volunteers/<int:pk>/", volunteers.volunteer, name="volunteer"),
    path("volunteering/volunteers/<int:pk>/state/", volunteers.state, name="volunteer_state"),
    path("volunteering/volunteers/<int:pk>/consent/", volunteers.consent, name="consent"),
    path("volunteering/volunteers/<int:pk>/training/", volunteers.training, name="training"),
    path("volunteering/volunteers/<int:pk>/reveal/<slug:what>/", volunteers.reveal, name="volunteer_reveal"),
    path("volunteering/volunteers/<int:pk>/certificate/", papers.issue, name="certificate_issue"),
    path("volunteering/certificates/<int:pk>/", papers.certificate, name="certificate"),
    path("volunteering/certificates/<int:pk>/void/", papers.void, name="certificate_void"),
    path("volunteering/activities/", activities.Activities.as_view(), name="activities"),
    path("volunteering/activities/new/", activities.new, name="activity_new"),
    path("volunteering/activities/<int:pk>/", activities.activity, name="activity"),
    path("volunteering/activities/<int:pk>/state/", activities.state, name="activity_state"),
    path("volunteering/activities/<int:pk>/shifts/<int:shift_id>/", activities.attend, name="attend"),
    path("volunteering/activities/<int:pk>/shifts/<int:shift_id>/sheet/", papers.sheet, name="shift_sheet"),
    path("volunteering/activities/<int:pk>/shifts/<int:shift_id>/<int:volunteer_id>/", activities.record_afterwards, name="record_new"),
    path("volunteering/records/", activities.Records.as_view(), name="records"),
    path("volunteering/records/<int:pk>/", activities.record, name="record"),
    path("volunteering/export/<slug:what>/", papers.export, name="export"),
]
