"""URLs of volunteering; one file per part."""

from doudi.volunteering.urls import board, organisations, people

app_name = "volunteering"
urlpatterns = [*organisations.urlpatterns, *people.urlpatterns, *board.urlpatterns]
