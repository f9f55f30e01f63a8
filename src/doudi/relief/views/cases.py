"""The list of cases, taking in a case, relief first in the field, the page of one case."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import audit, duties, emergencies
from doudi.core import letters as pdf
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery.models import Lead
from doudi.payments.services import reserves
from doudi.registry.models import Household
from doudi.relief import queries, rules, services
from doudi.relief.forms import AccountForm, CaseForm, ExplainForm, FirstForm, HelpForm, LookUpForm, ReceiptForm, WhyForm
from doudi.relief.models import CaseMeeting, ReliefCase
from doudi.relief.services.accounts import waiting
from doudi.relief.views.shared import photos

ALL = gettext_lazy("全部")
FULL_NAMES = 9  # from the township down names are shown in full


class CaseFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    area = AreaFilter(label=gettext_lazy("急难发生地"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("救助类型"), choices=ReliefCase.Kind.choices, empty_label=ALL)
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=ReliefCase.State.choices, empty_label=ALL)
    which = django_filters.ChoiceFilter(
        label=gettext_lazy("范围"),
        choices=[
            ("first", gettext_lazy("先行救助")), ("late", gettext_lazy("补充说明逾期")), ("elsewhere", gettext_lazy("外地户籍")),
            ("meeting", gettext_lazy("一事一议")),
            ("clash", gettext_lazy("疑似重复救助")),
        ],
        empty_label=ALL,
        method="by_which",
    )  # fmt: skip

    class Meta:
        model = ReliefCase
        fields: list[str] = []

    def by_which(self, rows: QuerySet[ReliefCase], _name: str, value: str) -> QuerySet[ReliefCase]:
        if value == "late":
            return rows.filter(queries.unexplained(timezone.localdate()))
        if value == "meeting":
            return rows.filter(level="meeting")
        if value == "clash":
            return rows.exclude(clash="")
        return rows.filter(relief_first=True) if value == "first" else rows.filter(elsewhere=True)


def shown(name: str) -> str:
    return name if len(scopes.current().area) >= FULL_NAMES else ui.mask_name(name)


def explanation_of(row: ReliefCase) -> str:
    if not row.relief_first or row.state != "granted":
        return ""
    return _("已补充") if row.explained_at else _("逾期") if row.explanation_due and row.explanation_due < timezone.localdate() else _("待补充")


class Cases(ListPage):
    title = gettext_lazy("临时救助")
    act = "relief.view"
    subject = "relief"
    crumbs = [(gettext_lazy("急难救助"), "")]
    filters = CaseFilter
    order = ("-made_at", "-id")
    template = "relief/cases.html"
    empty_title = gettext_lazy("没有临时救助")
    empty_hint = gettext_lazy("急难发生在哪里，就在哪里受理，不论户籍；先行救助可当场发放。")
    columns = [
        Column(gettext_lazy("姓名"), lambda row: shown(row.name), url=lambda row: reverse("relief:case", args=[row.pk]),
               small=lambda row: row.registered_place or None),
        Column(gettext_lazy("急难发生地"), "area", kind="area"),
        Column(gettext_lazy("类型"), "get_kind_display", small=lambda row: row.get_cause_display()),
        Column(gettext_lazy("发生日期"), "event_on", kind="day", sort="event_on"),
        Column(gettext_lazy("人数"), "people", kind="number"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.COLOURS[row.state]),
        Column(gettext_lazy("先行救助说明"), explanation_of, kind="tag", colour=lambda row: "green" if row.explained_at else "red"
               if row.explanation_due and row.explanation_due < timezone.localdate() else "orange"),
        Column(gettext_lazy("说明期限"), "explanation_due", kind="day"),
    ]  # fmt: skip

    def rows(self) -> QuerySet[ReliefCase]:
        return ReliefCase.objects.all()

    def context(self) -> dict[str, Any]:
        may_notice = duties.may("relief.notice") and pdf.available()
        return {"may_apply": duties.may("relief.apply"), "may_first": duties.may("relief.grant"), "may_notice": may_notice}


def _number(request: HttpRequest, name: str) -> int | None:
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None


def _beginning(request: HttpRequest) -> tuple[dict[str, Any], list[tuple[int, str]], Household | None, Lead | None]:
    """What a lead or a household named in the address fills in: initial values, members, household, lead."""
    lead = Lead.objects.filter(pk=_number(request, "lead") or 0).select_related("household", "person").first()
    household = Household.objects.filter(pk=(lead.household_id if lead and lead.household_id else _number(request, "household")) or 0).first()
    initial: dict[str, Any] = {}
    members: list[tuple[int, str]] = []
    if household:
        audit.record_access(what="open", subject="household", subject_id=household.pk, area=household.area)
        members = queries.members_of(household.pk, timezone.localdate())
        initial = {"area": household.area, "members": [lead.person_id] if lead and lead.person_id else [pk for pk, _name in members]}
    elif lead:
        initial = {"area": lead.area, "name": lead.subject_name}
    if lead:
        initial["facts"] = lead.reason
    return initial, members, household, lead


def _ids(household: Household | None, lead: Lead | None) -> dict[str, Any]:
    return {"household_id": household.pk if household else None, "lead_id": lead.pk if lead else None}


@may("relief.apply")
def new(request: HttpRequest) -> HttpResponse:
    """Take in a case."""
    initial, members, household, lead = _beginning(request)
    form = CaseForm(request.POST or None, initial=initial, members=members)
    if request.method == "POST" and form.is_valid():
        try:
            case, fresh = services.open_case(**form.case(), **_ids(household, lead), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已受理，待审批。") if fresh else _("这件救助此前已受理，没有重复登记。"))
            return redirect("relief:case", case.pk)
    return render(request, "relief/new.html", {"form": form, "household": household, "lead": lead}, status=422 if form.errors else 200)


@may("relief.grant")
def first(request: HttpRequest) -> HttpResponse:
    """Relief first in the field, by phone: who, why, how much, receipt."""
    initial, members, household, lead = _beginning(request)
    now = timezone.now()
    form = FirstForm(request.POST or None, initial=initial, members=members)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            done = services.help_first(
                **form.case(), **_ids(household, lead), means=given["means"], amount=given["amount"], goods=given["goods"],
                received_by=given["received_by"], relation=given["relation"], receipts=photos(request), signature=given["signature"], now=now,
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            if done.payout is None:
                messages.warning(request, _("全省救助记录显示同一急难已救助过，没有发放；本件已转一事一议，请看查询结果。"))
            elif done.fresh:
                words = _("已发放 %(amount)s 元；请在 %(due)s 前补充说明。")
                messages.success(request, words % {"amount": ui.money(done.payout.amount), "due": ui.day(done.case.explanation_due)})
            else:
                messages.success(request, _("这件救助此前已发放，没有重复支出。"))
            return redirect("relief:case", done.case.pk)
    area = scopes.current().area
    township = area[:9]
    context = {
        "form": form, "household": household, "lead": lead, "balance": reserves.balance_of(township) if len(area) >= 9 else None,
        "ceilings": _ceilings(area, len(members) or 1), "emergency": emergencies.in_force(area, timezone.localdate(now)),
    }  # fmt: skip
    return render(request, "relief/first.html", context, status=422 if form.errors else 200)


def _ceilings(area: str, people: int) -> rules.Ceilings | None:
    try:
        return rules.ceilings(area=area, kind=ReliefCase.Kind.EMERGENCY, people=people, on=timezone.localdate())
    except ValidationError:
        return None


def found(pk: int) -> ReliefCase:
    case = ReliefCase.objects.select_related("made_by", "proposed_by", "decided_by", "explained_by").filter(pk=pk).first()
    if case is None:
        raise Http404
    return case


def _described(case: ReliefCase) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        (_("编号"), case.number),
        (_("急难发生地"), ui.area_name(case.area) + (f"　{case.place}" if case.place else "")),
        (_("户籍"), case.registered_place if case.elsewhere else _("本地")),
        (_("救助类型"), f"{case.get_kind_display()}　{case.get_cause_display()}"),
        (_("发生日期"), ui.day(case.event_on)),
        (_("办理方式"), _("先行救助") if case.relief_first else _("先核实后救助")),
        (_("乡镇审批上限"), _("%(amount)s 元") % {"amount": ui.money(case.township_ceiling)}),
        (_("救助上限"), _("%(amount)s 元") % {"amount": ui.money(case.ceiling)}),
        (_("遇到的困难"), case.facts, True),
    ]
    if case.checked:
        rows.append((_("核实情况"), case.checked, True))
    if case.amount is not None:
        rows += [(_("审批"), f"{case.get_level_display()}　{case.decided_by}"), (_("救助金额"), _("%(amount)s 元") % {"amount": ui.money(case.amount)})]
    if case.note:
        rows.append((_("办理意见"), case.note, True))
    return rows


def case_page(request: HttpRequest, case: ReliefCase, *, status: int = 200, **forms: Any) -> HttpResponse:
    """One case with what the acting duty may do now."""
    audit.record_access(what="open", subject="relief", subject_id=case.pk, area=case.area)
    may_ = duties.may
    state, version = case.state, {"version": case.version}
    helps = list(case.helps.select_related("grant__payout").order_by("part"))
    receipts = reserves.with_receipt([one.grant.payout.pk for one in helps if one.grant and hasattr(one.grant, "payout")])
    for one in helps:
        one.payout = getattr(one.grant, "payout", None) if one.grant else None  # type: ignore[attr-defined]
        one.receipt = one.payout is not None and one.payout.pk in receipts  # type: ignore[attr-defined]
        one.due = one.grant is not None and one.way == "reserve" and one.payout is None and not one.grant.void  # type: ignore[attr-defined]
    meeting = CaseMeeting.objects.filter(case=case).select_related("recorded_by").first()
    on, own = timezone.localdate(), case.made_by_id
    context: dict[str, Any] = {
        "case": case, "colour": queries.COLOURS[state], "desc": _described(case), "members": list(case.members.order_by("pk")), "helps": helps,
        "meeting": meeting, "timeline": queries.timeline(case), "own": own,
        "late": case.explanation_due is not None and case.explained_at is None and case.explanation_due < on,
        "may_grant": state == "open" and may_("relief.grant"), "may_propose": state == "open" and may_("relief.propose"),
        "may_to_meeting": state in ("open", "county") and may_("relief.propose"),
        "may_meet": state == "meeting" and meeting is None and may_("relief.meeting"),
        "may_approve": may_("relief.approve") and (state == "county" or (state == "meeting" and meeting is not None)),
        "may_withdraw": state in ReliefCase.OPEN_STATES and may_("relief.apply"),
        "may_refuse": (state == "open" and may_("relief.grant")) or (state == "county" and may_("relief.approve")),
        "may_explain": case.relief_first and state == "granted" and case.explained_at is None and may_("relief.grant"),
        "may_pay": may_("payments.reserve") and any(one.due for one in helps),  # type: ignore[attr-defined]
        "may_revoke": state == "granted" and not any(one.payout for one in helps) and (  # type: ignore[attr-defined]
            (may_("relief.grant") and case.level == "township") or may_("relief.approve")),
        "may_look": may_("relief.apply"),
        "why": WhyForm(initial=version), "explain": ExplainForm(initial=version),
        "help": HelpForm(initial={**version, "amount": case.asked, "way": "reserve"}), "receipt": ReceiptForm(initial={"received_by": case.name}),
        "look": LookUpForm(),
        "account": AccountForm(initial={**version, "holder": case.name}), "may_notice": state in ("granted", "refused") and may_("relief.notice") and pdf.available(),
        "may_account": state == "granted" and may_("relief.grant") and bool(waiting(case)),
    } | forms  # fmt: skip
    return render(request, "relief/case.html", context, status=status)


@require_GET
@may("relief.view")
def case(request: HttpRequest, pk: int) -> HttpResponse:
    return case_page(request, found(pk))
