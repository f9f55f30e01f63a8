"""Forms of the discovery team."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.discovery.models import Lead, Need, TeamMember
from doudi.registry.forms import PlaceField, PlaceForm

URGENCY = [(Lead.Urgency.YELLOW.value, _("一般")), (Lead.Urgency.ORANGE.value, _("较急")), (Lead.Urgency.RED.value, _("很急，马上要帮"))]


class TeamReportForm(PlaceForm):
    """A report in under a minute: kind of need and place are enough."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    need = forms.ChoiceField(label=_("哪一类困难"), choices=Need.choices, widget=forms.RadioSelect)
    urgency = forms.ChoiceField(label=_("急不急"), choices=URGENCY, initial=Lead.Urgency.YELLOW.value, widget=forms.RadioSelect)
    area = PlaceField(label=_("所在村（社区）"))
    name = forms.CharField(label=_("姓名"), max_length=60, required=False, help_text=_("不知道可不填"))
    phone = forms.CharField(label=_("联系电话"), max_length=30, required=False, help_text=_("困难群众或家人的，没有可不填"))
    address = forms.CharField(label=_("在哪里能找到"), max_length=200, required=False, help_text=_("如：3 组村东头第二家"))
    detail = forms.CharField(label=_("情况"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photo = forms.FileField(
        label=_("照片"), required=False, widget=forms.FileInput(attrs={"accept": "image/*", "capture": "environment"}), help_text=_("可不拍")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        if len(area) == 12:
            self.fields["area"].initial = area


class MemberForm(forms.Form):
    """A new member of the team."""

    area = forms.ChoiceField(label=_("所在乡镇或村（社区）"), choices=())
    name = forms.CharField(label=_("姓名"), max_length=60)
    kind = forms.ChoiceField(label=_("队员类别"), choices=TeamMember.Kind.choices)
    phone = forms.CharField(label=_("联系电话"), max_length=30)
    organisation = forms.CharField(label=_("所在单位"), max_length=80, required=False)
    contact = forms.CharField(label=_("联系说明"), max_length=200, required=False, help_text=_("方便联系的时间、还可找谁"))
    username = forms.CharField(label=_("账号"), max_length=60, required=False, help_text=_("本人用手机报告的填账号；没有账号的由经办人代为登记"))
    starts = forms.DateField(label=_("加入日期"), widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        choices = [(area, places.name(area))] if len(area) >= 9 else []
        if len(area) in (6, 9):
            choices += places.children(area)
        self.fields["area"].choices = choices  # type: ignore[attr-defined]


class RosterForm(forms.Form):
    file = forms.FileField(label=_("主动发现队伍名册（Excel 或 CSV）"))


class EndForm(forms.Form):
    ends = forms.DateField(label=_("离队日期"), widget=DayInput())
    version = forms.IntegerField(widget=forms.HiddenInput)


class TrainForm(forms.Form):
    on = forms.DateField(label=_("培训日期"), widget=DayInput())
    title = forms.CharField(label=_("培训内容"), max_length=80)
    hours = forms.DecimalField(label=_("学时"), max_digits=4, decimal_places=1, min_value=0)
