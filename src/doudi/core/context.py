"""What every page's frame needs; read lazily, so that a fragment or an error page pays for nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Value
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from doudi.core import clock, doors, emergencies, menu, places
from doudi.core.models import Emergency, Message, Posting
from doudi.core.prepared import prepared
from doudi.core.services.todos import open_todos

TODO_CEILING = 99


def frame_of(request: HttpRequest) -> str:
    """The template that a page extends: the whole frame, or for HTMX the drawer's content or the bare main block."""
    htmx = getattr(request, "htmx", None)
    if not htmx or htmx.boosted or htmx.history_restore_request:
        return "doudi/base.html"
    return "doudi/drawer.html" if htmx.target == "drawer-body" else "doudi/blank.html"


@prepared
def _waiting(duty: str, posting: int, account: int, on: date) -> QuerySet[Any, Any]:
    todos = open_todos(duty=duty, posting_id=posting, on=on).order_by().values(of=Value("todos"))
    messages = Message.objects.filter(account_id=account, read_at__isnull=True).order_by().values(of=Value("messages"))
    return todos[: TODO_CEILING + 1].union(messages[: TODO_CEILING + 1], all=True)


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """The same for every template of a request: a page renders one for each panel."""
    posting = getattr(request, "posting", None)
    made: tuple[Any, dict[str, Any]] | None = getattr(request, "_doudi_frame", None)
    if made is None or made[0] is not posting:  # an error page may come before it is known who asks
        made = request._doudi_frame = (posting, _frame(request, posting))  # type: ignore[attr-defined]
    return made[1]


def _frame(request: HttpRequest, posting: Posting | None) -> dict[str, Any]:

    @cache
    def waiting() -> dict[str, str]:
        """Open to-dos of this posting and unread messages of the account; counted up to a ceiling, since the badges need no more. One query."""
        if posting is None:
            return {}
        found = Counter(row["of"] for row in _waiting(posting.duty, posting.pk, posting.account_id, timezone.localdate()))
        return {of: str(count) if count <= TODO_CEILING else f"{TODO_CEILING}+" for of, count in found.items()}

    def in_force() -> list[Emergency]:
        """Emergencies that touch the posting's place today, for the line above every page."""
        return emergencies.touching(posting.area, timezone.localdate()) if posting else []

    return {
        "frame": frame_of(request),
        "posting": posting,
        "scope": getattr(request, "scope", None),
        "area_path": SimpleLazyObject(lambda: " / ".join(places.path(posting.area)) if posting else ""),
        "postings": getattr(request, "postings", []) if posting else [],
        "menu": SimpleLazyObject(lambda: menu.shown(request) if posting else []),
        "todo_count": SimpleLazyObject(lambda: waiting().get("todos", "")),
        "unread_count": SimpleLazyObject(lambda: waiting().get("messages", "")),
        "emergencies_in_force": SimpleLazyObject(in_force),
        "demo_day": timezone.localdate() if clock.shift() else None,
        "languages": settings.LANGUAGES,
        "public_home": SimpleLazyObject(lambda: doors.home() or "/"),
        "here": request.get_full_path() if request.method == "GET" else request.path,
        "look": {"large": request.COOKIES.get("look_large") == "1", "contrast": request.COOKIES.get("look_contrast") == "1"},
    }
