"""The scope of a request: one transaction around the whole response, template rendering included."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.postings import active_posting

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
            posting = active_posting(account=request.user, wanted=request.session.get("posting"), on=timezone.localdate())
        if posting is None:
            with scopes.acting(identity):
                return self._answer(request)
        request.posting = posting  # type: ignore[attr-defined]
        request.scope = scopes.Scope(  # type: ignore[attr-defined]
            area=posting.area, account_id=request.user.pk, posting_id=posting.pk, duty=posting.duty, page=f"{request.method} {request.path}"[:200]
        )
        with scopes.acting(request.scope):  # type: ignore[attr-defined]
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if hasattr(response, "render") and not getattr(response, "is_rendered", True):
            response.render()
        if response.status_code >= 500:
            # Django turned an exception into a page: what was half-written must not stay
            transaction.set_rollback(True)
        return response
