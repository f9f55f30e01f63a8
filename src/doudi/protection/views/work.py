"""The work on a case: assessment, plan, contacts, meetings, counselling, resources; one tab each, one address for what is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import audit, duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.views.access import may
from doudi.protection import benefits, instrument, queries, services
from doudi.protection import work_forms as f
from doudi.protection.models import CaseResource, CaseReview, PlanGoal, PlanService, ProtectionCase
from doudi.protection.sections import may_read, may_write
from doudi.protection.services.base import SUBJECT
from doudi.protection.views import cases, tabs

WORKED_ON = ("assessing", "following")


def _writes(row: ProtectionCase, section: str) -> bool:
    return row.state in WORKED_ON and duties.may("protection.handle") and may_write(section, scopes.current().duty)


# --- what each tab shows ----------------------------------------------------------------------------------------------


def assessment(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    found = []
    for made in row.assessments.select_related("assessed_by").order_by("-assessed_at", "-id")[:20]:
        form, finding = services.explained(made)
        found.append((made, finding, instrument.said(form, finding), queries.LEVEL_COLOURS[made.level]))
    return {"assessments": found, "may_write": _writes(row, "assessment")}


def plan(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    me, on, writes = scopes.current().account_id, timezone.localdate(now), _writes(row, "plan")
    goals = list(row.goals.order_by("closed_at", "due", "id")[:50])
    served: dict[int, list[Any]] = {goal.pk: [] for goal in goals}
    for service in PlanService.objects.filter(case=row, goal__in=goals).select_related("responsible").order_by("due", "id"):
        open_ = service.state in PlanService.OPEN
        form = None
        if open_ and row.state in WORKED_ON and (writes or service.responsible_id == me):
            form = refused.get(f"progress_{service.pk}") or f.ProgressForm(initial={"version": service.version, "state": service.state}, prefix=f"s{service.pk}")
        served[service.goal_id].append((service, open_ and service.due < on, form))
    shown = []
    for goal in goals:
        form = None
        if writes and goal.state == "open":
            form = refused.get(f"goal_end_{goal.pk}") or f.GoalEndForm(initial={"version": goal.version}, prefix=f"g{goal.pk}")
        shown.append((goal, served[goal.pk], form, goal.state == "open" and goal.due < on))
    open_goals = [(goal.pk, goal.goal[:40]) for goal in goals if goal.state == "open"]
    workers = services.workers(row) if writes else []
    return {
        "goals": shown, "goal_form": (refused.get("goal") or f.GoalForm(prefix="goal")) if writes else None,
        "service_form": (refused.get("service") or f.ServiceForm(goals=open_goals, workers=workers, prefix="service")) if writes and open_goals else None,
    }  # fmt: skip


def contacts(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    rows = list(row.contacts.select_related("recorder").order_by("-done_at", "-id")[:100])
    due = next((each for each in rows if each.state == "due"), None)
    writes = row.state in ProtectionCase.OPEN and may_write("visits", scopes.current().duty) and duties.may("protection.handle")
    return {
        "contacts": [each for each in rows if each.state in ("done", "missed")], "due": due, "may_write": writes, "may_visits": duties.may("visits.view"),
        "move_form": (refused.get("contact_move") or f.MoveContactForm(initial={"due": due.due} if due else {}, prefix="move")) if writes else None,
    }  # fmt: skip


def reviews(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    writes, shown = _writes(row, "reviews"), []
    for review in row.reviews.select_related("held_by", "made_by").order_by("-at")[:30]:
        minutes = cancel = None
        if writes and review.state == "planned":
            minutes = refused.get(f"minutes_{review.pk}") or f.MinutesForm(initial={"version": review.version, "members": review.members}, prefix=f"m{review.pk}")
            cancel = refused.get(f"review_cancel_{review.pk}") or f.CancelReviewForm(initial={"version": review.version}, prefix=f"x{review.pk}")
        shown.append((review, {"planned": "orange", "held": "green", "cancelled": "gray"}[review.state], minutes, cancel))
    return {"reviews": shown, "review_form": (refused.get("review") or f.ReviewForm(prefix="review")) if writes else None}


def counselling(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    colours = {"steady": "green", "low": "orange", "anxious": "orange", "at_risk": "red"}
    rows = [(each, colours[each.mood]) for each in row.counselling.select_related("made_by").order_by("-on", "-id")[:60]]
    form = (refused.get("counselling") or f.CounsellingForm(prefix="counselling")) if _writes(row, "counselling") else None
    return {"sessions": rows, "counselling_form": form}


def resources(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    writes, shown = _writes(row, "resources"), []
    for each in row.resources.order_by("ends", "-starts", "-id")[:60]:
        form = None
        if writes and each.ends is None:
            form = refused.get(f"resource_end_{each.pk}") or f.ResourceEndForm(initial={"version": each.version}, prefix=f"r{each.pk}")
        shown.append((each, form))
    return {
        "resources": shown, "resource_form": (refused.get("resource") or f.ResourceForm(prefix="resource")) if writes else None, "benefits": benefits.of(row, timezone.localdate()),
        "may_lead": row.household_id and duties.may("discovery.report"),
    }  # fmt: skip


for each in (
    tabs.Tab("assessment", gettext_lazy("监护状况评估"), "assessment", assessment, "protection/_assessment.html"),
    tabs.Tab("plan", gettext_lazy("帮扶方案"), "plan", plan, "protection/_plan.html"),
    tabs.Tab("contacts", gettext_lazy("走访、回访"), "visits", contacts, "protection/_contacts.html"),
    tabs.Tab("reviews", gettext_lazy("个案会商"), "reviews", reviews, "protection/_reviews.html"),
    tabs.Tab("counselling", gettext_lazy("心理疏导"), "counselling", counselling, "protection/_counselling.html"),
    tabs.Tab("resources", gettext_lazy("资源链接"), "resources", resources, "protection/_resources.html"),
    tabs.Tab("log", gettext_lazy("查阅记录"), "", cases.log, "protection/_log.html"),
):
    tabs.add(each)


# --- what is sent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One form of a tab. `model`: its address names a row of this case; `keep`: fields given to the service by another name."""

    tab: str
    section: str
    form: Callable[[ProtectionCase, Any, str], forms.Form]
    call: Callable[..., Any]
    model: type[models.Model] | None = None
    item: str = ""


