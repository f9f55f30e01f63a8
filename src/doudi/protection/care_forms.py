"""Forms of care, guardianship and hand-overs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput
from doudi.protection.forms import MomentField, OnceForm
from doudi.protection.models import Care, CareReview
from doudi.protection.services import Arranged, Handed

CHOOSE = [("", _("请选择"))]


class StepForm(OnceForm):
    """A form that is sent once (`uuid`) and knows what its officer has read (`version`)."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, localize=False)

    def __init__(self, *args: Any, version: int, **kwargs: Any) -> None:
        kwargs["initial"] = {"version": version, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


def area_of_text(label: Any, rows: int = 3, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


class ArrangeForm(StepForm):
    """What both kinds of care ask."""

    basis = forms.ChoiceField(label=_("法律依据"))
    reason = forms.ChoiceField(label=_("原因"), choices=[*CHOOSE, *Care.Reason.choices])
    situation = area_of_text(_("监护人的情况"), max_length=2000, help_text=_("谁、何时起、在哪里、预计多久；加密保存"))
    organiser = forms.ChoiceField(label=_("由谁组织照料"), choices=Care.Organiser.choices)
    body = forms.CharField(label=_("组织照料的单位"), max_length=80)
    way = forms.ChoiceField(label=_("照料方式"), choices=[*CHOOSE, *Care.Way.choices])
    carer = forms.CharField(label=_("照料人"), max_length=60, help_text=_("白天夜里实际照料孩子的人或机构"))
    relation = forms.CharField(label=_("与孩子的关系"), max_length=40, required=False)
    contact = forms.CharField(label=_("照料人电话和住址"), max_length=200)
    consent = forms.ChoiceField(label=_("监护人意见"), choices=Care.Consent.choices)
    consent_note = forms.CharField(
        label=_("何人何时怎样同意"), max_length=500, required=False, help_text=_("无法联系的，写明已怎样寻找；依法无须同意的可不填")
    )
    expected_end = forms.DateField(label=_("预计结束日期"), widget=DayInput())

    def named(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in Arranged.__dataclass_fields__ if name in self.cleaned_data}


class LivingForm(ArrangeForm):
    """Its legal basis is one: nobody chooses it."""

    starts = MomentField(label=_("开始照料的时间"))
    field_order = ("uuid", "version", "reason", "starts", "situation")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["basis"]

    def given(self) -> Arranged:
        return Arranged(**self.named(), basis=Care.Basis.CIVIL_34.value)


class GuardianshipForm(ArrangeForm):
    """The guardian is the county's civil affairs: nobody chooses it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["organiser"], self.fields["body"]
        self.fields["basis"].choices = Care.Basis.choices[1:]  # type: ignore[attr-defined]
        self.fields["basis"].initial = Care.Basis.EVENT
        self.fields["way"].choices = [*CHOOSE, *(each for each in Care.Way.choices if each[0] != Care.Way.COMMITTEE)]  # type: ignore[attr-defined]

    def given(self) -> Arranged:
        return Arranged(**self.named(), organiser=Care.Organiser.CIVIL_AFFAIRS.value, body=str(Care.Organiser.CIVIL_AFFAIRS.label))


class HandedForm(StepForm):
    """A hand-over sheet."""

    handed_at = MomentField(label=_("交接时间"))
    given_by = forms.CharField(label=_("交出人"), max_length=80, help_text=_("姓名和与孩子的关系"))
    taken_by = forms.CharField(label=_("接收人"), max_length=80)
    belongings = area_of_text(_("随身物品清单"), 4, max_length=4000, required=False, help_text=_("一行一件，写明数量；没有的写“无”"))
    health = area_of_text(_("健康状况"), 2, max_length=2000, required=False, help_text=_("体温、伤病、用药、过敏、情绪"))
    documents = area_of_text(
        _("证件和材料"), 2, max_length=2000, required=False, help_text=_("户口簿、出生证明、预防接种证、学籍材料等；没有的写“无”")
    )
    given_signed = forms.BooleanField(label=_("交出人已签字"), required=False)
    taken_signed = forms.BooleanField(label=_("接收人已签字"), required=False)
    witness = forms.CharField(label=_("在场见证人"), max_length=80, required=False, help_text=_("交出人不能签字时必填"))

    def handed(self) -> Handed:
        data = self.cleaned_data
        names = ("given_by", "taken_by", "belongings", "health", "documents", "given_signed", "taken_signed", "witness")
        return Handed(at=data["handed_at"], **{name: data[name] for name in names})


class CarerForm(HandedForm):
    way = forms.ChoiceField(label=_("照料方式"), choices=[*CHOOSE, *Care.Way.choices])
    carer = forms.CharField(label=_("新的照料人"), max_length=60)
    relation = forms.CharField(label=_("与孩子的关系"), max_length=40, required=False)
    contact = forms.CharField(label=_("照料人电话和住址"), max_length=200)
    reason = forms.CharField(label=_("变更原因"), max_length=200)
    field_order = ("uuid", "version", "way", "carer", "relation", "contact", "reason")


class EndForm(HandedForm):
    """How a care ends; the sheet is left out only where it was broken off."""

    outcome = forms.ChoiceField(
        label=_("怎样结束"), choices=[*CHOOSE, *(each for each in Care.Outcome.choices if each[0] != Care.Outcome.GUARDIANSHIP)]
    )
    note = area_of_text(_("结束的原因"), 2, max_length=1000, help_text=_("照料中断的不填交接，孩子随即列入“无人照料”"))
    field_order = ("uuid", "version", "outcome", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["given_by"].required = self.fields["taken_by"].required = False


class ReviewForm(StepForm):
    verdict = forms.ChoiceField(label=_("评估结论"), choices=[*CHOOSE, *CareReview.Verdict.choices])
    note = area_of_text(_("孩子和监护人的情况"), max_length=2000, help_text=_("加密保存"))


class ExtendForm(StepForm):
    until = forms.DateField(label=_("延长至"), widget=DayInput())
    reason = forms.CharField(label=_("延长原因"), max_length=200)


class ClaimForm(StepForm):
    starts = forms.DateField(label=_("从"), widget=DayInput())
    ends = forms.DateField(label=_("至（含当日）"), widget=DayInput())
    payee = forms.CharField(label=_("领款人"), max_length=80)


class PaidForm(forms.Form):
    paid_on = forms.DateField(label=_("发放日期"), widget=DayInput())
    voucher = forms.CharField(label=_("付款凭证号或银行回单号"), max_length=60)


class DecideForm(StepForm):
    document = forms.CharField(label=_("决定书文号"), max_length=80, required=False, help_text=_("同意的必填"))
    note = forms.CharField(label=_("意见（不同意必填）"), max_length=200, required=False)


class WithdrawForm(StepForm):
    reason = forms.CharField(label=_("撤回原因"), max_length=200)
