"""Forms of funds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput
from doudi.payments.models import Fund, FundLevel, FundMovement, purpose_choices

LEVELS = [(value, label) for value, label in FundLevel.choices if value]


class MoneyForm(forms.Form):
    """What every document says."""

    fund = forms.ModelChoiceField(label=_("资金"), queryset=Fund.objects.order_by("id"), to_field_name="code", empty_label=None)
    year = forms.IntegerField(label=_("资金年度"), min_value=2000, max_value=2100, localize=False)
    level = forms.ChoiceField(label=_("资金来源级次"), choices=LEVELS)
    amount = forms.DecimalField(label=_("金额（元）"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2)
    document = forms.CharField(label=_("文号或凭证号"), max_length=120, help_text=_("同一文号只登记一次"))

    def __init__(self, *args: Any, funds: list[Fund], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fund"].queryset = Fund.objects.filter(pk__in=[fund.pk for fund in funds]).order_by("id")  # type: ignore[attr-defined]


class PlanForm(MoneyForm):
    issuer = forms.ChoiceField(label=_("下达级次"), choices=LEVELS, help_text=_("省级直接下达到县的选省级"))
    document_date = forms.DateField(label=_("文件日期"), widget=DayInput())
    field_order = ["fund", "year", "level", "issuer", "amount", "document", "document_date"]


class ReceiptForm(MoneyForm):
    issuer = forms.ChoiceField(label=_("拨付级次"), choices=LEVELS, help_text=_("省级直接拨到县的选省级"))
    plan = forms.ChoiceField(label=_("对应指标文件"), required=False, help_text=_("没有指标文件的可不选"))
    field_order = ["plan", "fund", "year", "level", "issuer", "amount", "document"]

    def __init__(self, *args: Any, plans: list[FundMovement], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = [("", _("无")), *((str(row.pk), f"{row.document}　{row.fund}　{row.amount:,.2f}") for row in plans)]  # type: ignore[attr-defined]


class ReasonedForm(MoneyForm):
    """About money that is there: older receipts may not say their level."""

    level = forms.ChoiceField(label=_("资金来源级次"), choices=FundLevel.choices, required=False)
    reason = forms.CharField(label=_("事由"), max_length=200)


class TransferForm(ReasonedForm):
    to_fund = forms.ModelChoiceField(label=_("调入资金"), queryset=Fund.objects.order_by("id"), to_field_name="code", empty_label=None)
    to_area = forms.ChoiceField(label=_("调入地区"))
    field_order = ["fund", "year", "level", "to_area", "to_fund", "amount", "document", "reason"]

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_area"].choices = places  # type: ignore[attr-defined]
        self.fields["to_fund"].queryset = self.fields["fund"].queryset  # type: ignore[attr-defined]


class CarryForm(ReasonedForm):
    to_year = forms.IntegerField(label=_("结转至年度"), min_value=2001, max_value=2101, localize=False)
    field_order = ["fund", "year", "to_year", "level", "amount", "document", "reason"]


class ReversalForm(forms.Form):
    document = forms.CharField(label=_("冲销凭证号"), max_length=120)
    reason = forms.CharField(label=_("冲销原因"), max_length=200)


class PurposeForm(forms.Form):
    """What a fund may, or may not, pay."""

    fund = forms.ModelChoiceField(label=_("资金"), queryset=Fund.objects.order_by("id"), to_field_name="code", empty_label=None)
    programme = forms.ChoiceField(label=_("用途"))
    area = forms.ChoiceField(label=_("适用地区"))
    allowed = forms.ChoiceField(label=_("规定"), choices=[("no", _("不得支付")), ("yes", _("可以支付"))])
    from_year = forms.IntegerField(label=_("起始资金年度"), min_value=2000, max_value=2100, localize=False)
    until_year = forms.IntegerField(label=_("截止资金年度"), min_value=2000, max_value=2100, localize=False, required=False, help_text=_("长期有效的不填"))
    document = forms.CharField(label=_("依据文号"), max_length=120)

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = places  # type: ignore[attr-defined]
        self.fields["programme"].choices = purpose_choices()  # type: ignore[attr-defined]
