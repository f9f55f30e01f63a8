"""Forms of requests and transfers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import MomentInput
from doudi.institutions.models import Institution, Request, SupplyItem, TransferVehicle
from doudi.institutions.models.places import Bed
from doudi.institutions.services.transfers import Free, Vehicle


class Quantity(forms.DecimalField):
    def __init__(self, **words: Any) -> None:
        super().__init__(**({"max_digits": 9, "decimal_places": 2, "min_value": 0, "localize": False} | words))


class KeyForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class RequestForm(KeyForm):
    institution = forms.TypedChoiceField(label=_("机构"), coerce=int, choices=())
    kind = forms.ChoiceField(label=_("缺什么"), choices=Request.Kind.choices, widget=forms.RadioSelect)
    item = forms.ChoiceField(label=_("物资"), choices=(), required=False, help_text=_("缺物资的从目录中选"))
    what = forms.CharField(label=_("具体情况"), max_length=200, help_text=_("不要写人员姓名"))
    quantity = Quantity(label=_("数量"), help_text=_("物资按目录单位；检测、转移、照护按人数；隔离场所按床位"))
    urgency = forms.ChoiceField(label=_("紧急程度"), choices=Request.Urgency.choices, widget=forms.RadioSelect, initial="orange")
    wanted_by = forms.DateTimeField(label=_("最晚什么时候要"), widget=MomentInput(), required=False, help_text=_("比办结时限早的，按这个时间办结"))
    report = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Institution.objects.exclude(state=Institution.State.CLOSED).order_by("name", "pk").values_list("pk", "name")[:1000]
        self.fields["institution"].choices = list(rows)  # type: ignore[attr-defined]
        items = SupplyItem.objects.filter(ended_on__isnull=True).order_by("order")
        self.fields["item"].choices = [("", "—"), *((each.code, f"{each.name}（{each.unit}）") for each in items)]  # type: ignore[attr-defined]


class AmendForm(forms.Form):
    what = forms.CharField(label=_("具体情况"), max_length=200)
    quantity = Quantity(label=_("数量"))
    urgency = forms.ChoiceField(label=_("紧急程度"), choices=Request.Urgency.choices)
    wanted_by = forms.DateTimeField(label=_("最晚什么时候要"), widget=MomentInput(), required=False)
    reason = forms.CharField(label=_("调整原因"), max_length=200)


class AssignForm(forms.Form):
    members = forms.TypedMultipleChoiceField(label=_("交给哪些单位（先签收的办理）"), coerce=int, choices=(), widget=forms.CheckboxSelectMultiple)
    note = forms.CharField(label=_("说明"), max_length=200, required=False)

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].choices = members  # type: ignore[attr-defined]


class SendForm(KeyForm):
    quantity = Quantity(label=_("这一批数量"))
    carrier = forms.CharField(label=_("车辆、送货人或到场人员"), max_length=120, required=False)
    note = forms.CharField(label=_("说明"), max_length=200, required=False, help_text=_("超过需要数量的，写明原因"))


class ReceiveForm(forms.Form):
    delivery = forms.IntegerField(widget=forms.HiddenInput)
    received = Quantity(label=_("实收"))
    note = forms.CharField(label=_("与发出不同的原因"), max_length=200, required=False)


class WhyForm(forms.Form):
    reason = forms.CharField(label=_("原因"), max_length=200)


class ReopenForm(WhyForm):
    more = Quantity(label=_("还需要多少"), initial=0)


class TransferForm(KeyForm):
    to = forms.TypedChoiceField(label=_("接收机构（空床位）"), coerce=int, choices=())
    bed = forms.ChoiceField(label=_("到达后的床位"), choices=[("", _("与现在相同")), *Bed.choices], required=False)
    leaves_at = forms.DateTimeField(label=_("计划出发"), widget=MomentInput())
    reason = forms.CharField(label=_("转移原因"), max_length=200)
    people = forms.TypedMultipleChoiceField(label=_("名单"), coerce=int, choices=())

    def __init__(self, *args: Any, free: list[Free], people: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"leaves_at": timezone.localtime(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        houses: dict[int, list[Free]] = {}
        for each in free:
            houses.setdefault(each.institution_id, []).append(each)
        kinds = dict(Bed.choices)
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (pk, f"{rows[0].name}（" + "，".join(f"{kinds.get(row.bed, row.bed)} {row.free}" for row in rows) + "）") for pk, rows in houses.items()
        ]
        self.fields["people"].choices = people  # type: ignore[attr-defined]


class VehicleForm(forms.Form):
    kind = forms.ChoiceField(label=_("车型"), choices=TransferVehicle.Kind.choices)
    plate = forms.CharField(label=_("车牌"), max_length=12)
    seats = forms.IntegerField(label=_("可乘坐人数"), min_value=1, max_value=80)
    driver = forms.CharField(label=_("驾驶员"), max_length=60)
    phone = forms.CharField(label=_("驾驶员手机"), max_length=20)

    def vehicle(self) -> Vehicle:
        given = self.cleaned_data
        return Vehicle(given["kind"], given["plate"], given["seats"], given["driver"], given["phone"])
