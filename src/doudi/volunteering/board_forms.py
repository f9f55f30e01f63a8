"""Forms of the needs board and of calls."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import emergencies, places
from doudi.core import scope as scopes
from doudi.core.forms import MomentInput
from doudi.volunteering import codes

RATINGS = [(5, _("5 很好")), (4, _("4 好")), (3, _("3 一般")), (2, _("2 不好")), (1, _("1 很不好"))]


def times() -> list[tuple[str, str]]:
    return [(day + part, f"{day_label}{part_label}") for day, day_label in codes.DAYS.items() for part, part_label in codes.PARTS.items()]


class PublishForm(forms.Form):
    times = forms.MultipleChoiceField(label=_("什么时候需要（不选为不限）"), choices=times, required=False, widget=forms.CheckboxSelectMultiple)
    offering = forms.BooleanField(label=_("按匹配顺序自动邀请，逾期或谢绝的邀请下一名"), required=False, initial=True)


class CallForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    area = forms.ChoiceField(label=_("召集哪里的志愿者"), choices=())
    title = forms.CharField(label=_("召集事项"), max_length=40, help_text=_("如：社区物资分拣。对外公开，不写任何人的姓名、住址"))
    words = forms.CharField(label=_("做什么、带什么"), max_length=300, widget=forms.TextInput)
    place = forms.CharField(label=_("集合地点"), max_length=80)
    wanted = forms.IntegerField(label=_("需要人数"), min_value=1, max_value=5000)
    until = forms.DateTimeField(label=_("截止时间"), widget=MomentInput(), help_text=_("到时自动结束；人数够了自动停止"))
    skills = forms.MultipleChoiceField(label=_("需要的技能（有一项即可）"), choices=list(codes.SKILLS.items()), required=False, widget=forms.CheckboxSelectMultiple)
    adults = forms.BooleanField(label=_("只限成年人"), required=False, initial=True)
    emergency_id = forms.TypedChoiceField(label=_("所属应急状态"), choices=(), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        own = scopes.current().area
        below = places.children(own) if len(own) < 12 else []
        self.fields["area"].choices = [(code, name) for code, name in [(own, places.name(own)), *below] if len(code) >= 6]  # type: ignore[attr-defined]
        found = emergencies.touching(own, timezone.localdate())
        self.fields["emergency_id"].choices = [("", _("无")), *((row.pk, row.title) for row in found)]  # type: ignore[attr-defined]


class AttendanceForm(forms.Form):
    starts = forms.DateTimeField(label=_("开始"), widget=MomentInput())
    ends = forms.DateTimeField(label=_("结束"), widget=MomentInput())
    kind = forms.ChoiceField(label=_("服务类别"), choices=[("", _("请选择")), *codes.SERVICES.items()])
    phone = forms.CharField(label=_("咨询电话"), max_length=20, help_text=_("对外公开的号码"))


class ConfirmForm(forms.Form):
    confirmed = forms.ChoiceField(label=_("由谁确认"), choices=[("recipient", _("本人或家人确认")), ("contact", _("帮扶责任人确认"))])
    rating = forms.TypedChoiceField(label=_("评价"), choices=RATINGS, coerce=int, required=False, empty_value=None)
    words = forms.CharField(label=_("对方怎么说"), max_length=500, required=False)
    minutes = forms.IntegerField(label=_("服务了多少分钟"), min_value=1, max_value=720, required=False, help_text=_("志愿者没有签到的，问本人后填写"))


class SayForm(forms.Form):
    rating = forms.TypedChoiceField(label=_("这次服务怎么样"), choices=RATINGS, coerce=int)
    words = forms.CharField(label=_("想说的话"), max_length=500, required=False, help_text=_("请不要写姓名、住址"))
