"""Forms of cases."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput, MomentInput
from doudi.protection.models import CaseGap, ProtectionCase
from doudi.protection.sections import Section
from doudi.protection.services import CloseReason, Minor
from doudi.registry.forms import PlaceField, PlaceForm
from doudi.registry.models import Sex

NOTHING = [("", "—")]


class MomentField(forms.DateTimeField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("initial", lambda: timezone.localtime().replace(second=0, microsecond=0))
        super().__init__(widget=MomentInput(), input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)


class OnceForm(forms.Form):
    """A form whose `uuid` makes a second sending harmless."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class OpenForm(PlaceForm):
    """Open a case: for a minor of the household it is opened from, or for one who is described."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    person = forms.TypedChoiceField(label=_("未成年人"), choices=(), coerce=int, empty_value=None, required=False)
    name = forms.CharField(label=_("姓名"), max_length=60, required=False, help_text=_("不知道的可不填"))
    id_number = forms.CharField(label=_("身份证号"), max_length=40, required=False, help_text=_("有的填；填了不必填出生日期、性别"))
    birth_date = forms.DateField(label=_("出生日期"), required=False, widget=DayInput())
    sex = forms.ChoiceField(label=_("性别"), required=False, choices=[*NOTHING, *Sex.choices])
    area = PlaceField(label=_("所在村（社区）"))
    category = forms.ChoiceField(label=_("类别"), choices=ProtectionCase.Category.choices, initial="gap")
    urgency = forms.ChoiceField(
        label=_("紧急程度"), choices=ProtectionCase.Urgency.choices, widget=forms.RadioSelect, help_text=_("紧急：孩子此刻有危险或无人照料；按紧急程度计首次到场时限")
    )
    unattended = forms.BooleanField(label=_("孩子现在无人照料"), required=False)
    reported = forms.CharField(label=_("了解到的情况"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}), help_text=_("加密保存，只有办理人员和上级能看到"))

    def __init__(self, *args: Any, minors: list[tuple[int, str]], placed: bool, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        if minors:
            self.fields["person"].choices = [*minors, ("", _("其他（下面填写）"))]  # type: ignore[attr-defined]
        else:
            del self.fields["person"]
        if placed:
            del self.fields["area"]

    def minor(self) -> Minor:
        given = self.cleaned_data
        if given.get("person"):
            return Minor(person=given["person"])
        return Minor(name=given["name"], id_number=given["id_number"], sex=given["sex"], birth_date=given["birth_date"])


class AccountForm(forms.Form):
    account = forms.TypedChoiceField(label=_("人员"), choices=(), coerce=int)
    reason = forms.CharField(label=_("原因"), max_length=200)

    def __init__(self, *args: Any, able: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = able  # type: ignore[attr-defined]


class PlaceCaseForm(PlaceForm):
    area = PlaceField(label=_("所在村（社区）"))


class GapForm(forms.Form):
    kind = forms.ChoiceField(label=_("情况"), choices=CaseGap.Kind.choices, widget=forms.RadioSelect)
    at = MomentField(label=_("自何时起"))
    reason = forms.CharField(label=_("原因"), max_length=200, help_text=_("如父亲住院隔离，母亲在外地"))


class GapEndForm(forms.Form):
    kind = forms.ChoiceField(label=_("情况"), choices=CaseGap.Kind.choices, widget=forms.HiddenInput)
    at = MomentField(label=_("自何时起"))
    how = forms.CharField(label=_("由谁照料或监护"), max_length=200, help_text=_("如姑姑郭某兰接到家中；父亲出院"))


class CloseForm(forms.Form):
    reason = forms.ChoiceField(label=_("结案原因"), choices=CloseReason.choices)
    note = forms.CharField(label=_("结案时的情况"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ReopenForm(forms.Form):
    reason = forms.CharField(label=_("重新立案的原因"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class SectionForm(forms.Form):
    """One section of the file: its own fields, the version that was read and what stood there then."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, localize=False)
    before = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, section: Section, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [field.name for field in section.fields]
        for field in section.fields:
            if field.choices:
                self.fields[field.name] = forms.ChoiceField(label=str(field.label), choices=[*NOTHING, *field.choices], required=False)
            else:
                widget = forms.Textarea(attrs={"rows": 3}) if field.long else forms.TextInput()
                self.fields[field.name] = forms.CharField(label=str(field.label), max_length=2000, required=False, widget=widget)

    def clean_before(self) -> dict[str, str]:
        try:
            given = json.loads(self.cleaned_data["before"] or "{}")
            if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
                raise ValueError
        except ValueError:
            raise ValidationError(gettext("页面内容不完整；请刷新页面后重新填写。")) from None
        return given

    def values(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.names}


class SettleForm(forms.Form):
    number = forms.CharField(label=_("并入个案编号"), max_length=24, required=False, help_text=_("在您能看到的未结个案中；不属于个案的不填"))
    note = forms.CharField(label=_("核对情况"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
