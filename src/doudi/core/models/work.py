"""To-dos (待办) of officers, progress of background tasks (后台任务), daily jobs (定时任务)."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models.staff import Account, Duty, Posting


class Todo(AreaModel):
    """What waits for an officer of `duty` whose posting covers `area`; with `posting` for that one alone. One open to-do per kind, subject and duty."""

    duty = CodeField(max_length=30, choices=Duty.choices)
    kind = CodeField(max_length=40)
    title = models.CharField(max_length=200)
    url = models.CharField(max_length=200)
    subject = CodeField(max_length=40)
    subject_id = models.BigIntegerField()
    posting = models.ForeignKey(
        Posting, models.PROTECT, null=True, db_index=False, related_name="+", help_text="whose it is; null: any officer's of that duty there"
    )
    due = models.DateField(null=True)
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["duty", "area", "due"], condition=Q(done_at__isnull=True), name="todo_open")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject", "subject_id", "duty"], condition=Q(done_at__isnull=True), name="todo_once"),
        ]


class TaskProgress(AreaModel):
    """One long piece of work: who asked, how far it is, what came of it. The queue's own row carries the same id."""

    class State(models.TextChoices):
        WAITING = "waiting", _("等待中")
        RUNNING = "running", _("进行中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("失败")
        CANCELLED = "cancelled", _("已取消")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=200)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    posting_id = models.BigIntegerField()
    duty = CodeField(max_length=30)
    acts = models.JSONField(default=list, help_text="what a machine that asked may do; an officer's duty says it")
    state = CodeField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    step = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True)
    error = models.CharField(max_length=400, blank=True)
    url = models.CharField(max_length=200, blank=True)
    cancel_asked = models.BooleanField(default=False)
    attempts = models.SmallIntegerField(default=0)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True, help_text="last sign of life of the worker")
    finished_at = models.DateTimeField(null=True)
    task_path = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["area", "asked_at"]), models.Index(fields=["state", "beat_at"])]


class DailyRun(AreaModel):
    """A daily job of one day and area: done once, or how often it was tried. `error` holds no personal data."""

    name = CodeField(max_length=60)
    on = models.DateField()
    attempts = models.SmallIntegerField(default=0)
    tried_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [models.Index(fields=["on", "done_at"])]
        constraints = [models.UniqueConstraint(fields=["name", "area", "on"], name="daily_once")]
