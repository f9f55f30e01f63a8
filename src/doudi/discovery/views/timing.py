"""Page of the way from signal to help (发现时效), and the list behind each of its numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import charts, places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.core.lists import Column, ListPage
from doudi.core.views.access import may
from doudi.discovery import queries
from doudi.discovery import timing as figures
from doudi.discovery.models import Channel, Lead
from doudi.discovery.views.leads import shown_name

SPAN = timedelta(days=90)


class PeriodForm(forms.Form):
    """Signals of which days, which urgency."""

    starts = forms.DateField(label=gettext_lazy("信号日期自"), required=False, widget=DayInput())
    ends = forms.DateField(label=gettext_lazy("至"), required=False, widget=DayInput())
    urgency = forms.ChoiceField(label=gettext_lazy("预警级别"), required=False, choices=[("", gettext_lazy("全部")), *Lead.Urgency.choices])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        given["ends"] = given.get("ends") or timezone.localdate()
        given["starts"] = given.get("starts") or given["ends"] - SPAN
        if given["starts"] > given["ends"]:
            self.add_error("starts", _("开始日期不能晚于结束日期。"))
        elif (given["ends"] - given["starts"]).days > 3 * 366:
            self.add_error("starts", _("时间范围不能超过三年；请缩短。"))
        return given


def _period(request: HttpRequest) -> tuple[PeriodForm, date, date, str]:
    today = timezone.localdate()
    data = request.GET.copy()
    form = PeriodForm(data)
    if form.is_valid():
        starts, ends, urgency = form.cleaned_data["starts"], form.cleaned_data["ends"], form.cleaned_data["urgency"]
    else:
        starts, ends, urgency = today - SPAN, today, ""
    data.setdefault("starts", starts.isoformat())
    data.setdefault("ends", ends.isoformat())
    return form, starts, ends, urgency


def _days(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}".rstrip("0").rstrip(".")


def _row(group: figures.Group, label: str, query: dict[str, str]) -> dict[str, Any]:
    cells = []
    for step, found in group.steps.items():
        url = reverse("discovery:timing_leads") + "?" + urlencode({"step": step, **query})
        cells.append({
            "step": figures.STEPS[step][0], "count": found.count, "url": url if found.count else "", "median": _days(found.median),
            "ninety": _days(found.ninety), "in_time": None if found.in_time is None else f"{found.in_time:.1%}",
        })  # fmt: skip
    return {"label": label, "signals": group.signals, "cells": cells}


@require_GET
@may("discovery.timing")
def timing(request: HttpRequest) -> HttpResponse:
    """Median and 90th percentile from signal to contact, verification and help, against the limits; by place and channel."""

    form, starts, ends, urgency = _period(request)
    today, area = timezone.localdate(), scopes.current().area
    found = figures.measure(starts=starts, ends=ends, today=today, urgency=urgency)
    allowed = figures.limits(area, today)
    by_urgency = {group.key: group for group in found["urgency"]}
    blocks = []
    for level in Lead.Urgency:
        group = by_urgency.get(level.value)
        if group is None:
            continue
        rows = []
        for step, (label, _column) in figures.STEPS.items():
            value, limit = group.steps[step], allowed[step, level.value]
            rows.append((str(label), value.median, value.ninety, limit, f"{_days(value.median)} / {_days(value.ninety)} " + _("个工作日")))
        blocks.append((str(level.label), rows))
    period = {"starts": starts.isoformat(), "ends": ends.isoformat(), **({"urgency": urgency} if urgency else {})}
    places.preload(group.key for group in found["place"])
    context = {
        "form": form,
        "whole": found[""][0] if found[""] and found[""][0].signals else None,
        "chart": charts.limit_chart(blocks, title=_("信号到联系、核实、救助的工作日：中位数和九成以内"), unit=_("个工作日")) if blocks else "",
        "figures": _figures(found[""][0], period) if found[""] else [],
        "tables": [
            (_("按地区"), _("地区"), [_row(group, places.name(group.key), period | {"area": group.key}) for group in found["place"]]),
            (_("按来源"), _("线索来源"), [_row(group, str(Channel(group.key).label), period | {"channel": group.key}) for group in found["channel"]]),
            (
                _("按级别"),
                _("预警级别"),
                [_row(group, str(Lead.Urgency(group.key).label), period | {"urgency": group.key}) for group in found["urgency"]],
            ),
        ],
        "steps": [label for label, _column in figures.STEPS.values()],
    }
    return render(request, "discovery/timing.html", context)


def _figures(group: figures.Group, period: dict[str, str]) -> list[dict[str, Any]]:

    shown: list[dict[str, Any]] = [{"label": _("信号"), "value": f"{group.signals:,}", "unit": _("条")}]
    for step, (label, _column) in figures.STEPS.items():
        found = group.steps[step]
        hours = "" if found.hours is None else _("实际用时中位数 %(hours)s 小时") % {"hours": f"{found.hours:,.1f}"}
        shown.append({
            "label": label, "value": "—" if found.in_time is None else f"{found.in_time:.1%}", "unit": _("按时"), "note": hours,
            "url": reverse("discovery:timing_leads") + "?" + urlencode({"step": step, **period}),
        })  # fmt: skip
    return shown


class TimingLeads(ListPage):
    """The leads behind one number: those that took the step, the slowest first."""

    act = "discovery.timing"
    subject = "lead"
    order = ("-took", "id")
    empty_title = gettext_lazy("没有符合条件的线索")
    empty_hint = gettext_lazy("这一时段内还没有走到这一步的线索。")

    @property
    def crumbs(self) -> tuple[tuple[Any, str], ...]:  # type: ignore[override]
        return ((_("主动发现"), ""), (_("发现时效"), reverse("discovery:timing")))

    @cached_property
    def step(self) -> str:
        asked = self.request.GET.get("step", "")
        return asked if asked in figures.STEPS else "contact"

    @property
    def title(self) -> Any:  # type: ignore[override]
        return figures.STEPS[self.step][0]

    def get_columns(self) -> list[Column]:
        column = figures.STEPS[self.step][1]

        def elapsed(lead: Lead) -> int:

            return figures.working_days(lead.signal_at, getattr(lead, column))

        return [
            Column(_("线索编号"), "number", kind="code", url=lambda lead: reverse("discovery:lead", args=[lead.pk]), drawer=True),
            Column(_("对象"), lambda lead: shown_name(self.request, lead), kind="code"),
            Column(_("地区"), "area", kind="area"),
            Column(_("线索来源"), "get_channel_display"),
            Column(_("预警"), "get_urgency_display", kind="tag", colour=lambda lead: queries.URGENCY_COLOURS[lead.urgency]),
            Column(_("信号"), "signal_at", kind="day"),
            Column(self.title, column, kind="day"),
            Column(_("工作日"), elapsed, kind="number"),
        ]

    def rows(self) -> QuerySet[Lead]:

        _form, starts, ends, urgency = _period(self.request)
        rows = figures.measured_leads(step=self.step, starts=starts, ends=ends)
        asked = self.request.GET
        if urgency:
            rows = rows.filter(urgency=urgency)
        if asked.get("channel") in Channel.values:
            rows = rows.filter(channel=asked["channel"])
        if area := asked.get("area", ""):
            rows = rows.filter(area__gte=area[:12], area__lt=area[:12] + ":")
        return rows
