"""Forms of the budget."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.budget import queries
from doudi.budget.models import COVERED, Assumption, Scenario
from doudi.budget.services.needs import RECIPIENT_PROGRAMMES
from doudi.budget.services.scenarios import INDICES, WAYS, WITH_FUND, WITH_MONTHS, WITH_PROGRAMMES
from doudi.core.forms import MonthField
from doudi.payments.models import Fund
from doudi.registry.models import Programme

Kind = Assumption.Kind


class ScenarioForm(forms.Form):
    year = forms.IntegerField(label=gettext_lazy("预算年度"), min_value=2016, max_value=2100)
    name = forms.CharField(label=gettext_lazy("方案名称"), max_length=60, help_text=gettext_lazy("例如：基本方案、提标 5% 方案"))
    base_month = MonthField(label=gettext_lazy("基准月份"), help_text=gettext_lazy("按这个月在册的人员、家庭情况和在享待遇测算"))
    basis = forms.ChoiceField(label=gettext_lazy("测算对象"), choices=Scenario.Basis.choices, initial="awards", widget=forms.RadioSelect)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class CopyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("新方案名称"), max_length=60)


class AssumptionForm(forms.Form):
    """One assumption; the fields are those of its kind."""

    way = forms.ChoiceField(label=gettext_lazy("计算方式"))
    value = forms.DecimalField(label=gettext_lazy("数值"), max_digits=16, decimal_places=4)
    reason = forms.CharField(
        label=gettext_lazy("来源或理由"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("文号、统计数据、会议纪要等"),
    )

    def __init__(self, *args: Any, kind: str, year: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = [(way, str(Assumption.Way(way).label)) for way in WAYS[kind]]
        if kind == Kind.PRICE_INDEX:
            ways = [("value", _("同比涨幅（%）"))]
        self.fields["way"] = forms.ChoiceField(label=_("计算方式"), choices=ways, initial=ways[0][0])
        if len(ways) == 1:
            self.fields["way"].widget = forms.HiddenInput()
            self.fields["value"].label = ways[0][1]
        if kind in (Kind.STANDARD, Kind.PRICE_INDEX):
            labels = queries.parameter_labels()
            wanted = INDICES if kind == Kind.PRICE_INDEX else queries.STANDARDS
            self.fields["parameter"] = forms.ChoiceField(
                label=_("标准") if kind == Kind.STANDARD else _("指数"), choices=[(name, labels[name]) for name in wanted]
            )
            self.fields["starts"] = MonthField(label=_("自（月份）") if kind == Kind.STANDARD else _("指数月份"), initial=date(year, 1, 1))
        if kind in WITH_PROGRAMMES:
            listed = RECIPIENT_PROGRAMMES if kind == Kind.RECIPIENTS else COVERED
            self.fields["programmes"] = forms.MultipleChoiceField(
                label=_("对象"), choices=[(str(p), str(Programme(p).label)) for p in listed], widget=forms.CheckboxSelectMultiple
            )
        if kind in WITH_MONTHS:
            self.fields["starts"] = MonthField(label=_("起（月份）"), initial=date(year, 1, 1))
            self.fields["ends"] = MonthField(label=_("止（月份）"), initial=date(year, 12, 1))
        if kind == Kind.ONE_OFF:
            self.fields["starts"] = MonthField(label=_("月份"), initial=date(year, 1, 1))
        if kind in WITH_FUND:
            self.fields["fund"] = forms.ModelChoiceField(label=_("资金"), queryset=Fund.objects.order_by("id"))
        if kind in (Kind.FIXED, Kind.INSTITUTION, Kind.ONE_OFF):
            self.fields["label"] = forms.CharField(label=_("支出名称"), max_length=60, required=kind == Kind.FIXED)
        self.order_fields(["label", "parameter", "programmes", "way", "value", "starts", "ends", "fund", "reason"])

    def given(self) -> dict[str, Any]:
        """Arguments of `add_assumption`."""
        data = dict(self.cleaned_data)
        fund = data.pop("fund", None)
        return data | {"fund_id": fund.pk if fund else None}


class SourceForm(forms.Form):
    """What one level pays of one fund."""

    share = forms.DecimalField(label=gettext_lazy("负担比例（%）"), required=False, max_digits=7, decimal_places=4, min_value=0, max_value=100)
    amount = forms.DecimalField(label=gettext_lazy("或金额（元）"), required=False, max_digits=14, decimal_places=2, min_value=0)
    basis = forms.CharField(
        label=gettext_lazy("依据"), max_length=200, required=False, help_text=gettext_lazy("分担办法、提前下达文件等；两项都不填即删除")
    )
