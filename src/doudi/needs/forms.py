"""Forms of needs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.needs import kinds
from doudi.needs.models import MedicineDelivery, Need, NeedAnswer
from doudi.needs.services import Medicine

OTHER = "other"


class RaiseForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("需求种类"), choices=())
    urgency = forms.ChoiceField(label=_("紧急程度"), choices=Need.Urgency.choices, help_text=_("断药、断粮、无人照料的选“紧急”"))
    area = forms.ChoiceField(label=_("所在村（社区）"), choices=())
    person = forms.TypedChoiceField(label=_("谁需要"), choices=(), coerce=int, empty_value=None, required=False)
    what = forms.CharField(label=_("需要什么"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("加密保存，只向接下的人和负责的工作人员显示"))
    by = forms.DateField(label=_("最晚日期"), required=False, widget=DayInput())
    fixed = forms.BooleanField(label=_("过了这一天就不再需要"), required=False, help_text=_("如预约就诊"))
    wanted = forms.IntegerField(label=_("需要数量"), min_value=1, max_value=999, initial=1, help_text=_("人数、份数或件数"))
    skills = forms.MultipleChoiceField(label=_("需要的技能"), choices=list(kinds.SKILLS.items()), required=False, widget=forms.CheckboxSelectMultiple)
    source = forms.ChoiceField(label=_("来源"), choices=())
    name = forms.CharField(label=_("联系人"), max_length=60, required=False, help_text=_("与登记的本人相同的不填"))
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    address = forms.CharField(label=_("地址"), max_length=200, required=False)

    def __init__(self, *args: Any, members: list[tuple[int, str]] | None = None, source: str = "", **kwargs: Any) -> None:
        """`members`: of the household concerned (None: no household, a place is chosen); `source`: fixed by where the form was opened."""
        kwargs["initial"] = {"uuid": uuid4(), "urgency": "orange", **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds.choices()  # type: ignore[attr-defined]
        own = scopes.current().area
        below = places.children(own) if len(own) < 12 else []
        self.fields["area"].choices = [(code, name) for code, name in [(own, places.name(own)), *below] if len(code) >= 6]  # type: ignore[attr-defined]
        self.fields["source"].choices = [each for each in Need.Source.choices if each[0] in ("phone", "officer", "card", "institution")]  # type: ignore[attr-defined]
        if members is None:
            del self.fields["person"]
        else:
            del self.fields["area"]
            self.fields["person"].choices = [("", _("全家")), *members]  # type: ignore[attr-defined]
        if source:
            del self.fields["source"]


class OfferForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("以什么身份"), choices=NeedAnswer.Kind.choices)
    quantity = forms.IntegerField(label=_("数量"), min_value=1, max_value=999, initial=1)

    def __init__(self, *args: Any, need: Need, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), "quantity": max(need.left, 1), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        if need.wanted == 1:
            self.fields["quantity"].widget = forms.HiddenInput()


class AssignForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    who = forms.ChoiceField(label=_("交给谁"), choices=())
    kind = forms.ChoiceField(label=_("以什么身份"), choices=NeedAnswer.Kind.choices)
    name = forms.CharField(label=_("名称或姓名"), max_length=60, required=False, help_text=_("选“其他”时填写，如药店、单位、邻居"))
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    quantity = forms.IntegerField(label=_("数量"), min_value=1, max_value=999, initial=1)

    def __init__(self, *args: Any, need: Need, candidates: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), "quantity": max(need.left, 1), "kind": "officer", **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["who"].choices = [*candidates, (OTHER, _("其他（没有账号的，由您电话联系）"))]  # type: ignore[attr-defined]
        if need.wanted == 1:
            self.fields["quantity"].widget = forms.HiddenInput()


class RenewForm(forms.Form):
    by = forms.DateField(label=_("最晚日期"), required=False, widget=DayInput())


def medicines(text: str) -> list[Medicine]:
    """One medicine a line: name, quantity, use, separated by commas."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.replace("，", ",").split(",")]
        if parts[0]:
            found.append(Medicine(parts[0], parts[1] if len(parts) > 1 else "", "，".join(parts[2:])))
    return found


class PrepareForm(forms.Form):
    source = forms.ChoiceField(label=_("药从哪里来"), choices=MedicineDelivery.Source.choices)
    source_name = forms.CharField(label=_("药店、医院或卫生室名称"), max_length=80)
    medicines = forms.CharField(
        label=_("药品清单"), widget=forms.Textarea(attrs={"rows": 4}), max_length=4000, help_text=_("每行一种：药名，数量，用法。如：硝苯地平缓释片，2 盒，每日一次")
    )
    prescription = forms.BooleanField(label=_("清单中有处方药"), required=False, help_text=_("须先上传处方照片，才能登记取药"))


class BoughtForm(forms.Form):
    received = forms.DecimalField(label=_("收到本人的钱（元）"), min_value=0, max_digits=7, decimal_places=2, initial=0)
    paid = forms.DecimalField(label=_("实际付款（元）"), min_value=0, max_digits=7, decimal_places=2, initial=0, help_text=_("不足的为垫付，多出的送达时退还"))


class HandOverForm(forms.Form):
    proof = forms.ChoiceField(label=_("签收方式"), choices=[each for each in NeedAnswer.Confirmed.choices if each[0] in ("signature", "photo", "witness")])
    taker = forms.CharField(label=_("签收人"), max_length=60)
    witness = forms.CharField(label=_("见证人"), max_length=60, required=False, help_text=_("不能签字、拍照的，由见证人在场"))
    returned = forms.DecimalField(label=_("退还本人（元）"), min_value=0, max_digits=7, decimal_places=2)
    picture = forms.FileField(
        label=_("签收单或送达照片"), required=False, widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp", "capture": "environment"})
    )
