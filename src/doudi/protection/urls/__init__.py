"""URLs of the protection of minors; one file per part."""

from doudi.protection.urls import care, cases, referrals, reports, work

app_name = "protection"
urlpatterns = [
    *cases.urlpatterns,
    *work.urlpatterns,
    *reports.urlpatterns,
    *care.urlpatterns,
    *referrals.urlpatterns,
]
