"""What the public views share: how long an answer may be kept, the place that was chosen, refusals that look alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers

from doudi.core import public
from doudi.core import scope as scopes
from doudi.core.settings_overlay import get_setting
from doudi.portal.places import machine

KEPT = 60  # seconds that anybody between us and the reader may keep a page without forms


def kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that is the same for everybody: kept for a minute, by language and look."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 200:
            patch_cache_control(response, public=True, max_age=KEPT)
            patch_vary_headers(response, ["Cookie", "Accept-Language"])
        return response

    return answered


def within(request: HttpRequest, *, page: str, setting: str, area: str, valid: bool = True) -> bool:
    """Count one sending; whether its network is within what the place allows in an hour. What is not valid has a count of its own, five times as wide."""
    now = timezone.now()
    with scopes.acting(machine(area)):
        most = int(get_setting(setting, area, timezone.localdate(now)))
    return public.allowed(request, page=page if valid else f"{page}.wrong", most=most if valid else most * 5, now=now)


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/too_many.html", {}, status=429)
