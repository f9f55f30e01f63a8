"""Forms of visits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput, SignatureField
from doudi.discovery.models.visits import Group, Health, Income, Living, Met, Unit, VisitNeed
from doudi.discovery.services.visits import Result


class DoorForm(forms.Form):
    """What is found at a door, on a visit or in a sweep."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    met = forms.ChoiceField(label=_("见到本人了吗"), choices=Met.choices, widget=forms.RadioSelect)
    living = forms.ChoiceField(label=_("生活状况"), choices=Living.choices, widget=forms.RadioSelect, required=False)
    needs = forms.MultipleChoiceField(label=_("需要什么（可多选）"), choices=VisitNeed.choices, widget=forms.CheckboxSelectMultiple, required=False)
    medicine_days = forms.IntegerField(label=_("药还能用几天"), min_value=0, max_value=366, required=False)
    health = forms.ChoiceField(label=_("健康变化"), choices=Health.choices, widget=forms.RadioSelect, required=False)
    income = forms.ChoiceField(label=_("收入变化"), choices=Income.choices, widget=forms.RadioSelect, required=False)
    note = forms.CharField(label=_("补充说明"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    next_on = forms.DateField(label=_("改约日期"), required=False, widget=DayInput(), help_text=_("没见到人的填；不填则按期限再次上门"))
    done_on = forms.DateField(label=_("走访日期"), required=False, widget=DayInput())

    def result(self) -> Result:
        given = self.cleaned_data
        return Result(
            met=given["met"], living=given["living"], needs=tuple(given.get("needs", ())), medicine_days=given.get("medicine_days"),
            health=given.get("health", ""), income=given.get("income", ""), note=given["note"], witness=given.get("witness", ""), next_on=given["next_on"],
        )  # fmt: skip


class RecordForm(DoorForm):
    """One visit as its visitor found it."""

    base_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    witness = forms.CharField(label=_("见证人"), max_length=60, required=False, help_text=_("本人不能签名的，填在场的家属或邻居"))
    signature = SignatureField(missing=_("签名没有保存成功；请重新签名，或填写见证人。"))
    verified = forms.BooleanField(label=_("线索情况已当面核实"), required=False)

    def __init__(self, *args: Any, paper: bool = False, lead: bool = False, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["done_on"].required = paper
        if not paper:
            del self.fields["done_on"]
        if not lead:
            del self.fields["verified"]


class PlanForm(forms.Form):
    """How often a group is visited at a place."""

    area = forms.ChoiceField(label=_("适用地区"), choices=())
    group = forms.ChoiceField(label=_("走访对象"), choices=Group.choices)
    every = forms.IntegerField(label=_("平时每隔"), min_value=0, max_value=366, help_text=_("0 表示不安排"))
    unit = forms.ChoiceField(label=_("单位"), choices=Unit.choices)
    emergency_every = forms.IntegerField(label=_("应急期间每隔"), min_value=0, max_value=366, help_text=_("0 表示与平时相同"))
    emergency_unit = forms.ChoiceField(label=_("单位"), choices=Unit.choices)
    starts = forms.DateField(label=_("起始日期"), widget=DayInput())
    document = forms.CharField(label=_("依据"), max_length=200, required=False, help_text=_("文号或会议纪要"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        below = places.children(area) if len(area) < 12 else []
        self.fields["area"].choices = [(area, places.name(area)), *below]  # type: ignore[attr-defined]


class AskForm(forms.Form):
    """A visit that the township asks for."""

    due = forms.DateField(label=_("走访期限"), widget=DayInput())
    reason = forms.CharField(label=_("为什么走访"), max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"due": timezone.localdate() + timedelta(days=3), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("取消的原因"), max_length=200, help_text=_("如住院、外出过冬；下一次从今天起算"))
    version = forms.IntegerField(widget=forms.HiddenInput)


class AssignVisitForm(forms.Form):
    posting = forms.TypedChoiceField(label=_("走访人"), choices=(), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, postings: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["posting"].choices = [("", _("由村里在任走访员走访")), *postings]  # type: ignore[attr-defined]
