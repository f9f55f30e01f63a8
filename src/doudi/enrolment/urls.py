"""Pages of 救助办理."""

from django.urls import path

from doudi.enrolment import average_views, award_views, case_views, case_work, letter_views, review_views, spot_views, views

app_name = "enrolment"
urlpatterns = [
    path("enrolment/cases/", case_views.Cases.as_view(), name="cases"),
    path("enrolment/cases/<int:pk>/", case_views.case, name="case"),
    path("enrolment/cases/<int:pk>/do/<slug:what>/", case_work.act, name="case_act"),
    path("enrolment/cases/<int:pk>/add/<slug:what>/", case_work.paper, name="case_paper"),
    path("enrolment/cases/<int:pk>/notice/", case_work.notice, name="case_notice"),
    path("enrolment/cases/<int:pk>/notice/pdf/", case_work.notice_pdf, name="case_notice_pdf"),
    path("enrolment/cases/<int:pk>/supplements/", case_work.supplements, name="case_supplements"),
    path("enrolment/applications/<int:pk>/", case_views.application, name="application"),
    path("enrolment/apply/<int:household>/", case_views.new, name="apply"),
    path("enrolment/documents/<int:pk>/", case_work.document, name="document"),
    path("enrolment/posters/", case_work.posters, name="posters"),
    path("enrolment/decisions/", views.Decisions.as_view(), name="decisions"),
    path("enrolment/decisions/<int:pk>/", views.decision, name="decision"),
    path("enrolment/decisions/<int:pk>/<slug:what>/", views.decide, name="decide"),
    path("enrolment/approve/", views.approve_many, name="approve_many"),
    path("enrolment/new/<int:assessment>/", views.new, name="new"),
    path("enrolment/awards/", views.Awards.as_view(), name="awards"),
    path("enrolment/awards/<int:pk>/", award_views.award, name="award"),
    path("enrolment/awards/<int:pk>/certificate/", letter_views.certificate, name="certificate"),
    path("enrolment/letters/", letter_views.letters, name="letters"),
    path("enrolment/monitoring/", review_views.monitoring, name="monitoring"),
    path("enrolment/monitoring/raise/", review_views.raise_standard, name="raise_standard"),
    path("enrolment/reviews/", review_views.Reviews.as_view(), name="reviews"),
    path("enrolment/reviews/<int:pk>/", review_views.review, name="review"),
    path("enrolment/reviews/<int:pk>/<slug:what>/", review_views.act, name="review_act"),
    path("enrolment/averages/", average_views.average, name="averages"),
    path("enrolment/confirmed/", spot_views.Confirmed.as_view(), name="confirmed"),
    path("enrolment/spot-checks/", spot_views.SpotChecks.as_view(), name="spot_checks"),
    path("enrolment/spot-checks/new/", spot_views.draw, name="spot_draw"),
    path("enrolment/spot-checks/<int:pk>/", spot_views.spot_check, name="spot_check"),
    path("enrolment/spot-checks/<int:pk>/close/", spot_views.close, name="spot_close"),
    path("enrolment/spot-checks/items/<int:pk>/", spot_views.spot_item, name="spot_item"),
    path("enrolment/spot-checks/items/<int:pk>/<slug:what>/", spot_views.item_act, name="spot_item_act"),
    path("check/", letter_views.check, name="certificate_find"),
    path("check/<str:code>/", letter_views.check, name="certificate_check"),
    path("enrolment/awards/<int:pk>/<slug:what>/", award_views.award_act, name="award_act"),
]
