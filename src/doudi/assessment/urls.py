"""Pages of assessments."""

from django.urls import path

from doudi.assessment import views

app_name = "assessment"
urlpatterns = [
    path("assessments/", views.Assessments.as_view(), name="list"),
    path("assessments/<int:pk>/", views.show, name="show"),
    path("assessments/<int:pk>/compare/", views.compare, name="compare"),
    path("assessments/household/<int:household>/", views.run, name="run"),
]
