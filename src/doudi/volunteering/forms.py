"""Forms of volunteering for officers. They read; services check."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput, MomentInput
from doudi.registry.codes import ETHNICITIES
from doudi.registry.models import Sex
from doudi.volunteering import codes
from doudi.volunteering.models import Credential, Organisation, Volunteer

NONE = [("", _("不填"))]


def several(label: Any, known: codes.Codes, **words: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, choices=list(known.items()), widget=forms.CheckboxSelectMultiple, **words)


def time_choices() -> list[tuple[str, str]]:
    return [(code, codes.time_word(code)) for code in codes.TIMES]


def own_areas() -> list[tuple[str, str]]:
    """The reader's own division and those directly below."""
    area = scopes.current().area
    own = [(area, places.name(area))] if len(area) >= 6 else []
    return own + (places.children(area) if len(area) < 12 else [])


class KeyForm(forms.Form):
    """A form that makes something: sent twice it makes it once."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("key", uuid4())


class VersionForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)


class OrganisationFields(forms.Form):
    name = forms.CharField(label=_("名称"), max_length=100)
    contact_name = forms.CharField(label=_("联系人"), max_length=60)
    contact_phone = forms.CharField(label=_("联系人手机"), max_length=30, help_text=_("联系人用这个手机号登录公开页面，办理签到"))
    address = forms.CharField(label=_("地址"), max_length=120, required=False)
    abilities = several(_("服务能力"), codes.ABILITIES)
    areas = forms.MultipleChoiceField(label=_("服务地区"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("不选为登记地全域"))
    on_call = forms.BooleanField(label=_("应急值守：接紧急需求"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["areas"].choices = own_areas()  # type: ignore[attr-defined]


class OrganisationForm(KeyForm, OrganisationFields):
    kind = forms.ChoiceField(label=_("类别"), choices=Organisation.Kind.choices)
    code = forms.CharField(label=_("统一社会信用代码"), max_length=24)
    area = forms.ChoiceField(label=_("登记地"))
    field_order = ["key", "name", "kind", "code", "area", "contact_name", "contact_phone", "address", "on_call", "areas", "abilities"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = own_areas()  # type: ignore[attr-defined]


class OrganisationChangeForm(VersionForm, OrganisationFields):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact_phone"].required = False
        self.fields["contact_phone"].help_text = _("不改的不填")


class CredentialForm(forms.Form):
    kind = forms.ChoiceField(label=_("资质"), choices=Credential.Kind.choices)
    number = forms.CharField(label=_("证书编号"), max_length=60)
    issuer = forms.CharField(label=_("发证机关"), max_length=100, required=False)
    starts = forms.DateField(label=_("发证日期"), required=False, widget=DayInput())
    expires = forms.DateField(label=_("到期日期"), required=False, widget=DayInput(), help_text=_("长期有效的不填"))


class ProfileFields(forms.Form):
    skills = several(_("服务技能"), codes.SKILLS)
    services = several(_("愿意做的服务"), codes.SERVICES)
    times = forms.MultipleChoiceField(label=_("可服务时间"), required=False, widget=forms.CheckboxSelectMultiple)
    distance = forms.IntegerField(label=_("愿意前往的距离（公里）"), min_value=0, max_value=200, initial=5)
    ethnicity = forms.ChoiceField(label=_("民族"), required=False, choices=[*NONE, *ETHNICITIES.items()])
    political = forms.ChoiceField(label=_("政治面貌"), required=False, choices=[*NONE, *codes.POLITICAL.items()])
    education = forms.ChoiceField(label=_("文化程度"), required=False, choices=[*NONE, *codes.EDUCATION.items()])
    employment = forms.ChoiceField(label=_("从业状况"), required=False, choices=[*NONE, *codes.EMPLOYMENT.items()])
    address = forms.CharField(label=_("居住地址"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["times"].choices = time_choices()  # type: ignore[attr-defined]


PROFILE = ("skills", "services", "times", "distance", "ethnicity", "political", "education", "employment", "address")


class PersonFields(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    document_kind = forms.ChoiceField(label=_("证件类别"), choices=Volunteer.Document.choices)
    document = forms.CharField(label=_("证件号码"), max_length=40)
    sex = forms.ChoiceField(label=_("性别"), required=False, choices=[("", _("身份证不用填")), *Sex.choices])
    birth_date = forms.DateField(label=_("出生日期"), required=False, widget=DayInput(), help_text=_("身份证不用填"))


class GuardianFields(forms.Form):
    guardian_name = forms.CharField(label=_("监护人姓名"), max_length=60, required=False)
    guardian_relation = forms.CharField(label=_("与本人关系"), max_length=20, required=False)
    guardian_phone = forms.CharField(label=_("监护人电话"), max_length=30, required=False)


class VolunteerForm(KeyForm, PersonFields, GuardianFields, ProfileFields):
    area = forms.ChoiceField(label=_("所在地"))
    phone = forms.CharField(label=_("手机号"), max_length=30)
    organisation = forms.ChoiceField(label=_("所属组织"), required=False)
    field_order = [
        "key", "name", "document_kind", "document", "sex", "birth_date", "phone", "area", "organisation", "guardian_name", "guardian_relation", "guardian_phone",
        "distance", *PROFILE[4:], "skills", "services", "times",
    ]  # fmt: skip

    def __init__(self, organisations: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = own_areas()  # type: ignore[attr-defined]
        self.fields["organisation"].choices = [("", _("个人志愿者")), *organisations]  # type: ignore[attr-defined]
        self.fields["guardian_name"].help_text = _("未满 18 周岁的必填")


class VolunteerChangeForm(VersionForm, ProfileFields):
    phone = forms.CharField(label=_("新手机号"), max_length=30, required=False, help_text=_("不改的不填"))
    organisation = forms.ChoiceField(label=_("所属组织"), required=False)
    field_order = ["version", "phone", "organisation", "distance", *PROFILE[4:], "skills", "services", "times"]

    def __init__(self, organisations: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].choices = [("", _("个人志愿者")), *organisations]  # type: ignore[attr-defined]


class ConsentForm(VersionForm, GuardianFields):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["guardian_name"].required = True
        self.fields["guardian_phone"].help_text = _("已登记的不填")


class TrainingForm(forms.Form):
    on = forms.DateField(label=_("培训日期"), widget=DayInput())
    title = forms.CharField(label=_("培训内容"), max_length=100)
    hours = forms.DecimalField(label=_("时长（小时）"), max_digits=5, decimal_places=1, min_value=0)
    by = forms.CharField(label=_("培训单位"), max_length=100, required=False)


class ShiftFields(forms.Form):
    post = forms.CharField(label=_("岗位"), max_length=40)
    starts = forms.DateTimeField(label=_("开始"), widget=MomentInput())
    ends = forms.DateTimeField(label=_("结束"), widget=MomentInput())
    capacity = forms.IntegerField(label=_("名额"), min_value=1, max_value=500)


class ActivityForm(KeyForm, ShiftFields):
    title = forms.CharField(label=_("活动名称"), max_length=60)
    kind = forms.ChoiceField(label=_("服务类别"), choices=())
    organisation = forms.ChoiceField(label=_("组织方"), required=False)
    area = forms.ChoiceField(label=_("地区"))
    place = forms.CharField(label=_("集合地点"), max_length=80)
    phone = forms.CharField(label=_("咨询电话"), max_length=20, help_text=_("对外公开的号码"))
    words = forms.CharField(label=_("做什么、带什么"), max_length=600, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("公开显示，不写求助人的姓名和住址"))
    skills = several(_("需要的技能"), codes.SKILLS)
    minors = forms.BooleanField(label=_("未成年人可以参加（监护人同意的）"), required=False)
    field_order = ["key", "title", "kind", "organisation", "area", "place", "phone", "post", "starts", "ends", "capacity", "words", "minors", "skills"]

    def __init__(self, organisations: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = list(codes.SERVICES.items())  # type: ignore[attr-defined]
        self.fields["area"].choices = own_areas()  # type: ignore[attr-defined]
        self.fields["organisation"].choices = [("", _("民政部门组织")), *organisations]  # type: ignore[attr-defined]


class ProposalForm(ActivityForm):
    """An activity as an organisation's contact drafts it: of their own organisation, in its place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__([], *args, **kwargs)
        del self.fields["organisation"], self.fields["area"]


class TimesForm(forms.Form):
    starts = forms.DateTimeField(label=_("开始"), widget=MomentInput())
    ends = forms.DateTimeField(label=_("结束"), widget=MomentInput())


class CorrectForm(VersionForm, TimesForm):
    reason = forms.CharField(label=_("更正原因"), max_length=200)


class EvaluateForm(VersionForm):
    evaluation = forms.TypedChoiceField(
        label=_("评价"), coerce=int, choices=[(5, _("5 分 很好")), (4, _("4 分 好")), (3, _("3 分 一般")), (2, _("2 分 不好")), (1, _("1 分 很不好"))]
    )
    remark = forms.CharField(label=_("说明"), max_length=300, required=False)


class PeriodForm(forms.Form):
    starts = forms.DateField(label=_("从"), widget=DayInput())
    ends = forms.DateField(label=_("到"), widget=DayInput())
