"""Forms of counselling."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.community.models import CounsellingSession
from doudi.core.forms import DayInput, MomentInput


class AskForm(forms.Form):
    """Ask for a session for somebody; nothing of what is the matter is written here."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("方式"), choices=CounsellingSession.Kind.choices, widget=forms.RadioSelect)
    cause = forms.ChoiceField(label=_("缘由"), choices=CounsellingSession.Cause.choices, help_text=_("只选大类；具体情况当面谈，由疏导人员记录"))
    urgent = forms.BooleanField(label=_("紧急，一天内预约"), required=False, help_text=_("有伤害自己或他人的想法，先打 120、110，再登记"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), "kind": "counselling", **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class BookForm(forms.Form):
    counsellor = forms.TypedChoiceField(label=_("疏导人员"), choices=(), coerce=int)
    supervisor = forms.TypedChoiceField(label=_("督导"), choices=(), coerce=int, help_text=_("可以看记录的另一人，不能是疏导人员自己"))
    way = forms.ChoiceField(label=_("在哪里谈"), choices=CounsellingSession.Way.choices)
    starts = forms.DateTimeField(label=_("时间"), widget=MomentInput())
    minutes = forms.IntegerField(label=_("时长（分钟）"), min_value=10, max_value=240, initial=60)

    def __init__(self, *args: Any, counsellors: list[tuple[int, str]], supervisors: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, people in (("counsellor", counsellors), ("supervisor", supervisors)):
            self.fields[name].choices = [("", _("请选择")), *people]  # type: ignore[attr-defined]


class HoldForm(forms.Form):
    note = forms.CharField(
        label=_("记录"), max_length=8000, widget=forms.Textarea(attrs={"rows": 6}), help_text=_("加密保存，只有您和督导能看；保存后不能修改")
    )
    follow_up = forms.DateField(label=_("回访日期"), required=False, widget=DayInput(), help_text=_("不需要回访的不填"))


class OffForm(forms.Form):
    missed = forms.ChoiceField(label=_("情况"), choices=[("", _("取消")), ("1", _("本人未到场"))], required=False)
    reason = forms.CharField(label=_("原因"), max_length=200)

    def __init__(self, *args: Any, booked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not booked:
            del self.fields["missed"]
