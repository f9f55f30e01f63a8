"""Pages of the township and above: plans, all visits, progress, conflicts, the printed list."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import audit, duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Attachment
from doudi.core.views.access import may
from doudi.discovery import services, visit_queries
from doudi.discovery.models.visits import Group, Unit, Visit, VisitConflict, VisitPlan
from doudi.discovery.services.visit_plans import densities
from doudi.discovery.services.visits import Result, result_of
from doudi.discovery.views.visits import told_numbers_of
from doudi.discovery.visit_forms import AskForm, PlanForm
from doudi.registry.models import Household
from doudi.registry.queries import shown_name

ROWS_ON_PAPER = 400


class VisitFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=gettext_lazy("户主"), method="by_name")
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"),
        choices=[("open", gettext_lazy("未走访")), *Visit.State.choices],
        empty_label=gettext_lazy("全部"),
        method="by_state",
    )
    group = django_filters.ChoiceFilter(label=gettext_lazy("走访对象"), choices=Group.choices, empty_label=gettext_lazy("全部"), method="by_group")
    when = django_filters.ChoiceFilter(
        label=gettext_lazy("期限"),
        choices=[("today", gettext_lazy("今天到期及逾期")), ("week", gettext_lazy("七天内")), ("month", gettext_lazy("本月办结"))],
        empty_label=gettext_lazy("全部"),
        method="by_day",
    )
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Visit
        fields: list[str] = []

    def by_name(self, rows: QuerySet[Visit], name: str, value: str) -> QuerySet[Visit]:
        start = value.strip()
        return rows.filter(household__name__gte=start, household__name__lt=start + "\U0010ffff") if start else rows

    def by_state(self, rows: QuerySet[Visit], name: str, value: str) -> QuerySet[Visit]:
        return rows.filter(state__in=Visit.OPEN if value == "open" else (value,)) if value else rows

    def by_group(self, rows: QuerySet[Visit], name: str, value: str) -> QuerySet[Visit]:
        return rows.filter(groups__contains=[value]) if value else rows

    def by_day(self, rows: QuerySet[Visit], name: str, value: str) -> QuerySet[Visit]:
        if value == "month":
            return rows.filter(closed_at__gte=visit_queries.month_start(timezone.localdate()))
        last = timezone.localdate() + timedelta(days=7 if value == "week" else 0)
        return rows.filter(state__in=Visit.OPEN, due__lte=last) if value else rows


class Visits(ListPage):
    title = gettext_lazy("入户走访")
    act = "visits.view"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = VisitFilter
    order = ("-state", "due", "id")
    template = "discovery/visits.html"
    subject = "visit"
    empty_title = gettext_lazy("没有符合条件的走访")
    empty_hint = gettext_lazy("走访按“走访计划”每天自动安排；也可在家庭页面安排或登记一次走访。")
    columns = (
        Column(
            gettext_lazy("户主"), lambda row: shown_name(row.household.name), kind="code",
            url=lambda row: reverse("discovery:visit", args=[row.pk]), drawer=True,
        ),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("走访对象"), lambda row: visit_queries.group_words(row.groups[:2]), small=lambda row: str(row.get_origin_display())),
        Column(gettext_lazy("期限"), "due", kind="day", sort="due"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: visit_queries.STATE_COLOURS[row.state]),
        Column(gettext_lazy("走访时间"), "done_at", kind="day", sort="done_at"),
        Column(gettext_lazy("生活状况"), "get_living_display"),
        Column(gettext_lazy("走访人"), lambda row: row.recorder.name if row.recorder else row.posting.account.name if row.posting else ""),
    )  # fmt: skip

    def rows(self) -> QuerySet[Visit]:
        return Visit.objects.select_related("household", "posting__account", "recorder")

    def context(self) -> dict[str, Any]:
        counted, url = visit_queries.counts(on=timezone.localdate()), reverse("discovery:visits")
        shown = (
            ("when=today", _("今天到期及逾期"), "today"), ("when=week", _("七天内"), "week"), ("state=missed", _("逾期未走访"), "missed"),
            ("state=done&when=month", _("本月已走访"), "done"), ("state=absent&when=month", _("本月未见到人"), "absent"), ("state=open", _("全部未走访"), "open"),
        )  # fmt: skip
        figures = [{"label": label, "value": f"{counted[key]:,}", "url": f"{url}?{query}"} for query, label, key in shown]
        figures.append({"label": _("记录冲突"), "value": f"{counted['conflicts']:,}", "url": reverse("discovery:visit_conflicts")})
        return {"figures": figures}


@require_GET
@may("visits.view")
def progress(request: HttpRequest) -> HttpResponse:
    """Visits by place below: what is open, missed, made in time."""
    own = request.scope.area  # type: ignore[attr-defined]
    asked = request.GET.get("area", "")
    area = asked if asked.startswith(own) and asked.isdigit() and len(asked) in (4, 6, 9) else own
    on = timezone.localdate()
    rows = visit_queries.progress(area=area, on=on)
    total = {key: sum(row[key] for row in rows) for key in ("open", "week", "missed", "done", "in_time", "absent", "found")}
    total["share"] = f"{total['in_time'] / total['done']:.0%}" if total["done"] else "—"  # type: ignore[assignment]
    context = {"rows": rows, "total": total, "area": area, "place": places.name(area), "up": area[: {12: 9, 9: 6, 6: 4}.get(len(area), 2)], "on": on}
    context["up"] = context["up"] if area != own and str(context["up"]).startswith(own) else ""
    return render(request, "discovery/visit_progress.html", context)


@may("visits.view")
def plans(request: HttpRequest) -> HttpResponse:
    """How often each group is visited here, who set it, and the form that sets it from a day on."""
    own, on = request.scope.area, timezone.localdate()  # type: ignore[attr-defined]
    asked = request.GET.get("area", "")
    area = asked if asked.startswith(own) and asked.isdigit() and len(asked) in (2, 4, 6, 9, 12) else own
    found = densities(area, on)
    form = None
    if duties.may("visits.plan"):
        chosen = next((each for each in found if each.group == request.GET.get("group")), found[0])
        initial = {
            "area": area, "group": chosen.group, "every": chosen.every, "unit": chosen.unit, "emergency_every": chosen.emergency_every,
            "emergency_unit": chosen.emergency_unit, "starts": on,
        }  # fmt: skip
        form = PlanForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                made = services.set_plan(**form.cleaned_data, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(
                    request, _("已设定“%(group)s”的走访密度，自 %(day)s 起每天安排时使用。") % {"group": Group(made.group).label, "day": made.starts}
                )
                return redirect(reverse("discovery:visit_plans") + f"?area={made.area}")
    elif request.method == "POST":
        duties.require("visits.plan")
    coming = VisitPlan.objects.filter(area__gte=own, area__lt=own + ":", starts__gt=on).order_by("starts", "id")[:50]
    rows = [
        {
            "group": each.group, "label": Group(each.group).label, "plain": every(each.every, each.unit) or _("不安排"),
            "dense": every(each.emergency_every, each.emergency_unit) or _("与平时相同"),
            "source": places.name(each.area) if each.plan else _("系统默认（待当地确认）"), "plan": each.plan,
        }
        for each in found
    ]  # fmt: skip
    context = {
        "rows": rows, "form": form, "area": area, "place": places.name(area), "below": places.children(area) if len(area) < 12 else [], "own": own,
        "coming": [(row, Group(row.group).label, every(row.every, row.unit) or _("不安排")) for row in coming],
        "emergency": visit_queries.emergency_titles(on),
    }  # fmt: skip
    return render(request, "discovery/visit_plans.html", context, status=422 if form is not None and form.errors else 200)


def every(number: int, unit: str) -> str:
    """每 1 周、每 3 个月; empty for 0."""
    return _("每 %(number)s %(unit)s一次") % {"number": number, "unit": Unit(unit).label} if number else ""


@may("visits.manage")
def ask(request: HttpRequest, household_id: int) -> HttpResponse:
    """The township asks for a visit."""
    household = get_object_or_404(Household, pk=household_id)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.ask_visit(household_id=household.pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已安排走访，期限 %(day)s。") % {"day": made.due})
            return redirect("discovery:visit", visit_id=made.pk)
    return render(request, "discovery/visit_ask.html", {"form": form, "household": household}, status=422 if form.errors else 200)


@require_GET
@may("visits.view")
def printed(request: HttpRequest) -> HttpResponse:
    """The list of one village on paper, to be filled in by hand (the way without phone and network); that it was printed is recorded."""
    own = request.scope.area  # type: ignore[attr-defined]
    asked = request.GET.get("area", "")
    villages = places.children(own) if len(own) == 9 else [(own, places.name(own))] if len(own) == 12 else []
    area = next((code for code, _name in villages if code == asked), own if len(own) == 12 else "")
    if len(own) < 9 and len(asked) == 12 and asked.isdigit() and asked.startswith(own):
        area = asked
    days = int(request.GET["days"]) if request.GET.get("days") in ("7", "14", "31") else 7
    on = timezone.localdate()
    cards: list[visit_queries.Card] = []
    if area:
        found = visit_queries.cards(posting_id=None, on=on)
        cards = [card for card in found if card.visit and card.visit.area == area and card.visit.due <= on + timedelta(days=days)]
        cards = sorted(cards, key=lambda card: visit_queries.walking_order(card.address))[:ROWS_ON_PAPER]
        audit.record_access(what="export", subject="visit", area=area, reason=f"{len(cards)}")
    context = {"cards": cards, "area": area, "place": "".join(places.path(area, above=4)), "villages": villages, "days": days, "on": on}
    return render(request, "discovery/visit_print.html", context)


class ConflictFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("处理结果"), choices=VisitConflict.State.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = VisitConflict
        fields: list[str] = []


class Conflicts(ListPage):
    title = gettext_lazy("走访记录冲突")
    act = "visits.view"
    crumbs = ((gettext_lazy("主动发现"), ""), (gettext_lazy("入户走访"), "/visits/"))
    filters = ConflictFilter
    order = ("-state", "received_at", "id")
    subject = "visit_conflict"
    empty_title = gettext_lazy("没有冲突的走访记录")
    empty_hint = gettext_lazy("两人登记了同一次走访时，后到的一份会完整保存在这里，由您选择保留哪一份。")
    columns = (
        Column(
            gettext_lazy("户主"), lambda row: shown_name(row.visit.household.name), kind="code",
            url=lambda row: reverse("discovery:visit_conflict", args=[row.pk]),
        ),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("后到的记录"), lambda row: row.recorder.name if row.recorder else "", small=lambda row: f"{timezone.localtime(row.done_at):%m-%d %H:%M}"),
        Column(gettext_lazy("收到"), "received_at", kind="day", sort="received_at"),
        Column(gettext_lazy("处理结果"), "get_state_display", kind="tag", colour=lambda row: "orange" if row.state == "open" else "green"),
    )  # fmt: skip

    def rows(self) -> QuerySet[VisitConflict]:
        return VisitConflict.objects.select_related("visit__household", "recorder")


@may("visits.view")
def conflict(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """Both records side by side; keep one, both, or choose line by line."""
    rows = VisitConflict.objects.select_related("visit__household", "visit__recorder", "recorder", "resolver")
    found = get_object_or_404(rows, pk=conflict_id)
    problem = ""
    if request.method == "POST":
        picked = {field.name: request.POST.get(f"pick_{field.name}", "first") for field in fields(Result)}
        try:
            services.resolve_conflict(
                conflict_id=conflict_id, choice=request.POST.get("choice", ""), note=request.POST.get("note", ""), picked=picked, now=timezone.now()
            )
        except ValidationError as error:
            problem = " ".join(error.messages)
            found.refresh_from_db()
        else:
            messages.success(request, _("已处理；两份记录仍可在这里查看。"))
            return redirect("discovery:visit_conflict", conflict_id=conflict_id)
    visit = found.visit
    second = Result.from_json(str(found.content))
    first = Result.from_json(str(found.replaced)) if found.replaced else result_of(visit) if visit.uuid else None
    ours = {name: words for _label, words, name in visit_queries.rows_of(first)} if first else {}
    texts = {name for name in ("note", "witness") if first and getattr(first, name) != getattr(second, name)}  # numbers that differ are masked alike
    lines = [
        {"label": label, "name": name, "first": ours.get(name, ""), "second": words, "differs": name in texts or ours.get(name, "") != words}
        for label, words, name in visit_queries.rows_of(second)
        if words or ours.get(name)
    ]
    files = Attachment.objects.filter(removed_at__isnull=True)
    context = {
        "conflict": found, "visit": visit, "household": visit.household, "lines": lines, "problem": problem, "first": first,
        "first_files": list(files.filter(subject="visit", subject_id=visit.pk)),
        "second_files": list(files.filter(subject="visit_conflict", subject_id=found.pk)),
        "open": found.state == "open" and duties.may("visits.manage"), "told_numbers": told_numbers_of(visit),
    }  # fmt: skip
    return render(request, "discovery/visit_conflict.html", context, status=422 if problem else 200)
