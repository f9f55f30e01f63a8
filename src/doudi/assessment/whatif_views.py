"""Pages of policy questions (政策测算)."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.assessment import whatif
from doudi.assessment.chart import change_bars, pair_bars
from doudi.assessment.facts import month_after
from doudi.assessment.models import WhatIf
from doudi.core import places, tasks
from doudi.core import scope as scopes
from doudi.core.forms import MonthField
from doudi.core.lists import Column, ListPage
from doudi.core.models import TaskProgress
from doudi.core.models.divisions import ancestors
from doudi.core.views.access import may
from doudi.core.views.settings import law_parameters

TASK = "doudi.assessment.tasks.run_what_if"
LINES = 3
BENEFITS = {
    "dibao_amount": gettext_lazy("最低生活保障"),
    "single_person_dibao_amount": gettext_lazy("单人保"),
    "tekun_living_amount": gettext_lazy("特困基本生活"),
    "tekun_care_amount": gettext_lazy("特困照料护理"),
    "orphan_allowance": gettext_lazy("孤儿基本生活费"),
    "unsupported_child_allowance": gettext_lazy("事实无人抚养儿童基本生活费"),
    "disability_living_subsidy": gettext_lazy("困难残疾人生活补贴"),
    "disability_nursing_subsidy": gettext_lazy("重度残疾人护理补贴"),
    "price_subsidy": gettext_lazy("价格临时补贴"),
    "marginal_family": gettext_lazy("低保边缘家庭（人）"),
    "rigid_expenditure_family": gettext_lazy("刚性支出困难家庭（人）"),
}
TYPES = {
    "alone": gettext_lazy("单人户"),
    "with_severely_disabled": gettext_lazy("有重度残疾人"),
    "with_minors": gettext_lazy("有未成年人"),
    "old_only": gettext_lazy("全是老年人"),
    "other": gettext_lazy("其他家庭"),
}
EXAMPLE = """name: 农村低保标准提高一成
from: 2023-01-01
areas: ["41"]
changes:
  - {parameter: dibao.standard.rural, times: 1.1}
  - {parameter: disability.living, value: 100}
