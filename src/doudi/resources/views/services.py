"""Pages of purchased services: the list, recording one or a sheet, one record with its confirmation."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.batch import idnumber
from doudi.community.models import CounsellingSession
from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.middleware import takes
from doudi.core.services.attachments import LARGEST
from doudi.core.sheets import on_disk
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs.views.queue import number
from doudi.registry.models import Person
from doudi.resources import queries
from doudi.resources.forms import ConfirmForm, RecordForm, SheetForm
from doudi.resources.models import PurchasedService, QualityCheck, ServiceContract
from doudi.resources.services import recording
from doudi.resources.services import sheet as services_sheet

ALL = gettext_lazy("全部")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ServiceFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=PurchasedService.State.choices, empty_label=ALL)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("服务种类"), choices=lambda: recording.KINDS, empty_label=ALL, field_name="line__kind")
    contract = django_filters.ModelChoiceFilter(
        label=gettext_lazy("合同"), queryset=lambda _request: ServiceContract.objects.order_by("-id"), empty_label=ALL
    )
    recipient = PrefixFilter(label=gettext_lazy("服务对象"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = PurchasedService
        fields: list[str] = []


class Services(ListPage):
    title = gettext_lazy("购买服务记录")
    act = "purchases.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = ServiceFilter
    order = ("-id",)
    template = "resources/services.html"
    subject = "purchased_service"
    empty_title = gettext_lazy("没有符合条件的服务记录")
    empty_hint = gettext_lazy("承接机构的服务在合同页逐条登记或用表格导入，由本人或帮扶责任人确认后计入验收。")
    columns = (
        Column(
            gettext_lazy("服务"), "line.name", url=lambda row: reverse("resources:service", args=[row.pk]), small=lambda row: row.contract.provider
        ),
        Column(gettext_lazy("服务对象"), "recipient", small=lambda row: _("%(n)d 人") % {"n": row.people} if row.person_id is None else ""),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("服务日期"), "day", kind="day", sort="day"),
        Column(gettext_lazy("数量"), lambda row: f"{row.quantity.normalize():f} {row.line.unit}", kind="code"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money"),
        Column(gettext_lazy("确认"), lambda row: row.get_confirmed_display(), small=lambda row: "★" * (row.satisfaction or 0)),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.SERVICE_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[PurchasedService]:
        return PurchasedService.objects.select_related("contract", "line")

    def context(self) -> dict[str, Any]:
        return {"contracts": recording.open_contracts(timezone.localdate()) if duties.may("purchases.record") else []}


def _contract(contract_id: int) -> ServiceContract:
    return get_object_or_404(ServiceContract, pk=contract_id, state=ServiceContract.State.ACTIVE)


def _session(request: HttpRequest) -> CounsellingSession | None:
    pk = number(request.GET.get("session"))
    return CounsellingSession.objects.filter(pk=pk, state=CounsellingSession.State.HELD).select_related("person").first() if pk else None


@may("purchases.record")
def record(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Record one service; with `?session=` one that is a counselling session held here."""
    row, session = _contract(contract_id), _session(request)
    initial = {"day": timezone.localdate(session.starts)} if session and session.starts else {}
    form = RecordForm(request.POST or None, contract=row, left=recording.left_of(row), person=session.person.name if session else "", initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            person_id = None if session else _person_of(given.pop("id_number", ""))
            made = recording.record_service(
                uuid=given["uuid"], line_id=given["line"], day=given["day"], quantity=given["quantity"], worker=given["worker"], area=given.get("area", ""),
                person_id=person_id, recipient=given.get("recipient", ""), people=given.get("people") or 1, phone=given["phone"], note=given["note"],
                session_id=session.pk if session else None, now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记，等待服务对象或帮扶责任人确认。"))
            return redirect("resources:service", service_id=made.pk)
    return render(request, "resources/record.html", {"row": row, "form": form, "session": session}, status=422 if form.errors else 200)


def _person_of(text: str) -> int | None:
    """The person of the registry behind an ID number; None where none is given. Raises ValidationError at its field."""
    if not text.strip():
        return None
    try:
        token = numbers.id_token(idnumber.parse(text).number18)
    except ValueError as error:
        raise ValidationError({"id_number": _("%(problem)s；请核对证件。") % {"problem": error}}) from None
    found = Person.objects.filter(token=token).values_list("id", flat=True).first()
    if found is None:
        raise ValidationError({"id_number": _("辖区内没有登记此人；请核对证件，或先登记人员。")})
    return found


@takes(5)
@may("purchases.record")
def sheet(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Import a provider's sheet: all of it, or the rows that are wrong."""
    row, said = _contract(contract_id), list[str]()
    form = SheetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            with on_disk(form.cleaned_data["file"], services_sheet.LAYOUT) as path:
                made, said = services_sheet.import_sheet(contract_id=row.pk, path=path, now=timezone.now())
        except ValidationError as error:
            form.add_error("file", error)
        else:
            if not said:
                messages.success(request, _("已导入 %(n)d 条服务记录。") % {"n": made} if made else _("这份表格已导入过，没有新的记录。"))
                return redirect(f"{reverse('resources:services')}?contract={row.pk}")
    context = {
        "row": row,
        "form": form,
        "said": said[:100],
        "more": max(0, len(said) - 100),
        "columns": services_sheet.LAYOUT.noted(),
    }
    return render(request, "resources/sheet.html", context, status=422 if form.errors or said else 200)


@require_GET
@may("purchases.record")
def template(request: HttpRequest, contract_id: int) -> HttpResponse:
    response = HttpResponse(services_sheet.template(_contract(contract_id)), content_type=XLSX)
    response["Content-Disposition"] = "attachment; filename*=UTF-8''%E6%9C%8D%E5%8A%A1%E8%AE%B0%E5%BD%95%E8%A1%A8.xlsx"
    return response


@may("purchases.view")
def service(request: HttpRequest, service_id: int) -> HttpResponse:
    """One record: what was given, who confirmed, what the sample said."""
    row = get_object_or_404(PurchasedService.objects.select_related("contract", "line", "entered_by", "confirmed_by", "acceptance"), pk=service_id)
    post, problem, acting = request.POST, "", scopes.current()
    step = post.get("act", "")
    form = ConfirmForm(post if step == "confirm" else None, request.FILES if step == "confirm" else None)
    if request.method == "POST":
        try:
            if _step(row, step, post, form):
                return redirect("resources:service", service_id=row.pk)
        except ValidationError as error:
            if step == "confirm":
                errors_into(form, error)
            else:
                problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
    else:
        audit.record_access(what="open", subject=recording.SUBJECT, subject_id=row.pk, area=row.area)
    waiting = row.state in ("recorded", "disputed")
    desc: list[tuple[Any, ...]] = [
        (_("服务"), f"{row.line.name}　{row.quantity.normalize():f} {row.line.unit}"),
        (_("单价、金额"), f"{ui.money(row.unit_price)} × {row.quantity.normalize():f} = {ui.money(row.amount)} {_('元')}"),
        (_("服务日期"), f"{row.day}"), (_("服务人员"), f"{row.contract.provider}　{row.worker}"),
        (_("服务对象"), row.recipient if row.person_id else f"{row.recipient}　{row.people} {_('人')}"),
        (_("地区"), ui.area_name(row.area)), (_("登记"), f"{row.entered_by.name}　{timezone.localtime(row.entered_at):%Y-%m-%d %H:%M}"),
        (_("短信确认"), _("已发送") if row.asked_at else _("没有电话") if row.phone is None else _("待发送")),
    ]  # fmt: skip
    if row.confirmed:
        desc.append(
            (
                _("确认"),
                f"{row.get_confirmed_display()}　{row.confirmed_by.name if row.confirmed_by else ''}　{timezone.localtime(row.confirmed_at):%Y-%m-%d %H:%M}",
            )
        )
    if row.satisfaction:
        desc.append((_("满意度"), "★" * row.satisfaction + "☆" * (5 - row.satisfaction)))
    # what was done and said is for those who serve and check, not for finance
    near = any(duties.may(act) for act in ("purchases.confirm", "purchases.record", "purchases.accept"))
    for label, text in ((_("服务内容"), row.note if near else ""), (_("异议"), row.objection if near else ""), (_("说明"), row.reason)):
        if text:
            desc.append((label, text, True))
    context = {
        "row": row, "colour": queries.SERVICE_COLOURS[row.state], "desc": desc, "problem": problem,
        "form": form if waiting and duties.may("purchases.confirm") and row.entered_by_id != acting.account_id else None,
        "may_dispute": row.state == "recorded" and duties.may("purchases.confirm"),
        "may_void": (row.state == "recorded" or (row.state == "disputed" and row.entered_by_id == acting.account_id)) and duties.may("purchases.record"),
        "may_refuse": row.state in ("disputed", "confirmed") and row.acceptance_id is None and duties.may("purchases.accept"),
        "checks": QualityCheck.objects.filter(service=row).exclude(result="").select_related("checked_by"),
    }  # fmt: skip
    return render(request, "resources/service.html", context, status=422 if problem or form.errors else 200)


def _step(row: PurchasedService, step: str, post: Any, form: ConfirmForm) -> bool:
    now, version = timezone.now(), number(post.get("version")) or -1
    if step == "confirm":
        if not form.is_valid():
            return False
        given = form.cleaned_data
        upload = given["picture"]
        if upload is not None and upload.size > LARGEST:
            raise ValidationError({"picture": _("文件超过 10 MB；请压缩或分次上传。")})
        recording.confirm_service(
            service_id=row.pk, version=version, how=given["how"], satisfaction=int(given["satisfaction"]) if given["satisfaction"] else None,
            picture=(upload.name, upload.read()) if upload else None, note=given["note"], now=now,
        )  # fmt: skip
    elif step == "dispute":
        recording.dispute(service_id=row.pk, version=version, words=post.get("note", ""), now=now)
    elif step == "drop":
        recording.drop(service_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    return True
