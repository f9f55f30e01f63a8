"""Pages of transfers (转移安置)."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import request_queries as queries
from doudi.institutions.models import Resident, Transfer, TransferPerson
from doudi.institutions.request_forms import TransferForm, VehicleForm
from doudi.institutions.services import moving
from doudi.institutions.services import transfers as services
from doudi.institutions.views.shared import found

EVENTS = {
    "planned": gettext_lazy("安排"), "agreed": gettext_lazy("同意接收"), "refused": gettext_lazy("不同意接收"), "cancelled": gettext_lazy("取消"),
    "vehicle": gettext_lazy("登记车辆"), "departed": gettext_lazy("确认出发"), "arrived": gettext_lazy("确认到达"), "not_arrived": gettext_lazy("登记未到达"),
    "stayed": gettext_lazy("登记未转移"), "told": gettext_lazy("告知家属"), "done": gettext_lazy("完成"),
}  # fmt: skip


class TransferFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("open", gettext_lazy("未完成")), ("missing", gettext_lazy("有人未到达")), *Transfer.State.choices],
        empty_label=gettext_lazy("全部"), method="by_state",
    )  # fmt: skip

    class Meta:
        model = Transfer
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Transfer], name: str, value: str) -> QuerySet[Transfer]:
        if value == "missing":
            return rows.filter(pk__in=TransferPerson.objects.filter(state="missing").values("transfer"))
        return rows.filter(state__in=Transfer.OPEN if value == "open" else (value,)) if value else rows


def _progress(counts: dict[str, int]) -> str:
    all_of_them = sum(counts.values())
    return _("到达 %(arrived)s / %(all)s 人") % {"arrived": counts.get("arrived", 0), "all": all_of_them}


class Transfers(ListPage):
    title = gettext_lazy("转移安置")
    act = "transfers.view"
    crumbs = ((gettext_lazy("民政服务机构"), ""),)
    filters = TransferFilter
    order = (F("ended_at").desc(nulls_first=True), "leaves_at", "pk")  # type: ignore[assignment]
    subject = "institution_transfer"
    empty_title = gettext_lazy("没有转移安置")
    empty_hint = gettext_lazy("从签收了的“应急转移安置”协调事项，或从机构的入住人员安排。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("institutions:transfer", args=[row.pk])),
        Column(gettext_lazy("转出机构"), "from_name", small=lambda row: ui.area_name(row.area)),
        Column(gettext_lazy("接收机构"), "to_name", small=lambda row: ui.area_name(row.to_area)),
        Column(gettext_lazy("计划出发"), lambda row: ui.day(row.leaves_at), kind="code"),
        Column(gettext_lazy("人数"), "people_all", kind="number"),
        Column(gettext_lazy("已到达"), "people_there", kind="number"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.TRANSFER_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Transfer]:
        return queries.with_people(Transfer.objects.all())


@may("transfers.plan")
def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan one from a house: who, where to, when. Free beds of the county, of the city, of the province, as asked."""
    house, asked = found(pk), request.GET.get("within", "")
    within = asked if asked in ("2", "4", "6") else "4"
    free = services.free_beds(within=house.area[: int(within)], leave_out=house.pk)[:600]
    people = list(Resident.objects.filter(institution=house, ends__isnull=True).order_by("name", "pk")[: services.MOST])
    form = TransferForm(request.POST or None, free=free, people=[(each.pk, each.name) for each in people], initial={"reason": request.GET.get("reason", "")[:200]})
    wanted = request.GET.get("request", "")
    chosen = set(request.POST.getlist("people"))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = services.plan(
                key=given["key"], from_id=house.pk, to_id=given["to"], resident_ids=given["people"], bed=given["bed"], reason=given["reason"], leaves_at=given["leaves_at"],
                request_id=int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 18 else None, now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已安排 %(number)s，床位已预留；请登记车辆，接收方同意后逐人确认出发。") % {"number": row.number})
            return redirect("institutions:transfer", row.pk)
    context = {"house": house, "form": form, "people": [(each, str(each.pk) in chosen) for each in people], "within": within, "wanted": wanted}
    return render(request, "institutions/transfer_new.html", context, status=422 if form.errors else 200)


@require_GET
@may("transfers.view")
def page(request: HttpRequest, transfer_id: int) -> HttpResponse:
    return _page(request, transfer_id)


def _page(request: HttpRequest, transfer_id: int, problem: str = "", vehicle: Any = None) -> HttpResponse:
    row = get_object_or_404(Transfer.objects.select_related("agreed_by", "made_by"), pk=transfer_id)
    if request.method == "GET":
        audit.record_access(what="open", subject="institution_transfer", subject_id=row.pk, area=row.area)
    people = list(row.people.select_related("vehicle", "told_by").order_by("state", "name", "pk"))
    confirm = duties.may("transfers.confirm")
    sends, receives = confirm and services.sends(row), confirm and services.receives(row)
    counts = queries.people_counts([row.pk]).get(row.pk, {})
    places.preload([row.area, row.to_area])
    desc = [
        (_("转出机构"), f"{row.from_name}（{ui.area_name(row.area)}）"), (_("接收机构"), f"{row.to_name}（{ui.area_name(row.to_area)}）"),
        (_("计划出发"), ui.day(row.leaves_at)), (_("进展"), _progress(counts)), (_("转移原因"), row.reason, True),
        (_("安排"), f"{row.made_by or ''} {ui.day(row.made_at)}"), (_("同意接收"), f"{row.agreed_by or ''} {ui.day(row.agreed_at)}" if row.agreed_at else ui.NOTHING),
    ]  # fmt: skip
    if row.end_reason:
        desc.append((_("结束原因"), row.end_reason, True))
    opened = row.state in Transfer.OPEN
    context = {
        "row": row, "desc": desc, "problem": problem, "colour": queries.TRANSFER_COLOURS[row.state], "opened": opened, "missing": counts.get("missing", 0),
        "untold": sum(each.told_at is None for each in people), "people": [(each, queries.PERSON_COLOURS[each.state]) for each in people],
        "vehicles": list(row.vehicles.order_by("pk")), "sends": sends and opened, "receives": receives and opened, "confirm": confirm and (sends or receives),
        "may_cancel": sends and row.state in ("planned", "agreed") and duties.may("transfers.plan"),
        "vehicle": vehicle or VehicleForm(), "events": [
            {"at": each.at, "title": EVENTS.get(each.what, each.what), "who": each.account.name if each.account else _("系统"), "note": each.note or ""}
            for each in row.events.select_related("account").order_by("-id")[:60]
        ],
    }  # fmt: skip
    bad = problem or (vehicle is not None and vehicle.errors)
    return render(request, "institutions/transfer.html", context, status=422 if bad else 200)


@require_POST
@may("transfers.confirm")
def act(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """One step; the service says what stands against it."""
    post, step, now = request.POST, request.POST.get("act", ""), timezone.now()
    row = get_object_or_404(Transfer, pk=transfer_id)

    def number(text: str) -> int:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1

    people, reason = [number(each) for each in post.getlist("people")], post.get("reason", "")
    whole: dict[str, Any] = {"transfer_id": row.pk, "version": number(post.get("version", "")), "now": now}
    some: dict[str, Any] = {"transfer_id": row.pk, "people": people, "now": now}
    if step == "vehicle":
        form = VehicleForm(post)
        if not form.is_valid():
            return _page(request, row.pk, vehicle=form)
        try:
            services.add_vehicle(transfer_id=row.pk, vehicle=form.vehicle(), now=now)
        except ValidationError as error:
            errors_into(form, error)
            return _page(request, row.pk, vehicle=form)
        messages.success(request, _("已登记车辆。"))
        return redirect("institutions:transfer", row.pk)
    steps = {
        "agree": lambda: services.agree(**whole),
        "refuse": lambda: services.refuse(**whole, reason=reason),
        "cancel": lambda: services.cancel(**whole, reason=reason),
        "depart": lambda: moving.depart(**some, vehicle_id=number(post.get("vehicle", ""))),
        "arrive": lambda: moving.arrive(**some),
        "not_arrived": lambda: moving.not_arrived(**some, note=reason),
        "stay": lambda: moving.stay(**some, note=reason),
        "told": lambda: moving.told(**some, whom=post.get("whom", ""), how=post.get("how", "")),
    }
    if step not in steps:
        return _page(request, row.pk, _("请选择办理方式。"))
    try:
        made = steps[step]()
    except ValidationError as error:
        return _page(request, row.pk, "；".join(error.messages))
    except PermissionDenied as error:
        return _page(request, row.pk, str(error))
    messages.success(request, _("已确认 %(n)s 人。") % {"n": made} if isinstance(made, int) else _("已办理。"))
    return redirect("institutions:transfer", row.pk)


@require_POST
@may("transfers.confirm")
def kin(request: HttpRequest, transfer_id: int, person_id: int) -> HttpResponse:
    """The whole phone number of a resident's relative, after its access record is committed."""
    person = get_object_or_404(TransferPerson.objects.filter(kin_phone__isnull=False), pk=person_id, transfer_id=transfer_id)
    audit.record_access(what="reveal", subject="transfer_person", subject_id=person.pk, area=person.area, field="kin_phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(person.kin_phone)))
