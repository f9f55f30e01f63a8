"""To-dos (待办): raised by services of every room, finished when the matter is dealt with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting, Todo

_pages: dict[str, Callable[[], QuerySet[Any]]] = {}
BY_HAND: set[str] = set()
COLUMNS = "area, duty, kind, title, url, subject, subject_id, due"


def raise_todo(
    *,
    kind: str,
    area: str,
    duty: str,
    title: str,
    url: str,
    subject: str,
    subject_id: int,
    due: date | None = None,
    posting_id: int | None = None,
    now: datetime,
) -> bool:
    """Raise one to-do for the officers of `duty` whose posting covers `area`, or for one posting; False where the same one is open already.

    `title` names the matter without personal data beyond what a list of that duty may show.
    """
    if duty not in Duty.values:
        raise ValueError(duty)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into core_todo ({COLUMNS}, posting_id, made_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (kind, subject, subject_id, duty) where done_at is null do nothing",
            [area, duty, kind, title[:200], url[:200], subject, subject_id, due, posting_id, now],
        )
        return cursor.rowcount == 1


def raise_for_each(
    *, postings: Iterable[int], kind: str, area: str, duty: str, title: str, url: str, subject: str, subject_id: int, due: date | None = None, now: datetime,
) -> int:  # fmt: skip
    """Raise the same to-do for several postings of a duty, none of whom is more its owner than the others; the number raised.

    Each has its own (the kind carries the posting); `finish_todos` of the kind finishes all of them, so whoever is first does it for all.
    """
    given = {"area": area, "duty": duty, "title": title, "url": url, "subject": subject, "subject_id": subject_id, "due": due, "now": now}
    return sum(raise_todo(kind=f"{kind}#{posting}", posting_id=posting, **given) for posting in postings)  # type: ignore[arg-type]


def held(*, duty: str, area: str, on: date) -> bool:
    """Whether somebody whom the acting scope sees holds `duty` for a place on a day: a to-do for nobody would wait for ever."""
    above = [area[:length] for length in (2, 4, 6, 9, 12) if length <= len(area)]
    return Posting.objects.filter(duty=duty, area__in=above, starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on)).exists()


def raise_todos(sql: str, params: list[Any] | None = None, *, for_postings: bool = False, now: datetime) -> int:
    """Raise many with one statement. `sql` selects, in this order: area, duty, kind, title, url, subject, subject_id, due; and, where they are
    `for_postings`, the posting whose each one is.

    The SELECT is written by a room, never put together from input; values go into `params`. Returns the number raised.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into core_todo ({COLUMNS}{', posting_id' if for_postings else ''}, made_at) select found.*, %s::timestamptz from ({sql}) found"
            " on conflict (kind, subject, subject_id, duty) where done_at is null do nothing",
            [now, *(params or [])],
        )
        return cursor.rowcount


def finish_todos(*, subject: str, subject_id: int, now: datetime, kind: str | None = None, duty: str | None = None) -> int:
    """Finish the open to-dos of a matter (all kinds, or one); the number finished."""
    rows = Todo.objects.filter(subject=subject, subject_id=subject_id, done_at__isnull=True)
    if kind is not None:
        rows = rows.filter(Q(kind=kind) | Q(kind__gte=f"{kind}#", kind__lt=f"{kind}$"))  # those of each posting too
    if duty is not None:
        rows = rows.filter(duty=duty)
    return rows.update(done_at=now, done_by=scopes.current().account_id or None)


def page_shows(subject: str, rows: Callable[[], QuerySet[Any]]) -> None:
    """Say, at start-up, that the page of a subject's to-dos opens only for who finds it among `rows`: subjects that are shown by more than the place."""
    _pages[subject] = rows


def with_pages(rows: QuerySet[Todo]) -> QuerySet[Todo]:
    """To-dos with `opens`: whether the acting officer may open the page that they lead to. A colleague's may lead to what is shown to nobody else."""
    seen = [When(subject=subject, then=Exists(found().filter(pk=OuterRef("subject_id")))) for subject, found in _pages.items()]
    return rows.annotate(opens=Case(*seen, default=Value(True)))


def of_posting(rows: QuerySet[Todo], *, posting_id: int, on: date) -> QuerySet[Todo]:
    """Of to-dos those that a posting has to do: its own, those of nobody in particular, and those of somebody who has left; none whose page would
    be shown to it empty. Among all to-dos of the duty that one stands, without a link. Rows have `opens`."""
    return with_pages(rows).filter(Q(posting__isnull=True) | Q(posting_id=posting_id) | Q(posting__ends__lte=on), Q(opens=True))


def open_todos(*, duty: str, posting_id: int | None = None, on: date | None = None) -> QuerySet[Todo]:
    """Open to-dos of a duty within the scope, the most urgent first; with `posting_id` and `on` what that posting has to do, and can open."""
    rows = Todo.objects.filter(duty=duty, done_at__isnull=True)
    if posting_id is not None and on is not None:
        rows = of_posting(rows, posting_id=posting_id, on=on)
    return rows.order_by("due", "id")


def ends_by_hand(*kinds: str) -> None:
    """Say, at start-up, that to-dos of these kinds ask to look at something which no act of the system records: who has looked says so (`settle`)."""
    BY_HAND.update(kinds)


def settle(*, todo_id: int, now: datetime) -> Todo:
    """The acting officer has looked at what a to-do asked to look at. What a service ends is ended by its work alone. Raises ValidationError."""
    acting = scopes.current()
    mine = of_posting(open_todos(duty=acting.duty), posting_id=acting.posting_id, on=timezone.localdate(now))
    row = mine.select_for_update(of=("self",)).filter(pk=todo_id).first()
    if row is None:
        raise ValidationError(_("这项待办已办结，或不由您办理；请刷新页面。"))
    if row.kind not in BY_HAND:
        raise ValidationError(_("这项待办在办理后自动办结；请打开事项办理。"))
    row.done_at, row.done_by_id = now, acting.account_id or None
    row.save(update_fields=["done_at", "done_by"])
    return row


def move_due(*, subject: str, subject_id: int, due: date | None) -> int:
    """Give the open to-dos of a matter another limit (its clock stood still); the number changed."""
    return Todo.objects.filter(subject=subject, subject_id=subject_id, done_at__isnull=True).update(due=due)
