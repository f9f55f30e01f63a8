"""Lists: payrolls, lines, returns, ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.models import TaskProgress
from doudi.core.templatetags import ui
from doudi.payments import calendar, queries
from doudi.payments.forms import MonthForm, OneOffForm
from doudi.payments.models import Fund, FundLevel, LedgerAccount, LedgerEntry, Payroll, PayrollLine, paid_choices
from doudi.payments.services import ledger

COLOURS = {"draft": "orange", "checked": "orange", "approved": "orange", "released": "", "booked": "green"}
RETURN_COLOURS = {"open": "orange", "proposed": "", "corrected": "green", "reissued": "gray"}
ALL = _("全部")


def tail_of(token: Any) -> str:
    """The end of an account number, as pages show it."""
    return ui.tail(numbers.plain(token)) if token else ui.NOTHING


class MonthFilter(django_filters.CharFilter):
    """A month as the browser's month field sends it."""

    def __init__(self, **kwargs: Any) -> None:
        from django import forms

        super().__init__(widget=forms.TextInput(attrs={"type": "month"}), **kwargs)

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        try:
            return qs.filter(**{self.field_name: date.fromisoformat(f"{value}-01")}) if value else qs
        except ValueError:
            return qs.none()


class PayrollFilter(django_filters.FilterSet):
    month = MonthFilter(label=_("发放月份"))
    area = AreaFilter(label=_("地区"))
    state = django_filters.ChoiceFilter(label=_("状态"), choices=Payroll.State.choices, empty_label=ALL)

    class Meta:
        model = Payroll
        fields: list[str] = []


