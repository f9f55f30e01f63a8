"""Pages of the visitor: today's list, the form, one visit."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, freetext, numbers, places
from doudi.core.forms import errors_into
from doudi.core.models import Attachment
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import services, visit_queries
from doudi.discovery.models import Lead
from doudi.discovery.models.visits import Visit, VisitConflict
from doudi.discovery.services.visits import result_of
from doudi.discovery.views.leads import FULL_NAMES
from doudi.discovery.visit_forms import AssignVisitForm, CancelForm, RecordForm
from doudi.registry.models import Household
from doudi.registry.queries import shown_name

LARGEST_PHOTO = 10 * 1024 * 1024


@require_GET
@may("visits.mine")
def today(request: HttpRequest) -> HttpResponse:
    """What the visitor owes: by day or in walking order, today's or all, the own or the whole village's."""
    on = timezone.localdate()
    tab = request.GET.get("tab", "today") if request.GET.get("tab") in ("today", "week", "all", "done") else "today"
    everybody, walk = request.GET.get("who") == "all", request.GET.get("sort") == "walk"
    found = visit_queries.cards(posting_id=None if everybody else request.posting.pk, on=on)  # type: ignore[attr-defined]
    done = visit_queries.recorded_on(on, account_id=None if everybody else request.user.pk)
    owed = [card for card in found if card.due and card.due <= on]
    week = [card for card in found if card.due and (card.due - on).days <= 7]
    shown = {"today": owed, "week": week, "all": found, "done": []}[tab]
    if walk:
        shown = sorted(shown, key=lambda card: visit_queries.walking_order(card.address))
    for visit in done:
        visit.name, visit.colour = shown_name(visit.household.name), visit_queries.STATE_COLOURS[visit.state]  # type: ignore[attr-defined]
    base = {"who": "all" if everybody else "", "sort": "walk" if walk else ""}
    context = {
        "place": places.name(request.scope.area),  # type: ignore[attr-defined]
        "cards": shown, "done": done, "tab": tab, "walk": walk, "everybody": everybody, "today": on, "base": base,
        "tabs": [("today", _("今天"), len(owed)), ("week", _("七天内"), len(week)), ("all", _("全部"), len(found)), ("done", _("今天已走访"), len(done))],
        "share": {"done": len(done), "all": len(done) + len(owed)},
        "emergency": visit_queries.emergency_titles(on),
    }  # fmt: skip
    return render(request, "discovery/visits_today.html", context)


def _lead(request: HttpRequest, household_id: int) -> Lead | None:
    """The lead named in the address, if it is this household's."""
    asked = request.GET.get("lead", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return None
    return Lead.objects.filter(pk=int(asked), household=household_id).first()


@may("visits.record")
def record(request: HttpRequest, visit_id: int) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("household"), pk=visit_id)
    return _record(request, household=visit.household, visit=visit)


@may("visits.record")
def record_new(request: HttpRequest, household_id: int) -> HttpResponse:
    """A visit that nobody planned."""
    household = get_object_or_404(Household, pk=household_id)
    return _record(request, household=household, visit=Visit.objects.filter(household=household, state__in=Visit.OPEN).first())


