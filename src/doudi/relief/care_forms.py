"""Forms of vagrants' aid and of what tekun recipients get beside their award."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput, MomentInput
from doudi.registry.models import Sex
from doudi.relief.models import CareAgreement, VagrantCase, VagrantSearch


class IntakeForm(forms.Form):
    """Somebody who comes to the aid station."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    station = forms.CharField(label=_("救助管理站"), max_length=60)
    name = forms.CharField(label=_("姓名"), max_length=60)
    named_by_station = forms.BooleanField(label=_("姓名不详，由站内代称"), required=False)
    id_number = forms.CharField(label=_("身份证号"), max_length=24, required=False, help_text=_("没有或不知道的可不填"))
    sex = forms.ChoiceField(label=_("性别"), choices=Sex.choices, widget=forms.RadioSelect)
    age = forms.IntegerField(label=_("年龄（可估计）"), min_value=0, max_value=130)
    found_place = forms.CharField(label=_("发现地点"), max_length=120)
    brought_by = forms.CharField(label=_("由谁送来"), max_length=60, help_text=_("公安、城管、群众或本人求助"))
    arrived_at = forms.DateTimeField(label=_("进站时间"), widget=MomentInput())
    condition = forms.CharField(label=_("身体状况和随身物品"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), "arrived_at": timezone.localtime(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class SearchForm(forms.Form):
    way = forms.ChoiceField(label=_("寻亲方式"), choices=VagrantSearch.Way.choices)
    on = forms.DateField(label=_("日期"), widget=DayInput())
    result = forms.CharField(label=_("结果"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    found = forms.BooleanField(label=_("已找到亲属或流出地"), required=False)
    origin = forms.CharField(label=_("亲属或流出地"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"on": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class StayForm(forms.Form):
    until = forms.DateField(label=_("延长至"), widget=DayInput())
    reason = forms.CharField(label=_("延长原因"), max_length=200)


class LeaveForm(forms.Form):
    """How somebody left, and to whom they were handed over."""

    leaving = forms.ChoiceField(label=_("离站方式"), choices=VagrantCase.Leaving.choices)
    left_at = forms.DateTimeField(label=_("离站时间"), widget=MomentInput())
    left_to = forms.CharField(label=_("去向"), max_length=120, required=False)
    receiver = forms.CharField(label=_("接收人"), max_length=60, required=False)
    receiver_unit = forms.CharField(label=_("接收单位或与本人关系"), max_length=100, required=False)
    handed_over_by = forms.CharField(label=_("护送（移交）人"), max_length=100, required=False)
    note = forms.CharField(label=_("备注"), max_length=2000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"left_at": timezone.localtime(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class CareForm(forms.Form):
    """A care agreement of a tekun recipient."""

    support = forms.ChoiceField(label=_("供养方式"), choices=CareAgreement.Support.choices, widget=forms.RadioSelect, initial="home")
    place = forms.CharField(label=_("供养机构"), max_length=100, required=False)
    carer_kind = forms.ChoiceField(label=_("照料护理人身份"), choices=CareAgreement.Carer.choices)
    carer = forms.CharField(label=_("照料护理人"), max_length=60)
    phone = forms.RegexField(label=_("联系电话"), regex=r"^[0-9]{7,12}$", required=False)
    level = forms.ChoiceField(label=_("护理等级"), choices=CareAgreement.Level.choices)
    amount = forms.DecimalField(label=_("照料护理费（元/月）"), max_digits=8, decimal_places=2, min_value=Decimal(0))
    signed_on = forms.DateField(label=_("签订日期"), widget=DayInput())
    starts = forms.DateField(label=_("开始日期"), widget=DayInput())


class EndForm(forms.Form):
    on = forms.DateField(label=_("终止日期"), widget=DayInput())
    reason = forms.CharField(label=_("终止原因"), max_length=200)


class FuneralForm(forms.Form):
    """The funeral cost of a tekun recipient, to who arranged the burial."""

    amount = forms.DecimalField(label=_("金额（元）"), max_digits=10, decimal_places=2, min_value=Decimal("0.01"))
    arranged_by = forms.CharField(label=_("丧葬承办人"), max_length=100, help_text=_("供养机构、村（居）委会或亲属"))
    payee_name = forms.CharField(label=_("户名"), max_length=60)
    payee_number = forms.CharField(label=_("领款人身份证号"), max_length=24, required=False, help_text=_("单位领款的不填"))
    account = forms.CharField(label=_("账号"), max_length=32)
    bank = forms.CharField(label=_("开户行代码"), max_length=14, required=False)
