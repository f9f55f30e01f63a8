"""URLs of relief; one file per part."""

from doudi.relief.urls import cases, prices

app_name = "relief"
urlpatterns = [*cases.urlpatterns, *prices.urlpatterns]
