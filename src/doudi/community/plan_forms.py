"""Forms of service plans and their activations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.community.models import ActivationCheck, PlanItem
from doudi.community.services.plans import KINDS, Line
from doudi.core.forms import DayInput

Section = PlanItem.Section
# section -> fields of its form
FIELDS = {
    Section.GRID: ("name", "detail", "person", "phone", "username"), Section.CONTACT: ("name", "person", "phone"),
    Section.RESOURCE: ("kind", "name", "quantity", "detail"), Section.SUPPLIER: ("kind", "name", "phone", "detail"),
    Section.PRIORITY: ("name", "kind", "every", "priority"), Section.STEP: ("name",),
}  # fmt: skip


class LineForm(forms.Form):
    """One line of one section."""

    kind = forms.ChoiceField(label=_("种类"), choices=())
    name = forms.CharField(label=_("名称"), max_length=60)
    detail = forms.CharField(label=_("范围、地点或说明"), max_length=200, required=False)
    quantity = forms.IntegerField(label=_("数量"), min_value=0, max_value=1_000_000, required=False)
    person = forms.CharField(label=_("负责人"), max_length=60)
    phone = forms.CharField(label=_("联系电话"), max_length=20)
    username = forms.CharField(label=_("账号"), max_length=60, required=False, help_text=_("有账号的填写，名单按此分给网格"))
    every = forms.IntegerField(label=_("每几天一次"), min_value=1, max_value=30, initial=1)
    priority = forms.IntegerField(label=_("优先级"), min_value=1, max_value=9, initial=1, help_text=_("1 最先"))

    def __init__(self, *args: Any, section: str, groups: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"prefix": section})
        self.section = Section(section)
        for name in list(self.fields):
            if name not in FIELDS[self.section]:
                del self.fields[name]
        if "kind" in self.fields:
            labels = dict(PlanItem.Kind.choices)
            self.fields["kind"].choices = [(code, labels[code]) for code in KINDS[self.section]]  # type: ignore[attr-defined, index]
        if self.section == Section.PRIORITY:
            self.fields["name"] = forms.ChoiceField(label=_("关爱对象类别"), choices=groups)
        self.order_fields(FIELDS[self.section])

    def line(self) -> Line:
        return Line(section=self.section, **self.cleaned_data)


class ActivateForm(forms.Form):
    emergency = forms.TypedChoiceField(label=_("依据的应急状态"), choices=(), coerce=int, empty_value=None, required=False)
    reason = forms.CharField(label=_("启动原因"), max_length=200)
    document = forms.CharField(label=_("文号或通知"), max_length=200)
    until = forms.DateField(label=_("启动至（含当天）"), widget=DayInput(), help_text=_("到期自动结束，也可提前结束"))

    def __init__(self, *args: Any, emergencies: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["emergency"].choices = [("", _("单独启动")), *emergencies]  # type: ignore[attr-defined]


class CheckForm(forms.Form):
    outcome = forms.ChoiceField(label=_("情况"), choices=ActivationCheck.Outcome.choices, widget=forms.RadioSelect)
    note = forms.CharField(label=_("说明"), max_length=1000, required=False)
