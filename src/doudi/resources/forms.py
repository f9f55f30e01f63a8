"""Forms of purchased services, resources and donations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places, public
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.institutions.models import Institution
from doudi.needs import kinds
from doudi.payments.models import Fund
from doudi.resources.models import ContractLine, Donation, DonationAllocation, PurchasedService, Resource, ServiceContract
from doudi.resources.services.contracts import Line
from doudi.volunteering.models import Organisation

LINES = 5
SATISFACTION = [("5", _("很满意")), ("4", _("满意")), ("3", _("一般")), ("2", _("不满意")), ("1", _("很不满意"))]
PHOTO = {"accept": "image/jpeg,image/png,image/webp", "capture": "environment"}


def own_places(least: int = 6) -> list[tuple[str, str]]:
    """The officer's own place and those directly below, from a level on."""
    own = scopes.current().area
    below = places.children(own) if len(own) < 12 else []
    return [(code, name) for code, name in [(own, places.name(own)), *below] if len(code) >= least]


def villages() -> list[tuple[str, str]]:
    """Townships and villages of the officer's county or below, for a select; one query a level."""
    own = scopes.current().area
    if len(own) == 12:
        return [(own, places.name(own))]
    if len(own) == 9:
        return [(own, places.name(own)), *places.children(own)]
    from doudi.core.models import Division

    found = Division.objects.filter(code__gte=own, code__lt=own + ":", ends__isnull=True, level__in=["township", "village"]).order_by("code")
    rows = list(found.values_list("code", "name")) if len(own) == 6 else []
    return [(code, name if len(code) == 9 else f"　{name}") for code, name in rows]


