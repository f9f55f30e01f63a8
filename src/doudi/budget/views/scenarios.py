"""Pages of scenarios: list, one scenario with its figures, assumptions, sources and course, comparison."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.budget import queries
from doudi.budget.forms import AssumptionForm, CopyForm, ScenarioForm, SourceForm
from doudi.budget.models import Assumption, Figure, Item, Level, Scenario
from doudi.budget.services import course, scenarios
from doudi.core import duties, places, tasks
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.models import TaskProgress
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments.models import Fund

TASK = "doudi.budget.tasks.calculate"
MOST_COMPARED = 4


def found(pk: int) -> Scenario:
    row = Scenario.objects.select_related("made_by", "checked_by", "submitted_by", "decided_by", "settings", "copied_from").filter(pk=pk).first()
    if row is None or not scopes.current().covers(row.area):
        raise Http404
    return row


def year_of(request: HttpRequest, area: str) -> int:
    text = request.GET.get("year", "")
    if text.isascii() and text.isdigit() and 2016 <= int(text[:6]) <= 2100:
        return int(text)
    return queries.newest_year(area) or timezone.localdate().year + 1


def years(area: str, year: int) -> list[int]:
    known = set(Scenario.objects.filter(area__gte=area, area__lt=area + ":").values_list("year", flat=True).distinct()[:40])
    return sorted(known | {year, timezone.localdate().year + 1}, reverse=True)


@require_GET
@may("budget.view")
def index(request: HttpRequest) -> HttpResponse:
    """The county's scenarios of a year; the levels above see their counties."""
    area = scopes.current().area
    if len(area) < 6:
        return redirect("budget:counties")
    year = year_of(request, area)
    rows = list(Scenario.objects.filter(area=area[:6], year=year).select_related("made_by").order_by("id"))
    on_way = next((row for row in rows if row.state in ("checked", "submitted", "accepted")), None)
    context = {
        "rows": [(row, queries.COLOURS[row.state]) for row in rows], "year": year, "years": years(area, year), "area": area, "on_way": on_way,
        "may_prepare": duties.may("budget.prepare"), "calculated": [row for row in rows if row.calculated_at],
    }  # fmt: skip
    return render(request, "budget/index.html", context)


