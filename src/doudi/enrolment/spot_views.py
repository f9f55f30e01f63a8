"""Pages of delegated confirmation: what townships confirmed, spot checks, one drawn decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import audit, duties, places
from doudi.core.forms import DayInput, errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter, page_of
from doudi.core.settings_overlay import get_setting
from doudi.core.views.access import may
from doudi.enrolment import services, spot_queries
from doudi.enrolment.models import Award, Case, Decision, SpotCheck, SpotCheckItem
from doudi.enrolment.queries import HeadFilter
from doudi.enrolment.services import spot_checks
from doudi.enrolment.settings import SPOT_SHARE
from doudi.registry.models import Household, Programme

Finding = SpotCheckItem.Finding
MOST = 50


class ConfirmedFilter(django_filters.FilterSet):
    name = HeadFilter(label=gettext_lazy("户主姓名"))
    number = PrefixFilter(label=gettext_lazy("编号"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("项目"), choices=Programme.choices)
    area = AreaFilter(label=gettext_lazy("地区"))
    since = django_filters.DateFilter(label=gettext_lazy("确认日期自"), field_name="decided_at", lookup_expr="date__gte", widget=DayInput())
    found = django_filters.ChoiceFilter(
        label=gettext_lazy("抽查结果"), method="by_found", choices=[*Finding.choices, ("waits", gettext_lazy("已抽取，待查")), ("no", gettext_lazy("未抽取"))]
    )

    class Meta:
        model = Decision
        fields: list[str] = []

    def by_found(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if value == "no":
            return rows.filter(drawn__isnull=True)
        return rows.filter(found="" if value == "waits" else value, drawn__isnull=False)


class Confirmed(ListPage):
    title = gettext_lazy("乡镇确认")
    act = "enrolment.view"
    crumbs = [(gettext_lazy("救助办理"), "")]
    filters = ConfirmedFilter
    order = ("-decided_at", "-id")
    template = "enrolment/confirmed.html"
    empty_title = gettext_lazy("没有乡镇确认的决定")
    empty_hint = gettext_lazy("县级把项目的审核确认权限下放乡镇后，乡镇确认的决定都列在这里；请在“标准与参数”查看是否下放。")
    columns = [
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("enrolment:decision", args=[row.pk])),
        Column(gettext_lazy("户主"), lambda row: row.head or _("已转出"), small=lambda row: row.person.name if row.person_id and row.person else None),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("项目"), "get_programme_display", small=lambda row: row.get_kind_display()),
        Column(gettext_lazy("金额（元/月）"), "amount", kind="money"),
        Column(gettext_lazy("确认人"), "decided_by.name"),
        Column(gettext_lazy("确认日期"), "decided_at", kind="day", sort="decided_at"),
        Column(
            gettext_lazy("抽查"), spot_queries.found_words, kind="tag", colour=lambda row: spot_queries.COLOURS[row.found or ""],
            url=lambda row: reverse("enrolment:spot_item", args=[row.drawn]) if row.drawn and duties.may("enrolment.spot_check") else None,
        ),
    ]  # fmt: skip

    def rows(self) -> QuerySet[Decision]:
        return spot_queries.confirmed()

    def context(self) -> dict[str, Any]:
        return {"may_draw": duties.may("enrolment.spot_check")}


class SpotChecks(ListPage):
    title = gettext_lazy("抽查")
    act = "enrolment.view"
    crumbs = [(gettext_lazy("救助办理"), ""), (gettext_lazy("乡镇确认"), "/enrolment/confirmed/")]
    order = ("-ends", "-id")
    template = "enrolment/confirmed.html"
    empty_title = gettext_lazy("还没有抽查")
    empty_hint = gettext_lazy("点“抽取”，按期间和比例从乡镇确认的决定中抽取；抽取可复核。")
    columns = [
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("enrolment:spot_check", args=[row.pk])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("确认期间"), lambda row: f"{row.starts} – {row.ends}"),
        Column(gettext_lazy("比例"), lambda row: f"{row.share}%"),
        Column(gettext_lazy("确认件数"), "size", kind="number"),
        Column(gettext_lazy("抽取"), "drawn", kind="number"),
        Column(gettext_lazy("已查"), "checked", kind="number"),
        Column(gettext_lazy("确认错误"), "wrong", kind="number"),
        Column(gettext_lazy("期限"), lambda row: row.due if row.state == "open" else None, kind="due"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: "orange" if row.state == "open" else "green"),
    ]

    def rows(self) -> QuerySet[SpotCheck]:
        return spot_queries.checks()

    def context(self) -> dict[str, Any]:
        return {"may_draw": duties.may("enrolment.spot_check"), "townships": spot_queries.by_township()[:30]}


class DrawForm(forms.Form):
    starts = forms.DateField(label=gettext_lazy("确认日期自"), widget=DayInput())
    ends = forms.DateField(label=gettext_lazy("确认日期至"), widget=DayInput(), help_text=gettext_lazy("应早于今天。"))
    seed = forms.IntegerField(
        label=gettext_lazy("随机种子"), required=False, min_value=0, max_value=999_999_999, help_text=gettext_lazy("留空由系统产生并留存；现场摇号的填摇出的数。")
    )


@require_http_methods(["GET", "POST"])
@may("enrolment.spot_check")
def draw(request: HttpRequest) -> HttpResponse:
    """Draw a spot check for a period; by default last month's."""
    area = request.scope.area[:6]  # type: ignore[attr-defined]
    today = timezone.localdate()
    last = today.replace(day=1) - timedelta(days=1)
    form = DrawForm(request.POST or None, initial={"starts": last.replace(day=1), "ends": last})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.draw_spot_check(area=area, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已抽取 %(drawn)d 件（共 %(size)d 件）。") % {"drawn": made.drawn, "size": made.size})
            return redirect("enrolment:spot_check", pk=made.pk)
    return render(request, "enrolment/spot_draw.html", {"form": form, "share": int(get_setting(SPOT_SHARE, area, today))}, status=422 if form.errors else 200)


def _check(pk: int) -> SpotCheck:
    found = SpotCheck.objects.select_related("made_by", "closed_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@may("enrolment.view")
def spot_check(request: HttpRequest, pk: int) -> HttpResponse:
    """One spot check: how it was drawn, findings by township, the drawn decisions."""
    return _check_page(request, _check(pk))


def _check_page(request: HttpRequest, row: SpotCheck, error: str = "", status: int = 200) -> HttpResponse:
    number = request.GET.get("page", "1")
    page = page_of(spot_queries.items(row), int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, MOST)
    for item in page.rows:
        item.colour = spot_queries.COLOURS[item.finding]
    rows = row.figures if row.state == SpotCheck.State.CLOSED else spot_checks.rates(row.pk)
    places.preload([item.area for item in page.rows] + [each["area"] for each in rows])
    again = spot_checks.same_again(row)
    desc = [
        (_("确认期间"), f"{row.starts} – {row.ends}"), (_("抽查比例"), _("%(share)d%%，按乡镇和项目分层，每层至少一件") % {"share": row.share}),
        (_("确认件数"), f"{row.size:,}"), (_("抽取件数"), f"{row.drawn:,}"), (_("随机种子"), str(row.seed)),
        (_("重新抽取"), _("按留存的名单和种子重新抽取，结果一致") if again else _("结果不一致，请报告系统管理员")),
        (_("抽取"), f"{row.made_by.name if row.made_by else _('系统')} {timezone.localtime(row.made_at):%Y-%m-%d %H:%M}"), (_("办结期限"), row.due.isoformat()),
    ]  # fmt: skip
    if row.closed_at:
        desc.append((_("办结"), f"{row.closed_by.name if row.closed_by else _('系统')} {timezone.localtime(row.closed_at):%Y-%m-%d %H:%M}"))
        desc.append((_("办结说明"), row.note))
    context = {
        "row": row, "desc": desc, "rates": rows, "total": spot_checks.total(rows), "page": page, "error": error, "may_open": duties.may("enrolment.spot_check"),
        "may_check": duties.may("enrolment.spot_check") and row.state == SpotCheck.State.OPEN,
    }  # fmt: skip
    return render(request, "enrolment/spot_check.html", context, status=status)


@require_POST
@may("enrolment.spot_check")
def close(request: HttpRequest, pk: int) -> HttpResponse:
    row = _check(pk)
    try:
        services.close_spot_check(check_id=pk, note=request.POST.get("note", ""), now=timezone.now())
    except ValidationError as error:
        return _check_page(request, row, "；".join(error.messages), 422)
    messages.success(request, _("%(number)s 已办结，结果不再改变。") % {"number": row.number})
    return redirect("enrolment:spot_check", pk=pk)


class FindingForm(forms.Form):
    finding = forms.ChoiceField(label=gettext_lazy("抽查结果"), choices=Finding.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label=gettext_lazy("缺少的材料或认定错误的事实"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("“符合规定”可不填。"),
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput())


class ReopenForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput())
    pause = forms.BooleanField(label=gettext_lazy("核查期间暂停发放"), required=False)


def _item(pk: int) -> SpotCheckItem:
    rows = SpotCheckItem.objects.select_related("check_of", "decision", "decision__person", "confirmed_by", "checked_by", "review")
    found = rows.filter(pk=pk).first()
    if found is None or not SpotCheck.objects.filter(pk=found.check_of_id).exists():
        raise Http404
    return found


@require_GET
@may("enrolment.spot_check")
def spot_item(request: HttpRequest, pk: int) -> HttpResponse:
    """One drawn decision: what was confirmed, what was found, opening it again."""
    return _item_page(request, _item(pk))


def _item_page(request: HttpRequest, row: SpotCheckItem, *, form: forms.Form | None = None, what: str = "", status: int = 200) -> HttpResponse:
    audit.record_access(what="open", subject="household", subject_id=row.decision.household_id, area=row.area, field="spot_check")
    decision, check = row.decision, row.check_of
    here = Household.objects.filter(pk=decision.household_id, area=decision.area).exists()
    desc = [
        (_("户主"), decision.household.name if here else _("已转出")), (_("地区"), places.name(row.area)), (_("项目"), decision.get_programme_display()),
        (_("类型"), decision.get_kind_display()), (_("金额（元/月）"), f"{decision.amount:,.2f}" if decision.amount is not None else ""),
        (_("起始月"), f"{decision.starts:%Y-%m}"), (_("提出人"), decision.proposed_by.name),
        (_("确认人"), f"{row.confirmed_by.name} {timezone.localtime(decision.decided_at):%Y-%m-%d %H:%M}" if decision.decided_at else row.confirmed_by.name),
        (_("与测算"), _("不一致") if decision.differs else _("一致")), (_("理由"), decision.reason or decision.decision_note, True),
    ]  # fmt: skip
    running = decision.kind in ("grant", "change") and Award.objects.filter(decision=decision, void=False, suspended=False).exists()
    is_open = check.state == SpotCheck.State.OPEN and row.review_id is None
    finding = form if what == "find" else FindingForm(initial={"finding": row.finding or None, "text": row.text, "version": row.version})
    reopen = form if what == "reopen" else ReopenForm(initial={"version": row.version})
    if reopen is not None and not (running and duties.may("enrolment.approve")):
        reopen.fields.pop("pause", None)
    own = request.scope.account_id in (row.confirmed_by_id, decision.proposed_by_id, decision.signed_by_id)  # type: ignore[attr-defined]
    context = {
        "row": row, "check": check, "decision": decision, "desc": desc, "colour": spot_queries.COLOURS[row.finding], "own": own, "here": here,
        "finding_form": finding if is_open and not own else None, "reopen_form": reopen if is_open and row.finding == Finding.WRONG and here else None,
        "case": Case.objects.filter(decision=decision).values_list("pk", flat=True).first(), "members": decision.content["members"],
    }  # fmt: skip
    return render(request, "enrolment/spot_item.html", context, status=status)


@require_POST
@may("enrolment.spot_check")
def item_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Record a finding, or open again what was confirmed wrongly; sent twice, the second is told."""
    row = _item(pk)
    if what not in ("find", "reopen"):
        raise Http404
    form: forms.Form = FindingForm(request.POST) if what == "find" else ReopenForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            if what == "find":
                services.record_finding(item_id=pk, now=timezone.now(), **data)
                messages.success(request, _("抽查结果已保存。"))
                return redirect("enrolment:spot_check" if data["finding"] != Finding.WRONG else "enrolment:spot_item", row.check_of_id if data["finding"] != Finding.WRONG else pk)
            services.reopen_confirmed(item_id=pk, now=timezone.now(), **data)
            messages.success(request, _("已重启核查，并通知乡镇。"))
            return redirect("enrolment:spot_item", pk)
        except ValidationError as error:
            errors_into(form, error)
    return _item_page(request, _item(pk), form=form, what=what, status=422)
