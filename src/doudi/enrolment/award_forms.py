"""Forms of one award: another amount, band or member; another payee."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from doudi.core.forms import DayInput, FilesField, MonthField
from doudi.enrolment.models import Award, PayeeChange
from doudi.registry.codes import BANKS
from doudi.registry.models import Membership


class AwardChangeForm(forms.Form):
    """Propose what holds from a month on. Amounts and members are the law's of today; the bands are the officer's, where the county pays by them."""

    from_month = MonthField(label=gettext_lazy("自何月起变更"))
    amount = forms.DecimalField(
        label=gettext_lazy("金额（元/月）"), required=False, min_value=Decimal("0.01"), max_digits=10, decimal_places=2,
        help_text=gettext_lazy("留空按现在登记的情况测算，享受人随之调整；与测算不一致的须会签。"),
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=400)

    def __init__(self, *args: Any, award: Award, by_band: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people: list[int] = []
        if not by_band:
            return
        for member in award.members.filter(void=False, ends=None, died_on=None).select_related("person").order_by("id"):
            name = f"band_{member.person_id}"
            self.people.append(member.person_id)
            self.fields[name] = forms.IntegerField(
                label=f"{member.person.name}（{gettext_lazy('档次')}）", required=False, min_value=1, max_value=6, initial=member.band
            )

    def bands(self) -> dict[int, int] | None:
        """Band by member, or None where none was given."""
        found = {person: self.cleaned_data[f"band_{person}"] for person in self.people if self.cleaned_data.get(f"band_{person}")}
        return found or None


class PayeeForm(forms.Form):
    """Propose another payee or account: a member to the account in the registry, everybody else to the one given here."""

    kind = forms.ChoiceField(label=gettext_lazy("领款人类型"), choices=PayeeChange.Kind.choices)
    person_id = forms.TypedChoiceField(label=gettext_lazy("家庭成员"), required=False, coerce=int, empty_value=None)
    name = forms.CharField(label=gettext_lazy("户名（监护人、亲属或机构）"), required=False, max_length=60)
    account = forms.CharField(
        label=gettext_lazy("收款账号"), required=False, max_length=40, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("家庭成员本人用人员页登记的账户，不必填写。"),
    )  # fmt: skip
    bank = forms.ChoiceField(label=gettext_lazy("开户银行"), required=False, choices=[("", gettext_lazy("请选择")), *BANKS.items()])
    basis = forms.CharField(
        label=gettext_lazy("依据和证明材料"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如：本人新办银行卡、监护人身份证明、供养服务协议及编号。"),
    )  # fmt: skip
    valid_from = forms.DateField(label=gettext_lazy("代领起始日期"), required=False, widget=DayInput(), help_text=gettext_lazy("他人代领时填写。"))
    valid_until = forms.DateField(label=gettext_lazy("代领截止日期"), required=False, widget=DayInput(), help_text=gettext_lazy("期满前提醒，期满后暂不发放，续签后随下批补发。"))
    old_closed = forms.BooleanField(label=gettext_lazy("原账户已注销或不能收款"), required=False, help_text=gettext_lazy("冷静期内不再付到原账户，期满随下批补发。"))
    evidence = FilesField(label=gettext_lazy("证明材料（照片或 PDF）"), required=False)

    def __init__(self, *args: Any, award: Award, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        living = Membership.objects.filter(household=award.household_id, starts__lte=on, person__died_on=None).exclude(ends__lte=on).select_related("person")
        self.fields["person_id"].choices = [("", gettext_lazy("请选择")), *((m.person_id, m.person.name) for m in living.order_by("relationship", "id"))]  # type: ignore[attr-defined]


class LiftForm(forms.Form):
    """End the cooling time early."""

    reason = forms.CharField(label=gettext_lazy("提前启用的原因"), max_length=200, help_text=gettext_lazy("例如：家庭无其他收入，已电话向本人核实账户。"))
    version = forms.IntegerField(widget=forms.HiddenInput())


class PayeeDecisionForm(forms.Form):
    note = forms.CharField(label=gettext_lazy("意见（退回时必填）"), required=False, max_length=400)
    version = forms.IntegerField(widget=forms.HiddenInput())