"""


class QuestionForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("测算名称"), max_length=100)
    source = forms.ChoiceField(label=gettext_lazy("人口"), choices=WhatIf.Source.choices, initial="registry", widget=forms.RadioSelect)
    size = forms.IntegerField(label=gettext_lazy("模拟人口（人）"), required=False, initial=100_000, help_text=gettext_lazy("只用于模拟人口"))
    month = MonthField(label=gettext_lazy("测算月份"))
    month_after = MonthField(label=gettext_lazy("与哪个月比较"), required=False, help_text=gettext_lazy("不改规则、只比较两个月时填写"))
    reform = forms.CharField(
        label=gettext_lazy("改革方案（YAML）"), required=False, widget=forms.Textarea(attrs={"rows": 8, "class": "in code"}),
        help_text=gettext_lazy("也可在下面逐项填写；两处都填时以这里为准"),
    )  # fmt: skip
    file = forms.FileField(label=gettext_lazy("或上传方案文件"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, LINES + 1):
            self.fields[f"parameter{number}"] = forms.CharField(
                label=_("参数"), required=False, max_length=120, widget=forms.TextInput(attrs={"list": "parameters", "autocomplete": "off"})
            )
            self.fields[f"how{number}"] = forms.ChoiceField(label=_("改为或乘以"), choices=[("value", _("改为")), ("times", _("乘以"))])
            self.fields[f"number{number}"] = forms.CharField(label=_("数值"), required=False, max_length=20)
            self.fields[f"starts{number}"] = MonthField(label=_("自"), required=False)
            self.fields[f"area{number}"] = forms.ChoiceField(label=_("地区"), choices=_areas())

    def lines(self) -> list[list[Any]]:
        names = ("parameter", "how", "number", "starts", "area")
        return [[self[f"{name}{number}"] for name in names] for number in range(1, LINES + 1)]

    def clean(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        upload = data.get("file")
        if upload is not None and not data.get("reform"):
            if upload.size > 100_000:
                self.add_error("file", _("方案文件超过 100 KB；请只写要修改的参数。"))
            else:
                try:
                    data["reform"] = upload.read().decode("utf-8-sig")
                except UnicodeDecodeError:
                    self.add_error("file", _("方案文件应为 UTF-8 文本（.yaml）。"))
        if not data.get("reform"):
            changes = [change for number in range(1, LINES + 1) if (change := self._change(number))]
            if changes:
                data["reform"] = whatif.composed(name=data.get("name", ""), changes=changes)
        return super().clean()

    def _change(self, number: int) -> dict[str, Any] | None:
        data = self.cleaned_data
        name = (data.get(f"parameter{number}") or "").split(" ")[0]
        if not name:
            return None
        if name not in law_parameters():
            self.add_error(f"parameter{number}", _("没有这个参数；请输入几个字后从列表中选择。"))
        text = data.get(f"number{number}") or ""
        try:
            value: Any = float(text)
        except ValueError:
            value = text
            if not text or data.get(f"how{number}") == "times":
                self.add_error(f"number{number}", _("请填写数值。"))
        if not data.get(f"starts{number}"):
            self.add_error(f"starts{number}", _("请填写从哪个月起。"))
            return None
        return {"parameter": name, data[f"how{number}"]: value, "from": data[f"starts{number}"].isoformat(), "area": data[f"area{number}"]}


def _areas() -> list[tuple[str, str]]:
    own = [code for code in ancestors(scopes.current().area) if len(code) <= 6]
    below = places.children(own[-1]) if len(own[-1]) < 6 else []
    return [(code, places.name(code)) for code in own] + below


class WhatIfs(ListPage):
    title = gettext_lazy("政策测算")
    act = "assessment.whatif"
    crumbs = ((gettext_lazy("统计分析"), ""),)
    order = ("-made_at", "-id")
    template = "assessment/what_ifs.html"
    subject = "what_if"
    empty_title = gettext_lazy("还没有政策测算")
    empty_hint = gettext_lazy("点右上角“新测算”，看看提高标准、放宽条件会多帮多少人、多花多少钱。")
    columns = (
        Column(gettext_lazy("名称"), "name", url=lambda row: reverse("assessment:what_if", args=[row.pk])),
        Column(gettext_lazy("人口"), lambda row: row.get_source_display() + (f" {row.size:,}" if row.size else "")),
        Column(gettext_lazy("月份"), lambda row: f"{row.month:%Y-%m}" + (f" / {row.month_after:%Y-%m}" if row.month_after else ""), kind="code"),
        Column(gettext_lazy("每月增减（元）"), lambda row: row.result and row.result["gain"] + row.result["loss"], kind="money"),
        Column(gettext_lazy("受益户"), lambda row: row.result and row.result["winners"], kind="number"),
        Column(gettext_lazy("受损户"), lambda row: row.result and row.result["losers"], kind="number"),
        Column(gettext_lazy("提出时间"), "made_at", kind="day"),
    )

    def rows(self) -> QuerySet[WhatIf]:
        return WhatIf.objects.filter(area=scopes.current().area)


@require_http_methods(["GET", "POST"])
@may("assessment.whatif")
def new(request: HttpRequest) -> HttpResponse:
    """A new question; the same one again leads to the run that is there."""
    today = timezone.localdate()
    form = QuestionForm(request.POST or None, request.FILES or None, initial={"month": month_after(today), "source": "registry"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            asked, fresh = whatif.start_what_if(
                name=data["name"], source=data["source"], size=data["size"] or 0, month=data["month"], month_after=data["month_after"],
                reform=data["reform"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error) if not hasattr(error, "error_dict") else [
                form.add_error(name, each) for name, each in error.error_dict.items()
            ]
        else:
            url = reverse("assessment:what_if", args=[asked.pk])
            if fresh:
                tasks.start_task(
                    path=TASK, title=_("政策测算：%(name)s") % {"name": asked.name}, arguments={"what_if": asked.pk}, url=url, now=timezone.now()
                )
            else:
                messages.info(request, _("今天已经测算过同样的问题，结果如下。"))
            return redirect(url)
    names = [(name, f"{name} {_(info.label)}") for name, info in law_parameters().items() if not name.startswith(("procedure.", "prices."))]
    return render(request, "assessment/what_if_new.html", {"form": form, "names": names, "example": EXAMPLE}, status=422 if form.errors else 200)


@require_POST
@may("assessment.whatif")
def dry_run(request: HttpRequest, setting_id: int) -> HttpResponse:
    """What a proposed parameter would change, before it is confirmed."""
    try:
        asked, fresh = whatif.start_dry_run(setting_id=setting_id, now=timezone.now())
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("settings")
    url = reverse("assessment:what_if", args=[asked.pk])
    if fresh:
        tasks.start_task(path=TASK, title=asked.name, arguments={"what_if": asked.pk}, url=url, now=timezone.now())
    return redirect(url)


def _found(pk: int) -> WhatIf:
    return get_object_or_404(WhatIf, pk=pk, area=scopes.current().area)


def _labelled(asked: WhatIf) -> dict[str, list[dict[str, Any]]]:
    """Differences by group with words."""
    rows = asked.result["differences"] if asked.result else []
    places.preload(row["name"] for row in rows if row["group"] == "place")
    groups: dict[str, list[dict[str, Any]]] = {"all": [], "place": [], "county": [], "type": []}
    for row in rows:
        name = row["name"]
        label = places.name(name) if row["group"] == "place" else TYPES.get(name, name) if row["group"] == "type" else name
        change = row["cost_after"] - row["cost_before"]
        groups[row["group"]].append(
            row | {"label": label, "what": BENEFITS[row["benefit"]], "change": change, "moved": row["count_after"] - row["count_before"]}
        )
    return groups


def _totals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each place or type: money of all benefits together."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = found.setdefault(str(row["label"]), {"label": row["label"], "before": 0.0, "after": 0.0, "moved": 0})
        line["before"] += row["cost_before"]
        line["after"] += row["cost_after"]
    return sorted(({**line, "change": line["after"] - line["before"]} for line in found.values()), key=lambda line: -abs(line["change"]))


def _band(low: float | None, high: float | None) -> str:
    if low is None:
        return _("少 %(yuan)s 元以上") % {"yuan": f"{-(high or 0):g}"}
    if high is None:
        return _("多 %(yuan)s 元以上") % {"yuan": f"{low:g}"}
    sign, ends = (_("少"), (-high, -low)) if high <= 0 else (_("多"), (low, high))
    return f"{sign} {max(round(ends[0]), 0):g}—{ends[1]:g}"


@require_GET
@may("assessment.whatif")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer: people and money before and after, who wins, who loses."""
    asked = _found(pk)
    task = TaskProgress.objects.filter(task_path=TASK, arguments__what_if=asked.pk).order_by("-asked_at").first()
    context: dict[str, Any] = {"asked": asked, "task": task, "months": [asked.month, asked.month_after or asked.month]}
    if asked.result:
        groups, result = _labelled(asked), asked.result
        money = [row for row in groups["all"] if row["benefit"] not in ("marginal_family", "rigid_expenditure_family")]
        before, after = sum(row["cost_before"] for row in money), sum(row["cost_after"] for row in money)
        context |= {
            "result": result,
            "groups": groups,
            "by_place": _totals(groups["place"] or groups["county"]),
            "by_type": _totals(groups["type"]),
            "figures": [
                {"label": _("每月资金（原）"), "value": f"{before:,.2f}", "unit": _("元")},
                {"label": _("每月资金（新）"), "value": f"{after:,.2f}", "unit": _("元"), "note": f"{after - before:+,.2f}"},
                {
                    "label": _("受助家庭"),
                    "value": f"{result['households'][1]:,}",
                    "unit": _("户"),
                    "note": f"{result['households'][1] - result['households'][0]:+,}",
                },
                {"label": _("受益"), "value": f"{result['winners']:,}", "unit": _("户"), "note": f"+{result['gain']:,.2f}"},
                {"label": _("受损"), "value": f"{result['losers']:,}", "unit": _("户"), "note": f"{result['loss']:,.2f}"},
                {"label": _("测算人口"), "value": f"{result['population']['people']:,}", "unit": _("人")},
            ],
            "money_chart": pair_bars([(str(row["what"]), row["cost_before"], row["cost_after"]) for row in money], title=_("各项待遇每月资金")),
            "band_chart": change_bars([(_band(low, high), count) for low, high, count in result["bands"]], title=_("按每月增减分的户数")),
        }
    return render(request, "assessment/what_if.html", context)


def as_csv(asked: WhatIf) -> str:
    """The sums, a line for each group and benefit."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_("分组"), _("名称"), _("待遇"), _("人数（原）"), _("人数（新）"), _("每月资金（原）"), _("每月资金（新）"), _("增减")])
    labels = {"all": _("全部"), "place": _("地区"), "county": _("县"), "type": _("家庭类型")}
    for group, rows in _labelled(asked).items():
        for row in rows:
            costs = [f"{row[name]:.2f}" for name in ("cost_before", "cost_after", "change")]
            writer.writerow([labels[group], row["label"], row["what"], row["count_before"], row["count_after"], *costs])
    return buffer.getvalue()


@require_GET
@may("assessment.whatif")
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The sums as CSV, with a mark for spreadsheets."""
    asked = _found(pk)
    if not asked.result:
        messages.info(request, _("测算还没有完成，暂无可下载的结果。"))
        return redirect("assessment:what_if", pk=pk)
    response = HttpResponse("\ufeff" + as_csv(asked), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = "attachment; filename*=UTF-8''" + quote(f"政策测算-{asked.pk}-{asked.month:%Y%m}.csv")
    return response
