"""URLs of volunteering; one file per part."""

from doudi.volunteering.urls import organisations

app_name = "volunteering"
urlpatterns = [*organisations.urlpatterns]
