"""URLs: each room brings its own; the frame (sign-in, dashboard, to-dos, tasks) is core's."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path

from doudi.core.rooms import room

# the public pages first: anybody opens them, and every address before theirs is tried for each
ROOMS = sorted(settings.ROOMS, key=lambda name: name != "doudi.portal")
urlpatterns = [
    path("accounts/", include("doudi.core.account_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *[room(f"{name}.urls") for name in ROOMS if find_spec(f"{name}.urls")],
]
handler403 = "doudi.core.views.errors.forbidden"
handler404 = "doudi.core.views.errors.not_found"
handler500 = "doudi.core.views.errors.server_error"
