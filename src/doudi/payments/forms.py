"""Forms of payments."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput, FilesField, MonthField
from doudi.payments.layouts import LAYOUTS
from doudi.payments.models import Fund, OneOff, ReserveTransfer, paid_choices


class MonthForm(forms.Form):
    month = MonthField(label=_("发放月份"))


class OneOffForm(MonthForm):
    """Which one-off grants: of one programme, or all that are due."""

    programme = forms.ChoiceField(label=_("待遇"), choices=[("", _("全部")), *OneOff.choices], required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("退回原因"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ReserveForm(forms.Form):
    """Money into a township's reserve, or back."""

    kind = forms.ChoiceField(label=_("办理"), choices=ReserveTransfer.Kind.choices, initial="received")
    year = forms.IntegerField(label=_("资金年度"), min_value=2000, max_value=2100)
    amount = forms.DecimalField(label=_("金额（元）"), max_digits=12, decimal_places=2, min_value=Decimal("0.01"))
    document = forms.CharField(label=_("凭证号或文号"), max_length=120)


class ResultsForm(forms.Form):
    answers = FilesField(label=_("发放结果文件"), help_text=_("可一次选多份，也可分几次读入；有银行签名的，连同 .sig 文件一并选择。全部核对无误才记账。"))


class LayoutChoiceForm(forms.Form):
    """Which layout, for which lines, from when; and whether files are encrypted and signed."""

    layout = forms.ChoiceField(label=_("版式"), choices=[(layout.code, layout.label) for layout in LAYOUTS.values()])
    starts = forms.DateField(label=_("启用日期"), widget=DayInput())
    fund = forms.ModelChoiceField(label=_("只限资金"), queryset=Fund.objects.order_by("id"), to_field_name="code", required=False, empty_label=_("全部"))
    programme = forms.ChoiceField(label=_("只限待遇"), choices=[("", _("全部")), *paid_choices()], required=False)
    bank = forms.RegexField(
        label=_("只限银行"), regex=r"^[0-9A-Za-z]*$", max_length=14, required=False, help_text=_("开户行代码或其开头几位；不填为全部")
    )
    document = forms.CharField(label=_("依据"), max_length=200, help_text=_("与财政部门或银行约定的文件名称、文号"))
    encrypted = forms.BooleanField(label=_("加密（CMS，用银行证书）"), required=False)
    signed = forms.BooleanField(label=_("签名，并核验银行结果文件的签名"), required=False)
    certificate = forms.CharField(
        label=_("银行证书"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}), help_text=_("PEM 格式；加密或签名时必填")
    )


class ReviewForm(forms.Form):
    entitlement = forms.IntegerField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(label=_("复核结果"), choices=[("normal", _("正常")), ("held", _("剔除，核查后补发"))], widget=forms.RadioSelect)
    note = forms.CharField(label=_("复核情况"), max_length=200)
