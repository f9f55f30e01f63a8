"""Pages of deliveries, contracts and comparisons."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from urllib.parse import quote

import django_filters
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.batch.datasets import CONTRACTS
from doudi.core import postgres, tasks
from doudi.core.lists import Column, ListPage
from doudi.core.middleware import takes
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery.forms import DeliveryForm
from doudi.discovery.models import ComparisonRun, Delivery
from doudi.discovery.queries import indicator_title
from doudi.discovery.services.deliveries import open_rejects


class DeliveryFilter(django_filters.FilterSet):
    dataset = django_filters.ChoiceFilter(
        label=gettext_lazy("数据目录"), choices=lambda: [(code, _(c.name_zh)) for code, c in CONTRACTS.items()], empty_label=gettext_lazy("全部")
    )
    state = django_filters.ChoiceFilter(label=gettext_lazy("结果"), choices=Delivery.State.choices, empty_label=gettext_lazy("全部"))

    class Meta:
        model = Delivery
        fields: list[str] = []


class Deliveries(ListPage):
    title = gettext_lazy("数据报送")
    act = "discovery.deliver"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = DeliveryFilter
    order = ("-received_at", "-id")
    template = "discovery/deliveries.html"
    subject = "delivery"
    empty_title = gettext_lazy("还没有收到部门数据")
    empty_hint = gettext_lazy("请点击右上角“接收数据文件”，按数据共享目录上传。")

    def get_columns(self) -> list[Column]:
        return [
            Column(_("数据目录"), lambda row: _(CONTRACTS[row.dataset].name_zh), small=lambda row: _(CONTRACTS[row.dataset].department_zh)),
            Column(_("月份"), "period"),
            Column(_("文件"), "name"),
            Column(_("接收"), "accepted", kind="number"),
            Column(
                _("退回行"),
                "rejected",
                kind="number",
                url=lambda row: reverse("discovery:delivery_rejects", args=[row.pk]) if row.rejects_path else None,
            ),
            Column(_("留待认定"), lambda row: row.kept or "", kind="number"),
            Column(
                _("结果"),
                "get_state_display",
                kind="tag",
                colour=lambda row: "green" if row.state == "accepted" else "red",
                small=lambda row: row.reason or "；".join(f"{reason} {count}" for reason, count in row.reasons[:2]),
            ),
            Column(_("接收时间"), "received_at", kind="day"),
        ]

    def rows(self) -> object:  # type: ignore[override]
        return Delivery.objects.all()


@takes(512)
@may("discovery.deliver")
def new(request: HttpRequest) -> HttpResponse:
    """Upload a department's file; it is checked in the background."""
    form = DeliveryForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        folder = postgres.home() / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        suffix = Path(upload.name).suffix.lower()[:6]
        path = folder / f"{uuid.uuid4().hex}{suffix if suffix.isascii() else ''}"
        with path.open("xb") as target:
            shutil.copyfileobj(upload.file, target, 1 << 20)
        contract = CONTRACTS[form.cleaned_data["dataset"]]
        tasks.start_task(
            path="doudi.discovery.tasks.take_delivery",
            url=reverse("discovery:deliveries"),
            now=timezone.now(),
            title=_("接收%(name)s") % {"name": contract.name_zh},
            arguments={"path": str(path), "dataset": contract.code, "name": Path(upload.name).name[:200], "period": form.cleaned_data["period"]},
        )
        messages.info(request, _("文件已上传，正在后台按目录核验；完成后结果列在下方。"))
        return redirect("discovery:deliveries")
    return render(request, "discovery/delivery_new.html", {"form": form}, status=422 if form.errors else 200)


@may("discovery.deliver")
def rejects(request: HttpRequest, delivery_id: int) -> HttpResponseBase:
    """The sheet of rejected rows, to send back to the department. It holds numbers in full: the download is recorded."""
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    sheet = open_rejects(delivery, reason="退回部门更正")
    if sheet is None:
        raise Http404
    response = HttpResponse(sheet, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = "attachment; filename*=UTF-8''" + quote(f"退回-{CONTRACTS[delivery.dataset].name_zh}-{delivery.period}.xlsx")
    return response


class Comparisons(ListPage):
    title = gettext_lazy("信息比对")
    act = "discovery.compare"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    order = ("-made_at",)
    template = "discovery/comparisons.html"
    subject = "comparison"
    empty_title = gettext_lazy("还没有进行过信息比对")
    empty_hint = gettext_lazy("接收部门数据后，点击右上角“开始比对”。")
    columns = (
        Column(gettext_lazy("比对日期"), "on", kind="day"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("数据批次"), lambda row: len(row.deliveries), kind="number"),
        Column(gettext_lazy("认定的缺号行"), "linked", kind="number"),
        Column(gettext_lazy("符合情形"), "found", kind="number"),
        Column(gettext_lazy("新线索"), "raised", kind="number"),
        Column(
            gettext_lazy("按发现方式"),
            lambda row: "；".join(f"{indicator_title(code)} {count}" for code, count in sorted(row.by_indicator.items(), key=lambda item: -item[1])),
        ),
        Column(gettext_lazy("完成时间"), lambda row: row.finished_at and ui.day(row.finished_at)),
    )

    def rows(self) -> object:  # type: ignore[override]
        return ComparisonRun.objects.all()


@require_POST
@may("discovery.compare")
def start(request: HttpRequest) -> HttpResponse:
    """Compare now, in the background."""
    tasks.start_task(
        path="doudi.discovery.tasks.run_comparison",
        title=_("信息比对"),
        arguments={"area": request.scope.area, "on": timezone.localdate().isoformat()},  # type: ignore[attr-defined]
        url=reverse("discovery:comparisons"),
        now=timezone.now(),
    )
    messages.info(request, _("比对已在后台开始，完成后新线索会进入乡镇待办。"))
    return redirect("discovery:comparisons")
