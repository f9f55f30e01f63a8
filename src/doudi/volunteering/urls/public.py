"""The public pages of volunteers and organisations' contacts, below `/volunteer/`: their cookie goes there alone."""

from django.urls import path

from doudi.volunteering.views import door, own

urlpatterns = [
    path("volunteer/", door.door, name="door"),
    path("volunteer/sign-in/", door.sign_in, name="sign_in"),
    path("volunteer/code/", door.code, name="code"),
    path("volunteer/who/", door.who, name="who"),
    path("volunteer/sign-out/", door.sign_out, name="sign_out"),
    path("volunteer/join/", door.join, name="join"),
    path("volunteer/organisation/join/", door.join_organisation, name="join_organisation"),
    path("volunteer/activities/", door.activities, name="public_activities"),
    path("volunteer/activities/<slug:number>/", door.activity, name="public_activity"),
    path("volunteer/certificate/", door.certificate, name="certificate_check"),
    path("volunteer/certificate/<str:code>/", door.certificate, name="certificate_shown"),
    path("volunteer/me/", own.home, name="own"),
    path("volunteer/me/hours/", own.hours, name="own_hours"),
    path("volunteer/me/certificates/<int:pk>/", own.certificate, name="own_certificate"),
    path("volunteer/me/profile/", own.profile, name="own_profile"),
    path("volunteer/me/signups/<int:signup_id>/withdraw/", own.withdraw, name="own_withdraw"),
    path("volunteer/shifts/<int:shift_id>/", own.shift, name="own_shift"),
    path("volunteer/shifts/<int:shift_id>/sign-up/", own.sign_up, name="own_sign_up"),
    path("volunteer/organisation/", own.host, name="host"),
    path("volunteer/organisation/propose/", own.propose, name="propose"),
    path("volunteer/organisation/shifts/<int:shift_id>/", own.host_shift, name="host_shift"),
]
