"""The worker: takes tasks from the queue, and beside that puts back those of killed workers, seals access records, and does what is due
daily or in rounds (`periodic`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread

from django.db import close_old_connections, connections
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from doudi.core import audit, faults, periodic, places, side, tasks
from doudi.core import scope as scopes

logger = logging.getLogger(__name__)
EVERY = 15.0
EVERY_QUICK = 2.0


def keep_house() -> None:
    """One round: stale tasks, seals."""
    now = timezone.now()
    tasks.recover_stale(now)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker")):
        audit.seal_access_records(datetime.now(UTC))  # records bear the database's time, which a demo's clock does not set back


def _beside(stop: Event, work: Callable[[], None], every: float) -> None:
    """The life of a thread beside the queue: its work again and again until told to stop."""
    while not stop.is_set():
        try:
            close_old_connections()
            work()
        except Exception as error:
            faults.log(logger, f"{work.__name__} of the worker", error)
        stop.wait(every)
    side.close_now()
    connections.close_all()


def go_round() -> None:
    """One round of what rooms registered. In a thread of its own: a long job must not keep the house untidy."""
    periodic.run_rounds(timezone.now())


def go_quickly() -> None:
    """One round of messages: somebody waits for a code."""
    periodic.run_quick(timezone.now())


def run_worker(*, batch: bool = False, interval: float = 1.0, max_tasks: int | None = None, signals: bool = True) -> None:
    """Work until told to stop (SIGINT or SIGTERM: the running task is finished first), or with `batch` until the queue is empty."""
    tasks.recover_stale(timezone.now())
    worker = Worker(
        queue_names=["default"], interval=interval, batch=batch, backend_name="default", startup_delay=False, max_tasks=max_tasks,
        worker_id=get_random_string(32), excluded_queue_names=[],
    )  # fmt: skip
    if signals:
        worker.configure_signals()
    stop = Event()
    beside = ((keep_house, EVERY), (go_round, EVERY), (go_quickly, EVERY_QUICK))
    threads = [Thread(target=_beside, args=(stop, *each), name=each[0].__name__, daemon=True) for each in beside]
    if not batch:
        for thread in threads:
            thread.start()
    try:
        worker.run()
    finally:
        stop.set()
        for thread in threads:
            if thread.is_alive():
                thread.join(timeout=5)
        side.close_now()
