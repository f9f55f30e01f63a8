"""Pages of price linkage (物价联动): months, entries of indices, proposals."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.parameters import shown_value
from doudi.core.settings_overlay import overlay
from doudi.core.views.access import may
from doudi.registry.models import Person
from doudi.registry.queries import shown_name
from doudi.relief import linkage, price_queries
from doudi.relief.models import PriceClaim, PriceEntry, PriceGroupName, PriceLeftOut, PriceProposal
from doudi.relief.price_forms import EntryForm, ReasonForm
from doudi.relief.services import price_entries, price_proposals


def _unit(request: HttpRequest) -> str:
    """The city that the page speaks of: the reader's own, or the one chosen from above."""
    own = request.scope.area  # type: ignore[attr-defined]
    asked = request.GET.get("area", "")
    chosen = asked if asked.startswith(own) and asked.isdigit() and linkage.is_index_area(asked) else own
    return linkage.prefecture_of(chosen) if len(chosen) > 2 else chosen


def _month(text: str) -> date:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if not 2016 <= found.year <= 2100:
        raise Http404
    return found


@require_GET
@may("prices.view")
def months(request: HttpRequest) -> HttpResponse:
    """The last twelve months of payment: indices, conditions, state, what was proposed."""
    own, on, unit = request.scope.area, timezone.localdate(), _unit(request)  # type: ignore[attr-defined]
    county = own[:6] if len(own) >= 6 else unit
    rows = price_queries.month_rows(unit=unit, county=county, last=on)
    units = [code for code, _name in places.children("41") if linkage.is_index_area(code)] if own == "41" else []
    places.preload(units)
    context = {
        "rows": rows, "unit": unit, "place": places.name(unit), "now": rows[0], "notices": price_queries.notices_of([unit] if unit != "41" else units or [unit]),
        "decisions": price_queries.province_decisions(on), "units": [("41", places.name("41")), *((code, places.name(code)) for code in units)] if units else [],
        "may_enter": duties.may("prices.enter"), "totals": price_queries.totals(county), "index_month": linkage.month_before(on),
    }  # fmt: skip
    return render(request, "relief/prices.html", context)


@require_GET
@may("prices.view")
def month_page(request: HttpRequest, text: str) -> HttpResponse:
    """One month of payment: why it started or did not, whom it covers with how much, the law's rows, the county's proposals."""
    return _month_page(request, _month(text), ReasonForm())


def _month_page(request: HttpRequest, month: date, form: ReasonForm) -> HttpResponse:
    own, on, unit = request.scope.area, timezone.localdate(), _unit(request)  # type: ignore[attr-defined]
    settings = overlay(month)
    county = own[:6] if len(own) >= 6 else ""
    answer = linkage.linkage_of(area=county or unit, month=month, settings=settings)
    amounts = []
    if county and answer.started:
        amounts = [
            each | {"name": price_queries.group_name(each["group"]), "place": price_queries.residence_name(each["residence"])}
            for each in linkage.amounts_of(county=county, month=month, settings=settings)
        ]
    proposals = list(PriceProposal.objects.filter(area=county, month=month).select_related("made_by", "decided_by").order_by("-id")[:20]) if county else []
    used = [
        row | {"shown": shown_value(row["value"], row["unit"])} for row in linkage.parameters_used(area=county or unit, month=month, settings=settings)
    ]
    places.preload(row["area"] for row in used)
    context = {
        "month": month, "answer": answer, "place": places.name(county or unit), "unit": unit, "indices": price_queries.source_words(answer),
        "amounts": amounts, "proposals": [(row, price_queries.STATE_COLOURS[row.state]) for row in proposals], "used": used,
        "entries": [(row, price_queries.ENTRY_COLOURS[row.state]) for row in price_queries.entries_of(unit=unit, month=answer.index_month)],
        "counties": price_queries.by_county(area=unit, month=month) if not county else [], "form": form, "on": on,
        "covered": [price_queries.group_name(name) for name in answer.covered], "late": on > answer.deadline,
        "may_enter": duties.may("prices.enter") and month <= on, "may_propose": bool(county) and duties.may("prices.propose") and month <= on,
        "open": any(row.state == "proposed" for row in proposals), "approved": any(row.state == "approved" for row in proposals),
    }  # fmt: skip
    return render(request, "relief/price_month.html", context, status=422 if form.errors else 200)


