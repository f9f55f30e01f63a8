"""Which posting acts (任职): read at sign-in and at each request, switched in the header."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from doudi.core.models import Account, Posting


def postings_of(*, account: Account, on: date) -> list[Posting]:
    """Postings that hold on a day, the first taken first. One query; the account sees its own postings by policy."""
    return list(Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account=account, starts__lte=on).order_by("starts", "id"))


def active_posting(*, account: Account, wanted: int | None, on: date) -> Posting | None:
    """The posting chosen in the session if it still holds, else the first; None where none holds."""
    held = postings_of(account=account, on=on)
    return next((posting for posting in held if posting.pk == wanted), held[0] if held else None)
