"""The door of the web server."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.test import RequestFactory

from doudi.core import postgres


def test_a_large_upload_waits_in_the_data_folder(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds names and numbers: the system's temporary folder is everybody's."""
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", None)
    from doudi.config.wsgi import Checked

    Checked()
    request: HttpRequest = RequestFactory().post("/", {"file": io.BytesIO(bytes(settings.FILE_UPLOAD_MAX_MEMORY_SIZE + 1))})
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    waiting = Path(request.FILES["file"].temporary_file_path())
    assert waiting.is_relative_to(postgres.home()) and waiting.parent.stat().st_mode & 0o077 == 0
    request.close()
    assert not waiting.exists()
