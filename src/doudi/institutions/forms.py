"""Forms of institutions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.institutions.figures import FIGURES, GROUPS
from doudi.institutions.models import (
    DailyReport,
    Institution,
    InstitutionContact,
    Resident,
    StaffMember,
    StockMovement,
    SupplyItem,
    SupplyStock,
    VisitState,
)
from doudi.institutions.models.places import Bed
from doudi.institutions.services import Left
from doudi.registry.models import Sex

NONE = ("", _("请选择"))


class BedsMixin(forms.Form):
    """One field for the beds of each kind: `bed_self`, `bed_half` …"""

    def bed_fields(self, values: dict[str, int]) -> None:
        for value, label in Bed.choices:
            self.fields[f"bed_{value}"] = forms.IntegerField(label=label, min_value=0, max_value=5000, required=False, initial=values.get(value, 0))

    @property
    def beds(self) -> dict[str, int]:
        return {value: self.cleaned_data.get(f"bed_{value}") or 0 for value in Bed.values}

    @property
    def bed_rows(self) -> list[forms.BoundField]:
        return [self[f"bed_{value}"] for value in Bed.values]


class InstitutionForm(BedsMixin):
    """A new institution."""

    code = forms.CharField(label=_("机构代码"), max_length=18, help_text=_("统一社会信用代码；没有的填省里给的编号"))
    name = forms.CharField(label=_("机构名称"), max_length=60)
    kind = forms.ChoiceField(label=_("类别"), choices=[NONE, *Institution.Kind.choices])
    area = forms.ChoiceField(label=_("所在地"), choices=())
    address = forms.CharField(label=_("地址"), max_length=120)
    phone = forms.CharField(label=_("值班电话"), max_length=20)
    public = forms.BooleanField(label=_("公办"), required=False, initial=True)
    account = forms.CharField(label=_("收款账号"), max_length=32, required=False, help_text=_("集中供养资金拨付到的账户，可后补"))
    bank = forms.CharField(label=_("开户行代码"), max_length=14, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        own = [(area, places.name(area))] if len(area) >= 6 else []
        self.fields["area"].choices = [NONE, *own, *(places.children(area) if len(area) < 12 else [])]  # type: ignore[attr-defined]
        self.bed_fields({})


class ChangeForm(BedsMixin):
    """What the county changes of an institution."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("机构名称"), max_length=60)
    address = forms.CharField(label=_("地址"), max_length=120)
    phone = forms.CharField(label=_("值班电话"), max_length=20)
    state = forms.ChoiceField(label=_("状态"), choices=Institution.State.choices)
    public = forms.BooleanField(label=_("公办"), required=False)
    reason = forms.CharField(label=_("变更原因"), max_length=200)

    def __init__(self, *args: Any, row: Institution, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "version": row.version, "name": row.name, "address": row.address, "phone": row.phone, "state": row.state, "public": row.public,
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        self.bed_fields(dict(row.capacities.values_list("kind", "beds")))


class AccountForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    account = forms.CharField(label=_("收款账号"), max_length=32, required=False)
    bank = forms.CharField(label=_("开户行代码"), max_length=14, required=False)


def _number(label: Any, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=9, decimal_places=2, min_value=Decimal(0), widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}), **options
    )