def _plain(form: type[forms.Form], prefix: str) -> Callable[[ProtectionCase, Any, str], forms.Form]:
    return lambda _row, post, item: form(post, prefix=prefix + item)


def _service_form(row: ProtectionCase, post: Any, _item: str) -> forms.Form:
    goals = [(goal.pk, goal.goal[:40]) for goal in row.goals.filter(state="open")]
    return f.ServiceForm(post, goals=goals, workers=services.workers(row), prefix="service")


def _add_service(*, goal: int, account: int | None, **given: Any) -> Any:
    return services.add_service(goal_id=goal, account_id=account, **given)


STEPS: dict[str, Step] = {
    "goal": Step("plan", "plan", _plain(f.GoalForm, "goal"), services.add_goal),
    "goal_end": Step("plan", "plan", _plain(f.GoalEndForm, "g"), services.close_goal, PlanGoal, "goal_id"),
    "service": Step("plan", "plan", _service_form, _add_service),
    "progress": Step("plan", "", _plain(f.ProgressForm, "s"), services.service_progress, PlanService, "service_id"),
    "contact_move": Step("contacts", "visits", _plain(f.MoveContactForm, "move"), services.move_contact),
    "review": Step("reviews", "reviews", _plain(f.ReviewForm, "review"), services.plan_review),
    "minutes": Step("reviews", "reviews", _plain(f.MinutesForm, "m"), services.hold_review, CaseReview, "review_id"),
    "review_cancel": Step("reviews", "reviews", _plain(f.CancelReviewForm, "x"), services.cancel_review, CaseReview, "review_id"),
    "counselling": Step("counselling", "counselling", _plain(f.CounsellingForm, "counselling"), services.record_counselling),
    "resource": Step("resources", "resources", _plain(f.ResourceForm, "resource"), services.link_resource),
    "resource_end": Step("resources", "resources", _plain(f.ResourceEndForm, "r"), services.end_resource, CaseResource, "resource_id"),
}


