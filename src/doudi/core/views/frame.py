"""Pages of the frame itself: dashboard, posting, look of the pages, components."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from doudi.core import doors, panels
from doudi.core.postings import postings_of
from doudi.core.services.todos import open_todos
from doudi.core.views import samples
from doudi.core.views.access import with_posting


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "/")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()) else "/"


@require_GET
def first_page(request: HttpRequest) -> HttpResponse:
    """The dashboard of who is signed in; the public first page for everybody else."""
    if not request.user.is_authenticated and not getattr(request, "htmx", False) and (home := doors.home()):
        return redirect(home)
    return dashboard(request)  # type: ignore[no-any-return]


@require_GET
@with_posting
def dashboard(request: HttpRequest) -> HttpResponse:
    posting, today = request.posting, timezone.localdate()  # type: ignore[attr-defined]
    todos = list(open_todos(duty=posting.duty, posting_id=posting.pk, on=today)[:8])
    return render(request, "doudi/pages/dashboard.html", {"todos": todos, "today": today, "cards": panels.dashboard_cards(request)})


@require_POST
@with_posting
def switch_posting(request: HttpRequest) -> HttpResponse:
    """Act under another of one's own postings from now on."""
    held = {str(posting.pk): posting for posting in postings_of(account=request.user, on=timezone.localdate())}  # type: ignore[arg-type]
    posting = held.get(request.POST.get("posting", ""))
    if posting is None:
        messages.error(request, _("这一岗位已不在任，未切换。"))
    else:
        request.session["posting"] = posting.pk
        messages.success(request, _("已切换到：%(duty)s") % {"duty": posting.get_duty_display()})
    return redirect("dashboard")


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Large text and stronger contrast, kept in this browser."""
    response = redirect(_back(request))
    for name in ("large", "contrast"):
        if name in request.POST:
            response.set_cookie(f"look_{name}", "1" if request.POST[name] == "1" else "0", max_age=365 * 86400, samesite="Lax", httponly=True)
    return response


@require_GET
@never_cache
def public_look(request: HttpRequest) -> HttpResponse:
    """Language, large text and contrast of the public pages: links, so that these pages need neither script nor a form's cookie."""
    response = redirect(_back(request))
    for name in ("large", "contrast"):
        if name in request.GET:
            response.set_cookie(f"look_{name}", "1" if request.GET[name] == "1" else "0", max_age=365 * 86400, samesite="Lax", httponly=True)
    if request.GET.get("language") in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, request.GET["language"], max_age=365 * 86400, samesite="Lax", httponly=True)
    return response


@require_GET
@with_posting
def components(request: HttpRequest) -> HttpResponse:
    """Every component with sample data: what later pages are built from."""
    return render(request, "doudi/pages/components.html", samples.context(request))
