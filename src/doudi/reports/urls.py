from django.urls import path

from doudi.reports import views

app_name = "reports"
urlpatterns = [
    path("measures/", views.measures, name="measures"),
    path("statistics/", views.statistics, name="statistics"),
    path("statistics/workbook/", views.workbook, name="workbook"),
    path("statistics/trends/", views.trends, name="trends"),
    path("open-data/", views.public, name="public"),
]
