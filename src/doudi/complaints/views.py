"""Pages of objections and complaints (异议与投诉)."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.complaints import queries, services
from doudi.complaints.forms import AssignForm, CloseForm, HoldForm, MassForm, OpenForm
from doudi.complaints.models import Complaint, MassClose
from doudi.complaints.services.base import barred
from doudi.core import audit, duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.registry.models import Household
from doudi.registry.queries import shown_name

ON_A_PAGE = 200


class ComplaintFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("open", gettext_lazy("未办结")), ("late", gettext_lazy("超期")), *Complaint.State.choices],
        empty_label=gettext_lazy("全部"), method="by_state",
    )  # fmt: skip
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=Complaint.Kind.choices, empty_label=gettext_lazy("全部"))
    category = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Complaint.Category.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Complaint
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Complaint], name: str, value: str) -> QuerySet[Complaint]:
        if value == "late":
            return rows.filter(state__in=[state for state in Complaint.OPEN if state != "on_hold"], due__lt=timezone.localdate())
        return rows.filter(state__in=Complaint.OPEN if value == "open" else (value,)) if value else rows


class Complaints(ListPage):
    title = gettext_lazy("异议与投诉")
    act = "complaints.view"
    crumbs = ((gettext_lazy("救助办理"), ""),)
    filters = ComplaintFilter
    order = (F("closed_at").asc(nulls_first=True), "due", "id")  # type: ignore[assignment]
    subject = "complaint"
    template = "complaints/list.html"
    empty_title = gettext_lazy("没有符合条件的异议投诉")
    empty_hint = gettext_lazy("可以在这里或在家庭页面登记；被投诉的工作人员看不到涉及自己的件。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("complaints:complaint", args=[row.pk])),
        Column(gettext_lazy("种类"), "get_kind_display", small=lambda row: row.get_category_display()),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("户主"), lambda row: shown_name(row.household.name) if row.household else ""),
        Column(gettext_lazy("来源"), "get_channel_display", small=lambda row: _("匿名") if row.anonymous else ""),
        Column(gettext_lazy("登记日期"), lambda row: timezone.localdate(row.opened_at), kind="day", sort="opened_at"),
        Column(gettext_lazy("期限"), "due", kind="day", sort="due"),
        Column(gettext_lazy("承办人"), lambda row: row.handler.name if row.handler else ""),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Complaint]:
        return queries.visible().select_related("household", "handler")

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures(timezone.localdate()), "may_open": duties.may("complaints.open"), "may_mass": duties.may("complaints.assign")}


def _links(request: HttpRequest) -> services.Links:
    def number(name: str) -> int | None:
        text = request.GET.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None

    return services.Links(number("household"), number("person"), number("decision"), number("award"), number("line"), number("publicity"))


@may("complaints.open")
def new(request: HttpRequest) -> HttpResponse:
    """Take one down, from the list or from the household's page."""
    links = _links(request)
    household = get_object_or_404(Household, pk=links.household) if links.household else None
    on, place = timezone.localdate(), household.area if household else request.scope.area  # type: ignore[attr-defined]
    initial = {"kind": request.GET.get("kind", "complaint"), "category": request.GET.get("category", "decision"), "channel": "household"}
    form = OpenForm(request.POST or None, officers=queries.officers(place, on), placed=household is not None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = services.open_complaint(
                uuid=given["uuid"], kind=given["kind"], category=given["category"], channel=given["channel"], content=given["content"],
                area=given.get("area", ""), identity=form.identity(), links=links, about_account=given["about_account"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记 %(number)s，办理期限 %(day)s。") % {"number": row.number, "day": row.due})
            if duties.may("complaints.view") and queries.visible().filter(pk=row.pk).exists():
                return redirect("complaints:complaint", complaint_id=row.pk)
            return redirect("dashboard")
    return render(request, "complaints/new.html", {"form": form, "household": household}, status=422 if form.errors else 200)


@may("complaints.view")
def complaint(request: HttpRequest, complaint_id: int) -> HttpResponse:
    """One of them: what is said, what it is about, its clock, its history, and the next step of who reads it."""
    return _page(request, complaint_id, {})


def _page(request: HttpRequest, complaint_id: int, forms: dict[str, Any], problem: str = "") -> HttpResponse:
    rows = queries.visible().select_related("household", "handler", "opened_by", "proposed_by", "closed_by", "mass", "about_account")
    row = get_object_or_404(rows, pk=complaint_id)
    acting, on = request.scope, timezone.localdate()  # type: ignore[attr-defined]
    if request.method == "GET":
        audit.record_access(what="open", subject="complaint", subject_id=row.pk, area=row.area)
    mine = row.handler_id == acting.account_id and duties.may("complaints.handle")
    out = acting.account_id in barred(row)
    assigning = duties.may("complaints.assign") and row.state in ("new", "reopened", "assigned", "in_progress", "on_hold")
    desc: list[tuple[Any, ...]] = [
        (_("种类"), f"{row.get_kind_display()} · {row.get_category_display()}"), (_("来源"), row.get_channel_display()),
        (_("地区"), "".join(places.path(row.area, above=4))), (_("登记"), f"{row.opened_by.name if row.opened_by else ''} {timezone.localtime(row.opened_at):%Y-%m-%d}"),
        (_("承办人"), row.handler.name if row.handler else _("未分派")), (_("期限"), row.due),
    ]  # fmt: skip
    if row.about_account:
        desc.append((_("被投诉的工作人员"), row.about_account.name))
    if row.state == "on_hold":
        desc.append((_("暂停计时"), _("%(why)s（至 %(day)s）") % {"why": row.hold_reason, "day": row.hold_until}, True))
    if row.finding:
        desc += [(_("调查结论"), row.get_finding_display()), (_("处理意见"), row.get_action_display() + (f"：{row.get_department_display()}" if row.department else ""))]
    events = [
        {"at": each.at, "title": each.what, "who": each.account.name if each.account else _("系统"), "note": each.note or ""}
        for each in row.events.select_related("account").order_by("-id")[:100]
    ]
    context = {
        "row": row, "desc": desc, "steps": queries.steps(row), "events": events, "links": queries.links(row), "colour": queries.COLOURS[row.state],
        "late": row.state not in ("closed", "on_hold") and row.due < on, "mine": mine and not out, "out": out, "problem": problem,
        "may_reveal": services.may_reveal(row) and not out, "assign": forms.get("assign") or (AssignForm(handlers=queries.handlers(row, on)) if assigning else None),
        "hold": forms.get("hold") or HoldForm(), "close": forms.get("close") or CloseForm(initial={"action": "none"}),
        "may_approve": row.state == "for_approval" and duties.may("complaints.approve") and acting.account_id not in (row.proposed_by_id, row.handler_id) and not out,
        "may_reopen": row.state == "closed" and duties.may("complaints.assign"),
    }  # fmt: skip
    bad = problem or any(form.errors for form in forms.values())
    return render(request, "complaints/complaint.html", context, status=422 if bad else 200)


@require_POST
@may("complaints.view")
def act(request: HttpRequest, complaint_id: int) -> HttpResponse:
    """One step; the service says what stands against it."""
    post, on, now = request.POST, timezone.localdate(), timezone.now()
    row = get_object_or_404(queries.visible(), pk=complaint_id)
    step, forms = post.get("act", ""), dict[str, Any]()
    given: dict[str, Any] = {"complaint_id": row.pk, "version": int(post["version"]) if post.get("version", "").isdigit() else -1, "now": now}
    form: Any = None
    if step == "assign":
        form = forms["assign"] = AssignForm(post, handlers=queries.handlers(row, on))
    elif step == "hold":
        form = forms["hold"] = HoldForm(post)
    elif step == "close":
        form = forms["close"] = CloseForm(post)
    if form is not None and not form.is_valid():
        return _page(request, complaint_id, forms)
    try:
        if step == "assign":
            services.assign(**given, account_id=form.cleaned_data["account"])
        elif step == "hold":
            services.hold(**given, **form.cleaned_data)
        elif step == "close":
            services.propose_close(**given, **form.cleaned_data)
        elif step == "begin":
            services.begin(**given)
        elif step == "resume":
            services.resume(**given)
        elif step == "approve":
            services.approve_close(**given, note=post.get("note", ""))
        elif step == "send_back":
            services.send_back(**given, note=post.get("note", ""))
        elif step == "reopen":
            services.reopen(**given, reason=post.get("note", ""))
    except ValidationError as error:
        if form is not None:
            errors_into(form, error)
            return _page(request, complaint_id, forms)
        return _page(request, complaint_id, forms, " ".join(error.messages))
    messages.success(request, _("已办理。"))
    return redirect("complaints:complaint", complaint_id=complaint_id)


@require_POST
@may("complaints.view")
def reveal(request: HttpRequest, complaint_id: int) -> HttpResponse:
    """Who made it, for the handler or a supervisor; recorded."""
    row = get_object_or_404(queries.visible(), pk=complaint_id)
    try:
        found = services.reveal_complainant(complaint_id=row.pk, reason=f"办理 {row.number}")
    except (PermissionDenied, ValidationError) as error:
        return HttpResponse(str(error), status=403)
    return HttpResponse(format_html('<span class="rv">{}</span>', "　".join(each for each in (found.name, found.phone, found.address) if each)))


@require_GET
@may("complaints.view")
def letter(request: HttpRequest, complaint_id: int) -> HttpResponse:
    """The answer as a letter to print. It names nobody but its number; the name is written by hand or revealed apart."""
    row = get_object_or_404(queries.visible().select_related("household"), pk=complaint_id, state="closed")
    audit.record_access(what="open", subject="complaint", subject_id=row.pk, area=row.area, field="letter")
    return render(request, "complaints/letter.html", {"row": row, "place": places.name(row.area[:6])})


@may("complaints.assign")
def mass(request: HttpRequest) -> HttpResponse:
    """Choose many that have the same reason; another officer approves."""
    filters = ComplaintFilter(request.GET, queryset=queries.visible().select_related("household"), request=request)
    rows = filters.qs.filter(state__in=["new", "assigned", "in_progress", "on_hold", "reopened"]).order_by("due", "id")[:ON_A_PAGE]
    form = MassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ids = [int(each) for each in request.POST.getlist("ids") if each.isascii() and each.isdigit() and len(each) < 18]
        try:
            batch = services.propose_mass_close(complaint_ids=ids, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已提出批量办结 %(n)s 件，待另一名工作人员审批。") % {"n": batch.count})
            return redirect("complaints:mass_page", mass_id=batch.pk)
    waiting = MassClose.objects.filter(state="proposed").select_related("made_by").order_by("-id")[:20]
    chosen = set(request.POST.getlist("ids"))
    table = [(row, shown_name(row.household.name) if row.household else "", str(row.pk) in chosen) for row in rows]
    context = {"form": form, "filter": filters.form, "rows": table, "waiting": waiting}
    return render(request, "complaints/mass.html", context, status=422 if form.errors else 200)


@may("complaints.view")
def mass_page(request: HttpRequest, mass_id: int) -> HttpResponse:
    batch = get_object_or_404(MassClose.objects.select_related("made_by", "decided_by"), pk=mass_id)
    problem = ""
    if request.method == "POST":
        try:
            if request.POST.get("act") == "approve":
                done = services.approve_mass_close(mass_id=batch.pk, note=request.POST.get("note", ""), now=timezone.now())
                messages.success(request, _("已办结 %(n)s 件。") % {"n": done})
            else:
                services.send_back_mass_close(mass_id=batch.pk, note=request.POST.get("note", ""), now=timezone.now())
            return redirect("complaints:mass_page", mass_id=batch.pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
            batch.refresh_from_db()
    rows = list(queries.visible().filter(mass=batch).order_by("id")[:500])
    places.preload(row.area for row in rows)
    waits = batch.state == "proposed" and duties.may("complaints.approve") and batch.made_by_id != request.scope.account_id  # type: ignore[attr-defined]
    colour = {"proposed": "orange", "approved": "green", "sent_back": "red"}[batch.state]
    context = {"batch": batch, "rows": [(row, queries.COLOURS[row.state]) for row in rows], "problem": problem, "may_approve": waits, "colour": colour}
    context["may_mass"] = duties.may("complaints.assign")
    return render(request, "complaints/mass_page.html", context, status=422 if problem else 200)


@require_GET
@may("complaints.view")
def quality(request: HttpRequest) -> HttpResponse:
    """In time, days, upheld, reopened, by place."""
    own = request.scope.area  # type: ignore[attr-defined]
    asked = request.GET.get("area", "")
    area = asked if asked.startswith(own) and asked.isdigit() and len(asked) in (4, 6, 9) else own
    rows = queries.quality(area=area, on=timezone.localdate())
    total = {key: sum(row[key] for row in rows) for key in ("all", "closed", "in_time", "late", "upheld", "reopened")}
    share = f"{total['in_time'] / total['closed']:.0%}" if total["closed"] else "—"
    return render(request, "complaints/quality.html", {"rows": rows, "total": total, "share": share, "place": places.name(area)})
