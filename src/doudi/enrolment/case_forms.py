"""Forms of applications and of each step of a case."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch.datasets import CONTRACTS
from doudi.core.forms import DayInput
from doudi.enrolment.models import Application, Authorisation, DataCheck, Objection, Relative
from doudi.enrolment.procedure import Paper

AREA = forms.Textarea(attrs={"rows": 3})


class Versioned(forms.Form):
    """Every form of a case carries the version of the page that was read."""

    version = forms.IntegerField(widget=forms.HiddenInput())


class ApplyForm(forms.Form):
    programmes = forms.MultipleChoiceField(label=gettext_lazy("申请项目"), widget=forms.CheckboxSelectMultiple)
    applicant = forms.TypedChoiceField(label=gettext_lazy("申请人"), coerce=int)
    channel = forms.ChoiceField(label=gettext_lazy("申请方式"), choices=[c for c in Application.Channel.choices if c[0] != "portal"])
    applied_on = forms.DateField(label=gettext_lazy("申请日期"), widget=DayInput())
    note = forms.CharField(label=gettext_lazy("申请理由"), required=False, max_length=1000, widget=AREA)

    def __init__(self, *args: Any, programmes: list[tuple[str, str]], members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programmes"].choices = programmes  # type: ignore[attr-defined]
        self.fields["applicant"].choices = members  # type: ignore[attr-defined]

    def wanted(self) -> list[tuple[str, int | None]]:
        made: list[tuple[str, int | None]] = []
        for value in self.cleaned_data["programmes"]:
            programme, _sep, person = value.partition(":")
            made.append((programme, int(person) if person else None))
        return made


class NoteForm(Versioned):
    note = forms.CharField(label=gettext_lazy("意见"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ReasonForm(Versioned):
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class SupplementsForm(Versioned):
    points = forms.CharField(
        label=gettext_lazy("需要补正的材料"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("每行一项，须一次告知全部内容。"),
    )  # fmt: skip

    def clean_points(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["points"].splitlines() if line.strip()]


class CheckForm(Versioned):
    result = forms.ChoiceField(label=gettext_lazy("核对结论"), choices=DataCheck.Result.choices, widget=forms.RadioSelect)
    note = forms.CharField(
        label=gettext_lazy("说明"), required=False, max_length=2000, widget=AREA,
        help_text=gettext_lazy("与申报不一致的，写明不一致的内容；核对结果列有死亡记录、差异或预警的，结论为一致也须写明理由。"),
    )  # fmt: skip


class VisitForm(Versioned):
    visited_on = forms.DateField(label=gettext_lazy("入户日期"), widget=DayInput())
    second_id = forms.TypedChoiceField(label=gettext_lazy("另一名调查人员"), coerce=int)
    others = forms.CharField(label=gettext_lazy("其他参加人员"), required=False, max_length=100)
    agrees = forms.TypedChoiceField(
        label=gettext_lazy("与申报是否一致"), coerce=lambda value: value == "1", widget=forms.RadioSelect,
        choices=[("1", gettext_lazy("一致")), ("0", gettext_lazy("不一致"))],
    )  # fmt: skip
    findings = forms.CharField(label=gettext_lazy("入户所见"), max_length=4000, widget=AREA)

    def __init__(self, *args: Any, companions: list[tuple[int, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["second_id"].choices = [(pk, f"{name}（{duty}）") for pk, name, duty in companions]  # type: ignore[attr-defined]


class AppraisalForm(Versioned):
    held_on = forms.DateField(label=gettext_lazy("评议日期"), widget=DayInput())
    present = forms.IntegerField(label=gettext_lazy("参加人数"), min_value=3, max_value=200)
    agree = forms.IntegerField(label=gettext_lazy("同意人数"), min_value=0, max_value=200)
    note = forms.CharField(label=gettext_lazy("评议情况"), required=False, max_length=1000, widget=AREA)


class OpinionForm(Versioned):
    agree = forms.TypedChoiceField(
        label=gettext_lazy("初审意见"), coerce=lambda value: value == "1", widget=forms.RadioSelect,
        choices=[("1", gettext_lazy("拟予确认")), ("0", gettext_lazy("拟不予确认"))],
    )  # fmt: skip
    payee_id = forms.TypedChoiceField(label=gettext_lazy("领款人"), required=False, coerce=int, empty_value=None)
    amount = forms.DecimalField(
        label=gettext_lazy("金额（元/月）"), required=False, min_value=Decimal("0.01"), max_digits=10, decimal_places=2,
        help_text=gettext_lazy("留空按测算结果；与测算不一致的，须写理由并经会签。"),
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("理由"), required=False, max_length=400, widget=AREA)

    def __init__(self, *args: Any, members: list[tuple[int, str]], by_bands: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payee_id"].choices = [("", _("由系统按户主、成年成员依次确定")), *members]  # type: ignore[attr-defined]
        self.band_fields = {person: f"band_{person}" for person, _name in members} if by_bands else {}
        for person, name in members if by_bands else ():
            self.fields[f"band_{person}"] = forms.IntegerField(label=_("%(name)s的档次") % {"name": name}, required=False, min_value=1, max_value=6)
        self.order_fields(["version", "agree", "payee_id", *self.band_fields.values(), "amount", "reason"])

    def bands(self) -> dict[int, int] | None:
        found = {person: self.cleaned_data[name] for person, name in self.band_fields.items() if self.cleaned_data.get(name)}
        return found or None


class FederationForm(Versioned):
    agree = forms.TypedChoiceField(
        label=gettext_lazy("审核意见"), coerce=lambda value: value == "1", widget=forms.RadioSelect,
        choices=[("1", gettext_lazy("同意")), ("0", gettext_lazy("不同意，退回乡镇"))],
    )  # fmt: skip
    note = forms.CharField(label=gettext_lazy("意见"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class PublishForm(Versioned):
    hotline = forms.CharField(label=gettext_lazy("监督电话"), max_length=20)
    starts = forms.DateField(label=gettext_lazy("公示开始日期"), widget=DayInput())


class ObjectionForm(Versioned):
    way = forms.ChoiceField(label=gettext_lazy("处理方式"), choices=Objection.Way.choices, widget=forms.RadioSelect)
    text = forms.CharField(label=gettext_lazy("异议内容"), max_length=2000, widget=AREA)
    by = forms.CharField(label=gettext_lazy("提出人（可匿名）"), required=False, max_length=200)


class SettleForm(Versioned):
    upheld = forms.TypedChoiceField(
        label=gettext_lazy("处理结果"), coerce=lambda value: value == "1", widget=forms.RadioSelect,
        choices=[("0", gettext_lazy("异议不成立，重新公示")), ("1", gettext_lazy("异议成立，重新提出初审意见"))],
    )  # fmt: skip
    answer = forms.CharField(label=gettext_lazy("理由"), max_length=2000, widget=AREA)


class DeliveredForm(Versioned):
    how = forms.ChoiceField(
        label=gettext_lazy("送达方式"),
        choices=[
            ("person", gettext_lazy("当面送达")), ("post", gettext_lazy("邮寄送达")), ("phone", gettext_lazy("电话告知")), ("online", gettext_lazy("网上送达")),
        ],
    )  # fmt: skip
    delivered_on = forms.DateField(label=gettext_lazy("送达日期"), widget=DayInput())


class DocumentForm(forms.Form):
    paper = forms.ChoiceField(label=gettext_lazy("材料名称"), choices=Paper.choices)
    person_id = forms.TypedChoiceField(label=gettext_lazy("谁的材料"), required=False, coerce=int, empty_value=None)
    issued_on = forms.DateField(label=gettext_lazy("出具日期"), required=False, widget=DayInput())
    valid_until = forms.DateField(label=gettext_lazy("有效期至"), required=False, widget=DayInput())

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person_id"].choices = [("", _("全家")), *members]  # type: ignore[attr-defined]


class AuthorisationForm(forms.Form):
    person_id = forms.TypedChoiceField(label=gettext_lazy("签署人"), required=False, coerce=int, empty_value=None)
    obligor_name = forms.CharField(label=gettext_lazy("义务人姓名"), required=False, max_length=60)
    obligor_number = forms.CharField(label=gettext_lazy("义务人身份证号"), required=False, max_length=18)
    relationship = forms.CharField(label=gettext_lazy("与申请人关系"), required=False, max_length=30)
    sign = forms.ChoiceField(label=gettext_lazy("签署方式"), choices=[c for c in Authorisation.Sign.choices if c[0] != "online"])
    signed_on = forms.DateField(label=gettext_lazy("签署日期"), widget=DayInput())
    valid_until = forms.DateField(label=gettext_lazy("有效期至"), required=False, widget=DayInput(), help_text=gettext_lazy("留空按本地规定的期限。"))
    datasets = forms.MultipleChoiceField(
        label=gettext_lazy("授权范围"), required=False, choices=(), widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("不勾选为全部数据项；只勾选部分的，其他部门数据不比对，死亡信息未勾选的不作预警比对。"),
    )  # fmt: skip
    scan = forms.FileField(
        label=gettext_lazy("授权书扫描件"), required=False, help_text=gettext_lazy("照片或 PDF，不超过 10 MB；加密保存。"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
    )  # fmt: skip

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["datasets"].choices = [(code, each.name_zh) for code, each in CONTRACTS.items()]  # type: ignore[attr-defined]
        self.fields["person_id"].choices = [("", _("家庭以外的义务人")), *members]  # type: ignore[attr-defined]


class RelativeForm(forms.Form):
    official = forms.CharField(label=gettext_lazy("工作人员或村干部姓名"), max_length=60)
    post = forms.ChoiceField(label=gettext_lazy("职务类别"), choices=Relative.Post.choices)
    relationship = forms.CharField(label=gettext_lazy("与申请家庭的关系"), max_length=30)
    person_id = forms.TypedChoiceField(label=gettext_lazy("家庭成员"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person_id"].choices = [("", _("不指定")), *members]  # type: ignore[attr-defined]
