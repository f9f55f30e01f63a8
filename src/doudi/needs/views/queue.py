"""The queue of needs, raising one, and one officer's own on the phone."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.needs import kinds, queries, services, sources
from doudi.needs.forms import RaiseForm
from doudi.needs.models import Need
from doudi.needs.sources import About
from doudi.registry.models import Household, Membership, Person
from doudi.registry.queries import shown_name


class NeedFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("live", gettext_lazy("未办结")), ("late", gettext_lazy("超期")), ("lately", gettext_lazy("近30天已满足")), *Need.State.choices],
        empty_label=gettext_lazy("全部"), method="by_state",
    )  # fmt: skip
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=kinds.choices, empty_label=gettext_lazy("全部"))
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("紧急程度"), choices=Need.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Need
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Need], name: str, value: str) -> QuerySet[Need]:
        if value == "late":
            return rows.filter(clock__lt=timezone.now())
        if value == "lately":
            return rows.filter(pk__in=queries.met_lately().values("pk"))
        return rows.filter(clock__isnull=False) if value == "live" else rows.filter(state=value) if value else rows


def _answered(row: Need) -> str:
    return _("已接 %(taken)d / %(wanted)d，已完成 %(met)d") % {"taken": row.taken, "wanted": row.wanted, "met": row.met}


class Needs(ListPage):
    title = gettext_lazy("需求")
    act = "needs.view"
    crumbs = ((gettext_lazy("社区关爱"), ""),)
    filters = NeedFilter
    order = (F("clock").asc(nulls_last=True), "-id")  # type: ignore[assignment]
    subject = "need"
    template = "needs/list.html"
    empty_title = gettext_lazy("没有符合条件的需求")
    empty_hint = gettext_lazy("走访、电话、明白卡和工作人员登记的需求都在这里，最急的排在前面。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("needs:need", args=[row.pk])),
        Column(gettext_lazy("种类"), "kind_label", small=lambda row: row.get_source_display()),
        Column(gettext_lazy("地区"), "area", kind="area", small=queries.whose),
        Column(gettext_lazy("紧急程度"), "get_urgency_display", kind="tag", colour=lambda row: queries.URGENCY_COLOURS[row.urgency]),
        Column(gettext_lazy("期限"), "clock", kind="due", sort="clock"),
        Column(gettext_lazy("响应"), _answered),
        Column(gettext_lazy("登记日期"), lambda row: timezone.localdate(row.raised_at), kind="day", sort="raised_at"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Need]:
        return Need.objects.select_related("person", "household")

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures(timezone.now()), "may_raise": duties.may("needs.raise")}


@require_GET
@may("needs.mine")
def mine(request: HttpRequest) -> HttpResponse:
    """What a visitor has to do with needs, one hand on the phone."""
    groups = queries.mine(now=timezone.now())
    return render(request, "needs/mine.html", {"groups": groups, "any": any(cards for _code, _title, cards in groups)})


def number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None


def _opened_at(request: HttpRequest) -> tuple[str, int | None, About]:
    """Where the form was opened: (source, its id, whom it is about), each checked under the reader's scope."""
    for source in ("visit", "hotline", "case", "institution"):
        source_id = number(request.GET.get(source))
        if source_id is not None:
            about = sources.about(source, source_id)
            if about is None:
                raise Http404
            return source, source_id, about
    return "", None, About(person=number(request.GET.get("person")), household=number(request.GET.get("household")))


@may("needs.raise")
def new(request: HttpRequest) -> HttpResponse:
    """Raise a need: from the list, from a household, a person, a visit or a call."""
    source, source_id, about = _opened_at(request)
    person = get_object_or_404(Person, pk=about.person) if about.person else None
    household = get_object_or_404(Household, pk=about.household) if about.household else None
    if person and household is None:
        household = Household.objects.filter(memberships__person=person, memberships__ends__isnull=True).first()
    members = None
    if household is not None:
        rows = Membership.objects.filter(household=household, ends__isnull=True, person__died_on__isnull=True).select_related("person").order_by("relationship", "id")
        members = [(row.person_id, shown_name(row.person.name)) for row in rows]
    initial: dict[str, Any] = {"person": person.pk if person else None, "what": about.what, "area": about.area, "source": "officer"}
    asked = next((code for code in about.kinds if code in kinds.KINDS), request.GET.get("kind", ""))
    if asked in kinds.KINDS:
        initial |= {"kind": asked, "skills": kinds.KINDS[asked].skills}
    form = RaiseForm(request.POST or None, members=members, source=source, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        who = given.pop("person", None)
        place = given.pop("area", "") or about.area
        whom = About(person=who, household=household.pk if household else None, institution=about.institution, area=place)
        try:
            row = services.raise_need(**({"source": source} | given), source_id=source_id, about=whom, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记 %(number)s，应在 %(due)s 前有人响应。") % {
                "number": row.number, "due": f"{timezone.localtime(row.answer_due):%m-%d %H:%M}"})  # fmt: skip
            return redirect("needs:need", need_id=row.pk)
    context = {
        "form": form, "household": household, "place": "".join(places.path(household.area, above=6)) if household else "",
        "live": list(queries.live_of(household_id=household.pk, person_id=None).order_by("clock")[:5]) if household else [],
    }  # fmt: skip
    return render(request, "needs/new.html", context, status=422 if form.errors else 200)
