"""URLs of the protection of minors; one file per part."""

from doudi.protection.urls import care, cases, referrals

app_name = "protection"
urlpatterns = [
    *cases.urlpatterns,
    *care.urlpatterns,
    *referrals.urlpatterns,
]
