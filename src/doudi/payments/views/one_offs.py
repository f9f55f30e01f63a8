"""Pages of one-off payments to groups (一次性补助): decisions, a county's lists, who is on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.tasks import start_task
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.payments.models import OneOffClaim, OneOffDecision, OneOffLeftOut, OneOffList, paid_choices, paid_label
from doudi.payments.one_off_forms import SubsidyForm
from doudi.payments.services import one_offs
from doudi.registry.models import Person
from doudi.registry.queries import shown_name

ALL = gettext_lazy("全部")
TASKS = "doudi.payments.tasks"
COLOURS = {"proposed": "orange", "confirmed": "green", "approved": "green", "sent_back": "gray", "withdrawn": "gray"}
LEVELS = {"central": gettext_lazy("中央"), "province": gettext_lazy("省级"), "city": gettext_lazy("市级"), "county": gettext_lazy("县级")}


class DecisionFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=OneOffDecision.State.choices, empty_label=ALL)

    class Meta:
        model = OneOffDecision
        fields: list[str] = []


class Decisions(ListPage):
    """One-off payments that hold here: of the place itself and of the levels above."""

    title = gettext_lazy("一次性补助")
    act = "payments.one_off_view"
    crumbs = ((gettext_lazy("资金发放"), ""),)
    filters = DecisionFilter
    order = ("-made_at", "-id")
    template = "payments/subsidies.html"
    empty_title = gettext_lazy("还没有一次性补助")
    empty_hint = gettext_lazy("按文件给某类对象每人或每户发放一次的补助，在这里拟定、编制名单和发放。")
    columns = (
        Column(gettext_lazy("名称"), "title", url=lambda row: reverse("payments:subsidy", args=[row.pk]), small=lambda row: row.document),
        Column(gettext_lazy("决定层级"), "area", kind="area"),
        Column(gettext_lazy("享受月份"), lambda row: ui.month(row.month), sort="month"),
        Column(gettext_lazy("发放单位"), "get_per_display"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
        Column(gettext_lazy("拟定"), "made_by.name", small=lambda row: ui.day(row.made_at)),
    )

    def rows(self) -> QuerySet[OneOffDecision]:
        return OneOffDecision.objects.select_related("made_by")

    def context(self) -> dict[str, Any]:
        return {"may_decide": duties.may("payments.one_off_decide") and len(scopes.current().area) in (2, 4, 6)}


@may("payments.one_off_decide")
def new(request: HttpRequest) -> HttpResponse:
    """Propose a one-off payment of one's own level."""
    form = SubsidyForm(request.POST or None, initial={"per": "person"})
    if request.method == "POST" and form.is_valid():
        try:
            row = one_offs.decide_one_off(area=scopes.current().area, now=timezone.now(), **form.values())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已拟定，待另一名工作人员确认。"))
            return redirect("payments:subsidy", row.pk)
    return render(request, "payments/subsidy_new.html", {"form": form}, status=422 if form.errors else 200)


def _version(request: HttpRequest) -> int:
    given = request.POST.get("version", "")
    return int(given) if given.isdigit() else 0


def _shares(row: OneOffDecision, amount: Decimal) -> list[tuple[Any, int, Decimal]]:
    return [(LEVELS[level], row.shares[level], part) for level, part in one_offs.split(amount, row.shares)]


