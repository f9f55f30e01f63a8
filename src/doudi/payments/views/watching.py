"""Lists behind a payroll's figures: what differs from the month before, what stands out, what is left out; reviewing many at once."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, PrefixFilter
from doudi.core.tasks import start_task
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.core.views.telling import tell
from doudi.payments import unusual, watch_reads
from doudi.payments.forms import MonthForm
from doudi.payments.models import LineFlag, LineReview, PayrollChange, PayrollExclusion, paid_choices
from doudi.payments.services import drafts, reviewing
from doudi.payments.views.lists import OfPayroll

ALL = _("全部")
RESIDENCES = [("urban", _("城市")), ("rural", _("农村"))]


def household(row: Any) -> str | None:
    return reverse("registry:household", args=[row.household_id]) if row.household_id else None


class ChangeFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=_("领款人"))
    area = AreaFilter(label=_("乡镇"))
    programme = django_filters.ChoiceFilter(label=_("待遇"), choices=paid_choices(), empty_label=ALL)
    residence = django_filters.ChoiceFilter(label=_("城乡"), choices=RESIDENCES, empty_label=ALL)
    what = django_filters.ChoiceFilter(label=_("变动"), choices=PayrollChange.What.choices, empty_label=ALL)
    why = django_filters.ChoiceFilter(label=_("原因"), choices=PayrollChange.Why.choices, empty_label=ALL)

    class Meta:
        model = PayrollChange
        fields: list[str] = []


CHANGE_COLOURS = {"added": "green", "ended": "red", "changed": "orange"}


def _ground(row: PayrollChange) -> str:
    """The decision's number, or why it is left out."""
    return str(PayrollExclusion.Reason(row.document).label) if row.why == "left_out" and row.document in PayrollExclusion.Reason.values else row.document


class Changes(OfPayroll):
    """What differs from the month before (与上月比较), line by line, with why."""

    page_size = 50
    title = _("与上月比较")
    subject = "payroll_change"
    filters = ChangeFilter
    order = ("area", "entitlement_id")
    empty_title = _("与上月没有不同")
    empty_hint = _("新增、停发、变更的待遇会列在这里；上月没有批次的不比较。")
    columns = [
        Column(_("领款人"), "payee_name", url=household),
        Column(_("地区"), "area", kind="area"),
        Column(_("待遇"), "get_programme_display", small=lambda row: dict(RESIDENCES).get(row.residence)),
        Column(_("变动"), "get_what_display", kind="tag", colour=lambda row: CHANGE_COLOURS[row.what]),
        Column(_("原因"), "get_why_display", small=_ground),
        Column(_("上月（元）"), "before", kind="money", sort="before"),
        Column(_("本月（元）"), "amount", kind="money", sort="amount"),
        Column(_("增减（元）"), lambda row: ui.change((row.amount or 0) - (row.before or 0)), kind="number", export=False),
    ]

    def get_columns(self) -> list[Column]:
        # `kind="number"` only sets the column to the right: its text is formed already
        return [*self.columns[:-1], Column(_("增减（元）"), lambda row: (row.amount or 0) - (row.before or 0), kind="money")]

    def rows(self) -> QuerySet[PayrollChange]:
        return PayrollChange.objects.filter(payroll=self.payroll)


class FlagFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=_("领款人"))
    area = AreaFilter(label=_("乡镇"))
    rule = django_filters.ChoiceFilter(label=_("为何提示"), choices=[(rule.name, rule.label) for rule in unusual.RULES], empty_label=ALL)
    state = django_filters.ChoiceFilter(
        label=_("复核"), choices=[("waits", _("待复核")), ("done", _("已复核")), ("free", _("仅提示"))], empty_label=ALL, method="by_state"
    )

    class Meta:
        model = LineFlag
        fields: list[str] = []

    def by_state(self, rows: QuerySet[LineFlag], _name: str, value: str) -> QuerySet[LineFlag]:
        done = Q(verdict__isnull=False) & (Q(seen__isnull=True) | Q(seen=F("amount")))
        return rows.filter(done) if value == "done" else rows.exclude(done).filter(must=value == "waits")


def _finding(row: Any) -> Any:
    if row.verdict is None:
        return ui.status_tag(_t("待复核") if row.must else _t("仅提示"), "orange" if row.must else "gray")
    if row.seen is not None and row.seen != row.amount:
        return ui.status_tag(_t("金额已变，须重新复核"), "orange")
    return ui.status_tag(LineReview.Verdict(row.verdict).label, "green" if row.verdict == "normal" else "orange")


