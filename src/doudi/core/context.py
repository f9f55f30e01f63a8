"""What every page's frame needs; read lazily, so that a fragment or an error page pays for nothing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from doudi.core import clock, doors, emergencies, menu, places
from doudi.core.models import Emergency, Message, Posting
from doudi.core.postings import postings_of
from doudi.core.services.todos import open_todos

TODO_CEILING = 99


def frame_of(request: HttpRequest) -> str:
    """The template that a page extends: the whole frame, or for HTMX the drawer's content or the bare main block."""
    htmx = getattr(request, "htmx", None)
    if not htmx or htmx.boosted or htmx.history_restore_request:
        return "doudi/base.html"
    return "doudi/drawer.html" if htmx.target == "drawer-body" else "doudi/blank.html"


def page_frame(request: HttpRequest) -> dict[str, Any]:
    posting = getattr(request, "posting", None)

    def todo_count() -> str:
        """Open to-dos of this posting; counted up to a ceiling, since the badge needs no more."""
        if posting is None:
            return ""
        found = open_todos(duty=posting.duty, posting_id=posting.pk, on=timezone.localdate())
        count = found.order_by()[: TODO_CEILING + 1].count()
        return "" if not count else str(count) if count <= TODO_CEILING else f"{TODO_CEILING}+"

    def held() -> list[Posting]:
        return postings_of(account=request.user, on=timezone.localdate()) if posting else []  # type: ignore[arg-type]

    def unread_count() -> str:
        """Unread messages of the account, up to the same ceiling."""
        if posting is None:
            return ""
        count = Message.objects.filter(account_id=posting.account_id, read_at__isnull=True).order_by()[: TODO_CEILING + 1].count()
        return "" if not count else str(count) if count <= TODO_CEILING else f"{TODO_CEILING}+"

    def in_force() -> list[Emergency]:
        """Emergencies that touch the posting's place today, for the line above every page."""
        return emergencies.touching(posting.area, timezone.localdate()) if posting else []

    return {
        "frame": frame_of(request),
        "posting": posting,
        "scope": getattr(request, "scope", None),
        "area_path": SimpleLazyObject(lambda: " / ".join(places.path(posting.area)) if posting else ""),
        "postings": SimpleLazyObject(held),
        "menu": SimpleLazyObject(lambda: menu.shown(request) if posting else []),
        "todo_count": SimpleLazyObject(todo_count),
        "unread_count": SimpleLazyObject(unread_count),
        "emergencies_in_force": SimpleLazyObject(in_force),
        "demo_day": timezone.localdate() if clock.shift() else None,
        "languages": settings.LANGUAGES,
        "public_home": SimpleLazyObject(lambda: doors.home() or "/"),
        "here": request.get_full_path() if request.method == "GET" else request.path,
        "look": {"large": request.COOKIES.get("look_large") == "1", "contrast": request.COOKIES.get("look_contrast") == "1"},
    }
