"""URLs of the protection of minors; one file per part."""

from doudi.protection.urls import cases

app_name = "protection"
urlpatterns = [
    *cases.urlpatterns,
]
