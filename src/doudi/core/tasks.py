"""Background tasks (后台任务): long work under the asker's scope, watched in a page, safe against a killed worker.

    @background
    def prepare(run: Run, *, month: str) -> dict[str, int]:
        run.progress(0, total, _("生成明细"))
        ...
        return {"lines": lines}

    start_task(path="doudi.payments.tasks.prepare", title=_("2022年12月发放批次"), arguments={"month": "2022-12"}, url=..., now=now)

The function runs in one transaction under the asker's scope: cancelled or killed, it leaves nothing, and it runs again from
the start. `@background(own_transactions=True)` is for work in steps that commits through `run.acting()` and can be run twice.

While it runs, a task holds an advisory lock of its own on a connection of its own. A killed worker's connection ends and frees
the lock: that, not a clock, tells `recover_stale` that nobody works on the task any more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from doudi.core import faults, places
from doudi.core import scope as scopes
from doudi.core.models import Account, Posting, TaskProgress

logger = logging.getLogger(__name__)
State = TaskProgress.State
ATTEMPTS = 3
LOCK = "hashtextextended('task ' || %s, 0)"
# A waiting task whose place in the queue was lost with a worker is put back after this many seconds.
LOST = 30


class Cancelled(Exception):
    """Somebody asked to cancel the task; `Run.progress` raises it."""


def background(
    function: Callable[..., Any] | None = None, *, own_transactions: bool = False, figures: Mapping[str, str | Promise] | None = None
) -> Any:
    """Mark a function as one that may run in the background; nothing else can be started by its path.

    `figures` names, in words for the task's page, those entries of the returned result that a reader understands; the others stay unshown.
    """

    def mark(marked: Callable[..., Any]) -> Callable[..., Any]:
        marked.background = True  # type: ignore[attr-defined]
        marked.own_transactions = own_transactions  # type: ignore[attr-defined]
        marked.figures = figures or {}  # type: ignore[attr-defined]
        return marked

    return mark(function) if function else mark


def _function(path: str) -> Callable[..., Any]:
    if not path.startswith(tuple(f"{room}." for room in settings.ROOMS)):
        raise ValueError(f"{path} lies in no room")
    function: Callable[..., Any] = import_string(path)
    if not getattr(function, "background", False):
        raise ValueError(f"{path} is not marked @background")
    return function


def told(row: TaskProgress) -> list[tuple[str | Promise, Any]]:
    """(name in words, value) of what a task returned."""
    figures: Mapping[str, str | Promise] = _function(row.task_path).figures  # type: ignore[attr-defined]
    return [(figures[key], value) for key, value in (row.result or {}).items() if key in figures]


class Run:
    """What a running task sees: its scope, and how to tell how far it is."""

    def __init__(self, identifier: UUID, scope: scopes.Scope, side: BaseDatabaseWrapper) -> None:
        self.id, self.scope, self._side = identifier, scope, side

    @contextmanager
    def acting(self) -> Iterator[scopes.Scope]:
        """A transaction of its own under the asker's scope, for tasks in steps."""
        with scopes.acting(self.scope) as scope:
            yield scope

    def progress(self, done: int, total: int, step: str = "") -> None:
        """Tell how far the work is; seen at once by everybody. Raises Cancelled where the asker wants it to end."""
        rows = _on(
            self._side,
            self.scope,
            "update core_taskprogress set done = %s, total = %s, step = case when %s = '' then step else %s end, beat_at = clock_timestamp()"
            " where id = %s returning cancel_asked",
            [done, total, step, step[:200], self.id],
        )
        if not rows or rows[0][0]:
            raise Cancelled


