"""What the public views share: how long an answer may be kept, the place that was chosen, refusals that look alike."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language

from doudi.core import public
from doudi.core import scope as scopes
from doudi.core.settings_overlay import get_setting
from doudi.portal.places import county_of, machine

KEPT = 60  # seconds that anybody between us and the reader, and we ourselves, may keep a page without forms
MOST = 1024  # pages that a process keeps
_pages: OrderedDict[tuple[Any, ...], tuple[float, bytes, dict[str, str]]] = OrderedDict()
_lock = Lock()


def forget() -> None:
    """Drop what this process keeps."""
    with _lock:
        _pages.clear()


def _key(request: HttpRequest) -> tuple[Any, ...] | None:
    """What makes a page another one; None where it is not kept: only addresses that our own links and forms make, so that nobody fills the store."""
    query = request.META.get("QUERY_STRING", "")
    county = query.removeprefix("county=")
    if request.method != "GET" or (query and query != f"county={county_of(county)}"):
        return None
    looks = (request.COOKIES.get("look_large") == "1", request.COOKIES.get("look_contrast") == "1")
    return request.path, query, get_language(), looks, timezone.localdate()


def kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that is the same for everybody of one language and look: kept for a minute, here and on the way, never over midnight."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key, now = _key(request), time.monotonic()
        if key is not None:
            with _lock:
                found = _pages.get(key)
            if found is not None and found[0] > now:
                return _headed(HttpResponse(found[1], headers=found[2]))
        response = view(request, *args, **kwargs)
        if response.status_code != 200:
            return response
        if key is not None:
            with _lock:
                _pages[key] = (now + KEPT, response.content, dict(response.items()))
                _pages.move_to_end(key)
                while len(_pages) > MOST:
                    _pages.popitem(last=False)
        return _headed(response)

    return answered


def _headed(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, public=True, max_age=KEPT)
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


def within(request: HttpRequest, *, page: str, setting: str, area: str, valid: bool = True) -> bool:
    """Count one sending; whether its network is within what the place allows in an hour. What is not valid has a count of its own, five times as wide."""
    now = timezone.now()
    with scopes.acting(machine(area)):
        most = int(get_setting(setting, area, timezone.localdate(now)))
    return public.allowed(request, page=page if valid else f"{page}.wrong", most=most if valid else most * 5, now=now)


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/too_many.html", {}, status=429)
