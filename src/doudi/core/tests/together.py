"""Works on connections of their own at the same moment, for tests of two officers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections

from doudi.core import scope as scopes


def together(*calls: Callable[[], Any]) -> tuple[list[Any], list[str]]:
    """Each call on its own connection, begun together: (answers, what was said to those refused). Other errors are raised here."""
    barrier, made, told, broken = threading.Barrier(len(calls)), [], [], []

    def go(call: Callable[[], Any]) -> None:
        try:
            barrier.wait(20)
            made.append(call())
        except ValidationError as error:
            told.append("；".join(error.messages))
        except BaseException as error:
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if broken:
        raise broken[0]
    return made, told


def as_(scope: scopes.Scope, service: Callable[..., Any], **given: Any) -> Callable[[], Any]:
    """A call of a service by an officer, for `together`."""

    def call() -> Any:
        with scopes.acting(scope):
            return service(**given)

    return call