class Payrolls(ListPage):
    title = _("发放批次")
    act = "payments.view"
    crumbs = [(_("资金发放"), "")]
    filters = PayrollFilter
    order = ("-month", "area", "kind", "serial")
    template = "payments/payrolls.html"
    empty_title = _("还没有发放批次")
    empty_hint = _("选择月份并生成批次后，可在这里查看每一步。")
    columns = [
        Column(_("批次号"), "number", url=lambda row: reverse("payments:payroll", args=[row.pk])),
        Column(_("地区"), "area", kind="area"),
        Column(_("发放月份"), lambda row: ui.month(row.month), sort="month"),
        Column(_("类别"), "get_kind_display"),
        Column(_("笔数"), "lines", kind="number", sort="lines"),
        Column(_("金额（元）"), "amount", kind="money", sort="amount"),
        Column(_("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
        Column(_("编制"), "prepared_by.name", small=lambda row: ui.day(row.prepared_at)),
        Column(_("报送"), "released_at", kind="day"),
    ]

    def get_columns(self) -> list[Column]:
        rules = calendar.Rules(date.max)
        return [*self.columns, Column(_("到账期限"), lambda row: calendar.days_of(row.month, row.area, rules).due, kind="day", export=False)]

    def rows(self) -> QuerySet[Payroll]:
        acting = scopes.current()
        return Payroll.objects.filter(area__gte=acting.low, area__lt=acting.high).select_related("prepared_by")

    def context(self) -> dict[str, Any]:
        acting, month = scopes.current(), timezone.localdate().strftime("%Y-%m")
        may_prepare = duties.may("payments.prepare") and len(acting.area) == 6
        paths = ["doudi.payments.tasks.prepare", "doudi.payments.tasks.prepare_one_off", "doudi.payments.tasks.prepare_supplement"]
        running = TaskProgress.objects.filter(task_path__in=paths, state__in=["waiting", "running"]).order_by("asked_at")[:5]
        return {
            "month_form": MonthForm(initial={"month": month}) if may_prepare else None,
            "one_off_form": OneOffForm(initial={"month": month}, prefix=None, auto_id="one_off_%s") if may_prepare else None,
            "supplement_form": MonthForm(initial={"month": month}, auto_id="supplement_%s") if may_prepare else None,
            "one_off_due": queries.grants_due(acting.low, acting.high) if may_prepare else None,
            "running": list(running),
            "waiting": queries.waiting_corrections(acting.low, acting.high) if may_prepare else 0,
        }


class LineFilter(django_filters.FilterSet):
    payee_name = PrefixFilter(label=_("领款人"))
    area = AreaFilter(label=_("乡镇"))
    programme = django_filters.ChoiceFilter(label=_("待遇"), choices=paid_choices(), empty_label=ALL)
    kind = django_filters.ChoiceFilter(label=_("类别"), choices=PayrollLine.Kind.choices, empty_label=ALL)
    mark = django_filters.ChoiceFilter(label=_("提示"), choices=[("death", _("成员死亡")), ("arrears", _("补付以前月份"))], empty_label=ALL)

    class Meta:
        model = PayrollLine
        fields: list[str] = []


class OfPayroll(ListPage):
    """A list of one payroll: its rows of the reader's scope."""

    act = "payments.view"

    @property
    def crumbs(self) -> list[tuple[Any, str]]:  # type: ignore[override]
        return [(_("发放批次"), reverse("payments:payrolls")), (self.payroll.number, reverse("payments:payroll", args=[self.payroll.pk]))]

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        payroll = Payroll.objects.filter(pk=kwargs["pk"]).first()
        if payroll is None or not scopes.current().covers(payroll.area):
            raise Http404
        self.payroll = payroll


class Lines(OfPayroll):
    """The lines of one payroll (发放明细)."""

    title = _("发放明细")
    subject = "payroll_line"
    filters = LineFilter
    order = ("area", "entitlement_id", "month_entitled", "id")
    columns = [
        Column(
            _("领款人"),
            "payee_name",
            url=lambda row: reverse("registry:household", args=[row.household_id]) if row.household_id else None,
            drawer=False,
        ),
        Column(_("保障对象"), "beneficiary_name"),
        Column(_("地区"), "area", kind="area"),
        Column(_("待遇"), "get_programme_display"),
        Column(_("所属月份"), lambda row: ui.month(row.month_entitled)),
        Column(_("类别"), "get_kind_display"),
        Column(_("账号"), lambda row: tail_of(row.account)),
        Column(_("人数"), "members", kind="number"),
        Column(_("金额（元）"), "amount", kind="money", sort="amount"),
    ]

    def rows(self) -> QuerySet[PayrollLine]:
        return PayrollLine.objects.filter(payroll=self.payroll, month_entitled__lte=self.payroll.latest)


class EntryFilter(django_filters.FilterSet):
    fund = django_filters.ModelChoiceFilter(label=_("资金"), queryset=Fund.objects.order_by("id"), empty_label=ALL)
    fund_year = django_filters.NumberFilter(label=_("资金年度"))
    account = django_filters.ChoiceFilter(label=_("科目"), choices=LedgerAccount.choices, empty_label=ALL)
    level = django_filters.ChoiceFilter(label=_("资金来源级次"), choices=[choice for choice in FundLevel.choices if choice[0]], empty_label=ALL)
    area = AreaFilter(label=_("地区"))
    booked_on = django_filters.DateFromToRangeFilter(
        label=_("记账日期"), widget=django_filters.widgets.DateRangeWidget(attrs={"type": "date", "class": "in", "aria-label": _("记账日期")})
    )

    class Meta:
        model = LedgerEntry
        fields: list[str] = []


class Ledger(ListPage):
    """The ledger (资金台账): balances by fund and year, and every entry."""

    title = _("资金台账")
    act = "payments.view"
    crumbs = [(_("资金发放"), "")]
    filters = EntryFilter
    order = ("-booked_at", "-id")
    subject = "ledger"
    template = "payments/ledger.html"
    empty_title = _("台账还没有记录")
    empty_hint = _("登记拨款、报送批次、读入发放结果后，每一笔都会记在这里。")
    columns = [
        Column(_("记账日期"), "booked_on", kind="day", sort="booked_on"),
        Column(_("凭证号"), "transaction", kind="number"),
        Column(_("资金"), "fund.name", small=lambda row: gettext("%(year)s 年") % {"year": row.fund_year}),
        Column(_("科目"), lambda row: LedgerAccount(row.account).label, small=lambda row: FundLevel(row.level).label if row.level else ""),
        Column(_("摘要"), "what", small=lambda row: row.document),
        Column(_("增加（元）"), lambda row: row.amount if row.amount > 0 else None, kind="money"),
        Column(_("减少（元）"), lambda row: -row.amount if row.amount < 0 else None, kind="money"),
        Column(_("地区"), "area", kind="area"),
        Column(_("经办"), "made_by.name"),
    ]

    def rows(self) -> QuerySet[LedgerEntry]:
        return LedgerEntry.objects.select_related("fund", "made_by")

    def context(self) -> dict[str, Any]:
        rows = ledger.trial_balance(area=scopes.current().area)
        for row in rows:
            row["moved"] = row["transferred"] + row["handed_back"]
        return {
            "balances": rows,
            "accounts": [LedgerAccount(value).label for value in LedgerAccount.values],
            "holds": not any(row["sum"] for row in rows),
        }