@require_POST
@may("prices.propose")
def propose(request: HttpRequest, text: str) -> HttpResponse:
    month = _month(text)
    form = ReasonForm(request.POST)
    if form.is_valid():
        own = request.scope.area  # type: ignore[attr-defined]
        try:
            made = price_proposals.propose_subsidies(
                area=own[:6], month=month, reason=form.cleaned_data["reason"], on=timezone.localdate(), now=timezone.now()
            )
        except ValidationError as error:
            errors_into(form, error)
        else:
            if made.changed:
                messages.success(request, _("已提出 %(people)s 人、%(amount)s 元，待县级审批人审批。") % {"people": made.proposal.people, "amount": f"{made.proposal.amount:,.2f}"})
            return redirect("relief:price_proposal", proposal_id=made.proposal.pk)
    return _month_page(request, month, form)


@may("prices.enter")
def enter(request: HttpRequest) -> HttpResponse:
    """Enter the indices of a month, or correct what was confirmed."""
    on = timezone.localdate()
    initial: dict[str, Any] = {"area": _unit(request), "month": linkage.month_before(on)}
    if request.GET.get("month"):
        initial["month"] = _month(request.GET["month"])
    holds = PriceEntry.objects.filter(area=initial["area"], month=initial["month"], state="confirmed").first()
    if holds is not None:
        initial |= {name: getattr(holds, name) for name in ("cpi", "food", "scpi", "source", "document")}
    form = EntryForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = price_entries.enter_indices(
                area=given["area"], month=given["month"], indices=form.indices(), source=given["source"], document=given["document"],
                reason=given["reason"], on=on, now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已录入，待本级另一名工作人员对照公报确认。"))
            return redirect("relief:price_entry", entry_id=row.pk)
    return render(request, "relief/price_enter.html", {"form": form, "holds": holds}, status=422 if form.errors else 200)


@may("prices.view")
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry beside what it corrects; the second officer confirms or sends back."""
    row = get_object_or_404(PriceEntry.objects.select_related("entered_by", "decided_by", "corrects"), pk=entry_id)
    problem = ""
    if request.method == "POST":
        act, note, now = request.POST.get("act"), request.POST.get("note", ""), timezone.now()
        try:
            if act == "confirm":
                price_entries.confirm_indices(entry_id=row.pk, now=now)
                messages.success(request, _("已确认，已按此测算；启动或终止已通知本地工作人员。"))
            elif act == "refuse":
                price_entries.refuse_indices(entry_id=row.pk, note=note, now=now)
            elif act == "withdraw":
                price_entries.withdraw_indices(entry_id=row.pk, note=note, now=now)
            return redirect("relief:price_entry", entry_id=row.pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
            row.refresh_from_db()
    account = request.scope.account_id  # type: ignore[attr-defined]
    waits = row.state == "proposed" and duties.may("prices.confirm") and request.scope.covers(row.area)  # type: ignore[attr-defined]
    before = row.corrects
    table = [
        (label, getattr(row, name), getattr(before, name) if before else None, bool(before) and getattr(row, name) != getattr(before, name))
        for name, label in (("cpi", _("居民消费价格指数（CPI）")), ("food", _("其中：食品价格指数")), ("scpi", _("低收入居民价格指数（SCPI）")))
    ]
    context = {
        "entry": row, "table": table, "colour": price_queries.ENTRY_COLOURS[row.state], "place": places.name(row.area), "problem": problem,
        "may_confirm": waits and row.entered_by_id != account, "mine": waits and row.entered_by_id == account, "payment": linkage.month_after(row.month),
    }  # fmt: skip
    return render(request, "relief/price_entry.html", context, status=422 if problem else 200)


@may("prices.view")
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """One proposal: by group and place, why, who is left out; approve, send back, withdraw."""
    row = get_object_or_404(PriceProposal.objects.select_related("made_by", "decided_by"), pk=proposal_id)
    problem = ""
    if request.method == "POST":
        act, note, now = request.POST.get("act"), request.POST.get("note", ""), timezone.now()
        version = int(request.POST["version"]) if request.POST.get("version", "").isdigit() else 0
        try:
            if act == "approve":
                price_proposals.approve_subsidies(proposal_id=row.pk, version=version, note=note, now=now)
                messages.success(request, _("已审批：%(people)s 人的一次性待遇已形成，可编制一次性发放批次。") % {"people": row.people})
            elif act == "send_back":
                price_proposals.send_back_subsidies(proposal_id=row.pk, version=version, note=note, now=now)
            elif act == "withdraw":
                price_proposals.withdraw_subsidies(proposal_id=row.pk, version=version, note=note, now=now)
            elif act == "pay":
                made = price_proposals.prepare_payroll(proposal_id=row.pk, on=timezone.localdate(), now=now)
                messages.success(request, _("已编制一次性发放批次 %(number)s：%(lines)s 笔。") % {"number": made.payroll.number, "lines": made.lines})
                return redirect(f"/payments/{made.payroll.pk}/")
            return redirect("relief:price_proposal", proposal_id=row.pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
            row.refresh_from_db()
    account = request.scope.account_id  # type: ignore[attr-defined]
    covers = request.scope.covers(row.area)  # type: ignore[attr-defined]
    out = list(PriceLeftOut.objects.filter(proposal=row).order_by("reason", "person_id")[:50])
    names = dict(Person.objects.filter(pk__in=[each.person_id for each in out]).values_list("pk", "name"))
    context = {
        "proposal": row, "summary": price_queries.summary_of(row), "colour": price_queries.STATE_COLOURS[row.state], "place": places.name(row.area),
        "problem": problem, "may_approve": row.state == "proposed" and covers and duties.may("prices.approve") and row.made_by_id != account,
        "mine": row.state == "proposed" and row.made_by_id == account and duties.may("prices.propose"), "index_month": linkage.month_before(row.month),
        "may_pay": row.state == "approved" and row.people > 0 and covers and duties.may("payments.prepare"),
        "out": [(each, shown_name(names.get(each.person_id, ""))) for each in out], "may_list": duties.may("enrolment.view") and covers,
    }  # fmt: skip
    return render(request, "relief/price_proposal.html", context, status=422 if problem else 200)


class ClaimFilter(django_filters.FilterSet):
    group = django_filters.ChoiceFilter(label=gettext_lazy("保障类别"), choices=PriceGroupName.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = PriceClaim
        fields: list[str] = []


class Claims(ListPage):
    """The list per person of one proposal."""

    title = gettext_lazy("价格临时补贴名单")
    act = "enrolment.view"
    crumbs = ((gettext_lazy("急难救助"), ""), (gettext_lazy("物价联动"), "/prices/"))
    filters = ClaimFilter
    order = ("area", "household_id", "id")
    subject = "price_claim"
    empty_title = gettext_lazy("没有符合条件的人员")
    columns = (
        Column(gettext_lazy("姓名"), lambda row: shown_name(row.person_name or ""), url=lambda row: reverse("registry:household", args=[row.household_id])),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("保障类别"), "get_group_display"),
        Column(gettext_lazy("城乡"), lambda row: price_queries.residence_name(row.residence)),
        Column(gettext_lazy("基数（元）"), "base", kind="money"),
        Column(gettext_lazy("当月补贴（元）"), "total", kind="money"),
        Column(gettext_lazy("本次发放（元）"), "amount", kind="money", sort="amount"),
    )

    def rows(self) -> QuerySet[PriceClaim]:
        names = Person.objects.filter(pk=OuterRef("person_id")).values("name")[:1]
        return PriceClaim.objects.filter(proposal_id=self.kwargs["proposal_id"]).annotate(person_name=Subquery(names))

