"""What the pages of relief share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

LARGEST_PHOTO = 10 * 1024 * 1024


def invalid(request: HttpRequest, form: Any) -> None:
    """What is wrong with a small form, as messages."""
    for name, found in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in found:
            messages.error(request, f"{label}：{error}" if label else str(error))


def photos(request: HttpRequest) -> list[tuple[str, bytes]]:
    """Receipts of a form; what is too large is left to the store, which says so."""
    return [(file.name or "receipt.jpg", file.read(LARGEST_PHOTO + 1)) for file in request.FILES.getlist("photos")[:6]]