@may("payments.one_off_view")
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision: what it says, the lists of the counties in the scope; confirm, send back, make a list."""
    row = OneOffDecision.objects.select_related("made_by", "decided_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    acting, problem = scopes.current(), ""
    if request.method == "POST":
        act, now = request.POST.get("act"), timezone.now()
        try:
            if act in ("confirm", "send_back"):
                one_offs.settle_decision(decision_id=pk, version=_version(request), agreed=act == "confirm", note=request.POST.get("note", ""), now=now)
                messages.success(request, _("已确认，各县可以编制名单。") if act == "confirm" else _("已退回。"))
            elif act == "list":
                duties.require("payments.one_off_list")
                title, url = _("编制一次性补助名单：%(title)s") % {"title": row.title}, reverse("payments:subsidy", args=[pk])
                start_task(path=f"{TASKS}.make_one_off_list", title=title, arguments={"area": acting.area, "decision": pk}, url=url, now=now)
                messages.success(request, _("已开始编制，完成后名单会出现在本页，由县级审批人审批；没有符合条件的对象时，原因见“后台任务”。"))
            return redirect("payments:subsidy", pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
            row.refresh_from_db()
        except PermissionDenied as error:
            problem = str(error)
    lists = list(OneOffList.objects.filter(decision=row).select_related("made_by").order_by("area", "serial")[:300])
    places.preload(one.area for one in lists)
    good = [one for one in lists if one.state in ("proposed", "approved")]
    total = sum((one.amount for one in good), Decimal(0))
    context = {
        "row": row, "colour": COLOURS[row.state], "place": places.name(row.area), "groups": [paid_label(one) for one in row.programmes], "problem": problem,
        "lists": [(one, places.name(one.area), COLOURS[one.state]) for one in lists], "people": sum(one.people for one in good), "total": total,
        "shares": _shares(row, total) if total else [(LEVELS[level], part, None) for level, part in row.shares.items()],
        "may_confirm": row.state == "proposed" and duties.may("payments.one_off_confirm") and acting.covers(row.area) and row.made_by_id != acting.account_id,
        "may_list": row.state == "confirmed" and duties.may("payments.one_off_list") and len(acting.area) == 6, "again": bool(good),
    }  # fmt: skip
    return render(request, "payments/subsidy.html", context, status=422 if problem else 200)


def _list(pk: int) -> OneOffList:
    row = OneOffList.objects.select_related("decision", "made_by", "decided_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@may("payments.one_off_view")
def one_list(request: HttpRequest, pk: int) -> HttpResponse:
    """One list: by group and township, shares of the levels, who is left out; approve, send back, withdraw, pay."""
    row, problem, acting = _list(pk), "", scopes.current()
    if request.method == "POST":
        act, now, note = request.POST.get("act"), timezone.now(), request.POST.get("note", "")
        try:
            if act == "approve":
                one_offs.approve_list(list_id=pk, version=_version(request), note=note, now=now)
                messages.success(request, _("已审批，可编制一次性发放批次。"))
            elif act in ("send_back", "withdraw"):
                one_offs.drop_list(list_id=pk, version=_version(request), note=note, now=now)
            elif act == "pay":
                duties.require("payments.prepare")
                title, arguments = _("生成一次性发放批次：%(title)s") % {"title": row.decision.title}, {"one_off_list": pk, "on": timezone.localdate(now)}
                start_task(path=f"{TASKS}.pay_one_off_list", title=title, arguments=arguments, url=reverse("payments:payrolls"), now=now)
                messages.success(request, _("已开始生成，完成后会出现在列表中。"))
                return redirect("payments:payrolls")
            return redirect("payments:subsidy_list", pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
        row = _list(pk)
    given = row.summary or {}
    places.preload(one["area"] for one in given.get("places", []))
    out = list(OneOffLeftOut.objects.filter(one_off_list=row).order_by("reason", "person_id")[:50])
    names = dict(Person.objects.filter(pk__in=[one.person_id for one in out]).values_list("pk", "name"))
    covers = acting.covers(row.area)
    context = {
        "row": row, "decision": row.decision, "colour": COLOURS[row.state], "place": places.name(row.area), "problem": problem,
        "groups": [one | {"name": paid_label(one["programme"]), "amount": Decimal(str(one["amount"]))} for one in given.get("groups", [])],
        "places": [one | {"name": places.name(one["area"]), "amount": Decimal(str(one["amount"]))} for one in given.get("places", [])],
        "left_out": [(OneOffLeftOut.Reason(one["reason"]).label, one["people"]) for one in given.get("left_out", [])],
        "out": [(one, shown_name(names.get(one.person_id, ""))) for one in out], "shares": _shares(row.decision, row.amount) if row.people else [],
        "may_approve": row.state == "proposed" and covers and duties.may("payments.one_off_approve") and row.made_by_id != acting.account_id,
        "mine": row.state == "proposed" and row.made_by_id == acting.account_id and duties.may("payments.one_off_list"),
        "may_names": duties.may("enrolment.view"),
        "may_pay": row.state == "approved" and covers and duties.may("payments.prepare"),
    }  # fmt: skip
    return render(request, "payments/subsidy_list.html", context, status=422 if problem else 200)


class ClaimFilter(django_filters.FilterSet):
    area = AreaFilter(label=gettext_lazy("地区"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("待遇"), choices=paid_choices(), empty_label=ALL)

    class Meta:
        model = OneOffClaim
        fields: list[str] = []


class Claims(ListPage):
    """Who is on a list, in the reader's scope."""

    title = gettext_lazy("一次性补助名单")
    act = "enrolment.view"
    crumbs = ((gettext_lazy("资金发放"), ""), (gettext_lazy("一次性补助"), "/payments/subsidies/"))
    filters = ClaimFilter
    order = ("area", "household_id", "id")
    subject = "one_off_claim"
    empty_title = gettext_lazy("名单中没有符合条件的人员")
    columns = (
        Column(gettext_lazy("姓名"), lambda row: shown_name(row.person_name or ""), url=lambda row: reverse("registry:household", args=[row.household_id])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("待遇"), "get_programme_display"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money"),
    )

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.list_id = kwargs["pk"]

    def rows(self) -> QuerySet[OneOffClaim]:
        name = Person.objects.filter(pk=OuterRef("person_id")).values("name")[:1]
        return OneOffClaim.objects.filter(one_off_list_id=_list(self.list_id).pk).annotate(person_name=Subquery(name))


__all__ = ["Claims", "Decisions", "decision", "new", "one_list"]
