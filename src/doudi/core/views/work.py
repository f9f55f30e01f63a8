"""To-dos (待办、已办) of the acting duty."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Todo


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

    def get_columns(self) -> list[Column]:
        return [
            Column(_("事项"), "title", url=lambda row: row.url),
            Column(_("地区"), "area", kind="area"),
            Column(_("产生"), "made_at", kind="day", sort="made_at"),
            Column(_("办理时间"), "done_at", kind="day", sort="done_at") if self.done else Column(_("期限"), "due", kind="due", sort="due"),
        ]

    def rows(self) -> QuerySet[Todo]:
        return Todo.objects.filter(duty=scopes.current().duty, done_at__isnull=not self.done)

    @property
    def order(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("-done_at", "-id") if self.done else ("due", "id")

    def context(self) -> dict[str, Any]:
        return {"done": self.done}