def _on(side: BaseDatabaseWrapper, scope: scopes.Scope, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    """One statement, committed at once on the task's own connection."""
    with side.connection.transaction(), side.cursor() as cursor:
        cursor.execute("select set_config('app.lo', %s, true), set_config('app.hi', %s, true)", [scope.low, scope.high])
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


@task()
def run_background(identifier: str, area: str) -> None:
    """The queue's entry: everything else stands in the task's own row."""
    execute(UUID(identifier), area)


def start_task(*, path: str, title: str, arguments: dict[str, Any] | None = None, url: str = "", now: datetime) -> TaskProgress:
    """Queue a function marked `@background` under the acting scope. It begins once the transaction around this has committed.

    `arguments` must be JSON (dates as text) and hold no personal data. Raises ValueError for a path that may not be started.
    """
    acting = scopes.current()
    _function(path)
    with transaction.atomic():
        row = TaskProgress.objects.create(
            id=uuid4(), area=acting.area, title=title[:200], account_id=acting.account_id, posting_id=acting.posting_id, duty=acting.duty,
            acts=sorted(acting.acts), asked_at=now, task_path=path, arguments=json.loads(json.dumps(arguments or {}, cls=DjangoJSONEncoder)), url=url,
        )  # fmt: skip
        run_background.enqueue(str(row.id), row.area)
    return row


def cancel_task(*, identifier: UUID, now: datetime) -> bool:
    """Ask a task to end (its asker only). One that has not begun ends at once; a running one at its next step."""
    acting = scopes.current()
    mine = TaskProgress.objects.filter(id=identifier, account_id=acting.account_id)
    if mine.filter(state=State.WAITING).update(state=State.CANCELLED, cancel_asked=True, finished_at=now):
        return True
    return bool(mine.filter(state=State.RUNNING).update(cancel_asked=True))


def _checked(row: dict[str, Any]) -> scopes.Scope:
    """The asker's scope, if the posting under which the task was asked for still holds."""
    scope = scopes.Scope(
        area=row["area"], account_id=row["account_id"], posting_id=row["posting_id"], duty=row["duty"], page=f"task {row['task_path']}"[:200],
        acts=frozenset(_json(row["acts"])),
    )  # fmt: skip
    if row["posting_id"]:  # the command line and other systems act without a posting
        with scopes.acting(scope):
            posting = Posting.objects.filter(pk=row["posting_id"], account_id=row["account_id"], duty=row["duty"], area=row["area"]).first()
            active = Account.objects.filter(pk=row["account_id"], is_active=True).exists()
        if posting is None or not active or not posting.holds_on(timezone.localdate()):
            raise PermissionDenied(_("提出任务的岗位已不在任，任务未执行；请由在任人员重新提出。"))
    return scope


def execute(identifier: UUID, area: str) -> None:
    """Run one queued task to its end and write down what came of it. Does nothing where another worker runs it or it has ended."""
    worker = scopes.Scope(area=area, page="worker")
    side = connections["default"].copy()  # type: ignore[attr-defined]
    side.ensure_connection()
    try:
        with side.cursor() as cursor:
            cursor.execute(f"select pg_try_advisory_lock({LOCK})", [str(identifier)])
            if not cursor.fetchone()[0]:
                return
        names = ["area", "account_id", "posting_id", "duty", "acts", "task_path", "arguments", "attempts"]
        claimed = _on(
            side,
            worker,
            "update core_taskprogress set state = 'running', attempts = attempts + 1, beat_at = clock_timestamp(),"
            f" started_at = coalesce(started_at, clock_timestamp()) where id = %s and state = 'waiting' returning {', '.join(names)}",
            [identifier],
        )
        if claimed:
            _run(identifier, dict(zip(names, claimed[0], strict=True)), side)
    finally:
        side.close()


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _run(identifier: UUID, row: dict[str, Any], side: BaseDatabaseWrapper) -> None:
    finish = (
        "update core_taskprogress set state = %s, error = %s, result = %s, done = case when %s = 'done' then greatest(total, done) else done end,"
        " step = case when %s = 'done' then '' else step end, finished_at = clock_timestamp(), beat_at = clock_timestamp() where id = %s"
    )

    def outcome(state: str, error: str = "", result: Any = None) -> list[Any]:
        return [state, error[:400], json.dumps(result, cls=DjangoJSONEncoder) if result is not None else None, state, state, identifier]

    arguments = _json(row["arguments"])
    try:
        function = _function(row["task_path"])
        run = Run(identifier, _checked(row), side)
        if getattr(function, "own_transactions", False):
            result = function(run, **arguments)
            run_ended = outcome(State.DONE, result=result)
            _on(side, run.scope, finish, run_ended)
        else:
            with scopes.acting(run.scope):
                result = function(run, **arguments)
                with connection.cursor() as cursor:  # the work and its being done commit together
                    cursor.execute(finish, outcome(State.DONE, result=result))
    except Cancelled:
        _on(side, scopes.Scope(area=row["area"]), finish, outcome(State.CANCELLED))
    except (ValidationError, PermissionDenied) as error:
        words = "；".join(error.messages) if isinstance(error, ValidationError) else str(error)
        _on(side, scopes.Scope(area=row["area"]), finish, outcome(State.FAILED, words))
    except Exception as error:
        full = faults.disk_is_full(error)  # trying again would fill it again
        again = isinstance(error, OperationalError) and not full and row["attempts"] < ATTEMPTS  # a deadlock, a lost connection
        faults.log(logger, f"task {identifier} ({row['task_path']}){', to be tried again,' if again else ''}", error)
        if again:
            requeue = "update core_taskprogress set state = 'waiting', done = 0, step = '' where id = %s returning id"
            if _on(side, scopes.Scope(area=row["area"]), requeue, [identifier]):
                # the lock of this attempt still holds: the entry must not be taken up before it is free
                with side.cursor() as cursor:
                    cursor.execute(f"select pg_advisory_unlock({LOCK})", [str(identifier)])
                run_background.enqueue(str(identifier), row["area"])
            return
        broken = _("系统出错，任务未完成，已写入的内容已撤回；请重新提出，仍然失败的请联系系统管理员。")
        _on(side, scopes.Scope(area=row["area"]), finish, outcome(State.FAILED, str(faults.DISK_FULL) if full else broken))


def recover_stale(now: datetime) -> int:
    """Put back tasks whose worker was killed; after three attempts they fail for good. The number put back.

    Called when a worker starts and while it runs, under its own scope of the whole province.
    """
    back = 0
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker")):
        for row in TaskProgress.objects.filter(state__in=[State.RUNNING, State.WAITING]).order_by("asked_at")[:500]:
            queued = DBTaskResult.objects.filter(task_path=run_background.module_path, args_kwargs__args__0=str(row.id))
            # a clock that was moved back must not let a task wait until it has caught up
            if row.state == State.WAITING and (0 <= (now - row.asked_at).total_seconds() < LOST or queued.filter(status="READY").exists()):
                continue
            with connection.cursor() as cursor:
                cursor.execute(f"select pg_try_advisory_xact_lock({LOCK})", [str(row.id)])
                if not cursor.fetchone()[0]:
                    continue
            fresh = TaskProgress.objects.select_for_update().get(pk=row.pk)
            if fresh.state != row.state:
                continue
            queued.filter(status="RUNNING").update(status="FAILED", finished_at=now)
            if fresh.cancel_asked:
                TaskProgress.objects.filter(pk=row.pk).update(state=State.CANCELLED, finished_at=now)
            elif fresh.attempts >= ATTEMPTS:
                words = _("后台进程三次中断，任务未完成；请联系系统管理员查明原因后重新提出。")
                TaskProgress.objects.filter(pk=row.pk).update(state=State.FAILED, error=words, finished_at=now)
            else:
                TaskProgress.objects.filter(pk=row.pk).update(state=State.WAITING, done=0, step="")
                run_background.enqueue(str(row.id), row.area)
                back += 1
    return back
