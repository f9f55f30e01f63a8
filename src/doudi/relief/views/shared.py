"""What the pages of relief share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

LARGEST_PHOTO = 10 * 1024 * 1024


def errors_into(form: Any, error: ValidationError) -> None:
    """A service's refusal at the fields that it names."""
    if hasattr(error, "error_dict"):
        for name, found in error.message_dict.items():
            form.add_error(name if name in form.fields else None, found)
    else:
        form.add_error(None, error.messages)


def tell(request: HttpRequest, act: Callable[[], Any], done: Callable[[Any], str]) -> Any:
    """Do it and say what was done, or why not."""
    try:
        answer = act()
    except ValidationError as error:
        for message in error.messages:
            messages.error(request, message)
        return None
    except PermissionDenied as error:
        messages.error(request, str(error))
        return None
    messages.success(request, done(answer))
    return answer


def invalid(request: HttpRequest, form: Any) -> None:
    """What is wrong with a small form, as messages."""
    for name, found in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in found:
            messages.error(request, f"{label}：{error}" if label else str(error))


def photos(request: HttpRequest) -> list[tuple[str, bytes]]:
    """Receipts of a form; what is too large is left to the store, which says so."""
    return [(file.name or "receipt.jpg", file.read(LARGEST_PHOTO + 1)) for file in request.FILES.getlist("photos")[:6]]
