"""Who calls, how often, and whether the call was made before."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.api.errors import ApiError
from doudi.api.models import ApiAnswer, ApiRefusal
from doudi.api.rights import Caller
from doudi.core import keys, side
from doudi.core import scope as scopes
from doudi.core.network import network_of

SCHEME = "Bearer "
TOKEN = re.compile(r"doudi_[A-Za-z0-9_-]{40,60}")
# Wrong tokens that one network may show in a minute before it is told to wait. A right token is taken from there all the same.
WRONG_A_MINUTE = 20
# How long a call waits for another with the same key before it says that that one is still at work.
PATIENCE = "10s"


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def authenticate(request: HttpRequest, now: datetime) -> Caller:
    """The client of the bearer token. Raises ApiError 401; which rows exist cannot be learnt but by the exact token."""
    given = request.META.get("HTTP_AUTHORIZATION", "")
    token = given[len(SCHEME) :].strip()
    if not given.startswith(SCHEME) or not token:
        raise ApiError(401, "missing_token", _("缺少令牌；请在请求头 Authorization 中写“Bearer 令牌”。"))
    if not TOKEN.fullmatch(token):  # not worth asking the database
        raise refused(request, "unknown_token", now)
    with connection.cursor() as cursor:
        cursor.execute("select * from doudi.api_client_of(%s)", [digest_of(token)])
        row = cursor.fetchone()
    if row is None:
        raise refused(request, "unknown_token", now)
    number, area, account, organisation, rights, datasets, per_minute, expires, revoked = row
    if revoked:
        raise refused(request, "revoked_token", now, number)
    if timezone.localdate(now) >= expires:
        raise refused(request, "expired_token", now, number)
    return Caller(number, area, account, organisation, frozenset(rights), frozenset(datasets), per_minute)


WRONG: dict[str, Any] = {
    "unknown_token": _("令牌不正确；请核对，或请系统管理员换发。"),
    "revoked_token": _("令牌已停用；请联系系统管理员。"),
    "expired_token": _("令牌已到期；请联系系统管理员换发。"),
}


def refused(request: HttpRequest, code: str, now: datetime, client: int | None = None) -> ApiError:
    """The answer to a token that does not hold, counted for its network; 429 where that network shows too many in a minute."""
    with side.committed(scopes.NOTHING) as cursor:
        cursor.execute("select doudi.api_refused(%s, %s, %s, %s, %s)", [network_of(request), code, client, now, ApiRefusal.MOST])
        calls: int = cursor.fetchone()[0]
    if calls > WRONG_A_MINUTE:
        return ApiError(429, "too_many_wrong_tokens", _("来自这一网络的错误令牌过多；请核对令牌，稍后再试。"), retry_after=max(1, 60 - now.second))
    return ApiError(401, code, WRONG[code])


def count(caller: Caller, now: datetime) -> int:
    """Count one call, committed at once; how many more this minute bears. Raises ApiError 429 past the client's limit."""
    minute = now.replace(second=0, microsecond=0)
    with side.committed(caller.acting("api")) as cursor:
        cursor.execute(
            "insert into api_apiusage as u (client_number, area, minute, calls, total, last_at) values (%s, %s, %s, 1, 1, %s)"
            " on conflict (client_number) do update set calls = case when u.minute = excluded.minute then u.calls + 1 else 1 end,"
            " minute = excluded.minute, total = u.total + 1, last_at = excluded.last_at returning calls",
            [caller.client_id, caller.area, minute, now],
        )
        calls: int = cursor.fetchone()[0]
    if calls > caller.per_minute:
        raise ApiError(
            429, "too_many_calls", _("每分钟最多 %(limit)s 次调用；请稍后重试。"), {"limit": caller.per_minute}, retry_after=max(1, 60 - now.second)
        )
    return caller.per_minute - calls


def log(caller: Caller, *, request_id: UUID, method: str, path: str, status: int, code: str, took_ms: int, now: datetime) -> None:
    """Write one call down, on the connection that stays when the work is rolled back."""
    with side.committed(caller.acting("api")) as cursor:
        cursor.execute(
            "insert into api_apicall (client_number, area, at, method, path, status, code, took_ms, request_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [caller.client_id, caller.area, now, method[:10], path[:200], status, code, took_ms, request_id],
        )


def begin(caller: Caller, *, key: str, digest: bytes, now: datetime) -> HttpResponse | None:
    """Take an idempotency key within the work's transaction. What the same call was answered before, or None where it is to be done.

    A second call with the key waits here for the first: the row exists only if the first one's work does. Raises ApiError 409 for
    another content under the same key, and (from the database, as a lock timeout) where the first takes longer than the wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute(
            "insert into api_apianswer (client_id, area, key, digest, status, made_at) values (%s, %s, %s, %s, 0, %s)"
            " on conflict (client_id, key) do nothing",
            [caller.client_id, caller.area, key, digest, now],
        )
        fresh = cursor.rowcount == 1
        cursor.execute("select set_config('lock_timeout', '0', true)")
    if fresh:
        return None
    before = ApiAnswer.objects.get(client_id=caller.client_id, key=key)
    if bytes(before.digest) != digest:
        raise ApiError(409, "key_reused", _("这一 Idempotency-Key 已用于另一份内容；新的内容请换一个。"))
    response = HttpResponse(before.body, status=before.status, content_type="application/json; charset=utf-8")
    response["Idempotent-Replay"] = "true"
    return response


def finish(caller: Caller, *, key: str, response: HttpResponse) -> None:
    """Keep the answer, in the same transaction as the work."""
    body = keys.seal_text(response.content.decode())
    with connection.cursor() as cursor:
        cursor.execute(
            "update api_apianswer set status = %s, body = %s where client_id = %s and key = %s", [response.status_code, body, caller.client_id, key]
        )


def scope_of(caller: Caller, request: HttpRequest) -> scopes.Scope:
    return caller.acting(f"{request.method} {request.path}")