class Keyed(forms.Form):
    """A form that is one action however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class LineForm(forms.Form):
    kind = forms.ChoiceField(label=_("种类"), choices=[("", ""), *ContractLine.Kind.choices], required=False)
    name = forms.CharField(label=_("服务名称"), max_length=60, required=False)
    unit = forms.CharField(label=_("单位"), max_length=10, required=False, widget=forms.TextInput(attrs={"placeholder": _("次、小时")}))
    unit_price = forms.DecimalField(label=_("单价（元）"), min_value=Decimal("0.01"), max_digits=10, decimal_places=2, required=False)
    quantity = forms.DecimalField(label=_("数量"), min_value=Decimal("0.01"), max_digits=10, decimal_places=2, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        filled = [name for name in self.fields if given.get(name)]
        if filled and len(filled) < len(self.fields) and not self.errors:
            raise forms.ValidationError(_("这一行没有填完：种类、名称、单位、单价、数量都要填写。"))
        return given

    def line(self) -> Line | None:
        given = self.cleaned_data
        return Line(given["kind"], given["name"], given["unit"], given["unit_price"], given["quantity"]) if given.get("kind") else None


LineFormSet = forms.formset_factory(LineForm, extra=LINES, max_num=20)


class ContractForm(Keyed):
    number = forms.CharField(label=_("合同编号"), max_length=30)
    title = forms.CharField(label=_("合同名称"), max_length=80)
    organisation = forms.ModelChoiceField(
        label=_("承接机构"), queryset=Organisation.objects.none(), help_text=_("只列出审核通过的社会组织、社工站、企业")
    )
    fund = forms.ModelChoiceField(label=_("资金"), queryset=Fund.objects.none(), to_field_name="code", empty_label=None)
    starts = forms.DateField(label=_("起始日期"), widget=DayInput())
    until = forms.DateField(label=_("截止日期"), widget=DayInput())
    document = forms.CharField(label=_("采购依据"), max_length=120, help_text=_("采购文件、会议纪要或批复文号"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organisations: Any = self.fields["organisation"]
        organisations.queryset = Organisation.objects.filter(state=Organisation.State.ACTIVE).order_by("name")
        organisations.label_from_instance = lambda row: row.name
        funds: Any = self.fields["fund"]
        funds.queryset = Fund.objects.filter(pool="services").order_by("id")


class RecordForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    line = forms.TypedChoiceField(label=_("服务项目"), choices=(), coerce=int)
    day = forms.DateField(label=_("服务日期"), widget=DayInput())
    quantity = forms.DecimalField(label=_("数量"), min_value=Decimal("0.01"), max_digits=10, decimal_places=2, initial=1)
    worker = forms.CharField(label=_("服务人员"), max_length=60)
    id_number = forms.CharField(label=_("服务对象身份证号"), max_length=18, required=False, help_text=_("个人服务填写；集体活动不填"))
    area = forms.ChoiceField(label=_("活动所在地"), choices=(), required=False, help_text=_("集体活动填写"))
    recipient = forms.CharField(label=_("活动或小组名称"), max_length=60, required=False, help_text=_("集体活动填写"))
    people = forms.IntegerField(label=_("参加人数"), min_value=1, max_value=500, initial=1, required=False)
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False, help_text=_("用来请服务对象确认；与登记的相同可不填"))
    note = forms.CharField(label=_("服务内容"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("加密保存"))

    def __init__(self, *args: Any, contract: ServiceContract, left: dict[int, Decimal], person: str = "", **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        lines: Any = self.fields["line"]
        lines.choices = [
            (row.pk, f"{row.name}（{row.unit_price:,.2f} 元/{row.unit}，余 {left.get(row.pk, row.quantity).normalize():f} {row.unit}）")
            for row in contract.lines.order_by("position")
        ]
        if person:
            for name in ("id_number", "area", "recipient", "people"):
                del self.fields[name]
        else:
            area: Any = self.fields["area"]
            area.choices = [("", "—"), *villages()]


class ConfirmForm(forms.Form):
    how = forms.ChoiceField(
        label=_("确认方式"), choices=[each for each in PurchasedService.Confirmed.choices if each[0] != "code"], widget=forms.RadioSelect
    )
    satisfaction = forms.ChoiceField(label=_("服务对象是否满意"), choices=[("", _("没有问")), *SATISFACTION], required=False)
    picture = forms.FileField(label=_("签字的服务单"), required=False, widget=forms.ClearableFileInput(attrs=PHOTO), help_text=_("本人签字时拍照"))
    note = forms.CharField(label=_("有异议的，写明核实情况"), max_length=200, required=False)


class SheetForm(forms.Form):
    file = forms.FileField(label=_("服务记录表"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}))


class AcceptanceForm(Keyed):
    starts = forms.DateField(label=_("验收期自"), widget=DayInput())
    until = forms.DateField(label=_("至"), widget=DayInput())


class SubmitForm(forms.Form):
    deduction = forms.DecimalField(label=_("扣减金额（元）"), min_value=0, max_digits=14, decimal_places=2)
    reason = forms.CharField(label=_("扣减理由"), max_length=200, required=False, help_text=_("与建议金额不同的必填"))


class PublicAnswerForm(public.PublicForm):
    right = forms.ChoiceField(
        label=_("这次服务"), choices=[("yes", _("属实，我接受了服务")), ("no", _("不属实，或有问题"))], widget=forms.RadioSelect
    )
    satisfaction = forms.ChoiceField(label=_("是否满意"), choices=[("", _("不评价")), *SATISFACTION], required=False)
    words = forms.CharField(
        label=_("想说的话"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("不属实的请简单说明")
    )


class CodeForm(forms.Form):
    code = forms.RegexField(r"^[0-9A-Za-z]{1,12}$", label=_("确认码"), help_text=_("短信中网址的最后 12 位"))


class AmountForm(forms.Form):
    quantity = forms.DecimalField(
        label=_("数量"), min_value=Decimal("0.01"), max_digits=10, decimal_places=2, required=False, help_text=_("没有上限的不填")
    )
    unit = forms.CharField(label=_("单位"), max_length=10, required=False)
    period = forms.ChoiceField(label=_("周期"), choices=Resource.Period.choices, initial="month")
    until = forms.DateField(label=_("有效期至"), required=False, widget=DayInput(), help_text=_("长期有效的不填"))
    conditions = forms.CharField(label=_("条件"), max_length=200, required=False)
    contact = forms.CharField(label=_("联系人"), max_length=60, required=False)
    phone = forms.CharField(label=_("联系电话"), max_length=20, help_text=_("查看时留下记录"))


class ResourceForm(Keyed, AmountForm):
    holder = forms.ChoiceField(label=_("提供方类别"), choices=Resource.Holder.choices)
    organisation = forms.ModelChoiceField(label=_("社会组织"), queryset=Organisation.objects.none(), required=False)
    institution = forms.ModelChoiceField(label=_("民政服务机构"), queryset=Institution.objects.none(), required=False)
    fund = forms.ModelChoiceField(label=_("资金"), queryset=Fund.objects.none(), required=False)
    name = forms.CharField(label=_("提供方名称"), max_length=100, required=False, help_text=_("已在上面选择的可不填"))
    kind = forms.ChoiceField(label=_("能满足的需求"), choices=())
    what = forms.CharField(label=_("能提供什么"), max_length=120)
    area = forms.ChoiceField(label=_("所在地"), choices=())
    to_area = forms.ChoiceField(label=_("服务范围"), choices=(), help_text=_("范围内的村（社区）、乡镇都能查到"))
    address = forms.CharField(label=_("地址"), max_length=100, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: dict[str, Any] = dict(self.fields)
        chosen["organisation"].queryset = Organisation.objects.filter(state=Organisation.State.ACTIVE).order_by("name")
        chosen["organisation"].label_from_instance = lambda row: row.name
        chosen["institution"].queryset = Institution.objects.filter(state="running").order_by("name")
        chosen["institution"].label_from_instance = lambda row: row.name
        chosen["fund"].queryset = Fund.objects.order_by("id")
        chosen["kind"].choices = kinds.choices()
        own, here = scopes.current().area, own_places()
        above = [(own[:length], places.name(own[:length])) for length in (6, 9) if length < len(own)]
        chosen["area"].choices = here
        chosen["to_area"].choices = [*above, *here]


class DonationForm(Keyed):
    number = forms.CharField(label=_("收据号"), max_length=30)
    anonymous = forms.BooleanField(label=_("匿名捐赠"), required=False)
    donor = forms.CharField(label=_("捐赠人"), max_length=100, required=False)
    organisation = forms.ModelChoiceField(
        label=_("社会组织、企业"), queryset=Organisation.objects.none(), required=False, help_text=_("已登记的可以选择")
    )
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    named = forms.BooleanField(label=_("同意公开姓名（名称）"), required=False)
    purpose = forms.ChoiceField(label=_("捐赠用途"), choices=Donation.Purpose.choices)
    words = forms.CharField(label=_("捐赠人指定的用途"), max_length=120, required=False)
    quantity = forms.DecimalField(label=_("金额（元）"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2)
    received_on = forms.DateField(label=_("接收日期"), widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["organisation"]
        chosen.queryset = Organisation.objects.exclude(state=Organisation.State.BLACKLISTED).order_by("name")
        chosen.label_from_instance = lambda row: row.name


class GoodsForm(DonationForm):
    item = forms.CharField(label=_("物品"), max_length=60)
    unit = forms.CharField(label=_("单位"), max_length=10)
    value = forms.DecimalField(label=_("估值（元）"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2, required=False)
    use_by = forms.DateField(label=_("保质期至"), required=False, widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quantity"].label = _("数量")


class AllocateForm(Keyed):
    target = forms.ChoiceField(label=_("分配给"), choices=DonationAllocation.Target.choices)
    area = forms.ChoiceField(label=_("村（社区）、乡镇"), choices=(), required=False)
    institution = forms.ModelChoiceField(label=_("民政服务机构"), queryset=Institution.objects.none(), required=False)
    need = forms.CharField(label=_("需求编号"), max_length=30, required=False)
    quantity = forms.DecimalField(label=_("数量"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2)
    purpose = forms.CharField(label=_("用于"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: dict[str, Any] = dict(self.fields)
        chosen["area"].choices = [("", "—"), *villages()]
        chosen["institution"].queryset = Institution.objects.filter(state="running").order_by("name")
        chosen["institution"].label_from_instance = lambda row: row.name


class ArrivalForm(forms.Form):
    received = forms.DecimalField(label=_("实收"), min_value=0, max_digits=14, decimal_places=2)
    taker = forms.CharField(label=_("签收人"), max_length=60)
    proof = forms.ChoiceField(label=_("凭据"), choices=DonationAllocation.Proof.choices)
    picture = forms.FileField(label=_("照片"), required=False, widget=forms.ClearableFileInput(attrs=PHOTO))
    reason = forms.CharField(label=_("少收的原因"), max_length=200, required=False)
