"""Forms of API clients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.api.rights import RIGHTS
from doudi.batch.datasets import CONTRACTS
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.core.models import Division


class CodesField(forms.CharField):
    """Codes of institutions, as a list."""

    def __init__(self) -> None:
        super().__init__(
            label=_("可上报的机构"), max_length=40_000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("机构代码（统一社会信用代码），一行一个；上报机构日报的必填，客户端只看到这些机构"),
        )  # fmt: skip

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        return str(super().clean(value)).replace("，", " ").replace(",", " ").split()


class ClientForm(forms.Form):
    organisation = forms.CharField(label=_("单位名称"), max_length=80, help_text=_("如 中牟县残疾人联合会"))
    contact = forms.CharField(label=_("联系人和电话"), max_length=80)
    area = forms.CharField(
        label=_("地区"), max_length=60, help_text=_("代码或名称；令牌只能看到和写入这一地区"), widget=forms.TextInput(attrs={"list": "areas"})
    )
    expires = forms.DateField(label=_("到期日"), widget=DayInput(), help_text=_("自这一天起令牌失效；最长三年"))
    per_minute = forms.IntegerField(label=_("每分钟最多调用"), initial=120, min_value=1, max_value=6000)
    rights = forms.MultipleChoiceField(label=_("权限"), choices=(), widget=forms.CheckboxSelectMultiple)
    datasets = forms.MultipleChoiceField(label=_("可报送的数据目录"), choices=(), required=False, widget=forms.CheckboxSelectMultiple)

    houses = CodesField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rights"].choices = [(name, f"{right.label}（{name}）") for name, right in RIGHTS.items()]  # type: ignore[attr-defined]
        self.fields["datasets"].choices = [(code, f"{gettext(c.department_zh)}　{gettext(c.name_zh)}") for code, c in CONTRACTS.items()]  # type: ignore[attr-defined]

    def clean_area(self) -> str:
        """A code, or the name of one division within the own area."""
        text = self.cleaned_data["area"].strip().split(" ")[0]
        if text.isascii() and text.isdigit():
            return text
        own = scopes.current()
        found = list(Division.objects.filter(name=text, code__gte=own.low, code__lt=own.high, ends__isnull=True).values_list("code", flat=True)[:3])
        if len(found) != 1:
            raise ValidationError(_("管辖范围内没有这一名称，或有多个同名；请填代码。"))
        return str(found[0])


class RenewForm(forms.Form):
    expires = forms.DateField(label=_("新的到期日"), widget=DayInput())
    version = forms.IntegerField(widget=forms.HiddenInput)


class HousesForm(forms.Form):
    houses = CodesField()
    version = forms.IntegerField(widget=forms.HiddenInput)


class VersionForm(forms.Form):
    version = forms.IntegerField()
