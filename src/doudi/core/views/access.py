"""Who may open a view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from doudi.core import duties


def with_posting(view: Callable[..., Any]) -> Callable[..., Any]:
    """Signed in and acting under a posting."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            if getattr(request, "htmx", False):
                return HttpResponse(status=401)  # app.js loads the page again, which leads to the sign-in
            return redirect_to_login(request.get_full_path())
        if request.posting is None:  # type: ignore[attr-defined]
            raise PermissionDenied(_("您的账号目前没有在任岗位，请联系系统管理员。"))
        return view(request, *args, **kwargs)

    return guarded


def may(act: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`@may("payments.view")`: signed in, with a posting whose duty may do `act`; the view carries it as `act`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            duties.require(act)
            return view(request, *args, **kwargs)

        guarded.act = act  # type: ignore[attr-defined]
        return with_posting(guarded)

    return decorate
