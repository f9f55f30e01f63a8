"""Pages of sweeps for the township and county: all sweeps, opening one, progress, households, the end."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.discovery import services, sweep_queries, visit_queries
from doudi.discovery.models.sweeps import Sweep, SweepEntry, SweepEvent
from doudi.discovery.services.sweep_lists import concerned
from doudi.discovery.sweep_forms import CancelSweepForm, CloseForm, ExtendForm, GiveForm, OwnForms, SweepForm
from doudi.registry.queries import shown_name


class SweepFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Sweep.State.choices, empty_label=gettext_lazy("全部"))

    class Meta:
        model = Sweep
        fields: list[str] = []


class Sweeps(ListPage):
    title = gettext_lazy("集中排查")
    act = "sweeps.view"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = SweepFilter
    order = ("-state", "-starts", "-id")
    template = "discovery/sweeps.html"
    subject = "sweep"
    empty_title = gettext_lazy("还没有集中排查")
    empty_hint = gettext_lazy("乡镇或县定好时间、对象和询问内容，系统列出每一户并分给走访员。")
    columns = (
        Column(gettext_lazy("排查名称"), "title", url=lambda row: reverse("discovery:sweep", args=[row.pk]), small=lambda row: row.document),
        Column(gettext_lazy("开展单位"), "area", kind="area"),
        Column(gettext_lazy("开始"), "starts", kind="day", sort="starts"),
        Column(gettext_lazy("截止"), "ends", kind="day", sort="ends"),
        Column(
            gettext_lazy("状态"), lambda row: sweep_queries.when(row, timezone.localdate())[0], kind="tag",
            colour=lambda row: sweep_queries.when(row, timezone.localdate())[1],
        ),
        Column(gettext_lazy("列入户数"), "listed", kind="number"),
        Column(gettext_lazy("未排查"), "waiting", kind="number"),
    )  # fmt: skip

    def rows(self) -> QuerySet[Sweep]:
        return sweep_queries.sweeps()

    def context(self) -> dict[str, Any]:
        return {"may_manage": duties.may("sweeps.manage"), "may_mine": duties.may("sweeps.mine")}


@may("sweeps.manage")
def new(request: HttpRequest) -> HttpResponse:
    """Open a sweep; the preview says how many households it would list."""
    area = request.scope.area  # type: ignore[attr-defined]
    form, own = SweepForm(request.POST or None), OwnForms(request.POST or None, prefix="own")
    preview = ""
    if request.method == "POST" and form.is_valid() and own.is_valid():
        given = form.cleaned_data
        if "preview" in request.POST:
            households, villages = concerned(
                area=area, places=given["places"] or [area], groups=given["groups"], everybody=given["everybody"], on=timezone.localdate()
            )
            preview = _("按所选范围和对象，现有 %(households)s 户，分布在 %(villages)s 个村（社区）。") % {
                "households": f"{households:,}", "villages": f"{villages:,}",
            }  # fmt: skip
        else:
            questions = [question for each in own if (question := each.question())]
            try:
                made = services.open_sweep(**given, area=area, own=questions, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("集中排查已开展，已列出 %(count)s 户并分给走访员。") % {"count": f"{made.entries.count():,}"})
                return redirect("discovery:sweep", sweep_id=made.pk)
    context = {"form": form, "own": own, "preview": preview, "place": places.name(area)}
    return render(request, "discovery/sweep_new.html", context, status=422 if form.errors or (own.is_bound and not own.is_valid()) else 200)


def _sweep(sweep_id: int) -> Sweep:
    return get_object_or_404(sweep_queries.sweeps().select_related("opened_by", "closed_by"), pk=sweep_id)


def page(request: HttpRequest, found: Sweep, *, status: int = 200, **refused: Any) -> HttpResponse:
    """One sweep: how far each place is, what was answered, its history, and the forms of whoever leads it."""
    own, on = request.scope.area, timezone.localdate()  # type: ignore[attr-defined]
    top = own if len(own) > len(found.area) else found.area
    asked = request.GET.get("area", "")
    area = asked if asked.startswith(top) and asked.isdigit() and len(asked) in (6, 9, 12) else top
    rows, total = sweep_queries.progress(found, area=area, on=on)
    words, colour = sweep_queries.when(found, on)
    leads_it = found.state == Sweep.State.OPEN and duties.may("sweeps.manage") and request.scope.covers(found.area)  # type: ignore[attr-defined]
    version, url = {"version": found.version}, reverse("discovery:sweep_entries", args=[found.pk])
    shown: list[tuple[str, str, str]] = [
        (_("列入户数"), "listed", ""), (_("已排查"), "done", "?state=done"), (_("发现需要"), "found", "?found=true"), (_("未见到人"), "absent", "?state=absent"),
        (_("不愿配合"), "refused", "?state=refused"),
    ]  # fmt: skip
    shown.append((_("未排查到"), "unreached", "?state=unreached") if found.closed_at else (_("未排查"), "open", "?state=open"))
    figures = [{"label": label, "value": f"{total[key]:,}", "unit": _("户"), "url": url + query} for label, key, query in shown]
    if total["late"] and not found.closed_at:
        figures[-1]["note"] = _("逾期 %(count)s 户") % {"count": f"{total['late']:,}"}
    context = {
        "sweep": found, "rows": rows, "total": total, "area": area, "place": places.name(area), "words": words, "colour": colour,
        "up": area[: {12: 9, 9: 6}.get(len(area), 2)] if area != top else "", "about": sweep_queries.about_sweep(found, visit_queries.group_words(found.groups)),
        "figures": figures,
        "answers": sweep_queries.answers_of(found, area=area), "questions": list(found.questions.all()),
        "timeline": sweep_queries.timeline(SweepEvent.objects.filter(sweep=found, entry__isnull=True)),
        "may_found": found.state == Sweep.State.OPEN and found.starts <= on and duties.may("sweeps.answer"),
        "extend": refused.get("extend") or (ExtendForm(initial=version) if leads_it else None),
        "close": refused.get("close") or (CloseForm(initial=version) if leads_it and on >= found.starts else None),
        "cancel": refused.get("cancel") or (CancelSweepForm(initial=version) if leads_it else None),
    }  # fmt: skip
    return render(request, "discovery/sweep.html", context, status=status)


@require_GET
@may("sweeps.view")
def sweep(request: HttpRequest, sweep_id: int) -> HttpResponse:
    return page(request, _sweep(sweep_id))


def _step(request: HttpRequest, sweep_id: int, *, name: str, form: Any, act: Any, said: str) -> HttpResponse:
    """One step of whoever leads the sweep; a refusal shows in its form."""
    found = _sweep(sweep_id)
    if form.is_valid():
        try:
            act(sweep_id=sweep_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, said)
            return redirect("discovery:sweep", sweep_id=sweep_id)
    return page(request, found, status=422, **{name: form})


@require_POST
@may("sweeps.manage")
def extend(request: HttpRequest, sweep_id: int) -> HttpResponse:
    return _step(request, sweep_id, name="extend", form=ExtendForm(request.POST), act=services.extend_sweep, said=_("已延期；走访员的待办随之延后。"))


@require_POST
@may("sweeps.manage")
def close(request: HttpRequest, sweep_id: int) -> HttpResponse:
    said = _("集中排查已办结；未排查到的家庭已安排补走访，并列入乡镇待办。")
    return _step(request, sweep_id, name="close", form=CloseForm(request.POST), act=services.close_sweep, said=said)


@require_POST
@may("sweeps.manage")
def cancel(request: HttpRequest, sweep_id: int) -> HttpResponse:
    return _step(
        request, sweep_id, name="cancel", form=CancelSweepForm(request.POST), act=services.cancel_sweep, said=_("已取消；已登记的情况都保留。")
    )


class EntryFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=gettext_lazy("户主"), method="by_name")
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("open", gettext_lazy("未排查")), ("late", gettext_lazy("逾期")), *SweepEntry.State.choices],
        empty_label=gettext_lazy("全部"), method="by_state",
    )  # fmt: skip
    found = django_filters.ChoiceFilter(
        label=gettext_lazy("发现需要"), choices=[("true", gettext_lazy("有")), ("false", gettext_lazy("没有"))], empty_label=gettext_lazy("全部"),
        method="by_found",
    )  # fmt: skip
    origin = django_filters.ChoiceFilter(label=gettext_lazy("怎样列入"), choices=SweepEntry.Origin.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = SweepEntry
        fields: list[str] = []

    def by_name(self, rows: QuerySet[SweepEntry], name: str, value: str) -> QuerySet[SweepEntry]:
        start = value.strip()
        return rows.filter(name__gte=start, name__lt=start + "\U0010ffff") if start else rows

    def by_state(self, rows: QuerySet[SweepEntry], name: str, value: str) -> QuerySet[SweepEntry]:
        if value == "late":
            over = Q(sweep__ends__lt=timezone.localdate(), state__in=(*SweepEntry.OPEN, "unreached"))
            return rows.filter(over | Q(state__in=("done", "refused"), done_at__date__gt=F("sweep__ends")))
        return rows.filter(state__in=SweepEntry.OPEN if value == "open" else (value,)) if value else rows

    def by_found(self, rows: QuerySet[SweepEntry], name: str, value: str) -> QuerySet[SweepEntry]:
        return rows.filter(lead__isnull=value == "false") if value else rows


class Entries(ListPage):
    """Households of a sweep, of the whole or of one village."""

    act = "sweeps.view"
    filters = EntryFilter
    order = ("area", "state", "id")
    template = "discovery/sweep_entries.html"
    subject = "sweep_entry"
    empty_title = gettext_lazy("没有符合条件的家庭")
    empty_hint = gettext_lazy("排查对象按登记情况列出，每天自动补充；发现没有登记的家庭请点“登记新发现家庭”。")
    columns = (
        Column(
            gettext_lazy("户主"), lambda row: shown_name(row.name), kind="code", url=lambda row: reverse("discovery:sweep_entry", args=[row.pk]), drawer=True,
            small=lambda row: row.get_origin_display() if row.origin != "listed" else "",
        ),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("排查对象"), lambda row: visit_queries.group_words(row.groups[:2])),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: sweep_queries.ENTRY_COLOURS[row.state]),
        Column(gettext_lazy("登记时间"), "done_at", kind="day", sort="done_at"),
        Column(gettext_lazy("线索"), lambda row: row.lead.number if row.lead else "", kind="code"),
        Column(gettext_lazy("排查人"), lambda row: row.recorder.name if row.recorder else row.posting.account.name if row.posting else ""),
    )  # fmt: skip

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        duties.require(self.act)
        self.sweep = get_object_or_404(sweep_queries.sweeps(), pk=kwargs["sweep_id"])
        self.area = kwargs.get("area", "")
        if self.area and not (len(self.area) == 12 and self.area.isdigit() and request.scope.covers(self.area)):  # type: ignore[attr-defined]
            raise Http404
        self.title = f"{self.sweep.title}　{places.name(self.area)}" if self.area else self.sweep.title
        self.crumbs = (
            (_("主动发现"), ""), (_("集中排查"), reverse("discovery:sweeps")), (self.sweep.title, reverse("discovery:sweep", args=[self.sweep.pk])),
        )  # fmt: skip
        return super().get(request, **kwargs)

    def rows(self) -> QuerySet[SweepEntry]:
        rows = sweep_queries.village_rows(self.sweep.pk)
        if not self.area:
            return rows
        return rows.filter(Q(area=self.area) | Q(residence_area=self.area))

    def context(self) -> dict[str, Any]:
        on = timezone.localdate()
        give = None
        if self.area and self.sweep.state == Sweep.State.OPEN and duties.may("sweeps.manage"):
            give = GiveForm(postings=visit_queries.postings_for(self.area, on=on))
        return {
            "sweep": self.sweep, "area": self.area, "give": give,
            "may_found": self.sweep.state == Sweep.State.OPEN and self.sweep.starts <= on and duties.may("sweeps.answer"),
        }  # fmt: skip


@require_POST
@may("sweeps.manage")
def give(request: HttpRequest, sweep_id: int, area: str) -> HttpResponse:
    """Give what is open of a village to somebody, or deal it out again."""
    found = _sweep(sweep_id)
    if not (len(area) == 12 and area.isdigit() and request.scope.covers(area)):  # type: ignore[attr-defined]
        raise Http404
    form = GiveForm(request.POST, postings=visit_queries.postings_for(area, on=timezone.localdate()))
    try:
        if not form.is_valid():
            raise ValidationError(_("请在列表中选择排查人。"))
        changed = services.assign_village(sweep_id=found.pk, area=area, posting_id=form.cleaned_data["posting"], now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("已改派 %(count)s 户。") % {"count": changed})
    return redirect("discovery:sweep_village", sweep_id=found.pk, area=area)
