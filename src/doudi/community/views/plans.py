"""Pages of service plans: the villages' plans, one version, an activation with its lists, and one person of a list on the phone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community import queries
from doudi.community.models import Activation, ActivationPerson, PlanItem, PlanVersion
from doudi.community.plan_forms import ActivateForm, CheckForm, LineForm
from doudi.community.services import activating, plans
from doudi.community.services.plans import OTHERS
from doudi.core import audit, duties, emergencies, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.views.access import may
from doudi.needs.views.queue import number

COLOURS = {"draft": "gray", "submitted": "orange", "approved": "green", "replaced": "gray"}
RUN_COLOURS = {"active": "red", "ended": "orange", "reviewed": "green"}
Section = PlanItem.Section


@may("plans.view")
def listing(request: HttpRequest) -> HttpResponse:
    """Plans in force and open ones, what is active, and the form to activate chosen villages."""
    own, on = request.scope.area, timezone.localdate()  # type: ignore[attr-defined]
    holding = [(row.pk, row.title) for row in emergencies.in_force(own, on)]
    form = ActivateForm(request.POST if request.POST.get("act") == "activate" else None, emergencies=holding)
    draft_error = ""
    if request.method == "POST":
        try:
            if request.POST.get("act") == "draft":
                return redirect("community:plan", plan_id=plans.draft_plan(area=request.POST.get("area", ""), now=timezone.now()).pk)
            if form.is_valid():
                given = form.cleaned_data
                made = activating.activate(
                    areas=request.POST.getlist("areas"), reason=given["reason"], document=given["document"], until=given["until"], emergency_id=given["emergency"],
                    now=timezone.now(),
                )  # fmt: skip
                messages.success(request, _("已启动 %(plans)d 个预案，名单共 %(people)d 人。") % {"plans": len(made), "people": sum(row.people for row in made)})
                return redirect("community:activation", activation_id=made[0].pk) if len(made) == 1 else redirect("community:plans")
        except (ValidationError, PermissionDenied) as error:
            draft_error = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    rows = PlanVersion.objects.exclude(state=PlanVersion.State.REPLACED).select_related("made_by").order_by("area", "-number")
    page = page_of(rows, number(request.GET.get("page")) or 1, 50)
    running = {row.area: row for row in Activation.objects.filter(state=Activation.State.ACTIVE, area__in={row.area for row in page.rows})}
    places.preload(row.area for row in page.rows)
    past = Activation.objects.exclude(state=Activation.State.ACTIVE).order_by("-ended_at")[:10]
    below = places.children(own) if len(own) == 9 else [(own, places.name(own))] if len(own) == 12 else []
    context = {
        "page": page, "rows": [(row, COLOURS[row.state], running.get(row.area)) for row in page.rows], "form": form, "problem": draft_error,
        "may_activate": duties.may("plans.activate"), "villages": below if duties.may("plans.write") else [], "past": [(row, RUN_COLOURS[row.state]) for row in past],
    }  # fmt: skip
    return render(request, "community/plans.html", context, status=422 if draft_error or form.errors else 200)


def _groups() -> list[tuple[str, str]]:
    return [*queries.group_names().items(), (OTHERS, _("其他关爱对象"))]


@may("plans.view")
def plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    """One version by sections; a draft with the form of each section."""
    row = get_object_or_404(PlanVersion.objects.select_related("made_by", "submitted_by", "decided_by"), pk=plan_id)
    post, now, groups, problem = request.POST, timezone.now(), _groups(), ""
    editing = row.state == PlanVersion.State.DRAFT and duties.may("plans.write")
    step, version = post.get("act", ""), number(post.get("version")) or -1
    wrong: LineForm | None = None
    if request.method == "POST":
        try:
            if step in Section.values:
                form = LineForm(post, section=step, groups=groups)
                if form.is_valid():
                    try:
                        plans.add_line(plan_id=row.pk, version=version, line=form.line(), now=now)
                        return redirect(f"{reverse('community:plan', args=[row.pk])}#{step}")
                    except ValidationError as error:
                        errors_into(form, error)
                wrong = form
            else:
                _plan_step(step, row, version, post, now)
                return redirect("community:plan", plan_id=row.pk)
        except (ValidationError, PermissionDenied) as error:
            problem = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    else:
        audit.record_access(what="open", subject=plans.SUBJECT, subject_id=row.pk, area=row.area)
    names = dict(groups)
    sections = []
    items = list(PlanItem.objects.filter(plan=row).order_by("position", "id"))
    for section in Section:
        lines = [item for item in items if item.section == section]
        for item in lines:
            item.shown = names.get(item.name, item.name) if section == Section.PRIORITY else item.name  # type: ignore[attr-defined]
            item.call = item.line or (numbers.plain(item.phone) or "")  # type: ignore[attr-defined]
        shown: LineForm | None = (wrong if wrong is not None and wrong.section == section else LineForm(section=section, groups=groups)) if editing else None
        sections.append((section, lines, shown))
    account = request.scope.account_id  # type: ignore[attr-defined]
    context = {
        "row": row, "colour": COLOURS[row.state], "sections": sections, "editing": editing, "problem": problem,
        "may_decide": row.state == "submitted" and duties.may("plans.approve") and row.submitted_by_id != account,
        "history": PlanVersion.objects.filter(area=row.area).order_by("-number")[:20],
    }  # fmt: skip
    return render(request, "community/plan.html", context, status=422 if problem or wrong else 200)


def _plan_step(step: str, row: PlanVersion, version: int, post: Any, now: Any) -> None:
    if step == "remove":
        plans.remove_line(plan_id=row.pk, version=version, item_id=number(post.get("item")) or 0)
    elif step == "submit":
        plans.submit_plan(plan_id=row.pk, version=version, now=now)
    elif step == "approve":
        plans.approve_plan(plan_id=row.pk, version=version, now=now)
    elif step == "send_back":
        plans.send_back_plan(plan_id=row.pk, version=version, note=post.get("note", ""), now=now)


@may("plans.view")
def activation(request: HttpRequest, activation_id: int) -> HttpResponse:
    """Checklist, today's list by priority, figures, end and review."""
    row = get_object_or_404(Activation.objects.select_related("plan", "emergency", "started_by", "reviewed_by"), pk=activation_id)
    post, now, problem = request.POST, timezone.now(), ""
    if request.method == "POST":
        step, version = post.get("act", ""), number(post.get("version")) or -1
        try:
            if step == "tick":
                activating.tick_step(step_id=get_object_or_404(row.steps, pk=number(post.get("step")) or 0).pk, now=now)
            elif step == "end":
                activating.deactivate(activation_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
            elif step == "review":
                activating.review(activation_id=row.pk, version=version, text=post.get("text", ""), now=now)
            return redirect("community:activation", activation_id=row.pk)
        except (ValidationError, PermissionDenied) as error:
            problem = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    else:
        audit.record_access(what="open", subject=activating.SUBJECT, subject_id=row.pk, area=row.area)
    on = timezone.localdate()
    which = request.GET.get("which", "owed")
    entries = ActivationPerson.objects.filter(activation=row).select_related("grid")
    if which != "all":
        entries = entries.filter(last_on=on) if which == "done" else entries.filter(due__lte=on)
    page = page_of(entries.order_by("priority", "due", "id"), number(request.GET.get("page")) or 1, 50)
    found = activating.figures([row.pk], on).get(row.pk, {"all": 0, "owed": 0, "done": 0, "need": 0, "lost": 0})
    names = queries.group_names()
    steps = list(row.steps.select_related("done_by").order_by("position"))
    context = {
        "row": row, "colour": RUN_COLOURS[row.state], "steps": steps, "ticked": sum(1 for each in steps if each.done_at), "page": page, "which": which, "problem": problem,
        "entries": [(each, queries.group_words(each.groups, names)) for each in page.rows], "on": on, "may_work": row.state == "active" and duties.may("plans.work"),
        "may_end": row.state == "active" and duties.may("plans.activate"), "may_review": row.state == "ended" and duties.may("plans.activate"),
        "tabs": [("owed", _("今天待办"), found["owed"]), ("done", _("今天已办"), found["done"]), ("all", _("全部"), found["all"])],
        "figures": [
            {"label": _("名单人数"), "value": f"{found['all']:,}", "unit": _("人")}, {"label": _("今天待办"), "value": f"{found['owed']:,}", "unit": _("人")},
            {"label": _("今天已办"), "value": f"{found['done']:,}", "unit": _("人")}, {"label": _("今天有需求"), "value": f"{found['need']:,}", "unit": _("人")},
            {"label": _("没有联系上"), "value": f"{found['lost']:,}", "unit": _("人")},
        ],
    }  # fmt: skip
    return render(request, "community/activation.html", context, status=422 if problem else 200)


@may("plans.work")
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Record today's visit or call; a need goes on to the form of needs."""
    row = get_object_or_404(ActivationPerson.objects.select_related("activation", "grid"), pk=entry_id)
    form = CheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = activating.record_check(entry_id=row.pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记。"))
            if made.outcome == "need" and duties.may("needs.raise"):
                return redirect(f"{reverse('needs:new')}?person={row.person_id}")
            return redirect("community:activation", activation_id=row.activation_id)
    checks = row.checks.select_related("made_by").order_by("-on")[:30]
    context = {"row": row, "form": form, "groups": queries.group_words(row.groups, queries.group_names()), "checks": checks}
    return render(request, "community/plan_entry.html", context, status=422 if form.errors else 200)
