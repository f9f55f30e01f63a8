"""URLs of volunteering; one file per part."""

from doudi.volunteering.urls import board, organisations, own_needs, people, public

app_name = "volunteering"
urlpatterns = [*organisations.urlpatterns, *people.urlpatterns, *board.urlpatterns, *own_needs.urlpatterns, *public.urlpatterns]
