"""URLs: each room brings its own; the frame (sign-in, dashboard, to-dos, tasks) is core's."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("doudi.core.account_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *[path("", include(f"{room}.urls")) for room in settings.ROOMS if find_spec(f"{room}.urls")],
]
handler403 = "doudi.core.views.errors.forbidden"
handler404 = "doudi.core.views.errors.not_found"
handler500 = "doudi.core.views.errors.server_error"
