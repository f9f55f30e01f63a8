"""Pages of service plans: the villages' plans and one version."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.community import plan_queries, queries
from doudi.community.models import Activation, PlanItem, PlanVersion
from doudi.community.plan_forms import LineForm
from doudi.community.services import plans
from doudi.community.services.plans import OTHERS
from doudi.core import audit, duties, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs.views.queue import number

COLOURS = {"draft": "gray", "submitted": "orange", "approved": "green", "replaced": "gray"}
RUN_COLOURS = {"active": "red", "ended": "orange", "reviewed": "green"}
Section = PlanItem.Section


@may("plans.view")
def listing(request: HttpRequest) -> HttpResponse:
    """Plans in force and open ones, what is active; villages (a county: townships too) are chosen here and activated on the next page, after a preview."""
    own = request.scope.area  # type: ignore[attr-defined]
    problem = ""
    if request.method == "POST":
        try:
            return redirect("community:plan", plan_id=plans.draft_plan(area=request.POST.get("area", ""), now=timezone.now()).pk)
        except (ValidationError, PermissionDenied) as error:
            problem = "；".join(error.messages) if isinstance(error, ValidationError) else str(error)
    below = places.children(own) if len(own) < 12 else []
    asked = request.GET.get("area", "")
    place = asked if asked in dict(below) else own
    versions = PlanVersion.objects.filter(area__gte=place, area__lt=place + ":").exclude(state=PlanVersion.State.REPLACED)
    page = page_of(versions.select_related("made_by").order_by("area", "-number"), number(request.GET.get("page")) or 1, 50)
    running = {row.area: row for row in Activation.objects.filter(state=Activation.State.ACTIVE, area__in={row.area for row in page.rows})}
    places.preload(row.area for row in page.rows)
    past = list(Activation.objects.exclude(state=Activation.State.ACTIVE).order_by("-ended_at")[:10])
    places.preload(row.area for row in past)
    villages = below if len(own) == 9 else [(own, places.name(own))] if len(own) == 12 else []
    context = {
        "page": page, "rows": [(row, COLOURS[row.state], running.get(row.area)) for row in page.rows], "problem": problem,
        "may_activate": duties.may("plans.activate"), "villages": villages if duties.may("plans.write") else [],
        "past": [(row, RUN_COLOURS[row.state]) for row in past], "towns": plan_queries.townships(own) if len(own) == 6 else [],
        "below": below if len(own) < 9 else [], "place": place, "wide": len(own) < 9,
    }  # fmt: skip
    return render(request, "community/plans.html", context, status=422 if problem else 200)


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
    shown_whole = step == "phones"
    if shown_whole:
        _reveals()
        audit.record_access(what="reveal", subject=plans.SUBJECT, subject_id=row.pk, area=row.area, field="phones")
    elif request.method == "POST":
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
            item.call = item.line or (numbers.plain(item.phone) or "" if item.phone and shown_whole else "")  # type: ignore[attr-defined]
            item.masked = ui.mask_phone(numbers.plain(item.phone)) if item.phone and not shown_whole else ""  # type: ignore[attr-defined]
        shown: LineForm | None = (wrong if wrong is not None and wrong.section == section else LineForm(section=section, groups=groups)) if editing else None
        sections.append((section, lines, shown))
    account = request.scope.account_id  # type: ignore[attr-defined]
    context = {
        "row": row, "colour": COLOURS[row.state], "sections": sections, "editing": editing, "problem": problem,
        "may_decide": row.state == "submitted" and duties.may("plans.approve") and row.submitted_by_id != account,
        "history": PlanVersion.objects.filter(area=row.area).order_by("-number")[:20], "may_reveal": _may_reveal(), "shown_whole": shown_whole,
        "has_phones": any(item.phone for item in items),
        "run": Activation.objects.filter(area=row.area, state=Activation.State.ACTIVE).first(), "ready": row.state == "approved" and duties.may("plans.activate"),
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


def _may_reveal() -> bool:
    """Who works with plans sees the phones of their people; who only looks does not."""
    return duties.may("plans.work") or duties.may("plans.activate")


def _reveals() -> None:
    if not _may_reveal():
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))


@require_POST
@may("plans.view")
def line_phone(request: HttpRequest, plan_id: int, item_id: int) -> HttpResponse:
    """The whole number of somebody in the plan, after its access record is committed."""
    _reveals()
    item = get_object_or_404(PlanItem, pk=item_id, plan=plan_id, phone__isnull=False)
    audit.record_access(what="reveal", subject=plans.SUBJECT, subject_id=item.plan_id, area=item.area, field="phone")
    phone = numbers.plain(item.phone)
    return HttpResponse(format_html('<span class="rv"><a href="tel:{}">{}</a></span>', phone, phone))
