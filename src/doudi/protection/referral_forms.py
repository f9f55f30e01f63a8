"""Forms of referrals and transfers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core.models import Division, Duty
from doudi.protection.care_forms import CHOOSE, StepForm, area_of_text
from doudi.protection.models import Referral
from doudi.protection.sections import SECTIONS, may_read
from doudi.protection.services import Offer
from doudi.protection.services.referring import RECEIVERS

OUTSIDE = "outside"


def counties() -> list[tuple[str, str]]:
    """(code, city and county) of the province; one query."""
    rows = (
        Division.objects.filter(level="county", ends__isnull=True, statistical_only=False)
        .order_by("code")
        .values_list("code", "name", "parent__name")
    )
    return [(code, f"{city} {name}") for code, name, city in rows]


class OfferForm(StepForm):
    """Refer to a service, here or in another county, or transfer the case."""

    service = forms.ChoiceField(
        label=_("需要的服务"), choices=[*CHOOSE, *Referral.Service.choices], help_text=_("“个案移交”连同全部办理记录交给对方负责")
    )
    receiver = forms.ChoiceField(label=_("转给"))
    to_area = forms.ChoiceField(label=_("接收地"), help_text=_("外县的转给县一级，由其分派"))
    to_name = forms.CharField(label=_("系统外单位名称"), max_length=80, required=False, help_text=_("学校、医院等；答复由您代为登记"))
    ground = forms.ChoiceField(label=_("依据"), choices=Referral.Ground.choices)
    ground_note = forms.CharField(label=_("何人何时同意，或决定文号"), max_length=500, required=False)
    purpose = area_of_text(_("需要对方做什么"), max_length=2000)
    sections = forms.MultipleChoiceField(
        label=_("同时提供的档案内容"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("姓名、性别、年龄总会提供；其余只提供勾选的，按现在的内容固定；移交的可不选"),
    )  # fmt: skip

    def __init__(self, *args: Any, area: str, duty: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["receiver"].choices = [*((code, Duty(code).label) for code in RECEIVERS), (OUTSIDE, _("系统外单位"))]  # type: ignore[attr-defined]
        own = area[:6]
        self.fields["to_area"].choices = [  # type: ignore[attr-defined]
            (_("本县"), [(own, places.name(own)), *places.children(own)]), (_("其他县（市、区）"), [each for each in counties() if each[0] != own]),
        ]  # fmt: skip
        self.fields["sections"].choices = [(each.code, each.label) for each in SECTIONS.values() if each.fields and may_read(each.code, duty)]  # type: ignore[attr-defined]

    def offer(self) -> Offer:
        data = self.cleaned_data
        outside = data["receiver"] == OUTSIDE
        transfer = data["service"] == Referral.Service.CASE
        return Offer(
            kind=Referral.Kind.TRANSFER if transfer else Referral.Kind.REFERRAL, service=data["service"], to_area=data["to_area"],
            to_duty="" if outside else data["receiver"], to_name=data["to_name"] if outside else "", ground=data["ground"], ground_note=data["ground_note"],
            purpose=data["purpose"], sections=tuple(data["sections"]),
        )  # fmt: skip

