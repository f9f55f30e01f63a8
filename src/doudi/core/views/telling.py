"""What a page does with a service's answer: say what was done, or why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest


def tell(request: HttpRequest, act: Callable[[], Any], done: Callable[[Any], str]) -> Any:
    """Do it and say what was done, or say why not. Services undo themselves (a savepoint each)."""
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
