"""Pages of sweeps for whoever goes from door to door: the own list, the form, one household, a household that nobody knew."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, places
from doudi.core.forms import errors_into
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import services, sweep_queries, visit_queries
from doudi.discovery.models import Lead
from doudi.discovery.models.sweeps import Sweep, SweepConflict, SweepEntry, SweepEvent
from doudi.discovery.sweep_catalogue import Kind
from doudi.discovery.sweep_forms import AnswerForm, FoundForm, SettleForm
from doudi.discovery.views.visits import may_see_told
from doudi.registry.queries import shown_name

ROWS_ON_PAPER = 400


@require_GET
@may("sweeps.mine")
def mine(request: HttpRequest) -> HttpResponse:
    """Running sweeps of the village, each with the households that wait, in walking order; the own or the whole village's."""
    on, everybody = timezone.localdate(), request.GET.get("who") == "all"
    posting_id = None if everybody else request.posting.pk  # type: ignore[attr-defined]
    area = request.scope.area  # type: ignore[attr-defined]
    found = sweep_queries.mine(posting_id=posting_id, area=area, on=on)
    return render(
        request, "discovery/sweeps_mine.html", {"found": found, "everybody": everybody, "today": on, "place": places.name(area), "area": area}
    )


@require_GET
@may("sweeps.view")
def printed(request: HttpRequest, sweep_id: int, area: str) -> HttpResponse:
    """One village's households on paper with the sweep's questions, the way without phone and network; that it was printed is recorded."""
    if not (len(area) == 12 and area.isdigit() and request.scope.covers(area)):  # type: ignore[attr-defined]
        raise Http404
    sweep, on = get_object_or_404(sweep_queries.sweeps(), pk=sweep_id), timezone.localdate()
    cards = sweep_queries.on_paper(sweep_id=sweep.pk, area=area, on=on, most=ROWS_ON_PAPER)
    questions = [
        (each, [words for _code, words in sweep_queries.words_of(each)] if each.kind in (Kind.YESNO, Kind.CHOICE) else [])
        for each in sweep.questions.all()
    ]
    audit.record_access(what="export", subject="sweep", area=area, reason=f"{len(cards)}")
    context = {"sweep": sweep, "cards": cards, "area": area, "place": "".join(places.path(area, above=4)), "on": on, "questions": questions}
    return render(request, "discovery/sweep_print.html", context)


def _entry(entry_id: int) -> SweepEntry:
    rows = SweepEntry.objects.select_related("sweep", "household", "posting__account", "recorder", "visit", "lead").filter(sweep__isnull=False)
    return get_object_or_404(rows, pk=entry_id)


def _card(found: SweepEntry, on: Any) -> visit_queries.Card:
    """The household in a few lines; that it was opened is recorded."""
    card = visit_queries.Card(name=shown_name(found.name), household_id=found.household_id, sweep=found)
    if found.household is not None:
        audit.record_access(what="open", subject="household", subject_id=found.household.pk, area=found.household.area)
        card.address = str(found.household.address or "")
        visit_queries.people_into({found.household.pk: card}, on)
    return card


def _lead_id(request: HttpRequest, found: SweepEntry) -> int | None:
    """The lead named in the address, if it is this household's."""
    asked = request.GET.get("lead", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19) or found.household_id is None:
        return None
    return int(asked) if Lead.objects.filter(pk=int(asked), household=found.household_id).exists() else None


