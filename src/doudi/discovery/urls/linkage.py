"""Pages of the review desk."""

from django.urls import path

from doudi.discovery.views import linkage

urlpatterns = [
    path("linkage/", linkage.Pairs.as_view(), name="linkage"),
    path("linkage/next/", linkage.first, name="linkage_first"),
    path("linkage/<int:pair_id>/", linkage.desk, name="linkage_pair"),
    path("linkage/<int:pair_id>/undo/", linkage.undo, name="linkage_undo"),
    path("linkage/<int:pair_id>/reveal/<slug:field>/", linkage.reveal, name="linkage_reveal"),
]
