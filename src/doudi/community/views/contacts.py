"""Pages of care contacts: who they are, absence cover, assignment by village, and a contact's own people."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.community import queries, services
from doudi.community.forms import AbsenceForm, ChangeForm, ContactForm, StopForm
from doudi.community.models import CareContact, CarePerson
from doudi.community.services.contacts import load_of, most_of
from doudi.core import audit, duties, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter, page_of
from doudi.core.templatetags import ui
from doudi.core.views.access import may

ON_A_PAGE = 100


class ContactFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("身份"), choices=CareContact.Kind.choices)
    area = AreaFilter(label=gettext_lazy("地区"))
    ended = django_filters.BooleanFilter(label=gettext_lazy("含已停任"), method="with_ended", widget=forms.CheckboxInput)

    class Meta:
        model = CareContact
        fields: list[str] = []

    def with_ended(self, rows: QuerySet[CareContact], name: str, value: bool | None) -> QuerySet[CareContact]:
        return rows if value else rows.filter(ends__isnull=True)


class Contacts(ListPage):
    title = gettext_lazy("帮扶责任人")
    act = "community.view"
    crumbs = ((gettext_lazy("社区关爱"), ""),)
    filters = ContactFilter
    order = ("area", "name", "id")
    template = "community/contacts.html"
    subject = "care_contact"
    empty_title = gettext_lazy("还没有登记帮扶责任人")
    empty_hint = gettext_lazy("登记村干部、网格员、志愿者或邻居，再为关爱对象逐人落实。")

    def get_columns(self) -> list[Column]:
        away = services.standing_in(timezone.localdate())

        def cover(row: CareContact) -> str:
            return _("外出，%(name)s 代班") % {"name": away[row.pk].name} if row.pk in away else ""

        return [
            Column(_("姓名"), "name", kind="code", url=lambda row: reverse("community:contact", args=[row.pk]), small=cover),
            Column(_("身份"), "get_kind_display"),
            Column(_("服务范围"), "area", kind="area"),
            Column(_("联系电话"), lambda row: ui.mask_phone(numbers.plain(row.phone)), kind="code"),
            Column(_("账号"), lambda row: row.account.username if row.account else ""),
            Column(_("帮扶人数"), lambda row: row.load or 0, kind="number", sort="load"),
            Column(_("停任日期"), "ends", kind="day"),
        ]

    def rows(self) -> QuerySet[CareContact]:
        return queries.contacts()

    def context(self) -> dict[str, Any]:
        return {"may_manage": duties.may("community.contacts")}


@may("community.contacts")
def new(request: HttpRequest) -> HttpResponse:
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.add_contact(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记帮扶责任人 %(name)s。") % {"name": made.name})
            return redirect("community:contact", pk=made.pk)
    return render(request, "community/contact_new.html", {"form": form}, status=422 if form.errors else 200)


def _others(row: CareContact) -> list[tuple[int, str]]:
    found = CareContact.objects.filter(area__gte=row.area[:9], area__lt=row.area[:9] + ":", ends__isnull=True).exclude(pk=row.pk)
    return [(each.pk, f"{each.name}（{each.get_kind_display()}）") for each in found.order_by("area", "name")[:200]]


def _contact_page(
    request: HttpRequest, row: CareContact, *, absence: AbsenceForm | None = None, stop: StopForm | None = None, change: ChangeForm | None = None
) -> HttpResponse:
    on = timezone.localdate()
    refused = bool(absence or stop or change)
    mine = duties.may("community.contacts") and row.ends is None and request.scope.covers(row.area)  # type: ignore[attr-defined]
    others = _others(row) if mine else []
    load = load_of([row.pk]).get(row.pk, 0)
    described = [
        (_("身份"), row.get_kind_display()), (_("服务范围"), ui.area_name(row.area)), (_("账号"), row.account.username if row.account else _("没有账号")),
        (_("帮扶人数"), _("%(load)d 人，最多 %(most)d 人") % {"load": load, "most": most_of(row, on)}),
        (_("担任"), f"{row.starts} — {row.ends or ''}"),
    ]  # fmt: skip
    context = {
        "contact": row, "desc": described, "masked": ui.mask_phone(numbers.plain(row.phone)), "people": queries.people_of([row.pk]), "on": on,
        "absence": absence or (AbsenceForm(others, initial={"starts": on}) if mine else None),
        "stop": stop or (StopForm(others, initial={"version": row.version}) if mine else None), "mine": mine, **queries.covering(row, on),
        "change": change or (ChangeForm(initial={"version": row.version, "name": row.name, "kind": row.kind, "most": row.most}) if mine else None),
        "changes": queries.changes_of(row) if mine or row.ends else [],
    }  # fmt: skip
    return render(request, "community/contact.html", context, status=422 if refused else 200)


def _contact(pk: int) -> CareContact:
    return get_object_or_404(CareContact.objects.select_related("account"), pk=pk)


@require_GET
@may("community.view")
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    return _contact_page(request, _contact(pk))


@require_POST
@may("community.contacts")
def absence(request: HttpRequest, pk: int) -> HttpResponse:
    row = _contact(pk)
    form = AbsenceForm(_others(row), request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        try:
            made = services.set_absence(contact_id=pk, substitute_id=int(given.pop("substitute")), **given, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记：%(name)s 自 %(day)s 起代班，%(back)s 自动恢复。") % {"name": made.substitute.name, "day": made.starts, "back": made.ends})
            return redirect("community:contact", pk=pk)
    return _contact_page(request, row, absence=form)


@require_POST
@may("community.contacts")
def back(request: HttpRequest, pk: int, absence_id: int) -> HttpResponse:
    row = _contact(pk)
    get_object_or_404(row.absences, pk=absence_id)
    try:
        services.cancel_absence(absence_id=absence_id, now=timezone.now())
        messages.success(request, _("代班已结束。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("community:contact", pk=pk)


@require_POST
@may("community.contacts")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, kind, phone or limit of a contact; what stood before stays in its history."""
    row = _contact(pk)
    form = ChangeForm(request.POST)
    if form.is_valid():
        try:
            made = services.change_contact(contact_id=pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            waiting = queries.cards_naming(made)
            messages.success(request, _("已保存。") + (_("有 %(n)d 张印有此人的明白卡待重印。") % {"n": waiting} if waiting else ""))
            return redirect("community:contact", pk=pk)
    return _contact_page(request, row, change=form)


@require_POST
@may("community.contacts")
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    row = _contact(pk)
    form = StopForm(_others(row), request.POST)
    if form.is_valid():
        heir = form.cleaned_data["successor"]
        try:
            count = services.end_contact(
                contact_id=pk, version=form.cleaned_data["version"], reason=form.cleaned_data["reason"], successor_id=int(heir) if heir else None,
                now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已停任；%(count)d 名关爱对象已转给接替人或列入待落实。") % {"count": count})
            return redirect("community:contact", pk=pk)
    return _contact_page(request, row, stop=form)


@require_POST
@may("community.view")
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """A contact's whole phone number, after its access record is committed."""
    if not duties.may("community.contacts"):
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    row = _contact(pk)
    audit.record_access(what="reveal", subject="care_contact", subject_id=row.pk, area=row.area, field="phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(row.phone)))


def village_of(request: HttpRequest) -> str:
    """The village that a page is about: the one asked for within the scope, else the officer's own."""
    own = request.scope.area  # type: ignore[attr-defined]
    asked = request.GET.get("area", "") or request.POST.get("area", "")
    return asked if len(asked) == 12 and asked.isascii() and asked.isdigit() and asked.startswith(own) else own if len(own) == 12 else ""


def villages_below(own: str) -> list[tuple[str, str]]:
    return places.children(own) if len(own) == 9 else []


@may("community.contacts")
def assign(request: HttpRequest) -> HttpResponse:
    """Give contacts to the people of a village at once: those without stand first."""
    own, village, on = request.scope.area, village_of(request), timezone.localdate()  # type: ignore[attr-defined]
    if request.method == "POST" and village:
        chosen = [int(value) for value in request.POST.getlist("contact") if value.isascii() and value.isdigit() and len(value) < 19]
        picked = [int(value) for value in request.POST.getlist("care") if value.isascii() and value.isdigit() and len(value) < 19]
        try:
            done = services.assign_village(area=village, contact_ids=chosen, care_ids=None if request.POST.get("all") else picked, now=timezone.now())
        except ValidationError as error:
            messages.error(request, "；".join(error.messages))
        else:
            words = _("已为 %(given)d 人落实帮扶责任人。") % {"given": done.given}
            messages.success(request, words + (_("还有 %(left)d 人没有落实：所选的人都到了上限。") % {"left": done.left} if done.left else ""))
        return redirect(reverse("community:assign") + f"?area={village}")
    rows: Any = []
    contacts: list[tuple[CareContact, int, int]] = []
    names: dict[str, str] = {}
    if village:
        names = queries.group_names()
        number = request.GET.get("page", "1")
        bare = queries.without_contact_first(queries.people().filter(area=village))
        rows = page_of(bare, int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, ON_A_PAGE)
        found = services.contacts_of(village, on)
        loads = load_of([each.pk for each in found])
        contacts = [(each, loads.get(each.pk, 0), most_of(each, on)) for each in found]
    gaps = CarePerson.objects.filter(ends__isnull=True, contact__isnull=True, area__gte=own, area__lt=own + ":") if len(own) >= 9 else CarePerson.objects.none()
    counted = dict(gaps.values_list("area").annotate(n=Count("id")).order_by())
    choices = [(code, name, counted.get(code, 0)) for code, name in villages_below(own)]
    context = {
        "village": village, "place": places.name(village) if village else "", "choices": choices, "page": rows, "contacts": contacts,
        "table": [(row, queries.group_words(row.groups, names)) for row in rows.rows] if rows else [], "left": counted.get(village, 0),
        "gaps": sorted((each for each in choices if each[2]), key=lambda each: -each[2]),
    }  # fmt: skip
    return render(request, "community/assign.html", context)


@may("community.mine")
def mine(request: HttpRequest) -> HttpResponse:
    """A contact's own people, and those of whom the contact stands in for."""
    account, on = request.user.pk, timezone.localdate()
    if request.method == "POST":
        services.read_given(account_id=account, now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("已知悉。"))
        return redirect("community:mine")
    contacts, covers, own, others = queries.of_account(account, on)  # type: ignore[arg-type]
    names = queries.group_names()
    context = {
        "contacts": contacts, "covers": covers, "own": [(row, queries.group_words(row.groups, names)) for row in own],
        "others": [(row, queries.group_words(row.groups, names)) for row in others],
    }  # fmt: skip
    return render(request, "community/mine.html", context)
