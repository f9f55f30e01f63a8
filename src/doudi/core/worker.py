"""The worker: takes tasks from the queue, and beside that puts back those of killed workers and seals access records."""

from __future__ import annotations

import logging
from threading import Event, Thread

from django.db import close_old_connections, connections
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from doudi.core import audit, places, side, tasks
from doudi.core import scope as scopes

logger = logging.getLogger(__name__)
EVERY = 15.0


def keep_house() -> None:
    """One round: stale tasks, seals."""
    now = timezone.now()
    tasks.recover_stale(now)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="worker")):
        audit.seal_access_records(now)


def _housekeeper(stop: Event) -> None:
    while not stop.is_set():
        try:
            close_old_connections()
            keep_house()
        except Exception:
            logger.exception("housekeeping of the worker failed")
        stop.wait(EVERY)
    connections.close_all()


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
    housekeeper = Thread(target=_housekeeper, args=(stop,), name="housekeeper", daemon=True)
    if not batch:
        housekeeper.start()
    try:
        worker.run()
    finally:
        stop.set()
        if housekeeper.is_alive():
            housekeeper.join(timeout=5)
        side.close_now()