def _record(request: HttpRequest, *, household: Household, visit: Visit | None) -> HttpResponse:
    now, paper = timezone.now(), request.GET.get("paper") == "1" and duties.may("visits.manage")
    lead = _lead(request, household.pk)
    initial = {"base_version": visit.version if visit else None, "done_on": timezone.localdate()}
    form = RecordForm(request.POST or None, paper=paper, lead=lead is not None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        files = request.FILES.getlist("photos")
        done_at = now
        if paper and given["done_on"] != timezone.localdate():
            done_at = timezone.localtime(now).replace(
                year=given["done_on"].year, month=given["done_on"].month, day=given["done_on"].day, hour=12, minute=0, second=0, microsecond=0
            )
        try:
            if any((file.size or 0) > LARGEST_PHOTO for file in files):
                raise ValidationError({"photos": _("照片超过 10 MB；请用普通清晰度重新拍摄。")})
            made = services.record_visit(
                uuid=given["uuid"], visit_id=visit.pk if visit else None, household_id=household.pk, base_version=given["base_version"],
                done_at=done_at, result=form.result(), lead_id=lead.pk if lead else None, verified=given.get("verified", False), paper=paper,
                photos=[(file.name or "photo.jpg", file.read()) for file in files], signature=given["signature"], now=now,
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            _told(request, made)
            if duties.may("visits.mine"):
                return redirect("discovery:visits_today")
            return redirect("discovery:visit", visit_id=made.visit.pk)
    context = _about(household, visit) | {"form": form, "paper": paper, "lead": lead, "may_mine": duties.may("visits.mine")}
    return render(request, "discovery/visit_record.html", context, status=422 if form.errors else 200)


def _told(request: HttpRequest, made: Any) -> None:
    if made.outcome == "conflict":
        messages.warning(request, _("这户刚刚已有另一份走访记录；您的记录已完整保存，由乡镇选择保留哪一份。"))
        return
    messages.success(request, _("走访已登记。") if made.outcome == "recorded" else _("这次走访此前已经登记，没有重复保存。"))
    if made.lead:
        words = _("发现的需要已报为救助线索 %(number)s。")
        messages.success(request, words % {"number": (made.lead.merged_into or made.lead).number})


def _about(household: Household, visit: Visit | None) -> dict[str, Any]:
    """The household in a few lines, as the visitor needs it at the door; that it was opened is recorded."""
    audit.record_access(what="open", subject="household", subject_id=household.pk, area=household.area)
    on = timezone.localdate()
    card = visit_queries.Card(name=shown_name(household.name), household_id=household.pk, visit=visit, address=str(household.address or ""))
    visit_queries.people_into({household.pk: card}, on)
    return {"household": household, "visit": visit, "card": card, "groups": visit_queries.group_words(visit.groups) if visit else ""}


@require_POST
@may("visits.record")
def phone(request: HttpRequest, household_id: int) -> HttpResponse:
    """The number to call, as a link that dials, after its access record is committed."""
    household = get_object_or_404(Household, pk=household_id)
    person = visit_queries.phone_of(household.pk)
    if person is None:
        return HttpResponse(_("没有登记电话"))
    audit.record_access(what="reveal", subject="person", subject_id=person.pk, area=person.area, field="phone")
    number = numbers.plain(person.phone)
    return HttpResponse(format_html('<a class="btn pri" href="tel:{}">{}</a>', number, number))


def visit_page(
    request: HttpRequest, found: Visit, *, cancel: CancelForm | None = None, assign: AssignVisitForm | None = None, status: int = 200
) -> HttpResponse:
    """One visit with its photos and what contradicts it."""
    is_open, manage = found.state in Visit.OPEN, duties.may("visits.manage")
    household = found.household
    audit.record_access(what="open", subject="household", subject_id=household.pk, area=household.area)
    rows: list[tuple[str, Any]] = [
        (_("家庭"), household.name if len(request.scope.area) >= FULL_NAMES else ui.mask_name(household.name)),  # type: ignore[attr-defined]
        (_("所在村（社区）"), ui.area_name(found.area)),
        (_("住址"), household.address or ui.NOTHING),
        (_("走访对象"), visit_queries.group_words(found.groups) or ui.NOTHING),
        (_("安排"), found.get_origin_display()),  # type: ignore[attr-defined]
        (_("走访期限"), ui.due(found.due) if is_open else ui.day(found.due)),
        (_("走访人"), found.posting.account.name if found.posting else _("村里在任走访员")),
    ]
    if found.reason:
        rows.append((_("事由"), freetext.masked(found.reason)))
    if found.done_at:
        rows.append((_("走访时间"), ui.day(found.done_at)))
        rows.append((_("登记人"), (found.recorder.name if found.recorder else "") + (_("（据纸质表录入）") if found.paper else "")))
    conflicts = list(VisitConflict.objects.filter(visit=found).order_by("received_at"))
    pictures = Attachment.objects.filter(subject="visit_conflict", subject_id__in=[each.pk for each in conflicts], removed_at__isnull=True)
    context = {
        "visit": found, "rows": rows, "colour": visit_queries.STATE_COLOURS[found.state], "household": household,
        "result": [(label, words) for label, words, _name in visit_queries.rows_of(result_of(found)) if words] if found.uuid else [],
        "conflicts": conflicts, "pictures": list(pictures) if conflicts else [],
        "may_record": is_open and duties.may("visits.record"), "may_manage": manage, "told_numbers": told_numbers_of(found),
        "cancel": (cancel or CancelForm(initial={"version": found.version})) if is_open and manage else None,
        "assign": (assign or AssignVisitForm(
            postings=visit_queries.postings_for(found.area, on=timezone.localdate()), initial={"posting": found.posting_id}
        )) if is_open and manage else None,
    }  # fmt: skip
    return render(request, "discovery/visit.html", context, status=status)


def _visit(visit_id: int) -> Visit:
    return get_object_or_404(Visit.objects.select_related("household", "posting__account", "recorder", "found", "lead"), pk=visit_id)


@require_GET
@may("visits.view")
def visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    return visit_page(request, _visit(visit_id))


def told_numbers_of(found: Visit) -> bool:
    """Whether the acting officer is offered the numbers in a visit's text."""
    return may_see_told() and bool(visit_queries.told_numbers(found))


def may_see_told() -> bool:
    """Numbers in what was told at a door are for those who go from door to door, and those who manage it."""
    return duties.may("visits.record") or duties.may("visits.manage")


@require_POST
@may("visits.view")
def reveal(request: HttpRequest, visit_id: int) -> HttpResponse:
    """The text of a visit with the numbers in it, after its access record is committed."""
    if not may_see_told():
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    found = _visit(visit_id)
    audit.record_access(what="reveal", subject="visit", subject_id=found.pk, area=found.area, field="detail")
    return HttpResponse(ui.revealed(visit_queries.told_numbers(found)))


@require_POST
@may("visits.manage")
def cancel(request: HttpRequest, visit_id: int) -> HttpResponse:
    found, form = _visit(visit_id), CancelForm(request.POST)
    if form.is_valid():
        try:
            services.cancel_visit(visit_id=visit_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已取消这次走访；下一次从今天起算。"))
            return redirect("discovery:visit", visit_id=visit_id)
    return visit_page(request, found, cancel=form, status=422)


@require_POST
@may("visits.manage")
def assign(request: HttpRequest, visit_id: int) -> HttpResponse:
    found = _visit(visit_id)
    form = AssignVisitForm(request.POST, postings=visit_queries.postings_for(found.area, on=timezone.localdate()))
    if form.is_valid():
        try:
            services.assign_visits(visit_ids=[visit_id], posting_id=form.cleaned_data["posting"], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已改派走访人。"))
            return redirect(reverse("discovery:visit", args=[visit_id]))
    return visit_page(request, found, assign=form, status=422)
