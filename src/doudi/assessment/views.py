"""测算说明: the explanation of one household and month, the list, the comparison with the month before."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from doudi.assessment import chart, queries, services
from doudi.assessment.facts import month_after, month_before
from doudi.assessment.models import Assessment
from doudi.core import audit, duties, panels
from doudi.core.forms import MonthField, MonthInput
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.views.access import may
from doudi.registry.models import Household


class AssessmentFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="household__name", label=gettext_lazy("户主姓名"))
    area = AreaFilter(label=gettext_lazy("地区"))
    trigger = django_filters.ChoiceFilter(label=gettext_lazy("触发原因"), choices=Assessment.Trigger.choices)
    month = django_filters.DateFilter(label=gettext_lazy("月份"), input_formats=["%Y-%m"], widget=MonthInput())

    class Meta:
        model = Assessment
        fields: list[str] = []


class Assessments(ListPage):
    title = gettext_lazy("测算说明")
    act = "assessment.view"
    crumbs = [(gettext_lazy("救助家庭"), "/households/")]
    filters = AssessmentFilter
    order = ("-id",)
    empty_hint = gettext_lazy("在家庭页点“测算待遇”，或由动态监测批量测算后，会显示在这里。")
    columns = [
        Column(gettext_lazy("户主"), "household.name", kind="code", url=lambda row: reverse("assessment:show", args=[row.pk])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("月份"), lambda row: f"{row.month:%Y-%m}", sort="month"),
        Column(gettext_lazy("测算结果"), lambda row: "、".join(label for label, _amount in queries.said(row.results)) or _("不符合任何待遇条件")),
        Column(gettext_lazy("待遇合计（元/月）"), lambda row: row.results["household"]["benefits_total"], kind="money"),
        Column(gettext_lazy("触发原因"), "get_trigger_display", kind="tag"),
        Column(gettext_lazy("测算时间"), "made_at", kind="day"),
    ]

    def rows(self) -> QuerySet[Assessment]:
        return Assessment.objects.select_related("household").defer("facts")


def _found(pk: int) -> Assessment:
    found = Assessment.objects.select_related("settings", "household").filter(pk=pk).first()
    if found is None or Household.objects.filter(pk=found.household_id).first() is None:
        raise Http404
    return found


def _next_fall(curve: chart.Curve | None, income: float) -> dict[str, float] | None:
    fall = chart.next_fall(curve, income) if curve else None
    return {"more": fall[0] - income, "at": fall[0], "after": fall[1]} if fall else None


@require_GET
@may("assessment.view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The explanation, rebuilt from what was frozen."""
    row = _found(pk)
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="assessment")
    names = services.member_names(row)
    explained = services.explanation(row, names=names)
    household = row.results["household"]
    curve = chart.curve(row.facts, f"{row.month:%Y-%m}", services.settings_of(row.settings), row.results)
    limit = household.get("dibao_income_limit")
    income = household["household_income"]
    picture = None
    if curve is not None and limit:
        marginal = (explained.values.get("marginal_income_limit") or [None])[0]
        picture = chart.picture(curve, income=income, total=household["benefits_total"], limit=limit, marginal=marginal)
    before = queries.before(row)
    facts_said = _("截至 %(day)s，已随本次测算留存") % {"day": row.as_of.isoformat()}
    record = [
        (_("测算时间"), f"{timezone.localtime(row.made_at):%Y-%m-%d %H:%M}"),
        (_("事实"), facts_said),
        (_("规则版本"), f"openfisca_henan {row.law_version}"),
        (_("参数摘要"), " ".join(row.settings_id[i : i + 4] for i in (0, 4, 8))),
        (_("触发原因"), row.get_trigger_display()),
    ]
    context = {
        "row": row, "household": row.household, "x": explained, "names": names, "picture": picture, "fall": _next_fall(curve, income), "before": before,
        "record": record, "last": queries.is_last(row), "same_law": explained.law_version == row.law_version, "english": request.LANGUAGE_CODE == "en",
        "extra": panels.actions("assessment", request, row), "effects": services.unverified_effects(row, explained),
        "first": row.month.replace(year=row.month.year - 1), "until": month_before(row.month),
    }  # fmt: skip
    return render(request, "assessment/show.html", context)


@require_GET
@may("assessment.view")
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Line by line against the last assessment of the month before."""
    row = _found(pk)
    before = queries.before(row)
    if before is None:
        messages.info(request, _("上月没有测算记录，无法比较；请先测算上月。"))
        return redirect("assessment:show", pk=pk)
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="assessment")
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    english = request.LANGUAGE_CODE == "en"
    for side, one in (("then", before), ("now", row)):
        explained = services.explanation(one, names=services.member_names(one))
        for section in explained.sections:
            title = section.title_en if english else section.title
            for line in section.lines:
                if line.value is not None:
                    entry = lines.setdefault(
                        (line.code, line.member_name), {"label": line.label, "member": line.member_name, "section": title, "then": None, "now": None}
                    )
                    entry[side] = line.value
    rows = [entry | {"change": (entry["now"] or 0) - (entry["then"] or 0)} for entry in lines.values()]
    return render(request, "assessment/compare.html", {"row": row, "before": before, "household": row.household, "lines": rows})


class RunForm(forms.Form):
    month = MonthField(label=gettext_lazy("月份"), help_text=gettext_lazy("按该月 1 日的成员和当日有效的登记情况测算。"))
    trigger = forms.ChoiceField(
        label=gettext_lazy("触发原因"), choices=[c for c in Assessment.Trigger.choices if c[0] != "monitoring"], initial="officer"
    )

    def clean_month(self) -> date:
        month: date = self.cleaned_data["month"]
        if not date(2010, 1, 1) <= month <= month_after(month_after(timezone.localdate())):
            raise ValidationError(_("月份应在 2010-01 至下下月之间。"))
        return month


@require_http_methods(["GET", "POST"])
@may("assessment.run")
def run(request: HttpRequest, household: int) -> HttpResponse:
    """Assess one household; the answer is the explanation page. Sending it twice makes one row."""
    found = Household.objects.filter(pk=household).first()
    if found is None:
        raise Http404
    form = RunForm(request.POST if request.method == "POST" else None, initial={"month": month_after(timezone.localdate())})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.assess(household=found, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("assessment:show", pk=made.pk)
    context = {"form": form, "household": found, "rows": queries.of_household(found.pk), "may_run": duties.may("assessment.run")}
    return render(request, "assessment/run.html", context, status=422 if form.errors else 200)
