"""The WSGI application (gunicorn doudi.config.wsgi), however it is started: a role that could see past row-level security gets no answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import InterfaceError, OperationalError, connections

from doudi.core.commandline import environment
from doudi.core.scratch import scratch


class Checked:
    """Django's application, behind the look at the database's role that `doudi serve` makes at its start.

    Raises SetupError where the role has too much power: gunicorn's process ends with it. A database that is away is looked at before the next answer.
    """

    def __init__(self) -> None:
        environment()
        self._django = get_wsgi_application()
        settings.FILE_UPLOAD_TEMP_DIR = str(scratch())  # a large upload waits in the data folder: it holds names and numbers
        self._looked = False
        self._look()

    def _look(self) -> None:
        from doudi.core.doctor import refuse_powerful_role

        try:
            refuse_powerful_role()
        except (OperationalError, InterfaceError):
            return
        finally:
            connections.close_all()
        self._looked = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not self._looked:
            self._look()
        answer: Iterable[bytes] = self._django(environ, start_response)
        return answer


application = Checked()
