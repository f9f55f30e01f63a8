"""URLs of relief; one file per part."""

from doudi.relief.urls import care, cases, prices

app_name = "relief"
urlpatterns = [*cases.urlpatterns, *care.urlpatterns, *prices.urlpatterns]
