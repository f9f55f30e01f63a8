"""Pages of plans put to work: the preview and start, an activation with its lists, one person of a list on the phone."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.community import plan_queries, queries
from doudi.community.models import Activation, ActivationPerson
from doudi.community.plan_forms import ActivateForm, CheckForm
from doudi.community.services import activating, plans
from doudi.community.views.plans import RUN_COLOURS
from doudi.core import audit, duties, emergencies, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs.views.queue import number
from doudi.registry.models import Membership
from doudi.registry.queries import shown_name


@may("plans.activate")
def activate(request: HttpRequest) -> HttpResponse:
    """Whom the chosen villages' plans would list and how densely, before anything happens; then the start itself."""
    own, on, post = request.scope.area, timezone.localdate(), request.method == "POST"  # type: ignore[attr-defined]
    given = request.POST if post else request.GET
    chosen = plan_queries.ready_plans(areas=given.getlist("areas"), towns=given.getlist("towns"))
    holding = [(row.pk, row.title) for row in emergencies.in_force(own, on)]
    form = ActivateForm(request.POST if post else None, emergencies=holding, initial={"reason": "", "document": ""})
    if post and form.is_valid():
        said = form.cleaned_data
        try:
            made = activating.activate(
                areas=request.POST.getlist("areas"), reason=said["reason"], document=said["document"], until=said["until"], emergency_id=said["emergency"],
                now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已启动 %(plans)d 个预案，名单共 %(people)d 人。") % {"plans": len(made), "people": sum(row.people for row in made)})
            return redirect("community:activation", activation_id=made[0].pk) if len(made) == 1 else redirect("community:plans")
    if not chosen and not post:
        messages.error(request, _("请先选择有现行预案、没有在启动中的村（社区）。"))
        return redirect("community:plans")
    if not post:
        for area in {row.area[:9] for row in chosen}:
            audit.record_access(what="open", subject=plans.SUBJECT, area=area, field="preview")
    places.preload(row.area for row in chosen)
    villages = plan_queries.preview(chosen) if chosen else []
    total = {name: sum(row[name] for row in villages) for name in ("people", "visit", "call", "first", "bare")}
    page = plan_queries.listed(chosen, count=total["people"], number=number(given.get("page")) or 1)
    names, hows = queries.group_names(), {"visit": _("上门"), "call": _("电话")}
    context = {
        "form": form, "wide": len(own) < 9, "villages": villages, "total": total, "page": page,
        "people": [(row, shown_name(row.name), queries.group_words(row.groups, names), hows[row.how]) for row in page.rows],
        "figures": [
            {"label": _("村（社区）"), "value": len(villages), "unit": _("个")}, {"label": _("将列入名单"), "value": f"{total['people']:,}", "unit": _("人")},
            {"label": _("其中上门"), "value": f"{total['visit']:,}", "unit": _("人")}, {"label": _("其中电话"), "value": f"{total['call']:,}", "unit": _("人")},
            {"label": _("未落实帮扶责任人"), "value": f"{total['bare']:,}", "unit": _("人")},
        ],
    }  # fmt: skip
    return render(request, "community/plans_activate.html", context, status=422 if form.errors else 200)


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
    active = row.activation.state == Activation.State.ACTIVE
    phone, _name = _phone_of(row) if active else ("", "")
    context = {
        "row": row, "form": form if active else None, "groups": queries.group_words(row.groups, queries.group_names()), "checks": checks,
        "masked": ui.mask_phone(phone) if phone else "", "today": next((each for each in checks if each.on == timezone.localdate()), None), "active": active,
    }  # fmt: skip
    return render(request, "community/plan_entry.html", context, status=422 if form.errors else 200)


def _phone_of(row: ActivationPerson) -> tuple[str, str]:
    """(number, whose): the person's own phone, else that of somebody of the household; empty where there is none. One query."""
    members = Membership.objects.filter(household=row.household_id, ends__isnull=True, person__died_on__isnull=True, person__phone__isnull=False)
    found = sorted(members.select_related("person"), key=lambda each: (each.person_id != row.person_id, each.relationship, each.pk))
    return (numbers.plain(found[0].person.phone) or "", found[0].person.name) if found else ("", "")


@require_POST
@may("plans.work")
def entry_phone(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Whom to call for somebody on the list, while the plan is at work; recorded before it is shown."""
    row = get_object_or_404(ActivationPerson.objects.select_related("activation"), pk=entry_id, activation__state=Activation.State.ACTIVE)
    audit.record_access(what="reveal", subject="person", subject_id=row.person_id, area=row.area, field="phone", reason="预案启动期间联系")
    phone, name = _phone_of(row)
    return HttpResponse(format_html('<span class="rv"><a href="tel:{}">{}</a>　{}</span>', phone, phone, name))
