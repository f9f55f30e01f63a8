"""Forms of back pay."""

from __future__ import annotations

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import MonthField
from doudi.payments.services.back_pay import PAID
from doudi.registry.models import Programme


class BackPayForm(forms.Form):
    """By which document, for which months and programmes."""

    document = forms.CharField(label=_("调整标准的文号"), max_length=200, help_text=_("同一文号再次核算，只补还没有补足的月份"))
    first = MonthField(label=_("起始月份"), help_text=_("新标准自哪个月执行"))
    last = MonthField(label=_("截止月份"), required=False, help_text=_("不填：到最近已发放的月份"))
    programmes = forms.MultipleChoiceField(label=_("待遇"), choices=[(value, Programme(value).label) for value in PAID], widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=_("说明"), max_length=400, required=False)

    def months(self) -> tuple[date, date | None]:
        return self.cleaned_data["first"], self.cleaned_data["last"]