@may("sweeps.answer")
def record(request: HttpRequest, entry_id: int) -> HttpResponse:
    """The form at the door."""
    found, now = _entry(entry_id), timezone.now()
    if request.method == "GET" and (found.sweep.state != Sweep.State.OPEN or found.state not in SweepEntry.ANSWERABLE):
        return redirect("discovery:sweep_entry", entry_id=found.pk)
    paper = request.GET.get("paper") == "1" and duties.may("visits.manage")
    form = AnswerForm(request.POST or None, sweep=found.sweep, paper=paper)
    if request.method == "POST" and form.is_valid():
        done_at = now
        if paper and form.cleaned_data["done_on"] != timezone.localdate(now):
            day = form.cleaned_data["done_on"]
            done_at = timezone.localtime(now).replace(year=day.year, month=day.month, day=day.day, hour=12, minute=0, second=0, microsecond=0)
        try:
            made = services.answer_sweep(
                entry_id=found.pk, uuid=form.cleaned_data["uuid"], done_at=done_at, result=form.result(), answers=form.answers(), paper=paper,
                lead_id=_lead_id(request, found), now=now,
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            _told(request, made)
            if duties.may("sweeps.mine"):
                return redirect("discovery:sweeps_mine")
            return redirect("discovery:sweep_entry", entry_id=found.pk)
    context = {"entry": found, "sweep": found.sweep, "card": _card(found, timezone.localdate(now)), "form": form, "paper": paper,
               "groups": visit_queries.group_words(found.groups), "may_mine": duties.may("sweeps.mine")}  # fmt: skip
    return render(request, "discovery/sweep_record.html", context, status=422 if form.errors else 200)


def _told(request: HttpRequest, made: Any) -> None:
    if made.outcome == "conflict":
        messages.warning(request, _("这户刚刚已有另一份登记；您的登记已完整保存，由乡镇选择保留哪一份。"))
        return
    messages.success(request, _("已登记，同时算作一次走访。") if made.outcome == "recorded" else _("这户此前已经登记，没有重复保存。"))
    if made.outcome == "recorded" and made.lead:
        messages.success(request, _("发现的需要已报为救助线索 %(number)s。") % {"number": (made.lead.merged_into or made.lead).number})


def entry_page(request: HttpRequest, found: SweepEntry, *, settle: SettleForm | None = None, status: int = 200) -> HttpResponse:
    card = _card(found, timezone.localdate())
    rows: list[tuple[str, Any]] = [
        (_("排查"), found.sweep.title),
        (_("所在村（社区）"), ui.area_name(found.area)),
        (_("住址"), card.address or ui.NOTHING),
        (_("排查对象"), visit_queries.group_words(found.groups) or (_("全部在册家庭") if found.household_id else ui.NOTHING)),
        (_("怎样列入"), found.get_origin_display()),  # type: ignore[attr-defined]
        (_("排查人"), found.posting.account.name if found.posting else _("村里在任走访员")),
    ]
    if found.residence_area:
        rows.append((_("现住"), ui.area_name(found.residence_area)))
    if found.done_at:
        rows += [(_("登记时间"), ui.day(found.done_at)), (_("登记人"), found.recorder.name if found.recorder else "")]
    change = sweep_queries.change_open(found)
    conflicts = list(SweepConflict.objects.filter(entry=found).select_related("recorder", "visit_conflict").order_by("received_at"))
    manage = duties.may("visits.manage")
    open_now = found.sweep.state == Sweep.State.OPEN and found.state in SweepEntry.ANSWERABLE and duties.may("sweeps.answer")
    context = {
        "entry": found, "sweep": found.sweep, "card": card, "rows": rows, "colour": sweep_queries.ENTRY_COLOURS[found.state],
        "result": sweep_queries.entry_rows(found) if found.done_at else [], "change": change, "settle": (settle or SettleForm()) if change and manage else None,
        "conflicts": [(each, sweep_queries.conflict_rows(each, found.sweep)) for each in conflicts], "may_manage": manage, "may_record": open_now,
        "timeline": sweep_queries.timeline(SweepEvent.objects.filter(entry=found)),
        "told_numbers": may_see_told() and bool(sweep_queries.told_numbers(found)),
    }  # fmt: skip
    return render(request, "discovery/sweep_entry.html", context, status=status)


@require_GET
@may("sweeps.view")
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One household of a sweep: what was found, what contradicts it, its history."""
    return entry_page(request, _entry(entry_id))


@require_POST
@may("sweeps.view")
def reveal(request: HttpRequest, entry_id: int) -> HttpResponse:
    """What was answered at a door with the numbers in it, after its access record is committed."""
    if not may_see_told():
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    found = _entry(entry_id)
    audit.record_access(what="reveal", subject="sweep_entry", subject_id=found.pk, area=found.area, field="detail")
    return HttpResponse(ui.revealed(sweep_queries.told_numbers(found)))


@require_POST
@may("visits.manage")
def settle(request: HttpRequest, entry_id: int) -> HttpResponse:
    found, form = _entry(entry_id), SettleForm(request.POST)
    if form.is_valid():
        try:
            services.settle_change(entry_id=entry_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已核实；待办随之办结。"))
            return redirect("discovery:sweep_entry", entry_id=entry_id)
    return entry_page(request, found, settle=form, status=422)


@require_POST
@may("visits.manage")
def decide(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """Keep the first answer or take the second, where these are not two records of one visit."""
    found = get_object_or_404(SweepConflict, pk=conflict_id)
    try:
        services.decide_conflict(conflict_id=conflict_id, choice=request.POST.get("choice", ""), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("已处理；两份登记仍可在这里查看。"))
    return redirect("discovery:sweep_entry", entry_id=found.entry_id)


@may("sweeps.answer")
def found(request: HttpRequest, sweep_id: int) -> HttpResponse:
    """A household that nobody knew."""
    sweep = get_object_or_404(sweep_queries.sweeps(), pk=sweep_id)
    form = FoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.add_found(sweep_id=sweep.pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            number = made.lead.number if made.lead else ""
            messages.success(request, _("已登记新发现家庭，并报为救助线索 %(number)s。") % {"number": number})
            if duties.may("sweeps.mine"):
                return redirect("discovery:sweeps_mine")
            return redirect("discovery:sweep", sweep_id=sweep.pk)
    return render(
        request,
        "discovery/sweep_found.html",
        {"form": form, "sweep": sweep, "may_mine": duties.may("sweeps.mine")},
        status=422 if form.errors else 200,
    )