@require_http_methods(["GET", "POST"])
@may("budget.prepare")
def new(request: HttpRequest) -> HttpResponse:
    """A new scenario."""
    today = timezone.localdate()
    form = ScenarioForm(request.POST or None, initial={"year": today.year + 1, "base_month": today.replace(day=1), "basis": "awards"})
    if request.method == "POST" and form.is_valid():
        try:
            row = scenarios.create_scenario(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已新建方案“%(name)s”。先补充假设，再测算。") % {"name": row.name})
            return redirect("budget:scenario", row.pk)
    return render(request, "budget/new.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@may("budget.view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One scenario."""
    row = found(pk)
    funds, names, labels = queries.by_fund(row), queries.fund_names(), queries.parameter_labels()
    own = scopes.current().area == row.area
    account = scopes.current().account_id
    may_prepare = own and row.open and duties.may("budget.prepare")
    task = (
        TaskProgress.objects.filter(task_path=TASK, url=reverse("budget:scenario", args=[row.pk])).order_by("-asked_at").first() if row.open else None
    )
    if task is not None and task.state not in ("waiting", "running", "failed"):
        task = None
    assumptions = [
        {"row": a, "kind": a.get_kind_display(), "said": queries.said(a, funds=names, labels=labels)}
        for a in row.assumptions.select_related("made_by").order_by("kind", "starts", "id")
    ]
    events = [
        {"at": event.at, "title": event.get_kind_display(), "who": event.by.name, "note": event.note}
        for event in row.events.select_related("by").order_by("-at", "-id")[:30]
    ]
    total = sum((fund["total"] for fund in funds), queries.NOUGHT)
    gap = sum((fund["gap"] for fund in funds), queries.NOUGHT)
    State = Scenario.State
    context: dict[str, Any] = {
        "row": row, "colour": queries.COLOURS[row.state], "place": places.name(row.area), "funds": funds, "assumptions": assumptions, "events": events, "task": task,
        "total": total, "gap": gap, "people": queries.people_once(row), "beside": queries.beside_awards(row), "kinds": Assumption.Kind.choices, "may_prepare": may_prepare,
        "may_check": own and row.open and row.calculated_at and duties.may("budget.check") and row.made_by_id != account,
        "may_submit": own and row.state == State.CHECKED and duties.may("budget.submit") and account not in (row.made_by_id, row.checked_by_id),
        "may_send_back": own
        and (row.state == State.CHECKED or (row.open and row.calculated_at and duties.may("budget.check")))
        and (duties.may("budget.check") or duties.may("budget.submit")),
        "may_decide": row.state == State.SUBMITTED and not own and duties.may("budget.decide"),
        "may_copy": own and duties.may("budget.prepare"), "copy_form": CopyForm(initial={"name": f"{row.name}（复制）"[:60]}),
        "figures": [
            {"label": _("全年需要"), "value": ui.money(total), "unit": _("元")},
            {"label": _("已落实来源"), "value": ui.money(total - gap), "unit": _("元")},
            {"label": _("缺口"), "value": ui.money(gap), "unit": _("元")},
            {"label": _("测算家庭"), "value": ui.count(row.households), "unit": _("户")},
        ],
    }  # fmt: skip
    return render(request, "budget/scenario.html", context)


@require_POST
@may("budget.view")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Every step of a scenario's course; the services say who may."""
    row, now = found(pk), timezone.now()
    what, note = request.POST.get("act", ""), request.POST.get("note", "")
    text = request.POST.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if what == "calculate":
        duties.require("budget.prepare")
        if not row.open or row.area != scopes.current().area:
            messages.error(request, _("这个方案不能再测算；需要修改的，请先退回，或复制为新方案。"))
        else:
            tasks.start_task(
                path=TASK,
                title=_("预算测算：%(name)s") % {"name": row},
                arguments={"scenario": row.pk},
                url=reverse("budget:scenario", args=[row.pk]),
                now=now,
            )
        return redirect("budget:scenario", pk)
    steps = {
        "ask": (lambda: course.ask_check(scenario_id=pk, now=now), _("已送财政复核。")),
        "check": (lambda: course.check_scenario(scenario_id=pk, version=version, note=note, now=now), _("已复核，内容已锁定，待县级审批人上报。")),
        "send_back": (lambda: course.send_back_scenario(scenario_id=pk, version=version, note=note, now=now), _("已退回修改。")),
        "submit": (lambda: course.submit_scenario(scenario_id=pk, version=version, note=note, now=now), _("已上报。")),
        "accept": (lambda: course.decide_scenario(scenario_id=pk, version=version, accepted=True, note=note, now=now), _("已接受。")),
        "return": (lambda: course.decide_scenario(scenario_id=pk, version=version, accepted=False, note=note, now=now), _("已退回县里修改。")),
    }
    if what not in steps:
        raise Http404
    step, done = steps[what]
    tell(request, step, lambda _answer: str(done))
    return redirect("budget:scenario", pk)


@require_POST
@may("budget.prepare")
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    made = tell(
        request,
        lambda: scenarios.copy_scenario(scenario_id=pk, name=request.POST.get("name", ""), now=timezone.now()),
        lambda row: _("已复制为“%(name)s”，改好假设后测算。") % {"name": row.name},
    )
    return redirect("budget:scenario", made.pk if made else pk)


@require_http_methods(["GET", "POST"])
@may("budget.prepare")
def assume(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """State one assumption."""
    row = found(pk)
    if kind not in Assumption.Kind.values:
        raise Http404
    form = AssumptionForm(request.POST or None, kind=kind, year=row.year)
    if request.method == "POST" and form.is_valid():
        try:
            scenarios.add_assumption(scenario_id=pk, kind=kind, now=timezone.now(), **form.given())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已加入假设；请重新测算。"))
            return redirect("budget:scenario", pk)
    return render(request, "budget/assume.html", {"form": form, "row": row, "kind": Assumption.Kind(kind).label}, status=422 if form.errors else 200)


@require_POST
@may("budget.prepare")
def drop(request: HttpRequest, pk: int, assumption: int) -> HttpResponse:
    row = found(pk)
    if row.assumptions.filter(pk=assumption).exists():
        tell(
            request,
            lambda: scenarios.drop_assumption(assumption_id=assumption, now=timezone.now()) or True,
            lambda _answer: _("已删除假设；请重新测算。"),
        )
    return redirect("budget:scenario", pk)


@require_http_methods(["GET", "POST"])
@may("budget.prepare")
def source(request: HttpRequest, pk: int, fund: int, level: str) -> HttpResponse:
    """What one level pays of one fund."""
    row, paid_from = found(pk), Fund.objects.filter(pk=fund).first()
    if paid_from is None or level not in Level.values:
        raise Http404
    known = row.sources.filter(fund_id=fund, level=level).first()
    initial = {"share": known.share, "amount": known.amount, "basis": known.basis if known.entered else ""} if known else {}
    form = SourceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            scenarios.set_source(scenario_id=pk, fund_id=fund, level=level, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已保存资金来源。"))
            return redirect("budget:scenario", pk)
    return render(
        request, "budget/source.html", {"form": form, "row": row, "fund": paid_from, "level": Level(level).label}, status=422 if form.errors else 200
    )


@require_GET
@may("budget.view")
def item(request: HttpRequest, pk: int, fund: int, item: str) -> HttpResponse:
    """One figure opened: how it was made, month by month."""
    row = found(pk)
    if item not in Item.values or not Figure.objects.filter(scenario=row, fund_id=fund, item=item).exists():
        raise Http404
    names, labels = queries.fund_names(), queries.parameter_labels()
    opened = queries.explained(row, fund, item)
    said = [(queries.said(a, funds=names, labels=labels), a.reason) for a in opened["assumptions"]]
    return render(request, "budget/item.html", {"row": row, "fund": names[fund], "item": Item(item).label, **opened, "said": said})


@require_GET
@may("budget.view")
def compare(request: HttpRequest) -> HttpResponse:
    """Scenarios of a year side by side, at most four."""
    area = scopes.current().area
    if len(area) < 6:
        area = request.GET.get("area", "") if scopes.current().covers(request.GET.get("area", "")) else area
    year = year_of(request, area)
    wanted = [int(text) for text in request.GET.getlist("pk") if text.isascii() and text.isdigit() and len(text) < 19]
    rows = Scenario.objects.filter(area=area[:6], year=year, calculated_at__isnull=False).order_by("id")
    every = list(rows)
    chosen = [row for row in every if row.pk in wanted][:MOST_COMPARED] or every[:MOST_COMPARED]
    names, labels = queries.fund_names(), queries.parameter_labels()
    behind = [[queries.said(a, funds=names, labels=labels) for a in row.assumptions.order_by("kind", "starts", "id")] for row in chosen]
    context = {
        "rows": [(row, queries.COLOURS[row.state]) for row in chosen], "every": every, "lines": queries.compared(chosen), "year": year,
        "place": places.name(area[:6]), "area": area,
        "behind": list(zip(chosen, behind, strict=True)), "chosen": {row.pk for row in chosen}, "basis": [row.get_basis_display() for row in chosen],
    }  # fmt: skip
    return render(request, "budget/compare.html", context)
