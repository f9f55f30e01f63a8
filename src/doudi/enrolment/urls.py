"""Pages of 救助办理."""

from django.urls import path

from doudi.enrolment import letter_views, views

app_name = "enrolment"
urlpatterns = [
    path("enrolment/decisions/", views.Decisions.as_view(), name="decisions"),
    path("enrolment/decisions/<int:pk>/", views.decision, name="decision"),
    path("enrolment/decisions/<int:pk>/<slug:what>/", views.decide, name="decide"),
    path("enrolment/approve/", views.approve_many, name="approve_many"),
    path("enrolment/new/<int:assessment>/", views.new, name="new"),
    path("enrolment/awards/", views.Awards.as_view(), name="awards"),
    path("enrolment/awards/<int:pk>/", views.award, name="award"),
    path("enrolment/awards/<int:pk>/certificate/", letter_views.certificate, name="certificate"),
    path("enrolment/letters/", letter_views.letters, name="letters"),
    path("check/", letter_views.check, name="certificate_find"),
    path("check/<str:code>/", letter_views.check, name="certificate_check"),
    path("enrolment/awards/<int:pk>/<slug:what>/", views.award_act, name="award_act"),
]
