"""Forms of discovery."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.batch.datasets import CONTRACTS
from doudi.discovery.models import Department, Lead, Need
from doudi.registry.forms import PlaceField, PlaceForm

LARGEST = 512 * 1024 * 1024


class StepForm(forms.Form):
    """One step of a lead. `version` is the lead's as the page showed it."""

    after = forms.ChoiceField(label=_("办理结果"), choices=())
    note = forms.CharField(label=_("情况说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, steps: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["after"].choices = [(step, Lead.State(step).label) for step in steps]  # type: ignore[attr-defined]
        self.fields["after"].widget = forms.RadioSelect(choices=self.fields["after"].choices)  # type: ignore[attr-defined]


class AssignForm(forms.Form):
    """Whom a lead is given to."""

    posting = forms.TypedChoiceField(label=_("办理人"), choices=(), coerce=int, empty_value=None, required=False)
    note = forms.CharField(label=_("交代事项"), max_length=200, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, postings: list[tuple[int, str]], back: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        empty = [("", _("交乡镇经办人办理"))] if back else [("", _("请选择"))]
        self.fields["posting"].choices = [*empty, *postings]  # type: ignore[attr-defined]


class ReferForm(forms.Form):
    """Where a lead is passed on to."""

    department = forms.ChoiceField(label=_("转办部门"), required=False, choices=[("", _("不转部门")), *Department.choices])
    to_area = forms.CharField(
        label=_("转往外地"), max_length=12, required=False,
        help_text=_("输入外县（市、区）、乡镇或村的名称、拼音首字母或代码，再从列表中选择。选到村的，直接交给现居住地的走访员。"),
        widget=forms.TextInput(
            attrs={"list": "to-places", "hx-get": "/places/?wide=1", "hx-trigger": "input changed delay:200ms", "hx-target": "#to-places",
                   "hx-vals": '{"field": "to_area"}', "autocomplete": "off"}
        ),
    )  # fmt: skip
    note = forms.CharField(label=_("转办理由"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput)


class IdentifyForm(forms.Form):
    """The household that a lead turned out to be about."""

    household_number = forms.CharField(label=_("家庭编号"), max_length=24)
    version = forms.IntegerField(widget=forms.HiddenInput)


class TakeForm(PlaceForm):
    """The village at which a lead from elsewhere is worked on."""

    area = PlaceField(label=_("办理的村（社区）"))


class DeliveryForm(forms.Form):
    """A department's file, by upload."""

    dataset = forms.ChoiceField(label=_("数据目录"), choices=())
    file = forms.FileField(label=_("数据文件"), help_text=_("CSV、TSV 或 XLSX；表头以上的标题行、空行和合计行会自动跳过。"))
    period = forms.RegexField(
        label=_("数据月份"), regex=r"^\d{4}-(0[1-9]|1[0-2])$", required=False, help_text=_("如 2022-11；不填为本月。"),
        error_messages={"invalid": _("请按“年-月”填写，如 2022-11。")},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dataset"].choices = [(code, f"{gettext(c.department_zh)}　{gettext(c.name_zh)}") for code, c in CONTRACTS.items()]  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise ValidationError(_("文件超过 512 MB；请按乡镇或月份拆分后分别报送。"))
        return file


class ContactForm(forms.Form):
    """Whom to ask at a department."""

    contact = forms.CharField(label=_("联系人和电话"), max_length=80, required=False, help_text=_("如 王工 0371-62160000；逾期时向谁催报。"))
    version = forms.IntegerField(widget=forms.HiddenInput)


class ReportForm(forms.Form):
    """A lead that an officer or visitor raises."""

    need = forms.ChoiceField(label=_("需求类别"), choices=Need.choices, initial=Need.LIVING, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("发现的困难情况"), max_length=400, widget=forms.Textarea(attrs={"rows": 4}))
    urgency = forms.ChoiceField(label=_("紧急程度"), choices=Lead.Urgency.choices, initial=Lead.Urgency.YELLOW, widget=forms.RadioSelect)

