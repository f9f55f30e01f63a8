"""The questions of the self-check (救助自测): few, in plain words, one block for each member; on a phone, without script."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.portal import facts
from doudi.portal.facts import HouseholdFacts, MemberFacts
from doudi.registry.models import Household

MONTH = re.compile(r"^([0-9]{4})[-./年 ]?([0-9]{1,2})(?:[-./月 ]?([0-9]{1,2}))?[月日]?$")
WIDE = str.maketrans("０１２３４５６７８９－／．", "0123456789-/.")
MOST_MONTHLY, MOST_EVER = 1_000_000, 100_000_000


class MonthField(forms.CharField):
    """A month of birth as people write it: 1957-03, 195703, 1957年3月; the day may follow."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "1957-03", "autocomplete": "off"}), **kwargs)

    def clean(self, value: Any) -> str:
        text = "".join(str(super().clean(value)).translate(WIDE).split())
        if not text:
            return ""
        found = MONTH.match(text)
        try:
            if found is None:
                raise ValueError(text)
            born = date(int(found[1]), int(found[2]), int(found[3] or 1))
        except ValueError:
            raise ValidationError(_("请写成 1957-03 这样的年月。")) from None
        if born.year < 1900:
            raise ValidationError(_("年份太早，请核对。"))
        return born.isoformat()


def money(label: Any, most: int, **kwargs: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label, required=False, min_value=0, max_value=most, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **kwargs
    )


class StartForm(forms.Form):
    """Where, what kind of residence, how many."""

    place = forms.CharField(max_length=12)
    residence = forms.ChoiceField(label=gettext_lazy("户口是城市还是农村"), choices=Household.Residence.choices, widget=forms.RadioSelect)
    size = forms.TypedChoiceField(
        label=gettext_lazy("一起生活的有几口人"), coerce=int, choices=[(n, str(n)) for n in range(1, facts.MOST + 1)], widget=forms.RadioSelect,
        help_text=gettext_lazy("夫妻、未成年子女、在一起吃住的老人和成年子女；在外打工、上学的也算"),
    )  # fmt: skip


class MemberForm(forms.Form):
    born = MonthField(label=gettext_lazy("出生年月"))
    wage = money(gettext_lazy("每月工资（元）"), MOST_MONTHLY, help_text=gettext_lazy("扣掉社保和个税后，按一年平均；没有不填"))
    works_away = forms.BooleanField(label=gettext_lazy("在外地打工"), required=False)
    transfers = money(gettext_lazy("每月养老金、补贴等（元）"), MOST_MONTHLY, help_text=gettext_lazy("低保、残疾人补贴不算"))
    business = money(gettext_lazy("每月种地、做生意净收入（元）"), MOST_MONTHLY, help_text=gettext_lazy("一年净赚的除以 12"))
    maintenance = money(gettext_lazy("不同住的子女等每月给的（元）"), MOST_MONTHLY)
    disability_kind = forms.ChoiceField(label=gettext_lazy("残疾证上的类别"), choices=list(facts.KINDS.items()), required=False)
    disability_grade = forms.TypedChoiceField(
        label=gettext_lazy("残疾等级"), coerce=int, empty_value="0", required=False,
        choices=[("0", gettext_lazy("没有残疾证")), *facts.GRADES.items()],
    )  # fmt: skip
    serious_illness = forms.BooleanField(label=gettext_lazy("有重病"), required=False)
    in_school = forms.BooleanField(label=gettext_lazy("在上学"), required=False)
    labour = forms.ChoiceField(label=gettext_lazy("能不能干活"), choices=list(facts.LABOUR.items()), required=False)
    self_care = forms.ChoiceField(
        label=gettext_lazy("吃饭、穿衣、上厕所、走动等"), choices=[(code, words) for code, (words, _n) in facts.SELF_CARE.items()], required=False
    )
    child = forms.ChoiceField(label=gettext_lazy("是孩子的，父母情况"), choices=list(facts.CHILD.items()), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        grade, kind = int(given.get("disability_grade") or 0), given.get("disability_kind") or "none"
        if bool(grade) != (kind != "none"):
            self.add_error("disability_grade" if not grade else "disability_kind", _("残疾类别和等级要么都选，要么都不选。"))
        return given

    def told(self) -> MemberFacts:
        given = self.cleaned_data
        return MemberFacts(
            born=given["born"], wage=given["wage"] or 0.0, works_away=given["works_away"], business=given["business"] or 0.0, transfers=given["transfers"] or 0.0,
            maintenance=given["maintenance"] or 0.0, disability_kind=given["disability_kind"] or "none", disability_grade=int(given["disability_grade"] or 0),
            serious_illness=given["serious_illness"], in_school=given["in_school"], labour=given["labour"] or "full", self_care=given["self_care"] or "able",
            child=given["child"],
        )  # fmt: skip


class HouseForm(forms.Form):
    rigid = money(gettext_lazy("一年看病、上学、康复自己花的钱（元）"), MOST_EVER, help_text=gettext_lazy("报销以后自己负担的部分"))
    savings = money(gettext_lazy("全家存款、理财等（元）"), MOST_EVER)
    vehicles = forms.IntegerField(label=gettext_lazy("汽车（辆）"), required=False, min_value=0, max_value=99, help_text=gettext_lazy("电动车、三轮车不算"))
    dwellings = forms.IntegerField(label=gettext_lazy("住房（套）"), required=False, min_value=0, max_value=99, initial=1)
    support = forms.ChoiceField(
        label=gettext_lazy("老人、残疾人、孩子有没有不同住的子女、父母等可以赡养、抚养"), choices=list(facts.SUPPORT.items()), required=False
    )


class CheckForm:
    """All blocks together: one for each member and one for the household."""

    def __init__(self, data: Any, *, size: int) -> None:
        self.members = [MemberForm(data, prefix=f"m{number}") for number in range(size)]
        self.house = HouseForm(data, prefix="h")
        self.names = facts.names(size)

    @property
    def blocks(self) -> list[tuple[str, MemberForm]]:
        return list(zip(self.names, self.members, strict=True))

    def is_valid(self) -> bool:
        return all(form.is_valid() for form in (*self.members, self.house))  # every block says what is wrong with it

    @property
    def errors(self) -> bool:
        return any(form.errors for form in (*self.members, self.house))

    def told(self, *, county: str, residence: str) -> HouseholdFacts:
        given = self.house.cleaned_data
        return HouseholdFacts(
            county=county, residence=residence, members=tuple(form.told() for form in self.members), rigid=given["rigid"] or 0.0, savings=given["savings"] or 0.0,
            vehicles=given["vehicles"] or 0, dwellings=1 if given["dwellings"] is None else given["dwellings"], support=given["support"] or "able",
        )  # fmt: skip

    def hidden(self) -> list[tuple[str, str]]:
        """What was filled in, for the way back to the questions."""
        names = [(form, form.add_prefix(name)) for form in (*self.members, self.house) for name in form.fields]
        return [(name, str(form.data[name])) for form, name in names if name in form.data]
