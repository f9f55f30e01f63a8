"""Pages of the people whom the community looks after."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.community import counselling_queries, queries, services
from doudi.community.forms import AssignForm, GroupForm, OutForm
from doudi.community.models import CarePerson, GroupByHand, HelpCard
from doudi.core import audit, duties
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs import queries as needs
from doudi.registry.models import Person
from doudi.registry.queries import shown_name


class PeopleFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=gettext_lazy("姓名"), method="by_name")
    group = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=lambda: list(queries.group_names().items()), method="by_group")
    contact = django_filters.ChoiceFilter(
        label=gettext_lazy("帮扶责任人"), choices=[("none", gettext_lazy("未落实")), ("some", gettext_lazy("已落实"))], method="by_contact"
    )
    visit = django_filters.ChoiceFilter(label=gettext_lazy("走访"), choices=[("late", gettext_lazy("逾期未走访"))], method="by_visit")
    card = django_filters.ChoiceFilter(
        label=gettext_lazy("明白卡"), choices=[("print", gettext_lazy("待打印")), ("none", gettext_lazy("未制发"))], method="by_card"
    )
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = CarePerson
        fields: list[str] = []

    def by_name(self, rows: QuerySet[CarePerson], name: str, value: str) -> QuerySet[CarePerson]:
        start = value.strip()
        return rows.filter(person__name__gte=start, person__name__lt=start + "\U0010ffff") if start else rows

    def by_group(self, rows: QuerySet[CarePerson], name: str, value: str) -> QuerySet[CarePerson]:
        return rows.filter(groups__contains=[value]) if value else rows

    def by_contact(self, rows: QuerySet[CarePerson], name: str, value: str) -> QuerySet[CarePerson]:
        return rows.filter(contact__isnull=value == "none") if value else rows

    def by_visit(self, rows: QuerySet[CarePerson], name: str, value: str) -> QuerySet[CarePerson]:
        return queries.visit_missed(rows) if value else rows

    def by_card(self, rows: QuerySet[CarePerson], name: str, value: str) -> QuerySet[CarePerson]:
        cards = HelpCard.objects.filter(care=OuterRef("pk"), void_at__isnull=True)
        return rows.filter(Exists(cards.exclude(digest=F("printed_digest")))) if value == "print" else rows.filter(~Exists(cards)) if value else rows


class People(ListPage):
    title = gettext_lazy("关爱对象")
    act = "community.view"
    crumbs = ((gettext_lazy("社区关爱"), ""),)
    filters = PeopleFilter
    order = (F("contact").asc(nulls_first=True), "area", "household_id", "id")  # type: ignore[assignment]
    template = "community/people.html"
    subject = "care"
    empty_title = gettext_lazy("本地还没有关爱对象")
    empty_hint = gettext_lazy("登记的家庭情况每天自动归类；也可在人员页面手工列入。")

    def get_columns(self) -> list[Column]:
        names = queries.group_names()
        return [
            Column(_("姓名"), lambda row: shown_name(row.person.name), kind="code", url=lambda row: reverse("community:person", args=[row.pk])),
            Column(_("所在村（社区）"), "area", kind="area"),
            Column(_("类别"), lambda row: queries.group_words(row.groups, names)),
            Column(
                _("帮扶责任人"), lambda row: row.contact.name if row.contact else _("未落实"), kind="tag",
                colour=lambda row: "gray" if row.contact else "red",
            ),
            Column(_("上次走访"), "visited_at", kind="day"),
            Column(_("下次走访"), "next_due", kind="due"),
            Column(_("明白卡"), lambda row: _("已打印") if row.printed else _("待打印"), kind="tag", colour=lambda row: "green" if row.printed else "orange"),
        ]  # fmt: skip

    def rows(self) -> QuerySet[CarePerson]:
        return queries.people()

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures(timezone.localdate()), "may_assign": duties.may("community.contacts"), "may_groups": duties.may("community.groups")}


def _person(pk: int) -> CarePerson:
    return get_object_or_404(CarePerson.objects.select_related("person", "contact"), pk=pk)


def _page(request: HttpRequest, row: CarePerson, *, out: OutForm | None = None, assign: AssignForm | None = None) -> HttpResponse:
    on = timezone.localdate()
    audit.record_access(what="open", subject="person", subject_id=row.person_id, area=row.area, field="care")
    names = queries.group_names()
    contact, substitute = queries.answering(row, on)
    living = row.ends is None
    if living and duties.may("community.members") and out is None:
        out = OutForm([(code, names.get(code, code)) for code in row.groups], initial={"version": row.version})
    if living and duties.may("community.contacts") and assign is None:
        assign = AssignForm(_choices(row.area, on), initial={"version": row.version, "contact": row.contact_id or ""})
    refused = bool((out and out.is_bound and out.errors) or (assign and assign.is_bound and assign.errors))
    described = [
        (_("类别"), queries.group_words(row.groups, names), True),
        (_("所在村（社区）"), ui.area_name(row.area)),
        (_("列入日期"), ui.day(row.starts)),
        (_("年龄"), _("%(n)d 岁") % {"n": _age(row.person, on)}),
        (_("所在家庭"), _home(row)),
    ]
    context = {
        "row": row, "desc": described, "names": names, "contact": contact, "substitute": substitute,
        "hand": [(each, names.get(each.group, each.group)) for each in queries.by_hand(row.person_id)],
        "events": queries.timeline(row, names), "visits": queries.visits_of(row.household_id), "out": out, "assign": assign, "living": living,
        "card": HelpCard.objects.filter(care=row, void_at__isnull=True).first(), "may_hand": duties.may("community.members") and living,
        "may_card": duties.may("community.cards"), "may_lead": duties.may("discovery.report") and living,
        "may_need": duties.may("needs.raise") and living, "needs": _needs(row),
        "may_visit": duties.may("visits.record") and living, "may_counsel": duties.may("counselling.ask") and living,
        "sessions": counselling_queries.of_person(row.person_id) if duties.may("counselling.view") else [],
    }  # fmt: skip
    return render(request, "community/person.html", context, status=422 if refused else 200)


def _needs(row: CarePerson) -> Any:
    return needs.of_person(row.person_id) if duties.may("needs.view") else []


def _choices(area: str, on: Any) -> list[tuple[int, str]]:
    return [(each.pk, f"{each.name}（{each.get_kind_display()}）") for each in services.contacts_of(area, on)]


def _age(person: Person, on: Any) -> int:
    born = person.birth_date
    return int(on.year - born.year - ((on.month, on.day) < (born.month, born.day)))


def _home(row: CarePerson) -> Any:
    return format_html('<a href="{}">{}</a>', reverse("registry:household", args=[row.household_id]), _("打开家庭页面"))


@require_GET
@may("community.view")
def person(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _person(pk))


@require_POST
@may("community.contacts")
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    row = _person(pk)
    form = AssignForm(_choices(row.area, timezone.localdate()), request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["contact"]
        try:
            made = services.assign_contact(
                care_id=pk, version=form.cleaned_data["version"], contact_id=int(chosen) if chosen else None, reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("帮扶责任人：%(name)s。") % {"name": made.contact.name} if made.contact else _("已列入待落实帮扶责任人。"))
            return redirect("community:person", pk=pk)
    return _page(request, row, assign=form)


@require_POST
@may("community.members")
def take_out(request: HttpRequest, pk: int) -> HttpResponse:
    row, names = _person(pk), queries.group_names()
    form = OutForm([(code, names.get(code, code)) for code in row.groups], request.POST)
    if form.is_valid():
        try:
            made = services.take_out(care_id=pk, **form.cleaned_data, on=timezone.localdate(), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已移出。") if made.ends is None else _("已移出；此人不再属于任何一类，明白卡已作废。"))
            return redirect("community:person", pk=pk)
    return _page(request, row, out=form)


@may("community.members")
def add(request: HttpRequest, person_id: int) -> HttpResponse:
    """Somebody of the registry is added to a group by hand."""
    found = get_object_or_404(Person, pk=person_id)
    form = GroupForm(services.groups_at(found.area, timezone.localdate()), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.add_by_hand(person_id=found.pk, **form.cleaned_data, on=timezone.localdate(), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已列入关爱对象。"))
            return redirect("community:person", pk=made.pk)
    return render(request, "community/add.html", {"form": form, "person": found}, status=422 if form.errors else 200)


@require_POST
@may("community.members")
def lift(request: HttpRequest, hand_id: int) -> HttpResponse:
    hand = get_object_or_404(GroupByHand, pk=hand_id)
    try:
        services.lift(hand_id=hand_id, reason=request.POST.get("reason", ""), on=timezone.localdate(), now=timezone.now())
        messages.success(request, _("已撤销，今后只按登记情况归类。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    row = CarePerson.objects.filter(person=hand.person_id).order_by(F("ends").desc(nulls_first=True), "-id").first()
    if row is None:
        raise Http404
    return redirect("community:person", pk=row.pk)
