"""URLs of volunteering; one file per part."""

from doudi.volunteering.urls import board, organisations, people, public

app_name = "volunteering"
urlpatterns = [*organisations.urlpatterns, *people.urlpatterns, *public.urlpatterns, *board.urlpatterns]
