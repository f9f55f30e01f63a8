"""Pages of the frame itself: dashboard, posting, look of the pages, components."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import panels
from doudi.core.postings import postings_of
from doudi.core.services.todos import open_todos
from doudi.core.views import samples
from doudi.core.views.access import with_posting


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "/")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()) else "/"


@require_GET
@with_posting
def dashboard(request: HttpRequest) -> HttpResponse:
    posting, today = request.posting, timezone.localdate()  # type: ignore[attr-defined]
    todos = list(open_todos(duty=posting.duty, posting_id=posting.pk, on=today)[:8])
    return render(request, "doudi/pages/dashboard.html", {"todos": todos, "today": today, "cards": panels.dashboard_cards(request)})


@require_POST
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
@with_posting
def components(request: HttpRequest) -> HttpResponse:
    """Every component with sample data: what later pages are built from."""
    return render(request, "doudi/pages/components.html", samples.context(request))
