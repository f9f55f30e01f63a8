"""The household page and the person page; opening either is recorded before it is shown."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, panels, places
from doudi.core.templatetags import ui
from doudi.core.views.access import may, with_posting
from doudi.registry import facts as kinds
from doudi.registry import queries
from doudi.registry.codes import BANKS
from doudi.registry.models import Household, Person


@require_GET
@may("registry.view")
def household(request: HttpRequest, pk: int) -> HttpResponse:
    row = Household.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    audit.record_access(what="open", subject="household", subject_id=pk, area=row.area)
    view = queries.household_view(row, on=timezone.localdate())
    other = panels.tabs("household")
    tab = request.GET.get("tab", "")
    if tab not in other and tab != "facts":
        tab = ""
    here = reverse("registry:household", args=[pk])
    tabs = [(_("基本信息"), here, tab == ""), (_("经济与健康"), f"{here}?tab=facts", tab == "facts")]
    tabs += [(str(label), f"{here}?tab={name}", tab == name) for name, label in other.items()]
    places.preload([view.household.area])
    context = {
        "view": view, "household": view.household, "tab": tab, "tabs": tabs, "may_edit": duties.may("registry.edit"), "desc": _described(view),
        "groups": view.fact_groups() if tab == "facts" else [],
        "running": sorted({str(row.get_programme_display()) for member in view.members for row in member.benefits if row.state == "active"}),
    }  # fmt: skip
    return render(request, "registry/household.html", context)


def _described(view: queries.HouseholdView) -> list[tuple[object, ...]]:
    head = view.head
    phone = ""
    if head and head.person.phone:
        from doudi.batch.idnumber import mask_phone
        from doudi.core import numbers

        phone = mask_phone(numbers.plain(head.person.phone) or "")
    money = {fact.kind: kinds.say(fact) for fact in view.facts if fact.household_id}
    return [
        (_("户编号"), view.household.number),
        (_("户主"), view.household.name),
        (_("村（社区）"), ui.area_name(view.household.area)),
        (_("联系电话"), phone),
        (_("户口性质"), view.household.get_residence_display()),
        (_("家庭人口"), _("%(n)d 人") % {"n": len(view.members)}),
        (_("金融资产（元）"), money.get("financial_assets", "")),
        (_("刚性支出（12个月合计）"), money.get("rigid_expenditure", "")),
        (_("住址"), view.household.address or "", True),
    ]


@require_GET
@may("registry.view")
def person(request: HttpRequest, pk: int) -> HttpResponse:
    row = Person.objects.filter(pk=pk).only("pk", "area").first()
    if row is None:
        raise Http404
    audit.record_access(what="open", subject="person", subject_id=pk, area=row.area)
    view = queries.person_view(pk, on=timezone.localdate())
    found = view.person
    places.preload([found.area, found.registered_area, found.residence_area])
    may_reveal = duties.may("registry.reveal")

    def value(masked: str, field: str) -> object:
        if not masked or not may_reveal or masked == _("无证件号码"):
            return masked
        return ui.reveal({"request": request}, reverse("registry:reveal", args=[pk, field]), masked)  # type: ignore[arg-type]

    described = [
        (_("姓名"), found.name),
        (view.id_label, value(view.id_masked, "id_number")),
        (_("性别"), found.get_sex_display()),
        (_("出生日期"), _("%(day)s（%(age)d 岁）") % {"day": found.birth_date, "age": view.age}),
        (_("民族"), view.ethnicity),
        (_("联系电话"), value(view.phone_masked, "phone")),
        (_("管理地区"), ui.area_name(found.area)),
        (_("户籍地"), ui.area_name(found.registered_area)),
        (_("居住地"), ui.area_name(found.residence_area)),
        (_("银行账号"), value(view.account_masked, "account")),
        (_("开户银行"), view.bank),
        (_("死亡日期"), ui.day(found.died_on)),
    ]
    context = {
        "view": view, "person": found, "desc": described, "may_edit": duties.may("registry.edit"),
        "facts": [(fact, kinds.say(fact)) for fact in view.facts], "past": [(fact, kinds.say(fact)) for fact in view.past],
    }  # fmt: skip
    return render(request, "registry/person.html", context)


@require_POST
@with_posting
def reveal(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """One whole number, after its access record is committed."""
    if field not in ("id_number", "phone", "account"):
        raise Http404
    if not duties.may("registry.reveal"):
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    row = Person.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    token = {"id_number": row.token, "phone": row.phone, "account": row.account}[field]
    audit.record_access(what="reveal", subject="person", subject_id=pk, area=row.area, field=field)
    number = queries.plain_number(token)[1] or (row.long_number or "" if field == "id_number" else "") if token else ""
    text = number or _("号码仅以摘要保存，请查看证件附件") if token else ""
    if field == "account" and row.bank:
        text = f"{text}（{BANKS.get(row.bank, row.bank)}）"
    if getattr(request, "htmx", False):
        return HttpResponse(format_html('<span class="rv">{}</span>', text))
    return render(request, "registry/revealed.html", {"person": row, "text": text})
