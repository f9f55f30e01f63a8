"""Pages of indicators (预警指标): what each found, its thresholds, and trials on past data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS, Indicator
from doudi.core import duties, tasks
from doudi.core import scope as scopes
from doudi.core.forms import DayInput, errors_into
from doudi.core.models import TaskProgress
from doudi.core.parameters import UNITS
from doudi.core.views.access import may
from doudi.discovery import indicator_queries as queries
from doudi.discovery import thresholds
from doudi.discovery.services import trials

TASK = "doudi.discovery.tasks.try_indicator"


class TrialForm(forms.Form):
    """A trial: the day whose data are used, and each threshold as it would be."""

    on = forms.DateField(label=gettext_lazy("按哪一天的数据"), widget=DayInput(), help_text=gettext_lazy("用该日以前已接收的部门数据。"))

    def __init__(self, *args: Any, indicator: Indicator, rows: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.indicator = indicator
        self.names = [row["name"] for row in rows]
        for row in rows:
            unit = UNITS.get(indicator.parameters[row["name"]].unit, "")
            self.fields[row["name"]] = forms.CharField(label=f"{row['label']}（{unit}）", initial=f"{row['value']:g}", max_length=20)

    def clean(self) -> dict[str, Any] | None:
        given = {name: self.cleaned_data[name] for name in self.names if name in self.cleaned_data}
        try:
            trials.checked(self.indicator, given)
        except ValidationError as error:
            errors_into(self, error)
        if self.cleaned_data.get("on") and self.cleaned_data["on"] > timezone.localdate():
            self.add_error("on", _("试算日期不能晚于今天。"))
        return super().clean()


@require_GET
@may("discovery.view")
def index(request: HttpRequest) -> HttpResponse:
    """All indicators with what they found in the reader's scope."""
    now = timezone.now()
    rows = queries.catalogue(area=scopes.current().area, on=timezone.localdate(), now=now)
    groups = [
        (_("发现需要救助的人"), [row for row in rows if row["indicator"].helps]),
        (_("需要核对的待遇"), [row for row in rows if not row["indicator"].helps]),
    ]
    return render(request, "discovery/indicators.html", {"groups": groups, "total": len(rows)})


@require_http_methods(["GET", "POST"])
@may("discovery.view")
def indicator(request: HttpRequest, code: str) -> HttpResponse:
    """One indicator; whoever may compare tries thresholds here."""
    if code not in INDICATORS:
        raise Http404
    chosen, today, area = INDICATORS[code], timezone.localdate(), scopes.current().area
    values, switches = thresholds.in_force(today, area)
    rows = queries.threshold_rows(chosen, values.get(code, {}), area)
    form = TrialForm(request.POST or None, indicator=chosen, rows=rows, initial={"on": today}) if duties.may("discovery.compare") else None
    if request.method == "POST":
        duties.require("discovery.compare")
        assert form is not None
        if form.is_valid():
            arguments = {
                "indicator": code,
                "area": area,
                "on": form.cleaned_data["on"].isoformat(),
                "given": {name: form.cleaned_data[name] for name in form.names},
            }
            tasks.start_task(
                path=TASK, title=_("指标试算：%(title)s") % {"title": _(chosen.title_zh)}, arguments=arguments, url=request.path, now=timezone.now()
            )
            messages.info(request, _("试算已在后台开始，不会生成线索；结果列在“以往试算”。"))
            return redirect(request.path)
    context = {
        "indicator": chosen,
        "title": _(chosen.title_zh),
        "on": bool(thresholds.value_at(switches.get(code), 1, area)),
        "switch_url": f"{reverse('settings')}?parameter={thresholds.parameter(code, thresholds.SWITCH)}",
        "datasets": [CONTRACTS[each] for each in chosen.datasets],
        "thresholds": rows,
        "found": queries.found_by_indicator(timezone.now()).get(code, queries.Found()),
        "hits": queries.last_hits(code),
        "leads_url": f"{reverse('discovery:leads')}?indicator={code}",
        "trials": queries.trials(code),
        "running": TaskProgress.objects.filter(task_path=TASK, state__in=("waiting", "running"), arguments__indicator=code).first(),
        "form": form,
    }
    return render(request, "discovery/indicator.html", context, status=422 if form and form.errors else 200)
