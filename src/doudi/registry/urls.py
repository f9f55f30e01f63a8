"""Pages of the registry."""

from django.http import HttpResponse
from django.urls import path

app_name = "registry"
urlpatterns = [path("households/<int:pk>/", lambda r, pk: HttpResponse(), name="household")]
