from django.urls import path

from doudi.reports import board_views, national_views, views

app_name = "reports"
urlpatterns = [
    path("dashboard/", board_views.page, name="board"),
    path("statistics/number/", board_views.number, name="number"),
    path("statistics/list/", board_views.Behind.as_view(), name="behind"),
    path("measures/", views.measures, name="measures"),
    path("measures/<str:clause>/", board_views.OfClause.as_view(), name="clause"),
    path("statistics/", views.statistics, name="statistics"),
    path("statistics/workbook/", views.workbook, name="workbook"),
    path("statistics/trends/", views.trends, name="trends"),
    path("national/", national_views.exports, name="national"),
    path("national/<int:pk>/file/", national_views.download, name="national_file"),
    path("national/faults/", national_views.Faults.as_view(), name="faults"),
    path("open-data/", views.public, name="public"),
]
