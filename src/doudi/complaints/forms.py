"""Forms of objections and complaints."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.complaints.models import Action, Complaint, Finding
from doudi.complaints.services import Identity
from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.discovery.models.referrals import Department

NOTHING = [("", "—")]


class OpenForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("种类"), choices=Complaint.Kind.choices)
    category = forms.ChoiceField(label=_("类别"), choices=Complaint.Category.choices, help_text=_("办理期限按类别确定"))
    channel = forms.ChoiceField(label=_("来源"), choices=Complaint.Channel.choices[:-1])
    area = forms.ChoiceField(label=_("所涉地区"), choices=(), required=False, help_text=_("已选家庭的，以家庭所在村为准"))
    content = forms.CharField(label=_("反映的情况"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}), help_text=_("时间、地点、经过、要求；加密保存"))
    about_account = forms.TypedChoiceField(
        label=_("被投诉的工作人员"), choices=(), coerce=int, empty_value=None, required=False, help_text=_("被投诉人看不到本件，也不能办理")
    )
    name = forms.CharField(label=_("反映人姓名"), max_length=60, required=False, help_text=_("匿名的不填；加密保存，只有承办人和上级监管员可以查看"))
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    address = forms.CharField(label=_("联系地址"), max_length=200, required=False)

    def __init__(self, *args: Any, officers: list[tuple[int, str]], placed: bool = False, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        own = scopes.current().area
        below = places.children(own) if len(own) < 12 else []
        self.fields["area"].choices = [(code, name) for code, name in [(own, places.name(own)), *below] if len(code) >= 6]  # type: ignore[attr-defined]
        self.fields["about_account"].choices = [("", _("未指明")), *officers]  # type: ignore[attr-defined]
        if placed:
            del self.fields["area"]

    def identity(self) -> Identity:
        given = self.cleaned_data
        return Identity(given["name"], given["phone"], given["address"])


class AssignForm(forms.Form):
    account = forms.TypedChoiceField(label=_("承办人"), choices=(), coerce=int)

    def __init__(self, *args: Any, handlers: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = handlers  # type: ignore[attr-defined]


class HoldForm(forms.Form):
    reason = forms.CharField(label=_("暂停的原因"), max_length=200, help_text=_("如等待部门核查结果、反映人外出"))
    until = forms.DateField(label=_("暂停至"), widget=DayInput())


class CloseForm(forms.Form):
    finding = forms.ChoiceField(label=_("调查结论"), choices=Finding.choices)
    action = forms.ChoiceField(label=_("处理意见"), choices=Action.choices, help_text=_("审批办结时由系统办理"))
    department = forms.ChoiceField(label=_("转办部门"), choices=[*NOTHING, *Department.choices], required=False)
    answer = forms.CharField(label=_("给反映人的答复"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))
    note = forms.CharField(label=_("调查情况"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("内部记录，不写入答复"))


class MassForm(forms.Form):
    finding = forms.ChoiceField(label=_("共同的结论"), choices=Finding.choices)
    reason = forms.CharField(label=_("共同的原因"), max_length=400, help_text=_("如同一批次银行延迟到账，已于某日全部到账"))
    answer = forms.CharField(label=_("给反映人的答复"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
