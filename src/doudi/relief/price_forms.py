"""Forms of price linkage."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import MonthField
from doudi.core.models import Division
from doudi.relief.linkage import is_index_area
from doudi.relief.services.price_entries import Indices


class EntryForm(forms.Form):
    """The indices of one month, as the bulletin says them."""

    area = forms.ChoiceField(label=_("地区"), choices=())
    month = MonthField(label=_("指数所属月份"), help_text=_("公布月份的上一个月，不是发放月份"))
    cpi = forms.DecimalField(label=_("居民消费价格指数（CPI）同比涨幅（%）"), max_digits=6, decimal_places=2, required=False, help_text=_("填涨幅 2.1，不填 102.1"))
    food = forms.DecimalField(label=_("其中食品价格指数同比涨幅（%）"), max_digits=6, decimal_places=2, required=False)
    scpi = forms.DecimalField(
        label=_("低收入居民价格指数（SCPI）同比涨幅（%）"), max_digits=6, decimal_places=2, required=False, help_text=_("没有公布的留空，不要填 0")
    )
    source = forms.CharField(label=_("发布单位"), max_length=120, help_text=_("如国家统计局××调查队"))
    document = forms.CharField(label=_("公报或文号"), max_length=120)
    reason = forms.CharField(label=_("更正或补录的原因"), max_length=200, required=False, help_text=_("更正已确认的指数、逾期补录时必填"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = scopes.current().area
        codes = [own]
        if own == "41":
            codes += Division.objects.filter(level__in=["city", "county"], ends__isnull=True, code__lt="4191").order_by("code").values_list("code", flat=True)
        self.fields["area"].choices = [(code, places.name(code)) for code in codes if is_index_area(code)]  # type: ignore[attr-defined]

    def indices(self) -> Indices:
        return Indices(self.cleaned_data["cpi"], self.cleaned_data["food"], self.cleaned_data["scpi"])


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("逾期的原因"), max_length=400, required=False, help_text=_("发放期限已过的填写"))