class Flags(OfPayroll):
    """What stands out (异常明细): filter, tick, write one finding for all that are ticked."""

    page_size = 50
    title = _("异常明细")
    subject = "line_flag"
    filters = FlagFilter
    order = ("rule", "area", "entitlement_id")
    template = "payments/flags.html"
    empty_title = _("没有异常明细")
    empty_hint = _("提示规则和界限在“标准与参数”中按县设置。")

    @property
    def editable(self) -> bool:
        return self.payroll.state == "draft" and duties.may("payments.prepare")

    def get_columns(self) -> list[Column]:
        tick = Column(
            _("选择"),
            lambda row: format_html(
                '<input type="checkbox" form="review" name="entitlement" value="{}" aria-label="{}">', str(row.entitlement_id), row.payee_name
            ),
            export=False,
        )
        return [
            *([tick] if self.editable else []),
            Column(_("领款人"), "payee_name", url=household),
            Column(_("地区"), "area", kind="area"),
            Column(_("待遇"), "get_programme_display"),
            Column(_("上月（元）"), "before", kind="money"),
            Column(_("本月（元）"), "amount", kind="money", sort="amount"),
            Column(_("为何提示"), lambda row: unusual.why(row.rule, row.detail)),
            Column(_("复核结果"), _finding, small=lambda row: row.note, export=False),
        ]

    def rows(self) -> QuerySet[LineFlag]:
        review = LineReview.objects.filter(payroll_id=OuterRef("payroll_id"), entitlement_id=OuterRef("entitlement_id"))
        return LineFlag.objects.filter(payroll=self.payroll).annotate(
            verdict=Subquery(review.values("verdict")), note=Subquery(review.values("note")), seen=Subquery(review.values("amount"))
        )

    def context(self) -> dict[str, Any]:
        return {"payroll": self.payroll, "editable": self.editable, "rules": watch_reads.rules_of(self.payroll), "waits": reviewing.waiting(self.payroll.pk)}


class ExclusionFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=_("领款人"))
    area = AreaFilter(label=_("乡镇"))
    programme = django_filters.ChoiceFilter(label=_("待遇"), choices=paid_choices(), empty_label=ALL)
    reason = django_filters.ChoiceFilter(label=_("原因"), choices=PayrollExclusion.Reason.choices, empty_label=ALL)

    class Meta:
        model = PayrollExclusion
        fields: list[str] = []


class Exclusions(OfPayroll):
    """What this payroll leaves out (未列入本批), why, and what brings it back."""

    page_size = 50
    title = _("未列入本批")
    subject = "payroll_exclusion"
    filters = ExclusionFilter
    order = ("reason", "area", "entitlement_id", "month_entitled")
    empty_title = _("全部列入")
    empty_hint = _("没有因账户、暂停等原因留待下期的待遇。")
    columns = [
        Column(_("领款人"), "payee_name", url=household),
        Column(_("地区"), "area", kind="area"),
        Column(_("待遇"), "get_programme_display"),
        Column(_("所属月份"), lambda row: ui.month(row.month_entitled)),
        Column(_("金额（元）"), "amount", kind="money", sort="amount"),
        Column(_("原因"), "get_reason_display"),
        Column(_("如何办理"), lambda row: watch_reads.what_to_do(row.reason)),
    ]

    def rows(self) -> QuerySet[PayrollExclusion]:
        return PayrollExclusion.objects.filter(payroll=self.payroll)


@require_POST
@may("payments.prepare")
def review_many(request: HttpRequest, pk: int) -> HttpResponse:
    """One finding for all ticked lines."""
    ids = [int(value) for value in request.POST.getlist("entitlement") if value.isascii() and value.isdigit() and len(value) < 19]
    verdict, note = request.POST.get("verdict"), request.POST.get("note", "")
    if verdict not in LineReview.Verdict.values:
        messages.error(request, _t("请选择复核结果并填写复核情况。"))
    else:
        tell(
            request,
            lambda: reviewing.review_lines(payroll_id=pk, entitlement_ids=ids, held=verdict == "held", note=note, now=timezone.now()),
            lambda done: _t("已记录 %(n)s 笔的复核情况。") % {"n": ui.count(done)},
        )
    return redirect("payments:flags", pk)


@require_POST
@may("payments.prepare")
def prepare_supplement(request: HttpRequest) -> HttpResponse:
    """Start preparing (or refreshing) the month's supplementary payroll in the background."""
    form = MonthForm(request.POST)
    if not form.is_valid():
        messages.error(request, _t("“发放月份”应为年月，如 2022-12。"))
        return redirect("payments:payrolls")
    month, area = form.cleaned_data["month"].replace(day=1), scopes.current().area

    def start() -> Any:
        drafts.county_of(area, "payments.prepare")
        title = _t("生成 %(month)s 补发批次") % {"month": ui.month(month)}
        path, url = "doudi.payments.tasks.prepare_supplement", reverse("payments:payrolls")
        return start_task(path=path, title=title, arguments={"area": area, "month": month.isoformat()}, url=url, now=timezone.now())

    tell(request, start, lambda _task: _t("已开始生成，完成后会出现在列表中。"))
    return redirect("payments:payrolls")
