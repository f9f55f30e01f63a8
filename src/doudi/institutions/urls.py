"""URLs of institutions; one list per part."""

from doudi.institutions.coordination_urls import urlpatterns as coordination

app_name = "institutions"
urlpatterns = [*coordination]
