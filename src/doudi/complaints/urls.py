"""Pages of objections and complaints."""

from django.urls import path

from doudi.complaints import views

app_name = "complaints"
urlpatterns = [
    path("complaints/", views.Complaints.as_view(), name="list"),
    path("complaints/new/", views.new, name="new"),
    path("complaints/quality/", views.quality, name="quality"),
    path("complaints/mass/", views.mass, name="mass"),
    path("complaints/mass/<int:mass_id>/", views.mass_page, name="mass_page"),
    path("complaints/<int:complaint_id>/", views.complaint, name="complaint"),
    path("complaints/<int:complaint_id>/act/", views.act, name="act"),
    path("complaints/<int:complaint_id>/reveal/", views.reveal, name="reveal"),
    path("complaints/<int:complaint_id>/letter/", views.letter, name="letter"),
]
