"""A call from its token to its log entry. Pages' sessions, cookies and CSRF play no part here."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from doudi.api import access, limits
from doudi.api.errors import ApiError, answer, in_the_standards_words, of_status, rewrite
from doudi.api.rights import Caller
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.network import network_of

logger = logging.getLogger(__name__)

PREFIX = "/api/v1/"
REGISTRY = f"{PREFIX}registry/"
OPEN = (f"{PREFIX}openapi.json",)
LARGEST = 512 * 1024 * 1024
KEY = re.compile(r"[\x21-\x7e]{8,80}")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded", "application/json")


class ApiMiddleware:
    """Wraps everything below PREFIX: token, limit, body, one transaction under the client's scope, idempotency key, log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)  # no session, and no language but the one that is asked for
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = self._answer(request)
        response["Content-Language"] = language
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        began, now, request_id = time.monotonic(), timezone.now(), uuid4()
        caller, remaining = None, None
        try:
            if request.path_info in OPEN:
                response = self.get_response(request)
            else:
                caller = access.authenticate(request, now)
                remaining = access.count(caller, now)
                response = self._work(request, caller)
        except ApiError as error:
            response = answer(error, str(request_id))
        if response.status_code >= 400 and not hasattr(response, "error_code"):
            response = answer(of_status(response.status_code), str(request_id))
        else:
            _name_request(response, str(request_id))
        if response.status_code >= 400 and request.path_info.startswith(REGISTRY):
            in_the_standards_words(response)
        response["X-Request-Id"] = str(request_id)
        response["Cache-Control"] = "no-store"
        code = getattr(response, "error_code", "")
        pattern = request.resolver_match.route if request.resolver_match else "-"
        if caller is not None:
            response["X-RateLimit-Limit"], response["X-RateLimit-Remaining"] = str(caller.per_minute), str(remaining or 0)
            try:
                took = int((time.monotonic() - began) * 1000)
                access.log(
                    caller,
                    request_id=request_id,
                    method=str(request.method),
                    path=pattern,
                    status=response.status_code,
                    code=code,
                    took_ms=took,
                    now=now,
                )
            except Exception:
                logger.exception("call %s could not be logged", request_id)
        elif code:
            logger.warning("api: %s %s from %s", response.status_code, code, network_of(request))
        return response

    def _work(self, request: HttpRequest, caller: Caller) -> HttpResponse:
        request.caller, request.upload = caller, None  # type: ignore[attr-defined]
        # A message of the registry has a number of its own, and what it was answered tells of people: that is not kept to be told again.
        once = request.method not in ("GET", "HEAD", "OPTIONS") and not request.path_info.startswith(REGISTRY)
        key = request.headers.get("Idempotency-Key", "") if once else ""
        if key and not KEY.fullmatch(key):
            raise ApiError(400, "bad_key", _("Idempotency-Key 应为 8 至 80 个字母、数字或符号，不含空格。"))
        try:
            digest = _receive(request, LARGEST if "deliveries:write" in caller.scopes else settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            with scopes.acting(access.scope_of(caller, request)), limits.within(file=request.upload is not None or bool(request.FILES)):  # type: ignore[attr-defined]
                response = access.begin(caller, key=key, digest=digest, now=timezone.now()) if key else None
                if response is None:
                    response = self.get_response(request)
                    if response.status_code >= 400:
                        transaction.set_rollback(True)
                    elif key:
                        access.finish(caller, key=key, response=response)
            return response
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise ApiError(409, "in_progress", _("同一 Idempotency-Key 的请求仍在处理；请稍后重试。"), retry_after=10) from None
            if limits.cancelled(error):
                raise limits.too_slow() from None
            raise
        finally:
            if request.upload is not None:  # type: ignore[attr-defined]
                request.upload.unlink(missing_ok=True)  # type: ignore[attr-defined]


def _name_request(response: HttpResponse, request_id: str) -> None:
    """The operation's own error answer gets the number of the request."""
    if hasattr(response, "error_code"):
        body = json.loads(response.content)
        body["error"]["request_id"] = request_id
        rewrite(response, body)


def _receive(request: HttpRequest, most: int) -> bytes:
    """Read the whole body of at most so many bytes before any transaction begins; a raw file goes to `request.upload` (a Path). SHA-256 of what was asked.

    Boundaries of a form differ from try to try: its fields and files count. A body that breaks off before the length that was said is none.
    """
    given = request.META.get("CONTENT_LENGTH") or "0"
    if not given.isascii() or not given.isdigit():
        raise _malformed()
    length = int(given)
    if length > most:
        raise ApiError(413, "too_large", _("内容超过 %(most)s MB；请拆分后分别提交。"), {"most": most >> 20})
    stream: Any = request._stream  # type: ignore[attr-defined]
    asked = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    try:
        if request.content_type in FORMS:
            for name, values in sorted(request.POST.lists()):
                asked.update(repr((name, values)).encode())
            for name, files in sorted(request.FILES.lists()):
                for file in files:
                    asked.update(repr((name, file.name, file.size)).encode())
                    for chunk in file.chunks():
                        asked.update(chunk)
            if request.content_type == "application/json":
                asked.update(request.body)
        elif length:
            folder = postgres.home() / "incoming"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=folder, prefix="api-", delete=False) as target:
                request.upload = Path(target.name)  # type: ignore[attr-defined]
                shutil.copyfileobj(request, target, 1 << 20)  # type: ignore[misc]
            with request.upload.open("rb") as source:  # type: ignore[attr-defined]
                while chunk := source.read(1 << 20):
                    asked.update(chunk)
    except RequestDataTooBig:
        raise ApiError(413, "too_large", _("内容太大；请拆分后分别提交。")) from None
    except (MultiPartParserError, SuspiciousOperation, UnicodeError, UnreadablePostError):
        raise _malformed() from None
    if stream._pos < length:  # a server hands over what came before the connection broke off
        raise _malformed()
    return asked.digest()


def _malformed() -> ApiError:
    return ApiError(400, "malformed_body", _("请求内容不完整或格式不正确；请对照接口文档核对后重新提交。"))
