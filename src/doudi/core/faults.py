"""What failed outside of the program (disk, database), told apart and said in words: to officers on pages and tasks, to administrators on the terminal."""

from __future__ import annotations

import errno
import logging

import psycopg
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DISK_FULL = _("服务器磁盘空间不足，刚才的操作没有生效，没有写入任何内容；请联系系统管理员清理磁盘，之后重新办理。")
DATABASE_AWAY = _("数据库暂时连接不上，正在恢复；刚才的操作没有生效，请过一两分钟再办理。")


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _no_room(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    # DuckDB, which spills beside the lake, has no numbers for it, nor has a connection that the server refuses because it cannot write its first file
    told = type(error).__module__.endswith("duckdb") or isinstance(error, psycopg.OperationalError)
    return getattr(error, "sqlstate", None) == "53100" or (told and "No space left on device" in str(error))


def disk_is_full(error: BaseException | None) -> bool:
    """Whether it comes from a full disk: of the files, or of the database (SQLSTATE 53100)."""
    return any(_no_room(each) for each in _chain(error))


def database_is_away(error: BaseException | None) -> bool:
    """Whether the connection failed or was lost: no SQLSTATE at all, or one of connection trouble and shutdown."""
    return any(
        type(each).__name__ in ("OperationalError", "AdminShutdown", "InterfaceError", "CannotConnectNow", "CrashShutdown")
        and type(each).__module__.startswith("psycopg")
        and (getattr(each, "sqlstate", None) or "08000")[:3] in ("080", "57P")
        for each in _chain(error)
    )


def said(error: BaseException | None) -> Promise | None:
    """What an officer is told of a failure of this kind; None for every other error."""
    if disk_is_full(error):
        return DISK_FULL  # type: ignore[return-value]
    return DATABASE_AWAY if database_is_away(error) else None  # type: ignore[return-value]


def log(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Note a failure of the work that `what` names: one sentence where the cause lies outside of the program, else with its traceback.

    A worker tries every few seconds: tracebacks of an hour without room would fill what room there is.
    """
    if words := said(error):
        logger.error("%s failed: %s", what, words)
    else:
        logger.error("%s failed", what, exc_info=error)
