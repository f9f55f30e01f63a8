"""URLs of relief; one file per part."""

from doudi.relief.urls import prices

app_name = "relief"
urlpatterns = [*prices.urlpatterns]
