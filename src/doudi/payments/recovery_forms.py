"""Forms of overpayments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput, MonthField
from doudi.enrolment.models import Award
from doudi.payments.models import Overpayment, RecoveryDecision, Repayment


class OpenForm(forms.Form):
    """Open a case by hand for months of one award."""

    kind = forms.ChoiceField(label=_("多发原因"), choices=[row for row in Overpayment.Kind.choices if row[0] != "death"])
    first = MonthField(label=_("起始月份"))
    last = MonthField(label=_("截止月份"))
    due = forms.DecimalField(label=_("每月应发金额（元）"), min_value=Decimal(0), max_digits=12, decimal_places=2, help_text=_("全部不应发的填 0。"))
    reason = forms.CharField(label=_("事实和依据"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ProposeForm(forms.Form):
    """What becomes of an overpayment; the service checks what each way needs."""

    way = forms.ChoiceField(label=_("办理方式"), choices=RecoveryDecision.Way.choices)
    amount = forms.DecimalField(label=_("金额（元）"), required=False, max_digits=12, decimal_places=2, localize=False)
    debtor = forms.ChoiceField(label=_("退款人"), choices=Overpayment.Debtor.choices)
    debtor_name = forms.CharField(label=_("退款人姓名"), required=False, max_length=60, help_text=_("继承人在继承遗产的范围内退还。"))
    instalments = forms.IntegerField(label=_("分几期退款"), required=False, min_value=1, max_value=60, initial=1)
    first_due = forms.DateField(label=_("首期日期"), required=False, widget=DayInput())
    award_id = forms.TypedChoiceField(label=_("从哪项待遇抵扣"), required=False, coerce=int, empty_value=None)
    per_month = forms.DecimalField(label=_("每月抵扣（元）"), required=False, max_digits=12, decimal_places=2, help_text=_("不超过县里规定的每月比例。"))
    consent = forms.CharField(label=_("家庭书面同意（日期或编号）"), required=False, max_length=200, help_text=_("抵扣会低于最低生活保障标准时必填，并在“材料”栏上传同意书。"))
    reason = forms.CharField(label=_("理由"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput())

    def __init__(self, *args: Any, overpayment: Overpayment, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        running = Award.objects.filter(household__in=[overpayment.household_id], void=False, starts__lte=on).exclude(ends__lte=on).order_by("programme", "entitlement_id")
        self.fields["award_id"].choices = [("", _("请选择")), *((row.pk, f"{row.get_programme_display()} {row.payee_name}") for row in running[:20])]  # type: ignore[attr-defined]

    def clean_instalments(self) -> int:
        return self.cleaned_data["instalments"] or 1


class DecideForm(forms.Form):
    note = forms.CharField(label=_("意见（退回时必填）"), required=False, max_length=400)
    version = forms.IntegerField(widget=forms.HiddenInput())


class RepaymentForm(forms.Form):
    amount = forms.DecimalField(label=_("退款金额（元）"), min_value=Decimal("0.01"), max_digits=12, decimal_places=2)
    way = forms.ChoiceField(label=_("退款方式"), choices=[row for row in Repayment.Way.choices if row[0] != "setoff"])
    document = forms.CharField(label=_("收据或缴款凭证号"), max_length=60, help_text=_("同一凭证只登记一次"))
    received_on = forms.DateField(label=_("收款日期"), widget=DayInput())
