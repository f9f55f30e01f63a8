"""The form of a one-off payment to groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import MonthField
from doudi.payments.models import OneOffDecision
from doudi.registry.models import Programme


class SubsidyForm(forms.Form):
    """Title, document, group, amount, shares of the levels in per cent."""

    title = forms.CharField(label=_("名称"), max_length=80, help_text=_("例如：2022年7月一次性生活补助"))
    document = forms.CharField(label=_("文号"), max_length=120)
    month = MonthField(label=_("享受月份"), help_text=_("该月在享待遇的人员"))
    programmes = forms.MultipleChoiceField(label=_("发给对象"), choices=Programme.choices, widget=forms.CheckboxSelectMultiple, help_text=_("属于几类的只发一份"))
    per = forms.ChoiceField(label=_("发放单位"), choices=OneOffDecision.Per.choices, initial="person")
    amount = forms.DecimalField(label=_("金额（元）"), max_digits=10, decimal_places=2, min_value=Decimal("0.01"))
    central = forms.IntegerField(label=_("中央分担（%）"), min_value=0, max_value=100, required=False)
    province = forms.IntegerField(label=_("省级分担（%）"), min_value=0, max_value=100, required=False)
    city = forms.IntegerField(label=_("市级分担（%）"), min_value=0, max_value=100, required=False)
    county = forms.IntegerField(label=_("县级分担（%）"), min_value=0, max_value=100, required=False)

    def values(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        shares = {level: given.pop(level) or 0 for level in ("central", "province", "city", "county")}
        return given | {"shares": shares if any(shares.values()) else None}
