from django.urls import path

from doudi.reports import views

app_name = "reports"
urlpatterns = [path("measures/", views.measures, name="measures")]