@require_POST
@may("protection.view")
def step(request: HttpRequest, case_id: int, what: str, item_id: int | None = None) -> HttpResponse:
    """Take what a form of a tab says. A row of another case under this case's address does not exist."""
    row, declared = cases.found_case(case_id), STEPS.get(what)
    if declared is None or (declared.model is None) != (item_id is None):
        raise Http404
    if not may_read(declared.section or "plan", scopes.current().duty):
        raise Http404
    if declared.section and not may_write(declared.section, scopes.current().duty):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    if declared.model is not None:
        get_object_or_404(declared.model, case=row, pk=item_id)
    item = str(item_id or "")
    form = declared.form(row, request.POST, item)
    name = f"{what}_{item}" if item else what
    if not form.is_valid():
        return cases.page(request, case_id, declared.tab, {name: form})
    given = {**form.cleaned_data, "case_id": row.pk, "now": timezone.now(), **({declared.item: item_id} if item else {})}
    try:
        declared.call(**given)
    except ValidationError as error:
        errors_into(form, error)
        return cases.page(request, case_id, declared.tab, {name: form})
    messages.success(request, _("已保存。"))
    return redirect(f"{reverse('protection:case', args=[row.pk])}?tab={declared.tab}")


@may("protection.view")
def assess(request: HttpRequest, case_id: int) -> HttpResponse:
    """The form of an assessment on a page of its own."""
    row = _write_page(request, case_id, "assessment", WORKED_ON)
    form = f.AssessForm(request.POST or None, initial={"version": row.version})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.record_assessment(
                case_id=row.pk, version=given["version"], uuid=given["uuid"], answers=form.answers(), level=given["level"], reason=given["reason"],
                remarks=given["remarks"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("评估已保存。"))
            return redirect(f"{reverse('protection:case', args=[row.pk])}?tab=assessment")
    context = {"row": row, "form": form, "name": row.name or _("姓名不详")}
    return render(request, "protection/assess.html", context, status=422 if form.errors else 200)


@may("protection.view")
def contact(request: HttpRequest, case_id: int) -> HttpResponse:
    """Record a contact, also at the door on a phone."""
    row = _write_page(request, case_id, "visits", ProtectionCase.OPEN)
    owed = services.owed_visit(row) if duties.may("visits.record") else None
    form = f.ContactForm(request.POST or None, visits=services.linkable(row), owed=owed is not None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.record_contact(
                case_id=row.pk, uuid=given["uuid"], how=given["how"], met=given["met"], safe=given["safe"], note=given["note"], done_at=given["done_at"],
                visit_id=given.get("visit"), living=given.get("living", ""), now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("回访已登记。"))
            return redirect(f"{reverse('protection:case', args=[row.pk])}?tab=contacts")
    context = {"row": row, "form": form, "name": row.name or _("姓名不详"), "owed": owed}
    return render(request, "protection/contact.html", context, status=422 if form.errors else 200)


def _write_page(request: HttpRequest, case_id: int, section: str, states: tuple[str, ...]) -> ProtectionCase:
    """The case of a page that writes one section; opening it is recorded."""
    row, duty = cases.found_case(case_id), scopes.current().duty
    if not may_read(section, duty):
        raise Http404
    if not may_write(section, duty) or not duties.may("protection.handle"):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    if row.state not in states:
        raise PermissionDenied(_("这件个案现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()})
    if request.method == "GET":
        audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area, field=section)
    return row
