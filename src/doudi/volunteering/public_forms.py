"""Forms of the public pages of volunteers and organisations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.models import Division
from doudi.core.public import PublicForm
from doudi.volunteering import codes
from doudi.volunteering.forms import PROFILE, GuardianFields, PersonFields, ProfileFields, VersionForm, several
from doudi.volunteering.models import Organisation

GUARDS = ("website", "answer", "sealed")


def towns(county: str) -> list[tuple[str, str]]:
    return list(Division.objects.filter(parent_id=county, ends__isnull=True).order_by("code").values_list("code", "name"))


class PhoneForm(PublicForm):
    phone = forms.CharField(label=_("手机号"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}))
    field_order = ["phone", *GUARDS]


class CodeForm(forms.Form):
    code = forms.CharField(label=_("短信验证码"), max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}))


class JoinForm(PublicForm, PersonFields, GuardianFields, ProfileFields):
    """A volunteer's own registration."""

    area = forms.ChoiceField(label=_("所在乡镇（街道）"), choices=())
    agree = forms.BooleanField(label=_("我自愿参加志愿服务，所填情况属实；知道信息只用于志愿服务的管理和对接"))
    field_order = [
        "name", "document_kind", "document", "sex", "birth_date", "area", "address", "guardian_name", "guardian_relation", "guardian_phone", "skills", "services",
        "times", "distance", *PROFILE[4:8], "agree", *GUARDS,
    ]  # fmt: skip

    def __init__(self, *args: Any, county: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = [("", _("请选择")), *towns(county), (county, _("不清楚"))]  # type: ignore[attr-defined]
        self.fields["guardian_name"].help_text = _("未满 18 周岁的必填；工作人员会与监护人核实，监护人同意后才能参加")


class OrganisationJoinForm(PublicForm):
    """An organisation's own registration; the proved phone is that of its contact."""

    name = forms.CharField(label=_("组织名称"), max_length=100)
    kind = forms.ChoiceField(label=_("类别"), choices=Organisation.Kind.choices, widget=forms.RadioSelect)
    code = forms.CharField(label=_("统一社会信用代码"), max_length=24)
    contact_name = forms.CharField(label=_("联系人"), max_length=60)
    address = forms.CharField(label=_("地址"), max_length=120, required=False)
    abilities = several(_("服务能力"), codes.ABILITIES)
    areas = forms.MultipleChoiceField(label=_("服务地区"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("不选为全县（市、区）"))
    on_call = forms.BooleanField(label=_("应急值守：接紧急需求"), required=False)
    field_order = ["name", "kind", "code", "contact_name", "address", "abilities", "areas", "on_call", *GUARDS]

    def __init__(self, *args: Any, county: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["areas"].choices = towns(county)  # type: ignore[attr-defined]


class OwnProfileForm(VersionForm, ProfileFields):
    field_order = ["version", "skills", "services", "times", "distance", *PROFILE[4:]]


class CertificateCodeForm(forms.Form):
    code = forms.CharField(label=_("核验码"), max_length=60, help_text=_("证明下方 26 位字母和数字"))
