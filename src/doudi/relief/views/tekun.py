"""Pages of care agreements and funeral costs of tekun recipients."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.registry.models import Person
from doudi.relief.care_forms import CareForm, EndForm, FuneralForm
from doudi.relief.models import CareAgreement, FuneralCase
from doudi.relief.services import tekun
from doudi.relief.views.shared import invalid

COLOURS = {"proposed": "orange", "granted": "green", "refused": "red"}


class Agreements(ListPage):
    title = gettext_lazy("特困照料护理")
    act = "relief.view"
    subject = "care_agreement"
    crumbs = [(gettext_lazy("急难救助"), "")]
    order = ("ends", "-starts", "id")
    empty_title = gettext_lazy("没有照料护理协议")
    empty_hint = gettext_lazy("在特困人员的个人页面登记照料护理协议。")
    columns = [
        Column(gettext_lazy("姓名"), "person.name", url=lambda row: reverse("relief:care", args=[row.person_id])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("供养方式"), "get_support_display", small=lambda row: row.place or None),
        Column(gettext_lazy("照料护理人"), "carer", small=lambda row: row.get_carer_kind_display()),
        Column(gettext_lazy("护理等级"), "get_level_display"),
        Column(gettext_lazy("照料护理费（元/月）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("开始日期"), "starts", kind="day", sort="starts"),
        Column(gettext_lazy("终止日期"), "ends", kind="day"),
    ]

    def rows(self) -> QuerySet[CareAgreement]:
        return CareAgreement.objects.select_related("person")


class Funerals(ListPage):
    title = gettext_lazy("特困丧葬费")
    act = "relief.view"
    subject = "funeral"
    crumbs = [(gettext_lazy("急难救助"), "")]
    order = ("-proposed_at", "id")
    empty_title = gettext_lazy("没有丧葬费")
    empty_hint = gettext_lazy("特困人员登记死亡后，在其个人页面申请丧葬费。")
    columns = [
        Column(gettext_lazy("姓名"), "name", url=lambda row: reverse("relief:funeral", args=[row.pk])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("死亡日期"), "died_on", kind="day", sort="died_on"),
        Column(gettext_lazy("丧葬承办人"), "arranged_by"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
    ]

    def rows(self) -> QuerySet[FuneralCase]:
        return FuneralCase.objects.all()


def _person(pk: int) -> Person:
    person = Person.objects.filter(pk=pk).first()
    if person is None:
        raise Http404
    return person


@may("relief.view")
def care(request: HttpRequest, person_id: int) -> HttpResponse:
    """Care agreements of one person; a new one, or the end of the one that runs."""
    person, on = _person(person_id), timezone.localdate()
    form = CareForm(request.POST or None, initial={"signed_on": on, "starts": on})
    if request.method == "POST":
        if not duties.may("tekun.care"):
            raise PermissionDenied
        if form.is_valid():
            try:
                tekun.agree_care(person_id=person_id, **form.cleaned_data, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已登记照料护理协议。"))
                return redirect("relief:care", person_id)
    rows = list(CareAgreement.objects.filter(person_id=person_id).order_by("-starts", "-pk"))
    running = next((row for row in rows if row.ends is None), None)
    may_care = duties.may("tekun.care")
    context = {
        "person": person, "rows": rows, "form": form if may_care and running is None and not person.died_on else None,
        "running": running if may_care else None, "end": EndForm(initial={"on": on}),
    }  # fmt: skip
    return render(request, "relief/care.html", context, status=422 if form.is_bound and form.errors else 200)


@require_POST
@may("tekun.care")
def care_end(request: HttpRequest, pk: int) -> HttpResponse:
    row = CareAgreement.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    form = EndForm(request.POST)
    if form.is_valid():
        tell(request, lambda: tekun.end_care(agreement_id=pk, **form.cleaned_data), lambda _row: _("已终止。"))
    else:
        invalid(request, form)
    return redirect("relief:care", row.person_id)


@may("tekun.funeral")
def funeral_new(request: HttpRequest, person_id: int) -> HttpResponse:
    """Apply for the funeral cost of somebody who died."""
    person = _person(person_id)
    form = FuneralForm(request.POST or None)
    ceiling = None
    try:
        living, months = tekun.funeral_ceiling(person, timezone.localdate())
        ceiling = living * months
    except ValidationError as error:
        form.add_error(None, error.messages) if form.is_bound else messages.error(request, error.messages[0])
    if request.method == "POST" and form.is_valid():
        try:
            row = tekun.propose_funeral(person_id=person_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已提出，待县级审批。"))
            return redirect("relief:funeral", row.pk)
    context = {"person": person, "form": form, "ceiling": ceiling}
    return render(request, "relief/funeral_new.html", context, status=422 if form.is_bound and form.errors else 200)


@require_GET
@may("relief.view")
def funeral(request: HttpRequest, pk: int) -> HttpResponse:
    row = FuneralCase.objects.select_related("proposed_by", "decided_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    desc: list[tuple[Any, ...]] = [
        (_("姓名"), row.name), (_("死亡日期"), ui.day(row.died_on)), (_("金额"), _("%(amount)s 元") % {"amount": ui.money(row.amount)}),
        (_("上限"), _("%(amount)s 元") % {"amount": ui.money(row.living_amount * row.months)}), (_("丧葬承办人"), row.arranged_by),
        (_("户名"), row.payee_name), (_("提出"), row.proposed_by), (_("审批"), row.decided_by or ui.NOTHING), (_("审批意见"), row.note or ui.NOTHING, True),
    ]  # fmt: skip
    may_decide = row.state == FuneralCase.State.PROPOSED and duties.may("tekun.funeral_approve")
    return render(request, "relief/funeral.html", {"row": row, "desc": desc, "colour": COLOURS[row.state], "may_decide": may_decide})


@require_POST
@may("tekun.funeral_approve")
def funeral_decide(request: HttpRequest, pk: int) -> HttpResponse:
    agreed = request.POST.get("verdict") == "agree"
    tell(
        request,
        lambda: tekun.decide_funeral(funeral_id=pk, agreed=agreed, note=request.POST.get("note", "")[:200], now=timezone.now()),
        lambda row: _("已确认，随下一个一次性发放批次发放。") if row.state == "granted" else _("已作出不予确认决定。"),
    )
    return redirect("relief:funeral", pk)
