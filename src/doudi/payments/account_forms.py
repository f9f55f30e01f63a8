"""Forms of returns, accounts and overpayments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import FilesField
from doudi.enrolment.models import BankRule
from doudi.registry.codes import BANKS


class CorrectionForm(forms.Form):
    """A returned line's corrected account; `again`: the class of return allows the old account once more."""

    same_account = forms.BooleanField(label=_("账户已恢复正常，按原账户补发"), required=False)
    name = forms.CharField(label=_("户名"), max_length=60, required=False, help_text=_("与银行账户一致"))
    account = forms.CharField(label=_("账号"), max_length=40, required=False, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))
    bank = forms.CharField(label=_("开户行代码"), max_length=14, required=False)
    note = forms.CharField(label=_("更正依据"), max_length=200, help_text=_("例如：核对本人银行卡原件"))
    evidence = FilesField(label=_("更正材料（照片或 PDF）"), required=False, help_text=_("银行卡或存折照片；没有材料，县级不能确认。"))

    def __init__(self, *args: Any, again: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not again:
            del self.fields["same_account"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("same_account"):
            for name, label in (("name", _("请填写户名。")), ("account", _("请填写账号。"))):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, label)  # type: ignore[arg-type]
        return data


class BankRuleForm(forms.Form):
    """A form of account number with its source."""

    kind = forms.ChoiceField(label=_("种类"), choices=BankRule.Kind.choices)
    bank = forms.ChoiceField(label=_("银行"), choices=list(BANKS.items()))
    prefix = forms.CharField(  # type: ignore[assignment]  # a field of this name leaves the form's own prefix alone
        label=_("开头数字"), max_length=10, required=False, help_text=_("银行卡为发卡行标识，一般 6 位；存折可以不填。")
    )
    least = forms.IntegerField(label=_("最少位数"), min_value=8, max_value=28)
    most = forms.IntegerField(label=_("最多位数"), min_value=8, max_value=28)
    source = forms.CharField(label=_("来源"), max_length=200, help_text=_("例如：银行来函文号"))


class RetireForm(forms.Form):
    reason = forms.CharField(label=_("停用原因"), max_length=200)
