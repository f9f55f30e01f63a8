"""To-dos (待办、已办) of the acting duty, background tasks (后台任务)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import periodic, tasks
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import DailyRun, TaskProgress, Todo
from doudi.core.services.todos import BY_HAND, of_posting, settle, with_pages
from doudi.core.views.access import may, with_posting

STATE_COLOURS: dict[str, str] = {"waiting": "orange", "running": "orange", "done": "green", "failed": "red", "cancelled": "gray"}


class TodoFilter(django_filters.FilterSet):
    area = AreaFilter(label=_("地区"))
    overdue = django_filters.ChoiceFilter(label=_("期限"), choices=[("1", _("已超期")), ("0", _("未超期"))], method="by_due", empty_label=_("全部"))

    class Meta:
        model = Todo
        fields: list[str] = []

    def by_due(self, rows: QuerySet[Todo], name: str, value: str) -> QuerySet[Todo]:
        today = timezone.localdate()
        return rows.filter(due__lt=today) if value == "1" else rows.exclude(due__lt=today)


class Todos(ListPage):
    title = _("待办")
    crumbs = [(_("工作台"), "/")]
    filters = TodoFilter
    template = "doudi/pages/todos.html"
    empty_title = _("没有待办")
    empty_hint = _("需要您办理的事项会出现在这里，最急的在最前。")

    @property
    def done(self) -> bool:
        return self.request.GET.get("done") == "1"

    @property
    def all(self) -> bool:
        """Also what is given to colleagues of the same duty."""
        return self.request.GET.get("all") == "1"

    def get_columns(self) -> list[Column]:
        return [
            Column(_("事项"), "title", url=lambda row: row.url if row.opens else None),
            Column(_("地区"), "area", kind="area"),
            *([Column(_("办理人"), lambda row: row.posting.account.name if row.posting else gettext("本岗位"))] if self.all else []),
            Column(_("产生"), "made_at", kind="day", sort="made_at"),
            Column(_("办理时间"), "done_at", kind="day", sort="done_at") if self.done else Column(_("期限"), "due", kind="due", sort="due"),
            *([Column(_("办结"), self._settle, export=False)] if not (self.all or self.done) and self.rows().filter(kind__in=BY_HAND).exists() else []),
        ]

    def _settle(self, row: Todo) -> str:
        """The button of what ends when its officer says so; the rest ends with its work."""
        if row.kind not in BY_HAND:
            return SafeString(" ")
        words = gettext("已核对")
        return format_html(
            '<form class="inl" method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}"><button class="btn sm" aria-label="{}">{}</button></form>',
            reverse("todo_settle", args=[row.pk]), get_token(self.request), f"{words}：{row.title}", words,
        )  # fmt: skip

    def rows(self) -> QuerySet[Todo]:
        scope = scopes.current()
        rows = Todo.objects.filter(duty=scope.duty, done_at__isnull=not self.done)
        if self.all or self.done:
            return with_pages(rows).select_related("posting__account")
        return of_posting(rows, posting_id=scope.posting_id, on=timezone.localdate())

    @property
    def order(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("-done_at", "-id") if self.done else ("due", "id")

    def context(self) -> dict[str, Any]:
        return {"done": self.done, "all": self.all}


@require_POST
@with_posting
def todo_settle(request: HttpRequest, todo_id: int) -> HttpResponse:
    """What a to-do asked to look at was looked at."""
    try:
        with transaction.atomic():
            settle(todo_id=todo_id, now=timezone.now())
        messages.success(request, gettext("已办结。"))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    back = request.META.get("HTTP_REFERER", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else reverse("todos"))


class DailyFilter(django_filters.FilterSet):
    name = django_filters.ChoiceFilter(
        label=_("任务"), choices=lambda: [(job.name, job.label) for job in periodic.jobs().values()], empty_label=_("全部")
    )
    done = django_filters.ChoiceFilter(label=_("状态"), choices=[("1", _("已完成")), ("0", _("未完成"))], method="by_done", empty_label=_("全部"))

    class Meta:
        model = DailyRun
        fields: list[str] = []

    def by_done(self, rows: QuerySet[DailyRun], name: str, value: str) -> QuerySet[DailyRun]:
        return rows.filter(done_at__isnull=value == "0")


class DailyRuns(ListPage):
    """Daily jobs of the worker: what was done, what failed. Figures only; those of the whole province are seen by everybody."""

    title = _("定时任务")
    act = "tasks.watch"
    crumbs = [(_("系统管理"), "")]
    filters = DailyFilter
    order = ("-on", "name", "area")
    subject = "daily_run"
    empty_title = _("还没有运行过定时任务")
    empty_hint = _("后台进程（doudi worker）每天凌晨一点以后运行；也可用 doudi daily 手动运行。")
    columns = [
        Column(_("日期"), "on", kind="day"),
        Column(_("任务"), lambda row: periodic.jobs()[row.name].label if row.name in periodic.jobs() else row.name, small=lambda row: row.name),
        Column(_("地区"), "area", kind="area"),
        Column(
            _("状态"),
            lambda row: gettext("已完成") if row.done_at else gettext("未完成"),
            kind="tag",
            colour=lambda row: "green" if row.done_at else "red",
            small=lambda row: row.error,
        ),
        Column(_("次数"), "attempts", kind="number"),
        Column(_("结果"), lambda row: periodic.jobs()[row.name].told(row.result) if row.name in periodic.jobs() else "—"),
        Column(_("时间"), lambda row: timezone.localtime(row.tried_at).strftime("%H:%M")),
    ]

    def rows(self) -> QuerySet[DailyRun]:
        return DailyRun.objects.all()


class Tasks(ListPage):
    """Background tasks asked for within the scope; one's own can be cancelled."""

    title = _("后台任务")
    act = "tasks.view"
    crumbs = [(_("工作台"), "/")]
    order = ("-asked_at", "id")
    exports = False
    template = "doudi/pages/tasks.html"
    empty_title = _("没有后台任务")
    empty_hint = _("信息比对、测算、生成发放批次等需要较长时间的工作会在这里显示进度。")
    columns = [
        Column(_("任务"), "title", url=lambda row: reverse("task", args=[row.pk]), drawer=True),
        Column(_("提出人"), "account.name"),
        Column(_("提出时间"), "asked_at", kind="day"),
        Column(_("状态"), "get_state_display", kind="tag", colour=lambda row: STATE_COLOURS[row.state], small=lambda row: row.error or row.step),
        Column(_("结束时间"), "finished_at", kind="day"),
    ]

    def rows(self) -> QuerySet[TaskProgress]:
        return TaskProgress.objects.select_related("account")

    def context(self) -> dict[str, Any]:
        return {"running": list(self.rows().filter(state__in=["waiting", "running"]).order_by("asked_at")[:10])}


@require_GET
@may("tasks.view")
def task(request: HttpRequest, identifier: UUID) -> HttpResponse:
    row = get_object_or_404(TaskProgress.objects.select_related("account"), pk=identifier)
    return render(request, "doudi/pages/task.html", {"task": row, "figures": tasks.told(row)})


@require_GET
@may("tasks.view")
def task_widget(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """The widget asks for itself again and again until the task has ended."""
    return render(request, "doudi/c/progress_answer.html", {"task": get_object_or_404(TaskProgress, pk=identifier)})


@require_POST
@may("tasks.view")
def task_cancel(request: HttpRequest, identifier: UUID) -> HttpResponse:
    if tasks.cancel_task(identifier=identifier, now=timezone.now()):
        messages.success(request, gettext("已要求取消任务。"))
    else:
        messages.error(request, gettext("任务已经结束，或不是您提出的，未取消。"))
    return redirect("tasks")
