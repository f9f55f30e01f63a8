"""Forms of the registry. They read; services check."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.registry import facts as kinds
from doudi.registry.codes import BANKS, ETHNICITIES, RELATIONSHIPS
from doudi.registry.models import Fact, FactKind, Household, Sex

NO_CHOICE = [("", _("请选择"))]
# The codes that a household's members really have, not the whole standard.
RELATIONSHIP_CHOICES = [(code, word) for code, word in RELATIONSHIPS.items() if code not in ("01", "02")]


class PlaceField(forms.CharField):
    """A village of the scope: a list where the scope is a township or village, else a box that finds by name or pinyin initials."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 12)
        super().__init__(**kwargs)

    def bind(self, name: str, prefix: str = "") -> None:
        area = scopes.current().area
        if len(area) >= 9:
            villages = places.children(area) if len(area) == 9 else [(area, places.name(area))]
            self.widget = forms.Select(choices=[("", _("请选择")), *villages] if len(villages) > 1 else villages)
        else:
            self.widget = forms.TextInput(
                attrs={"list": f"{prefix}{name}-places", "hx-get": "/places/", "hx-trigger": "input changed delay:200ms", "hx-target": f"#{prefix}{name}-places",
                       "hx-vals": f'{{"field": "{prefix}{name}"}}', "autocomplete": "off", "inputmode": "text"}
            )  # fmt: skip
            self.help_text = _("输入村名或拼音首字母，如 dgc，再从列表中选择")
        self.widget.is_required = self.required


class PlaceForm(forms.Form):
    """A form whose place fields know the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, each in self.fields.items():
            if isinstance(each, PlaceField):
                each.bind(name, f"{self.prefix}-" if self.prefix else "")

    @property
    def lists(self) -> list[str]:
        """Ids of the lists that place boxes fill."""
        return [each.widget.attrs["list"] for each in self.fields.values() if isinstance(each, PlaceField) and "list" in each.widget.attrs]


class PersonForm(PlaceForm):
    name = forms.CharField(label=_("姓名"), max_length=60)
    id_number = forms.CharField(label=_("身份证号"), max_length=40, required=False, help_text=_("18 位；旧号 15 位自动升位"))
    birth_date = forms.DateField(label=_("出生日期"), required=False, widget=DayInput(), help_text=_("有身份证号的可不填"))
    sex = forms.ChoiceField(label=_("性别"), required=False, choices=[*NO_CHOICE, *Sex.choices])
    ethnicity = forms.ChoiceField(label=_("民族"), choices=list(ETHNICITIES.items()), initial="01")
    phone = forms.CharField(label=_("联系电话"), max_length=30, required=False)
    bank = forms.ChoiceField(label=_("开户银行"), required=False, choices=[*NO_CHOICE, *BANKS.items()])
    account = forms.CharField(label=_("银行账号"), max_length=40, required=False)
    confirmed = forms.BooleanField(label=_("已核对，不是同一人"), required=False)


class MemberForm(PersonForm):
    relationship = forms.ChoiceField(label=_("与户主关系"), choices=[*NO_CHOICE, *RELATIONSHIP_CHOICES])
    field_order = ["relationship"]


class HouseholdForm(PlaceForm):
    area = PlaceField(label=_("村（社区）"))
    residence = forms.ChoiceField(label=_("户口性质"), choices=Household.Residence.choices, initial="rural")
    address = forms.CharField(label=_("住址"), max_length=200, required=False)


class HouseholdChangeForm(forms.Form):
    residence = forms.ChoiceField(label=_("户口性质"), choices=Household.Residence.choices)
    address = forms.CharField(label=_("住址"), max_length=200, required=False)


class JoinForm(MemberForm):
    starts = forms.DateField(label=_("加入日期"), widget=DayInput())


class CorrectionForm(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    id_number = forms.CharField(label=_("身份证号"), max_length=40, required=False, help_text=_("不变更的留空"))
    birth_date = forms.DateField(label=_("出生日期"), widget=DayInput())
    sex = forms.ChoiceField(label=_("性别"), choices=Sex.choices)
    ethnicity = forms.ChoiceField(label=_("民族"), choices=list(ETHNICITIES.items()))
    phone = forms.CharField(label=_("联系电话"), max_length=30, required=False, help_text=_("不变更的留空"))
    confirmed = forms.BooleanField(label=_("已核对，不是同一人"), required=False)


class AccountForm(forms.Form):
    bank = forms.ChoiceField(label=_("开户银行"), choices=[*NO_CHOICE, *BANKS.items()])
    account = forms.CharField(label=_("银行账号"), max_length=40)


class DeathForm(forms.Form):
    died_on = forms.DateField(label=_("死亡日期"), widget=DayInput())


class LeaveForm(forms.Form):
    ends = forms.DateField(label=_("离开日期"), widget=DayInput(), help_text=_("当日起不再是家庭成员"))


class FactForm(PlaceForm):
    """A fact of one kind; the value's field follows the kind."""

    starts = forms.DateField(label=_("自何日起"), widget=DayInput())
    source = forms.ChoiceField(label=_("信息来源"), choices=[choice for choice in Fact.Source.choices if choice[0] not in ("comparison", "import")])
    note = forms.CharField(label=_("说明"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        label = FactKind(kind).label
        form = kinds.shape(kind)
        value: dict[str, forms.Field] = {}
        if form == "flag":
            value["number"] = forms.ChoiceField(label=label, choices=[("1", _("是")), ("0", _("否"))])
        elif form == "count":
            value["number"] = forms.IntegerField(label=label, min_value=0)
        elif form == "word":
            value["text"] = forms.ChoiceField(label=label, choices=[*NO_CHOICE, *kinds.WORDS[kind].items()])
        elif form == "place":
            value["text"] = forms.CharField(label=label, max_length=12, help_text=_("行政区划代码，县级 6 位"))
        elif form == "disability":
            value["text"] = forms.ChoiceField(label=_("残疾类别"), required=False, choices=[*NO_CHOICE, *kinds.DISABILITY_KINDS.items()])
            value["number"] = forms.ChoiceField(
                label=_("残疾等级"), choices=[("1", _("一级")), ("2", _("二级")), ("3", _("三级")), ("4", _("四级")), ("0", _("无残疾"))]
            )
        elif form == "certificate":
            value["certificate"] = forms.CharField(label=label, max_length=40)
        else:
            value["number"] = forms.DecimalField(label=label, min_value=0, max_digits=14, decimal_places=2)
        self.fields = {**value, **self.fields}


class LookupForm(forms.Form):
    id_number = forms.CharField(label=_("身份证号"), max_length=40)
    reason = forms.CharField(label=_("查询事由"), max_length=200, help_text=_("查询会留下记录"))


class MoveForm(PlaceForm):
    id_number = forms.CharField(label=_("家庭任一成员的身份证号"), max_length=40)
    to_area = PlaceField(label=_("转入村（社区）"))
    first_month = forms.DateField(label=_("转入后首月"), widget=DayInput())
    reason = forms.CharField(label=_("转移事由"), max_length=200)


class ImportForm(PlaceForm):
    file = forms.FileField(label=_("家庭和人员表（Excel 或 CSV）"))


def kind_choices(household: bool) -> list[tuple[str, str]]:
    """Kinds of facts of a household or of a person."""
    return [(str(value), str(label)) for value, label in FactKind.choices if kinds.of_household(value) == household]