class ReportForm(forms.Form):
    """The report of one day: yesterday's values stand in it. `stocks`: what the house keeps; one more supply can be added."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    incidents = forms.CharField(
        label=_("突发情况"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("走失、跌伤、停电断水、缺人缺药等；没有的不填")
    )
    reason = forms.CharField(label=_("更正原因"), max_length=200, required=False)
    confirmed = forms.BooleanField(label=_("以上情况属实，照此上报"), required=False)

    def __init__(
        self, *args: Any, values: dict[str, int], before: DailyReport | None, current: DailyReport | None, stocks: list[SupplyStock],
        items: list[SupplyItem], **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs["initial"] = {"seen": current.revision if current else 0, "incidents": (current.incidents or "") if current else ""}
        super().__init__(*args, **kwargs)
        self.stocks, self.current = stocks, current
        for figure in FIGURES:
            told = gettext("上次 %(value)s") % {"value": getattr(before, figure.name)} if before else str(figure.help)
            self.fields[figure.name] = forms.IntegerField(
                label=str(figure.label), min_value=0, max_value=10000, required=figure.required, initial=values[figure.name], help_text=told,
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "min": 0}),
            )  # fmt: skip
        said = {each.item_id: each for each in current.supplies.all()} if current else {}
        for stock in stocks:
            was = said.get(stock.item_id)
            self.fields[f"q_{stock.item.code}"] = _number(_("剩余"), required=False, initial=_plain(was.quantity if was else stock.balance))
            self.fields[f"u_{stock.item.code}"] = _number(_("每天用"), required=False, initial=_plain(was.daily_use if was else stock.daily_use))
        kept = {stock.item_id for stock in stocks}
        more = [(item.code, f"{item.name}（{item.unit}）") for item in items if item.pk not in kept]
        self.fields["more"] = forms.ChoiceField(label=_("增加一种物资"), choices=[NONE, *more], required=False)
        self.fields["q_more"], self.fields["u_more"] = _number(_("剩余"), required=False), _number(_("每天用"), required=False)

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(label, [self[figure.name] for figure in FIGURES if figure.group == group]) for group, label in GROUPS.items()]

    @property
    def supply_rows(self) -> list[tuple[SupplyStock, forms.BoundField, forms.BoundField]]:
        return [(stock, self[f"q_{stock.item.code}"], self[f"u_{stock.item.code}"]) for stock in self.stocks]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("more") and given.get("q_more") is None:
            self.add_error("q_more", _("请填写剩余数量。"))
        return given

    @property
    def figures(self) -> dict[str, int]:
        return {figure.name: self.cleaned_data.get(figure.name) or 0 for figure in FIGURES}

    @property
    def supplies(self) -> dict[str, Left]:
        """Supplies whose quantity was given; without a daily use it is as it was."""
        given, found = self.cleaned_data, {}
        for stock in self.stocks:
            quantity, use = given.get(f"q_{stock.item.code}"), given.get(f"u_{stock.item.code}")
            if quantity is not None:
                found[stock.item.code] = Left(quantity, stock.daily_use if use is None else use)
        if given.get("more"):
            found[given["more"]] = Left(given["q_more"], given.get("u_more") or Decimal(0))
        return found


def _plain(value: Decimal) -> str:
    """6.00 -> 6, 2.50 -> 2.5."""
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"


class SheetForm(forms.Form):
    file = forms.FileField(label=_("机构日报表（Excel）"))


class AdmitForm(forms.Form):
    """Somebody who moves in."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("姓名"), max_length=60)
    id_number = forms.CharField(label=_("身份证号"), max_length=24, required=False, help_text=_("没有或不知道的可不填"))
    sex = forms.ChoiceField(label=_("性别"), choices=[("", _("按身份证号")), *Sex.choices], required=False)
    birth_date = forms.DateField(label=_("出生日期"), required=False, widget=DayInput(), help_text=_("有身份证号的可不填"))
    bed = forms.ChoiceField(label=_("床位类别"), choices=Bed.choices)
    room = forms.CharField(label=_("房间和床号"), max_length=40, required=False)
    starts = forms.DateField(label=_("入住日期"), widget=DayInput())
    kin_name = forms.CharField(label=_("联系亲属"), max_length=60, required=False)
    kin_relation = forms.CharField(label=_("与本人关系"), max_length=20, required=False)
    kin_phone = forms.CharField(label=_("亲属电话"), max_length=20, required=False)
    health = forms.CharField(label=_("照料须知"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, beds: list[str], **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), "starts": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["bed"].choices = [(value, label) for value, label in Bed.choices if value in beds] or Bed.choices  # type: ignore[attr-defined]


class ResidentForm(forms.Form):
    """What changes of somebody who lives there. An empty phone number keeps the one that there is."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    bed = forms.ChoiceField(label=_("床位类别"), choices=Bed.choices)
    room = forms.CharField(label=_("房间和床号"), max_length=40, required=False)
    kin_name = forms.CharField(label=_("联系亲属"), max_length=60, required=False)
    kin_relation = forms.CharField(label=_("与本人关系"), max_length=20, required=False)
    kin_phone = forms.CharField(label=_("亲属电话"), max_length=20, required=False, help_text=_("不变的不填"))
    health = forms.CharField(label=_("照料须知"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class LeaveForm(forms.Form):
    leaving = forms.ChoiceField(label=_("离院方式"), choices=[NONE, *Resident.Leaving.choices])
    on = forms.DateField(label=_("离院日期"), widget=DayInput())
    left_to = forms.CharField(label=_("去向"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"on": timezone.localdate()}
        super().__init__(*args, **kwargs)


class IsolateForm(forms.Form):
    room = forms.TypedChoiceField(label=_("隔离观察室"), choices=(), coerce=int)
    reason = forms.CharField(label=_("隔离原因"), max_length=200)

    def __init__(self, *args: Any, rooms: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["room"].choices = rooms  # type: ignore[attr-defined]


class StaffForm(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    role = forms.ChoiceField(label=_("岗位"), choices=StaffMember.Role.choices, initial="carer")
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    starts = forms.DateField(label=_("到岗日期"), widget=DayInput())
    account = forms.TypedChoiceField(label=_("系统账号"), choices=(), coerce=int, required=False, empty_value=None)

    def __init__(self, *args: Any, accounts: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"starts": timezone.localdate()}
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [("", _("没有账号")), *accounts]  # type: ignore[attr-defined]


class ContactForm(forms.Form):
    role = forms.ChoiceField(label=_("身份"), choices=InstitutionContact.Role.choices)
    name = forms.CharField(label=_("姓名"), max_length=60)
    phone = forms.CharField(label=_("联系电话"), max_length=20)


class RoomForm(forms.Form):
    name = forms.CharField(label=_("隔离观察室"), max_length=40)
    beds = forms.IntegerField(label=_("床位"), min_value=1, max_value=50)


class ClerkForm(forms.Form):
    account = forms.TypedChoiceField(label=_("填报员账号"), choices=(), coerce=int)

    def __init__(self, *args: Any, accounts: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [NONE, *accounts]  # type: ignore[attr-defined]


class MoveForm(forms.Form):
    """One movement of a supply."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    item = forms.ChoiceField(label=_("物资"), choices=())
    kind = forms.ChoiceField(label=_("出入库"), choices=StockMovement.Kind.choices)
    quantity = _number(_("数量"), help_text=_("盘点填实有数"))
    on = forms.DateField(label=_("日期"), widget=DayInput())
    note = forms.CharField(label=_("说明"), max_length=200, required=False, help_text=_("来源、用途或单据号"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), "on": timezone.localdate()}
        super().__init__(*args, **kwargs)
        items = SupplyItem.objects.filter(ended_on__isnull=True).order_by("order")
        self.fields["item"].choices = [(item.code, f"{item.name}（{item.unit}）") for item in items]  # type: ignore[attr-defined]


class VisitsForm(forms.Form):
    """Whether relatives may visit, from a day on."""

    state = forms.ChoiceField(label=_("探视管理"), choices=VisitState.State.choices, widget=forms.RadioSelect)
    starts = forms.DateField(label=_("开始日期"), widget=DayInput())
    document = forms.CharField(label=_("文号"), max_length=200)
    reason = forms.CharField(label=_("原因"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"starts": timezone.localdate()}
        super().__init__(*args, **kwargs)


class DealtForm(forms.Form):
    note = forms.CharField(label=_("处置情况"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ItemForm(forms.Form):
    """A supply of the province's list."""

    code = forms.CharField(label=_("代码"), max_length=20)
    name = forms.CharField(label=_("名称"), max_length=40)
    unit = forms.CharField(label=_("单位"), max_length=10)
    order = forms.IntegerField(label=_("次序"), min_value=0, max_value=9999)
    ended_on = forms.DateField(label=_("停用日期"), required=False, widget=DayInput(), help_text=_("在用的不填"))
