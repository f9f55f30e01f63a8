"""The scope of a request: one transaction around the whole response, template rendering included. How much a request may bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.postings import chosen, postings_of

MEGABYTE = 1 << 20
MOST_MEGABYTES = 80  # the eight papers of an online application, and its fields
# No scope, no transaction: sign-in, languages, files of the frame; calls of other systems, whose scope `doudi.api` sets.
OUTSIDE = ("/accounts/", "/i18n/", "/api/v1/", settings.STATIC_URL)


class ScopeMiddleware:
    """Sets `request.posting` and `request.scope`, and runs the view under that scope.

    A response with status 500 and any exception roll the work back. Streaming responses open a scope of their own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.posting, request.scope = None, scopes.NOTHING  # type: ignore[attr-defined]
        if request.path.startswith(OUTSIDE) or not request.user.is_authenticated:
            return self.get_response(request)
        if request.user.must_change_password:
            return redirect("account_change_password")
        identity = scopes.Scope(area="", account_id=request.user.pk, page=request.path[:200])
        with scopes.acting(identity):
            held = postings_of(account=request.user, on=timezone.localdate())
            posting = chosen(held, request.session.get("posting"))
            request.posting, request.postings = posting, held  # type: ignore[attr-defined]
            if posting is not None:
                request.scope = scopes.Scope(  # type: ignore[attr-defined]
                    area=posting.area, account_id=request.user.pk, posting_id=posting.pk, duty=posting.duty, page=f"{request.method} {request.path}"[:200]
                )
                scopes.change(request.scope)  # type: ignore[attr-defined]
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if hasattr(response, "render") and not getattr(response, "is_rendered", True):
            response.render()
        if response.status_code >= 500:
            # Django turned an exception into a page: what was half-written must not stay
            transaction.set_rollback(True)
        return response


def takes(megabytes: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`@takes(5)`, outermost on a view: the most that a request may bring it; MOST_MEGABYTES elsewhere."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.most_megabytes = megabytes  # type: ignore[attr-defined]
        return view

    return mark


class BodyLimit:
    """Refuses what is too large before a byte of it is read. Stands before CSRF, which reads the form.

    Servers pass no body on without its length, so the length that is said is the whole of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        if request.path.startswith("/api/v1/"):
            return None  # bounded by `doudi.api.middleware`, which answers in its own form
        most = getattr(view, "most_megabytes", MOST_MEGABYTES)
        if int(request.META.get("CONTENT_LENGTH") or 0) <= (most + 1) * MEGABYTE:
            return None
        words = _("上传的内容超过 %(most)d MB，没有接收。请压缩照片或分批上传。") % {"most": most}
        response = render(request, "413.html", {"words": words}, status=413)
        response["X-Message"] = quote(words)  # shown by app.js where only a fragment was asked for
        return response
