"""Pages of assessments."""

from django.urls import path

from doudi.assessment import views, whatif_views

app_name = "assessment"
urlpatterns = [
    path("assessments/", views.Assessments.as_view(), name="list"),
    path("assessments/<int:pk>/", views.show, name="show"),
    path("assessments/<int:pk>/compare/", views.compare, name="compare"),
    path("assessments/household/<int:household>/", views.run, name="run"),
    path("what-if/", whatif_views.WhatIfs.as_view(), name="what_ifs"),
    path("what-if/new/", whatif_views.new, name="what_if_new"),
    path("what-if/<int:pk>/", whatif_views.show, name="what_if"),
    path("what-if/setting/<int:setting_id>/", whatif_views.dry_run, name="dry_run"),
    path("what-if/<int:pk>/csv/", whatif_views.download, name="what_if_csv"),
]
